"""SQL of attachments."""

from collections.abc import Sequence
from datetime import datetime

from frontdesk.conversations.model import Attachment
from frontdesk.core.db import Tx
from frontdesk.core.ids import AttachmentId, ConversationId, MessageId

_COLUMNS = "id, caller, conversation_id, message_id, filename, file_key, media_type, size_bytes, created_at"


async def insert_attachment(tx: Tx, attachment: Attachment) -> None:
    """Store an attachment."""
    await tx.execute(
        f"""
        INSERT INTO attachments (organization_id, {_COLUMNS})
        VALUES (%(organization)s, %(id)s, %(caller)s, %(conversation)s, %(message)s, %(filename)s, %(file_key)s,
                %(media_type)s, %(size)s, %(now)s)
        """,
        {
            "organization": tx.organization_id,
            "id": attachment.id,
            "caller": attachment.caller,
            "conversation": attachment.conversation_id,
            "message": attachment.message_id,
            "filename": attachment.filename,
            "file_key": attachment.file_key,
            "media_type": attachment.media_type,
            "size": attachment.size_bytes,
            "now": attachment.created_at,
        },
    )


async def find_attachment(tx: Tx, attachment_id: AttachmentId) -> Attachment | None:
    """Return the attachment, or None."""
    return await tx.fetch_one_as(
        Attachment,
        f"SELECT {_COLUMNS} FROM attachments WHERE organization_id = %(organization)s AND id = %(id)s",
        {"organization": tx.organization_id, "id": attachment_id},
    )


async def list_attachments(tx: Tx, message_ids: Sequence[MessageId]) -> list[Attachment]:
    """Return what these messages carry, in the order in which it was brought."""
    return await tx.fetch_as(
        Attachment,
        f"""
        SELECT {_COLUMNS} FROM attachments
         WHERE organization_id = %(organization)s AND message_id = ANY(%(messages)s) ORDER BY id
        """,
        {"organization": tx.organization_id, "messages": list(message_ids)},
    )


async def update_sent(
    tx: Tx,
    attachment_ids: Sequence[AttachmentId],
    *,
    caller: str,
    conversation_id: ConversationId,
    message_id: MessageId,
    brought_since: datetime,
) -> int:
    """Give attachments to a message and return how many: those of `caller` that wait to be sent here, or anywhere."""
    return await tx.execute(
        """
        UPDATE attachments SET conversation_id = %(conversation)s, message_id = %(message)s
         WHERE organization_id = %(organization)s AND id = ANY(%(ids)s) AND caller = %(caller)s
           AND message_id IS NULL AND created_at > %(since)s
           AND (conversation_id IS NULL OR conversation_id = %(conversation)s)
        """,
        {
            "organization": tx.organization_id,
            "ids": list(attachment_ids),
            "caller": caller,
            "conversation": conversation_id,
            "message": message_id,
            "since": brought_since,
        },
    )


async def delete_unsent(tx: Tx, attachment_id: AttachmentId) -> None:
    """Remove an attachment that no message carries."""
    await tx.execute(
        "DELETE FROM attachments WHERE organization_id = %(organization)s AND id = %(id)s AND message_id IS NULL",
        {"organization": tx.organization_id, "id": attachment_id},
    )
