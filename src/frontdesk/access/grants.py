"""Nobody opens a document to others that they neither see nor hold themselves."""

from collections.abc import Iterable

from frontdesk.access.layers import ContactAccess, InboxAccess, SessionAccess, person_scope
from frontdesk.access.model import Assurance, Layer, Nothing, Scope, all_of, any_of
from frontdesk.access.reading import load_reader
from frontdesk.access.sql import compile_predicate
from frontdesk.core.db import Tx
from frontdesk.core.ids import UserId
from frontdesk.organizations.errors import GrantNotHeld
from frontdesk.organizations.model import Caller, CallerKind, Right
from frontdesk.organizations.roles import list_query_metadata_of

Change = tuple[Scope, Scope]  # what was open before, and what is open after


async def require_holding(tx: Tx, caller: Caller, changes: Iterable[Change]) -> None:
    """Raise GrantNotHeld when one of `changes` opens documents that the caller may not open: see `count_beyond`."""
    count = await count_beyond(tx, caller, changes)
    if count:
        raise GrantNotHeld(facts={"documents": count})


async def count_beyond(tx: Tx, caller: Caller, changes: Iterable[Change]) -> int:
    """Return how many documents the caller may not open and one of `changes` does: of several the most.

    Whoever may see or edit knowledge may open all of it. A member may open what the query metadata of their roles
    opens; a key has no roles. What was open before may stay open, so narrowing is always allowed. Documents that are
    not ready yet do not count.
    """
    if may_open_all(caller):
        return 0
    held = await load_held(tx, caller)
    wider = [(before, after) for before, after in dict.fromkeys(changes) if before != after]
    return max([await _count_beyond(tx, before, after, held) for before, after in wider], default=0)


def may_open_all(caller: Caller) -> bool:
    """Tell whether the caller sees every document, and so may open any of them to others."""
    return caller.may(Right.KNOWLEDGE_VIEW) or caller.may(Right.KNOWLEDGE_EDIT)


async def load_held(tx: Tx, caller: Caller) -> Scope:
    """Return what the query metadata of the caller's roles opens; nothing for whoever has no roles."""
    if caller.kind is not CallerKind.MEMBER:
        return Nothing()
    read = await load_reader(tx)
    scopes = [read(raw, Layer.ROLE) for raw in await list_query_metadata_of(tx, UserId(caller.id))]
    return any_of(*(scope for scope in scopes if scope is not None))


def changes_of_contact(inbox: InboxAccess, before: ContactAccess, after: ContactAccess) -> list[Change]:
    """Return what another access of a card changes in an inbox, at every assurance, whatever the inbox narrows."""
    return [
        (_person(inbox, before, assurance), _person(inbox, after, assurance))
        for assurance in (Assurance.ANONYMOUS, Assurance.CHANNEL, Assurance.SIGNED)
    ]


def _person(inbox: InboxAccess, contact: ContactAccess, assurance: Assurance) -> Scope:
    return all_of(*(step.scope for step in person_scope(inbox, contact, SessionAccess(assurance))))


async def _count_beyond(tx: Tx, before: Scope, after: Scope, held: Scope) -> int:
    """Return how many documents `after` opens and neither of the others."""
    opened, more = compile_predicate(after, prefix="after")
    open_already, others = compile_predicate(any_of(before, held), prefix="before")
    sql = f"""
        SELECT count(*) FROM documents d
         WHERE d.organization_id = %(organization)s AND {opened} AND NOT {open_already}
    """
    return int(await tx.fetch_value(sql, {**more, **others, "organization": tx.organization_id}))
