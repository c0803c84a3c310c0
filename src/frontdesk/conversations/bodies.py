"""What a conversation looks like on the wire."""

from typing import Any, ClassVar, Literal

from frontdesk.conversations.model import Attachment, Conversation
from frontdesk.core.wire import PageOf, Time, WireModel


class NamedOut(WireModel):
    """An object by id and name."""

    id: str
    name: str


class ConversationOut(WireModel):
    """One conversation."""

    twins: ClassVar[tuple[str, ...]] = ("created_at",)

    id: str
    contact: NamedOut
    inbox: NamedOut
    title: str
    last_message: dict[str, Any] | None
    unread_messages_count: int
    auto_reply_enabled: bool
    state: str
    created_at: Time


class ConversationPage(PageOf):
    """A page of conversations."""

    results: list[ConversationOut]


class AttachmentOut(WireModel):
    """A file. `file` is an address that opens it, for 10 minutes and without a key; ask again for a new one."""

    id: str
    type: Literal["image", "other"]
    filename: str
    file: str
    size: int
    conversation: str | None
    created_at: Time


def attachment_out(attachment: Attachment, address: str) -> AttachmentOut:
    """Return an attachment whose file is at `address`."""
    return AttachmentOut(
        id=str(attachment.id),
        type=attachment.type,
        filename=attachment.filename,
        file=address,
        size=attachment.size_bytes,
        conversation=str(attachment.conversation_id) if attachment.conversation_id else None,
        created_at=attachment.created_at,
    )


def conversation_out(
    conversation: Conversation, *, contact_name: str, inbox_name: str, last_content: str | None
) -> ConversationOut:
    """Return a conversation with its last message, cut to a line."""
    last = None
    if conversation.last_message_id is not None:
        last = {"id": str(conversation.last_message_id), "content": (last_content or "")[:200]}
    return ConversationOut(
        id=str(conversation.id),
        contact=NamedOut(id=str(conversation.contact_id), name=contact_name),
        inbox=NamedOut(id=str(conversation.inbox_id), name=inbox_name),
        title=conversation.title,
        last_message=last,
        unread_messages_count=conversation.unread_count,
        auto_reply_enabled=conversation.auto_reply,
        state=conversation.state,
        created_at=conversation.created_at,
    )
