"""Notes on cards."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, NoteId

_COLUMNS: Final = "id, contact_id, author_id, author_name, body, version, created_at, updated_at"


@dataclass(frozen=True, slots=True)
class Note:
    """What a member or a key wrote about a contact."""

    id: NoteId
    contact_id: ContactId
    author_id: UUID
    author_name: str
    body: str
    version: int
    created_at: datetime
    updated_at: datetime


async def list_notes(tx: Tx, contact_id: ContactId, *, limit: int, offset: int = 0) -> list[Note]:
    """Return notes of a contact, the newest first."""
    sql = f"""
        SELECT {_COLUMNS} FROM notes WHERE organization_id = %(organization)s AND contact_id = %(contact)s
         ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s
    """
    params = {"organization": tx.organization_id, "contact": contact_id, "limit": limit, "offset": offset}
    return await tx.fetch_as(Note, sql, params)


async def count_notes(tx: Tx, contact_id: ContactId) -> int:
    """Count the notes of a contact."""
    sql = "SELECT count(*) FROM notes WHERE organization_id = %(organization)s AND contact_id = %(contact)s"
    return int(await tx.fetch_value(sql, {"organization": tx.organization_id, "contact": contact_id}))


async def find_note(tx: Tx, contact_id: ContactId, note_id: NoteId) -> Note | None:
    """Return one note of the contact; None when it has no such note."""
    sql = f"""
        SELECT {_COLUMNS} FROM notes
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s AND id = %(id)s
    """
    params = {"organization": tx.organization_id, "contact": contact_id, "id": note_id}
    return await tx.fetch_one_as(Note, sql, params)


async def insert_note(tx: Tx, note: Note) -> None:
    """Store a new note."""
    sql = f"""
        INSERT INTO notes (organization_id, {_COLUMNS})
        VALUES (%(organization)s, %(id)s, %(contact_id)s, %(author_id)s, %(author_name)s, %(body)s, %(version)s,
                %(created_at)s, %(updated_at)s)
    """
    await tx.execute(sql, _params(tx, note))


async def update_note(tx: Tx, note: Note) -> None:
    """Store text, version and time of a note under its id."""
    sql = """
        UPDATE notes SET body = %(body)s, version = %(version)s, updated_at = %(updated_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    await tx.execute(sql, _params(tx, note))


async def delete_note(tx: Tx, note_id: NoteId) -> None:
    """Delete a note."""
    sql = "DELETE FROM notes WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": note_id})


def _params(tx: Tx, note: Note) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "id": note.id,
        "contact_id": note.contact_id,
        "author_id": note.author_id,
        "author_name": note.author_name,
        "body": note.body,
        "version": note.version,
        "created_at": note.created_at,
        "updated_at": note.updated_at,
    }
