"""Cards, who said what on them, and the inboxes that contacts come through."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from frontdesk.access.model import Assurance
from frontdesk.contacts.model import Address, Contact, ContactInbox, FieldProvenance, Provenance
from frontdesk.core.db import Row, Tx, to_jsonb
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, InboxId

AddressField: TypeAlias = Literal["emails", "phones"]

_ADDRESS_TABLES: Final = {"emails": ("contact_emails", "email"), "phones": ("contact_phones", "phone")}

# A condition on `contacts c`: is it in one of the inboxes of the parameter `inboxes`? NULL: seen whatever its inboxes.
IS_VISIBLE: Final = """
    (%(inboxes)s::uuid[] IS NULL OR EXISTS (
        SELECT 1 FROM contact_inboxes visible
         WHERE visible.organization_id = c.organization_id AND visible.contact_id = c.id
           AND visible.inbox_id = ANY(%(inboxes)s)))
"""

# What `to_contact` reads, of `contacts c`.
CARD: Final = """
    c.id, c.name, c.avatar, c.language, c.time_zone,
    ARRAY(SELECT email FROM contact_emails e
           WHERE e.organization_id = c.organization_id AND e.contact_id = c.id ORDER BY e.position),
    ARRAY(SELECT phone FROM contact_phones p
           WHERE p.organization_id = c.organization_id AND p.contact_id = c.id ORDER BY p.position),
    c.attributes, c.query_metadata, c.profiles_mode, c.version, c.created_at, c.updated_at, c.last_seen_at, c.deleted_at
