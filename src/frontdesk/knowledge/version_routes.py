"""`knowledge-bases/{id}/files/{id}/versions/` and the content of a file."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response, StreamingResponse

from frontdesk.core.errors import NotFound
from frontdesk.core.files import Files
from frontdesk.core.ids import DocumentId, KnowledgeBaseId
from frontdesk.core.media import UNKNOWN
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.knowledge import version_actions, version_queries
from frontdesk.knowledge.access import access_document
from frontdesk.knowledge.document_bodies import FileBody
from frontdesk.knowledge.reading import HIGHEST_NUMBER, FileVersion
from frontdesk.knowledge.version_bodies import NewVersionBody, RestoreVersionBody, VersionBody, VersionPage
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["knowledge"])

Number = Annotated[int, Query(ge=1, le=HIGHEST_NUMBER, description="A version; the one in service if none is given.")]
PageAsked = Annotated[Paging, Depends(paging)]
Viewer = Annotated[Ctx, needs(Right.KNOWLEDGE_VIEW)]
Editor = Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT)]

_FILE = "/knowledge-bases/{base_id}/files/{file_id}"


@router.get(f"{_FILE}/versions", response_model=VersionPage)
async def list_versions(request: Request, base_id: UUID, file_id: UUID, ctx: Viewer, paging: PageAsked) -> Response:
    """List the versions of a file, the newest first. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        file = await access_document(tx, ctx.caller, KnowledgeBaseId(base_id), DocumentId(file_id), "file")
        versions, count = await version_queries.list_versions(tx, file.id, limit=paging.limit, offset=paging.offset)
    in_service = file.file.version if file.file and file.state == "done" else None
    bodies = [VersionBody.of(version, in_service=in_service) for version in versions]
    return reply(request, page_of(request, paging, count, bodies))


@router.post(f"{_FILE}/versions", response_model=FileBody, status_code=201)
async def add_version(request: Request, base_id: UUID, file_id: UUID, body: NewVersionBody, ctx: Editor) -> Response:
    """Replace what a file says; until it is read, the version in service answers.

    Problems: `not-found`, `upload-spent`, `unsupported-file`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        file, _ = await version_actions.add_version(
            tx, ctx.caller, KnowledgeBaseId(base_id), DocumentId(file_id), body.to_new_file()
        )
    return reply(request, FileBody.of(file), status=201)


@router.post(f"{_FILE}/versions/restore", response_model=FileBody)
async def restore_version(
    request: Request, base_id: UUID, file_id: UUID, body: RestoreVersionBody, ctx: Editor
) -> Response:
    """Read an older version and put it in service again. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        file = await version_actions.restore_version(
            tx, ctx.caller, KnowledgeBaseId(base_id), DocumentId(file_id), body.number
        )
    return reply(request, FileBody.of(file))


@router.get(
    f"{_FILE}/content",
    responses={200: {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}},
    response_class=StreamingResponse,
)
async def get_content(base_id: UUID, file_id: UUID, ctx: Viewer, version: Number | None = None) -> Response:
    """Download a file as it was uploaded; it is sent to be saved, never to be shown in place. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await version_actions.access_version(
            tx, ctx.caller, KnowledgeBaseId(base_id), DocumentId(file_id), version
        )
    return await send_version(ctx.services.files, found)


async def send_version(files: Files, version: FileVersion) -> Response:
    """Answer with the content of a version, to be saved. Raises NotFound when the store has lost it."""
    pieces = files.stream(version.file_key)
    try:
        first = await anext(pieces, b"")
    except FileNotFoundError as error:
        raise NotFound from error
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(version.filename, safe='')}",
        "Content-Length": str(version.size_bytes),
        "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(_join(first, pieces), media_type=UNKNOWN, headers=headers)


async def _join(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece
