"""`exports/`: a selection of contacts as a file, downloaded by a link that works once."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.identities.selecting import parse_selection
from frontdesk.lifecycle import exporting
from frontdesk.lifecycle.export_formats import EXTENSIONS, MEDIA_TYPES
from frontdesk.lifecycle.export_queries import Export, ExportId
from frontdesk.lifecycle.import_bodies import CreateExportBody, ExportBody, ExportPage, LinkBody, render_export
from frontdesk.lifecycle.import_routes import attachment
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["exports"])

Exporter = Annotated[Ctx, needs(Right.CONTACTS_EXPORT)]
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/exports", response_model=ExportPage)
async def list_exports(request: Request, ctx: Exporter, paging: Annotated[Paging, Depends(paging)]) -> Response:
    """List the caller's exports, the newest first."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found, count = await exporting.list_exports(tx, ctx.caller, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [render_export(one) for one in found]))


@router.post("/exports", response_model=ExportBody, status_code=201)
async def create_export(request: Request, ctx: Exporter, body: CreateExportBody) -> Response:
    """Begin to write a selection into a file. Problems: `invalid-request`, `forbidden`."""
    selection = parse_selection(body.selection)
    async with ctx.db.begin(ctx.organization_id) as tx:
        one = await exporting.start_export(tx, ctx.caller, selection, body.format, body.columns)
    return reply(request, render_export(one), status=201)


@router.get("/exports/{export_id}", response_model=ExportBody)
async def get_export(request: Request, ctx: Exporter, export_id: UUID) -> Response:
    """Return an export of the caller, and how far it is. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        one = await exporting.access_export(tx, ctx.caller, ExportId(export_id))
    return reply(request, render_export(one))


@router.post("/exports/{export_id}/link", response_model=LinkBody)
async def make_link(request: Request, ctx: Exporter, export_id: UUID) -> Response:
    """Make the address at which the caller downloads the file, once. Problems: `not-found`, `export-not-ready`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        link = await exporting.make_link(tx, ctx.caller, ExportId(export_id))
    url = f"{ctx.services.public_url}/api/v1/exports/{export_id}/download?token={link.token}"
    return reply(request, LinkBody(url=url, expires_in=int(link.expires_in.total_seconds())))


@router.get("/exports/{export_id}/download", response_class=Response, responses=FILE)
async def download(ctx: Exporter, export_id: UUID, token: Annotated[str, Query(max_length=200)]) -> Response:
    """Download the file by a link, which is used up by it. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        one = await exporting.use_link(tx, ctx.caller, ExportId(export_id), token)
    return send_export(ctx, one)


def send_export(ctx: Any, one: Export) -> Response:  # noqa: ANN401 -- of the API or of the console
    """Return the answer with the file of an export whose link was used just now."""
    name = f"contacts-{one.created_at:%Y-%m-%d}.{EXTENSIONS[one.format]}"
    pieces = ctx.services.files.stream(one.file_key)
    return StreamingResponse(pieces, media_type=MEDIA_TYPES[one.format], headers=attachment(name))
