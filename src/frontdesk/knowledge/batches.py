"""What is done with batches: begin with a file or with all that match, check, run, cancel, undo. Jobs do the work."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound, TooManyRequests
from frontdesk.core.files import Files, fetch_file
from frontdesk.core.ids import KnowledgeBaseId, OrganizationId, new_id
from frontdesk.core.jobs import enqueue
from frontdesk.core.live import Event, announce
from frontdesk.core.media import XLSX
from frontdesk.core.services import Services
from frontdesk.core.sheet_files import LOOKS_AT, open_sheet, take_samples
from frontdesk.core.sheets import UnreadableFile
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import StoredFile, redeem_upload
from frontdesk.knowledge import batch_queries, queries
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.batch_model import WORKING, Batch, BatchId, BatchKind, BatchState, LabelChange, SheetFormat
from frontdesk.knowledge.batch_options import parse_options
from frontdesk.knowledge.batch_sheets import check_mapping, needs_columns, propose_mapping
from frontdesk.knowledge.errors import BatchNotReady, BatchUnreadable
from frontdesk.knowledge.model import DocumentFilter
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

KEPT_FOR: Final = timedelta(days=30)  # after the last that happened; until then it can be undone
MAX_WORKING: Final = 10  # batches of one organization at a time

_S = BatchState
_MAPPED_IN: Final = frozenset({_S.UPLOADED, _S.CHECKED})
_RUN_FROM: Final = frozenset({_S.UPLOADED, _S.CHECKED, _S.CANCELLED, _S.FAILED})
_UNDONE_FROM: Final = frozenset({_S.DONE, _S.CANCELLED, _S.FAILED})
_FORMATS: Final[dict[str, SheetFormat]] = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "ndjson": "ndjson", "jsonl": "ndjson", "json": "json",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A file of FAQs, or of documents with their labels. None: as the file looks, and as its columns are named."""

    kind: BatchKind
    upload_key: str
    format: SheetFormat | None = None
    mapping: Mapping[str, str] | None = None
    makes_labels: bool = False


async def create_batch(services: Services, caller: Caller, base_id: KnowledgeBaseId, wanted: NewBatch) -> Batch:
    """Begin a batch with a file that the caller uploaded for it. Nothing is changed yet.

    Opens its own transactions: the file is looked at in between. Right: knowledge.edit. Raises NotFound, UploadSpent,
    and InvalidRequest and BatchUnreadable, after which the upload is spent.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    async with services.db.begin(caller.organization_id) as tx:
        await access_base(tx, caller, base_id)
        stored = await redeem_upload(tx, wanted.upload_key, caller=caller.reference, purpose="document-batch")
    try:
        batch = await _inspect(services.files, caller, base_id, stored, wanted)
    except UnreadableFile as error:
        await services.files.delete(stored.key)
        raise BatchUnreadable(str(error)) from error
    except InvalidRequest:
        await services.files.delete(stored.key)
        raise
    async with services.db.begin(caller.organization_id) as tx:
        await access_base(tx, caller, base_id)
        await batch_queries.insert_batch(tx, batch)
    return batch


async def _inspect(
    files: Files, caller: Caller, base_id: KnowledgeBaseId, stored: StoredFile, wanted: NewBatch
) -> Batch:
    file_format = wanted.format or await _guess_format(files, stored)
    async with fetch_file(files, stored.key) as path:
        table = await open_sheet(path, file_format, max_rows=LOOKS_AT)
        samples = await take_samples(table)
    columns = list(table.columns)
    mapping = propose_mapping(wanted.kind, columns)
    if wanted.mapping is not None:
        mapping = check_mapping(wanted.kind, columns, wanted.mapping)
    options = {"unknownLabels": "create" if wanted.makes_labels else "ignore"}
    return replace(
        _new_batch(caller, base_id, wanted.kind, options),
        filename=stored.filename,
        format=file_format,
        file_key=stored.key,
        columns=columns,
        samples=samples,
        mapping=mapping,
    )


async def _guess_format(files: Files, stored: StoredFile) -> SheetFormat:
    head = await files.read_head(stored.key, 1_000)
    if stored.media_type == XLSX or head.startswith(b"PK"):
        return "xlsx"
    beginning = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if beginning.startswith(b"["):
        return "json"
    if beginning.startswith(b"{"):
        return "ndjson"
    return _FORMATS.get(stored.filename.rpartition(".")[2].lower(), "csv")


async def start_edit(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, wanted: DocumentFilter, options: Mapping[str, Any]
) -> Batch:
    """Begin to change the labels or metadata of all documents that match now, or to delete them.

    Right: knowledge.edit. Raises NotFound, InvalidRequest and TooManyRequests.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    await access_base(tx, caller, base_id)
    parsed = parse_options(options)
    if parsed.makes_labels or not (parsed.labels or parsed.metadata or parsed.deletes):
        raise InvalidRequest("Say what to change: labels, metadata, or that they be deleted.", pointer="/options")
    if parsed.labels is not None:
        await _require_labels(tx, base_id, parsed.labels)
    batch = _new_batch(caller, base_id, BatchKind.EDIT, options)
    await batch_queries.insert_batch(tx, batch)
    count = await batch_queries.insert_waiting(tx, batch.id, base_id, wanted)
    return await _start(tx, caller, replace(batch, total_count=count), BatchState.RUNNING, total_count=count)