"""


def to_contact(row: Row) -> Contact:
    """Return the card of a row that begins with `CARD`."""
    contact_id, name, avatar, language, time_zone, emails, phones, *rest = row[:15]
    return Contact(contact_id, name, avatar, language, time_zone, tuple(emails), tuple(phones), *rest)


# --- cards ---


async def find_contact(tx: Tx, contact_id: ContactId) -> Contact | None:
    """Return the card, a deleted one too; None when there is none."""
    sql = f"SELECT {CARD} FROM contacts c WHERE c.organization_id = %(organization)s AND c.id = %(id)s"
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": contact_id})
    return to_contact(row) if row else None


async def get_contact(tx: Tx, contact_id: ContactId) -> Contact:
    """Return the card, a deleted one too; or raise NotFound."""
    contact = await find_contact(tx, contact_id)
    if contact is None:
        raise NotFound
    return contact


async def find_visible_contact(tx: Tx, contact_id: ContactId, inbox_ids: Collection[InboxId] | None) -> Contact | None:
    """Return the card if it is not deleted and in one of `inbox_ids` (None: seen whatever its inboxes), else None."""
    sql = f"""
        SELECT {CARD} FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.id = %(id)s AND c.deleted_at IS NULL AND {IS_VISIBLE}
    """
    inboxes = None if inbox_ids is None else list(inbox_ids)
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": contact_id, "inboxes": inboxes})
    return to_contact(row) if row else None


async def lock_contact(tx: Tx, contact_id: ContactId) -> None:
    """Wait until nobody else can change the card before this transaction ends. Read it after this, not before."""
    sql = "SELECT 1 FROM contacts WHERE organization_id = %(organization)s AND id = %(id)s FOR UPDATE"
    await tx.execute(sql, {"organization": tx.organization_id, "id": contact_id})


async def lock_contact_for_change(tx: Tx, contact_id: ContactId) -> None:
    """Wait until nobody else can change the card, though others may store what belongs to it.

    For those who stored something of the contact themselves before: two of them would wait for each other's in vain.
    """
    sql = "SELECT 1 FROM contacts WHERE organization_id = %(organization)s AND id = %(id)s FOR NO KEY UPDATE"
    await tx.execute(sql, {"organization": tx.organization_id, "id": contact_id})


async def keep_contact(tx: Tx, contact_id: ContactId) -> None:
    """Wait until nobody can lock the card before this transaction ends, as merging does; others may keep it, too."""
    sql = "SELECT 1 FROM contacts WHERE organization_id = %(organization)s AND id = %(id)s FOR KEY SHARE"
    await tx.execute(sql, {"organization": tx.organization_id, "id": contact_id})


async def insert_contact(tx: Tx, contact: Contact, said_by: Provenance = Provenance.MEMBER) -> None:
    """Store a new card, whose e-mails and phones `said_by` said."""
    sql = """
        INSERT INTO contacts (organization_id, id, name, avatar, language, time_zone, attributes, query_metadata,
                              profiles_mode, version, created_at, updated_at, last_seen_at)
        VALUES (%(organization)s, %(id)s, %(name)s, %(avatar)s, %(language)s, %(time_zone)s, %(attributes)s,
                %(query_metadata)s, %(profiles_mode)s, %(version)s, %(created_at)s, %(updated_at)s, %(last_seen_at)s)
    """
    await tx.execute(sql, _contact_params(tx, contact))
    for column, values in _addresses(contact):
        await _insert_addresses(tx, contact.id, column, [Address(value, said_by) for value in values])
    if contact.emails or contact.phones:
        await refresh_search_personal(tx, [contact.id])


async def update_contact(tx: Tx, contact: Contact, said_by: Provenance = Provenance.MEMBER) -> None:
    """Store all of `contact` under its id, except when it was made, last seen or deleted.

    `said_by` said the e-mails and phones that are new; of the others it stays as it was.
    """
    sql = """
        UPDATE contacts
           SET name = %(name)s, avatar = %(avatar)s, language = %(language)s, time_zone = %(time_zone)s,
               attributes = %(attributes)s, query_metadata = %(query_metadata)s, profiles_mode = %(profiles_mode)s,
               version = %(version)s, updated_at = %(updated_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    await tx.execute(sql, _contact_params(tx, contact))
    stored = await find_addresses(tx, contact.id)
    for column, values in _addresses(contact):
        known = {address.value: address for address in stored[column]}
        addresses = [known.get(value, Address(value, said_by)) for value in values]
        if addresses != stored[column]:
            await replace_addresses(tx, contact.id, column, addresses)


async def find_addresses(tx: Tx, contact_id: ContactId) -> dict[AddressField, list[Address]]:
    """Return the e-mails and the phones of a contact in their order, each with who said it."""
    sql = """
        SELECT 'emails', position, email, provenance FROM contact_emails
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s
         UNION ALL
        SELECT 'phones', position, phone, provenance FROM contact_phones
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s
         ORDER BY 1, 2
    """
    found: dict[AddressField, list[Address]] = {"emails": [], "phones": []}
    for field, _, value, provenance in await tx.fetch(sql, {"organization": tx.organization_id, "contact": contact_id}):
        found[field].append(Address(value, Provenance(provenance)))
    return found


async def replace_addresses(tx: Tx, contact_id: ContactId, field: AddressField, addresses: Sequence[Address]) -> None:
    """Give the contact exactly these e-mails, or phones, in this order. The contact is locked."""
    table, _ = _ADDRESS_TABLES[field]
    await tx.execute(
        f"DELETE FROM {table} WHERE organization_id = %(organization)s AND contact_id = %(contact)s",
        {"organization": tx.organization_id, "contact": contact_id},
    )
    await _insert_addresses(tx, contact_id, field, addresses)
    await refresh_search_personal(tx, [contact_id])


async def refresh_search_personal(tx: Tx, contact_ids: Collection[ContactId]) -> None:
    """Let contacts, locked before, be found by the e-mails and phones that they have now, and by no others.

    Whoever moves or deletes addresses by SQL of its own calls this after it; what this module does is seen to.
    """
    sql = """
        UPDATE contacts c
           SET search_personal = coalesce(
               (SELECT string_agg(' ' || search_form(address), '' ORDER BY kind, position)
                  FROM (SELECT 1 AS kind, position, email AS address FROM contact_emails e
                         WHERE e.organization_id = c.organization_id AND e.contact_id = c.id
                         UNION ALL
                        SELECT 2, position, phone FROM contact_phones p
                         WHERE p.organization_id = c.organization_id AND p.contact_id = c.id) AS addresses), '')
         WHERE c.organization_id = %(organization)s AND c.id = ANY(%(contacts)s)
    """
    await tx.execute(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})


