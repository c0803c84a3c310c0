"""Many documents at once: FAQs and labels come in as files and go out as such, and all that match are changed."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.knowledge import PATH, Editor, Offset, Viewer, load_head
from frontdesk.console.knowledge_documents import KINDS, How, Place
from frontdesk.console.labelling import list_all_labels
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx
from frontdesk.console.navigation import N_
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.sheet_uploads import NO_LIMIT, receive_sheet
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, InvalidRequest, NotFound
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.knowledge import batch_queries, batches
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.batch_model import Batch, BatchId, BatchKind, BatchOutcome
from frontdesk.knowledge.batch_routes import send_sheet
from frontdesk.knowledge.batch_sheets import TARGETS
from frontdesk.knowledge.document_queries import list_documents
from frontdesk.knowledge.exporting import SheetKind
from frontdesk.knowledge.model import DocumentFilter, DocumentState

router = screen_router()

ROWS_SHOWN = 50

TARGET_WORDS: Final = {
    "ignore": N_("Do not import"),
    "id": N_("Document ID"),
    "question": N_("Question"),
    "answer": N_("Answer"),
    "labels": N_("Labels"),
    "metadata": N_("Metadata"),
}


class Matching(BaseModel):
    """Which documents are meant: all that match what the list was filtered by."""

    model_config = ConfigDict(frozen=True)

    q: str = Field("", max_length=200)
    label: str = ""
    state: Literal["", "initial", "processing", "done", "failed"] = ""

    def to_filter(self, place: Place) -> DocumentFilter:
        """Return what the list of this place shows for it."""
        state: DocumentState | None = self.state or None
        try:
            label = LabelId(UUID(self.label))
        except ValueError:
            label = None
        return DocumentFilter(KINDS[place], self.q.replace("\x00", "") or None, label, state)


class Change(Matching):
    """What to do with all of them."""

    what: Literal["labels", "metadata", "delete"] = "labels"
    how: How = "add"
    labels: tuple[UUID, ...] = ()
    key: str = Field("", max_length=200)
    value: str = Field("", max_length=10_000)

    def to_options(self) -> dict[str, Any]:
        """Return what a batch understands. Raises InvalidRequest."""
        if self.what == "delete":
            return {"delete": True}
        if self.what == "labels":
            return {"labels": {"how": self.how, "labels": [str(label) for label in self.labels]}}
        if not self.key.strip():
            raise InvalidRequest("Write a name.", pointer="/key")
        how = "remove" if self.how == "remove" else "merge"
        return {"metadata": {"how": how, "values": {self.key.strip(): self.value}}}


# --- files in and out ---


@router.get("/knowledge/{base_id}/batches")
async def show_batches(request: Request, base_id: UUID, member: Editor, offset: Offset = 0) -> Response:
    """List what was changed at once, the newest first, below the places where files are dropped."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, base_id)
        found, count = await batch_queries.list_batches(tx, head.base.id, limit=PAGE_SIZE, offset=offset)
    return page(
        request,
        "knowledge/batches_rows.html" if is_list_only(request) else "knowledge/batches.html",
        head=head,
        tab="batches",
        batches=found,
        count=count,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(f"{PATH}/{base_id}/batches", {"offset": offset}),
        max_megabytes=member.services.max_import_bytes // 1_000_000,
    )


@router.post("/knowledge/{base_id}/batches", max_body_size=NO_LIMIT)
async def upload(request: Request, base_id: UUID, member: Editor) -> Response:
    """Take a file and show what its columns seem to say."""
    base = KnowledgeBaseId(base_id)
    async with member.db.begin(member.organization_id) as tx:
        await access_base(tx, member.caller, base)
    key, form = await receive_sheet(request, member, "document-batch")
    kind = BatchKind.LABELS if form.get("kind") == "labels" else BatchKind.FAQS
    batch = await batches.create_batch(member.services, member.caller, base, batches.NewBatch(kind, key))
    return _to(request, batch)


@router.get("/knowledge/{base_id}/export")
async def export(
    base_id: UUID,
    member: Viewer,
    what: SheetKind = "faqs",
    file_format: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "xlsx",
) -> Response:
    """Download the FAQs, or the labels of all documents."""
    return await send_sheet(member, KnowledgeBaseId(base_id), what, file_format)


# --- one batch ---


