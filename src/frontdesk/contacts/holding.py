"""Whoever says what a contact may read opens no document that they do not hold: see `access.grants`."""

from collections.abc import Collection, Sequence

from frontdesk.access.grants import Change, changes_of_contact, may_open_all, require_holding
from frontdesk.access.layers import ContactAccess, InboxAccess
from frontdesk.access.model import Layer
from frontdesk.access.profiles import AccessProfile
from frontdesk.access.reading import ScopeReader, load_reader
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts.model import Contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import InboxId
from frontdesk.organizations.model import Caller

Card = tuple[Contact, Sequence[AccessProfile]]  # with the profiles that it has


async def require_holding_access(
    tx: Tx, caller: Caller, inbox_ids: Collection[InboxId], *, before: Card, after: Card
) -> None:
    """Raise GrantNotHeld when a card opens documents after a change that it did not open before, beyond the caller's.

    Where it says nothing it opens what its inboxes say, all of them when it is in none.
    """
    if may_open_all(caller):
        return
    read = await load_reader(tx)
    inboxes, _ = await list_inboxes(tx, inbox_ids or None)
    opened = {
        InboxAccess(
            frozenset(), None, read(one.visitor_scope, Layer.VISITOR_SCOPE), read(one.member_scope, Layer.MEMBER_SCOPE)
        )
        for one in inboxes
    } or {InboxAccess(frozenset(), None, None, None)}
    changes: list[Change] = []
    for inbox in opened:
        changes += changes_of_contact(inbox, _read_card(read, before), _read_card(read, after))
    await require_holding(tx, caller, changes)


def _read_card(read: ScopeReader, card: Card) -> ContactAccess:
    """Return what a card says; whether it is known only narrows what unproven sessions read, before as after."""
    contact, profiles = card
    own = read(contact.query_metadata, Layer.CONTACT)
    return ContactAccess(own, tuple(map(read.profile, profiles)), contact.profiles_mode, has_identity=False)
