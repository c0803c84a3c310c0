"""What a person decides for themselves: the active organization, the language, the theme."""

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from frontdesk.console.faults import screen_router
from frontdesk.console.languages import LANGUAGES
from frontdesk.console.members import MemberCtx, member_needs, session_token
from frontdesk.console.pages import HOME, LANGUAGE_COOKIE, THEMES, go, inside, set_cookie
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import OrganizationId
from frontdesk.organizations import sessions

router = screen_router()

_YEAR_SECONDS = 365 * 24 * 3600


@router.post("/organization")
async def switch_organization(
    request: Request, organization_id: Annotated[UUID, Form()], member: Annotated[MemberCtx, member_needs()]
) -> Response:
    """Make another organization of the member the active one."""
    await sessions.switch_organization(member.db, session_token(request), OrganizationId(organization_id))
    return go(request, HOME)


@router.post("/look")
async def change_look(
    request: Request,
    member: Annotated[MemberCtx, member_needs()],
    language: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
) -> Response:
    """Remember language or theme for this member, on every device; stays on the page."""
    if (language and language not in LANGUAGES) or (theme and theme not in THEMES):
        raise InvalidRequest
    await sessions.set_preferences(
        member.db, member.user.id, locale=language or member.user.locale, theme=theme or member.user.theme
    )
    return go(request, _came_from(request))


@router.post("/language")
async def change_language(request: Request, language: Annotated[str, Form()] = "") -> Response:
    """Remember the language for this browser, before somebody is signed in."""
    response = RedirectResponse(_came_from(request), 303)
    if language in LANGUAGES:
        set_cookie(request, response, LANGUAGE_COOKIE, language, seconds=_YEAR_SECONDS)
    return response


def _came_from(request: Request) -> str:
    address = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer", ""))
    return inside(f"{address.path}?{address.query}" if address.query else address.path)
