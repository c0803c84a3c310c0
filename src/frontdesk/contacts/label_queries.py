"""Labels of contacts, and which contacts have them."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from frontdesk.contacts.model import Provenance
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ContactLabelId


@dataclass(frozen=True, slots=True)
class ContactLabel:
    """A label of contacts; `contacts_count` counts those that are not deleted."""

    id: ContactLabelId
    name: str
    created_at: datetime
    contacts_count: int = 0


_COUNTED: Final = """
    l.id, l.name, l.created_at,
    (SELECT count(*) FROM labelled_contacts lc
       JOIN contacts c ON c.organization_id = lc.organization_id AND c.id = lc.contact_id AND c.deleted_at IS NULL
      WHERE lc.organization_id = l.organization_id AND lc.label_id = l.id) AS contacts_count
"""


async def list_labels(tx: Tx, *, limit: int, offset: int = 0) -> tuple[list[ContactLabel], int]:
    """Return a part of the labels by name, and how many there are."""
    sql = f"""
        SELECT {_COUNTED} FROM contact_labels l
         WHERE l.organization_id = %(organization)s
         ORDER BY l.name, l.id LIMIT %(limit)s OFFSET %(offset)s
    """
    params = {"organization": tx.organization_id, "limit": limit, "offset": offset}
    count = "SELECT count(*) FROM contact_labels WHERE organization_id = %(organization)s"
    return await tx.fetch_as(ContactLabel, sql, params), int(await tx.fetch_value(count, params))


async def find_label(tx: Tx, label_id: ContactLabelId) -> ContactLabel | None:
    """Return one label; None when there is none."""
    sql = f"SELECT {_COUNTED} FROM contact_labels l WHERE l.organization_id = %(organization)s AND l.id = %(id)s"
    return await tx.fetch_one_as(ContactLabel, sql, {"organization": tx.organization_id, "id": label_id})


async def find_labels(tx: Tx, *, ids: Collection[ContactLabelId], names: Collection[str]) -> list[ContactLabel]:
    """Return the labels with one of these ids or names, without counting; unknown ones are absent."""
    sql = """
        SELECT id, name, created_at FROM contact_labels
         WHERE organization_id = %(organization)s AND (id = ANY(%(ids)s) OR name = ANY(%(names)s))
    """
    params = {"organization": tx.organization_id, "ids": list(ids), "names": list(names)}
    return await tx.fetch_as(ContactLabel, sql, params)


async def find_labels_called(tx: Tx, said: Collection[str]) -> dict[str, list[ContactLabelId]]:
    """Map each of `said`, an id or a name, to the labels of contacts that are called so; each is a key."""
    sql = """
        SELECT id, name FROM contact_labels
         WHERE organization_id = %(organization)s AND (name = ANY(%(said)s) OR id::text = ANY(%(said)s))
    """
    found: dict[str, list[ContactLabelId]] = {text: [] for text in said}
    for label_id, name in await tx.fetch(sql, {"organization": tx.organization_id, "said": list(said)}):
        for text in {name, str(label_id)} & set(said):
            found[text].append(ContactLabelId(label_id))
    return found


async def insert_label(tx: Tx, label: ContactLabel) -> bool:
    """Store a new label; False when another one has its name."""
    sql = """
        INSERT INTO contact_labels (organization_id, id, name, created_at)
        VALUES (%(organization)s, %(id)s, %(name)s, %(created_at)s)
            ON CONFLICT (organization_id, name) DO NOTHING
    """
    params = {
        "organization": tx.organization_id,
        "id": label.id,
        "name": label.name,
        "created_at": label.created_at,
    }
    return await tx.execute(sql, params) == 1


async def lock_labels(tx: Tx) -> None:
    """Wait until nobody else names labels before this transaction ends."""
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%(labels)s, 0))",
        {"labels": f"{tx.organization_id}/contact labels"},
    )


async def update_label(tx: Tx, label_id: ContactLabelId, name: str) -> None:
    """Give a label another name, which no other label has."""
    sql = "UPDATE contact_labels SET name = %(name)s WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": label_id, "name": name})


async def delete_label(tx: Tx, label_id: ContactLabelId) -> None:
    """Delete a label, and take it from all contacts."""
    sql = "DELETE FROM contact_labels WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": label_id})


async def find_labels_of(tx: Tx, contact_ids: Sequence[ContactId]) -> dict[ContactId, list[ContactLabel]]:
    """Map each contact to its labels, by name; every one of `contact_ids` is a key."""
    sql = """
        SELECT lc.contact_id, l.id, l.name, l.created_at
          FROM labelled_contacts lc
          JOIN contact_labels l ON l.organization_id = lc.organization_id AND l.id = lc.label_id
         WHERE lc.organization_id = %(organization)s AND lc.contact_id = ANY(%(contacts)s)
         ORDER BY l.name, l.id
    """
    found: dict[ContactId, list[ContactLabel]] = {contact_id: [] for contact_id in contact_ids}
    params = {"organization": tx.organization_id, "contacts": list(contact_ids)}
    for contact_id, *label in await tx.fetch(sql, params):
        found[contact_id].append(ContactLabel(*label))
    return found


async def insert_labels_of(
    tx: Tx,
    contact_id: ContactId,
    label_ids: Iterable[ContactLabelId],
    *,
    provenance: Provenance,
    set_by: str,
    now: datetime,
) -> int:
    """Put labels that exist on a contact; return how many it did not have."""
    sql = """
        INSERT INTO labelled_contacts (organization_id, contact_id, label_id, provenance, set_by, set_at)
        SELECT organization_id, %(contact)s, id, %(provenance)s, %(set_by)s, %(now)s FROM contact_labels
         WHERE organization_id = %(organization)s AND id = ANY(%(labels)s)
           FOR KEY SHARE
            ON CONFLICT (organization_id, contact_id, label_id) DO NOTHING
    """
    params = {
        "organization": tx.organization_id,
        "contact": contact_id,
        "labels": list(label_ids),
        "provenance": provenance,
        "set_by": set_by,
        "now": now,
    }
    return await tx.execute(sql, params)


async def delete_labels_of(tx: Tx, contact_id: ContactId, label_ids: Iterable[ContactLabelId]) -> int:
    """Take labels from a contact; return how many it had."""
    sql = """
        DELETE FROM labelled_contacts
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s AND label_id = ANY(%(labels)s)
    """
    params = {"organization": tx.organization_id, "contact": contact_id, "labels": list(label_ids)}
    return await tx.execute(sql, params)
