"""The organization: its name, and how it reads query metadata."""

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import Response

from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of
from frontdesk.console.settings_frame import PATH, settings_page
from frontdesk.core.errors import FrontdeskError
from frontdesk.organizations.actions import change_organization
from frontdesk.organizations.model import Right

router = screen_router()

Editor = Annotated[MemberCtx, member_needs(Right.ORGANIZATION_EDIT)]


@router.get("/settings/organization")
async def show_organization(request: Request, member: Editor) -> Response:
    """Show the settings of the organization in a form."""
    organization = member.organization
    return settings_page(
        request,
        "settings/organization.html",
        name=organization.name,
        vendor_faq_reading=organization.vendor_faq_reading,
        errors={},
    )


@router.post("/settings/organization")
async def save(
    request: Request,
    member: Editor,
    name: Annotated[str, Form()] = "",
    vendor_faq_reading: Annotated[bool, Form()] = False,  # noqa: FBT002 -- a choice of the form
) -> Response:
    """Write the settings of the organization."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await change_organization(tx, member.caller, name=name, vendor_faq_reading=vendor_faq_reading)
    except FrontdeskError as error:
        return settings_page(
            request,
            "settings/organization.html",
            status=error.status,
            name=name,
            vendor_faq_reading=vendor_faq_reading,
            errors=field_errors(error),
        )
    return go(request, f"{PATH}/organization", flash=look_of(request)._("The organization is saved."))
