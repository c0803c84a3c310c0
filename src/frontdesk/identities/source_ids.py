"""What staff and the API do with source ids: give, correct, link, unlink."""

from frontdesk.access.queries import raise_scope_version
from frontdesk.channels import queries as channels
from frontdesk.channels.access import require_realm
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.access import access_contact
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, RealmId
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.identities import queries
from frontdesk.identities.errors import ContactMerged, SourceIdTaken
from frontdesk.identities.model import Identity, IdentityKey, parse_source_id
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right


async def read_key(tx: Tx, source_id: object, realm: RealmId) -> IdentityKey:
    """Return the key of `source_id` in `realm`. Raises InvalidSourceId, and NotFound when there is no such realm."""
    parsed = parse_source_id(source_id, await queries.list_reserved(tx))
    return IdentityKey((await channels.get_realm(tx, realm)).id, parsed)


async def get_bare_realm(tx: Tx, contact_id: ContactId | None) -> RealmId:
    """Return the realm that a bare source id belongs to.

    It is the realm that all inboxes of the contact share, if they share one, else the member realm; None: a contact
    without inboxes.
    """
    shared = {} if contact_id is None else await queries.find_shared_realms(tx, [contact_id])
    return next(iter(shared.values()), None) or (await channels.get_default_realm(tx)).id


async def access_unmerged(tx: Tx, caller: Caller, contact_id: ContactId, right: Right) -> None:
    """Require `right` on a contact that was not merged away.

    Raises NotFound, and ContactMerged when the caller may see the contact that it was merged into: what identifies a
    person, its inboxes and its access change there only.
    """
    survivor = await queries.resolve_contact_id(tx, contact_id)
    await access_contact(tx, caller, survivor, right)
    if survivor != contact_id:
        raise ContactMerged(survivor)


async def keep_survivor(tx: Tx, contact_id: ContactId) -> ContactId:
    """Return the contact that `contact_id` leads to; it is not merged away before this transaction ends.

    For those who are about to store something of the contact and lock no card.
    """
    survivor = await queries.resolve_contact_id(tx, contact_id)
    while True:
        await contacts.keep_contact(tx, survivor)
        present = await queries.resolve_contact_id(tx, survivor)
        if present == survivor:
            return survivor
        survivor = present


async def set_source_id(
    tx: Tx, caller: Caller, contact_id: ContactId, source_id: object, *, realm: RealmId | None = None
) -> IdentityKey:
    """Give a contact a source id, or correct the one that it has in that realm; `realm` None: that of bare ones.

    A contact that had none becomes known; a browser that is talking as this contact goes on as a visitor until somebody
    is proven to be the contact. A corrected id is free at once for whoever comes with it, and the contact's proven
    sessions end. Rights: contacts.edit, and contacts.vouch for one beside those of other realms. Safe to repeat. Raises
    NotFound, ContactMerged, InvalidSourceId and SourceIdTaken.
    """
    await access_unmerged(tx, caller, contact_id, Right.CONTACTS_EDIT)
    key = await read_key(tx, source_id, realm or await get_bare_realm(tx, contact_id))
    await queries.lock_source_ids(tx, [key.source_id])
    await queries.lock_sessions_of(tx, contact_id)
    await contacts.lock_contact(tx, contact_id)
    await access_unmerged(tx, caller, contact_id, Right.CONTACTS_EDIT)  # as it is now that nobody merges it
    held = [one for one in await queries.list_identities(tx, contact_id) if one.realm_id == key.realm]
    if key in {one.key for one in held}:
        return key
    right = Right.CONTACTS_EDIT if held else await right_to_give(tx, contact_id)
    await take_identity(tx, caller, contact_id, key, right)
    if not held:
        await _note(tx, caller, contact_id, "given", key.realm, before=None, after=key.source_id)
        return key
    await queries.delete_identity(tx, held[0].id)
    await queries.end_sessions_of_contact(tx, contact_id, "source_id_corrected", now=utc_now())
    await _note(tx, caller, contact_id, "corrected", key.realm, before=held[0].source_id, after=key.source_id)
    return key


