"""`imports/`: contacts out of files, checked before anything is written, and taken back as a whole if need be."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from frontdesk.core.db import Tx
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.lifecycle import import_queries as queries
from frontdesk.lifecycle import importing
from frontdesk.lifecycle.import_bodies import (
    ChangeImportBody,
    CreateImportBody,
    ImportBody,
    ImportPage,
    ImportRowPage,
    OutcomeName,
    render_import,
    render_row,
)
from frontdesk.lifecycle.import_error_file import stream_errors
from frontdesk.lifecycle.import_model import Import, ImportId, Outcome
from frontdesk.lifecycle.importing import NewImport
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Caller, Right

router = APIRouter(tags=["imports"])

Importer = Annotated[Ctx, needs(Right.CONTACTS_IMPORT)]
CSV_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}

_Step = Callable[[Tx, Caller, ImportId], Awaitable[Import]]


@router.get("/imports", response_model=ImportPage)
async def list_imports(request: Request, ctx: Importer, paging: Annotated[Paging, Depends(paging)]) -> Response:
    """List imports, the newest first."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found, count = await importing.list_imports(tx, ctx.caller, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [render_import(one) for one in found]))


@router.post("/imports", response_model=ImportBody, status_code=201)
async def create_import(request: Request, ctx: Importer, body: CreateImportBody) -> Response:
    """Begin an import with an uploaded file (purpose `contact-import`); nothing is imported yet.

    Problems: `not-found`, `upload-spent`, `import-unreadable`, `forbidden`.
    """
    wanted = NewImport(
        key=body.file,
        format=body.format,
        mapping=None if body.mapping is None else [use.to_raw() for use in body.mapping],
        options=None if body.options is None else body.options.to_raw(),
    )
    return reply(request, render_import(await importing.create_import(ctx.services, ctx.caller, wanted)), status=201)


@router.get("/imports/{import_id}", response_model=ImportBody)
async def get_import(request: Request, ctx: Importer, import_id: UUID) -> Response:
    """Return an import, and how far it is. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        one = await importing.access_import(tx, ctx.caller, ImportId(import_id))
    return reply(request, render_import(one))


@router.patch("/imports/{import_id}", response_model=ImportBody)
async def change_import(request: Request, ctx: Importer, import_id: UUID, body: ChangeImportBody) -> Response:
    """Say anew what the columns mean; a check is void then. Problems: `not-found`, `import-not-ready`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        one = await importing.change_mapping(
            tx,
            ctx.caller,
            ImportId(import_id),
            mapping=None if body.mapping is None else [use.to_raw() for use in body.mapping],
            options=None if body.options is None else body.options.to_raw(),
        )
    return reply(request, render_import(one))


@router.post("/imports/{import_id}/check", response_model=ImportBody)
async def check_import(request: Request, ctx: Importer, import_id: UUID) -> Response:
    """Begin a dry run: what would become of each row.

    Problems: `not-found`, `import-not-ready`, `import-file-gone`, `too-many-requests`, `forbidden`.
    """
    return await _step(request, ctx, import_id, importing.start_check)


@router.post("/imports/{import_id}/run", response_model=ImportBody)
async def run_import(request: Request, ctx: Importer, import_id: UUID) -> Response:
    """Begin to import, or go on after it was cancelled or failed.

    Problems: `not-found`, `import-not-ready`, `import-file-gone`, `too-many-requests`, `forbidden`.
    """
    return await _step(request, ctx, import_id, importing.start_run)


@router.post("/imports/{import_id}/cancel", response_model=ImportBody)
async def cancel_import(request: Request, ctx: Importer, import_id: UUID) -> Response:
    """Stop a check or a run; what was imported stays. Problems: `not-found`, `import-not-ready`."""
    return await _step(request, ctx, import_id, importing.cancel)


@router.post("/imports/{import_id}/undo", response_model=ImportBody)
async def undo_import(request: Request, ctx: Importer, import_id: UUID) -> Response:
    """Begin to take back what was imported, as far as nobody changed or used it since.

    Problems: `not-found`, `import-not-ready`, `too-many-requests`, `forbidden`.
    """
    return await _step(request, ctx, import_id, importing.start_undo)


@router.get("/imports/{import_id}/rows", response_model=ImportRowPage)
async def list_rows(
    request: Request,
    ctx: Importer,
    import_id: UUID,
    outcome: Annotated[list[OutcomeName] | None, Query()] = None,
    after: Annotated[int, Query(ge=0)] = 0,
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=1000)] = 100,
) -> Response:
    """List what became of rows, or would become of them. Problems: `not-found`."""
    outcomes = [Outcome(one) for one in outcome] if outcome else list(Outcome)
    async with ctx.db.begin(ctx.organization_id) as tx:
        one = await importing.access_import(tx, ctx.caller, ImportId(import_id))
        rows = await queries.list_rows(
            tx, one.id, is_dry=importing.shows_check(one), outcomes=outcomes, after=after, limit=page_size
        )
    following = rows[-1].row_number if len(rows) == page_size else None
    return reply(request, ImportRowPage(results=[render_row(row) for row in rows], after=following))


@router.get("/imports/{import_id}/errors", response_class=Response, responses=CSV_FILE)
async def download_errors(ctx: Importer, import_id: UUID) -> Response:
    """Download the rows that were not imported as CSV, each with its number, code, field and detail.

    Problems: `not-found`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        one = await importing.access_import(tx, ctx.caller, ImportId(import_id))
    return send_errors(ctx, one)


def send_errors(ctx: Any, one: Import) -> Response:  # noqa: ANN401 -- of the API or of the console
    """Return the answer with the rows that were not imported; the caller may see the import."""
    whole = one if importing.may_see_file(ctx.caller, one) else importing.without_file(one)
    pieces = stream_errors(ctx.services, ctx.organization_id, whole, is_dry=importing.shows_check(one))
    name = f"{one.filename.rpartition('.')[0] or one.filename}-errors.csv"
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers=attachment(name))


def attachment(filename: str) -> dict[str, str]:
    """Return the headers of a file that is to be saved and never shown."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(filename)}",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }


async def _step(request: Request, ctx: Ctx, import_id: UUID, step: _Step) -> Response:
    async with ctx.db.begin(ctx.organization_id) as tx:
        one = await step(tx, ctx.caller, ImportId(import_id))
    return reply(request, render_import(one))
