"""What is done with cards, by members and keys, and by proofs."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from frontdesk.access.layers import ProfilesMode
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts import queries, refreshing
from frontdesk.contacts.access import access_contact_alone, sees_personal
from frontdesk.contacts.access_actions import check_access
from frontdesk.contacts.attributes import Schema
from frontdesk.contacts.card import check_attributes, clean_card, keep_fitting, keep_valid
from frontdesk.contacts.holding import require_holding_access
from frontdesk.contacts.model import (
    PERSONAL_FIELDS,
    CardFields,
    Contact,
    FieldChange,
    FieldProvenance,
    Provenance,
    anybody,
    apply_changes,
    attribute_keys,
    compare_fields,
    find_changes,
)
from frontdesk.contacts.rules import apply_rules, reads_rules
from frontdesk.contacts.schema import hold_schema, hold_values
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest, PreconditionFailed
from frontdesk.core.ids import ContactId, InboxId
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, CallerKind, Right, system_caller
from frontdesk.organizations.queries.organizations import find_phone_region


async def create_contact(
    tx: Tx,
    caller: Caller,
    *,
    fields: CardFields,
    inbox_ids: Collection[InboxId],
    query_metadata: dict[str, Any] | None = None,
    profiles_mode: ProfilesMode = "replace",
    provenance: Provenance,
) -> Contact:
    """Make a card in advance, with its access already set.

    Rights: contacts.edit, and contacts.edit_access to set access. A caller who is limited to some inboxes chooses among
    these, at least one. Raises Forbidden, InvalidRequest, InvalidQueryMetadata, AttributeTaken, and GrantNotHeld when
    it opens documents which the caller neither sees nor holds.
    """
    caller.require(Right.CONTACTS_EDIT)
    if query_metadata is not None or profiles_mode != "replace":
        caller.require(Right.CONTACTS_EDIT_ACCESS)
        own = caller.inboxes_for(Right.CONTACTS_EDIT_ACCESS)
        if own is not None and own.isdisjoint(inbox_ids):
            raise Forbidden(facts={"right": Right.CONTACTS_EDIT_ACCESS.value})
    if caller.inboxes_for(Right.CONTACTS_EDIT) is not None and not inbox_ids:
        raise InvalidRequest("Choose at least one of your inboxes.", pointer="/inboxes")
    await _check_inboxes(tx, caller, inbox_ids)
    blank = replace(anybody(utc_now()), query_metadata=query_metadata, profiles_mode=profiles_mode)
    changes = find_changes(blank, await _clean(tx, fields))
    contact = apply_changes(blank, changes)
    schema = await hold_schema(tx)
    schema.check(contact.attributes, changed=schema.required | contact.attributes.keys())
    await check_access(tx, contact, inbox_ids)
    unset = replace(contact, query_metadata=None, profiles_mode="replace")
    await require_holding_access(tx, caller, inbox_ids, before=(unset, ()), after=(contact, ()))
    await queries.insert_contact(tx, contact, provenance)
    await hold_values(tx, caller, schema, contact, contact.attributes)
    await queries.set_inboxes(tx, contact.id, inbox_ids)
    await _note_fields(tx, contact, changes, FieldProvenance(provenance, caller.name, contact.created_at))
    if reads_rules(change.field for change in changes):
        await apply_rules(tx, caller, [contact.id])
    payload = _payload(changes, provenance) | {"inboxes": [str(inbox_id) for inbox_id in inbox_ids]}
    await _record(tx, caller, "contact.created", contact.id, payload | {"query_metadata": query_metadata})
    return contact


async def create_anonymous(tx: Tx, inbox_id: InboxId, *, now: datetime) -> ContactId:
    """Make the card of a visitor who writes the first message through `inbox_id`. Nothing is known, nothing audited."""
    contact = replace(anybody(now), last_seen_at=now)
    await queries.insert_contact(tx, contact)
    await queries.touch_inbox(tx, contact.id, inbox_id, now)
    await announce(tx, Event("contact", contact.id))
    return contact.id


async def update_contact(
    tx: Tx,
    caller: Caller,
    contact_id: ContactId,
    fields: CardFields,
    *,
    if_version: int | None = None,
    provenance: Provenance,
) -> Contact:
    """Write fields of a card, deliberately, and return the card. Writing what is there changes nothing.

    Rights: contacts.edit, and contacts.view_personal to write e-mails or phones, which the caller could not see before.
    Raises NotFound, PreconditionFailed when `if_version` is not the present one, Forbidden, InvalidRequest and
    AttributeTaken.
    """
    schema = await hold_schema(tx) if {"attributes", "language"} & fields.keys() else Schema({})
    contact = await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    if if_version not in {None, contact.version}:
        raise PreconditionFailed(facts={"version": contact.version})
    if not PERSONAL_FIELDS.isdisjoint(fields):
        inboxes = await queries.list_inboxes_of(tx, contact_id)
        if not sees_personal(caller, [inbox.inbox_id for inbox in inboxes]):
            raise Forbidden(facts={"right": Right.CONTACTS_VIEW_PERSONAL.value})
    changes = find_changes(contact, await _clean(tx, fields, contact))
    schema.check(apply_changes(contact, changes).attributes, changed=attribute_keys(changes))
    return await _write(tx, caller, contact, changes, provenance, schema)


async def refresh_card(tx: Tx, contact_id: ContactId, fields: CardFields, provenance: Provenance) -> Contact:
    """Write what a proof or a platform says about a contact, as far as it may overwrite what is there; return the card.

    `fields` hold what was said only: something not said stays. A field that cannot be kept, that does not fit the
    schema of attributes, or whose unique value somebody else has, is left out. E-mails and phones stand beside those
    that were written deliberately: see `addresses.add_said`. Rules of access profiles are applied to what can be
    trusted by now. Call `hold_rules` before a card or source id is locked. Raises NotFound when there is no such card.
    """
    await queries.lock_contact_for_change(tx, contact_id)
    contact = await queries.get_contact(tx, contact_id)
    known = {field: one.provenance for field, one in (await queries.find_provenance(tx, contact_id)).items()}
    said = keep_valid(fields, region=await find_phone_region(tx) if "phones" in fields else None)
    schema = Schema({})
    if said.get("attributes"):
        schema = await hold_schema(tx)
        said["attributes"] = schema.keep_fitting(said["attributes"] or {})
    lists = await refreshing.add_addresses(tx, contact, said, known, provenance)
    compared = compare_fields(contact, said)
    changes = [one for one in compared if one.is_real and refreshing.may_write(one.field, provenance, known)]
    free = await refreshing.leave_out_taken(tx, contact, schema, keep_fitting(contact, changes))
    await refreshing.note_repeated(tx, contact, [one.field for one in compared if not one.is_real], known, provenance)
    speaker = replace(system_caller(tx.organization_id), name=provenance)
    deliberate = frozenset(field for field in lists if field in known and known[field].is_deliberate)
    written = await _write(tx, speaker, contact, free, provenance, schema, unnoted=deliberate)
    for field, addresses in lists.items():
        await queries.replace_addresses(tx, contact_id, field, addresses)
    if reads_rules(said):  # a value that was there may be trusted only now
        await apply_rules(tx, speaker, [contact_id])
    return written


async def set_inboxes(tx: Tx, caller: Caller, contact_id: ContactId, inbox_ids: Collection[InboxId]) -> None:
    """Put the contact into these inboxes. A caller who is limited to some inboxes adds and removes only these.

    Right: contacts.edit. Raises NotFound and InvalidRequest.
    """
    await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    limit = caller.inboxes_for(Right.CONTACTS_EDIT)
    if limit is not None and limit.isdisjoint(inbox_ids):
        raise InvalidRequest("Keep the contact in one of your inboxes.", pointer="/inboxes")
    old = {inbox.inbox_id for inbox in await queries.list_inboxes_of(tx, contact_id)}
    await _check_inboxes(tx, caller, set(inbox_ids) - old)
    new = set(inbox_ids) | (set() if limit is None else old - limit)
    if new != old:
        await queries.set_inboxes(tx, contact_id, new)
        await queries.raise_version(tx, contact_id, utc_now())
        payload = {"inboxes": {"before": sorted(map(str, old)), "after": sorted(map(str, new))}}
        await _record(tx, caller, "contact.inboxes_changed", contact_id, payload)


def provenance_of(caller: Caller) -> Provenance:
    """Return what a deliberate write of this caller is marked with, unless it is an import."""
    return Provenance.API if caller.kind is CallerKind.API_KEY else Provenance.MEMBER


async def _clean(tx: Tx, fields: CardFields, stored: Contact | None = None) -> CardFields:
    """Return `fields` in the form in which this organization keeps them. Raises InvalidRequest."""
    return clean_card(fields, region=await find_phone_region(tx) if "phones" in fields else None, stored=stored)


async def _write(
    tx: Tx,
    caller: Caller,
    contact: Contact,
    changes: Sequence[FieldChange],
    provenance: Provenance,
    schema: Schema,
    *,
    unnoted: frozenset[str] = frozenset(),
) -> Contact:
    """Store `changes` of a card that is locked, if there are any, as what `provenance` says; return the card.

    They fit `schema`. Of `unnoted` fields it stays as it was who said them. Raises InvalidRequest and AttributeTaken.
    """
    if not changes:
        return contact
    now = utc_now()
    written = replace(apply_changes(contact, changes), version=contact.version + 1, updated_at=now)
    check_attributes(written.attributes)
    await queries.update_contact(tx, written, provenance)
    await hold_values(tx, caller, schema, written, attribute_keys(changes))
    noted = [change for change in changes if change.field not in unnoted]
    await _note_fields(tx, written, noted, FieldProvenance(provenance, caller.name, now))
    await _record(tx, caller, "contact.updated", contact.id, _payload(changes, provenance))
    if reads_rules(change.field for change in noted):
        await apply_rules(tx, caller, [contact.id])
    return written


async def _note_fields(tx: Tx, contact: Contact, changes: Sequence[FieldChange], provenance: FieldProvenance) -> None:
    if changes:
        await queries.upsert_provenance(tx, contact.id, [change.field for change in changes], provenance)


async def _record(tx: Tx, caller: Caller, action: str, contact_id: ContactId, payload: dict[str, Any]) -> None:
    await audit.record(tx, caller, action, "contact", contact_id, contact_id=contact_id, payload=payload)
    await announce(tx, Event("contact", contact_id))


def _payload(changes: Sequence[FieldChange], provenance: Provenance) -> dict[str, Any]:
    written = {change.field: {"before": change.old, "after": change.new} for change in changes}
    return {"changes": written, "provenance": provenance}


async def _check_inboxes(tx: Tx, caller: Caller, inbox_ids: Collection[InboxId]) -> None:
    """Raise InvalidRequest unless all exist and the caller may edit contacts in each."""
    limit = caller.inboxes_for(Right.CONTACTS_EDIT)
    _, count = await list_inboxes(tx, inbox_ids)
    if count != len(set(inbox_ids)) or (limit is not None and not limit.issuperset(inbox_ids)):
        raise InvalidRequest("There is no such inbox.", pointer="/inboxes")
