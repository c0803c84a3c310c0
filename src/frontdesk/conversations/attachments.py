"""Attachments: an upload becomes one, a message carries it, and an address opens its file for a few minutes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from frontdesk.conversations import attachment_queries as queries
from frontdesk.conversations.model import SENT_WITHIN, Attachment
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.files import Files
from frontdesk.core.ids import ApiKeyId, AttachmentId, ConversationId, MessageId, OrganizationId, new_id
from frontdesk.core.inputs import clean_name
from frontdesk.core.jobs import enqueue
from frontdesk.core.secrets import Cipher
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import StoredFile, describe_upload, issue_upload, record_upload, redeem_upload, store_upload
from frontdesk.organizations.errors import LinkExpired
from frontdesk.organizations.model import Caller

ADDRESS_LIFETIME: Final = timedelta(minutes=10)
MAX_FILENAME: Final = 255
STORED: Final = "conversations.attachment_stored"

_PURPOSE: Final = "attachment-address"


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave to fetch one file, lent to an API key; whether the key still may is checked when the file is fetched."""

    organization_id: OrganizationId
    key_id: ApiKeyId
    expires_at: datetime  # in whole seconds


async def redeem_attachment(
    tx: Tx,
    caller: Caller,
    upload_key: str,
    *,
    filename: str | None = None,
    conversation_id: ConversationId | None = None,
) -> Attachment:
    """Turn an upload of the caller into an attachment; without `filename` it keeps the upload's.

    Raises InvalidRequest, NotFound (also for an upload that is not the caller's), and UploadSpent.
    """
    stored = await redeem_upload(tx, upload_key, caller=caller.reference, purpose="attachment")
    name = clean_name(filename or stored.filename, pointer="/filename", max_length=MAX_FILENAME)
    return await _insert(tx, caller, stored, name, conversation_id)


async def bring_attachment(
    services: Services, caller: Caller, *, filename: str, content: bytes, conversation_id: ConversationId | None = None
) -> Attachment:
    """Store a file that came with the request itself. Raises InvalidRequest, and TooManyRequests."""
    name = clean_name(filename, pointer="/file", max_length=MAX_FILENAME)
    async with services.db.begin(caller.organization_id) as tx:
        form = await issue_upload(
            tx, caller=caller.reference, purpose="attachment", filename=name, max_bytes=len(content)
        )
    stored = await asyncio.to_thread(describe_upload, form, content)
    await store_upload(services.files, stored.key, content)
    async with services.db.begin(caller.organization_id) as tx:
        await record_upload(tx, stored)
        return await redeem_attachment(tx, caller, stored.key, conversation_id=conversation_id)


async def attach(
    tx: Tx,
    caller: Caller,
    attachment_ids: Sequence[AttachmentId],
    *,
    conversation_id: ConversationId,
    message_id: MessageId,
) -> None:
    """Let a message carry attachments that the caller brought.

    Raises NotFound unless each is the caller's, waits to be sent, and was not brought for another conversation.
    """
    wanted = list(dict.fromkeys(attachment_ids))
    found = await queries.update_sent(
        tx,
        wanted,
        caller=caller.reference,
        conversation_id=conversation_id,
        message_id=message_id,
        brought_since=utc_now() - SENT_WITHIN,
    )
    if found != len(wanted):
        raise NotFound("One of the attachments does not exist, or was sent before.", pointer="/attachments")


def sign_leave(cipher: Cipher, caller: Caller, attachment_id: AttachmentId, *, now: datetime) -> str:
    """Return leave for the caller, who is an API key, to fetch a file within the next 10 minutes."""
    expires_at = (now + ADDRESS_LIFETIME).replace(microsecond=0)
    leave = Leave(caller.organization_id, ApiKeyId(caller.id), expires_at)
    parts = (leave.organization_id.hex, leave.key_id.hex, str(int(expires_at.timestamp())))
    return ".".join((*parts, cipher.sign(_content(leave, attachment_id), purpose=_PURPOSE)))


def verify_leave(cipher: Cipher, text: str, attachment_id: AttachmentId, *, now: datetime) -> Leave:
    """Return the leave that `text` gives. Raises LinkExpired when we gave none, or it is too old."""
    try:
        organization, key, expires, signature = text.split(".")
        expires_at = datetime.fromtimestamp(int(expires), UTC)
        leave = Leave(OrganizationId(UUID(organization)), ApiKeyId(UUID(key)), expires_at)
    except (ValueError, OverflowError, OSError) as error:
        raise LinkExpired from error
    if not cipher.is_signed(_content(leave, attachment_id), signature, purpose=_PURPOSE) or expires_at <= now:
        raise LinkExpired
    return leave


async def open_file(files: Files, attachment: Attachment) -> AsyncIterator[bytes]:
    """Return the content in pieces. Raises NotFound when the file is gone."""
    pieces = files.stream(attachment.file_key)
    try:
        first = await anext(pieces, b"")
    except FileNotFoundError as error:
        raise NotFound from error
    return _chain(first, pieces)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _content(leave: Leave, attachment_id: AttachmentId) -> bytes:
    expires = int(leave.expires_at.timestamp())
    return f"{leave.organization_id} {leave.key_id} {attachment_id} {expires}".encode()


async def _insert(
    tx: Tx, caller: Caller, stored: StoredFile, filename: str, conversation_id: ConversationId | None
) -> Attachment:
    attachment = Attachment(
        id=AttachmentId(new_id()),
        caller=caller.reference,
        conversation_id=conversation_id,
        message_id=None,
        filename=filename,
        file_key=stored.key,
        media_type=stored.media_type,
        size_bytes=stored.size_bytes,
        created_at=utc_now(),
    )
    await queries.insert_attachment(tx, attachment)
    await enqueue(tx, STORED, delay=SENT_WITHIN + timedelta(hours=1), attachment_id=attachment.id)
    return attachment
