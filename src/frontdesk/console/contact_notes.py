"""Notes on a contact's page. Members see all of them, and change their own."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response

from frontdesk.console.contact import load_head
from frontdesk.console.contacts import PATH
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.contacts import notes
from frontdesk.contacts.note_queries import Note
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import ContactId, NoteId
from frontdesk.organizations.model import Right

router = screen_router()

Editor = Annotated[MemberCtx, member_needs(Right.CONTACTS_EDIT)]
Body = Annotated[str, Form()]
Version = Annotated[int, Form()]


@router.get("/contacts/{contact_id}/notes/new")
async def show_new(request: Request, contact_id: UUID, member: Editor) -> Response:
    """Show the empty form."""
    return await _show_form(request, member, contact_id, None, body="")


@router.post("/contacts/{contact_id}/notes/new")
async def write(request: Request, contact_id: UUID, member: Editor, body: Body = "") -> Response:
    """Add a note."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await notes.write_note(tx, member.caller, ContactId(contact_id), body)
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_form(request, member, contact_id, None, body=body, error=error)
    return go(request, f"{PATH}/{contact_id}", flash=look_of(request)._("The note is added."))


@router.get("/contacts/{contact_id}/notes/{note_id}")
async def show_edit(request: Request, contact_id: UUID, note_id: UUID, member: Editor) -> Response:
    """Show a note in a form."""
    async with member.db.begin(member.organization_id) as tx:
        note = await notes.get_note(tx, member.caller, ContactId(contact_id), NoteId(note_id))
    return await _show_form(request, member, contact_id, note, body=note.body)


@router.post("/contacts/{contact_id}/notes/{note_id}")
async def save(
    request: Request, contact_id: UUID, note_id: UUID, member: Editor, body: Body = "", version: Version = 0
) -> Response:
    """Change a note; a lost update shows both versions."""
    contact, note = ContactId(contact_id), NoteId(note_id)
    try:
        async with member.db.begin(member.organization_id) as tx:
            await notes.edit_note(tx, member.caller, contact, note, body, if_version=version)
    except NotFound:
        raise
    except FrontdeskError as error:
        async with member.db.begin(member.organization_id) as tx:
            present = await notes.get_note(tx, member.caller, contact, note)
        return await _show_form(request, member, contact_id, present, body=body, error=error)
    return go(request, f"{PATH}/{contact_id}", flash=look_of(request)._("The note is saved."))


@router.get("/contacts/{contact_id}/notes/{note_id}/delete")
async def ask_delete(request: Request, contact_id: UUID, note_id: UUID, member: Editor) -> Response:
    """Ask before a note goes."""
    async with member.db.begin(member.organization_id) as tx:
        note = await notes.get_note(tx, member.caller, ContactId(contact_id), NoteId(note_id))
    return page(request, "contact/note_delete.html", note=note)


@router.post("/contacts/{contact_id}/notes/{note_id}/delete")
async def delete(request: Request, contact_id: UUID, note_id: UUID, member: Editor) -> Response:
    """Delete a note for good."""
    async with member.db.begin(member.organization_id) as tx:
        await notes.delete_note(tx, member.caller, ContactId(contact_id), NoteId(note_id))
    return go(request, f"{PATH}/{contact_id}", flash=look_of(request)._("The note is deleted."))


async def _show_form(
    request: Request,
    member: MemberCtx,
    contact_id: UUID,
    note: Note | None,
    *,
    body: str,
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
    return page(
        request,
        "contact/note_form.html",
        status=error.status if error else 200,
        head=head,
        note=note,
        body=body,
        is_lost=error is not None and "version" in error.facts,
        errors=field_errors(error) if error else {},
    )
