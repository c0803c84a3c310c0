"""`contacts/{id}/notes/`: what members and keys write about a contact. Under a merged id they are the survivor's."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from frontdesk.contacts import note_queries, notes
from frontdesk.contacts.bodies import NoteBody, NotePage, WriteNoteBody
from frontdesk.core.ids import ContactId, NoteId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.identities.queries import resolve_contact_id
from frontdesk.identities.routes import Version
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["contacts"])

View = Annotated[Ctx, needs(Right.CONTACTS_VIEW)]
Edit = Annotated[Ctx, needs(Right.CONTACTS_EDIT)]


@router.get("/contacts/{contact_id}/notes", response_model=NotePage)
async def list_notes(
    request: Request, ctx: View, contact_id: UUID, paging: Annotated[Paging, Depends(paging)]
) -> Response:
    """List the notes about a contact, the newest first. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        survivor = await resolve_contact_id(tx, ContactId(contact_id))
        found = await notes.list_notes(tx, ctx.caller, survivor, limit=paging.limit, offset=paging.offset)
        count = await note_queries.count_notes(tx, survivor)
    return reply(request, page_of(request, paging, count, [NoteBody.of(note) for note in found]))


@router.post("/contacts/{contact_id}/notes", response_model=NoteBody, status_code=201)
async def write_note(request: Request, ctx: Edit, contact_id: UUID, body: WriteNoteBody) -> Response:
    """Write a note about a contact. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        survivor = await resolve_contact_id(tx, ContactId(contact_id))
        note = await notes.write_note(tx, ctx.caller, survivor, body.body)
    return reply(request, NoteBody.of(note), status=201, headers={"ETag": f'"{note.version}"'})


@router.get("/contacts/{contact_id}/notes/{note_id}", response_model=NoteBody)
async def get_note(request: Request, ctx: View, contact_id: UUID, note_id: UUID) -> Response:
    """Return one note. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        survivor = await resolve_contact_id(tx, ContactId(contact_id))
        note = await notes.get_note(tx, ctx.caller, survivor, NoteId(note_id))
    return reply(request, NoteBody.of(note), headers={"ETag": f'"{note.version}"'})


@router.put("/contacts/{contact_id}/notes/{note_id}", response_model=NoteBody)
@router.patch("/contacts/{contact_id}/notes/{note_id}", response_model=NoteBody)
async def edit_note(
    request: Request, ctx: Edit, contact_id: UUID, note_id: UUID, body: WriteNoteBody, version: Version
) -> Response:
    """Replace the text of a note. Problems: `not-found`, `precondition-failed`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        survivor = await resolve_contact_id(tx, ContactId(contact_id))
        note = await notes.edit_note(tx, ctx.caller, survivor, NoteId(note_id), body.body, if_version=version)
    return reply(request, NoteBody.of(note), headers={"ETag": f'"{note.version}"'})


@router.delete("/contacts/{contact_id}/notes/{note_id}", status_code=204)
async def delete_note(ctx: Edit, contact_id: UUID, note_id: UUID, version: Version) -> None:
    """Delete a note for good. Problems: `not-found`, `precondition-failed`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        survivor = await resolve_contact_id(tx, ContactId(contact_id))
        await notes.delete_note(tx, ctx.caller, survivor, NoteId(note_id), if_version=version)
