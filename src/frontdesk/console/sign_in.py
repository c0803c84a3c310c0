"""Before somebody is signed in: set-up on first start, sign-in, joining by invitation, a new password."""

from typing import Annotated

from fastapi import BackgroundTasks, Form, Request
from fastapi.responses import RedirectResponse, Response

from frontdesk.console.faults import SIGN_IN, field_errors, screen_router
from frontdesk.console.links import reset_address
from frontdesk.console.members import COOKIE, MemberCtx, find_session, member_needs, session_token
from frontdesk.console.pages import HOME, go, inside, look_of, page, set_cookie
from frontdesk.core.errors import FrontdeskError
from frontdesk.core.ids import OrganizationId, UserId
from frontdesk.core.services import Services
from frontdesk.organizations import sessions
from frontdesk.organizations.actions import has_any_user, set_up
from frontdesk.organizations.invitations import accept_invitation, find_invitation
from frontdesk.organizations.mail import send_mail
from frontdesk.organizations.records import Browser, SignedIn
from frontdesk.organizations.resets import find_reset_email, request_password_reset, reset_password

router = screen_router()

SET_UP = "/console/set-up"
Text = Annotated[str, Form()]


# --- first start ---


@router.get("/set-up")
async def show_set_up(request: Request) -> Response:
    """Ask for the first organization and its owner, once in the life of an installation."""
    if await has_any_user(_services(request).db):
        return RedirectResponse(SIGN_IN, 303)
    return page(request, "outside/set_up.html", values={}, errors={})


@router.post("/set-up")
async def set_up_first(
    request: Request, organization: Text = "", name: Text = "", email: Text = "", password: Text = ""
) -> Response:
    """Make the first organization and sign its owner in."""
    db = _services(request).db
    try:
        organization_id, user_id = await set_up(
            db, name=organization, owner_email=email, owner_name=name, password=password
        )
    except FrontdeskError as error:
        values = {"organization": organization, "name": name, "email": email}
        return page(request, "outside/set_up.html", status=error.status, values=values, errors=field_errors(error))
    return await _enter(request, user_id, HOME, organization_id)


# --- sign in and out ---


@router.get("/sign-in")
async def show_sign_in(request: Request, next: str = HOME) -> Response:  # noqa: A002 -- the name in the address
    """Ask for e-mail and password."""
    if not await has_any_user(_services(request).db):
        return RedirectResponse(SET_UP, 303)
    if await find_session(request):
        return RedirectResponse(inside(next), 303)
    return page(request, "outside/sign_in.html", next=inside(next), email="", error="")


@router.post("/sign-in")
async def sign_in(
    request: Request,
    email: Text = "",
    password: Text = "",
    next: Text = HOME,  # noqa: A002 -- the name of the field
) -> Response:
    """Open a session and go where the person wanted to go."""
    browser = _browser(request)
    try:
        opened = await sessions.sign_in(
            _services(request).db,
            email=email,
            password=password,
            address=browser.address,
            user_agent=browser.user_agent,
        )
    except FrontdeskError as error:
        return page(
            request, "outside/sign_in.html", status=error.status, next=inside(next), email=email, error=error.detail
        )
    return _remember(request, RedirectResponse(inside(next), 303), opened)


@router.post("/sign-out")
async def sign_out(request: Request, member: Annotated[MemberCtx, member_needs()]) -> Response:
    """End the session on the server."""
    await sessions.sign_out(member.db, session_token(request))
    response = go(request, SIGN_IN, flash=look_of(request)._("You are signed out."))
    response.delete_cookie(COOKIE, path=HOME)
    return response


# --- invitations ---


@router.get("/join")
async def show_invitation(request: Request, token: str = "") -> Response:
    """Show who invites, and ask a new user for name and password."""
    return await _show_invitation(request, token, {}, {})


@router.post("/join")
async def join(request: Request, token: Text = "", name: Text = "", password: Text = "") -> Response:
    """Make the invited person a member and sign them in."""
    session, services = await find_session(request), _services(request)
    signed_in_as = session.user.id if session else None
    try:
        joined = await accept_invitation(
            services.db,
            token,
            name=name,
            password=password,
            address=_browser(request).address,
            signed_in_as=signed_in_as,
        )
    except FrontdeskError as error:
        return await _show_invitation(request, token, {"name": name}, field_errors(error), error.status)
    return await _enter(request, joined.user_id, HOME, joined.organization_id)


async def _show_invitation(
    request: Request, token: str, values: dict[str, str], errors: dict[str, str], status: int = 200
) -> Response:
    invitation = await find_invitation(_services(request).db, token)
    session = await find_session(request)
    return page(
        request,
        "outside/join.html",
        status=status,
        token=token,
        invitation=invitation,
        is_signed_in=session is not None and session.user.email == invitation.email,
        values=values,
        errors=errors,
    )


# --- a new password ---


@router.get("/forgotten-password")
async def show_forgotten_password(request: Request) -> Response:
    """Ask whose password is forgotten; without a mail server, say who can help."""
    sends_mail = _services(request).mailer.smtp_url is not None
    return page(request, "outside/forgotten.html", sends_mail=sends_mail, is_sent=False, email="", error="")


@router.post("/forgotten-password")
async def send_password_link(request: Request, later: BackgroundTasks, email: Text = "") -> Response:
    """Send a link to a user with this e-mail; the answer is the same when there is none."""
    services = _services(request)
    status, error_text = 200, ""
    try:
        found = await request_password_reset(services.db, email=email, address=_browser(request).address)
    except FrontdeskError as error:
        status, error_text, found = error.status, error.detail, None
    if found is not None:
        user, token = found
        later.add_task(_send_link, request, user.email, reset_address(services, token))
    response = page(
        request,
        "outside/forgotten.html",
        status=status,
        sends_mail=services.mailer.smtp_url is not None,
        is_sent=not error_text,
        email=email,
        error=error_text,
    )
    response.background = later
    return response


async def _send_link(request: Request, email: str, address: str) -> None:
    _ = look_of(request)._
    subject = _("Your new password for Frontdesk")
    text = _("Open this address within an hour to set a new password. If you did not ask for it, do nothing.")
    await send_mail(_services(request).mailer, to=email, subject=subject, text=f"{text}\n\n{address}\n")


@router.get("/new-password")
async def show_new_password(request: Request, token: str = "") -> Response:
    """Ask for the new password."""
    email = await find_reset_email(_services(request).db, token)
    return page(request, "outside/new_password.html", token=token, email=email, errors={})


@router.post("/new-password")
async def set_new_password(request: Request, token: Text = "", password: Text = "") -> Response:
    """Set the password and end every session of the user."""
    db = _services(request).db
    email = await find_reset_email(db, token)
    try:
        await reset_password(db, token, password)
    except FrontdeskError as error:
        errors = field_errors(error)
        return page(request, "outside/new_password.html", status=error.status, token=token, email=email, errors=errors)
    return go(request, SIGN_IN, flash=look_of(request)._("Your new password is set. Sign in with it."))


# ---


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _browser(request: Request) -> Browser:
    address = request.client.host if request.client else ""
    return Browser(address, request.headers.get("user-agent", ""))


async def _enter(request: Request, user_id: UserId, path: str, organization_id: OrganizationId) -> Response:
    opened = await sessions.open_session(
        _services(request).db, user_id, _browser(request), organization_id=organization_id
    )
    return _remember(request, RedirectResponse(path, 303), opened)


def _remember(request: Request, response: Response, opened: SignedIn) -> Response:
    set_cookie(request, response, COOKIE, opened.token, seconds=int(sessions.LIFETIME.total_seconds()))
    return response
