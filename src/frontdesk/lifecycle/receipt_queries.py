"""Erasures as they are kept, and SQL on them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, InboxId


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure. `contact_id` None: of many contacts, by the rule of the inbox. `receipt` holds no personal data."""

    id: UUID
    contact_id: ContactId | None
    inbox_id: InboxId | None
    mode: str
    state: str  # running: files are still being deleted
    receipt: dict[str, Any]
    signature: str | None
    file_keys: list[str]
    actor_kind: str
    actor_id: UUID
    actor_name: str
    created_at: datetime
    finished_at: datetime | None


_ERASURE: Final = """id, contact_id, inbox_id, mode, state, receipt, signature, file_keys, actor_kind, actor_id,
    actor_name, created_at, finished_at"""


async def insert_erasure(tx: Tx, erasure: Erasure) -> None:
    """Store an erasure."""
    sql = f"""
        INSERT INTO erasures (organization_id, {_ERASURE})
        VALUES (%(organization)s, %(id)s, %(contact)s, %(inbox)s, %(mode)s, %(state)s, %(receipt)s, %(signature)s,
                %(files)s, %(actor_kind)s, %(actor)s, %(actor_name)s, %(created_at)s, %(finished_at)s)
    """
    params = {
        "organization": tx.organization_id,
        "id": erasure.id,
        "contact": erasure.contact_id,
        "inbox": erasure.inbox_id,
        "mode": erasure.mode,
        "state": erasure.state,
        "receipt": Jsonb(erasure.receipt),
        "signature": erasure.signature,
        "files": erasure.file_keys,
        "actor_kind": erasure.actor_kind,
        "actor": erasure.actor_id,
        "actor_name": erasure.actor_name,
        "created_at": erasure.created_at,
        "finished_at": erasure.finished_at,
    }
    await tx.execute(sql, params)


async def lock_erasure(tx: Tx, erasure_id: UUID) -> Erasure | None:
    """Return an erasure that nobody else changes before this transaction ends, or None."""
    sql = f"SELECT {_ERASURE} FROM erasures WHERE organization_id = %(organization)s AND id = %(id)s FOR UPDATE"
    return await tx.fetch_one_as(Erasure, sql, {"organization": tx.organization_id, "id": erasure_id})


async def update_erasure(tx: Tx, erasure: Erasure) -> None:
    """Store state, receipt, signature and what is still to be deleted."""
    sql = """
        UPDATE erasures SET state = %(state)s, receipt = %(receipt)s, signature = %(signature)s, file_keys = %(files)s,
               finished_at = %(finished_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    params = {
        "organization": tx.organization_id,
        "id": erasure.id,
        "state": erasure.state,
        "receipt": Jsonb(erasure.receipt),
        "signature": erasure.signature,
        "files": erasure.file_keys,
        "finished_at": erasure.finished_at,
    }
    await tx.execute(sql, params)


async def find_erasure(tx: Tx, erasure_id: UUID) -> Erasure | None:
    """Return an erasure, or None."""
    sql = f"SELECT {_ERASURE} FROM erasures WHERE organization_id = %(organization)s AND id = %(id)s"
    return await tx.fetch_one_as(Erasure, sql, {"organization": tx.organization_id, "id": erasure_id})


async def find_erasure_of(tx: Tx, contact_id: ContactId) -> Erasure | None:
    """Return the latest erasure of all of a contact, or None."""
    sql = f"""
        SELECT {_ERASURE} FROM erasures
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s AND mode = 'all'
         ORDER BY id DESC LIMIT 1
    """
    return await tx.fetch_one_as(Erasure, sql, {"organization": tx.organization_id, "contact": contact_id})


async def list_erasures(
    tx: Tx, *, actor_id: UUID | None, contact_id: ContactId | None = None, limit: int, offset: int
) -> tuple[int, list[Erasure]]:
    """Return how many erasures there are and a page of them, the latest first. None: by anybody, of anybody."""
    where = """
        organization_id = %(organization)s AND (%(actor)s::uuid IS NULL OR actor_id = %(actor)s)
        AND (%(contact)s::uuid IS NULL OR contact_id = %(contact)s)
    """
    params = {
        "organization": tx.organization_id,
        "actor": actor_id,
        "contact": contact_id,
        "limit": limit,
        "offset": offset,
    }
    count = await tx.fetch_value(f"SELECT count(*) FROM erasures WHERE {where}", params)
    page = f"SELECT {_ERASURE} FROM erasures WHERE {where} ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s"
    return count, await tx.fetch_as(Erasure, page, params)
