"""What is remembered of a contact, and which of it a session may use: rules that need no I/O."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, NewType
from uuid import UUID

from frontdesk.access.model import Assurance
from frontdesk.core.ids import ConversationId, MessageId

FactId = NewType("FactId", UUID)

MAX_TOPIC: Final = 60
MAX_FACT: Final = 300
MAX_SUMMARY: Final = 1_000
_SUMMARY_LINES: Final = 6
_LINE: Final = 160
_CARD_NUMBER: Final = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_CREDENTIAL: Final = re.compile(r"\b(?:password|passcode|pin code|cvv|cvc)\b|密碼|驗證碼|安全碼", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that a message says of its writer. What stands before a colon in `topic` is its kind."""

    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is remembered. `message_id` None: a member wrote it; else `written_by` names who corrected it."""

    id: FactId
    topic: str
    text: str
    message_id: MessageId | None
    conversation_id: ConversationId | None
    learned_assurance: Assurance
    written_by: str | None
    learned_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "learned_assurance", Assurance(self.learned_assurance))

    @property
    def kind(self) -> str:
        """The topic without what it is about: `allergy` of `allergy:peanuts`."""
        return self.topic.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a contact lately wrote about in sessions of exactly this assurance."""

    learned_assurance: Assurance
    text: str
    conversation_ids: Sequence[ConversationId]
    through_message_id: MessageId | None
    written_by: str | None
    updated_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "learned_assurance", Assurance(self.learned_assurance))


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one contact: facts, the latest first, and a summary for each assurance that has one."""

    facts: Sequence[Fact] = ()
    summaries: Sequence[Summary] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.facts or self.summaries)


def may_use(learned: Assurance, session: Assurance, *, has_identity: bool) -> bool:
    """Say whether a session may use what was learned at `learned`.

    Source: product, "Identity: who is talking": sessions of at least that assurance; a card that became known does not
    open to an unproven browser.
    """
    return session >= learned and (session >= Assurance.CHANNEL or not has_identity)


def usable(memory: Memory, session: Assurance, *, has_identity: bool) -> Memory:
    """Return what of `memory` a session of that assurance may use."""
    return Memory(
        [one for one in memory.facts if may_use(one.learned_assurance, session, has_identity=has_identity)],
        [one for one in memory.summaries if may_use(one.learned_assurance, session, has_identity=has_identity)],
    )


def unite_summaries(summaries: Iterable[Summary]) -> list[Summary]:
    """Return one summary for each assurance, the weakest first: the lines of all, in their order."""
    united: dict[Assurance, Summary] = {}
    for one in summaries:
        before = united.get(one.learned_assurance)
        united[one.learned_assurance] = one if before is None else _unite(before, one)
    return [united[assurance] for assurance in sorted(united)]


def _unite(before: Summary, later: Summary) -> Summary:
    lines = dict.fromkeys([*before.text.splitlines(), *later.text.splitlines()])
    return replace(
        later,
        text="\n".join(lines)[-MAX_SUMMARY:],
        conversation_ids=sorted({*before.conversation_ids, *later.conversation_ids}),
        written_by=later.written_by or before.written_by,
    )


def roll_summary(before: str, sentence: str) -> str:
    """Return the summary with one more sentence at its end; the oldest lines leave when it grows too long."""
    line = shorten(plain(sentence), _LINE)
    if not line or is_secret(line):
        return before
    lines = [one for one in before.splitlines() if one != line][-_SUMMARY_LINES + 1 :]
    return "\n".join([*lines, line])[-MAX_SUMMARY:]


def clean_statements(statements: Iterable[Statement]) -> list[Statement]:
    """Return statements as they may be kept: plain, short, one per topic, without secrets."""
    kept: dict[str, Statement] = {}
    for one in statements:
        topic, text = clean_topic(one.topic), shorten(plain(one.text), MAX_FACT)
        if topic and text and not is_secret(text):
            kept.setdefault(topic, Statement(topic, text))
    return list(kept.values())


def clean_topic(topic: str) -> str:
    """Return a topic in small letters without what could be anything but a name; empty when nothing is left."""
    kind, colon, about = plain(topic).casefold().partition(":")
    kind = re.sub(r"[^\w]+", "_", kind).strip("_")
    about = key_of(about)
    return f"{kind}:{about}"[:MAX_TOPIC] if kind and colon and about else kind[:MAX_TOPIC]


def key_of(value: str) -> str:
    """Return `value` as a part of a topic: equal for what only differs in case, spaces or signs."""
    return re.sub(r"[^\w]+", " ", value.casefold()).strip()[:40]


def plain(text: str) -> str:
    """Return text in one line, without control and formatting characters."""
    kept = "".join(" " if letter.isspace() else letter for letter in text)
    kept = "".join(letter for letter in kept if unicodedata.category(letter)[0] != "C")
    return " ".join(kept.split())


def shorten(text: str, length: int) -> str:
    """Return text of at most `length` characters."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def is_secret(text: str) -> bool:
    """Say whether text holds what nobody should remember: a payment card's number, a password."""
    return bool(_CREDENTIAL.search(text)) or any(_is_card(number) for number in _CARD_NUMBER.findall(text))


def _is_card(number: str) -> bool:
    """Source: ISO/IEC 7812-1, annex B (the Luhn check)."""
    digits = [int(letter) for letter in number if letter.isdigit()][::-1]
    doubled = [2 * digit - 9 * (digit > 4) for digit in digits[1::2]]  # noqa: PLR2004 -- two digits are added up
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
