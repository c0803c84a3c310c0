"""Contacts: the list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import quote, unquote

from fastapi import Depends, Form, Query, Request
from fastapi.responses import Response

from frontdesk.access.queries import list_profiles
from frontdesk.channels.access import list_visible_inboxes
from frontdesk.console.contact_asked import PATH as LIST
from frontdesk.console.contact_asked import AskedList, read_list
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, page, set_cookie
from frontdesk.console.wording_filters import COLUMN_NAMES, FIELD_NAMES, OP_NAMES
from frontdesk.contacts.attributes import Schema
from frontdesk.contacts.filters import ATTRIBUTE, Condition, Group
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.text import dump_json
from frontdesk.core.wire import Paging
from frontdesk.identities.listing import list_contacts
from frontdesk.identities.segments import COLUMNS, USUAL_COLUMNS, Segment, clean_columns, list_segments, may_edit
from frontdesk.identities.selecting import Selection
from frontdesk.organizations.model import Right

router = screen_router()

PATH = LIST
LANGUAGES = ("zh-Hant", "zh-Hans", "en", "ja", "ko", "vi", "th", "id", "fr", "de", "es", "pt", "it")
COLUMNS_COOKIE = "frontdesk_columns"

_A_YEAR = 365 * 24 * 3600

Viewer = Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW)]
Asked = Annotated[AskedList, Depends(read_list)]


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition that is set: its words, what it compares with, and the list without it."""

    field: str  # a text of ours, or the name of an attribute
    op: str
    value: str
    is_attribute: bool
    without: str


@router.get("/contacts")
async def show_contacts(
    request: Request, member: Viewer, asked: Asked, offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0
) -> Response:
    """Show one page of the contacts that match; htmx is given the rows alone."""
    async with member.db.begin(member.organization_id) as tx:
        filters = await asked.load_filters(tx, member.caller)
        found = await list_contacts(tx, member.caller, filters, Paging(PAGE_SIZE, offset))
        around = await _load_around(tx, member, asked)
    said = asked.said()
    address = address_of(PATH, {**said, "offset": offset})
    return page(
        request,
        "contacts/rows.html" if is_list_only(request) else "contacts/list.html",
        headers={"HX-Push-Url": address()},  # shorter than what a form sends
        found=found,
        asked=asked,
        filters=said,
        order=filters.order.value,
        offset=offset,
        limit=PAGE_SIZE,
        address=address,
        matching=dump_json(Selection(None, filters).to_json()),
        chips=_chips(asked, around["attribute_names"]),
        columns=_columns(request, asked, around["segments"]),
        column_names=COLUMN_NAMES,
        **around,
    )


@router.get("/contacts/columns")
async def show_columns(request: Request, member: Viewer, asked: Asked) -> Response:
    """Ask which columns to show."""
    async with member.db.begin(member.organization_id) as tx:
        schema = await load_schema(tx)
        segments = await list_segments(tx, member.caller)
    return page(
        request,
        "contacts/columns.html",
        asked=asked,
        back=address_of(PATH, asked.said())(),
        chosen=_columns(request, asked, segments),
        offered=_offered_columns(schema),
    )


@router.post("/contacts/columns")
async def choose_columns(
    request: Request,
    member: Viewer,  # noqa: ARG001 -- the page is framed for the member
    asked: Asked,
    columns: Annotated[tuple[str, ...], Form()] = (),
) -> Response:
    """Remember the columns in this browser. Raises InvalidRequest."""
    chosen = clean_columns(columns) or ()
    answer = go(request, address_of(PATH, asked.said())())
    set_cookie(request, answer, COLUMNS_COOKIE, quote("\n".join(chosen)), seconds=_A_YEAR)
    return answer


async def _load_around(tx: Tx, member: MemberCtx, asked: AskedList) -> dict[str, Any]:
    inboxes, _ = await list_visible_inboxes(tx, member.caller)
    schema = await load_schema(tx)
    profiles, _ = await list_profiles(tx) if member.may(Right.PROFILES_VIEW) else ([], 0)
    segments = await list_segments(tx, member.caller)
    current = next((one for one in segments if one.id == asked.segment), None)
    return {
        "attribute_names": _name_attributes(schema),
        "inboxes": inboxes,
        "profiles": profiles,
        "segments": segments,
        "segment": current,
        "may_edit_segment": current is not None and may_edit(member.caller, current),
    }


def _columns(request: Request, asked: AskedList, segments: Sequence[Segment]) -> Sequence[str]:
    """Return the columns of the segment, else those chosen in this browser, else the usual ones."""
    for one in segments:
        if one.id == asked.segment and one.columns is not None:
            return one.columns
    if COLUMNS_COOKIE not in request.cookies:
        return USUAL_COLUMNS
    try:
        written = unquote(request.cookies[COLUMNS_COOKIE])
        return clean_columns([part for part in written.split("\n") if part]) or ()
    except InvalidRequest:
        return USUAL_COLUMNS


def _offered_columns(schema: Schema) -> Mapping[str, str]:
    return {column: COLUMN_NAMES[column] for column in COLUMNS} | _name_attributes(schema)


def _name_attributes(schema: Schema) -> dict[str, str]:
    return {ATTRIBUTE + key: one.name for key, one in schema.definitions.items()}


def _chips(asked: AskedList, names: Mapping[str, str]) -> list[Chip]:
    conditions = enumerate(asked.filter.conditions)
    return [_chip(asked, place, one, names) for place, one in conditions if isinstance(one, Condition)]


def _chip(asked: AskedList, place: int, one: Condition, names: Mapping[str, str]) -> Chip:
    rest = tuple(other for index, other in enumerate(asked.filter.conditions) if index != place)
    operator = asked.filter.operator if rest else "and"
    without = address_of(PATH, replace(asked, filter=Group(operator, rest)).said())()
    value = one.value if isinstance(one.value, list) else [] if one.value is None else [one.value]
    is_attribute = one.field.startswith(ATTRIBUTE)
    return Chip(
        names.get(one.field, one.key) if is_attribute else FIELD_NAMES[one.field],
        OP_NAMES[one.op],
        ", ".join(map(str, value)),
        is_attribute,
        without,
    )
