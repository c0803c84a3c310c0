"""Deleting a contact, which hides it, and taking that back."""

from dataclasses import replace
from typing import Final

from frontdesk.access import queries as access
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.access import access_contact
from frontdesk.contacts.holding import require_holding_access
from frontdesk.contacts.model import Contact
from frontdesk.contacts.schema import hold_schema, hold_values
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.identities import queries
from frontdesk.identities.errors import ContactMerged
from frontdesk.identities.source_ids import access_unmerged, refuse_taken
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

_CLOSED: Final[
    dict[str, object]
] = {}  # query metadata of a contact that opens nothing, whatever its profiles and inboxes say


async def delete_contact(tx: Tx, caller: Caller, contact_id: ContactId) -> None:
    """Hide a contact. Conversations are kept, source ids are free at once, sessions end.

    Whoever comes with one of these source ids afterwards is a new contact. Right: contacts.delete.

    Raises ContactMerged, and NotFound, also when it is deleted already.
    """
    await access_unmerged(tx, caller, contact_id, Right.CONTACTS_DELETE)
    await queries.lock_sessions_of(tx, contact_id)
    await contacts.lock_contact(tx, contact_id)
    await access_unmerged(tx, caller, contact_id, Right.CONTACTS_DELETE)  # as it is now that nobody merges it
    now = utc_now()
    released = await queries.release_identities(tx, contact_id, now=now)
    ended = await queries.end_sessions_of_contact(tx, contact_id, "contact_deleted", now=now)
    ended += await queries.end_visitor_sessions_of_contact(tx, contact_id, "contact_deleted", now=now)
    await contacts.set_deleted(tx, contact_id, now, now)
    await _record(tx, caller, "contact.deleted", contact_id, {"released": released, "ended_sessions": ended})


async def restore_contact(tx: Tx, caller: Caller, contact_id: ContactId, *, confirm_access: bool = False) -> Contact:
    """Show a deleted contact again, with its source ids, and return the card; one that is not deleted stays as it is.

    `confirm_access` brings back what it could read by its own conditions and profiles. Without it, a contact that had
    any reads nothing until a member sets its access anew; the audit log keeps what it was. Right: contacts.delete.
    Raises NotFound, ContactMerged, GrantNotHeld when `confirm_access` opens documents which the caller neither sees nor
    holds, and SourceIdTaken or AttributeTaken when somebody has one of its source ids, or of
    its unique values, by now: merge instead.
    """
    contact = await _access_deleted(tx, caller, contact_id)
    if contact.deleted_at is None:
        return contact
    schema = await hold_schema(tx)
    await _take_back(tx, caller, contact_id)
    await contacts.lock_contact(tx, contact_id)
    now = utc_now()
    await hold_values(tx, caller, schema, contact, schema.definitions)
    await contacts.set_deleted(tx, contact_id, None, now)
    if confirm_access:
        await _require_holding(tx, caller, contact)
    closed = {} if confirm_access else await _close(tx, contact_id)
    await _record(tx, caller, "contact.restored", contact_id, closed)
    return await contacts.get_contact(tx, contact_id)


async def _access_deleted(tx: Tx, caller: Caller, contact_id: ContactId) -> Contact:
    survivor = await queries.resolve_contact_id(tx, contact_id)
    if survivor != contact_id:
        await access_contact(tx, caller, survivor, Right.CONTACTS_DELETE)
        raise ContactMerged(survivor)
    contact = await contacts.find_contact(tx, contact_id)
    if contact is None:
        raise NotFound
    inboxes = await contacts.list_inboxes_of(tx, contact_id)
    caller.require_in(Right.CONTACTS_DELETE, [inbox.inbox_id for inbox in inboxes])
    return contact


async def _take_back(tx: Tx, caller: Caller, contact_id: ContactId) -> None:
    keys = await queries.list_released(tx, contact_id)
    await queries.lock_source_ids(tx, [key.source_id for key in keys])
    for key in keys:
        if not await queries.insert_identity(tx, contact_id, key, now=utc_now()):
            raise await refuse_taken(tx, caller, key)
    await queries.delete_released(tx, contact_id)


async def _require_holding(tx: Tx, caller: Caller, contact: Contact) -> None:
    inboxes = await contacts.list_inboxes_of(tx, contact.id)
    held = [assigned.profile for assigned in await access.list_assigned(tx, contact.id)]
    before = replace(contact, query_metadata=_CLOSED, profiles_mode="replace")
    inbox_ids = [inbox.inbox_id for inbox in inboxes]
    await require_holding_access(tx, caller, inbox_ids, before=(before, held), after=(contact, held))


async def _close(tx: Tx, contact_id: ContactId) -> dict[str, object]:
    """Close what the contact could read by itself; return what that was, for the audit log."""
    contact = await contacts.get_contact(tx, contact_id)
    profiles = [assigned.profile for assigned in await access.list_assigned(tx, contact_id)]
    if contact.query_metadata is None and not profiles:
        return {}
    await contacts.update_contact(tx, replace(contact, query_metadata=_CLOSED, profiles_mode="replace"))
    for profile in profiles:
        await access.delete_assignment(tx, contact_id, profile.id)
    before = {"query_metadata": contact.query_metadata, "profiles_mode": contact.profiles_mode}
    return {"closed": before | {"profiles": [{"id": str(one.id), "name": one.name} for one in profiles]}}


async def _record(tx: Tx, caller: Caller, action: str, contact_id: ContactId, payload: dict[str, object]) -> None:
    await audit.record(tx, caller, action, "contact", contact_id, contact_id=contact_id, payload=payload)
    await access.raise_scope_version(tx)
    await announce(tx, Event("contact", contact_id))
