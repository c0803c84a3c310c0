"""What is done with imports: begin with an uploaded file, say what its columns mean, check, run, cancel, undo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound, TooManyRequests
from frontdesk.core.ids import OrganizationId, new_id
from frontdesk.core.jobs import enqueue
from frontdesk.core.live import Event, announce
from frontdesk.core.services import Services
from frontdesk.core.sheets import UnreadableFile
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import StoredFile, redeem_upload
from frontdesk.lifecycle import import_queries as queries
from frontdesk.lifecycle.import_errors import ImportFileGone, ImportNotReady, ImportUnreadable
from frontdesk.lifecycle.import_files import inspect_file
from frontdesk.lifecycle.import_formats import ImportFormat, guess_format
from frontdesk.lifecycle.import_mapping import ACCESS_TARGETS, ColumnUse, parse_mapping, propose_mapping
from frontdesk.lifecycle.import_model import WORKING, Import, ImportId, ImportState
from frontdesk.lifecycle.import_options import parse_options
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

FILE_KEPT_FOR: Final = timedelta(days=30)
MAX_WORKING: Final = 10  # imports of one organization at a time

_S = ImportState
_MAPPED_IN: Final = frozenset({_S.UPLOADED, _S.CHECKED})
_RUN_FROM: Final = frozenset({_S.UPLOADED, _S.CHECKED, _S.CANCELLED, _S.FAILED})
_UNDONE_FROM: Final = frozenset({_S.DONE, _S.CANCELLED, _S.FAILED})


@dataclass(frozen=True, slots=True)
class NewImport:
    """What somebody wants to import. `mapping` None: as the names of the columns suggest."""

    key: str  # of the upload
    format: ImportFormat | None = None  # None: as the file looks
    mapping: Sequence[Mapping[str, Any]] | None = None
    options: Mapping[str, Any] | None = None


async def create_import(services: Services, caller: Caller, wanted: NewImport) -> Import:
    """Begin an import with a file that the caller uploaded for it. Nothing is imported yet.

    Opens its own transactions: the file is looked at in between. Rights: contacts.import and contacts.edit. Raises
    NotFound, UploadSpent, and InvalidRequest and ImportUnreadable, after which the upload is spent.
    """
    require_importing(caller)
    parse_options(wanted.options or {})  # before the upload is spent
    async with services.db.begin(caller.organization_id) as tx:
        stored = await redeem_upload(tx, wanted.key, caller=caller.reference, purpose="contact-import")
    try:
        return await begin_import(services, caller, stored, wanted)
    except UnreadableFile as error:
        await services.files.delete(stored.key)
        raise ImportUnreadable(str(error)) from error
    except InvalidRequest:
        await services.files.delete(stored.key)
        raise


async def begin_import(services: Services, caller: Caller, stored: StoredFile, wanted: NewImport) -> Import:
    """Begin an import with a file that is in the store. Raises UnreadableFile and InvalidRequest."""
    options = parse_options(wanted.options or {})
    head = await services.files.read_head(stored.key, 1_000)
    file_format = wanted.format or guess_format(stored.filename, head, stored.media_type)
    found = await inspect_file(services.files, stored.key, file_format, options)
    now = utc_now()
    async with services.db.begin(caller.organization_id) as tx:
        uses = await _map_columns(tx, found.columns, wanted.mapping)
        one = Import(
            id=ImportId(new_id()),
            filename=stored.filename,
            format=file_format,
            file_key=stored.key,
            size_bytes=stored.size_bytes,
            columns=list(found.columns),
            samples=found.samples,
            mapping=[use.to_json() for use in uses],
            options=dict(wanted.options or {}),
            state=ImportState.UPLOADED,
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
        await queries.insert_import(tx, one)
        payload = {"filename": one.filename, "format": one.format, "size_bytes": one.size_bytes}
        await audit.record(tx, caller, "import.created", "import", one.id, payload=payload)
        await announce(tx, Event("import", one.id))
    return one


async def access_import(tx: Tx, caller: Caller, import_id: ImportId) -> Import:
    """Return an import. A caller whose right is limited to some inboxes is shown their own only. Raises NotFound."""
    return _show(caller, await queries.get_import(tx, import_id))


async def list_imports(tx: Tx, caller: Caller, *, limit: int, offset: int) -> tuple[list[Import], int]:
    """Return one page of the imports that the caller may see, the newest first, and how many there are."""
    caller.require(Right.CONTACTS_IMPORT)
    only = None if caller.inboxes_for(Right.CONTACTS_IMPORT) is None else caller.id
    found, count = await queries.list_imports(tx, of=only, limit=limit, offset=offset)
    return [_show(caller, one) for one in found], count


async def change_mapping(
    tx: Tx,
    caller: Caller,
    import_id: ImportId,
    *,
    mapping: Sequence[Mapping[str, Any]] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Import:
    """Say anew what the columns mean, or what is let through; a check that was made before is void.

    How the file is written (encoding, delimiter) stays as it was said at the beginning. Raises NotFound, InvalidRequest
    and ImportNotReady.
    """
    one = await _access_alone(tx, caller, import_id, _MAPPED_IN)
    changes: dict[str, Any] = {"state": ImportState.UPLOADED, "checked": None, "counts": {}, "done_count": 0}
    if mapping is not None:
        changes["mapping"] = [use.to_json() for use in await _map_columns(tx, one.columns, mapping)]
    if options is not None:
        fixed = {key: one.options[key] for key in ("encoding", "delimiter") if key in one.options}
        parse_options(options)
        changes["options"] = dict(options) | fixed
    return await _change(tx, one, changes)


async def start_check(tx: Tx, caller: Caller, import_id: ImportId) -> Import:
    """Begin a dry run: what would become of each row. Raises NotFound, ImportNotReady, ImportFileGone and Forbidden."""
    one = await _access_alone(tx, caller, import_id, _MAPPED_IN)
    return await _start(tx, caller, one, ImportState.CHECKING, done_count=0, counts={}, checked=None)


async def start_run(tx: Tx, caller: Caller, import_id: ImportId) -> Import:
    """Begin to import, or go on where it was cancelled or failed.

    The rights of the caller are looked at for each row, and again for each batch. Raises as `start_check`.
    """
    one = await _access_alone(tx, caller, import_id, _RUN_FROM)
    is_fresh = one.state in _MAPPED_IN or one.done_count == 0
    anew: dict[str, Any] = {"done_count": 0, "counts": {}} if is_fresh else {}
    started = await _start(tx, caller, one, ImportState.RUNNING, **anew)
    payload = {"filename": one.filename, "mapping": one.mapping}
    await audit.record(tx, caller, "import.started", "import", one.id, payload=payload)
    return started


async def cancel(tx: Tx, caller: Caller, import_id: ImportId) -> Import:
    """Stop a check or a run after the batch that it is in. What was imported stays: see `undo`. Safe to repeat.

    Raises NotFound, and ImportNotReady for an import that is not being checked or run.
    """
    one = await _access_alone(tx, caller, import_id, {_S.CHECKING, _S.RUNNING, _S.CANCELLED})
    if one.state is ImportState.CANCELLED:
        return one
    if one.state is ImportState.CHECKING:
        return await _change(tx, one, {"state": ImportState.UPLOADED, "done_count": 0, "counts": {}})
    await audit.record(tx, caller, "import.cancelled", "import", one.id, payload={"counts": one.counts})
    return await _change(tx, one, {"state": ImportState.CANCELLED, "finished_at": utc_now()})


async def start_undo(tx: Tx, caller: Caller, import_id: ImportId) -> Import:
    """Begin to take back what an import wrote, unless it changed since. Raises NotFound and ImportNotReady."""
    one = await _access_alone(tx, caller, import_id, _UNDONE_FROM)
    if one.done_count == 0:
        raise ImportNotReady(one.state)
    await audit.record(tx, caller, "import.undo_started", "import", one.id, payload={"filename": one.filename})
    return await _start(tx, caller, one, ImportState.UNDOING, needs_file=False, undone={})


def require_importing(caller: Caller) -> None:
    """Raise Forbidden unless the caller may import somewhere: an import writes cards."""
    caller.require(Right.CONTACTS_IMPORT)
    caller.require(Right.CONTACTS_EDIT)


# ---


async def _start(
    tx: Tx,
    caller: Caller,
    one: Import,
    state: ImportState,
    *,
    needs_file: bool = True,
    **changes: Any,  # noqa: ANN401 -- columns
) -> Import:
    require_importing(caller)
    if not may_see_file(caller, one):  # else it would be theirs from here on, with all that stands in the file
        raise Forbidden(facts={"right": Right.CONTACTS_VIEW_PERSONAL.value})
    targets = {str(use["target"]) for use in one.mapping}
    if needs_file and one.file_key is None:
        raise ImportFileGone
    if targets & ACCESS_TARGETS and not caller.may(Right.CONTACTS_EDIT_ACCESS):
        raise Forbidden(facts={"right": Right.CONTACTS_EDIT_ACCESS.value})
    if await queries.count_working(tx) >= MAX_WORKING:
        raise TooManyRequests(f"{MAX_WORKING} imports are under way.", facts={"retry_after": 60})
    actor = {"actor_kind": caller.kind.value, "actor_id": caller.id, "actor_name": caller.name}
    started = await _change(tx, one, {"state": state, "failure": None, "finished_at": None, **actor, **changes})
    await enqueue(tx, "lifecycle.import_started", lock=f"import:{one.id}", import_id=one.id)
    return started


async def _change(tx: Tx, one: Import, changes: Mapping[str, Any]) -> Import:
    await queries.update_import(tx, one.id, utc_now(), **changes)
    await announce(tx, Event("import", one.id))
    return replace(one, **changes)


async def _access_alone(
    tx: Tx, caller: Caller, import_id: ImportId, states: frozenset[ImportState] | set[ImportState]
) -> Import:
    one = _show(caller, await queries.lock_import(tx, import_id))
    if one.state not in states:
        raise ImportNotReady(one.state)
    return one


def _show(caller: Caller, one: Import) -> Import:
    """Return the import to a caller who may see it. Raises NotFound."""
    is_own = one.actor_id == caller.id
    if not caller.may(Right.CONTACTS_IMPORT) or (caller.inboxes_for(Right.CONTACTS_IMPORT) is not None and not is_own):
        raise NotFound
    return one if may_see_file(caller, one) else replace(one, samples=[])


def may_see_file(caller: Caller, one: Import) -> bool:
    """Tell whether the caller may see what stands in the file: it has e-mails and phones of anybody."""
    sees_all = caller.may(Right.CONTACTS_VIEW_PERSONAL) and caller.inboxes_for(Right.CONTACTS_VIEW_PERSONAL) is None
    return sees_all or one.actor_id == caller.id


def without_file(one: Import) -> Import:
    """Return the import as if its file were gone."""
    return replace(one, file_key=None)


def shows_check(one: Import) -> bool:
    """Tell whether the rows to show are those of a check, because nothing was imported yet."""
    return one.state in {_S.UPLOADED, _S.CHECKING, _S.CHECKED} or (one.state is _S.FAILED and one.done_count == 0)


def is_mapped(one: Import) -> bool:
    """Tell whether the meaning of the columns can still be said."""
    return one.state in _MAPPED_IN


def may_run(one: Import) -> bool:
    """Tell whether the import can begin, or go on."""
    return one.state in _RUN_FROM and one.file_key is not None


def may_undo(one: Import) -> bool:
    """Tell whether something was imported that can be taken back."""
    return one.state in _UNDONE_FROM and one.done_count > 0


def is_working(one: Import) -> bool:
    """Tell whether something is being done for the import now."""
    return one.state in WORKING


async def _map_columns(
    tx: Tx, columns: Sequence[str], mapping: Sequence[Mapping[str, Any]] | None
) -> tuple[ColumnUse, ...]:
    if mapping is not None:
        return parse_mapping(mapping, columns)
    schema = await load_schema(tx)
    return propose_mapping(columns, {key: one.name for key, one in schema.definitions.items()})


# --- old files ---


async def remove_old_files(services: Services, organization_id: OrganizationId) -> None:
    """Remove the files, and the samples, of imports that nothing happened to for long. Safe to repeat."""
    while True:
        async with services.db.begin(organization_id) as tx:
            old = await queries.list_old_files(tx, before=utc_now() - FILE_KEPT_FOR, limit=100)
        if not old:
            return
        for _, key in old:
            await services.files.delete(key)
        async with services.db.begin(organization_id) as tx:
            for import_id, _ in old:
                await queries.update_import(tx, import_id, utc_now(), file_key=None, samples=[])