async def _require_labels(tx: Tx, base_id: KnowledgeBaseId, change: LabelChange) -> None:
    ids = [label.id for label in change.labels if label.id is not None]
    names = [label.name.strip() for label in change.labels if label.name is not None]
    found = await queries.find_labels(tx, base_id, ids=ids, names=names)
    if not {*ids, *names} <= {label.id for label in found} | {label.name for label in found}:
        raise InvalidRequest("There is no such label.", pointer="/options/labels")


async def access_batch(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, batch_id: BatchId, *, lock: bool = False
) -> Batch:
    """Return a batch of this knowledge base. Right: knowledge.edit. Raises NotFound."""
    caller.require(Right.KNOWLEDGE_EDIT)
    await access_base(tx, caller, base_id)
    batch = await batch_queries.get_batch(tx, batch_id, lock=lock)
    if batch.knowledge_base_id != base_id:
        raise NotFound
    return batch


async def change_batch(
    tx: Tx,
    caller: Caller,
    base_id: KnowledgeBaseId,
    batch_id: BatchId,
    *,
    mapping: Mapping[str, str] | None = None,
    makes_labels: bool | None = None,
) -> Batch:
    """Say anew what the columns mean; a check that was made before is void.

    Raises NotFound, InvalidRequest and BatchNotReady.
    """
    batch = await _access_alone(tx, caller, base_id, batch_id, _MAPPED_IN)
    changes: dict[str, Any] = {"state": BatchState.UPLOADED, "checked": None, "counts": {}, "done_count": 0}
    if mapping is not None:
        changes["mapping"] = check_mapping(batch.kind, batch.columns, mapping)
    if makes_labels is not None:
        changes["options"] = {"unknownLabels": "create" if makes_labels else "ignore"}
    return await _change(tx, batch, changes)


async def start_check(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, batch_id: BatchId) -> Batch:
    """Begin a dry run: what would become of each row. Raises NotFound, BatchUnreadable, BatchNotReady."""
    batch = await _access_alone(tx, caller, base_id, batch_id, _MAPPED_IN)
    return await _start(tx, caller, batch, BatchState.CHECKING, done_count=0, counts={}, checked=None)


async def start_run(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, batch_id: BatchId) -> Batch:
    """Begin to write, or go on where it was cancelled or failed. Raises as `start_check`."""
    batch = await _access_alone(tx, caller, base_id, batch_id, _RUN_FROM)
    return await _start(tx, caller, batch, BatchState.RUNNING)


async def cancel(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, batch_id: BatchId) -> Batch:
    """Stop a check or a run after its portion; what was written stays. Safe to repeat. Raises as `start_undo`."""
    batch = await _access_alone(tx, caller, base_id, batch_id, frozenset({_S.CHECKING, _S.RUNNING, _S.CANCELLED}))
    if batch.state is BatchState.CANCELLED:
        return batch
    if batch.state is BatchState.CHECKING:
        return await _change(tx, batch, {"state": BatchState.UPLOADED, "done_count": 0, "counts": {}})
    return await _change(tx, batch, {"state": BatchState.CANCELLED, "finished_at": utc_now()})


async def start_undo(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, batch_id: BatchId) -> Batch:
    """Begin to take back what was written, unless it changed since.

    Files that were deleted do not come back; labels that were made stay. Raises NotFound and BatchNotReady.
    """
    batch = await _access_alone(tx, caller, base_id, batch_id, _UNDONE_FROM)
    if not may_undo(batch):
        raise BatchNotReady(facts={"state": batch.state.value})
    return await _start(tx, caller, batch, BatchState.UNDOING, undone={})


