"""Erasing a person, and taking away everything about one."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response, StreamingResponse

from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.settings_erasures import PATH as RECEIPTS
from frontdesk.contacts.queries import get_contact
from frontdesk.core.ids import ContactId
from frontdesk.lifecycle.erasing import Mode, erase_contact, preview_erasure
from frontdesk.lifecycle.person_export import load_person, stream_archive
from frontdesk.organizations.model import Right

router = screen_router()

Eraser = Annotated[MemberCtx, member_needs(Right.CONTACTS_ERASE)]
Exporter = Annotated[MemberCtx, member_needs(Right.CONTACTS_EXPORT)]


@router.get("/contacts/{contact_id}/erase")
async def ask_erase(request: Request, contact_id: UUID, member: Eraser) -> Response:
    """Say what goes for ever, and ask how much."""
    return await _ask(request, member, ContactId(contact_id), Mode.ALL)


@router.post("/contacts/{contact_id}/erase")
async def erase(
    request: Request,
    contact_id: UUID,
    member: Eraser,
    mode: Annotated[Mode, Form()] = Mode.ALL,
    is_sure: Annotated[bool, Form()] = False,  # noqa: FBT002 -- a tick
) -> Response:
    """Erase the person and go to the receipt."""
    if not is_sure:
        return await _ask(request, member, ContactId(contact_id), mode, is_unticked=True)
    async with member.db.begin(member.organization_id) as tx:
        erasure = await erase_contact(tx, member.services.cipher, member.caller, ContactId(contact_id), mode)
    return go(request, f"{RECEIPTS}/{erasure.id}", flash=look_of(request)._("The person is erased."))


@router.get("/contacts/{contact_id}/export")
async def export(request: Request, contact_id: UUID, member: Exporter) -> Response:
    """Send everything about the person as a ZIP, in the member's language."""
    async with member.db.begin(member.organization_id) as tx:
        person = await load_person(tx, member.caller, ContactId(contact_id))
    language = "zh" if look_of(request).language.startswith("zh") else "en"
    pieces = stream_archive(member.services, member.caller, person, language=language)
    headers = {
        "Content-Disposition": f'attachment; filename="contact-{contact_id}.zip"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


async def _ask(
    request: Request, member: MemberCtx, contact_id: ContactId, mode: Mode, *, is_unticked: bool = False
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        taken = await preview_erasure(tx, member.caller, contact_id)
        contact = await get_contact(tx, contact_id)
    return page(
        request,
        "contact/erase.html",
        status=422 if is_unticked else 200,
        contact=contact,
        taken=taken,
        mode=mode,
        is_unticked=is_unticked,
    )
