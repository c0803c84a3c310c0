"""Segments: saved filters of the list of contacts, with their order and columns. Table: `segments`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypedDict
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.contacts.access import require_configure
from frontdesk.contacts.filters import ATTRIBUTE, EVERYBODY, Group, both, parse_filter
from frontdesk.core.db import Row, Tx
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound, PreconditionFailed
from frontdesk.core.ids import SegmentId, new_id
from frontdesk.core.inputs import clean_line, clean_name
from frontdesk.core.text import utc_now
from frontdesk.identities.filter_sql import is_personal
from frontdesk.identities.listing import ContactFilters, Order
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, CallerKind, Right

COLUMNS: Final = ("platforms", "access", "email", "phone", "labels", "language", "created", "updated", "lastSeen")
USUAL_COLUMNS: Final = ("platforms", "access", "email", "labels", "lastSeen")
MAX_COLUMNS: Final = 15

_COLUMNS: Final = "id, name, filter, sort, columns, owner_id, is_shared, version, created_at, updated_at"
_IS_VISIBLE: Final = "organization_id = %(organization)s AND (is_shared OR owner_id = %(caller)s)"


@dataclass(frozen=True, slots=True)
class Segment:
    """A saved list. A private one is its owner's alone."""

    id: SegmentId
    name: str
    filter: Group
    order: Order
    columns: tuple[str, ...] | None  # None: the usual ones
    owner_id: UUID | None  # None: an API key made it
    is_shared: bool
    version: int
    created_at: datetime
    updated_at: datetime


class SegmentChanges(TypedDict, total=False):
    """What is written; what is absent stays as it is."""

    name: str
    filter: Group
    order: Order
    columns: Sequence[str] | None
    is_shared: bool


async def list_segments(tx: Tx, caller: Caller) -> list[Segment]:
    """Return the shared segments and the caller's own, by name. Right: contacts.view.

    What others say of e-mails and phones is for who may see some.
    """
    caller.require(Right.CONTACTS_VIEW)
    sql = f"SELECT {_COLUMNS} FROM segments WHERE {_IS_VISIBLE} ORDER BY lower(name), id"
    found = [_to_segment(row) for row in await tx.fetch(sql, _seen_by(tx, caller))]
    return [segment for segment in found if _may_read(caller, segment)]


async def access_segment(tx: Tx, caller: Caller, segment_id: SegmentId) -> Segment:
    """Return a segment that `list_segments` returns. Right: contacts.view. Raises NotFound."""
    caller.require(Right.CONTACTS_VIEW)
    sql = f"SELECT {_COLUMNS} FROM segments WHERE {_IS_VISIBLE} AND id = %(id)s"
    row = await tx.fetch_one(sql, _seen_by(tx, caller) | {"id": segment_id})
    segment = None if row is None else _to_segment(row)
    if segment is None or not _may_read(caller, segment):
        raise NotFound
    return segment


async def narrow(tx: Tx, caller: Caller, filters: ContactFilters, segment_id: SegmentId) -> ContactFilters:
    """Return `filters` within a segment; in the segment's order, unless another than the usual is asked for.

    Raises NotFound.
    """
    segment = await access_segment(tx, caller, segment_id)
    order = segment.order if filters.order is Order.LAST_SEEN else filters.order
    return replace(filters, filter=both(segment.filter, filters.filter), order=order)


async def create_segment(tx: Tx, caller: Caller, changes: SegmentChanges) -> Segment:
    """Save a segment. Rights: contacts.view, and contacts.edit to share it; a key's is shared always.

    Raises InvalidRequest and Forbidden.
    """
    caller.require(Right.CONTACTS_VIEW)
    now, owner_id = utc_now(), caller.id if caller.kind is CallerKind.MEMBER else None
    blank = Segment(SegmentId(new_id()), "", EVERYBODY, Order.LAST_SEEN, None, owner_id, owner_id is None, 1, now, now)
    segment = _written(caller, blank, changes)
    sql = f"""
        INSERT INTO segments (organization_id, {_COLUMNS})
        VALUES (%(organization)s, %(id)s, %(name)s, %(filter)s, %(sort)s, %(columns)s, %(owner)s, %(is_shared)s,
                %(version)s, %(created_at)s, %(updated_at)s)
    """
    await tx.execute(sql, _params(tx, segment))
    await _record(tx, caller, "created", segment)
    return segment


