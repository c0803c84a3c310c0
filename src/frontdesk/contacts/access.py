"""Which contacts a caller may touch, and who sees the personal fields of a card."""

from collections.abc import Iterable

from frontdesk.contacts import queries
from frontdesk.contacts.model import Contact
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.ids import ContactId, InboxId
from frontdesk.organizations.model import Caller, Right


async def access_contact(tx: Tx, caller: Caller, contact_id: ContactId, right: Right) -> Contact:
    """Return the card if the caller holds `right` in one of the contact's inboxes, or everywhere.

    Raises NotFound otherwise, and for a deleted contact. The personal fields are all there: see `sees_personal`.
    """
    contact = await queries.find_visible_contact(tx, contact_id, caller.inboxes_for(right))
    if contact is None:
        raise NotFound
    return contact


async def access_contact_alone(tx: Tx, caller: Caller, contact_id: ContactId, right: Right) -> Contact:
    """Return the card as `access_contact` does; nobody else can change it before this transaction ends."""
    await queries.lock_contact(tx, contact_id)
    return await access_contact(tx, caller, contact_id, right)


def require_configure(caller: Caller) -> None:
    """Raise Forbidden unless the caller may say what cards are like, which counts for every inbox."""
    caller.require(Right.CONTACTS_CONFIGURE)
    if caller.inboxes_for(Right.CONTACTS_CONFIGURE) is not None:
        raise Forbidden(facts={"right": Right.CONTACTS_CONFIGURE.value})


def sees_personal(caller: Caller, inbox_ids: Iterable[InboxId]) -> bool:
    """Say whether the caller may see e-mails and phones of a contact that is in `inbox_ids`."""
    limit = caller.inboxes_for(Right.CONTACTS_VIEW_PERSONAL)
    return limit is None or not limit.isdisjoint(inbox_ids)