@router.get("/knowledge/{base_id}/batches/{batch_id}")
async def show_batch(
    request: Request,
    base_id: UUID,
    batch_id: UUID,
    member: Editor,
    outcome: str = "",
    after: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Show a batch in the step where it stands."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, base_id)
        batch = await batches.access_batch(tx, member.caller, head.base.id, BatchId(batch_id))
        context = await _load(tx, batch, outcome, after)
    template = "knowledge/batch_rows.html" if is_list_only(request, "rows") else "knowledge/batch.html"
    return page(request, template, head=head, tab="batches", **context)


async def _load(tx: Tx, batch: Batch, outcome: str, after: int) -> dict[str, Any]:
    wanted = [BatchOutcome(outcome)] if outcome in set(BatchOutcome) else list(BatchOutcome)
    is_dry = batches.shows_check(batch)
    rows = await batch_queries.list_rows(
        tx, batch.id, is_dry=is_dry, outcomes=wanted, after=after, limit=ROWS_SHOWN + 1
    )
    return {
        "batch": batch,
        "counts": batch.checked or batch.counts if is_dry else batch.counts,
        "is_working": batches.is_working(batch),
        "is_mapped": batches.is_mapped(batch),
        "may_run": batches.may_run(batch),
        "may_undo": batches.may_undo(batch),
        "rows": rows[:ROWS_SHOWN],
        "more_after": rows[ROWS_SHOWN - 1].row_number if len(rows) > ROWS_SHOWN else None,
        "after": after,
        "outcome": outcome if outcome in set(BatchOutcome) else "",
        "outcomes": list(BatchOutcome),
        "targets": [(target, TARGET_WORDS[target]) for target in TARGETS.get(batch.kind, ())],
        "address": address_of(f"{PATH}/{batch.knowledge_base_id}/batches/{batch.id}", {"outcome": outcome}),
    }


@router.post("/knowledge/{base_id}/batches/{batch_id}/check")
async def check(request: Request, base_id: UUID, batch_id: UUID, member: Editor) -> Response:
    """Keep what the columns mean, and begin the dry run."""
    form = await request.form()
    base = KnowledgeBaseId(base_id)
    async with member.db.begin(member.organization_id) as tx:
        batch = await batches.access_batch(tx, member.caller, base, BatchId(batch_id))
        mapping = _read_mapping(batch, form)
        if mapping:
            makes_labels = "makes_labels" in form
            await batches.change_batch(tx, member.caller, base, batch.id, mapping=mapping, makes_labels=makes_labels)
        batch = await batches.start_check(tx, member.caller, base, batch.id)
    return _to(request, batch)


def _read_mapping(batch: Batch, form: Mapping[str, Any]) -> dict[str, str]:
    """Return what is chosen for each column; empty when nothing was sent."""
    chosen = {column: form.get(f"target-{index}") for index, column in enumerate(batch.columns)}
    return {column: str(target) for column, target in chosen.items() if target is not None}


@router.post("/knowledge/{base_id}/batches/{batch_id}/run")
async def run(request: Request, base_id: UUID, batch_id: UUID, member: Editor) -> Response:
    """Write what was checked, or go on."""
    async with member.db.begin(member.organization_id) as tx:
        batch = await batches.start_run(tx, member.caller, KnowledgeBaseId(base_id), BatchId(batch_id))
    return _to(request, batch)


@router.post("/knowledge/{base_id}/batches/{batch_id}/cancel")
async def cancel(request: Request, base_id: UUID, batch_id: UUID, member: Editor) -> Response:
    """Stop; what was written stays."""
    async with member.db.begin(member.organization_id) as tx:
        batch = await batches.cancel(tx, member.caller, KnowledgeBaseId(base_id), BatchId(batch_id))
    return _to(request, batch)


@router.get("/knowledge/{base_id}/batches/{batch_id}/undo")
async def ask_undo(request: Request, base_id: UUID, batch_id: UUID, member: Editor) -> Response:
    """Ask whether the whole shall be taken back."""
    async with member.db.begin(member.organization_id) as tx:
        batch = await batches.access_batch(tx, member.caller, KnowledgeBaseId(base_id), BatchId(batch_id))
    return page(request, "knowledge/batch_undo.html", batch=batch)


@router.post("/knowledge/{base_id}/batches/{batch_id}/undo")
async def undo(request: Request, base_id: UUID, batch_id: UUID, member: Editor) -> Response:
    """Take the whole back."""
    async with member.db.begin(member.organization_id) as tx:
        batch = await batches.start_undo(tx, member.caller, KnowledgeBaseId(base_id), BatchId(batch_id))
    return _to(request, batch)


# --- all that match ---


@router.get("/knowledge/{base_id}/{listed}/all")
async def ask_all(
    request: Request, base_id: UUID, listed: Place, member: Editor, matching: Annotated[Matching, Query()]
) -> Response:
    """Offer what can be done with all documents that match."""
    return await _ask_all(request, member, base_id, listed, Change(**matching.model_dump()))


@router.post("/knowledge/{base_id}/{listed}/all")
async def change_all(
    request: Request, base_id: UUID, listed: Place, member: Editor, change: Annotated[Change, Form()]
) -> Response:
    """Begin to change all documents that match now."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            batch = await batches.start_edit(
                tx, member.caller, KnowledgeBaseId(base_id), change.to_filter(listed), change.to_options()
            )
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _ask_all(request, member, base_id, listed, change, error)
    return _to(request, batch)


async def _ask_all(
    request: Request,
    member: MemberCtx,
    base_id: UUID,
    place: Place,
    change: Change,
    error: FrontdeskError | None = None,
) -> Response:
    base = KnowledgeBaseId(base_id)
    async with member.db.begin(member.organization_id) as tx:
        await access_base(tx, member.caller, base)
        _, count = await list_documents(tx, base, change.to_filter(place), limit=0, offset=0)
        labels = await list_all_labels(tx, base)
    return page(
        request,
        "knowledge/all_form.html",
        status=error.status if error else 200,
        base_id=base_id,
        place=place,
        change=change,
        count=count,
        labels=labels,
        errors=field_errors(error) if error else {},
    )


def _to(request: Request, batch: Batch) -> Response:
    flash = look_of(request)._("A change of all of them has begun.") if batch.kind is BatchKind.EDIT else ""
    return go(request, f"{PATH}/{batch.knowledge_base_id}/batches/{batch.id}", flash=flash)
