"""`knowledge-bases/{id}/batches/`: many documents changed at once, from a file or all that match; and exports."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from frontdesk.access.model import DocumentKind
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.core.media import XLSX
from frontdesk.core.sheet_writing import DoesNotFit
from frontdesk.core.wire import LenientModel, PageOf, Paging, Time, WireModel, page_of, paging, reply
from frontdesk.knowledge import batch_queries, batches
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.batch_model import Batch, BatchId, BatchKind, BatchOutcome, BatchRow, BatchState, SheetFormat
from frontdesk.knowledge.exporting import SheetKind, export_sheet
from frontdesk.knowledge.model import DocumentFilter, DocumentState
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Caller, Right

router = APIRouter(tags=["knowledge"])

Viewer = Annotated[Ctx, needs(Right.KNOWLEDGE_VIEW)]
Editor = Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT)]

_BATCHES = "/knowledge-bases/{base_id}/batches"
_SHEET: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string"}}}}
}
_Step = Callable[[Tx, Caller, KnowledgeBaseId, BatchId], Awaitable[Batch]]


class BatchColumnBody(WireModel):
    """What a column says: id, question, answer, labels, metadata or ignore."""

    column: str
    target: str


def _to_mapping(given: Sequence[BatchColumnBody] | None) -> dict[str, str] | None:
    return None if given is None else {use.column: use.target for use in given}


class NewBatchBody(LenientModel):
    """A file that was uploaded for this; without a mapping columns are recognized by their names."""

    kind: Literal["faqs", "labels"]
    file: str
    format: SheetFormat | None = None
    mapping: list[BatchColumnBody] | None = Field(None, max_length=500)
    unknown_labels: Literal["create", "ignore"] = "ignore"


class ChangeBatchBody(LenientModel):
    """What the columns mean; absent keys stay as they are."""

    mapping: list[BatchColumnBody] | None = Field(None, max_length=500)
    unknown_labels: Literal["create", "ignore"] | None = None


class DocumentFilterBody(LenientModel):
    """Which documents: all of the kind that match."""

    kind: DocumentKind
    query: str | None = None
    status: DocumentState | None = None
    label: UUID | None = None


class NewDocumentEditBody(LenientModel):
    """All documents that match, and what to change of them.

    `options` is `{"labels": {"how": "set" | "add" | "remove", "labels": [id or name]}}`, `{"metadata": {"how": "set" |
    "merge" | "remove", "values": {…}}}`, or `{"delete": true}`.
    """

    documents: DocumentFilterBody
    options: dict[str, Any]


class BatchBody(WireModel):
    """A batch. `counts` are those of the run, and add up to `doneCount`; `checked` are those of the dry run."""

    id: UUID
    kind: BatchKind
    filename: str
    format: str
    columns: Sequence[str]
    samples: Sequence[Sequence[str]]
    mapping: Sequence[BatchColumnBody]
    options: dict[str, Any]
    state: BatchState
    total_count: int | None
    done_count: int
    counts: dict[str, int]
    checked: dict[str, int] | None
    undone: dict[str, int]
    failure: str | None
    started_by: str
    created_at: Time
    updated_at: Time
    finished_at: Time | None

    @classmethod
    def of(cls, batch: Batch) -> "BatchBody":
        """Render a batch."""
        names = [name for name in cls.model_fields if name not in {"started_by", "mapping"}]
        mapping = [BatchColumnBody(column=column, target=target) for column, target in batch.mapping.items()]
        return cls(**{name: getattr(batch, name) for name in names}, started_by=batch.actor_name, mapping=mapping)


class BatchPage(PageOf):
    """One page of batches."""

    results: Sequence[BatchBody]


class BatchRowBody(WireModel):
    """What became of a row. A `code` of a row that was done is a remark."""

    row: int
    outcome: BatchOutcome
    code: str | None
    field: str | None
    detail: str | None
    document: UUID | None
    title: str | None

    @classmethod
    def of(cls, row: BatchRow) -> "BatchRowBody":
        """Render a row."""
        facts = (row.code, row.field, row.detail)
        return cls(
            row=row.row_number,
            outcome=row.outcome,
            code=facts[0],
            field=facts[1],
            detail=facts[2],
            document=row.document_id,
            title=row.title,
        )


class BatchRowPage(WireModel):
    """Rows in order; ask for the next ones with `after`, the last row of these."""

    results: Sequence[BatchRowBody]
    after: int | None


@router.get(_BATCHES, response_model=BatchPage)
async def list_batches(
    request: Request, base_id: UUID, ctx: Editor, paging: Annotated[Paging, Depends(paging)]
) -> Response:
    """List batches, the newest first. Problems: `not-found`."""
    base = KnowledgeBaseId(base_id)
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_base(tx, ctx.caller, base)
        found, count = await batch_queries.list_batches(tx, base, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [BatchBody.of(batch) for batch in found]))


@router.post(_BATCHES, response_model=BatchBody, status_code=201)
async def create_batch(request: Request, base_id: UUID, body: NewBatchBody, ctx: Editor) -> Response:
    """Begin with an uploaded file (purpose `document-batch`); nothing is changed yet.

    Problems: `not-found`, `upload-spent`, `batch-unreadable`.
    """
    wanted = batches.NewBatch(
        BatchKind(body.kind), body.file, body.format, _to_mapping(body.mapping), body.unknown_labels == "create"
    )
    batch = await batches.create_batch(ctx.services, ctx.caller, KnowledgeBaseId(base_id), wanted)
    return reply(request, BatchBody.of(batch), status=201)


@router.post(f"{_BATCHES}/edit", response_model=BatchBody, status_code=202)
async def start_edit(request: Request, base_id: UUID, body: NewDocumentEditBody, ctx: Editor) -> Response:
    """Begin to change all documents that match now. Problems: `not-found`, `invalid-request`, `too-many-requests`."""
    asked = body.documents
    wanted = DocumentFilter(asked.kind, asked.query, LabelId(asked.label) if asked.label else None, asked.status)
    async with ctx.db.begin(ctx.organization_id) as tx:
        batch = await batches.start_edit(tx, ctx.caller, KnowledgeBaseId(base_id), wanted, body.options)
    return reply(request, BatchBody.of(batch), status=202)


@router.get(f"{_BATCHES}/{{batch_id}}", response_model=BatchBody)
async def get_batch(request: Request, base_id: UUID, batch_id: UUID, ctx: Editor) -> Response:
    """Return a batch, and how far it is. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        batch = await batches.access_batch(tx, ctx.caller, KnowledgeBaseId(base_id), BatchId(batch_id))
    return reply(request, BatchBody.of(batch))


