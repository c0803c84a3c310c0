"""The shapes that the widget sends and reads: camelCase, times in RFC 3339."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from frontdesk.answers.model import Citation
from frontdesk.conversations.model import Conversation, Message
from frontdesk.core.text import dump_json

Moment = Annotated[datetime, PlainSerializer(lambda at: at.astimezone(UTC).isoformat().replace("+00:00", "Z"))]


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class OpenBody(_Shape):
    """A browser opens the chat. A null or absent token means: nobody is proven. An empty one is a failed proof.

    The verifier is what the nonce of a token must be the digest of, if it has one.
    """

    identity_token: Annotated[str | None, Field(max_length=20_000)] = None
    identity_verifier: Annotated[str | None, Field(max_length=200)] = None


class SendBody(_Shape):
    """A browser sends a message; the two ids are its own, so that sending again doubles nothing."""

    conversation_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    message_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    text: str
    query_metadata: dict[str, Any] | None = None  # of the page: it may only narrow


class SenderOut(_Shape):
    """Who wrote a message, as the reader may know it."""

    kind: str
    name: str


class CitationOut(_Shape):
    """A source of an answer."""

    number: int
    title: str
    page_number: int | None
    kind: str


class MessageOut(_Shape):
    """One message."""

    id: str
    type: str
    sender: SenderOut
    content: str
    citations: list[CitationOut]
    is_found: bool | None
    created_at: Moment


class ConversationOut(_Shape):
    """One conversation in the list of earlier ones."""

    id: str
    key: str
    title: str
    last_message_at: Moment | None


class ThreadOut(_Shape):
    """A conversation to continue."""

    id: str
    key: str
    messages: list[MessageOut]


class OpenOut(_Shape):
    """What the widget needs to start. `session_token` null: keep none."""

    session_token: str | None
    assurance: str
    contact_name: str | None
    proven_until: Moment | None
    greeting: str
    starters: list[str]
    assistant_name: str
    notice: Literal["identity-unavailable"] | None = None
    conversation: ThreadOut | None
    conversations: list[ConversationOut]


def message_out(
    message: Message, names: dict[str, str], citations: Sequence[Citation], *, is_found: bool | None
) -> MessageOut:
    """Return a message for the reader; `names` gives the shown name per kind of sender.

    `is_found`: whether an answer of the assistant found something; None for messages of people.
    """
    kind = "member" if message.sender_kind == "api_key" else str(message.sender_kind)
    return MessageOut(
        id=str(message.id),
        type=str(message.type),
        sender=SenderOut(kind=kind, name=names.get(kind, "")),
        content=message.content,
        citations=[
            CitationOut(number=c.number, title=c.title, page_number=c.page_number, kind=c.kind) for c in citations
        ],
        is_found=is_found,
        created_at=message.created_at,
    )


def conversation_out(conversation: Conversation) -> ConversationOut:
    """Return a conversation for the list."""
    return ConversationOut(
        id=str(conversation.id),
        key=conversation.session_key or str(conversation.id),
        title=conversation.title,
        last_message_at=conversation.last_message_at,
    )


def event(name: str, data: BaseModel | dict[str, Any]) -> bytes:
    """Render one server-sent event on two lines. Source: WHATWG HTML, section 9.2."""
    body = data.model_dump(by_alias=True, mode="json") if isinstance(data, BaseModel) else data
    return f"event: {name}\ndata: {dump_json(body)}\n\n".encode()
