"""Imports: a file is uploaded, its columns are said, it is checked, and only then imported; the whole can be undone."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response

from frontdesk.channels.model import Realm
from frontdesk.channels.queries import list_realms
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.sheet_uploads import NO_LIMIT, receive_sheet
from frontdesk.console.wording_imports import STATES, TARGETS
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError
from frontdesk.lifecycle import import_queries as queries
from frontdesk.lifecycle import importing
from frontdesk.lifecycle.import_mapping import ATTRIBUTE
from frontdesk.lifecycle.import_model import Import, ImportId, Outcome
from frontdesk.lifecycle.import_routes import send_errors
from frontdesk.lifecycle.importing import NewImport
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/contacts/imports"
ROWS_SHOWN = 50

Importer = Annotated[MemberCtx, member_needs(Right.CONTACTS_IMPORT)]


@router.get("/contacts/imports")
async def show_imports(
    request: Request, member: Importer, offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0
) -> Response:
    """List imports, the newest first, below the place where a file is dropped."""
    return await _show_list(request, member, offset, None)


async def _show_list(request: Request, member: MemberCtx, offset: int, error: FrontdeskError | None) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        found, count = await importing.list_imports(tx, member.caller, limit=PAGE_SIZE, offset=offset)
    return page(
        request,
        "imports/rows.html" if is_list_only(request) and error is None else "imports/list.html",
        status=error.status if error else 200,
        imports=found,
        count=count,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(PATH, {"offset": offset}),
        states=STATES,
        error=error,
        max_megabytes=member.services.max_import_bytes // 1_000_000,
    )


@router.post("/contacts/imports", max_body_size=NO_LIMIT)
async def upload(request: Request, member: Importer) -> Response:
    """Take a file and show what its columns seem to say."""
    importing.require_importing(member.caller)
    key, _ = await receive_sheet(request, member, "contact-import")
    one = await importing.create_import(member.services, member.caller, NewImport(key))
    return go(request, f"{PATH}/{one.id}")


# --- one import ---


@router.get("/contacts/imports/{import_id}")
async def show_import(
    request: Request,
    import_id: UUID,
    member: Importer,
    outcome: str = "",
    after: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Show an import in the step where it stands: its columns, what was found, how far it is, what was done."""
    async with member.db.begin(member.organization_id) as tx:
        one = await importing.access_import(tx, member.caller, ImportId(import_id))
        context = await _load(tx, one, outcome, after)
    template = "imports/found.html" if is_list_only(request, "rows") else "imports/import.html"
    return page(request, template, **context)


async def _load(tx: Tx, one: Import, outcome: str, after: int) -> dict[str, Any]:
    wanted = [Outcome(outcome)] if outcome in set(Outcome) else list(Outcome)
    rows = await queries.list_rows(
        tx, one.id, is_dry=importing.shows_check(one), outcomes=wanted, after=after, limit=ROWS_SHOWN + 1
    )
    schema = await load_schema(tx)
    return {
        "one": one,
        "is_working": importing.is_working(one),
        "is_mapped": importing.is_mapped(one),
        "may_undo": importing.may_undo(one),
        "may_run": importing.may_run(one),
        "rows": rows[:ROWS_SHOWN],
        "more_after": rows[ROWS_SHOWN - 1].row_number if len(rows) > ROWS_SHOWN else None,
        "after": after,
        "outcome": outcome if outcome in set(Outcome) else "",
        "address": address_of(f"{PATH}/{one.id}", {"outcome": outcome}),
        "targets": _list_targets(one, {key: definition.name for key, definition in schema.definitions.items()}),
        "realms": await list_realms(tx),
        "states": STATES,
        "outcomes": list(Outcome),
    }


def _list_targets(one: Import, attributes: Mapping[str, str]) -> list[tuple[str, str, bool]]:
    """Return what a column can be: target, wording, and whether the wording is to be translated."""
    free = {str(use["target"]).removeprefix(ATTRIBUTE) for use in one.mapping if use["target"].startswith(ATTRIBUTE)}
    named = dict(attributes) | {key: key for key in sorted(free - attributes.keys())}
    return [
        *((target, words, True) for target, words in TARGETS.items()),
        *((ATTRIBUTE + key, name, False) for key, name in named.items()),
    ]


@router.post("/contacts/imports/{import_id}/check")
async def check(request: Request, import_id: UUID, member: Importer) -> Response:
    """Keep what the columns mean, and begin the dry run."""
    form = await request.form()
    async with member.db.begin(member.organization_id) as tx:
        one = await importing.access_import(tx, member.caller, ImportId(import_id))
        if mapping := _read_mapping(one, form, await list_realms(tx)):
            options = {**one.options, "allowErased": "allow_erased" in form}
            await importing.change_mapping(tx, member.caller, one.id, mapping=mapping, options=options)
        await importing.start_check(tx, member.caller, one.id)
    return _back(request, one.id)


def _read_mapping(one: Import, form: Any, realms: Sequence[Realm]) -> list[dict[str, str]]:  # noqa: ANN401 -- a form
    """Return what is chosen for each column; empty when nothing was sent. A new attribute is named by its column."""
    member_realms = {str(realm.id) for realm in realms if realm.is_default}
    mapping = []
    for index, column in enumerate(one.columns):
        target = form.get(f"target-{index}")
        if target is None:
            return []
        use = {"column": column, "target": ATTRIBUTE + column[:100] if target == "new-attribute" else str(target)}
        realm = str(form.get(f"realm-{index}", ""))
        if use["target"] == "sourceId" and realm and realm not in member_realms:
            use["realm"] = realm
        mapping.append(use)
    return mapping


@router.post("/contacts/imports/{import_id}/run")
async def run(request: Request, import_id: UUID, member: Importer) -> Response:
    """Import what was checked, or go on."""
    async with member.db.begin(member.organization_id) as tx:
        one = await importing.start_run(tx, member.caller, ImportId(import_id))
    return _back(request, one.id)


@router.post("/contacts/imports/{import_id}/cancel")
async def cancel(request: Request, import_id: UUID, member: Importer) -> Response:
    """Stop; what was imported stays."""
    async with member.db.begin(member.organization_id) as tx:
        one = await importing.cancel(tx, member.caller, ImportId(import_id))
    return _back(request, one.id)


@router.get("/contacts/imports/{import_id}/undo")
async def ask_undo(request: Request, import_id: UUID, member: Importer) -> Response:
    """Ask whether the whole import shall be taken back."""
    async with member.db.begin(member.organization_id) as tx:
        one = await importing.access_import(tx, member.caller, ImportId(import_id))
    return page(request, "imports/undo.html", one=one)


@router.post("/contacts/imports/{import_id}/undo")
async def undo(request: Request, import_id: UUID, member: Importer) -> Response:
    """Take the whole import back."""
    async with member.db.begin(member.organization_id) as tx:
        one = await importing.start_undo(tx, member.caller, ImportId(import_id))
    return _back(request, one.id, look_of(request)._("The import is being undone."))


@router.get("/contacts/imports/{import_id}/errors")
async def download_errors(import_id: UUID, member: Importer) -> Response:
    """Download the rows that were not imported, to be mended."""
    async with member.db.begin(member.organization_id) as tx:
        one = await importing.access_import(tx, member.caller, ImportId(import_id))
    return send_errors(member, one)


def _back(request: Request, import_id: ImportId, flash: str = "") -> Response:
    return go(request, f"{PATH}/{import_id}", flash=flash)
