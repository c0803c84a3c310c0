"""The filter of the list of contacts, built row by row; and segments, which are saved filters."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, cast
from uuid import UUID

from fastapi import Depends, Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.console.contact_asked import PATH, AskedList, read_list
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.lists import address_of
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.wording_filters import FIELD_NAMES, OP_NAMES
from frontdesk.contacts.attributes import Schema
from frontdesk.contacts.filters import ATTRIBUTE, FIELDS, Condition, FieldKind, Op, parse_filter
from frontdesk.contacts.labels import list_labels
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, InvalidRequest, NotFound
from frontdesk.core.ids import SegmentId
from frontdesk.identities import segments
from frontdesk.identities.segments import SegmentChanges, access_segment
from frontdesk.organizations.model import Right

router = screen_router()

Viewer = Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW)]
Asked = Annotated[AskedList, Depends(read_list)]

_FIELDS: Final = (
    "name",
    "label",
    "source_id",
    "email",
    "phone",
    "language",
    "created",
    "updated",
    "last_seen",
    "blocked",
)
_BLANK_ROWS: Final = 3
_NUMBERS: Final = frozenset({Op.GREATER, Op.LESS, Op.OLDER_THAN, Op.WITHIN})


class BuiltFilter(BaseModel):
    """The rows of the form, side by side; a row without a field is not said."""

    model_config = ConfigDict(frozen=True)

    operator: str = "and"
    fields: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, str, str]]:
        """Return what is filled in."""
        return [row for row in zip(self.fields, self.ops, self.values, strict=False) if row[0]]

    def to_json(self, schema: Schema) -> dict[str, Any]:
        """Return the filter that the rows say, values read as their fields want. Raises InvalidRequest."""
        conditions = []
        for field, op, value in self.rows():
            written: dict[str, Any] = {"field": field, "op": op}
            if op not in {Op.IS_SET, Op.IS_NOT_SET}:
                written["value"] = _read_value(schema, field, op, value.strip())
            conditions.append(written)
        return {"operator": self.operator, "conditions": conditions}


@router.get("/contacts/filter")
async def show_filter(request: Request, member: Viewer, asked: Asked) -> Response:
    """Show the conditions that are set, and room for more."""
    rows = [
        (one.field, one.op.value, write_value(one)) for one in asked.filter.conditions if isinstance(one, Condition)
    ]
    built = BuiltFilter(
        operator=asked.filter.operator,
        fields=tuple(row[0] for row in rows),
        ops=tuple(row[1] for row in rows),
        values=tuple(row[2] for row in rows),
    )
    return await _show_filter(request, member, asked, built)


@router.post("/contacts/filter")
async def set_filter(request: Request, member: Viewer, asked: Asked, built: Annotated[BuiltFilter, Form()]) -> Response:
    """Go to the list with this filter; groups within it, which the form does not show, stay."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            schema = await load_schema(tx)
        group = parse_filter(built.to_json(schema), pointer="")
    except InvalidRequest as error:
        return await _show_filter(request, member, asked, built, error)
    nested = tuple(one for one in asked.filter.conditions if not isinstance(one, Condition))
    whole = replace(group, conditions=group.conditions + nested)
    return go(request, address_of(PATH, replace(asked, filter=whole).said())())


