"""How long anonymous contacts of a platform are kept, and who would go now."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response

from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.platforms import PATH, load_head
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import InboxId
from frontdesk.lifecycle.retention import LONGEST, delete_rule, get_rule, preview_rule, set_rule
from frontdesk.organizations.model import Right

router = screen_router()

USUAL = 90  # days, offered first

Keeper = Annotated[MemberCtx, member_needs(Right.CONTACTS_CONFIGURE)]
Days = Annotated[int, Query(ge=1, le=LONGEST)]


@router.get("/platforms/{inbox_id}/retention")
async def show_retention(request: Request, inbox_id: UUID, member: Keeper, days: Days | None = None) -> Response:
    """Show the rule, and who would go by it, or by another number of days."""
    return await _show(request, member, inbox_id, days)


@router.post("/platforms/{inbox_id}/retention")
async def save(
    request: Request,
    inbox_id: UUID,
    member: Keeper,
    days: Annotated[int, Form()] = 0,
    is_enabled: Annotated[bool, Form()] = False,  # noqa: FBT002 -- a tick
) -> Response:
    """Write the rule; it runs at night."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await set_rule(tx, member.caller, InboxId(inbox_id), after_days=days, is_enabled=is_enabled)
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show(request, member, inbox_id, None, error)
    return go(request, f"{PATH}/{inbox_id}/retention", flash=look_of(request)._("Saved. The rule runs at night."))


@router.post("/platforms/{inbox_id}/retention/delete")
async def delete(request: Request, inbox_id: UUID, member: Keeper) -> Response:
    """Keep everybody."""
    async with member.db.begin(member.organization_id) as tx:
        await delete_rule(tx, member.caller, InboxId(inbox_id))
    return go(request, f"{PATH}/{inbox_id}/retention", flash=look_of(request)._("Everybody is kept."))


async def _show(
    request: Request, member: MemberCtx, inbox_id: UUID, days: int | None, error: FrontdeskError | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id)
        rule = await get_rule(tx, member.caller, head.inbox.id)
        asked = days or (rule.after_days if rule else USUAL)
        preview = await preview_rule(tx, member.caller, head.inbox.id, after_days=asked)
    may_edit = member.caller.inboxes_for(Right.CONTACTS_ERASE) is None
    status = error.status if error else 200
    return page(
        request,
        "platforms/retention.html",
        status=status,
        head=head,
        tab="retention",
        rule=rule,
        preview=preview,
        may_change=may_edit,
        most=LONGEST,
        error=error,
    )
