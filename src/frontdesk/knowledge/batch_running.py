"""Checks, runs and undoes a batch, a portion at a time, each in a transaction that also says how far it is.

A process that dies loses the portion that it was in, and the next one goes on exactly there. The model reads texts
between two transactions; if what the second one finds needs other texts, the portion is decided anew.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from frontdesk.core.db import Tx
from frontdesk.core.files import fetch_file
from frontdesk.core.ids import KnowledgeBaseId, OrganizationId
from frontdesk.core.live import Event, announce
from frontdesk.core.services import Services
from frontdesk.core.sheet_files import open_sheet
from frontdesk.core.sheets import Fault, Table, UnreadableFile
from frontdesk.core.text import utc_now
from frontdesk.knowledge import actions, batch_queries, document_queries, queries
from frontdesk.knowledge.batch_model import (
    Batch,
    BatchId,
    BatchKind,
    BatchOutcome,
    BatchState,
    Step,
    Wish,
    add_counts,
)
from frontdesk.knowledge.batch_options import parse_options
from frontdesk.knowledge.batch_planning import list_label_names, plan, plan_undo
from frontdesk.knowledge.batch_sheets import SheetParser
from frontdesk.knowledge.batch_writing import write_steps
from frontdesk.knowledge.ingest import prepare_faq
from frontdesk.knowledge.model import FaqText, Passage
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right
from frontdesk.organizations.returning import find_caller

PORTION: Final = 100  # rows
NOT_ALLOWED: Final = "Whoever started this may not edit knowledge any more."
FILE_GONE: Final = "The file was removed."
REPEATED: Final = "An earlier row of the file is about the same."

_TRIES: Final = 5  # of a portion that others overtake

Portion = Sequence[Wish | tuple[int, Fault]]


class _Overtaken(Exception):
    """A document changed while the model read."""


class OvertakenTooOften(Exception):
    """Others write into the same documents all the time; the job is tried again."""


@dataclass(frozen=True, slots=True)
class Work:
    """One check, run or undoing, by whoever does it now."""

    services: Services
    organization_id: OrganizationId
    batch_id: BatchId
    state: BatchState  # in which the batch must stay for the work to go on


async def work_through(work: Work) -> None:
    """Do what is left, until the end or until the state of the batch changes. Safe to repeat, and for two at once."""
    batch = await _begin(work)
    if batch is None:
        return
    if work.state is BatchState.UNDOING:
        while await _do_portion(work, _undo):
            pass
        return
    try:
        if batch.kind is BatchKind.EDIT:
            await _work_through_edit(work, batch)
        else:
            await _work_through_file(work, batch)
    except UnreadableFile as error:
        await _fail(work, str(error))
    except FileNotFoundError:
        await _fail(work, FILE_GONE)


async def _begin(work: Work) -> Batch | None:
    async with work.services.db.begin(work.organization_id) as tx:
        batch = await batch_queries.get_batch(tx, work.batch_id, lock=True)
        if batch.state is not work.state:
            return None
        if work.state is BatchState.CHECKING and batch.done_count == 0:
            await batch_queries.delete_dry_rows(tx, work.batch_id)
        return batch


async def _work_through_edit(work: Work, batch: Batch) -> None:
    wish = parse_options(batch.options).to_wish()

    async def decide(tx: Tx, caller: Caller, batch: Batch, passages: Mapping[FaqText, Passage] | None) -> bool:
        waiting = await batch_queries.list_waiting(tx, batch.id, limit=PORTION)
        wishes = [wish.for_row(number, document_id) for number, document_id in waiting]
        return await _decide(tx, caller, batch, wishes, passages)

    while await _do_portion(work, decide):
        pass


async def _work_through_file(work: Work, batch: Batch) -> None:
    if batch.file_key is None:
        raise FileNotFoundError
    async with fetch_file(work.services.files, batch.file_key) as path:
        rows = islice(_read(batch, await open_sheet(path, batch.format)), batch.done_count, None)
        done = batch.done_count
        while True:
            portion = await asyncio.to_thread(lambda: list(islice(rows, PORTION)))
            if not await _do_portion(work, _of_file(portion, done)):
                return
            done += len(portion)


def _of_file(portion: Portion, done: int) -> "Decide":
    async def decide(tx: Tx, caller: Caller, batch: Batch, passages: Mapping[FaqText, Passage] | None) -> bool:
        return batch.done_count == done and await _decide(tx, caller, batch, portion, passages)

    return decide


def _read(batch: Batch, table: Table) -> Iterator[Wish | tuple[int, Fault]]:
    """Yield what each row says; one that is about what an earlier row is about is a fault."""
    parser = SheetParser(batch.kind, batch.mapping, batch.columns, batch.format)
    seen: set[bytes] = set()
    for row in table.rows:
        parsed = parser.parse(row)
        if isinstance(parsed, Fault):
            yield row.number, parsed
            continue
        about = [str(parsed.document_id)] if parsed.document_id else []
        keys = [hashlib.sha256(one.encode()).digest()[:16] for one in (*about, parsed.question) if one is not None]
        if seen.isdisjoint(keys):
            yield parsed
        else:
            yield row.number, Fault("duplicate", "id" if about else "question", REPEATED)
        seen.update(keys)


# --- one portion ---

Decide = Callable[[Tx, Caller, Batch, Mapping[FaqText, Passage] | None], Awaitable[bool]]
"""Decides a portion and, with passages, writes it; without passages it raises `_Wanted`. False: nothing is left."""


class _Wanted(Exception):
    """These texts must be read by the model before the portion can be written."""

    def __init__(self, texts: set[FaqText]) -> None:
        super().__init__(len(texts))
        self.texts = texts


async def _do_portion(work: Work, decide: Decide) -> bool:
    """Do one portion; False when the work is over, because nothing is left or somebody stopped it."""
    passages: dict[FaqText, Passage] = {}
    for _ in range(_TRIES):
        try:
            async with work.services.db.begin(work.organization_id) as tx:
                return await _do_now(tx, work, decide, passages)
        except _Wanted as wanted:
            for text in wanted.texts:
                passages[text] = await prepare_faq(work.services.embedder, text)
    raise OvertakenTooOften


async def _do_now(tx: Tx, work: Work, decide: Decide, passages: Mapping[FaqText, Passage]) -> bool:
    batch = await batch_queries.get_batch(tx, work.batch_id, lock=True)
    if batch.state is not work.state:
        return False
    caller = await find_caller(tx, batch.actor_kind, batch.actor_id)
    if caller is None or not caller.may(Right.KNOWLEDGE_EDIT):
        await _fail_now(tx, batch, NOT_ALLOWED)
        return False
    if not await batch_queries.lock_base(tx, batch.knowledge_base_id):
        return False
    if await decide(tx, caller, batch, passages):
        await announce(tx, Event("batch", batch.id))
        return True
    await _finish(tx, caller, await batch_queries.get_batch(tx, work.batch_id))
    return False


async def _decide(
    tx: Tx, caller: Caller, batch: Batch, portion: Portion, passages: Mapping[FaqText, Passage] | None
) -> bool:
    if not portion:
        return False
    is_dry = batch.state is BatchState.CHECKING
    options = parse_options(batch.options)
    wishes = [one for one in portion if isinstance(one, Wish)]
    faults = [Step(one[0], BatchOutcome.ERROR, fault=one[1]) for one in portion if isinstance(one, tuple)]
    named = [wish.document_id for wish in wishes if wish.document_id is not None]
    if not is_dry:
        await document_queries.lock_documents(tx, named)
    steps = await plan(tx, batch.knowledge_base_id, wishes, makes_labels=options.makes_labels)
    if not is_dry:
        _require(steps, passages)
        if options.makes_labels:
            await _make_labels(tx, caller, batch.knowledge_base_id, wishes)
            steps = await plan(tx, batch.knowledge_base_id, wishes, makes_labels=False)
        steps = await write_steps(tx, caller, batch.knowledge_base_id, steps, passages or {})
    all_steps = sorted((*steps, *faults), key=lambda step: step.number)
    kept = [step if step.outcome in _WRITTEN else replace(step, old=None, new=None) for step in all_steps]
    await batch_queries.upsert_rows(tx, batch.id, kept, is_dry=is_dry)
    counts = add_counts(batch.counts, [step.outcome.value for step in all_steps])
    done = batch.done_count + len(all_steps)
    await batch_queries.update_batch(tx, batch.id, utc_now(), counts=counts, done_count=done)
    return True


_WRITTEN: Final = frozenset({BatchOutcome.CREATED, BatchOutcome.UPDATED, BatchOutcome.DELETED})


def _require(steps: Sequence[Step], passages: Mapping[FaqText, Passage] | None) -> None:
    texts = {step.new_text for step in steps if step.new_text is not None}
    missing = texts - (passages or {}).keys()
    if missing:
        raise _Wanted(missing)


async def _make_labels(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, wishes: Sequence[Wish]) -> None:
    names = list_label_names(wishes)
    known = {label.name for label in await queries.find_labels(tx, base_id, ids=[], names=names)}
    for name in names:
        if name not in known:
            await actions.create_label(tx, caller, base_id, name)


async def _undo(tx: Tx, caller: Caller, batch: Batch, passages: Mapping[FaqText, Passage] | None) -> bool:
    rows = await batch_queries.list_written(tx, batch.id, limit=PORTION)
    if not rows:
        return False
    await document_queries.lock_documents(tx, [row.document_id for row in rows])
    steps = await plan_undo(tx, batch.knowledge_base_id, rows)
    _require(steps, passages)
    await write_steps(tx, caller, batch.knowledge_base_id, steps, passages or {})
    await batch_queries.forget_values(tx, batch.id, [row.row_number for row in rows])
    undone = add_counts(batch.undone, [_UNDONE[step.outcome] for step in steps])
    await batch_queries.update_batch(tx, batch.id, utc_now(), undone=undone)
    return True


_UNDONE: Final = {
    BatchOutcome.CREATED: "restored",
    BatchOutcome.UPDATED: "restored",
    BatchOutcome.DELETED: "removed",
    BatchOutcome.UNCHANGED: "kept",
}


# --- the end ---


async def _finish(tx: Tx, caller: Caller, batch: Batch) -> None:
    now = utc_now()
    changes: dict[BatchState, dict[str, object]] = {
        BatchState.CHECKING: {
            "state": BatchState.CHECKED,
            "checked": batch.counts,
            "total_count": batch.done_count,
            "done_count": 0,
            "counts": {},
        },
        BatchState.RUNNING: {"state": BatchState.DONE, "total_count": batch.done_count, "finished_at": now},
        BatchState.UNDOING: {"state": BatchState.UNDONE, "finished_at": now},
    }
    await batch_queries.update_batch(tx, batch.id, now, **changes[batch.state])
    if batch.state is not BatchState.CHECKING:
        action = "batch.undone" if batch.state is BatchState.UNDOING else "batch.finished"
        counts = batch.undone if batch.state is BatchState.UNDOING else batch.counts
        payload = {"filename": batch.filename, "kind": batch.kind.value, "counts": counts}
        await audit.record(tx, caller, action, "batch", batch.id, payload=payload)
    await announce(tx, Event("batch", batch.id))


async def _fail(work: Work, failure: str) -> None:
    async with work.services.db.begin(work.organization_id) as tx:
        batch = await batch_queries.get_batch(tx, work.batch_id, lock=True)
        if batch.state is work.state:
            await _fail_now(tx, batch, failure)


async def _fail_now(tx: Tx, batch: Batch, failure: str) -> None:
    now = utc_now()
    changes: dict[str, object] = {"state": BatchState.FAILED, "failure": failure, "finished_at": now}
    if batch.state is BatchState.CHECKING:  # nothing was written: the columns can be said anew
        changes |= {"state": BatchState.UPLOADED, "done_count": 0, "counts": {}, "finished_at": None}
    await batch_queries.update_batch(tx, batch.id, now, **changes)
    await announce(tx, Event("batch", batch.id))
