"""How the layers join: the formula of who may read what, over scopes that are already parsed.

    scope  = assistant's bases AND inbox AND person AND signed claim AND message AND page
    person = the contact's own, else its profiles, else the inbox's visitor or member scope

None is a layer that is absent. Every step is joined by AND, so none can add a document to the one before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from frontdesk.access.model import All, Assurance, KnowledgeBase, Nothing, Scope, all_of, any_of
from frontdesk.core.ids import KnowledgeBaseId

ProfilesMode: TypeAlias = Literal["replace", "add"]
StepName: TypeAlias = Literal[
    "assistant",
    "inbox",
    "contact",
    "profiles",
    "contact_and_profiles",
    "visitor_scope",
    "member_scope",
    "roles",
    "claim",
    "message",
    "page",
]


@dataclass(frozen=True, slots=True)
class InboxAccess:
    """What an inbox and its assistant open."""

    bases: frozenset[KnowledgeBaseId]  # of the assistant
    query_metadata: Scope | None
    visitor_scope: Scope | None
    member_scope: Scope | None


@dataclass(frozen=True, slots=True)
class ProfileAccess:
    """An access profile in somebody's hands."""

    scope: Scope | None
    minimum_assurance: Assurance = Assurance.CHANNEL


@dataclass(frozen=True, slots=True)
class ContactAccess:
    """What is written on a contact's card about its access."""

    query_metadata: Scope | None
    profiles: tuple[ProfileAccess, ...]  # as assigned
    profiles_mode: ProfilesMode
    has_identity: bool


@dataclass(frozen=True, slots=True)
class SessionAccess:
    """How the contact was proven, and what the proof itself says about access."""

    assurance: Assurance
    profiles: tuple[ProfileAccess, ...] = ()  # claimed by a signed token: added to the assigned ones
    query_metadata: Scope | None = None  # claimed by a signed token: narrows like a message


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the narrowing path: what this layer alone would open."""

    name: StepName
    scope: Scope


@dataclass(frozen=True, slots=True)
class EffectiveScope:
    """What one message may read, and the steps that led there, widest first."""

    scope: Scope
    steps: tuple[Step, ...]


def effective_scope(
    inbox: InboxAccess,
    person: Sequence[Step],
    *,
    message: Scope | None = None,
    page: Scope | None = None,
) -> EffectiveScope:
    """Join all layers of one message. `person` comes from `person_scope` or `staff_scope`."""
    steps = (
        Step("assistant", any_of(*map(KnowledgeBase, sorted(inbox.bases)))),
        Step("inbox", _or_unrestricted(inbox.query_metadata)),
        *person,
        Step("message", _or_unrestricted(message)),
        Step("page", _or_unrestricted(page)),
    )
    return EffectiveScope(all_of(*(step.scope for step in steps)), steps)


def person_scope(inbox: InboxAccess, contact: ContactAccess, session: SessionAccess) -> tuple[Step, ...]:
    """Return what the person in this session may read, as steps to be joined by AND.

    A card that has an identity does not open to a session that proved none: such a session reads at most what any
    visitor reads.
    """
    visitor = Step("visitor_scope", _union([inbox.visitor_scope]))
    is_proven = session.assurance >= Assurance.CHANNEL
    own = _own_step(contact, session)
    claim = () if session.query_metadata is None else (Step("claim", session.query_metadata),)
    if own is None:
        return (Step("member_scope", _union([inbox.member_scope])) if is_proven else visitor, *claim)
    return (visitor, own, *claim) if contact.has_identity and not is_proven else (own, *claim)


def staff_scope(role_scopes: Iterable[Scope | None]) -> tuple[Step, ...]:
    """Return what a member who tries an assistant reads: the union of their roles' query metadata."""
    return (Step("roles", _union(role_scopes)),)


def _own_step(contact: ContactAccess, session: SessionAccess) -> Step | None:
    """Return what the card and the proof open by themselves; None when both say nothing."""
    own, profiles = contact.query_metadata, _profiles(contact, session)
    if own is not None and (contact.profiles_mode == "replace" or own == Nothing() or profiles is None):
        return Step("contact", own)  # an own scope that is closed stays closed, whatever the profiles say
    if profiles is None:
        return None
    return Step("profiles", profiles) if own is None else Step("contact_and_profiles", any_of(own, profiles))


def _profiles(contact: ContactAccess, session: SessionAccess) -> Scope | None:
    """Unite the profiles that this session is proven enough for; None only when there are no profiles at all."""
    claimed = session.profiles if session.assurance >= Assurance.SIGNED else ()
    held = contact.profiles + claimed
    if not held:
        return None
    return _union(profile.scope for profile in held if session.assurance >= profile.minimum_assurance)


def _union(scopes: Iterable[Scope | None]) -> Scope:
    return any_of(*(scope for scope in scopes if scope is not None))


def _or_unrestricted(scope: Scope | None) -> Scope:
    return All() if scope is None else scope
