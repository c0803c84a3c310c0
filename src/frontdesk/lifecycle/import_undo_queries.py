"""SQL of taking an import back."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ContactLabelId, InboxId, ProfileId
from frontdesk.identities.model import IdentityKey
from frontdesk.lifecycle.import_model import ImportId, Outcome


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A row that wrote something, and what was there before."""

    row_number: int
    outcome: Outcome
    contact_id: ContactId
    old_values: dict[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", Outcome(self.outcome))


async def list_written(tx: Tx, import_id: ImportId, *, before: int | None, limit: int) -> list[WrittenRow]:
    """Return the rows above row `before` of the file (None: from its end) that wrote something, the last one first."""
    sql = """
        SELECT row_number, outcome, contact_id, old_values FROM import_rows
         WHERE organization_id = %(organization)s AND import_id = %(id)s AND NOT is_dry
           AND old_values IS NOT NULL AND contact_id IS NOT NULL
           AND (%(before)s::bigint IS NULL OR row_number < %(before)s)
         ORDER BY row_number DESC LIMIT %(limit)s
    """
    params = {"organization": tx.organization_id, "id": import_id, "before": before, "limit": limit}
    return await tx.fetch_as(WrittenRow, sql, params)


async def find_unused(tx: Tx, import_id: ImportId, contact_ids: Collection[ContactId]) -> set[ContactId]:
    """Return which contacts are as this import left them, and have nothing that came since."""
    sql = """
        SELECT c.id FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.id = ANY(%(ids)s)
           AND c.deleted_at IS NULL AND c.last_seen_at IS NULL
           AND c.version = (SELECT max((r.old_values ->> 'version')::integer) FROM import_rows r
                             WHERE r.organization_id = c.organization_id AND r.contact_id = c.id
                               AND r.import_id = %(import)s AND NOT r.is_dry)
           AND NOT EXISTS (SELECT 1 FROM conversations x
                            WHERE x.organization_id = c.organization_id AND x.contact_id = c.id)
           AND NOT EXISTS (SELECT 1 FROM chat_sessions x
                            WHERE x.organization_id = c.organization_id AND x.contact_id = c.id)
           AND NOT EXISTS (SELECT 1 FROM notes x
                            WHERE x.organization_id = c.organization_id AND x.contact_id = c.id)
           AND NOT EXISTS (SELECT 1 FROM memory_facts x
                            WHERE x.organization_id = c.organization_id AND x.contact_id = c.id)
           AND NOT EXISTS (SELECT 1 FROM merged_contacts x
                            WHERE x.organization_id = c.organization_id AND x.survivor_id = c.id)
           AND NOT EXISTS (SELECT 1 FROM merges x
                            WHERE x.organization_id = c.organization_id AND x.survivor_id = c.id)
    """
    params = {"organization": tx.organization_id, "import": import_id, "ids": list(contact_ids)}
    return {ContactId(row[0]) for row in await tx.fetch(sql, params)}


async def delete_contacts(tx: Tx, contact_ids: Collection[ContactId]) -> None:
    """Remove contacts as if they had never been there. Nothing else may name them."""
    if not contact_ids:
        return
    params = {"organization": tx.organization_id, "ids": list(contact_ids)}
    await tx.execute(
        "DELETE FROM identities WHERE organization_id = %(organization)s AND contact_id = ANY(%(ids)s)", params
    )
    await tx.execute("DELETE FROM contacts WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)", params)


async def restore_provenance(tx: Tx, restored: Mapping[ContactId, Mapping[str, Any]]) -> None:
    """Let fields be said by whom they were said before; of fields that nobody had said, nothing is known again."""
    gone = [(contact_id, field) for contact_id, fields in restored.items() for field, who in fields.items() if not who]
    if gone:
        contacts, fields = zip(*gone, strict=True)
        sql = """
            DELETE FROM contact_fields f
             USING unnest(%(contacts)s::uuid[], %(fields)s::text[]) AS given (contact_id, field)
             WHERE f.organization_id = %(organization)s AND f.contact_id = given.contact_id AND f.field = given.field
        """
        params = {"organization": tx.organization_id, "contacts": list(contacts), "fields": list(fields)}
        await tx.execute(sql, params)
    known = [
        (contact_id, field, *who) for contact_id, fields in restored.items() for field, who in fields.items() if who
    ]
    if known:
        contacts, fields, provenances, set_by, set_at, learned = zip(*known, strict=True)
        sql = """
            UPDATE contact_fields f
               SET provenance = given.provenance, set_by = given.set_by, set_at = given.set_at,
                   learned_assurance = given.learned
              FROM unnest(%(contacts)s::uuid[], %(fields)s::text[], %(provenances)s::text[], %(set_by)s::text[],
                          %(set_at)s::timestamptz[], %(learned)s::smallint[])
                AS given (contact_id, field, provenance, set_by, set_at, learned)
             WHERE f.organization_id = %(organization)s AND f.contact_id = given.contact_id AND f.field = given.field
        """
        params = {
            "organization": tx.organization_id,
            "contacts": list(contacts),
            "fields": list(fields),
            "provenances": list(provenances),
            "set_by": list(set_by),
            "set_at": list(set_at),
            "learned": list(learned),
        }
        await tx.execute(sql, params)


async def delete_inboxes(tx: Tx, links: Collection[tuple[ContactId, InboxId]]) -> int:
    """Take contacts out of inboxes through which they never came."""
    sql = """
        DELETE FROM contact_inboxes x
         USING unnest(%(contacts)s::uuid[], %(ids)s::uuid[]) AS given (contact_id, id)
         WHERE x.organization_id = %(organization)s AND x.contact_id = given.contact_id AND x.inbox_id = given.id
           AND x.first_seen_at IS NULL
    """
    return await _delete_links(tx, sql, links)


async def delete_labels(tx: Tx, links: Collection[tuple[ContactId, ContactLabelId]]) -> int:
    """Take labels from contacts, as far as an import gave them."""
    sql = """
        DELETE FROM labelled_contacts x
         USING unnest(%(contacts)s::uuid[], %(ids)s::uuid[]) AS given (contact_id, id)
         WHERE x.organization_id = %(organization)s AND x.contact_id = given.contact_id AND x.label_id = given.id
           AND x.provenance = 'import'
    """
    return await _delete_links(tx, sql, links)


async def delete_profiles(tx: Tx, links: Collection[tuple[ContactId, ProfileId]]) -> int:
    """Take access profiles from contacts, as far as an import gave them."""
    sql = """
        DELETE FROM profile_assignments x
         USING unnest(%(contacts)s::uuid[], %(ids)s::uuid[]) AS given (contact_id, id)
         WHERE x.organization_id = %(organization)s AND x.contact_id = given.contact_id AND x.profile_id = given.id
           AND x.provenance = 'import'
    """
    return await _delete_links(tx, sql, links)


async def delete_identities(tx: Tx, keys: Collection[tuple[ContactId, IdentityKey]]) -> int:
    """Take source ids from contacts who never came with them."""
    if not keys:
        return 0
    sql = """
        DELETE FROM identities x
         USING unnest(%(contacts)s::uuid[], %(realms)s::uuid[], %(source_ids)s::text[])
            AS given (contact_id, realm_id, source_id)
         WHERE x.organization_id = %(organization)s AND x.contact_id = given.contact_id
           AND x.realm_id = given.realm_id AND x.source_id = given.source_id
           AND x.first_seen_at IS NULL AND x.linked_by IS NULL
    """
    contacts, given = zip(*keys, strict=True)
    params = {
        "organization": tx.organization_id,
        "contacts": list(contacts),
        "realms": [key.realm for key in given],
        "source_ids": [key.source_id for key in given],
    }
    return await tx.execute(sql, params)


async def _delete_links(tx: Tx, sql: str, links: Collection[tuple[ContactId, Any]]) -> int:
    if not links:
        return 0
    contacts, ids = zip(*links, strict=True)
    return await tx.execute(sql, {"organization": tx.organization_id, "contacts": list(contacts), "ids": list(ids)})