@router.patch(f"{_BATCHES}/{{batch_id}}", response_model=BatchBody)
async def change_batch(request: Request, base_id: UUID, batch_id: UUID, body: ChangeBatchBody, ctx: Editor) -> Response:
    """Say anew what the columns mean; a check is void then. Problems: `not-found`, `batch-not-ready`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        batch = await batches.change_batch(
            tx,
            ctx.caller,
            KnowledgeBaseId(base_id),
            BatchId(batch_id),
            mapping=_to_mapping(body.mapping),
            makes_labels=None if body.unknown_labels is None else body.unknown_labels == "create",
        )
    return reply(request, BatchBody.of(batch))


@router.post(f"{_BATCHES}/{{batch_id}}/check", response_model=BatchBody)
async def check_batch(request: Request, base_id: UUID, batch_id: UUID, ctx: Editor) -> Response:
    """Begin a dry run: what would become of each row.

    Problems: `not-found`, `batch-not-ready`, `batch-unreadable`, `too-many-requests`.
    """
    return await _step(request, ctx, base_id, batch_id, batches.start_check)


@router.post(f"{_BATCHES}/{{batch_id}}/run", response_model=BatchBody)
async def run_batch(request: Request, base_id: UUID, batch_id: UUID, ctx: Editor) -> Response:
    """Begin to write, or go on after it was cancelled or failed.

    Problems: `not-found`, `batch-not-ready`, `batch-unreadable`, `too-many-requests`.
    """
    return await _step(request, ctx, base_id, batch_id, batches.start_run)


@router.post(f"{_BATCHES}/{{batch_id}}/cancel", response_model=BatchBody)
async def cancel_batch(request: Request, base_id: UUID, batch_id: UUID, ctx: Editor) -> Response:
    """Stop a check or a run; what was written stays. Problems: `not-found`, `batch-not-ready`."""
    return await _step(request, ctx, base_id, batch_id, batches.cancel)


@router.post(f"{_BATCHES}/{{batch_id}}/undo", response_model=BatchBody)
async def undo_batch(request: Request, base_id: UUID, batch_id: UUID, ctx: Editor) -> Response:
    """Begin to take back what was written and not changed since; deleted files do not come back.

    Problems: `not-found`, `batch-not-ready`, `too-many-requests`.
    """
    return await _step(request, ctx, base_id, batch_id, batches.start_undo)


@router.get(f"{_BATCHES}/{{batch_id}}/rows", response_model=BatchRowPage)
async def list_batch_rows(
    request: Request,
    base_id: UUID,
    batch_id: UUID,
    ctx: Editor,
    outcome: Annotated[list[BatchOutcome] | None, Query()] = None,
    after: Annotated[int, Query(ge=0)] = 0,
    page_size: Annotated[int, Query(alias="pageSize", ge=1, le=1000)] = 100,
) -> Response:
    """List what became of rows, or would become of them. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        batch = await batches.access_batch(tx, ctx.caller, KnowledgeBaseId(base_id), BatchId(batch_id))
        rows = await batch_queries.list_rows(
            tx,
            batch.id,
            is_dry=batches.shows_check(batch),
            outcomes=outcome or list(BatchOutcome),
            after=after,
            limit=page_size,
        )
    following = rows[-1].row_number if len(rows) == page_size else None
    return reply(request, BatchRowPage(results=[BatchRowBody.of(row) for row in rows], after=following))


