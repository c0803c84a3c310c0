"""Receipts of erasures: what was done, by whom, and whether the signature holds."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response

from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.settings_frame import PATH as SETTINGS
from frontdesk.console.settings_frame import settings_page
from frontdesk.lifecycle.erasing import get_erasure, is_authentic, is_clean, list_erasures
from frontdesk.organizations.model import Right

router = screen_router()

PATH = f"{SETTINGS}/erasures"

Eraser = Annotated[MemberCtx, member_needs(Right.CONTACTS_ERASE)]


@router.get("/settings/erasures")
async def show_erasures(
    request: Request, member: Eraser, offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0
) -> Response:
    """List the receipts, the latest first."""
    async with member.db.begin(member.organization_id) as tx:
        count, erasures = await list_erasures(tx, member.caller, limit=PAGE_SIZE, offset=offset)
    return settings_page(
        request,
        "settings/erasure_rows.html" if is_list_only(request) else "settings/erasures.html",
        erasures=erasures,
        count=count,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(PATH, {"offset": offset}),
    )


@router.get("/settings/erasures/{erasure_id}")
async def show_erasure(request: Request, erasure_id: UUID, member: Eraser) -> Response:
    """Show one receipt."""
    async with member.db.begin(member.organization_id) as tx:
        erasure = await get_erasure(tx, member.caller, erasure_id)
    return settings_page(
        request,
        "settings/erasure.html",
        erasure=erasure,
        holds=is_authentic(member.services.cipher, erasure),
        clean=is_clean(erasure),
    )
