"""Notes that members and keys keep on a card, for themselves. The assistant is never told of them."""

from dataclasses import replace
from typing import Final

from frontdesk.contacts import note_queries
from frontdesk.contacts.access import access_contact, access_contact_alone
from frontdesk.contacts.note_queries import Note
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound, PreconditionFailed
from frontdesk.core.ids import ContactId, NoteId, new_id
from frontdesk.core.inputs import clean_text
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

MAX_NOTE: Final = 10_000


async def list_notes(tx: Tx, caller: Caller, contact_id: ContactId, *, limit: int, offset: int = 0) -> list[Note]:
    """Return notes of a contact, the newest first. Right: contacts.view. Raises NotFound."""
    await access_contact(tx, caller, contact_id, Right.CONTACTS_VIEW)
    return await note_queries.list_notes(tx, contact_id, limit=limit, offset=offset)


async def get_note(tx: Tx, caller: Caller, contact_id: ContactId, note_id: NoteId) -> Note:
    """Return one note. Right: contacts.view. Raises NotFound."""
    await access_contact(tx, caller, contact_id, Right.CONTACTS_VIEW)
    note = await note_queries.find_note(tx, contact_id, note_id)
    if note is None:
        raise NotFound
    return note


async def write_note(tx: Tx, caller: Caller, contact_id: ContactId, body: str) -> Note:
    """Add a note to a contact. Right: contacts.edit. Raises NotFound and InvalidRequest."""
    await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    now = utc_now()
    note = Note(NoteId(new_id()), contact_id, caller.id, caller.name, _clean(body), 1, now, now)
    await note_queries.insert_note(tx, note)
    await _record(tx, caller, "contact.note_written", note)
    return note


async def edit_note(
    tx: Tx, caller: Caller, contact_id: ContactId, note_id: NoteId, body: str, *, if_version: int | None = None
) -> Note:
    """Replace the text of a note. Writing what is there changes nothing.

    Right: contacts.edit; of somebody else's note contacts.configure, too. Raises NotFound, Forbidden, InvalidRequest,
    and PreconditionFailed when `if_version` is not the present one.
    """
    note = await _access_own(tx, caller, contact_id, note_id, if_version)
    edited = replace(note, body=_clean(body), version=note.version + 1, updated_at=utc_now())
    if edited.body == note.body:
        return note
    await note_queries.update_note(tx, edited)
    await _record(tx, caller, "contact.note_edited", note)
    return edited


async def delete_note(
    tx: Tx, caller: Caller, contact_id: ContactId, note_id: NoteId, *, if_version: int | None = None
) -> None:
    """Delete a note for good. Rights and errors: as `edit_note`."""
    note = await _access_own(tx, caller, contact_id, note_id, if_version)
    await note_queries.delete_note(tx, note.id)
    await _record(tx, caller, "contact.note_deleted", note)


def may_change(caller: Caller, note: Note) -> bool:
    """Say whether the caller, who may edit the contact, may change or delete this note."""
    return note.author_id == caller.id or caller.inboxes_for(Right.CONTACTS_CONFIGURE) is None


async def _access_own(tx: Tx, caller: Caller, contact_id: ContactId, note_id: NoteId, if_version: int | None) -> Note:
    await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    note = await note_queries.find_note(tx, contact_id, note_id)
    if note is None:
        raise NotFound
    if not may_change(caller, note):
        raise Forbidden("Only who wrote a note changes it.", facts={"right": Right.CONTACTS_CONFIGURE.value})
    if if_version not in {None, note.version}:
        raise PreconditionFailed(facts={"version": note.version, "current": {"body": note.body}})
    return note


def _clean(body: str) -> str:
    text = clean_text(body, pointer="/body", max_length=MAX_NOTE)
    if not text:
        raise InvalidRequest("Write something here.", pointer="/body")
    return text


async def _record(tx: Tx, caller: Caller, action: str, note: Note) -> None:
    """Note that it happened, without the text: what is deleted is gone."""
    payload = {"note": str(note.id), "author": note.author_name}
    await audit.record(tx, caller, action, "contact", note.contact_id, contact_id=note.contact_id, payload=payload)
    await announce(tx, Event("contact", note.contact_id))
