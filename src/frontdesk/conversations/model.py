"""Conversations and their messages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from frontdesk.access.model import Assurance
from frontdesk.core.ids import AttachmentId, ContactId, ConversationId, InboxId, MessageId, SessionId
from frontdesk.core.media import SVG

MAX_CONTENT = 8_000  # code points of one message
MAX_ATTACHMENTS = 10  # of one message
SENT_WITHIN = timedelta(hours=24)  # an attachment that no message carries by then is removed
LEASE = timedelta(seconds=15)  # how long a process that answers may be silent
_TITLE_LENGTH = 80


class MessageType(StrEnum):
    """Which way a message goes."""

    INCOMING = "incoming"  # from the contact
    OUTGOING = "outgoing"  # from the assistant or a member


class SenderKind(StrEnum):
    """Who wrote a message."""

    CONTACT = "contact"
    ASSISTANT = "assistant"
    MEMBER = "member"
    API_KEY = "api_key"


@dataclass(frozen=True, slots=True)
class Conversation:
    """The thread between one contact and one inbox."""

    id: ConversationId
    contact_id: ContactId
    inbox_id: InboxId
    session_id: SessionId | None
    session_key: str | None
    title: str
    state: str
    auto_reply: bool
    waits_for_member: bool
    unread_count: int
    last_message_id: MessageId | None
    last_message_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `assurance` is that of the session it came through, at that time."""

    id: MessageId
    conversation_id: ConversationId
    type: MessageType
    sender_kind: SenderKind
    sender_id: UUID
    session_id: SessionId | None
    assurance: Assurance
    content: str
    feedback: str
    query_metadata: dict[str, Any] | None
    created_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "type", MessageType(self.type))
        object.__setattr__(self, "sender_kind", SenderKind(self.sender_kind))
        object.__setattr__(self, "assurance", Assurance(self.assurance))


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that a contact sends. `client_id` is the sender's own id of it: twice the same is once."""

    content: str
    sender_id: ContactId
    assurance: Assurance
    session_id: SessionId | None = None
    client_id: str | None = None
    query_metadata: dict[str, Any] | None = None
    content_payload: dict[str, Any] | None = None


def title_of(content: str) -> str:
    """Return the first line of a conversation's first message, cut to what a list shows."""
    line = next((line.strip() for line in content.splitlines() if line.strip()), "")
    return line if len(line) <= _TITLE_LENGTH else f"{line[: _TITLE_LENGTH - 1]}…"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message, or of none yet. `caller` names who brought it; only they may send it."""

    id: AttachmentId
    caller: str
    conversation_id: ConversationId | None  # None until it is sent, unless it was brought for one
    message_id: MessageId | None
    filename: str
    file_key: str
    media_type: str
    size_bytes: int
    created_at: datetime

    @property
    def type(self) -> Literal["image", "other"]:
        """What clients tell apart: a picture that can be shown, or any other file."""
        return "image" if self.media_type.startswith("image/") and self.media_type != SVG else "other"
