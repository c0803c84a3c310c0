"""Reads, for one batch of rows, all that deciding rests on: in a few statements, whatever the size of the batch."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from frontdesk.access.queries import list_profiles
from frontdesk.channels.queries import get_default_realm, list_inboxes, list_realms
from frontdesk.contacts.attributes import Schema, value_key
from frontdesk.contacts.model import FieldProvenance, Provenance
from frontdesk.contacts.queries import CARD, to_contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import utc_now
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import find_owners, list_reserved
from frontdesk.identities.tombstones import find_erased
from frontdesk.lifecycle.import_mapping import ATTRIBUTE
from frontdesk.lifecycle.import_model import Draft, ImportId, Options
from frontdesk.lifecycle.import_parsing import Lookup, to_names
from frontdesk.lifecycle.import_planning import CardState, Ledger, Limits, UniqueKey, hash_key

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """What one batch is about."""

    import_id: ImportId
    is_dry: bool
    drafts: Sequence[Draft]
    options: Options
    limits: Limits


async def load_lookup(tx: Tx, limits: Limits, schema: Schema, region: str | None) -> Lookup:
    """Return all that rows may name. A caller who is limited to some inboxes names these, and the realms of them."""
    inboxes, _ = await list_inboxes(tx, limits.edit)
    member_realm = await get_default_realm(tx)
    own_realms = None if limits.edit is None else {inbox.realm_id for inbox in inboxes}
    realms = [realm for realm in await list_realms(tx) if own_realms is None or realm.id in own_realms]
    profiles, _ = await list_profiles(tx)
    labels = await tx.fetch(
        "SELECT id, name FROM contact_labels WHERE organization_id = %(organization)s",
        {"organization": tx.organization_id},
    )
    return Lookup(
        realms=to_names([(realm.id, realm.name) for realm in realms]),
        member_realm=member_realm.id,
        inboxes=to_names([(inbox.id, inbox.name) for inbox in inboxes]),
        labels=to_names([(label_id, name) for label_id, name in labels]),
        profiles=to_names([(profile.id, profile.name) for profile in profiles]),
        reserved=await list_reserved(tx),
        schema=schema,
        region=region,
    )


async def load_ledger(tx: Tx, cipher: Cipher, batch: Batch, schema: Schema) -> Ledger:
    """Return what deciding `batch` rests on. Unless it is dry, all its cards are locked, in the order of their ids."""
    keys = list(dict.fromkeys(key for draft in batch.drafts for key in draft.keys))
    merged_into = await _find_survivors(tx, {draft.contact_id for draft in batch.drafts} - {None})
    owners, locked = await find_owners(tx, keys), set[ContactId]()
    while not batch.is_dry and (wanted := {*owners.values(), *merged_into.values()}) - locked:
        await lock_contacts(tx, wanted)
        locked, owners = wanted, await find_owners(tx, keys)
    remembered = await _find_remembered(tx, batch, {hash_key(key): key for key in keys}) if batch.is_dry else {}
    owners = remembered | owners
    wanted_unique = _list_unique(batch.drafts, schema)
    unique = await find_unique(tx, wanted_unique)
    if batch.is_dry and wanted_unique:
        unique = await _find_remembered(tx, batch, {hash_key(key): key for key in wanted_unique}) | unique
    cards = await load_cards(tx, {*owners.values(), *merged_into.values()})
    await _note_touched(tx, batch, cards)
    for made_before in set(remembered.values()) - set(cards):
        cards[made_before] = CardState.not_stored(made_before, utc_now())
    return Ledger(
        owners=owners,
        unique=unique,
        cards=cards,
        merged_into=merged_into,
        erased=frozenset() if batch.options.allow_erased else await _find_erased(tx, cipher, batch.drafts, keys),
        shared_emails=await _find_shared_emails(tx, batch),
    )


async def insert_remembered(
    tx: Tx, import_id: ImportId, found: Iterable[tuple[IdentityKey | UniqueKey, ContactId]]
) -> None:
    """Remember, in a dry run, what rows would have written that only one contact may have."""
    pairs = [(hash_key(key), contact_id) for key, contact_id in found]
    if not pairs:
        return
    sql = """
        INSERT INTO import_keys (organization_id, import_id, key, contact_id)
        SELECT %(organization)s, %(import)s, key, contact_id
          FROM unnest(%(keys)s::uuid[], %(contacts)s::uuid[]) AS given (key, contact_id)
            ON CONFLICT (organization_id, import_id, key) DO UPDATE SET contact_id = excluded.contact_id
    """
    unique = dict(pairs)
    params = {"import": import_id, "keys": list(unique), "contacts": list(unique.values())}
    await tx.execute(sql, params | {"organization": tx.organization_id})


# --- who is there ---


async def lock_contacts(tx: Tx, contact_ids: Collection[ContactId]) -> None:
    """Wait until nobody else can change these cards before this transaction ends."""
    sql = """
        SELECT 1 FROM contacts WHERE organization_id = %(organization)s AND id = ANY(%(ids)s) ORDER BY id FOR UPDATE
    """
    await tx.execute(sql, {"organization": tx.organization_id, "ids": list(contact_ids)})


async def _find_survivors(tx: Tx, contact_ids: Collection[ContactId | None]) -> dict[ContactId, ContactId]:
    """Map each id to the contact that it was merged into, or to itself."""
    if not contact_ids:
        return {}
    sql = """
        WITH RECURSIVE path (asked, id) AS (
            SELECT asked, asked FROM unnest(%(ids)s::uuid[]) AS asked
             UNION
            SELECT p.asked, m.survivor_id FROM path p
              JOIN merged_contacts m ON m.organization_id = %(organization)s AND m.contact_id = p.id)
        SELECT asked, id FROM path p
         WHERE NOT EXISTS (SELECT 1 FROM merged_contacts m
                            WHERE m.organization_id = %(organization)s AND m.contact_id = p.id)
    """
    return dict(await tx.fetch(sql, {"organization": tx.organization_id, "ids": list(contact_ids)}))


async def _find_remembered(tx: Tx, batch: Batch, wanted: dict[Any, T]) -> dict[T, ContactId]:
    sql = """
        SELECT key, contact_id FROM import_keys
         WHERE organization_id = %(organization)s AND import_id = %(import)s AND key = ANY(%(keys)s)
    """
    params = {"organization": tx.organization_id, "import": batch.import_id, "keys": list(wanted)}
    return {wanted[key]: contact_id for key, contact_id in await tx.fetch(sql, params)} if wanted else {}


async def load_cards(tx: Tx, contact_ids: Collection[ContactId]) -> dict[ContactId, CardState]:
    """Return the cards, of those contacts that are not deleted, with all that an import may change."""
    if not contact_ids:
        return {}
    params = {"organization": tx.organization_id, "ids": list(contact_ids)}
    sql = f"""
        SELECT {CARD} FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.id = ANY(%(ids)s) AND c.deleted_at IS NULL
    """
    cards = {row[0]: CardState(to_contact(row), is_new=False) for row in await tx.fetch(sql, params)}
    provenance: dict[ContactId, dict[str, FieldProvenance]] = {contact_id: {} for contact_id in cards}
    said: dict[ContactId, dict[tuple[str, str], Provenance]] = {contact_id: {} for contact_id in cards}
    sql = """
        SELECT contact_id, field, provenance, set_by, set_at FROM contact_fields
         WHERE organization_id = %(organization)s AND contact_id = ANY(%(ids)s)
    """
    for contact_id, field, who, set_by, set_at in await tx.fetch(sql, params):
        if contact_id in cards:
            provenance[contact_id][field] = FieldProvenance(Provenance(who), set_by, set_at)
    sql = """
        SELECT contact_id, 'emails', email, provenance FROM contact_emails
         WHERE organization_id = %(organization)s AND contact_id = ANY(%(ids)s)
         UNION ALL
        SELECT contact_id, 'phones', phone, provenance FROM contact_phones
         WHERE organization_id = %(organization)s AND contact_id = ANY(%(ids)s)
    """
    for contact_id, field, value, who in await tx.fetch(sql, params):
        if contact_id in cards:
            said[contact_id][field, value] = Provenance(who)
    for contact_id, state in cards.items():
        state.provenance, state.said = provenance[contact_id], said[contact_id]
    await _load_links(tx, cards, params)
    return cards


async def _load_links(tx: Tx, cards: dict[ContactId, CardState], params: dict[str, Any]) -> None:
    of_contacts = "WHERE organization_id = %(organization)s AND contact_id = ANY(%(ids)s) GROUP BY contact_id"
    for attribute, table, column in (
        ("inboxes", "contact_inboxes", "inbox_id"),
        ("labels", "labelled_contacts", "label_id"),
        ("profiles", "profile_assignments", "profile_id"),
    ):
        sql = f"SELECT contact_id, array_agg({column}) FROM {table} {of_contacts}"
        for contact_id, ids in await tx.fetch(sql, params):
            if contact_id in cards:
                setattr(cards[contact_id], attribute, frozenset(ids))
    sql = f"SELECT contact_id, array_agg(realm_id), array_agg(source_id) FROM identities {of_contacts}"
    for contact_id, realms, source_ids in await tx.fetch(sql, params):
        if contact_id in cards:
            cards[contact_id].keys = frozenset(map(IdentityKey, realms, source_ids))


async def _note_touched(tx: Tx, batch: Batch, cards: dict[ContactId, CardState]) -> None:
    if not cards:
        return
    sql = """
        SELECT contact_id, bool_or(outcome = 'created') FROM import_rows
         WHERE organization_id = %(organization)s AND contact_id = ANY(%(ids)s)
           AND import_id = %(import)s AND is_dry = %(dry)s
         GROUP BY contact_id
    """
    params = {"organization": tx.organization_id, "ids": list(cards), "import": batch.import_id, "dry": batch.is_dry}
    for contact_id, is_created in await tx.fetch(sql, params):
        cards[contact_id].is_touched, cards[contact_id].by_this_import = True, is_created


# --- what only one may have, and what nobody may bring back ---


def _list_unique(drafts: Iterable[Draft], schema: Schema) -> list[UniqueKey]:
    definitions = [(ATTRIBUTE + one.key, one.id) for one in schema.unique_among(schema.definitions)]
    return [
        (definition_id, value_key(draft.fields[field]))
        for draft in drafts
        for field, definition_id in definitions
        if field in draft.fields
    ]


async def find_unique(tx: Tx, wanted: Sequence[UniqueKey]) -> dict[UniqueKey, ContactId]:
    """Map each value to who holds it; what a deleted contact holds is free."""
    if not wanted:
        return {}
    sql = """
        SELECT v.definition_id, v.value_key, v.contact_id
          FROM unnest(%(definitions)s::uuid[], %(values)s::text[]) AS wanted (definition_id, value_key)
          JOIN attribute_values v ON v.organization_id = %(organization)s
           AND v.definition_id = wanted.definition_id AND v.value_key = wanted.value_key
          JOIN contacts c ON c.organization_id = v.organization_id AND c.id = v.contact_id AND c.deleted_at IS NULL
    """
    definitions, values = zip(*wanted, strict=True)
    params = {"organization": tx.organization_id, "definitions": list(definitions), "values": list(values)}
    return {(definition, value): holder for definition, value, holder in await tx.fetch(sql, params)}


async def _find_erased(tx: Tx, cipher: Cipher, drafts: Iterable[Draft], keys: Sequence[IdentityKey]) -> frozenset[Any]:
    anybody_erased = "SELECT EXISTS (SELECT 1 FROM identity_tombstones WHERE organization_id = %(organization)s)"
    if not await tx.fetch_value(anybody_erased, {"organization": tx.organization_id}):
        return frozenset()  # as usual; hashing every address of a large file would take as long as all the rest
    drafts = list(drafts)
    emails = {email for draft in drafts for email in draft.fields.get("emails", ())}
    phones = {phone for draft in drafts for phone in draft.fields.get("phones", ())}
    return frozenset(await find_erased(tx, cipher, keys=keys, emails=emails, phones=phones))


async def _find_shared_emails(tx: Tx, batch: Batch) -> frozenset[str]:
    """Return which e-mails, in lower case, contacts have whom this import did not make, as far as they may be seen."""
    emails = {email.lower() for draft in batch.drafts for email in draft.fields.get("emails", ())}
    personal = batch.limits.personal
    if not emails or personal == frozenset():
        return frozenset()
    sql = """
        SELECT DISTINCT e.email_key FROM contact_emails e
          JOIN contacts c ON c.organization_id = e.organization_id AND c.id = e.contact_id AND c.deleted_at IS NULL
         WHERE e.organization_id = %(organization)s AND e.email_key = ANY(%(emails)s)
           AND (%(inboxes)s::uuid[] IS NULL OR EXISTS (
               SELECT 1 FROM contact_inboxes x WHERE x.organization_id = c.organization_id AND x.contact_id = c.id
                                                 AND x.inbox_id = ANY(%(inboxes)s)))
           AND NOT EXISTS (SELECT 1 FROM import_rows r
                            WHERE r.organization_id = e.organization_id AND r.contact_id = e.contact_id
                              AND r.import_id = %(import)s AND r.outcome = 'created')
    """
    params = {
        "organization": tx.organization_id,
        "emails": list(emails),
        "inboxes": None if personal is None else list(personal),
        "import": batch.import_id,
    }
    return frozenset(row[0] for row in await tx.fetch(sql, params))
