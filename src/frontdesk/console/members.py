"""How a screen learns who is signed in: `member: Annotated[MemberCtx, member_needs(Right.X)]`."""

import hmac
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request

from frontdesk.core.db import Database
from frontdesk.core.errors import Forbidden, FrontdeskError, Unauthenticated
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.organizations.model import Caller, Right
from frontdesk.organizations.records import MemberSession, Organization, User
from frontdesk.organizations.sessions import find_member_session, list_organizations, switch_organization

COOKIE = "fd_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class MemberCtx:
    """What a screen is given: the services, and who is signed in with the right that the route declares."""

    services: Services
    caller: Caller
    user: User
    organization: Organization
    organizations: tuple[Organization, ...]  # all that the user works for, for the switch
    csrf_token: str

    @property
    def db(self) -> Database:
        """The database."""
        return self.services.db

    @property
    def organization_id(self) -> OrganizationId:
        """The active organization."""
        return self.organization.id

    def may(self, right: Right) -> bool:
        """Tell whether the member holds `right` anywhere; templates ask this before they offer something."""
        return self.caller.may(right)


class NoOrganization(FrontdeskError):
    """The user is signed in and works for no organization."""

    status, slug, title = 403, "no-organization", "You belong to no organization"


class MemberNeeds:
    """A dependency that requires a signed-in member with `right`; None: any member. Tests read `right` off the routes.

    It also refuses every unsafe request that does not carry the session's CSRF token, in a header or a form field.
    """

    def __init__(self, right: Right | None) -> None:
        self.right = right

    async def __call__(self, request: Request) -> MemberCtx:
        """Return the context. Raises Unauthenticated, NoOrganization or Forbidden."""
        services: Services = request.app.state.services
        session = await find_session(request)
        if session is None:
            raise Unauthenticated
        member = await _to_member(services, session)
        request.state.member = member
        await _require_csrf_token(request, session.csrf_token)
        if self.right is not None:
            member.caller.require(self.right)
        return member


def member_needs(right: Right | None = None) -> Any:  # noqa: ANN401 -- FastAPI's marker
    """Require a signed-in member, with `right` unless it is None."""
    return Depends(MemberNeeds(right))


async def find_session(request: Request) -> MemberSession | None:
    """Return who is signed in; None when nobody is. A member of one organization, or more, always has an active one."""
    services: Services = request.app.state.services
    token = session_token(request)
    session = await find_member_session(services.db, token) if token else None
    if session and session.organization is None and session.organization_ids:
        await switch_organization(services.db, token, session.organization_ids[0])
        session = await find_member_session(services.db, token)
    return session


def session_token(request: Request) -> str:
    """Return the token of the session; empty without one."""
    return request.cookies.get(COOKIE, "")


async def _to_member(services: Services, session: MemberSession) -> MemberCtx:
    if session.organization is None or session.caller is None:
        raise NoOrganization
    known = [session.organization]
    if len(session.organization_ids) > 1:
        known = await list_organizations(services.db, session.organization_ids)
    return MemberCtx(services, session.caller, session.user, session.organization, tuple(known), session.csrf_token)


async def _require_csrf_token(request: Request, expected: str) -> None:
    if request.method in _SAFE_METHODS:
        return
    given = request.headers.get(CSRF_HEADER)
    if given is None and "form" in request.headers.get("content-type", ""):
        given = str((await request.form()).get(CSRF_FIELD, ""))
    if not hmac.compare_digest((given or "").encode(), expected.encode()):
        raise Forbidden("This page is too old. Reload it and try again.")
