"""Exports: what is chosen in the list becomes a file, which its maker downloads by a link that works once."""

import json
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict

from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, page
from frontdesk.console.wording_imports import EXPORT_COLUMNS, EXPORT_STATES
from frontdesk.core.errors import InvalidRequest
from frontdesk.identities.selecting import Selection, count_selected, parse_selection
from frontdesk.lifecycle import exporting
from frontdesk.lifecycle.export_cells import choose_columns
from frontdesk.lifecycle.export_queries import ExportId
from frontdesk.lifecycle.export_routes import send_export
from frontdesk.lifecycle.import_formats import FORMATS
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/contacts/exports"

Exporter = Annotated[MemberCtx, member_needs(Right.CONTACTS_EXPORT)]


class Wanted(BaseModel):
    """What is exported: the form of a list says it in its own words, or a selection as JSON."""

    model_config = ConfigDict(frozen=True)

    selection: str = ""
    format: str = "csv"
    columns: tuple[str, ...] = ()

    def to_selection(self) -> Selection:
        """Return the contacts that are meant; all when nothing is said. Raises InvalidRequest."""
        if not self.selection:
            return Selection()
        try:
            raw = json.loads(self.selection)
        except (ValueError, RecursionError) as error:
            raise InvalidRequest("The selection is not JSON.") from error
        if not isinstance(raw, dict):
            raise InvalidRequest("The selection is not JSON.")
        return parse_selection(raw)


@router.get("/contacts/export")
async def show_form(request: Request, member: Exporter, selection: Annotated[str, Query()] = "") -> Response:
    """Ask in which form, and with which columns, the chosen contacts shall leave."""
    wanted = Wanted(selection=selection)
    chosen = wanted.to_selection()
    async with member.db.begin(member.organization_id) as tx:
        count = await count_selected(tx, exporting.within_export(member.caller), chosen)
    return page(
        request,
        "exports/new.html",
        selection=selection,
        count=count,
        formats=FORMATS,
        columns={
            column: EXPORT_COLUMNS[column]
            for column in choose_columns(None, sees_personal=member.may(Right.CONTACTS_VIEW_PERSONAL))
        },
    )


@router.post("/contacts/export")
async def begin(request: Request, member: Exporter, wanted: Annotated[Wanted, Form()]) -> Response:
    """Begin to write the file, and show where it will be."""
    file_format = next((one for one in FORMATS if one == wanted.format), None)
    if file_format is None:
        raise InvalidRequest("There is no such format.", pointer="/format")
    async with member.db.begin(member.organization_id) as tx:
        await exporting.start_export(tx, member.caller, wanted.to_selection(), file_format, wanted.columns or None)
    return go(request, PATH)


@router.get("/contacts/exports")
async def show_exports(
    request: Request, member: Exporter, offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0
) -> Response:
    """List the member's own exports, the newest first."""
    async with member.db.begin(member.organization_id) as tx:
        found, count = await exporting.list_exports(tx, member.caller, limit=PAGE_SIZE, offset=offset)
    return page(
        request,
        "exports/rows.html" if is_list_only(request) else "exports/list.html",
        exports=found,
        count=count,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(PATH, {"offset": offset}),
        states=EXPORT_STATES,
    )


@router.post("/contacts/exports/{export_id}/link")
async def make_link(request: Request, export_id: UUID, member: Exporter) -> Response:
    """Make a link that works once, and follow it."""
    async with member.db.begin(member.organization_id) as tx:
        link = await exporting.make_link(tx, member.caller, ExportId(export_id))
    address = f"{PATH}/{export_id}/file?token={link.token}"
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": address})
    return RedirectResponse(address, 303)


@router.get("/contacts/exports/{export_id}/file")
async def download(export_id: UUID, member: Exporter, token: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Download the file; the link is used up by it."""
    async with member.db.begin(member.organization_id) as tx:
        one = await exporting.use_link(tx, member.caller, ExportId(export_id), token)
    return send_export(member, one)
