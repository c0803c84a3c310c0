"""Exports: a selection of contacts in a file that a job writes and its maker downloads by a link that works once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from tempfile import TemporaryFile
from typing import IO, Final, TypeVar

from frontdesk.channels.queries import get_default_realm, list_inboxes, list_realms
from frontdesk.contacts.attributes import Schema
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import ContactId, OrganizationId, new_id
from frontdesk.core.jobs import enqueue
from frontdesk.core.live import Event, announce
from frontdesk.core.secrets import hash_secret, issue_secret, parse_secret
from frontdesk.core.services import Services
from frontdesk.core.sheet_writing import DoesNotFit
from frontdesk.core.sheets import MAX_COLUMNS
from frontdesk.core.text import utc_now
from frontdesk.identities.cards import load_views
from frontdesk.identities.selecting import Selection, list_selected, parse_selection, where_selected
from frontdesk.lifecycle import export_queries as queries
from frontdesk.lifecycle.export_cells import ALL_ATTRIBUTES, Names, choose_columns, read_column
from frontdesk.lifecycle.export_formats import Writer, open_writer
from frontdesk.lifecycle.export_queries import Export, ExportId
from frontdesk.lifecycle.import_errors import ExportNotReady
from frontdesk.lifecycle.import_formats import ImportFormat
from frontdesk.lifecycle.import_mapping import ATTRIBUTE
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Grant, Right
from frontdesk.organizations.returning import find_caller

KEPT_FOR: Final = timedelta(days=7)
LINK_LASTS: Final = timedelta(minutes=10)
BATCH_SIZE: Final = 1_000

T = TypeVar("T")

_TOKEN_KIND: Final = "export"  # noqa: S105 -- a kind
_NOT_ALLOWED: Final = "Whoever started this may not export contacts any more."
_TOO_MANY: Final = f"The contacts have more than {MAX_COLUMNS} attributes. Choose some as columns."


@dataclass(frozen=True, slots=True)
class Link:
    """Leave to download a file once."""

    token: str
    expires_in: timedelta


async def start_export(
    tx: Tx, caller: Caller, selection: Selection, file_format: ImportFormat, columns: Sequence[str] | None = None
) -> Export:
    """Begin to write a selection into a file. `columns` None: all that the caller may see.

    Rights: contacts.export, and contacts.view where the contacts are; e-mails and phones are those that the caller may
    see on each card. Raises Forbidden and InvalidRequest.
    """
    caller.require(Right.CONTACTS_EXPORT)
    caller.require(Right.CONTACTS_VIEW)
    await where_selected(tx, within_export(caller), selection)  # what it raises later nobody would be told
    now = utc_now()
    chosen = choose_columns(columns, sees_personal=caller.may(Right.CONTACTS_VIEW_PERSONAL))
    one = Export(
        id=ExportId(new_id()),
        format=file_format,
        selection=selection.to_json(),
        columns=list(chosen),
        state="running",
        row_count=0,
        file_key=None,
        failure=None,
        actor_kind=caller.kind.value,
        actor_id=caller.id,
        actor_name=caller.name,
        created_at=now,
        updated_at=now,
        expires_at=now + KEPT_FOR,
        downloaded_at=None,
    )
    await queries.insert_export(tx, one)
    payload = _describe(selection) | {"format": one.format, "columns": one.columns}
    await audit.record(tx, caller, "export.started", "export", one.id, payload=payload)
    await enqueue(tx, "lifecycle.export_started", lock=f"export:{one.id}", export_id=one.id)
    return one


async def access_export(tx: Tx, caller: Caller, export_id: ExportId) -> Export:
    """Return an export to its maker, as long as they may export. Raises NotFound."""
    return _show(caller, await queries.get_export(tx, export_id))


async def list_exports(tx: Tx, caller: Caller, *, limit: int, offset: int) -> tuple[list[Export], int]:
    """Return one page of the caller's exports, the newest first, and how many there are."""
    caller.require(Right.CONTACTS_EXPORT)
    return await queries.list_exports(tx, of=caller.id, limit=limit, offset=offset)


