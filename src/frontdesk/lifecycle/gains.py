"""What somebody could newly read if one card's access took the place of another's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from frontdesk.access.layers import ContactAccess, InboxAccess, SessionAccess, effective_scope, person_scope
from frontdesk.access.model import Assurance, Scope
from frontdesk.access.sql import compile_predicate
from frontdesk.answers.askers import assurances_of, load_access
from frontdesk.channels.model import ChannelType, Inbox
from frontdesk.contacts.queries import get_contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId
from frontdesk.knowledge.search import PermittedDocument

_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Gains:
    """Documents that become readable in some inbox, for a visitor or for a proven person; the first by title."""

    count: int
    documents: tuple[PermittedDocument, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What one card says about access, and what the inboxes open in which it matters."""

    access: ContactAccess
    inboxes: tuple[tuple[ChannelType, InboxAccess], ...]


async def load_reach(tx: Tx, contact_id: ContactId, inboxes: Sequence[Inbox]) -> Reach:
    """Return what the contact's card opens now in each of `inboxes`."""
    contact = await get_contact(tx, contact_id)
    found = [(inbox.channel_type, await load_access(tx, contact, inbox)) for inbox in inboxes]
    access = found[0][1][1] if found else ContactAccess(None, (), contact.profiles_mode, has_identity=False)
    return Reach(access, tuple((kind, opened) for kind, (opened, _) in found))


def unite(survivor: Reach, others: Iterable[Reach], *, profiles: bool) -> Reach:
    """Return what the survivor's card opens after a merge; `profiles`: those of the others are accepted."""
    others = list(others)
    held = [survivor.access.profiles, *(other.access.profiles for other in others if profiles)]
    access = replace(
        survivor.access,
        profiles=tuple(dict.fromkeys(profile for some in held for profile in some)),
        has_identity=any(reach.access.has_identity for reach in (survivor, *others)),
    )
    return replace(survivor, access=access)


async def find_gains(tx: Tx, before: Reach, after: ContactAccess) -> Gains:
    """Return what people of `before` could newly read if their card said `after`, whatever the inbox and the proof."""
    conditions: list[str] = []
    params: dict[str, object] = {"organization": tx.organization_id}
    for kind, opened in before.inboxes:
        for assurance in assurances_of(kind, is_known=before.access.has_identity and after.has_identity):
            old, new = scope_in(opened, before.access, assurance), scope_in(opened, after, assurance)
            if old != new:
                number = len(conditions)
                allowed, more = compile_predicate(new, prefix=f"new{number}")
                excluded, fewer = compile_predicate(old, prefix=f"old{number}")
                conditions.append(f"({allowed} AND NOT {excluded})")
                params |= more | fewer
    if not conditions:
        return Gains(0, ())
    sql = f"""
        SELECT d.id, d.knowledge_base_id, d.kind, d.title FROM documents d
         WHERE d.organization_id = %(organization)s AND ({" OR ".join(conditions)})
    """
    count = await tx.fetch_value(f"SELECT count(*) FROM ({sql}) AS gained", params)
    first = await tx.fetch_as(PermittedDocument, f"{sql} ORDER BY d.title, d.id LIMIT {_SHOWN}", params)
    return Gains(count, tuple(first))


def scope_in(inbox: InboxAccess, contact: ContactAccess, assurance: Assurance) -> Scope:
    """Return what a person of this card reads in the inbox when it is proven so, with nothing claimed or asked."""
    return effective_scope(inbox, person_scope(inbox, contact, SessionAccess(assurance))).scope
