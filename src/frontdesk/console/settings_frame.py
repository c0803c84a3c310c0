"""The places under Settings, and the frame that they share."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.navigation import N_, Place
from frontdesk.console.pages import member_of, page
from frontdesk.organizations.model import Caller, Right

router = screen_router()

PATH = "/console/settings"

AnyMember = Annotated[MemberCtx, member_needs()]

TABS = (
    Place(f"{PATH}/members", "users", N_("Members"), (Right.MEMBERS_EDIT,)),
    Place(f"{PATH}/roles", "shield-check", N_("Roles"), (Right.ROLES_EDIT,)),
    Place(f"{PATH}/keys", "key", N_("API keys"), (Right.KEYS_EDIT,)),
    Place(f"{PATH}/contact-fields", "adjustments", N_("Contact fields"), (Right.CONTACTS_CONFIGURE,)),
    Place(f"{PATH}/organization", "home", N_("Organization"), (Right.ORGANIZATION_EDIT,)),
    Place(f"{PATH}/audit", "history", N_("Audit log"), (Right.AUDIT_VIEW,)),
    Place(f"{PATH}/erasures", "shield-check", N_("Erasures"), (Right.CONTACTS_ERASE,)),
    Place(f"{PATH}/account", "user", N_("My account"), ()),
)


def tabs_for(caller: Caller) -> Sequence[Place]:
    """Return what the caller may open; everybody has an account."""
    return [tab for tab in TABS if not tab.rights or any(caller.may(right) for right in tab.rights)]


def settings_page(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:  # noqa: ANN401 -- what the template needs
    """Render a template of Settings, with its tabs."""
    member = member_of(request)
    return page(request, template, status=status, tabs=tabs_for(member.caller) if member else (), **context)


@router.get("/settings")
async def show_settings(member: AnyMember) -> Response:
    """Go to the first place that the member may open."""
    return RedirectResponse(tabs_for(member.caller)[0].path, 303)
