"""Roles: the built-in ones as they are, and those that the organization makes."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.actions import review_query_metadata
from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import Layer
from frontdesk.channels.access import list_visible_inboxes
from frontdesk.console import conditions
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.query_builder import load_offer, show_preview, try_text
from frontdesk.console.rights import BUILT_IN, GROUPS, RIGHTS
from frontdesk.console.settings_frame import PATH, settings_page
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import InboxId
from frontdesk.organizations import roles
from frontdesk.organizations.model import Right
from frontdesk.organizations.records import Role, RoleDraft

router = screen_router()

Editor = Annotated[MemberCtx, member_needs(Right.ROLES_EDIT)]


class Written(BaseModel):
    """What stands in the fields of a role's form."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    rights: frozenset[str] = frozenset()
    where: str = "all"  # or "some": the inboxes that are ticked
    inboxes: frozenset[UUID] = frozenset()
    text: str | None = None  # query metadata: what holders read as themselves, and may open to others; None: it stays

    def to_draft(self, old: Role | None) -> RoleDraft:
        """Return what is to be written. Raises InvalidQueryMetadata."""
        stored = old.query_metadata if old else None
        return RoleDraft(
            self.name,
            frozenset(right for right in Right if right in self.rights),
            None if self.where == "all" else frozenset(map(InboxId, self.inboxes)),
            stored if self.text is None else conditions.read_field(self.text),
        )


@router.get("/settings/roles")
async def show_roles(request: Request, member: Editor) -> Response:
    """List the roles with what each allows."""
    async with member.db.begin(member.organization_id) as tx:
        found = await roles.list_roles(tx, member.caller)
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
    names = {inbox.id: inbox.name for inbox in inboxes}
    return settings_page(
        request,
        "settings/roles.html",
        roles=found,
        inbox_names=names,
        groups=GROUPS,
        right_names=RIGHTS,
        built_in=BUILT_IN,
    )


@router.get("/settings/roles/new")
async def show_new(request: Request, member: Editor) -> Response:
    """Show the empty form."""
    return await _show_form(request, member, None, Written())


@router.post("/settings/roles/new")
async def create(request: Request, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Make a role."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            draft = await _check(tx, written, None)
            await roles.create_role(tx, member.caller, draft)
    except FrontdeskError as error:
        return await _show_form(request, member, None, written, error)
    return go(request, f"{PATH}/roles", flash=look_of(request)._("The role is made."))


@router.get("/settings/roles/{role_id}")
async def show_edit(request: Request, role_id: UUID, member: Editor) -> Response:
    """Show a role in a form."""
    async with member.db.begin(member.organization_id) as tx:
        role = await _find(tx, member, role_id)
    written = Written(
        name=role.name,
        rights=frozenset(role.rights),
        where="all" if role.inbox_ids is None else "some",
        inboxes=frozenset(UUID(str(inbox)) for inbox in role.inbox_ids or ()),
        text=conditions.write_field(role.query_metadata),
    )
    return await _show_form(request, member, role_id, written)


@router.post("/settings/roles/{role_id}")
async def save(request: Request, role_id: UUID, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Change a role; whoever holds it has the new rights at their next request."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            role = await _find(tx, member, role_id)
            await roles.update_role(tx, member.caller, role.id, await _check(tx, written, role))
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_form(request, member, role_id, written, error)
    return go(request, f"{PATH}/roles", flash=look_of(request)._("The role is saved."))


async def _show_form(
    request: Request,
    member: MemberCtx,
    role_id: UUID | None,
    written: Written,
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
        offer = await load_offer(tx, member, None)
        preview, unread = await try_text(tx, member, written.text or "", Layer.ROLE, offer)
    return page(
        request,
        "settings/role_form.html",
        offer=offer,
        preview=preview,
        unread=unread,
        lines=conditions.mark_refused(written.text or "", unread) if unread else (),
        vendor_faqs=member.organization.vendor_faq_reading,
        status=error.status if error else 200,
        role_id=role_id,
        written=written,
        inboxes=inboxes,
        groups=GROUPS,
        right_names=RIGHTS,
        offered={right for right in Right if member.may(right)},
        errors=field_errors(error) if error and not isinstance(error, InvalidQueryMetadata) else {},
    )


@router.post("/settings/roles/new/check")
async def check(request: Request, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Say what the conditions of a role would open."""
    async with member.db.begin(member.organization_id) as tx:
        offer = await load_offer(tx, member, None)
    return await show_preview(request, member, written.text or "", Layer.ROLE, offer)


async def _check(tx: Tx, written: Written, old: Role | None) -> RoleDraft:
    draft = written.to_draft(old)
    await review_query_metadata(tx, draft.query_metadata, layer=Layer.ROLE, at="/queryMetadata")
    return draft


@router.get("/settings/roles/{role_id}/delete")
async def ask_delete(request: Request, role_id: UUID, member: Editor) -> Response:
    """Ask before a role goes."""
    async with member.db.begin(member.organization_id) as tx:
        role = await _find(tx, member, role_id)
    return page(request, "settings/role_delete.html", role=role, error=None)


@router.post("/settings/roles/{role_id}/delete")
async def delete(request: Request, role_id: UUID, member: Editor) -> Response:
    """Delete a role that nobody holds."""
    async with member.db.begin(member.organization_id) as tx:
        role = await _find(tx, member, role_id)
    try:
        async with member.db.begin(member.organization_id) as tx:
            await roles.delete_role(tx, member.caller, role.id)
    except FrontdeskError as error:
        return page(request, "settings/role_delete.html", status=error.status, role=role, error=error)
    return go(request, f"{PATH}/roles", flash=look_of(request)._("The role is deleted."))


async def _find(tx: Tx, member: MemberCtx, role_id: UUID) -> Role:
    found = next((role for role in await roles.list_roles(tx, member.caller) if role.id == role_id), None)
    if found is None:
        raise NotFound
    return found