async def make_link(tx: Tx, caller: Caller, export_id: ExportId) -> Link:
    """Make the link by which the maker, and nobody else, downloads the file once within ten minutes.

    Raises NotFound, and ExportNotReady while there is no file.
    """
    one = _show(caller, await queries.lock_export(tx, export_id))
    if one.file_key is None:
        raise ExportNotReady(facts={"state": one.state})
    secret = issue_secret(_TOKEN_KIND, tx.organization_id)
    await queries.set_link(tx, one.id, secret.hash, utc_now() + LINK_LASTS)
    return Link(secret.text, LINK_LASTS)


async def use_link(tx: Tx, caller: Caller, export_id: ExportId, token: str) -> Export:
    """Use up a link, and return the export whose file it opens.

    Raises NotFound for a link that was used, is too old, or is somebody else's: all look the same.
    """
    if parse_secret(token, _TOKEN_KIND) != tx.organization_id:
        raise NotFound
    one = await queries.use_link(tx, export_id, hash_secret(token), actor_id=caller.id, now=utc_now())
    _show(caller, one)
    payload = {"rows": one.row_count, "format": one.format}
    await audit.record(tx, caller, "export.downloaded", "export", one.id, payload=payload)
    return one


def _describe(selection: Selection) -> dict[str, object]:
    """Return what the audit log says of a selection: values that are searched for may be personal."""
    if selection.ids is not None:
        return {"contacts": len(selection.ids)}
    return {"filtered_by": sorted({one.field for one in selection.filters.to_group().walk()})}


def _show(caller: Caller, one: Export) -> Export:
    if one.actor_id != caller.id or one.actor_kind != caller.kind or not caller.may(Right.CONTACTS_EXPORT):
        raise NotFound
    return one


# --- the job ---


async def write_export(services: Services, organization_id: OrganizationId, export_id: ExportId) -> None:
    """Write the file, from its beginning, and put it into the store. Safe to repeat."""
    async with services.db.begin(organization_id) as tx:
        one = await queries.get_export(tx, export_id)
        schema = await load_schema(tx)
    if one.state != "running":
        return
    with TemporaryFile() as file:
        try:
            count = await _write_file(services, organization_id, one, schema, file)
        except (DoesNotFit, _NotAllowed) as error:
            async with services.db.begin(organization_id) as tx:
                await queries.update_export(tx, one.id, utc_now(), state="failed", failure=str(error))
                await announce(tx, Event("export", one.id))
            return
        key = f"{organization_id}/exports/{one.id}"
        file.seek(0)
        await services.files.delete(key)  # of a try that was cut short
        await services.files.write_file(key, file)
    async with services.db.begin(organization_id) as tx:
        is_wanted = await queries.finish_export(tx, one.id, utc_now(), file_key=key, row_count=count)
        await announce(tx, Event("export", one.id))
    if not is_wanted:  # somebody who may be in it was erased meanwhile
        await services.files.delete(key)


class _NotAllowed(Exception):
    """Whoever asked may not have it any more."""


async def _write_file(
    services: Services, organization_id: OrganizationId, one: Export, schema: Schema, file: IO[bytes]
) -> int:
    columns = await _expand_columns(services, organization_id, one, schema)
    writer, count = open_writer(one.format, file, columns, schema), 0
    try:
        async for ids in _pages(services, organization_id, one):
            async with services.db.begin(organization_id) as tx:
                caller = await _find_exporter(tx, one)
                views = await load_views(tx, caller, await queries.list_cards(tx, ids))
                names = await load_names(tx)
            rows = [{column: read_column(view, column, names) for column in columns} for view in views]
            await asyncio.to_thread(_write_rows, writer, rows)
            count += len(rows)
            async with services.db.begin(organization_id) as tx:
                await queries.update_export(tx, one.id, utc_now(), row_count=count)
                await announce(tx, Event("export", one.id))
    except BaseException:
        writer.abandon()
        raise
    await asyncio.to_thread(writer.finish)
    return count


