"""Members: who works here, invitations, roles of a member, and how one leaves."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response

from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.links import invitation_address, reset_address
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.rights import BUILT_IN
from frontdesk.console.settings_frame import PATH, settings_page
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import InvitationId, RoleId, UserId
from frontdesk.organizations import invitations
from frontdesk.organizations.access import access_member
from frontdesk.organizations.mail import send_mail
from frontdesk.organizations.members import change_member_roles, list_members, remove_member
from frontdesk.organizations.model import Right
from frontdesk.organizations.records import Invitation, Role
from frontdesk.organizations.resets import make_reset_link
from frontdesk.organizations.roles import list_roles

router = screen_router()

Editor = Annotated[MemberCtx, member_needs(Right.MEMBERS_EDIT)]
Roles = Annotated[frozenset[UUID], Form()]


@router.get("/settings/members")
async def show_members(request: Request, member: Editor) -> Response:
    """List the members, and the invitations that are open."""
    async with member.db.begin(member.organization_id) as tx:
        members = await list_members(tx, member.caller)
        open_invitations = await invitations.list_invitations(tx, member.caller)
        names = {role.id: BUILT_IN.get(role.name, role.name) for role in await list_roles(tx, member.caller)}
    return settings_page(
        request,
        "settings/members.html",
        members=members,
        invitations=open_invitations,
        role_names=names,
        built_in=BUILT_IN,
    )


# --- invite ---


@router.get("/settings/members/invite")
async def show_invite(request: Request, member: Editor) -> Response:
    """Show the empty form."""
    return await _show_invite(request, member)


@router.post("/settings/members/invite")
async def invite(
    request: Request, member: Editor, email: Annotated[str, Form()] = "", roles: Roles = frozenset()
) -> Response:
    """Invite somebody: by e-mail where there is a server for it, and by a link that is shown once."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            invitation, token = await invitations.invite_member(
                tx, member.caller, email=email, role_ids=map(RoleId, roles)
            )
    except FrontdeskError as error:
        return await _show_invite(request, member, email, roles, error)
    address = invitation_address(member.services, token)
    is_sent = await _send(request, member, invitation, address)
    return page(request, "settings/link.html", kind="invitation", email=invitation.email, link=address, is_sent=is_sent)


async def _send(request: Request, member: MemberCtx, invitation: Invitation, address: str) -> bool:
    _ = look_of(request)._
    subject = _("Join %(organization)s in Frontdesk") % {"organization": member.organization.name}
    text = _("%(name)s invites you. Open this address within seven days:") % {"name": member.user.name}
    return await send_mail(member.services.mailer, to=invitation.email, subject=subject, text=f"{text}\n\n{address}\n")


async def _show_invite(
    request: Request,
    member: MemberCtx,
    email: str = "",
    chosen: frozenset[UUID] = frozenset(),
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        offered = await _offered(tx, member)
    return page(
        request,
        "settings/invite.html",
        status=error.status if error else 200,
        email=email,
        roles=offered,
        chosen=chosen,
        built_in=BUILT_IN,
        errors=field_errors(error) if error else {},
    )


@router.post("/settings/invitations/{invitation_id}/revoke")
async def revoke_invitation(request: Request, invitation_id: UUID, member: Editor) -> Response:
    """Withdraw an invitation: its link opens nothing any more."""
    async with member.db.begin(member.organization_id) as tx:
        await invitations.revoke_invitation(tx, member.caller, InvitationId(invitation_id))
    return go(request, f"{PATH}/members", flash=look_of(request)._("The invitation is withdrawn."))


# --- one member ---


@router.get("/settings/members/{user_id}/roles")
async def show_roles(request: Request, user_id: UUID, member: Editor) -> Response:
    """Show the roles of a member in a form."""
    return await _show_roles(request, member, user_id)


@router.post("/settings/members/{user_id}/roles")
async def save_roles(request: Request, user_id: UUID, member: Editor, roles: Roles = frozenset()) -> Response:
    """Give a member exactly these roles; they count from the member's next request."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await change_member_roles(tx, member.caller, UserId(user_id), map(RoleId, roles))
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_roles(request, member, user_id, roles, error)
    return go(request, f"{PATH}/members", flash=look_of(request)._("The roles are saved."))


async def _show_roles(
    request: Request,
    member: MemberCtx,
    user_id: UUID,
    chosen: frozenset[UUID] | None = None,
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        other = await access_member(tx, member.caller, UserId(user_id))
        offered = await _offered(tx, member)
    return page(
        request,
        "settings/member_roles.html",
        status=error.status if error else 200,
        other=other,
        roles=offered,
        chosen={role.id for role in other.roles} if chosen is None else chosen,
        built_in=BUILT_IN,
        errors=field_errors(error) if error else {},
    )


@router.post("/settings/members/{user_id}/password-link")
async def make_password_link(request: Request, user_id: UUID, member: Editor) -> Response:
    """Make a link with which a member sets a new password; it is shown once."""
    async with member.db.begin(member.organization_id) as tx:
        other = await access_member(tx, member.caller, UserId(user_id))
        token = await make_reset_link(tx, member.caller, other.user_id)
    address = reset_address(member.services, token)
    return page(request, "settings/link.html", kind="password", email=other.email, link=address, is_sent=False)


@router.get("/settings/members/{user_id}/remove")
async def ask_remove(request: Request, user_id: UUID, member: Editor) -> Response:
    """Ask before a membership ends."""
    return await _ask_remove(request, member, user_id)


@router.post("/settings/members/{user_id}/remove")
async def remove(request: Request, user_id: UUID, member: Editor) -> Response:
    """End a membership; it counts at once."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await remove_member(tx, member.caller, UserId(user_id))
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _ask_remove(request, member, user_id, error)
    return go(request, f"{PATH}/members", flash=look_of(request)._("The member is removed."))


async def _ask_remove(
    request: Request, member: MemberCtx, user_id: UUID, error: FrontdeskError | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        other = await access_member(tx, member.caller, UserId(user_id))
    status = error.status if error else 200
    return page(request, "settings/member_remove.html", status=status, other=other, error=error)


async def _offered(tx: Tx, member: MemberCtx) -> list[Role]:
    """Return the roles that the member may give: nobody gives what they do not hold."""
    return [role for role in await list_roles(tx, member.caller) if not member.caller.rights_beyond(role.grant)]
