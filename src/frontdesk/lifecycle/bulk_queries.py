"""SQL of edits of many contacts. Tables: `bulk_edits`, `bulk_edit_rows`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from frontdesk.core.db import Row, Tx
from frontdesk.core.ids import BulkEditId, ContactId
from frontdesk.lifecycle.bulk_model import BulkEdit, BulkState, parse_change
from frontdesk.organizations.model import Caller

_OUTCOMES: Final = """
    (SELECT coalesce(jsonb_object_agg(outcome, count), '{}')
       FROM (SELECT coalesce(r.undo_outcome, r.outcome) AS outcome, count(*)
               FROM bulk_edit_rows r
              WHERE r.organization_id = b.organization_id AND r.bulk_edit_id = b.id AND r.outcome IS NOT NULL
              GROUP BY 1) AS counted)
"""
_EDIT: Final = """
    b.id, b.change, b.state, b.total_count, b.done_count, {outcomes}, b.actor_kind, b.actor_id, b.actor_name,
    b.undoer_kind, b.undoer_id, b.created_at, b.updated_at
"""
_COUNTED: Final = _EDIT.format(outcomes=_OUTCOMES)
_BARE: Final = _EDIT.format(outcomes="'{}'::jsonb")
_WAITS: Final = {False: "outcome IS NULL", True: "outcome = 'changed' AND undo_outcome IS NULL"}  # by: is it undone?


async def insert_edit(
    tx: Tx, edit_id: BulkEditId, caller: Caller, selection: Mapping[str, Any], change: Mapping[str, Any], now: datetime
) -> None:
    """Note an edit that is about to begin."""
    sql = """
        INSERT INTO bulk_edits (organization_id, id, selection, change, state, total_count, actor_kind, actor_id,
                                actor_name, created_at, updated_at)
        VALUES (%(organization)s, %(id)s, %(selection)s, %(change)s, 'running', 0, %(kind)s, %(actor)s, %(name)s,
                %(now)s, %(now)s)
    """
    params = {
        "organization": tx.organization_id,
        "id": edit_id,
        "selection": Jsonb(selection),
        "change": Jsonb(change),
        "kind": caller.kind.value,
        "actor": caller.id,
        "name": caller.name,
        "now": now,
    }
    await tx.execute(sql, params)


async def insert_rows(tx: Tx, edit_id: BulkEditId, where: str, params: Mapping[str, Any]) -> int:
    """Note which contacts are meant: those of `contacts c` for which `where` holds now; return how many."""
    added = f"""
        WITH meant AS (
            INSERT INTO bulk_edit_rows (organization_id, bulk_edit_id, contact_id)
            SELECT c.organization_id, %(edit)s, c.id FROM contacts c WHERE {where}
         RETURNING 1)
        SELECT count(*) FROM meant
    """
    ((count,),) = await tx.fetch_planned(added, {**params, "edit": edit_id})
    sql = "UPDATE bulk_edits SET total_count = %(count)s WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": edit_id, "count": count})
    return int(count)


async def find_edit(tx: Tx, edit_id: BulkEditId, *, alone: bool = False) -> BulkEdit | None:
    """Return an edit; None when there is none. `alone`: wait until nobody else can move it on."""
    sql = f"SELECT {_COUNTED} FROM bulk_edits b WHERE b.organization_id = %(organization)s AND b.id = %(id)s"
    lock = " FOR UPDATE OF b" if alone else ""
    row = await tx.fetch_one(sql + lock, {"organization": tx.organization_id, "id": edit_id})
    return _to_edit(row) if row else None


async def find_edit_at_work(tx: Tx, edit_id: BulkEditId) -> BulkEdit | None:
    """Return an edit without counting its outcomes; None when there is none, or nothing is to be done for it."""
    sql = f"SELECT {_BARE} FROM bulk_edits b WHERE b.organization_id = %(organization)s AND b.id = %(id)s"
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": edit_id})
    edit = _to_edit(row) if row else None
    return edit if edit is not None and edit.is_working else None


async def list_edits(tx: Tx, caller: Caller | None, *, limit: int, offset: int) -> tuple[list[BulkEdit], int]:
    """Return one page of edits, the latest first, and how many there are; of `caller` alone unless it is None."""
    whose = "b.organization_id = %(organization)s"
    params: dict[str, object] = {"organization": tx.organization_id, "limit": limit, "offset": offset}
    if caller is not None:
        whose += " AND b.actor_kind = %(kind)s AND b.actor_id = %(actor)s"
        params |= {"kind": caller.kind.value, "actor": caller.id}
    count = await tx.fetch_value(f"SELECT count(*) FROM bulk_edits b WHERE {whose}", params)
    sql = f"SELECT {_COUNTED} FROM bulk_edits b WHERE {whose} ORDER BY b.id DESC LIMIT %(limit)s OFFSET %(offset)s"
    return [_to_edit(row) for row in await tx.fetch(sql, params)], count


async def update_state(tx: Tx, edit_id: BulkEditId, state: BulkState, now: datetime) -> None:
    """Move an edit on."""
    sql = """
        UPDATE bulk_edits SET state = %(state)s, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    await tx.execute(sql, {"organization": tx.organization_id, "id": edit_id, "state": state.value, "now": now})


