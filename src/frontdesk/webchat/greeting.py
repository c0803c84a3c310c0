"""The first words of a chat."""

from typing import Final

_HELLO: Final = {
    "en": ("Hello. Ask me about our products, orders or service.", "Hello {name}. What can I do for you?"),
    "zh": ("您好，歡迎詢問商品、訂單或服務的問題。", "{name}，您好。有什麼可以為您服務的嗎？"),
}


def choose_language(accept_language: str) -> str:
    """Return the language of the chat, "en" or "zh-Hant", for what a browser asks first. Source: RFC 9110, 12.5.4."""
    first = accept_language.split(",", maxsplit=1)[0].strip().lower()
    return "zh-Hant" if first.startswith("zh") else "en"


def greet(name: str | None, language: str, own: str = "") -> str:
    """Return the greeting; a proven contact is greeted by name. `own` is the inbox's wording, for everybody else."""
    anybody, somebody = _HELLO["zh" if language.lower().startswith("zh") else "en"]
    return somebody.format(name=name) if name else own or anybody