async def link_identity(tx: Tx, caller: Caller, contact_id: ContactId, key: IdentityKey) -> None:
    """Add a further identity to a contact: from now on, whoever proves `key` is this contact.

    Right: contacts.vouch. Safe to repeat. Raises NotFound, ContactMerged, and SourceIdTaken when somebody else holds
    it: merging is then a separate, explicit call.
    """
    await access_unmerged(tx, caller, contact_id, Right.CONTACTS_VOUCH)
    await queries.lock_source_ids(tx, [key.source_id])
    await contacts.lock_contact(tx, contact_id)
    await access_unmerged(tx, caller, contact_id, Right.CONTACTS_VOUCH)  # as it is now that nobody merges it
    if (await queries.find_owners(tx, [key])).get(key) == contact_id:
        return
    await take_identity(tx, caller, contact_id, key, Right.CONTACTS_VOUCH, linked_by=caller.name)
    await _note(tx, caller, contact_id, "linked", key.realm, before=None, after=key.source_id)


async def unlink_identity(tx: Tx, caller: Caller, contact_id: ContactId, key: IdentityKey) -> None:
    """Take an identity from a contact; sessions that it proved end, and the source id is free.

    Right: contacts.vouch, also in the realm. Raises NotFound, also when the contact has not got it, and ContactMerged.
    """
    await access_unmerged(tx, caller, contact_id, Right.CONTACTS_VOUCH)
    await require_realm(tx, caller, key.realm, Right.CONTACTS_VOUCH)
    await queries.lock_source_ids(tx, [key.source_id])
    await queries.lock_sessions_of(tx, contact_id)
    identities = {one.key: one for one in await queries.list_identities(tx, contact_id)}
    if key not in identities:
        raise NotFound
    await queries.delete_identity(tx, identities[key].id)
    await queries.end_sessions_of_identity(tx, identities[key].id, "identity_unlinked", now=utc_now())
    await _note(tx, caller, contact_id, "unlinked", key.realm, before=key.source_id, after=None)


async def list_identities(tx: Tx, caller: Caller, contact_id: ContactId) -> list[Identity]:
    """Return the identities of a contact, or of the one that it was merged into, the oldest first.

    Right: contacts.view. Raises NotFound.
    """
    survivor = await queries.resolve_contact_id(tx, contact_id)
    await access_contact(tx, caller, survivor, Right.CONTACTS_VIEW)
    return await queries.list_identities(tx, survivor)


async def refuse_taken(tx: Tx, caller: Caller, key: IdentityKey) -> SourceIdTaken:
    """Return the refusal to give `key` away; it names the holder only to a caller who may see that contact."""
    holder = (await queries.find_owners(tx, [key])).get(key)
    limit = caller.inboxes_for(Right.CONTACTS_VIEW)
    contact = await contacts.find_visible_contact(tx, holder, limit) if holder else None
    if contact is None:
        return SourceIdTaken()
    return SourceIdTaken(contact.id, name=contact.name, may_merge=caller.may(Right.CONTACTS_MERGE))


async def right_to_give(tx: Tx, contact_id: ContactId) -> Right:
    """Return the right that it takes to give the contact a source id: a further one makes two people one."""
    return Right.CONTACTS_VOUCH if await queries.has_identity(tx, contact_id) else Right.CONTACTS_EDIT


async def take_identity(
    tx: Tx,
    caller: Caller,
    contact_id: ContactId,
    key: IdentityKey,
    right: Right = Right.CONTACTS_EDIT,
    *,
    linked_by: str | None = None,
) -> None:
    """Let a contact hold `key`. Raises SourceIdTaken, and NotFound unless `right` is held in an inbox of the realm.

    `linked_by`: who vouches that the contact, who may be known by another name already, is that person too.
    Whoever gives away ids of a realm decides on whose card, and before whose eyes, its people arrive.
    """
    await require_realm(tx, caller, key.realm, right)
    if not await queries.insert_identity(tx, contact_id, key, now=utc_now(), linked_by=linked_by):
        raise await refuse_taken(tx, caller, key)


async def _note(
    tx: Tx, caller: Caller, contact_id: ContactId, verb: str, realm: RealmId, *, before: str | None, after: str | None
) -> None:
    """Write what happened into the audit log and onto the card's version, and let answers look again."""
    payload = {"realm": str(realm), "source_id": {"before": before, "after": after}}
    await audit.record(tx, caller, f"identity.{verb}", "contact", contact_id, contact_id=contact_id, payload=payload)
    await contacts.raise_version(tx, contact_id, utc_now())
    await raise_scope_version(tx)
    await announce(tx, Event("contact", contact_id))
