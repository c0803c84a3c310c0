"""SQL of exports."""

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, NewType
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.contacts.model import Contact
from frontdesk.contacts.queries import CARD, to_contact
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId

ExportId = NewType("ExportId", UUID)


@dataclass(frozen=True, slots=True)
class Export:
    """An export as it is stored. It is its maker's alone. `file_key` None: the file is not written yet, or gone."""

    id: ExportId
    format: str
    selection: dict[str, Any]
    columns: list[str]
    state: str  # running, done, failed or gone
    row_count: int
    file_key: str | None
    failure: str | None
    actor_kind: str
    actor_id: UUID
    actor_name: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    downloaded_at: datetime | None


_COLUMNS: Final = tuple(field.name for field in fields(Export))
_EXPORT: Final = ", ".join(_COLUMNS)


async def insert_export(tx: Tx, one: Export) -> None:
    """Store a new export."""
    places = ", ".join(f"%({column})s" for column in _COLUMNS)
    sql = f"INSERT INTO exports (organization_id, {_EXPORT}) VALUES (%(organization)s, {places})"
    params = {column: getattr(one, column) for column in _COLUMNS}
    await tx.execute(sql, params | {"organization": tx.organization_id, "selection": Jsonb(one.selection)})


async def get_export(tx: Tx, export_id: ExportId) -> Export:
    """Return the export, or raise NotFound."""
    return await _get(tx, export_id, "")


async def lock_export(tx: Tx, export_id: ExportId) -> Export:
    """Return the export, which nobody else can change before this transaction ends; or raise NotFound."""
    return await _get(tx, export_id, "FOR UPDATE")


async def list_exports(tx: Tx, *, of: UUID, limit: int, offset: int) -> tuple[list[Export], int]:
    """Return one page of what somebody exported, the newest first, and how many there are."""
    where = "FROM exports WHERE organization_id = %(organization)s AND actor_id = %(of)s"
    params = {"organization": tx.organization_id, "of": of, "limit": limit, "offset": offset}
    sql = f"SELECT {_EXPORT} {where} ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s"
    return await tx.fetch_as(Export, sql, params), await tx.fetch_value(f"SELECT count(*) {where}", params)


async def update_export(tx: Tx, export_id: ExportId, now: datetime, **changes: object) -> None:
    """Store `changes`, which are named like the columns."""
    places = ", ".join(f"{column} = %({column})s" for column in changes if column in _COLUMNS)
    sql = f"UPDATE exports SET {places}, updated_at = %(now)s WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, changes | {"organization": tx.organization_id, "id": export_id, "now": now})


async def finish_export(tx: Tx, export_id: ExportId, now: datetime, *, file_key: str, row_count: int) -> bool:
    """Note that the file is there; False when nobody waits for it any more."""
    sql = """
        UPDATE exports SET state = 'done', file_key = %(key)s, row_count = %(count)s, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s AND state = 'running'
    """
    params = {"organization": tx.organization_id, "id": export_id, "key": file_key, "count": row_count, "now": now}
    return await tx.execute(sql, params) == 1


async def set_link(tx: Tx, export_id: ExportId, token_hash: bytes, expires_at: datetime) -> None:
    """Let the file be downloaded once by whoever has the token; a link that was made before is worth nothing."""
    sql = """
        UPDATE exports SET token_hash = %(hash)s, link_expires_at = %(expires)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    params = {"organization": tx.organization_id, "id": export_id, "hash": token_hash, "expires": expires_at}
    await tx.execute(sql, params)


async def use_link(tx: Tx, export_id: ExportId, token_hash: bytes, *, actor_id: UUID, now: datetime) -> Export:
    """Use up the link and return the export. Raises NotFound when it was used, is too old or is somebody else's."""
    sql = f"""
        UPDATE exports SET token_hash = NULL, link_expires_at = NULL, downloaded_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s AND token_hash = %(hash)s AND actor_id = %(actor)s
           AND link_expires_at > %(now)s AND file_key IS NOT NULL
     RETURNING {_EXPORT}
    """
    params = {"organization": tx.organization_id, "id": export_id, "hash": token_hash, "actor": actor_id, "now": now}
    found = await tx.fetch_one_as(Export, sql, params)
    if found is None:
        raise NotFound
    return found


async def list_expired(tx: Tx, now: datetime, *, limit: int) -> list[Export]:
    """Return exports whose files are there and too old."""
    sql = f"""
        SELECT {_EXPORT} FROM exports
         WHERE organization_id = %(organization)s AND file_key IS NOT NULL AND expires_at <= %(now)s
         ORDER BY id LIMIT %(limit)s
    """
    return await tx.fetch_as(Export, sql, {"organization": tx.organization_id, "now": now, "limit": limit})


async def list_cards(tx: Tx, contact_ids: Collection[ContactId]) -> list[Contact]:
    """Return the cards of those contacts that are not deleted, by id."""
    sql = f"""
        SELECT {CARD} FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.id = ANY(%(ids)s) AND c.deleted_at IS NULL ORDER BY c.id
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "ids": list(contact_ids)})
    return [to_contact(row) for row in rows]


async def find_attribute_keys(tx: Tx, contact_ids: Collection[ContactId]) -> set[str]:
    """Return the keys of all attributes that these contacts have."""
    sql = """
        SELECT DISTINCT jsonb_object_keys(attributes) FROM contacts
         WHERE organization_id = %(organization)s AND id = ANY(%(ids)s)
    """
    return {row[0] for row in await tx.fetch(sql, {"organization": tx.organization_id, "ids": list(contact_ids)})}


async def _get(tx: Tx, export_id: ExportId, lock: str) -> Export:
    sql = f"SELECT {_EXPORT} FROM exports WHERE organization_id = %(organization)s AND id = %(id)s {lock}"
    found = await tx.fetch_one_as(Export, sql, {"organization": tx.organization_id, "id": export_id})
    if found is None:
        raise NotFound
    return found
