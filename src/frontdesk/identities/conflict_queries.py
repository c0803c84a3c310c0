"""SQL of conflicts."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from frontdesk.contacts.model import PERSONAL_FIELDS
from frontdesk.core.db import Row, Tx, to_jsonb
from frontdesk.core.ids import ConflictId, ContactId, InboxId, new_id
from frontdesk.core.text import dump_json
from frontdesk.identities.pairs import MAY_SEE_PERSONAL, MAY_VIEW, SIDES, list_or_all, one_in

AddressField: TypeAlias = Literal["emails", "phones"]
State: TypeAlias = Literal["open", "settled"]


class ConflictKind(StrEnum):
    """What does not fit together."""

    SHARED_EMAIL = "shared_email"
    SHARED_PHONE = "shared_phone"
    PROFILE_DISAGREES = "profile_disagrees"


class Resolution(StrEnum):
    """What a member decided."""

    MERGED = "merged"  # the two became one
    KEPT_APART = "kept_apart"
    ACCEPTED = "accepted"  # the proven value stands on the card now
    DISMISSED = "dismissed"  # all stays as it is


@dataclass(frozen=True, slots=True)
class Stated:
    """What contradicts what: between two contacts, or within one card (`first_id` and `second_id` are then equal)."""

    kind: ConflictKind
    first_id: ContactId  # the smaller id
    second_id: ContactId
    field: str  # `emails`, `phones`, `name`, `attributes.<key>`
    said: Any  # by the proof or the platform
    kept: Any = None  # what stands on the card; None with two contacts
    by: str = "signed"  # the provenance of what was said

    @property
    def value_hash(self) -> bytes:
        """What makes two statements the same conflict."""
        return hashlib.sha256(dump_json([self.field, self.said]).encode()).digest()


@dataclass(frozen=True, slots=True)
class StoredConflict:
    """A conflict as it is kept."""

    id: ConflictId
    stated: Stated
    state: State
    resolution: Resolution | None
    created_at: datetime
    settled_at: datetime | None
    settled_by: str | None


_COLUMNS: Final = """
    pair.id, pair.kind, pair.first_id, pair.second_id, pair.details, pair.state, pair.resolution, pair.created_at,
    pair.settled_at, pair.settled_by
"""
_MAY_READ: Final = f"{MAY_VIEW} AND (pair.details ->> 'field' <> ALL (%(hidden)s) OR {MAY_SEE_PERSONAL})"
_HOLDERS: Final = """
    SELECT '{field}', held.{column}, held.contact_id FROM {table} held
      JOIN contacts c ON c.organization_id = held.organization_id AND c.id = held.contact_id AND c.deleted_at IS NULL
     WHERE held.organization_id = %(organization)s AND held.{key} = ANY (%({field})s)
       AND held.contact_id <> %(contact)s AND held.provenance IN ('member', 'api', 'import', 'signed')