@router.get("/knowledge-bases/{base_id}/export", response_class=Response, responses=_SHEET)
async def export_documents(
    base_id: UUID,
    ctx: Viewer,
    what: SheetKind = "faqs",
    file_format: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "xlsx",
) -> Response:
    """Download all FAQs, or the labels and metadata of all documents, as a file that a batch reads back.

    Problems: `not-found`, `invalid-request`.
    """
    return await send_sheet(ctx, KnowledgeBaseId(base_id), what, file_format)


async def send_sheet(
    ctx: Any,  # noqa: ANN401 -- of the API or of the console
    base_id: KnowledgeBaseId,
    what: SheetKind,
    file_format: Literal["csv", "xlsx"],
) -> Response:
    """Return the answer with an export. Raises NotFound, and InvalidRequest when a workbook cannot hold it."""
    try:
        pieces = await export_sheet(ctx.services, ctx.caller, base_id, what, file_format)
    except DoesNotFit as error:
        raise InvalidRequest(str(error), pointer="/format") from error
    media_type = XLSX if file_format == "xlsx" else "text/csv; charset=utf-8"
    headers = {
        "Content-Disposition": f'attachment; filename="{what}.{file_format}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return StreamingResponse(pieces, media_type=media_type, headers=headers)


async def _step(request: Request, ctx: Ctx, base_id: UUID, batch_id: UUID, step: _Step) -> Response:
    async with ctx.db.begin(ctx.organization_id) as tx:
        batch = await step(tx, ctx.caller, KnowledgeBaseId(base_id), BatchId(batch_id))
    return reply(request, BatchBody.of(batch))