async def update_segment(
    tx: Tx, caller: Caller, segment_id: SegmentId, changes: SegmentChanges, *, if_version: int | None = None
) -> Segment:
    """Change a segment. Its owner may, and of a shared one whoever holds contacts.configure everywhere.

    Raises NotFound, Forbidden, InvalidRequest, and PreconditionFailed when `if_version` is not the present one.
    """
    old = await _access_alone(tx, caller, segment_id)
    if if_version not in {None, old.version}:
        raise PreconditionFailed(facts={"version": old.version})
    segment = _written(caller, old, changes)
    if segment == old:
        return old
    segment = replace(segment, version=old.version + 1, updated_at=utc_now())
    sql = """
        UPDATE segments SET name = %(name)s, filter = %(filter)s, sort = %(sort)s, columns = %(columns)s,
               is_shared = %(is_shared)s, version = %(version)s, updated_at = %(updated_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    await tx.execute(sql, _params(tx, segment))
    await _record(tx, caller, "updated", segment)
    return segment


async def delete_segment(tx: Tx, caller: Caller, segment_id: SegmentId) -> None:
    """Forget a segment; contacts stay as they are. Rights and errors: as `update_segment`."""
    segment = await _access_alone(tx, caller, segment_id)
    sql = "DELETE FROM segments WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": segment_id})
    await _record(tx, caller, "deleted", segment)


def may_edit(caller: Caller, segment: Segment) -> bool:
    """Say whether the caller may change a segment that they see."""
    is_configurer = caller.may(Right.CONTACTS_CONFIGURE) and caller.inboxes_for(Right.CONTACTS_CONFIGURE) is None
    return (segment.owner_id is not None and segment.owner_id == caller.id) or is_configurer


def clean_columns(columns: Sequence[str] | None, *, pointer: str = "/columns") -> tuple[str, ...] | None:
    """Return the columns that are shown beside the name, each once. Raises InvalidRequest."""
    if columns is None:
        return None
    cleaned = tuple(dict.fromkeys(clean_line(column, pointer=pointer) for column in columns))
    unknown = [one for one in cleaned if one not in COLUMNS and one.removeprefix(ATTRIBUTE) in {one, ""}]
    if unknown or len(cleaned) > MAX_COLUMNS:
        raise InvalidRequest(f"At most {MAX_COLUMNS} of: {', '.join(COLUMNS)}, attributes.<key>.", pointer=pointer)
    return cleaned


def _may_read(caller: Caller, segment: Segment) -> bool:
    is_own = segment.owner_id is not None and segment.owner_id == caller.id
    return is_own or caller.may(Right.CONTACTS_VIEW_PERSONAL) or not is_personal(segment.filter)


async def _access_alone(tx: Tx, caller: Caller, segment_id: SegmentId) -> Segment:
    sql = "SELECT 1 FROM segments WHERE organization_id = %(organization)s AND id = %(id)s FOR UPDATE"
    await tx.execute(sql, {"organization": tx.organization_id, "id": segment_id})
    segment = await access_segment(tx, caller, segment_id)
    if not may_edit(caller, segment):
        require_configure(caller)
    return segment


def _written(caller: Caller, segment: Segment, changes: SegmentChanges) -> Segment:
    written = replace(
        segment,
        name=clean_name(changes.get("name", segment.name)),
        filter=changes.get("filter", segment.filter),
        order=changes.get("order", segment.order),
        columns=clean_columns(changes["columns"]) if "columns" in changes else segment.columns,
        is_shared=changes.get("is_shared", segment.is_shared),
    )
    if written.owner_id is None and not written.is_shared:
        raise InvalidRequest("Only a member has private segments.", pointer="/isShared")
    if written.is_shared and not caller.may(Right.CONTACTS_EDIT):
        raise Forbidden(facts={"right": Right.CONTACTS_EDIT.value})
    return written


async def _record(tx: Tx, caller: Caller, verb: str, segment: Segment) -> None:
    payload = {"name": segment.name, "is_shared": segment.is_shared}
    await audit.record(tx, caller, f"segment.{verb}", "segment", segment.id, payload=payload)


def _seen_by(tx: Tx, caller: Caller) -> dict[str, object]:
    return {"organization": tx.organization_id, "caller": caller.id if caller.kind is CallerKind.MEMBER else None}


def _params(tx: Tx, segment: Segment) -> dict[str, object]:
    return {
        "organization": tx.organization_id,
        "id": segment.id,
        "name": segment.name,
        "filter": Jsonb(segment.filter.to_json()),
        "sort": segment.order.value,
        "columns": None if segment.columns is None else list(segment.columns),
        "owner": segment.owner_id,
        "is_shared": segment.is_shared,
        "version": segment.version,
        "created_at": segment.created_at,
        "updated_at": segment.updated_at,
    }


def _to_segment(row: Row) -> Segment:
    segment_id, name, raw, sort, columns, *rest = row
    chosen = None if columns is None else tuple(columns)
    return Segment(SegmentId(segment_id), name, parse_filter(raw), Order(sort), chosen, *rest)
