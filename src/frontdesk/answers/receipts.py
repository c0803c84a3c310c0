"""What is kept about an answer: as whom it was given, what could be read, what was given and cited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from frontdesk.access.model import Assurance, Scope, all_of
from frontdesk.access.scope_json import parse_scope, render_scope
from frontdesk.answers.model import Voice, Way
from frontdesk.core.ids import AnswerId, ContactId, ConversationId, DocumentId, MessageId, ProfileId, SessionId
from frontdesk.identities.model import SignedClaims


@dataclass(frozen=True, slots=True)
class Receipt:
    """How an answer came about. Of one given before receipts could be replayed, the ways and questions are empty."""

    id: AnswerId
    message_id: MessageId
    conversation_id: ConversationId
    contact_id: ContactId
    session_id: SessionId | None
    assurance: Assurance
    steps: Sequence[Mapping[str, Any]]  # the layers, widest first: `step` is the name, `scope` what it alone would open
    scope_version: int
    permitted_count: int  # documents
    permitted_chunks: int | None  # None: not counted then
    question_ids: Sequence[MessageId]
    raw_ways: Sequence[Mapping[str, Any]]
    model: str
    is_found: bool
    timing: Mapping[str, float]  # milliseconds: search, model
    created_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "assurance", Assurance(self.assurance))

    @property
    def scope(self) -> Scope | None:
        """What could be read then; None when that was not kept, or was erased."""
        scopes = [parse_scope(step["scope"]) for step in self.steps]
        known = [scope for scope in scopes if scope is not None]
        return all_of(*known) if known and len(known) == len(scopes) else None

    @property
    def ways(self) -> list[Way]:
        """In which ways the messages came, as they were proven then."""
        return [_parse_way(raw) for raw in self.raw_ways]


@dataclass(frozen=True, slots=True)
class GivenPassage:
    """A passage that the model was given for an answer. `title` None: its document is gone."""

    message_id: MessageId
    number: int
    document_id: DocumentId
    kind: str | None
    title: str | None
    page_number: int | None
    score: float
    is_cited: bool
    is_unchanged: bool  # the passage still says what it said; False when that cannot be told


def render_way(way: Way) -> dict[str, Any]:
    """Return `way` as it is kept."""
    voice = way.voice
    return {
        "assurance": int(voice.assurance),
        "session": None if voice.session_id is None else str(voice.session_id),
        "access_profiles": [str(one) for one in voice.claims.access_profiles],
        "query_metadata": voice.claims.query_metadata,
        "message": way.message,
        "page": way.page,
    }


def render_steps(steps: Sequence[tuple[str, Scope]]) -> list[dict[str, Any]]:
    """Return the layers as they are kept."""
    return [{"step": name, "scope": render_scope(scope)} for name, scope in steps]


def _parse_way(raw: Mapping[str, Any]) -> Way:
    session = None if raw["session"] is None else SessionId(UUID(raw["session"]))
    profiles = tuple(ProfileId(UUID(one)) for one in raw["access_profiles"])
    voice = Voice(Assurance(raw["assurance"]), session, SignedClaims(profiles, raw["query_metadata"]))
    return Way(voice, raw["message"], raw["page"])
