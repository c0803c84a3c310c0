"""One change for many contacts: what is chosen in the list is shown, asked for, watched and undone."""

import json
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.queries import list_profiles
from frontdesk.channels.access import list_visible_inboxes
from frontdesk.console.contacts import LANGUAGES, PATH
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, page
from frontdesk.console.wording_filters import BULK_NAMES, BULK_STATES, OUTCOME_NAMES
from frontdesk.contacts.labels import list_labels
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, InvalidRequest, NotFound
from frontdesk.core.ids import BulkEditId, ContactId
from frontdesk.core.text import dump_json
from frontdesk.identities.selecting import Selection, count_selected, parse_selection
from frontdesk.lifecycle import bulk_edits
from frontdesk.lifecycle.bulk_model import BulkChange, BulkKind
from frontdesk.organizations.model import Right

router = screen_router()

Editor = Annotated[MemberCtx, member_needs(Right.CONTACTS_EDIT)]


class WrittenChange(BaseModel):
    """The form: to whom, what, and with which label, profile, platform, attribute or language."""

    model_config = ConfigDict(frozen=True)

    selection: str
    kind: BulkKind
    subject: UUID | None = None
    key: str = ""
    value: str = ""

    async def to_change(self, tx: Tx) -> BulkChange:
        """Return the change. Raises InvalidRequest."""
        if self.kind is BulkKind.SET_LANGUAGE:
            return BulkChange(self.kind, value=self.value or None)
        if self.kind is BulkKind.SET_ATTRIBUTE:
            if not self.key.strip():
                raise InvalidRequest("Choose an attribute.", pointer="/key")
            value = (await load_schema(tx)).parse_text(self.key.strip(), self.value)
            return BulkChange(self.kind, key=self.key.strip(), value=value)
        if self.kind is not BulkKind.DELETE and self.subject is None:
            raise InvalidRequest("Choose one.", pointer="/subject")
        return BulkChange(self.kind, subject=self.subject)


@router.get("/contacts/bulk")
async def show_bulk(
    request: Request,
    member: Editor,
    kind: BulkKind,
    *,
    ids: Annotated[list[UUID] | None, Query()] = None,
    matching: str = "",
    everybody: Annotated[bool, Query(alias="all")] = False,
) -> Response:
    """Ask for the change, and say for how many contacts it is; `matching` is the list, which counts when `all` does."""
    written = WrittenChange(selection=_write_selection(ids, matching if everybody else None), kind=kind)
    return await _show_form(request, member, written)


@router.get("/contacts/bulk/export")
async def show_export(
    member: Annotated[MemberCtx, member_needs(Right.CONTACTS_EXPORT)],  # noqa: ARG001 -- the right is what is asked for
    *,
    ids: Annotated[list[UUID] | None, Query()] = None,
    matching: str = "",
    everybody: Annotated[bool, Query(alias="all")] = False,
) -> Response:
    """Go to the form of an export with what is chosen in the list."""
    selection = _write_selection(ids, matching if everybody else None)
    return RedirectResponse(f"{PATH}/export?{urlencode({'selection': selection})}", 303)


@router.post("/contacts/bulk")
async def start_bulk(request: Request, member: Editor, written: Annotated[WrittenChange, Form()]) -> Response:
    """Begin, and show how far it is."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            change = await written.to_change(tx)
            selection = _read_selection(written.selection)
            edit = await bulk_edits.start_bulk_edit(tx, member.caller, selection, change)
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_form(request, member, written, error)
    return go(request, f"{PATH}/bulk/{edit.id}")


@router.get("/contacts/bulk/{bulk_edit_id}")
async def show_progress(request: Request, member: Editor, bulk_edit_id: UUID) -> Response:
    """Show how far an edit is and what came of the contacts; htmx asks for this again as long as it runs."""
    async with member.db.begin(member.organization_id) as tx:
        edit = await bulk_edits.get_bulk_edit(tx, member.caller, BulkEditId(bulk_edit_id))
    return page(
        request,
        "contacts/bulk_progress.html" if request.headers.get("hx-target") == "progress" else "contacts/bulk.html",
        edit=edit,
        names=BULK_NAMES,
        states=BULK_STATES,
        outcome_names=OUTCOME_NAMES,
    )


@router.post("/contacts/bulk/{bulk_edit_id}/undo")
async def undo_bulk(request: Request, member: Editor, bulk_edit_id: UUID) -> Response:
    """Begin to give back what was changed."""
    async with member.db.begin(member.organization_id) as tx:
        await bulk_edits.undo_bulk_edit(tx, member.caller, BulkEditId(bulk_edit_id))
    return go(request, f"{PATH}/bulk/{bulk_edit_id}")


async def _show_form(
    request: Request, member: MemberCtx, written: WrittenChange, error: FrontdeskError | None = None
) -> Response:
    member.caller.require(written.kind.right)
    async with member.db.begin(member.organization_id) as tx:
        count = await count_selected(tx, member.caller, _read_selection(written.selection))
        choices = await _list_choices(tx, member, written.kind)
        schema = await load_schema(tx)
    return page(
        request,
        "contacts/bulk_form.html",
        status=error.status if error else 200,
        written=written,
        errors=field_errors(error) if error else {},
        name=BULK_NAMES[written.kind],
        count=count,
        choices=choices,
        definitions=schema.definitions.values(),
        languages=LANGUAGES,
    )


async def _list_choices(tx: Tx, member: MemberCtx, kind: BulkKind) -> list[tuple[UUID, str]]:
    if kind in {BulkKind.ADD_LABEL, BulkKind.REMOVE_LABEL}:
        labels, _ = await list_labels(tx, member.caller)
        return [(label.id, label.name) for label in labels]
    if kind in {BulkKind.ASSIGN_PROFILE, BulkKind.UNASSIGN_PROFILE}:
        profiles, _ = await list_profiles(tx)
        return [(profile.id, profile.name) for profile in profiles]
    if kind is BulkKind.ADD_INBOX:
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
        return [(inbox.id, inbox.name) for inbox in inboxes]
    return []


def _write_selection(ids: Sequence[UUID] | None, matching: str | None) -> str:
    """Return the JSON of the list that is meant whole, else of the rows that are ticked in it."""
    chosen = Selection(tuple(map(ContactId, ids or ()))) if matching is None else _read_selection(matching)
    return dump_json(chosen.to_json())


def _read_selection(text: str) -> Selection:
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The selection is not JSON.") from error
    if not isinstance(raw, dict):
        raise InvalidRequest("The selection is not JSON.")
    return parse_selection(raw)
