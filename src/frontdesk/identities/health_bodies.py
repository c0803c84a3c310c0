"""Bodies of the API about duplicates, conflicts and what is measured."""

from collections.abc import Sequence
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from frontdesk.core.wire import PageOf, Time, WireModel
from frontdesk.identities.bodies import IdentityBody, render_identity
from frontdesk.identities.cards import ContactView
from frontdesk.identities.conflict_queries import ConflictKind, Resolution, State
from frontdesk.identities.conflicts import Conflict
from frontdesk.identities.duplicate_queries import Search
from frontdesk.identities.duplicates import Duplicate
from frontdesk.identities.health import Health, SharedIdentifier
from frontdesk.identities.matching import Outcome


class SideBody(WireModel):
    """One of two contacts; e-mails and phones are empty for callers who may not see them."""

    id: UUID
    name: str
    source_id: str | None
    identities: Sequence[IdentityBody]
    emails: Sequence[str]
    phone_numbers: Sequence[str]
    created_at: Time
    last_seen_at: Time | None

    @classmethod
    def of(cls, view: ContactView) -> Self:
        """Render one side."""
        card = view.contact
        return cls(
            id=card.id,
            name=card.name,
            source_id=view.primary.source_id if view.primary else None,
            identities=[render_identity(one) for one in view.identities],
            emails=card.emails,
            phone_numbers=card.phones,
            created_at=card.created_at,
            last_seen_at=card.last_seen_at,
        )


class EvidenceBody(WireModel):
    """How one field of two cards compares, such as `emails`, `name` or `attributes.birthday`."""

    field: str
    outcome: Outcome


class DuplicateBody(WireModel):
    """Two contacts who may be one person; the score lies between 0 and 1."""

    contacts: Sequence[SideBody]
    score: float
    evidence: Sequence[EvidenceBody]
    found_at: Time

    @classmethod
    def of(cls, pair: Duplicate) -> Self:
        """Render a pair."""
        return cls(
            contacts=[SideBody.of(pair.first), SideBody.of(pair.second)],
            score=round(pair.score, 3),
            evidence=[EvidenceBody(field=one.field, outcome=one.outcome) for one in pair.evidence],
            found_at=pair.found_at,
        )


class DuplicatePageBody(PageOf):
    """Pairs, the most alike first; above 10,000 the count is an estimate."""

    count_is_estimate: bool
    results: Sequence[DuplicateBody]


class KeepApartBody(WireModel):
    """Two contacts who are two people."""

    contacts: list[UUID] = Field(min_length=2, max_length=2)


class SearchBody(WireModel):
    """The search for duplicates that runs, or the last one; `none`: there was none yet."""

    state: Literal["none", "running", "done"]
    percent: int = 0
    started_at: Time | None = None
    started_by: str | None = None
    finished_at: Time | None = None

    @classmethod
    def of(cls, search: Search | None) -> Self:
        """Render how a search stands."""
        if search is None:
            return cls(state="none")
        return cls(
            state="running" if search.is_running else "done",
            percent=search.percent,
            started_at=search.started_at,
            started_by=search.started_by,
            finished_at=search.finished_at,
        )


class ConflictBody(WireModel):
    """What does not fit. One contact: a profile disagrees with its card, which keeps `kept`."""

    id: UUID
    kind: ConflictKind
    contacts: Sequence[SideBody]
    field: str
    said: Any
    kept: Any
    said_by: str
    state: State
    resolution: Resolution | None
    choices: Sequence[Resolution]
    created_at: Time
    settled_at: Time | None
    settled_by: str | None

    @classmethod
    def of(cls, conflict: Conflict) -> Self:
        """Render a conflict."""
        stated = conflict.stated
        return cls(
            id=conflict.id,
            kind=stated.kind,
            contacts=[SideBody.of(one) for one in (conflict.first, conflict.second) if one],
            field=stated.field,
            said=stated.said,
            kept=stated.kept,
            said_by=stated.by,
            state=conflict.state,
            resolution=conflict.resolution,
            choices=conflict.choices,
            created_at=conflict.created_at,
            settled_at=conflict.settled_at,
            settled_by=conflict.settled_by,
        )


class ConflictPageBody(PageOf):
    """Conflicts, the oldest first."""

    results: Sequence[ConflictBody]


class SettleBody(WireModel):
    """What a member decides."""

    resolution: Resolution


class SessionsBody(WireModel):
    """Sessions that began in a web inbox whose people can be proven."""

    inbox: UUID
    name: str
    signed: int
    unsigned: int
    signed_before: int
    unsigned_before: int


class RefusedBody(WireModel):
    """Proofs that were refused for one reason in one inbox."""

    inbox: UUID
    name: str
    reason: str
    count: int
    count_before: int
    last_at: Time


class HealthBody(WireModel):
    """What is measured over `days`; `…Before` is the period of the same length before. Null: not to be seen."""

    days: int
    sessions: Sequence[SessionsBody]
    refused_proofs: Sequence[RefusedBody]
    contacts_without_identity: int | None
    open_duplicates: int | None
    open_conflicts: int | None

    @classmethod
    def of(cls, health: Health, *, duplicates: int | None, conflicts: int | None) -> Self:
        """Render what was measured."""
        return cls(
            days=health.days,
            sessions=[
                SessionsBody(
                    inbox=one.inbox_id,
                    name=one.inbox_name,
                    signed=one.signed,
                    unsigned=one.unsigned,
                    signed_before=one.signed_before,
                    unsigned_before=one.unsigned_before,
                )
                for one in health.sessions
            ],
            refused_proofs=[
                RefusedBody(
                    inbox=one.inbox_id,
                    name=one.inbox_name,
                    reason=one.reason,
                    count=one.count,
                    count_before=one.count_before,
                    last_at=one.last_at,
                )
                for one in health.refused
            ],
            contacts_without_identity=health.anonymous,
            open_duplicates=duplicates,
            open_conflicts=conflicts,
        )


class SharedBody(WireModel):
    """An e-mail address or a phone number that stands on several cards."""

    kind: Literal["email", "phone"]
    value: str
    count: int
    is_ignored: bool

    @classmethod
    def of(cls, shared: SharedIdentifier) -> Self:
        """Render a shared identifier."""
        return cls(kind=shared.kind, value=shared.value, count=shared.count, is_ignored=shared.is_ignored)


class IgnoreBody(WireModel):
    """Whether an e-mail address or a phone number tells who somebody is."""

    value: str = Field(max_length=254)
    is_ignored: bool = True
