"""What an answer is made of, and what is kept about it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from frontdesk.access.layers import EffectiveScope
from frontdesk.access.model import Assurance, all_of
from frontdesk.answers.wording import NOTHING_FOUND
from frontdesk.channels.model import Inbox
from frontdesk.contacts.model import Contact
from frontdesk.core.ids import DocumentId, MessageId, SessionId
from frontdesk.identities.model import SignedClaims
from frontdesk.knowledge.search import Hit, SearchResult

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
class Voice:
    """How a message came: through which session, how that session is proven now, and what its proof may set."""

    assurance: Assurance
    session_id: SessionId | None = None
    claims: SignedClaims = field(default_factory=SignedClaims)


@dataclass(frozen=True, slots=True)
class Way:
    """A voice, and how the message itself and the page around it narrow what it may read."""

    voice: Voice
    message: Mapping[str, Any] | None = None
    page: Mapping[str, Any] | None = None


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
    ways: tuple[Way, ...] = ()  # in which the messages came


def share_answer(askers: Sequence[Asker]) -> Asker:
    """Return as whom one answer to several is given: the least proven of them, who reads what every one of them may."""
    weakest = min(askers, key=lambda asker: asker.assurance)
    steps = dict.fromkeys(step for asker in askers for step in asker.scope.steps)
    return replace(
        weakest,
        scope=EffectiveScope(all_of(*(asker.scope.scope for asker in askers)), tuple(steps)),
        scope_version=min(asker.scope_version for asker in askers),
        ways=tuple(way for asker in askers for way in asker.ways),
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
    permitted_count: int  # documents that could have been found
    permitted_chunks: int  # and their passages
    model: str
    timing: Mapping[str, float]  # milliseconds: search, model

    @classmethod
    def of(
        cls, content: str, sources: Sequence[Source], result: SearchResult, model: str, timing: Mapping[str, float]
    ) -> "Draft":
        """Return a draft; what it cites is read from `content`, numbers that were never given are no citations."""
        given = {source.number for source in sources}
        cited = frozenset(number for number in map(int, _CITED.findall(content)) if number in given)
        is_found = content not in NOTHING_FOUND.values()
        counts = result.permitted_count, result.permitted_chunks
        return cls(content, is_found, tuple(sources), cited, *counts, model, timing)


@dataclass(frozen=True, slots=True)
class Citation:
    """A source as the reader sees it."""

    message_id: MessageId
    number: int
    document_id: DocumentId
    kind: str
    title: str
    page_number: int | None
