"""What the assistant says by itself, in the language of the question. One wording each, whatever the reason."""

from typing import Final

NOTHING_FOUND: Final = {
    "en": "I found nothing on that. Shall I ask a member of staff?",
    "zh": "我找不到相關資料。需要我請專人協助嗎？",
}
RULES_CHANGED: Final = {
    "en": "One moment, I am looking again.",
    "zh": "請稍候，我重新查詢一次。",
}


def say(wording: dict[str, str], language: str) -> str:
    """Return the wording in `language` ("zh" or anything else for English)."""
    return wording["zh" if language == "zh" else "en"]
