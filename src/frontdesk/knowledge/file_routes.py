"""`knowledge-bases/{id}/files/` and `documents/`, which lists the passages of files."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Query, Request, Response

from frontdesk.core.ids import ChunkId, DocumentId, KnowledgeBaseId, LabelId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.knowledge import chunk_queries, document_actions, document_queries, writing
from frontdesk.knowledge.access import access_base, access_chunk, access_document
from frontdesk.knowledge.document_bodies import (
    ChunkBody,
    ChunkPage,
    ChunkTextBody,
    FileBody,
    FilePage,
    IdsBody,
    MetadataBody,
    NewFilesBody,
    ReparseBody,
)
from frontdesk.knowledge.model import DocumentFilter, DocumentState
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["knowledge"])

PageAsked = Annotated[Paging, Depends(paging)]
Viewer = Annotated[Ctx, needs(Right.KNOWLEDGE_VIEW)]
Editor = Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT)]

_FILES = "/knowledge-bases/{base_id}/files"
_CHUNKS = "/knowledge-bases/{base_id}/documents"


@router.get(_FILES, response_model=FilePage)
async def list_files(
    request: Request,
    base_id: UUID,
    ctx: Viewer,
    paging: PageAsked,
    query: Annotated[str | None, Query(description="A part of the file name, in any case.")] = None,
    status: Annotated[DocumentState | None, Query()] = None,
    label: Annotated[UUID | None, Query()] = None,
) -> Response:
    """List files, the newest first. Problems: `not-found`."""
    base = KnowledgeBaseId(base_id)
    wanted = DocumentFilter("file", query, LabelId(label) if label else None, status)
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_base(tx, ctx.caller, base)
        files, count = await document_queries.list_documents(tx, base, wanted, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [FileBody.of(file) for file in files]))


@router.post(_FILES, response_model=list[FileBody], status_code=201)
async def add_files(request: Request, base_id: UUID, body: NewFilesBody, ctx: Editor) -> Response:
    """Turn uploads into documents, which are then read. Problems: `not-found`, `upload-spent`, `unsupported-file`."""
    new = [file.to_new_file() for file in body.files]
    async with ctx.db.begin(ctx.organization_id) as tx:
        added = await document_actions.add_files(tx, ctx.caller, KnowledgeBaseId(base_id), new)
    return reply(request, [FileBody.of(document, warnings) for document, warnings in added], status=201)


@router.post(f"{_FILES}/batch-delete", status_code=204)
async def delete_files(base_id: UUID, body: IdsBody, ctx: Editor) -> None:
    """Delete these files, none of them while one is being read. Problems: `not-found`, `document-busy`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await document_actions.delete_documents(tx, ctx.caller, KnowledgeBaseId(base_id), "file", body.to_ids())


@router.patch(f"{_FILES}/batch-reparse", response_model=list[FileBody])
async def reparse_files(
    request: Request, base_id: UUID, body: Annotated[list[ReparseBody], Body(max_length=1000)], ctx: Editor
) -> Response:
    """Read these files again. Problems: `not-found`, `document-busy`."""
    wanted = [one.to_reparse() for one in body]
    async with ctx.db.begin(ctx.organization_id) as tx:
        files = await document_actions.reparse_files(tx, ctx.caller, KnowledgeBaseId(base_id), wanted)
    return reply(request, [FileBody.of(file) for file in files])


@router.get(f"{_FILES}/{{file_id}}", response_model=FileBody)
async def get_file(request: Request, base_id: UUID, file_id: UUID, ctx: Viewer) -> Response:
    """Return one file. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        file = await access_document(tx, ctx.caller, KnowledgeBaseId(base_id), DocumentId(file_id), "file")
    return reply(request, FileBody.of(file))


@router.delete(f"{_FILES}/{{file_id}}", status_code=204)
async def delete_file(base_id: UUID, file_id: UUID, ctx: Editor) -> None:
    """Delete one file. Problems: `not-found`, `document-busy`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await document_actions.delete_document(tx, ctx.caller, KnowledgeBaseId(base_id), DocumentId(file_id), "file")


@router.patch(f"{_FILES}/{{file_id}}/update-metadata", response_model=FileBody)
@router.post(f"{_FILES}/{{file_id}}/update-metadata", response_model=FileBody)
async def update_file_metadata(
    request: Request, base_id: UUID, file_id: UUID, body: MetadataBody, ctx: Editor
) -> Response:
    """Replace labels, metadata, or both. Unknown labels are ignored, with a warning. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        file, warnings = await document_actions.update_document(
            tx,
            ctx.caller,
            KnowledgeBaseId(base_id),
            DocumentId(file_id),
            "file",
            labels=body.labels,
            metadata=body.raw_user_define_metadata,
        )
    return reply(request, FileBody.of(file, warnings))


# --- passages ---


@router.get(_CHUNKS, response_model=ChunkPage)
async def list_chunks(
    request: Request,
    base_id: UUID,
    ctx: Viewer,
    paging: PageAsked,
    file_id: Annotated[UUID | None, Query(alias="chatbotFileId")] = None,
) -> Response:
    """List the passages of one file, or of all. Problems: `not-found`."""
    base, document = KnowledgeBaseId(base_id), DocumentId(file_id) if file_id else None
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_base(tx, ctx.caller, base)
        if document is not None:
            await access_document(tx, ctx.caller, base, document, "file")
        chunks, count = await chunk_queries.list_chunks(tx, base, document, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [ChunkBody.of(chunk) for chunk in chunks]))


@router.get(f"{_CHUNKS}/{{chunk_id}}", response_model=ChunkBody)
async def get_chunk(request: Request, base_id: UUID, chunk_id: UUID, ctx: Viewer) -> Response:
    """Return one passage. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        chunk = await access_chunk(tx, ctx.caller, KnowledgeBaseId(base_id), ChunkId(chunk_id))
    return reply(request, ChunkBody.of(chunk))


@router.put(f"{_CHUNKS}/{{chunk_id}}", response_model=ChunkBody)
async def edit_chunk(request: Request, base_id: UUID, chunk_id: UUID, body: ChunkTextBody, ctx: Editor) -> Response:
    """Replace the text of a passage. Problems: `not-found`, `document-busy`."""
    chunk = await writing.edit_chunk(ctx.services, ctx.caller, KnowledgeBaseId(base_id), ChunkId(chunk_id), body.text)
    return reply(request, ChunkBody.of(chunk))


@router.delete(f"{_CHUNKS}/{{chunk_id}}", status_code=204)
async def delete_chunk(base_id: UUID, chunk_id: UUID, ctx: Editor) -> None:
    """Remove a passage. Problems: `not-found`, `document-busy`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await writing.delete_chunk(tx, ctx.caller, KnowledgeBaseId(base_id), ChunkId(chunk_id))
