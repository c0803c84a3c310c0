"""Everything about one person as a ZIP, made while it is sent: memory stays the same however much there is."""

import asyncio
import re
import zipfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Final, cast

from frontdesk.contacts.access import access_contact, sees_personal
from frontdesk.contacts.queries import list_inboxes_of
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden
from frontdesk.core.ids import ContactId, InboxId
from frontdesk.core.services import Services
from frontdesk.core.text import dump_json, utc_now
from frontdesk.identities.queries import resolve_contact_id
from frontdesk.lifecycle import person_queries as queries
from frontdesk.lifecycle.erasing_queries import find_merged_into
from frontdesk.lifecycle.person_page import render_page
from frontdesk.lifecycle.person_queries import PARTS, Names, Thread
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

_UNSAFE: Final = re.compile(r"[^\w.\-]+")
_LONGEST: Final = 80  # characters of a file name
_MISSING: Final = b"The file is not in the store any more.\n"


@dataclass(frozen=True, slots=True)
class Person:
    """What was read of a person when the export began; messages are read while it is sent."""

    contact_ids: tuple[ContactId, ...]  # with those merged into the first
    parts: dict[str, list[dict[str, Any]]]
    names: Names
    threads: tuple[Thread, ...]
    hidden: int  # conversations in inboxes that the caller may not see
    with_audit: bool
    made_by: str
    made_at: datetime


async def load_person(tx: Tx, caller: Caller, contact_id: ContactId) -> Person:
    """Return the person for `stream_archive`, and note in the audit log who took everything away.

    Rights: contacts.export and contacts.view_personal in one of the contact's inboxes; conversations are those that
    conversations.view opens, the audit log comes with audit.view. Raises NotFound and Forbidden.
    """
    survivor = await resolve_contact_id(tx, contact_id)
    await access_contact(tx, caller, survivor, Right.CONTACTS_EXPORT)
    inbox_ids = frozenset(inbox.inbox_id for inbox in await list_inboxes_of(tx, survivor))
    if not sees_personal(caller, inbox_ids):
        raise Forbidden(facts={"right": Right.CONTACTS_VIEW_PERSONAL.value})
    contact_ids = await find_merged_into(tx, [survivor])
    threads, hidden = await queries.list_threads(tx, contact_ids, _readable(caller))
    person = Person(
        contact_ids=tuple(contact_ids),
        parts={part.name: await queries.list_part(tx, part, contact_ids) for part in PARTS},
        names=await queries.load_names(tx),
        threads=tuple(threads),
        hidden=hidden,
        with_audit=_sees_audit(caller, inbox_ids),
        made_by=caller.name,
        made_at=utc_now(),
    )
    payload = {"conversations": len(threads), "left_out": hidden}
    await audit.record(tx, caller, "contact.exported", "contact", survivor, contact_id=survivor, payload=payload)
    return person


async def stream_archive(services: Services, caller: Caller, person: Person, *, language: str) -> AsyncIterator[bytes]:
    """Yield the ZIP in pieces: index.html, data.json, conversations with their files, answers.json, audit.json."""
    organization = caller.organization_id
    named = _name_threads(person.threads)
    others = ["data.json", "answers.json", *(["audit.json"] if person.with_audit else [])]
    page = render_page(
        person.parts,
        person.names,
        [(thread, f"{name}.txt") for thread, name in named],
        hidden=person.hidden,
        language=language,
        made_by=person.made_by,
        now=person.made_at,
        others=others,
    )
    archive = _Archive()
    yield await archive.add("index.html", page.encode())
    data = person.parts | {"conversations": [dict(thread.row) for thread in person.threads]}
    yield await archive.add("data.json", dump_json(data).encode())
    for thread, name in named:
        files: list[tuple[str, str]] = []
        for kind, render in (("txt", _as_text), ("json", _as_json)):
            messages = queries.stream_messages(services.db, organization, thread.id)
            async for piece in archive.add_texts(f"{name}.{kind}", render(messages)):
                yield piece
        async for message in queries.stream_messages(services.db, organization, thread.id):
            files += [(one["file_key"], f"{name}-files/{_safe_file(one)}") for one in message["attachments"]]
        for key, filename in files:
            async for piece in archive.add_stream(filename, services.files.stream(key)):
                yield piece
    answers = queries.stream_answers(services.db, organization, [thread.id for thread in person.threads])
    async for piece in archive.add_texts("answers.json", _as_json(answers)):
        yield piece
    if person.with_audit:
        entries = queries.stream_audit(services.db, organization, person.contact_ids)
        async for piece in archive.add_texts("audit.json", _as_json(entries)):
            yield piece
    yield archive.close()


class _Archive:
    """A ZIP that is written into memory and taken out piece by piece."""

    def __init__(self) -> None:
        self._out = _Outlet()
        self._zip = zipfile.ZipFile(cast("IO[bytes]", self._out), "w", zipfile.ZIP_DEFLATED)  # it only writes

    async def add(self, name: str, content: bytes) -> bytes:
        """Add a small file; return what is ready to be sent."""
        await asyncio.to_thread(self._zip.writestr, name, content)
        return self._out.take()

    async def add_texts(self, name: str, texts: AsyncIterator[str]) -> AsyncIterator[bytes]:
        """Add a file that grows text by text."""
        with self._zip.open(name, "w", force_zip64=True) as entry:
            async for text in texts:
                entry.write(text.encode())
                if piece := self._out.take():
                    yield piece
        yield self._out.take()

    async def add_stream(self, name: str, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Add a file of any size; one that is gone says so."""
        with self._zip.open(name, "w", force_zip64=True) as entry:
            try:
                async for piece in content:
                    await asyncio.to_thread(entry.write, piece)
                    yield self._out.take()
            except FileNotFoundError:
                entry.write(_MISSING)
        yield self._out.take()

    def close(self) -> bytes:
        """Return the end of the archive."""
        self._zip.close()
        return self._out.take()


class _Outlet:
    """What `zipfile` writes to; it cannot go back, so that nothing has to be kept."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def write(self, data: bytes) -> int:
        """Take what is written."""
        self._pieces += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._pieces)
        self._pieces.clear()
        return taken


def _readable(caller: Caller) -> frozenset[InboxId] | None:
    return caller.inboxes_for(Right.CONVERSATIONS_VIEW)


def _sees_audit(caller: Caller, inbox_ids: frozenset[InboxId]) -> bool:
    limit = caller.inboxes_for(Right.AUDIT_VIEW)
    return limit is None or not limit.isdisjoint(inbox_ids)


def _name_threads(threads: Sequence[Thread]) -> list[tuple[Thread, str]]:
    return [
        (thread, f"conversations/{number:04}-{str(thread.row['created_at'])[:10]}")
        for number, thread in enumerate(threads, start=1)
    ]


def _safe_file(attachment: dict[str, Any]) -> str:
    """Return a name that leads nowhere else: the id, and of the name what is harmless."""
    plain = _UNSAFE.sub("_", str(attachment["filename"])).strip("._")[-_LONGEST:]
    return f"{attachment['id']}-{plain or 'file'}"


async def _as_text(messages: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    async for message in messages:
        files = "".join(f"\n[{one['filename']}]" for one in message["attachments"])
        yield f"{message['created_at']} · {message['sender_kind']}\n{message['content']}{files}\n\n"


async def _as_json(rows: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    before = "["
    async for row in rows:
        yield before + dump_json(row)
        before = ",\n"
    yield "]\n" if before == ",\n" else "[]\n"