async def raise_version(tx: Tx, contact_id: ContactId, now: datetime) -> None:
    """Note that something of the contact changed which does not stand on the card itself."""
    sql = """
        UPDATE contacts SET version = version + 1, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    await tx.execute(sql, {"organization": tx.organization_id, "id": contact_id, "now": now})


async def set_deleted(tx: Tx, contact_id: ContactId, deleted_at: datetime | None, now: datetime) -> None:
    """Hide the card, or show it again (None); nothing on it is lost."""
    sql = """
        UPDATE contacts SET deleted_at = %(deleted_at)s, version = version + 1, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    params = {"organization": tx.organization_id, "id": contact_id, "deleted_at": deleted_at, "now": now}
    await tx.execute(sql, params)


async def has_more_than(tx: Tx, count: int) -> bool:
    """Tell whether there are more contacts than this, deleted ones among them; counts no further."""
    sql = "SELECT count(*) FROM (SELECT FROM contacts WHERE organization_id = %(organization)s LIMIT %(most)s) AS c"
    return int(await tx.fetch_value(sql, {"organization": tx.organization_id, "most": count + 1})) > count


# --- provenance ---


async def find_provenance(tx: Tx, contact_id: ContactId) -> dict[str, FieldProvenance]:
    """Map each field that was ever written, such as `name` or `attributes.level`, to who said what stands there."""
    sql = """
        SELECT field, provenance, set_by, set_at FROM contact_fields
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contact": contact_id})
    return {field: FieldProvenance(Provenance(who), set_by, set_at) for field, who, set_by, set_at in rows}


async def upsert_provenance(tx: Tx, contact_id: ContactId, fields: Iterable[str], provenance: FieldProvenance) -> None:
    """Note who said what stands in `fields` now."""
    sql = """
        INSERT INTO contact_fields (organization_id, contact_id, field, provenance, learned_assurance, set_by, set_at)
        SELECT %(organization)s, %(contact)s, unnest(%(fields)s::text[]), %(provenance)s, %(learned)s, %(set_by)s,
               %(set_at)s
            ON CONFLICT (organization_id, contact_id, field) DO UPDATE
           SET provenance = excluded.provenance, learned_assurance = excluded.learned_assurance,
               set_by = excluded.set_by, set_at = excluded.set_at
    """
    params = {
        "organization": tx.organization_id,
        "contact": contact_id,
        "fields": sorted(set(fields)),
        "provenance": provenance.provenance,
        "learned": provenance.provenance.assurance,
        "set_by": provenance.set_by,
        "set_at": provenance.set_at,
    }
    await tx.execute(sql, params)


async def find_field_rules(tx: Tx) -> dict[Any, Assurance | None]:
    """Map each field of the card for which a rule is set to the assurance from which on it is told; None: never."""
    sql = "SELECT field, may_know_from FROM field_rules WHERE organization_id = %(organization)s"
    rows = await tx.fetch(sql, {"organization": tx.organization_id})
    return {field: None if value is None else Assurance(value) for field, value in rows}


async def upsert_field_rule(tx: Tx, field: str, may_know_from: Assurance | None) -> None:
    """Set from which assurance on a field of the card is told; None: never."""
    sql = """
        INSERT INTO field_rules (organization_id, field, may_know_from)
        VALUES (%(organization)s, %(field)s, %(may_know_from)s)
            ON CONFLICT (organization_id, field) DO UPDATE SET may_know_from = excluded.may_know_from
    """
    params = {"organization": tx.organization_id, "field": field, "may_know_from": may_know_from}
    await tx.execute(sql, params)


# --- inboxes ---


async def touch_inbox(tx: Tx, contact_id: ContactId, inbox_id: InboxId, now: datetime) -> None:
    """Note that the contact is here, through this inbox, which is added to its inboxes if it is a new one."""
    sql = """
        WITH seen AS (
            UPDATE contacts SET last_seen_at = %(now)s
             WHERE organization_id = %(organization)s AND id = %(contact)s
         RETURNING organization_id, id)
        INSERT INTO contact_inboxes (organization_id, contact_id, inbox_id, first_seen_at, last_seen_at)
        SELECT organization_id, id, %(inbox)s, %(now)s, %(now)s FROM seen
            ON CONFLICT (organization_id, contact_id, inbox_id) DO UPDATE
           SET last_seen_at = excluded.last_seen_at,
               first_seen_at = CASE WHEN contact_inboxes.first_seen_at IS NULL THEN excluded.first_seen_at
                                    ELSE contact_inboxes.first_seen_at END
    """
    params = {"organization": tx.organization_id, "contact": contact_id, "inbox": inbox_id, "now": now}
    await tx.execute(sql, params)


async def list_inboxes_of(tx: Tx, contact_id: ContactId) -> list[ContactInbox]:
    """Return the inboxes of one contact, by name; deleted ones are left out."""
    return (await find_inboxes_of(tx, [contact_id]))[contact_id]


async def find_inboxes_of(tx: Tx, contact_ids: Sequence[ContactId]) -> dict[ContactId, list[ContactInbox]]:
    """Map each contact to its inboxes, by name; every one of `contact_ids` is a key. Deleted inboxes are left out."""
    sql = """
        SELECT ci.contact_id, i.id, i.name, i.channel_type, ci.first_seen_at, ci.last_seen_at
          FROM contact_inboxes ci
          JOIN inboxes i ON i.organization_id = ci.organization_id AND i.id = ci.inbox_id AND i.deleted_at IS NULL
         WHERE ci.organization_id = %(organization)s AND ci.contact_id = ANY(%(contacts)s)
         ORDER BY i.name, i.id
    """
    found: dict[ContactId, list[ContactInbox]] = {contact_id: [] for contact_id in contact_ids}
    params = {"organization": tx.organization_id, "contacts": list(contact_ids)}
    for contact_id, *inbox in await tx.fetch(sql, params):
        found[contact_id].append(ContactInbox(*inbox))
    return found


async def set_inboxes(tx: Tx, contact_id: ContactId, inbox_ids: Collection[InboxId]) -> bool:
    """Give the contact exactly these inboxes, seen or not, and return whether that changed anything. All must exist."""
    params = {"organization": tx.organization_id, "contact": contact_id, "inboxes": list(set(inbox_ids))}
    removed = await tx.execute(
        """
        DELETE FROM contact_inboxes
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s AND inbox_id <> ALL(%(inboxes)s::uuid[])
        """,
        params,
    )
    added = await tx.execute(
        """
        INSERT INTO contact_inboxes (organization_id, contact_id, inbox_id)
        SELECT %(organization)s, %(contact)s, unnest(%(inboxes)s::uuid[])
            ON CONFLICT (organization_id, contact_id, inbox_id) DO NOTHING
        """,
        params,
    )
    return removed + added > 0


# --- rows ---


async def _insert_addresses(tx: Tx, contact_id: ContactId, field: AddressField, addresses: Sequence[Address]) -> None:
    if not addresses:
        return
    table, column = _ADDRESS_TABLES[field]
    await tx.execute(
        f"""
        INSERT INTO {table} (organization_id, contact_id, position, {column}, provenance, learned_assurance)
        SELECT %(organization)s, %(contact)s, position, value, provenance, learned
          FROM unnest(%(values)s::text[], %(provenances)s::text[], %(learned)s::smallint[])
               WITH ORDINALITY AS listed (value, provenance, learned, position)
        """,
        {
            "organization": tx.organization_id,
            "contact": contact_id,
            "values": [address.value for address in addresses],
            "provenances": [address.provenance.value for address in addresses],
            "learned": [address.provenance.assurance for address in addresses],
        },
    )


def _addresses(contact: Contact) -> tuple[tuple[AddressField, tuple[str, ...]], ...]:
    return ("emails", contact.emails), ("phones", contact.phones)


def _contact_params(tx: Tx, contact: Contact) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "id": contact.id,
        "name": contact.name,
        "avatar": contact.avatar,
        "language": contact.language,
        "time_zone": contact.time_zone,
        "attributes": to_jsonb(contact.attributes),
        "query_metadata": to_jsonb(contact.query_metadata),
        "profiles_mode": contact.profiles_mode,
        "version": contact.version,
        "created_at": contact.created_at,
        "updated_at": contact.updated_at,
        "last_seen_at": contact.last_seen_at,
    }