"""
_SHARED: Final = (
    _HOLDERS.format(field="emails", column="email_key", table="contact_emails", key="email_key")
    + "UNION ALL"
    + _HOLDERS.format(field="phones", column="phone", table="contact_phones", key="phone")
    + "ORDER BY 1, 2, 3 LIMIT %(limit)s"
)


async def find_holders(
    tx: Tx, contact_id: ContactId, *, emails: Collection[str], phones: Collection[str], limit: int
) -> list[tuple[AddressField, str, ContactId]]:
    """Return others on whose cards these addresses stand by a proof or deliberately, not merely claimed."""
    params = {
        "organization": tx.organization_id,
        "contact": contact_id,
        "emails": [email.lower() for email in emails],
        "phones": list(phones),
        "limit": limit,
    }
    return [(field, value, holder) for field, value, holder in await tx.fetch(_SHARED, params)]


async def find_noted(tx: Tx, statements: Sequence[Stated]) -> set[tuple[ConflictKind, ContactId, ContactId, bytes]]:
    """Return the keys of those statements that were noted before, settled or not."""
    sql = """
        SELECT kind, first_id, second_id, value_hash FROM conflicts
          JOIN unnest(%(kinds)s::text[], %(firsts)s::uuid[], %(seconds)s::uuid[], %(hashes)s::bytea[])
               AS wanted (kind, first_id, second_id, value_hash) USING (kind, first_id, second_id, value_hash)
         WHERE organization_id = %(organization)s
    """
    params = {
        "organization": tx.organization_id,
        "kinds": [one.kind.value for one in statements],
        "firsts": [one.first_id for one in statements],
        "seconds": [one.second_id for one in statements],
        "hashes": [one.value_hash for one in statements],
    }
    rows = await tx.fetch(sql, params)
    return {(ConflictKind(kind), first, second, bytes(value)) for kind, first, second, value in rows}


async def upsert_conflict(tx: Tx, stated: Stated, *, now: datetime) -> bool:
    """Note a conflict; one that was settled is open again when what stands on the card is another value now.

    False when nothing changed.
    """
    sql = """
        INSERT INTO conflicts AS known
               (organization_id, id, kind, first_id, second_id, value_hash, details, created_at)
        VALUES (%(organization)s, %(id)s, %(kind)s, %(first)s, %(second)s, %(hash)s, %(details)s, %(now)s)
            ON CONFLICT (organization_id, kind, first_id, second_id, value_hash) DO UPDATE
           SET details = excluded.details, state = 'open', resolution = NULL, settled_at = NULL, settled_by = NULL
         WHERE known.details <> excluded.details
    """
    details = {"field": stated.field, "said": stated.said, "kept": stated.kept, "by": stated.by}
    params = {
        "organization": tx.organization_id,
        "id": new_id(),
        "kind": stated.kind.value,
        "first": stated.first_id,
        "second": stated.second_id,
        "hash": stated.value_hash,
        "details": to_jsonb(details),
        "now": now,
    }
    return await tx.execute(sql, params) == 1


async def delete_past_disagreements(
    tx: Tx, contact_id: ContactId, by: str, fields: Collection[str], standing: Collection[bytes]
) -> int:
    """Remove open disagreements about `fields` that `by` no longer states; return how many."""
    sql = """
        DELETE FROM conflicts
         WHERE organization_id = %(organization)s AND kind = 'profile_disagrees' AND state = 'open'
           AND first_id = %(contact)s AND details ->> 'by' = %(by)s AND details ->> 'field' = ANY (%(fields)s)
           AND value_hash <> ALL (%(standing)s::bytea[])
    """
    params = {
        "organization": tx.organization_id,
        "contact": contact_id,
        "by": by,
        "fields": list(fields),
        "standing": list(standing),
    }
    return await tx.execute(sql, params)


async def find_conflict(tx: Tx, rights: Mapping[str, Any], conflict_id: ConflictId) -> StoredConflict | None:
    """Return a conflict that may be read; None otherwise, and when one of its contacts is gone."""
    sql = f"""
        SELECT {_COLUMNS} FROM conflicts pair {SIDES}
         WHERE pair.organization_id = %(organization)s AND pair.id = %(id)s AND {_MAY_READ}
    """
    row = await tx.fetch_one(sql, _params(tx, rights) | {"id": conflict_id})
    return _to_conflict(row) if row else None


async def list_conflicts(
    tx: Tx,
    rights: Mapping[str, Any],
    *,
    state: State,
    inbox_ids: Collection[InboxId] | None,
    contact_id: ContactId | None,
    limit: int,
    offset: int,
) -> tuple[list[StoredConflict], int]:
    """Return conflicts that may be read, the oldest first, and how many there are.

    Those of contacts that became one, or were deleted, are left out. `inbox_ids`: a side is in one of them.
    """
    where = f"""
        FROM conflicts pair {SIDES}
        WHERE pair.organization_id = %(organization)s AND pair.state = %(state)s AND {_MAY_READ}
          AND {one_in("wanted")} AND (%(contact)s::uuid IS NULL OR %(contact)s IN (pair.first_id, pair.second_id))
    """
    params = _params(tx, rights) | {
        "state": state,
        "wanted": list_or_all(inbox_ids),
        "contact": contact_id,
        "limit": limit,
        "offset": offset,
    }
    rows = await tx.fetch(f"SELECT {_COLUMNS} {where} ORDER BY pair.id LIMIT %(limit)s OFFSET %(offset)s", params)
    count = await tx.fetch_value(f"SELECT count(*) {where}", params)
    return [_to_conflict(row) for row in rows], int(count)


async def settle_conflict(
    tx: Tx, conflict_id: ConflictId, resolution: Resolution, *, settled_by: str, now: datetime
) -> bool:
    """Close an open conflict; False when it is settled."""
    sql = """
        UPDATE conflicts
           SET state = 'settled', resolution = %(resolution)s, settled_at = %(now)s, settled_by = %(settled_by)s
         WHERE organization_id = %(organization)s AND id = %(id)s AND state = 'open'
    """
    params = {
        "organization": tx.organization_id,
        "id": conflict_id,
        "resolution": resolution.value,
        "settled_by": settled_by,
        "now": now,
    }
    return await tx.execute(sql, params) == 1


def _params(tx: Tx, rights: Mapping[str, Any]) -> dict[str, Any]:
    return {**rights, "organization": tx.organization_id, "hidden": sorted(PERSONAL_FIELDS)}


def _to_conflict(row: Row) -> StoredConflict:
    conflict_id, kind, first_id, second_id, details, state, resolution, created_at, settled_at, settled_by = row
    stated = Stated(
        ConflictKind(kind), first_id, second_id, details["field"], details["said"], details["kept"], details["by"]
    )
    decided = None if resolution is None else Resolution(resolution)
    return StoredConflict(conflict_id, stated, state, decided, created_at, settled_at, settled_by)
