"""`contacts/{id}/merge/` and `merges/`: several contacts become one, and are themselves again."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.identities.blocks import find_blocked
from frontdesk.identities.bodies import render_contact
from frontdesk.identities.cards import ContactView, get_view
from frontdesk.identities.model import IdentityKey
from frontdesk.lifecycle import merging, previewing, undoing
from frontdesk.lifecycle.ledger import MergeId
from frontdesk.lifecycle.merge_bodies import (
    MergeBody,
    MergeContactsBody,
    MergePage,
    MergePreviewBody,
    UndoMergeBody,
    UndoneBody,
    render_merge,
    render_moved,
    render_preview,
    render_undone,
)
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["contacts"])

View = Annotated[Ctx, needs(Right.CONTACTS_VIEW)]
Merge = Annotated[Ctx, needs(Right.CONTACTS_MERGE)]


@router.post("/contacts/{contact_id}/merge", response_model=MergePreviewBody | MergeBody)
async def merge_contacts(request: Request, ctx: Merge, contact_id: UUID, body: MergeContactsBody) -> Response:
    """Merge other contacts into this one, or tell what that would do.

    Problems: `not-found`, `forbidden`, `self-merge`, `contact-merged`, `contact-deleted`, `merge-choice-needed`,
    `merge-loses-data`, `attribute-taken`, `access-would-widen`, `grant-not-held`.
    """
    survivor, others = ContactId(contact_id), [ContactId(one) for one in body.from_]
    async with ctx.db.begin(ctx.organization_id) as tx:
        if body.dry_run:
            preview = await previewing.preview_merge(tx, ctx.caller, survivor, others, body.fields)
            blocked = await _find_blocked(tx, ctx, preview.survivor, *preview.merged)
            return reply(request, render_preview(preview, blocked))
        merged = await merging.merge_contacts(
            tx,
            ctx.caller,
            survivor,
            others,
            choices=body.fields,
            accept_wider_access=body.accept_wider_access,
        )
        view = await get_view(tx, ctx.caller, survivor, Right.CONTACTS_MERGE)
        blocked = await _find_blocked(tx, ctx, view)
    answer = MergeBody(
        merge_id=merged.merge_id,
        survivor=render_contact(view, blocked),
        merged_from=merged.merged_ids,
        moved=render_moved(merged.moved),
    )
    return reply(request, answer)


@router.get("/contacts/{contact_id}/merges", response_model=MergePage)
async def list_merges(
    request: Request, ctx: View, contact_id: UUID, paging: Annotated[Paging, Depends(paging)]
) -> Response:
    """List what was merged into a contact, undone merges too, the latest first. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        count, merges = await undoing.list_merges(
            tx, ctx.caller, ContactId(contact_id), limit=paging.limit, offset=paging.offset
        )
    return reply(request, page_of(request, paging, count, [render_merge(merge) for merge in merges]))


@router.post("/merges/{merge_id}/undo", response_model=UndoneBody)
async def undo_merge(request: Request, ctx: Merge, merge_id: UUID, body: UndoMergeBody | None = None) -> Response:
    """Take a merge back, or tell what that would do.

    Problems: `not-found`, `later-merge`, `merge-sealed`, `contact-deleted`, `attribute-taken`, `access-would-widen`,
    `forbidden`.
    """
    asked = body or UndoMergeBody()
    async with ctx.db.begin(ctx.organization_id) as tx:
        if asked.dry_run:
            undone = await undoing.preview_undo(tx, ctx.caller, MergeId(merge_id))
        else:
            undone = await undoing.undo_merge(tx, ctx.caller, MergeId(merge_id), confirm_access=asked.confirm_access)
    return reply(request, render_undone(undone, dry_run=asked.dry_run))


async def _find_blocked(tx: Tx, ctx: Ctx, *views: ContactView) -> frozenset[IdentityKey]:
    return await find_blocked(tx, ctx.services.cipher, [one.key for view in views for one in view.identities])
