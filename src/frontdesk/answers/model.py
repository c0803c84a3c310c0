"""What an answer is made of, and what is kept about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from frontdesk.access.layers import EffectiveScope
from frontdesk.access.model import Assurance, all_of
from frontdesk.answers.wording import NOTHING_FOUND
from frontdesk.channels.model import Inbox
from frontdesk.contacts.model import Contact
from frontdesk.core.ids import AnswerId, ContactId, ConversationId, DocumentId, MessageId, SessionId
from frontdesk.knowledge.search import Hit

_CITED = re.compile(r"\[(\d{1,2})\]")

EXTRACTIVE = "extractive"  # the name of the model when there is none


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier exchange, as the model may know it."""

    is_question: bool
    text: str


@dataclass(frozen=True, slots=True)
class History:
    """The turns before a question, and all documents that they may be made of."""

    turns: Sequence[Turn] = ()
    recalled: frozenset[DocumentId] = frozenset()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as whom the answer is given, and what that person may read right now."""

    contact: Contact
    inbox: Inbox
    assurance: Assurance
    session_id: SessionId | None
    scope: EffectiveScope
    scope_version: int
    known: tuple[tuple[str, object], ...] = ()  # labels and values of the card that the assistant may know in it


def share_answer(askers: Sequence[Asker]) -> Asker:
    """Return as whom one answer to several is given: the least proven of them, who reads what every one of them may."""
    weakest = min(askers, key=lambda asker: asker.assurance)
    steps = dict.fromkeys(step for asker in askers for step in asker.scope.steps)
    return replace(
        weakest,
        scope=EffectiveScope(all_of(*(asker.scope.scope for asker in askers)), tuple(steps)),
        scope_version=min(asker.scope_version for asker in askers),
    )


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that is given to the model, under the number by which it is cited."""

    number: int
    hit: Hit


@dataclass(frozen=True, slots=True)
class Draft:
    """A finished answer that is not stored yet."""

    content: str
    is_found: bool
    sources: tuple[Source, ...]  # everything that the model was given
    cited: frozenset[int]
    permitted_count: int
    model: str
    timing: Mapping[str, float]  # milliseconds: search, model

    @classmethod
    def of(
        cls, content: str, sources: Sequence[Source], permitted_count: int, model: str, timing: Mapping[str, float]
    ) -> "Draft":
        """Return a draft; what it cites is read from `content`, numbers that were never given are no citations."""
        given = {source.number for source in sources}
        cited = frozenset(number for number in map(int, _CITED.findall(content)) if number in given)
        is_found = content not in NOTHING_FOUND.values()
        return cls(content, is_found, tuple(sources), cited, permitted_count, model, timing)


@dataclass(frozen=True, slots=True)
class Citation:
    """A source as the reader sees it."""

    message_id: MessageId
    number: int
    document_id: DocumentId
    kind: str
    title: str
    page_number: int | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an answer came about."""

    id: AnswerId
    message_id: MessageId
    conversation_id: ConversationId
    contact_id: ContactId
    session_id: SessionId | None
    assurance: Assurance
    scope: Sequence[Any]
    scope_version: int
    permitted_count: int
    model: str
    is_found: bool
    timing: Mapping[str, float]
    created_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "assurance", Assurance(self.assurance))
