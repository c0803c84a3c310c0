"""`bulk-edits/`: one change for many contacts."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from frontdesk.core.ids import BulkEditId
from frontdesk.core.wire import PageOf, Paging, Time, WireModel, page_of, paging, reply
from frontdesk.identities.selecting import parse_selection
from frontdesk.lifecycle import bulk_edits
from frontdesk.lifecycle.bulk_model import BulkEdit, BulkState, parse_change
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["bulk edits"])

Edit = Annotated[Ctx, needs(Right.CONTACTS_EDIT)]
PageAsked = Annotated[Paging, Depends(paging)]


class StartBulkEditBody(WireModel):
    """Whom to change, `{"ids": […]}` or `{"filters": {…}}`, and how, such as `{"kind": "add_label", "label": id}`."""

    selection: dict[str, Any]
    change: dict[str, Any]


class BulkEditBody(WireModel):
    """An edit; `outcomes` counts contacts by what came of them."""

    id: UUID
    change: dict[str, Any]
    state: BulkState
    total_count: int
    done_count: int
    outcomes: dict[str, int]
    actor_name: str
    created_at: Time
    updated_at: Time


class BulkEditPage(PageOf):
    """One page of edits."""

    results: Sequence[BulkEditBody]


class OutcomeBody(WireModel):
    """What came of one contact: `changed`, `unchanged`, or the slug of why not; null: not done yet."""

    contact: UUID
    outcome: str | None
    undo_outcome: str | None


class OutcomePage(PageOf):
    """One page of outcomes."""

    results: Sequence[OutcomeBody]


@router.get("/bulk-edits", response_model=BulkEditPage)
async def list_bulk_edits(request: Request, ctx: Edit, paging: PageAsked) -> Response:
    """List edits, the latest first: the caller's own, or all to whom contacts.edit counts everywhere."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found, count = await bulk_edits.list_bulk_edits(tx, ctx.caller, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [_render(edit) for edit in found]))


@router.post("/bulk-edits", response_model=BulkEditBody, status_code=202)
async def start_bulk_edit(request: Request, ctx: Edit, body: StartBulkEditBody) -> Response:
    """Begin to change every contact that is meant now. Problems: `invalid-request`, `forbidden`, `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        selection, change = parse_selection(body.selection), parse_change(body.change)
        edit = await bulk_edits.start_bulk_edit(tx, ctx.caller, selection, change)
    return reply(request, _render(edit), status=202)


@router.get("/bulk-edits/{bulk_edit_id}", response_model=BulkEditBody)
async def get_bulk_edit(request: Request, ctx: Edit, bulk_edit_id: UUID) -> Response:
    """Return an edit and how far it is. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        edit = await bulk_edits.get_bulk_edit(tx, ctx.caller, BulkEditId(bulk_edit_id))
    return reply(request, _render(edit))


@router.get("/bulk-edits/{bulk_edit_id}/outcomes", response_model=OutcomePage)
async def list_outcomes(request: Request, ctx: Edit, bulk_edit_id: UUID, paging: PageAsked) -> Response:
    """List what came of each contact. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        rows, count = await bulk_edits.list_outcomes(
            tx, ctx.caller, BulkEditId(bulk_edit_id), limit=paging.limit, offset=paging.offset
        )
    results = [OutcomeBody(contact=one, outcome=outcome, undo_outcome=undone) for one, outcome, undone in rows]
    return reply(request, page_of(request, paging, count, results))


@router.post("/bulk-edits/{bulk_edit_id}/undo", response_model=BulkEditBody, status_code=202)
async def undo_bulk_edit(request: Request, ctx: Edit, bulk_edit_id: UUID) -> Response:
    """Begin to give back what was changed; who was changed since is left out. Problems: `not-found`, `conflict`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        edit = await bulk_edits.undo_bulk_edit(tx, ctx.caller, BulkEditId(bulk_edit_id))
    return reply(request, _render(edit), status=202)


def _render(edit: BulkEdit) -> BulkEditBody:
    return BulkEditBody(
        id=edit.id,
        change=edit.change.to_json(),
        state=edit.state,
        total_count=edit.total_count,
        done_count=edit.done_count,
        outcomes=dict(edit.outcomes),
        actor_name=edit.actor_name,
        created_at=edit.created_at,
        updated_at=edit.updated_at,
    )