async def begin_undo(tx: Tx, edit_id: BulkEditId, caller: Caller, now: datetime) -> None:
    """Let the rows that were changed be undone, as `caller`."""
    sql = """
        UPDATE bulk_edits SET state = 'undoing', done_count = 0, undoer_kind = %(kind)s, undoer_id = %(undoer)s,
               updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    params = {"organization": tx.organization_id, "id": edit_id, "kind": caller.kind.value, "undoer": caller.id}
    await tx.execute(sql, params | {"now": now})


async def claim_row(tx: Tx, edit_id: BulkEditId, *, undoing: bool) -> tuple[ContactId, dict[str, Any]] | None:
    """Return the next contact that is to be changed, or changed back, with its old values; None: there is no more.

    Nobody else gets it before this transaction ends.
    """
    sql = f"""
        SELECT contact_id, old_values FROM bulk_edit_rows
         WHERE organization_id = %(organization)s AND bulk_edit_id = %(id)s AND {_WAITS[undoing]}
         ORDER BY contact_id LIMIT 1 FOR UPDATE SKIP LOCKED
    """
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": edit_id})
    return (ContactId(row[0]), row[1]) if row else None


async def has_waiting(tx: Tx, edit_id: BulkEditId, *, undoing: bool) -> bool:
    """Tell whether a contact is still to be done, though somebody else may be at it."""
    sql = f"""
        SELECT EXISTS (SELECT 1 FROM bulk_edit_rows
                        WHERE organization_id = %(organization)s AND bulk_edit_id = %(id)s AND {_WAITS[undoing]})
    """
    return bool(await tx.fetch_value(sql, {"organization": tx.organization_id, "id": edit_id}))


async def update_row(
    tx: Tx,
    edit_id: BulkEditId,
    contact_id: ContactId,
    outcome: str,
    old_values: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    """Note what came of one contact, and what it had before; `old_values` None: it was changed back."""
    column = "undo_outcome" if old_values is None else "outcome"
    sql = f"""
        WITH noted AS (
            UPDATE bulk_edit_rows
               SET {column} = %(outcome)s, old_values = coalesce(%(old)s::jsonb, old_values)
             WHERE organization_id = %(organization)s AND bulk_edit_id = %(id)s AND contact_id = %(contact)s)
        UPDATE bulk_edits SET done_count = done_count + 1, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    params = {
        "organization": tx.organization_id,
        "id": edit_id,
        "contact": contact_id,
        "outcome": outcome,
        "old": None if old_values is None else Jsonb(old_values),
        "now": now,
    }
    await tx.execute(sql, params)


async def list_rows(
    tx: Tx, edit_id: BulkEditId, *, limit: int, offset: int
) -> list[tuple[ContactId, str | None, str | None]]:
    """Return one page of the contacts of an edit by id, each with its outcome and that of undoing it."""
    sql = """
        SELECT contact_id, outcome, undo_outcome FROM bulk_edit_rows
         WHERE organization_id = %(organization)s AND bulk_edit_id = %(id)s
         ORDER BY contact_id LIMIT %(limit)s OFFSET %(offset)s
    """
    params = {"organization": tx.organization_id, "id": edit_id, "limit": limit, "offset": offset}
    return [(ContactId(row[0]), row[1], row[2]) for row in await tx.fetch(sql, params)]


def _to_edit(row: Row) -> BulkEdit:
    edit_id, change, state, *rest = row
    return BulkEdit(BulkEditId(edit_id), parse_change(change), BulkState(state), *rest)