def is_working(batch: Batch) -> bool:
    """Tell whether something is being done for the batch now."""
    return batch.state in WORKING


def is_mapped(batch: Batch) -> bool:
    """Tell whether the meaning of the columns can still be said."""
    return batch.kind is not BatchKind.EDIT and batch.state in _MAPPED_IN


def may_run(batch: Batch) -> bool:
    """Tell whether the batch can begin, or go on."""
    return batch.state in _RUN_FROM and (batch.kind is BatchKind.EDIT or batch.file_key is not None)


def may_undo(batch: Batch) -> bool:
    """Tell whether something was written that can be taken back."""
    return batch.state in _UNDONE_FROM and any(batch.counts.get(key) for key in ("created", "updated", "deleted"))


def shows_check(batch: Batch) -> bool:
    """Tell whether the rows to show are those of a check, because nothing was written yet."""
    return batch.state in {_S.UPLOADED, _S.CHECKING, _S.CHECKED}


# --- old ones ---


async def remove_old(services: Services, organization_id: OrganizationId) -> None:
    """Remove the batches that nothing happened to for long, with their files. Safe to repeat."""
    while True:
        async with services.db.begin(organization_id) as tx:
            old = await batch_queries.list_old(tx, before=utc_now() - KEPT_FOR, limit=100)
        if not old:
            return
        for _, key in old:
            if key is not None:
                await services.files.delete(key)
        async with services.db.begin(organization_id) as tx:
            for batch_id, _ in old:
                await batch_queries.delete_batch(tx, batch_id)


# ---


def _new_batch(caller: Caller, base_id: KnowledgeBaseId, kind: BatchKind, options: Mapping[str, Any]) -> Batch:
    now = utc_now()
    return Batch(
        id=BatchId(new_id()),
        knowledge_base_id=base_id,
        kind=kind,
        filename="",
        format="",
        file_key=None,
        columns=[],
        samples=[],
        mapping={},
        options=dict(options),
        state=BatchState.UPLOADED,
        total_count=None,
        done_count=0,
        counts={},
        checked=None,
        undone={},
        failure=None,
        actor_kind=caller.kind.value,
        actor_id=caller.id,
        actor_name=caller.name,
        created_at=now,
        updated_at=now,
        finished_at=None,
    )


async def _start(
    tx: Tx,
    caller: Caller,
    batch: Batch,
    state: BatchState,
    **changes: Any,  # noqa: ANN401 -- columns
) -> Batch:
    if batch.kind is not BatchKind.EDIT and state is not BatchState.UNDOING:
        missing = needs_columns(batch.kind, batch.mapping)
        if missing is not None:
            raise BatchUnreadable(f"No column is the {missing}.", pointer="/mapping")
        if batch.file_key is None:
            raise BatchNotReady(facts={"state": batch.state.value})
    if await batch_queries.count_working(tx) >= MAX_WORKING:
        raise TooManyRequests(f"{MAX_WORKING} batches are under way.", facts={"retry_after": 60})
    actor = {"actor_kind": caller.kind.value, "actor_id": caller.id, "actor_name": caller.name}
    started = await _change(tx, batch, {"state": state, "failure": None, "finished_at": None, **actor, **changes})
    if state is not BatchState.CHECKING:
        action = "batch.undo_started" if state is BatchState.UNDOING else "batch.started"
        payload = {"filename": batch.filename, "kind": batch.kind.value, "options": batch.options}
        await audit.record(tx, caller, action, "batch", batch.id, payload=payload)
    await enqueue(tx, "knowledge.batch_started", lock=f"batch:{batch.id}", batch_id=batch.id)
    return started


async def _change(tx: Tx, batch: Batch, changes: Mapping[str, Any]) -> Batch:
    await batch_queries.update_batch(tx, batch.id, utc_now(), **changes)
    await announce(tx, Event("batch", batch.id))
    return replace(batch, **changes)


async def _access_alone(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, batch_id: BatchId, states: frozenset[BatchState]
) -> Batch:
    batch = await access_batch(tx, caller, base_id, batch_id, lock=True)
    if batch.state not in states:
        raise BatchNotReady(facts={"state": batch.state.value})
    return batch