async def _show_filter(
    request: Request, member: MemberCtx, asked: AskedList, built: BuiltFilter, error: InvalidRequest | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        schema = await load_schema(tx)
        labels, _ = await list_labels(tx, member.caller)
    own = {ATTRIBUTE + key: one.name for key, one in schema.definitions.items()}
    offered = {
        name: FIELD_NAMES[name]
        for name in _FIELDS
        if member.may(Right.CONTACTS_VIEW_PERSONAL) or name not in {"email", "phone"}
    }
    return page(
        request,
        "contacts/filter.html",
        status=error.status if error else 200,
        asked=asked,
        here=address_of(f"{PATH}/filter", asked.said())(),
        back=address_of(PATH, asked.said())(),
        operator=built.operator,
        rows=[*built.rows(), *[("", "equals", "")] * _BLANK_ROWS],
        wrong=wrong_row(error),
        error=error.detail if error else "",
        fields=offered,
        attributes=own
        | {row[0]: row[0].removeprefix(ATTRIBUTE) for row in built.rows() if row[0].startswith(ATTRIBUTE)},
        ops=OP_NAMES,
        labels=labels,
    )


def wrong_row(error: FrontdeskError | None) -> int | None:
    """Return which row of the form an error is about; None: none of them."""
    parts = (error.pointer or "").split("/") if error else []
    return int(parts[2]) if len(parts) > 2 and parts[1] == "conditions" and parts[2].isdecimal() else None  # noqa: PLR2004 -- /conditions/<n>


def _read_value(schema: Schema, field: str, op: str, text: str) -> Any:  # noqa: ANN401 -- JSON
    if op == Op.IN:
        return [_read_one(schema, field, op, part.strip()) for part in text.split(",") if part.strip()]
    return _read_one(schema, field, op, text)


def _read_one(schema: Schema, field: str, op: str, text: str) -> Any:  # noqa: ANN401 -- JSON
    if op in _NUMBERS:
        return _read_number(text)
    if FIELDS.get(field) is FieldKind.FLAG:
        return text.lower() in {"true", "yes", "1", ""}
    if field.startswith(ATTRIBUTE) and op in {Op.EQUALS, Op.NOT_EQUALS, Op.IN}:
        value = schema.parse_text(field.removeprefix(ATTRIBUTE), text)
        return value[0] if isinstance(value, list) and len(value) == 1 else value
    return text


def _read_number(text: str) -> float | str:
    try:
        return int(text) if text.lstrip("-").isdecimal() else float(text)
    except ValueError:
        return text


def write_value(one: Condition) -> str:
    """Return the value of a condition as it stands in a row of the form."""
    return (
        ", ".join(map(str, one.value)) if isinstance(one.value, list) else "" if one.value is None else str(one.value)
    )


# --- segments ---


class WrittenSegment(BaseModel):
    """The form of a segment; `takes_filter` puts what the list shows now into it."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    is_shared: bool = False
    takes_filter: bool = False


@router.get("/contacts/segments/new")
async def show_new_segment(request: Request, member: Viewer, asked: Asked) -> Response:
    """Ask for the name of what the list shows now."""
    return _show_segment(request, member, asked, WrittenSegment(), f"{PATH}/segments/new")


@router.post("/contacts/segments/new")
async def save_segment(
    request: Request, member: Viewer, asked: Asked, written: Annotated[WrittenSegment, Form()]
) -> Response:
    """Save what the list shows now, and show it as a segment."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            changes = await _changes(tx, member, asked, written)
            segment = await segments.create_segment(tx, member.caller, changes)
    except NotFound:
        raise
    except FrontdeskError as error:
        return _show_segment(request, member, asked, written, f"{PATH}/segments/new", error)
    return go(request, f"{PATH}?segment={segment.id}", flash=look_of(request)._("The segment is saved."))


@router.get("/contacts/segments/{segment_id}")
async def show_segment(request: Request, member: Viewer, segment_id: UUID, asked: Asked) -> Response:
    """Show the form of a segment."""
    async with member.db.begin(member.organization_id) as tx:
        segment = await access_segment(tx, member.caller, SegmentId(segment_id))
    written = WrittenSegment(name=segment.name, is_shared=segment.is_shared)
    return _show_segment(request, member, asked, written, f"{PATH}/segments/{segment_id}")


@router.post("/contacts/segments/{segment_id}")
async def change_segment(
    request: Request, member: Viewer, segment_id: UUID, asked: Asked, written: Annotated[WrittenSegment, Form()]
) -> Response:
    """Rename a segment, share it or not, and put the list's filter into it when that is asked."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            changes = await _changes(tx, member, asked, written)
            if not written.takes_filter:
                changes = SegmentChanges(name=changes["name"], is_shared=changes["is_shared"])
            await segments.update_segment(tx, member.caller, SegmentId(segment_id), changes)
    except NotFound:
        raise
    except FrontdeskError as error:
        return _show_segment(request, member, asked, written, f"{PATH}/segments/{segment_id}", error)
    return go(request, f"{PATH}?segment={segment_id}", flash=look_of(request)._("The segment is saved."))


@router.post("/contacts/segments/{segment_id}/delete")
async def delete_segment(request: Request, member: Viewer, segment_id: UUID) -> Response:
    """Forget a segment; contacts stay as they are."""
    async with member.db.begin(member.organization_id) as tx:
        await segments.delete_segment(tx, member.caller, SegmentId(segment_id))
    return go(request, PATH, flash=look_of(request)._("The segment is deleted. Its contacts are as they were."))


async def _changes(tx: Tx, member: MemberCtx, asked: AskedList, written: WrittenSegment) -> SegmentChanges:
    filters = await asked.load_filters(tx, member.caller)
    return SegmentChanges(
        name=written.name, is_shared=written.is_shared, filter=filters.to_group(), order=filters.order
    )


def _show_segment(
    request: Request,
    member: MemberCtx,
    asked: AskedList,
    written: WrittenSegment,
    path: str,
    error: FrontdeskError | None = None,
) -> Response:
    errors: Mapping[str, str] = field_errors(error) if error else {}
    return page(
        request,
        "contacts/segment.html",
        status=error.status if error else 200,
        asked=asked,
        written=written,
        errors=cast("dict[str, str]", errors),
        form_path=path,
        here=address_of(path, asked.said())(),
        back=address_of(PATH, asked.said())(),
        is_new=path.endswith("/new"),
        may_share=member.may(Right.CONTACTS_EDIT),
    )
