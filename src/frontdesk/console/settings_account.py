"""My account: where I am signed in, and ending it everywhere else."""

from fastapi import Request
from fastapi.responses import Response

from frontdesk.console.faults import screen_router
from frontdesk.console.members import session_token
from frontdesk.console.pages import go, look_of
from frontdesk.console.settings_frame import PATH, AnyMember, settings_page
from frontdesk.organizations import sessions

router = screen_router()


@router.get("/settings/account")
async def show_account(request: Request, member: AnyMember) -> Response:
    """Show who is signed in, and in which browsers."""
    found = await sessions.list_sessions(member.db, member.user.id, current_token=session_token(request))
    return settings_page(request, "settings/account.html", sessions=found)


@router.post("/settings/account/sign-out-elsewhere")
async def sign_out_elsewhere(request: Request, member: AnyMember) -> Response:
    """End all sessions of this member but the one that asks."""
    await sessions.revoke_sessions(member.db, member.user.id, except_token=session_token(request))
    return go(request, f"{PATH}/account", flash=look_of(request)._("You are signed out everywhere else."))
