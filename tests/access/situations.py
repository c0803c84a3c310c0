"""A situation, handed to the product: each layer parsed and put where the formula wants it."""

from typing import Any
from uuid import UUID

from tests.access.oracle import Situation

from frontdesk.access.layers import (
    ContactAccess,
    EffectiveScope,
    InboxAccess,
    ProfileAccess,
    SessionAccess,
    Step,
    effective_scope,
    person_scope,
)
from frontdesk.access.model import Assurance, Layer, Scope
from frontdesk.access.parse import parse_query_metadata
from frontdesk.core.ids import KnowledgeBaseId


def scope_of(raw: Any, layer: Layer) -> Scope | None:
    """Parse one layer."""
    return parse_query_metadata(raw, layer=layer).scope


def effective_of(situation: Situation) -> EffectiveScope:
    """Join all layers of the situation, as the product does for one message."""
    return effective_scope(
        inbox_of(situation),
        person_of(situation),
        message=scope_of(situation.message, Layer.MESSAGE),
        page=scope_of(situation.page, Layer.PAGE),
    )


def inbox_of(situation: Situation) -> InboxAccess:
    """Take the inbox's side."""
    return InboxAccess(
        bases=frozenset(KnowledgeBaseId(UUID(base)) for base in situation.bases),
        query_metadata=scope_of(situation.inbox, Layer.INBOX),
        visitor_scope=scope_of(situation.visitor_scope, Layer.VISITOR_SCOPE),
        member_scope=scope_of(situation.member_scope, Layer.MEMBER_SCOPE),
    )


def person_of(situation: Situation) -> tuple[Step, ...]:
    """Take the person's side."""
    contact = ContactAccess(
        query_metadata=scope_of(situation.contact, Layer.CONTACT),
        profiles=_profiles(situation.profiles),
        profiles_mode="add" if situation.profiles_mode == "add" else "replace",
        has_identity=situation.has_identity,
    )
    session = SessionAccess(
        assurance=Assurance(situation.assurance),
        profiles=_profiles(situation.claimed_profiles),
        query_metadata=scope_of(situation.claim, Layer.MESSAGE),
    )
    return person_scope(inbox_of(situation), contact, session)


def _profiles(written: tuple[tuple[Any, int], ...]) -> tuple[ProfileAccess, ...]:
    return tuple(ProfileAccess(scope_of(raw, Layer.PROFILE), Assurance(minimum)) for raw, minimum in written)
