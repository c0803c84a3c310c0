"""`identity-health/`, `duplicates/`, `conflicts/`: who may be one person, and what does not fit."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from frontdesk.channels.access import access_inbox
from frontdesk.core.ids import ConflictId, ContactId, InboxId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.identities import conflicts, duplicates, health
from frontdesk.identities.conflict_queries import State
from frontdesk.identities.duplicate_queries import find_search
from frontdesk.identities.health_bodies import (
    ConflictBody,
    ConflictPageBody,
    DuplicateBody,
    DuplicatePageBody,
    HealthBody,
    IgnoreBody,
    KeepApartBody,
    SearchBody,
    SettleBody,
    SharedBody,
)
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["identity health"])

View = Annotated[Ctx, needs(Right.CONTACTS_VIEW)]
Merge = Annotated[Ctx, needs(Right.CONTACTS_MERGE)]
Pages = Annotated[Paging, Depends(paging)]
_ONE = Paging(1, 0)


@router.get("/identity-health", response_model=HealthBody)
async def show_health(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.INBOXES_VIEW)],
    days: Annotated[int, Query(ge=1, le=90)] = 30,
    inbox: UUID | None = None,
) -> Response:
    """Measure how well people are known, in one inbox or all. Problems: `not-found`, `invalid-request`."""
    platform = None if inbox is None else InboxId(inbox)
    async with ctx.db.begin(ctx.organization_id) as tx:
        if platform is not None:
            await access_inbox(tx, ctx.caller, platform, Right.INBOXES_VIEW)
        measured = await health.measure(tx, ctx.caller, days=days, inbox_id=platform)
        pairs = stated = None
        if ctx.caller.may(Right.CONTACTS_VIEW):
            pairs = (await duplicates.list_duplicates(tx, ctx.caller, _ONE, inbox_id=platform)).count
            _, stated = await conflicts.list_conflicts(tx, ctx.caller, _ONE, inbox_id=platform)
    return reply(request, HealthBody.of(measured, duplicates=pairs, conflicts=stated))


@router.get("/identity-health/shared-identifiers", response_model=list[SharedBody])
async def list_shared(
    request: Request, ctx: Annotated[Ctx, needs(Right.CONTACTS_VIEW_PERSONAL)], paging: Pages
) -> Response:
    """List e-mails and phones that stand on three cards or more, as a bare array. Problems: `invalid-request`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        shared = await health.list_shared(tx, ctx.caller, paging)
    return reply(request, [SharedBody.of(one) for one in shared])


@router.post("/identity-health/shared-identifiers/ignore", status_code=204)
async def ignore_shared(ctx: Merge, body: IgnoreBody) -> None:
    """Ignore an e-mail or phone, or regard it again. Problems: `invalid-request`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await health.set_ignored(tx, ctx.caller, body.value, is_ignored=body.is_ignored)


@router.get("/duplicates", response_model=DuplicatePageBody)
async def list_duplicates(
    request: Request, ctx: View, paging: Pages, inbox: UUID | None = None, contact: UUID | None = None
) -> Response:
    """List contacts who may be one person, the most alike first. Problems: `invalid-request`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        page = await duplicates.list_duplicates(
            tx,
            ctx.caller,
            paging,
            inbox_id=None if inbox is None else InboxId(inbox),
            contact_id=None if contact is None else ContactId(contact),
        )
    plain = page_of(request, paging, page.count, [DuplicateBody.of(pair) for pair in page.rows])
    return reply(
        request,
        DuplicatePageBody(
            count=plain.count,
            next=plain.next,
            previous=plain.previous,
            results=plain.results,
            count_is_estimate=page.is_estimate,
        ),
    )


@router.post("/duplicates/keep-apart", status_code=204)
async def keep_apart(ctx: Merge, body: KeepApartBody) -> None:
    """Decide that two contacts are two people. Problems: `not-found`, `invalid-request`."""
    one, other = map(ContactId, body.contacts)
    async with ctx.db.begin(ctx.organization_id) as tx:
        await duplicates.keep_apart(tx, ctx.caller, one, other)


@router.get("/duplicates/search", response_model=SearchBody)
async def show_search(request: Request, ctx: View) -> Response:
    """Tell how the search for duplicates stands."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        search = await find_search(tx)
    return reply(request, SearchBody.of(search))


@router.post("/duplicates/search", response_model=SearchBody, status_code=202)
async def start_search(request: Request, ctx: Merge) -> Response:
    """Have the cards compared that changed since the last search; while one runs, none is begun."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        search = await duplicates.start_search(tx, ctx.caller)
    return reply(request, SearchBody.of(search), status=202)


@router.get("/conflicts", response_model=ConflictPageBody)
async def list_conflicts(
    request: Request,
    ctx: View,
    paging: Pages,
    state: State = "open",
    inbox: UUID | None = None,
    contact: UUID | None = None,
) -> Response:
    """List what proofs said that does not fit, the oldest first. Problems: `invalid-request`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found, count = await conflicts.list_conflicts(
            tx,
            ctx.caller,
            paging,
            state=state,
            inbox_id=None if inbox is None else InboxId(inbox),
            contact_id=None if contact is None else ContactId(contact),
        )
    return reply(request, page_of(request, paging, count, [ConflictBody.of(one) for one in found]))


@router.get("/conflicts/{conflict_id}", response_model=ConflictBody)
async def show_conflict(request: Request, ctx: View, conflict_id: UUID) -> Response:
    """Show one conflict. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        conflict = await conflicts.get_conflict(tx, ctx.caller, ConflictId(conflict_id))
    return reply(request, ConflictBody.of(conflict))


@router.post("/conflicts/{conflict_id}/settle", response_model=ConflictBody)
async def settle_conflict(request: Request, ctx: Merge, conflict_id: UUID, body: SettleBody) -> Response:
    """Keep two contacts apart, take what the proof says, or leave all as it is.

    Problems: `not-found`, `invalid-request`, `conflict-settled`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        conflict = await conflicts.settle_conflict(tx, ctx.caller, ConflictId(conflict_id), body.resolution)
    return reply(request, ConflictBody.of(conflict))