def _write_rows(writer: Writer, rows: Sequence[dict[str, object]]) -> None:
    writer.write(rows)


async def _expand_columns(
    services: Services, organization_id: OrganizationId, one: Export, schema: Schema
) -> list[str]:
    """Return the columns with one for each attribute that the selected contacts have, where all are wanted."""
    if ALL_ATTRIBUTES not in one.columns:
        return one.columns
    keys: set[str] = set()
    async for ids in _pages(services, organization_id, one):
        async with services.db.begin(organization_id) as tx:
            keys |= await queries.find_attribute_keys(tx, ids)
        if len(keys) > MAX_COLUMNS:
            raise DoesNotFit(_TOO_MANY)
    ordered = [*(key for key in schema.definitions if key in keys), *sorted(keys - schema.definitions.keys())]
    position = one.columns.index(ALL_ATTRIBUTES)
    expanded = [*one.columns[:position], *(ATTRIBUTE + key for key in ordered), *one.columns[position + 1 :]]
    return list(dict.fromkeys(expanded))


async def _pages(services: Services, organization_id: OrganizationId, one: Export) -> AsyncIterator[list[ContactId]]:
    """Yield the selected contacts a page at a time, as far as the maker may export them at that moment."""
    selection, after = parse_selection(one.selection), None
    while True:
        async with services.db.begin(organization_id) as tx:
            caller = await _find_exporter(tx, one)
            try:
                ids = await list_selected(tx, caller, selection, after=after, limit=BATCH_SIZE)
            except InvalidRequest as error:
                raise DoesNotFit(error.detail) from error
            except Forbidden as error:
                raise _NotAllowed(_NOT_ALLOWED) from error
        if not ids:
            return
        yield ids
        after = ids[-1]


async def _find_exporter(tx: Tx, one: Export) -> Caller:
    caller = await find_caller(tx, one.actor_kind, one.actor_id)
    if caller is None or not caller.may(Right.CONTACTS_EXPORT) or not caller.may(Right.CONTACTS_VIEW):
        raise _NotAllowed(_NOT_ALLOWED)
    return within_export(caller)


def within_export(caller: Caller) -> Caller:
    """Return the caller with the rights to see contacts only where they may also be exported."""
    limit = caller.inboxes_for(Right.CONTACTS_EXPORT)
    if limit is None:
        return caller
    grants = []
    for right in (Right.CONTACTS_VIEW, Right.CONTACTS_VIEW_PERSONAL):
        own = caller.inboxes_for(right)
        grants.append(Grant(frozenset({right}), limit if own is None else limit & own))
    return Caller(caller.kind, caller.id, caller.name, caller.organization_id, tuple(grants))


async def load_names(tx: Tx) -> Names:
    """Return what realms and inboxes are called in an export."""
    inboxes, _ = await list_inboxes(tx, None)
    realms = await list_realms(tx)
    return Names(
        member_realm=(await get_default_realm(tx)).id,
        realms=_once([(realm.id, realm.name) for realm in realms]),
        inboxes=_once([(inbox.id, inbox.name) for inbox in inboxes]),
    )


def _once(things: Sequence[tuple[T, str]]) -> dict[T, str]:
    """Return the names that only one thing has, in any case."""
    words = [name.strip().casefold() for _, name in things]
    return {thing: name for thing, name in things if words.count(name.strip().casefold()) == 1}


# --- old files ---


async def remove_expired(services: Services, organization_id: OrganizationId) -> None:
    """Remove the files of exports that are too old. Safe to repeat."""
    while True:
        async with services.db.begin(organization_id) as tx:
            old = await queries.list_expired(tx, utc_now(), limit=100)
        if not old:
            return
        for one in old:
            if one.file_key is not None:
                await services.files.delete(one.file_key)
        async with services.db.begin(organization_id) as tx:
            for one in old:
                await queries.update_export(tx, one.id, utc_now(), state="gone", file_key=None)
