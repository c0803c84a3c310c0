"""Checks and runs an import: batch by batch, each in a transaction that also says how far it is.

A process that dies loses the batch that it was in, and the next one goes on exactly there.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeAlias

from frontdesk.contacts.rules import apply_rules
from frontdesk.contacts.schema import hold_schema
from frontdesk.core.db import Tx
from frontdesk.core.files import fetch_file
from frontdesk.core.ids import OrganizationId
from frontdesk.core.live import Event, announce
from frontdesk.core.services import Services
from frontdesk.core.sheets import Fault, Table, UnreadableFile
from frontdesk.core.text import utc_now
from frontdesk.lifecycle import import_queries as queries
from frontdesk.lifecycle.import_files import open_table
from frontdesk.lifecycle.import_holding import find_not_held
from frontdesk.lifecycle.import_ledger import Batch, insert_remembered, load_ledger, load_lookup
from frontdesk.lifecycle.import_mapping import parse_mapping
from frontdesk.lifecycle.import_model import Draft, Import, ImportId, ImportState, Options, Outcome, RowResult
from frontdesk.lifecycle.import_options import parse_options
from frontdesk.lifecycle.import_parsing import Lookup, RowParser
from frontdesk.lifecycle.import_planning import Limits, Planner
from frontdesk.lifecycle.import_writing import OvertakenByOthers, Writing, insert_rows, write_cards
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right
from frontdesk.organizations.queries.organizations import find_phone_region
from frontdesk.organizations.returning import find_caller

BATCH_SIZE: Final = 1_000
NOT_ALLOWED: Final = "Whoever started this may not import contacts any more."
FILE_GONE: Final = "The file was removed."

_TRIES: Final = 5  # of a batch that others overtake

Parsed: TypeAlias = tuple[int, Draft | Fault]


class _LookupChanged(Exception):
    """What rows may name, or who may name it, is not what it was when they were parsed."""


@dataclass(frozen=True, slots=True)
class Work:
    """One check or run, by whoever does it now."""

    services: Services
    organization_id: OrganizationId
    import_id: ImportId
    state: ImportState  # in which the import must stay for the work to go on

    @property
    def is_dry(self) -> bool:
        """True for a check, which writes nothing but what would become of the rows."""
        return self.state is ImportState.CHECKING


@dataclass(frozen=True, slots=True)
class _Course:
    """How rows are parsed from here on."""

    options: Options
    limits: Limits
    lookup: Lookup
    done_count: int
    parser: RowParser
    said: tuple[object, object]  # mapping and options


async def work_through(work: Work) -> None:
    """Deal with the rows that are left, until the end of the file or until the state of the import changes.

    Safe to repeat, and safe when two processes do it at once: only one of them gets each batch.
    """
    one = await _find_if_wanted(work)
    if one is None:
        return
    if one.file_key is None:
        await _fail(work, FILE_GONE)
        return
    try:
        async with fetch_file(work.services.files, one.file_key) as path:
            table = await open_table(path, one.format, parse_options(one.options))
            while not await _try_rows(work, table):
                pass
    except UnreadableFile as error:
        await _fail(work, str(error))
    except FileNotFoundError:
        await _fail(work, FILE_GONE)


async def _try_rows(work: Work, table: Table) -> bool:
    """Deal with rows until there are none left, or the work is over; False when they must be parsed anew."""
    course = await _set_course(work)
    if course is None:
        return True
    rows = islice(iter(table.rows), course.done_count, None)

    def take() -> list[Parsed]:
        return [(row.number, course.parser.parse(row)) for row in islice(rows, BATCH_SIZE)]

    try:
        return await _pump(work, course, take)
    except _LookupChanged:
        return False


async def _pump(work: Work, course: _Course, take: Callable[[], list[Parsed]]) -> bool:
    """Parse one batch in a thread while the one before it is being written."""
    done = course.done_count
    ahead = asyncio.create_task(asyncio.to_thread(take))
    try:
        while batch := await ahead:
            ahead = asyncio.create_task(asyncio.to_thread(take))
            if not await _do_batch(work, course, batch, done):
                return True
            done += len(batch)
    finally:
        await asyncio.gather(ahead, return_exceptions=True)
    await _finish(work, done)
    return True


async def _find_if_wanted(work: Work) -> Import | None:
    async with work.services.db.begin(work.organization_id) as tx:
        one = await queries.lock_import(tx, work.import_id)
        if one.state is not work.state:
            return None
        if work.is_dry and one.done_count == 0:
            await queries.delete_keys(tx, work.import_id)
    while work.is_dry and one.done_count == 0:  # what a check before this one found
        async with work.services.db.begin(work.organization_id) as tx:
            if not await queries.delete_rows(tx, work.import_id, is_dry=True, limit=20_000):
                break
    return one


async def _set_course(work: Work) -> _Course | None:
    async with work.services.db.begin(work.organization_id) as tx:
        one = await queries.get_import(tx, work.import_id)
        caller = await find_importer(tx, one)
        if one.state is not work.state or caller is None:
            await _stop(tx, one, work)
            return None
        limits = Limits.of(caller)
        schema = await hold_schema(tx)
        lookup = await load_lookup(tx, limits, schema, await find_phone_region(tx))
    options = parse_options(one.options)
    parser = RowParser(parse_mapping(one.mapping, one.columns), lookup, options, file_format=one.format)
    return _Course(options, limits, lookup, one.done_count, parser, (one.mapping, one.options))


async def find_importer(tx: Tx, one: Import) -> Caller | None:
    """Return who started the import, with the rights of now; None when they may not import any more."""
    caller = await find_caller(tx, one.actor_kind, one.actor_id)
    is_allowed = caller is not None and caller.may(Right.CONTACTS_IMPORT) and caller.may(Right.CONTACTS_EDIT)
    return caller if is_allowed else None


async def _do_batch(work: Work, course: _Course, batch: Sequence[Parsed], done: int) -> bool:
    """Deal with one batch; False when the work is over, because somebody stopped it or another process does it."""
    for _ in range(_TRIES):
        try:
            async with work.services.db.begin(work.organization_id) as tx:
                one = await queries.lock_import(tx, work.import_id)
                caller = await find_importer(tx, one)
                is_same = (one.state, one.done_count, (one.mapping, one.options)) == (work.state, done, course.said)
                if not is_same or caller is None:
                    await _stop(tx, one, work)
                    return False
                schema = await hold_schema(tx)
                if schema != course.lookup.schema or Limits.of(caller) != course.limits:
                    raise _LookupChanged
                results = await _decide(tx, work, course, caller, batch)
                await _note_progress(tx, one, results)
        except OvertakenByOthers:
            continue
        return True
    raise OvertakenByOthers


async def _decide(tx: Tx, work: Work, course: _Course, caller: Caller, batch: Sequence[Parsed]) -> list[RowResult]:
    drafts = [parsed for _, parsed in batch if isinstance(parsed, Draft)]
    schema, now = course.lookup.schema, utc_now()
    about = Batch(work.import_id, work.is_dry, drafts, course.options, course.limits)
    ledger = await load_ledger(tx, work.services.cipher, about, schema)
    ledger.not_held = await find_not_held(tx, caller, drafts)
    planner = Planner(ledger, course.limits, schema, now)
    results = [
        planner.decide(parsed) if isinstance(parsed, Draft) else RowResult(number, Outcome.ERROR, fault=parsed)
        for number, parsed in batch
    ]
    if work.is_dry:
        keys = [(key, state.contact.id) for state in ledger.cards.values() for key in state.new_keys]
        await insert_remembered(tx, work.import_id, [*keys, *ledger.new_unique.items()])
    else:
        writing = Writing(caller, work.import_id, schema, now)
        await write_cards(tx, writing, list(ledger.cards.values()))
        await apply_rules(tx, caller, [state.contact.id for state in ledger.cards.values()])
    await insert_rows(tx, work.import_id, results, is_dry=work.is_dry)
    return results


async def _note_progress(tx: Tx, one: Import, results: Sequence[RowResult]) -> None:
    counts = queries.add_counts(one.counts, Counter(result.outcome.value for result in results))
    done_count = one.done_count + len(results)
    await queries.update_import(tx, one.id, utc_now(), counts=counts, done_count=done_count)
    await announce(tx, Event("import", one.id))


# --- the end ---


async def _finish(work: Work, done: int) -> None:
    async with work.services.db.begin(work.organization_id) as tx:
        one = await queries.lock_import(tx, work.import_id)
        if one.state is not work.state or one.done_count != done:
            return
        now = utc_now()
        if work.is_dry:
            changes = {"state": ImportState.CHECKED, "checked": one.counts, "total_count": done}
            await queries.delete_keys(tx, one.id)
        else:
            changes = {"state": ImportState.DONE, "finished_at": now, "total_count": done}
            await record_import(tx, one, "import.finished")
        await queries.update_import(tx, one.id, now, **changes)
        await announce(tx, Event("import", one.id))


async def _fail(work: Work, failure: str) -> None:
    async with work.services.db.begin(work.organization_id) as tx:
        one = await queries.lock_import(tx, work.import_id)
        if one.state is work.state:
            await _fail_now(tx, one, failure)


async def _stop(tx: Tx, one: Import, work: Work) -> None:
    if one.state is work.state and await find_importer(tx, one) is None:
        await _fail_now(tx, one, NOT_ALLOWED)


async def _fail_now(tx: Tx, one: Import, failure: str) -> None:
    now = utc_now()
    changes: dict[str, object] = {"state": ImportState.FAILED, "failure": failure, "finished_at": now}
    if one.state is ImportState.CHECKING:  # nothing was written: the columns can be said anew
        changes |= {"state": ImportState.UPLOADED, "done_count": 0, "counts": {}, "finished_at": None}
    await queries.update_import(tx, one.id, now, **changes)
    await record_import(tx, one, "import.failed")
    await announce(tx, Event("import", one.id))


async def record_import(tx: Tx, one: Import, action: str) -> None:
    """Write into the audit log what happened to a whole import, on behalf of whoever started it."""
    caller = await find_caller(tx, one.actor_kind, one.actor_id)
    if caller is not None:
        payload = {"filename": one.filename, "counts": one.counts}
        await audit.record(tx, caller, action, "import", one.id, payload=payload)
