"""SQL of imports and of what became of their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId
from frontdesk.lifecycle.import_model import Import, ImportId, ImportState, Outcome

_COLUMNS: Final = tuple(field.name for field in fields(Import))
_IMPORT: Final = ", ".join(_COLUMNS)
_JSON: Final = frozenset({"samples", "mapping", "options", "counts", "checked", "undone"})


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What became of one row; `contact_name` None: there is no such contact, or not any more."""

    row_number: int
    outcome: Outcome
    code: str | None
    field: str | None
    detail: str | None
    contact_id: ContactId | None
    contact_name: str | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", Outcome(self.outcome))


async def insert_import(tx: Tx, one: Import) -> None:
    """Store a new import."""
    places = ", ".join(f"%({column})s" for column in _COLUMNS)
    sql = f"INSERT INTO imports (organization_id, {_IMPORT}) VALUES (%(organization)s, {places})"
    params = {column: _to_param(column, getattr(one, column)) for column in _COLUMNS}
    await tx.execute(sql, params | {"organization": tx.organization_id})


async def get_import(tx: Tx, import_id: ImportId) -> Import:
    """Return the import, or raise NotFound."""
    return await _get(tx, import_id, "")


async def lock_import(tx: Tx, import_id: ImportId) -> Import:
    """Return the import, which nobody else can change before this transaction ends; or raise NotFound."""
    return await _get(tx, import_id, "FOR UPDATE")


async def list_imports(tx: Tx, *, of: UUID | None, limit: int, offset: int) -> tuple[list[Import], int]:
    """Return one page, the newest first, and how many there are; `of` None: whoever started them."""
    where = """
        FROM imports WHERE organization_id = %(organization)s AND (%(of)s::uuid IS NULL OR actor_id = %(of)s)
    """
    params = {"organization": tx.organization_id, "of": of, "limit": limit, "offset": offset}
    sql = f"SELECT {_IMPORT} {where} ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s"
    return await tx.fetch_as(Import, sql, params), await tx.fetch_value(f"SELECT count(*) {where}", params)


async def update_import(tx: Tx, import_id: ImportId, now: datetime, **changes: object) -> None:
    """Store `changes`, which are named like the columns."""
    places = ", ".join(f"{column} = %({column})s" for column in changes if column in _COLUMNS)
    params = {column: _to_param(column, value) for column, value in changes.items()}
    sql = f"UPDATE imports SET {places}, updated_at = %(now)s WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, params | {"organization": tx.organization_id, "id": import_id, "now": now})


async def delete_rows(tx: Tx, import_id: ImportId, *, is_dry: bool, limit: int) -> int:
    """Forget some of what a check found, or a run did; returns how many."""
    sql = """
        DELETE FROM import_rows WHERE organization_id = %(organization)s AND ctid = ANY (ARRAY(
            SELECT ctid FROM import_rows
             WHERE organization_id = %(organization)s AND import_id = %(id)s AND is_dry = %(dry)s LIMIT %(limit)s))
    """
    params = {"organization": tx.organization_id, "id": import_id, "dry": is_dry, "limit": limit}
    return await tx.execute(sql, params)


async def delete_keys(tx: Tx, import_id: ImportId) -> None:
    """Forget what a check remembered of the file."""
    sql = "DELETE FROM import_keys WHERE organization_id = %(organization)s AND import_id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": import_id})


async def list_rows(
    tx: Tx, import_id: ImportId, *, is_dry: bool, outcomes: Sequence[Outcome], after: int, limit: int
) -> list[ImportRow]:
    """Return what became of the rows below row `after` of the file, in the order of the file."""
    sql = """
        SELECT r.row_number, r.outcome, r.code, r.field, r.detail, r.contact_id, c.name AS contact_name
          FROM import_rows r
          LEFT JOIN contacts c ON c.organization_id = r.organization_id AND c.id = r.contact_id AND c.deleted_at IS NULL
         WHERE r.organization_id = %(organization)s AND r.import_id = %(id)s AND r.is_dry = %(dry)s
           AND r.row_number > %(after)s AND r.outcome = ANY(%(outcomes)s)
         ORDER BY r.row_number LIMIT %(limit)s
    """
    params = {
        "organization": tx.organization_id,
        "id": import_id,
        "dry": is_dry,
        "after": after,
        "outcomes": [outcome.value for outcome in outcomes],
        "limit": limit,
    }
    return await tx.fetch_as(ImportRow, sql, params)


async def list_old_files(tx: Tx, *, before: datetime, limit: int) -> list[tuple[ImportId, str]]:
    """Return imports that nothing happened to since `before`, with the files that they still keep."""
    sql = """
        SELECT id, file_key FROM imports
         WHERE organization_id = %(organization)s AND file_key IS NOT NULL AND updated_at < %(before)s
           AND state NOT IN ('checking', 'running', 'undoing')
         ORDER BY id LIMIT %(limit)s
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "before": before, "limit": limit})
    return [(ImportId(import_id), key) for import_id, key in rows]


async def count_working(tx: Tx) -> int:
    """Return how many imports are being checked, run or undone now."""
    sql = """
        SELECT count(*) FROM imports
         WHERE organization_id = %(organization)s AND state IN ('checking', 'running', 'undoing')
    """
    return int(await tx.fetch_value(sql, {"organization": tx.organization_id}))


async def _get(tx: Tx, import_id: ImportId, lock: str) -> Import:
    sql = f"SELECT {_IMPORT} FROM imports WHERE organization_id = %(organization)s AND id = %(id)s {lock}"
    found = await tx.fetch_one_as(Import, sql, {"organization": tx.organization_id, "id": import_id})
    if found is None:
        raise NotFound
    return found


def _to_param(column: str, value: Any) -> Any:  # noqa: ANN401 -- a column
    if isinstance(value, ImportState):
        return value.value
    return Jsonb(value) if column in _JSON and value is not None else value


def add_counts(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return both together."""
    return {key: counts.get(key, 0) + more.get(key, 0) for key in {*counts, *more}}
