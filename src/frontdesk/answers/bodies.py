"""What messages and completions look like on the wire."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from frontdesk.answers.model import Citation
from frontdesk.channels.bodies import Reference
from frontdesk.conversations.bodies import AttachmentOut
from frontdesk.conversations.model import MAX_ATTACHMENTS, Message
from frontdesk.core.ids import ContactId, ConversationId
from frontdesk.core.wire import LenientModel, PageOf, Time, WireModel


class FileCitationOut(WireModel):
    """A file that an answer cites."""

    id: str
    filename: str
    page_number: int | None


class FaqCitationOut(WireModel):
    """A FAQ that an answer cites."""

    id: str
    question: str


class SenderOut(WireModel):
    """Who wrote a message."""

    id: str
    name: str
    avatar: str | None


class MessageOut(WireModel):
    """One message."""

    id: str
    conversation: str
    sender: SenderOut
    type: str
    content: str
    feedback: str
    attachments: list[AttachmentOut]
    citations: list[FileCitationOut | FaqCitationOut]
    created_at: Time


class MessagePage(PageOf):
    """A page of messages."""

    results: list[MessageOut]


AttachmentsField: TypeAlias = Annotated[
    tuple[Reference, ...],
    Field(max_length=MAX_ATTACHMENTS, description="What was brought before; of an object only the id counts."),
]


class MessageBody(LenientModel):
    """A message of the contact of a conversation."""

    conversation: ConversationId
    content: str
    attachments: AttachmentsField = ()
    query_metadata: dict[str, Any] | None = None


class OutgoingBody(LenientModel):
    """A reply of the organization."""

    conversation: ConversationId
    content: str
    attachments: AttachmentsField = ()


class FeedbackBody(WireModel):
    """How the reader liked an answer; empty takes it back."""

    feedback: Literal["like", "dislike", ""]


class QuestionBody(LenientModel):
    """The question of a completion."""

    content: str
    attachments: AttachmentsField = ()
    query_metadata: dict[str, Any] | None = None
    content_payload: dict[str, Any] | None = None
    sender: ContactId | None = None


class CompletionBody(LenientModel):
    """Ask an assistant; `conversation` null opens a new one."""

    conversation: ConversationId | None = None
    message: QuestionBody
    is_streaming: bool = False


class CompletionOut(WireModel):
    """An answer, or with `done` false a piece of one. With `replace` true it takes the place of all pieces before."""

    conversation_id: str
    content: str
    done: bool
    citations: Sequence[FileCitationOut | FaqCitationOut] = ()
    replace: bool = False


def citation_out(citation: Citation) -> FileCitationOut | FaqCitationOut:
    """Return a citation in the shape of its kind."""
    if citation.kind == "faq":
        return FaqCitationOut(id=str(citation.document_id), question=citation.title)
    return FileCitationOut(id=str(citation.document_id), filename=citation.title, page_number=citation.page_number)


def message_out(
    message: Message, name: str, citations: Sequence[Citation], attachments: Sequence[AttachmentOut]
) -> MessageOut:
    """Return a message; `name` is its sender's."""
    return MessageOut(
        id=str(message.id),
        conversation=str(message.conversation_id),
        sender=SenderOut(id=str(message.sender_id), name=name, avatar=None),
        type=str(message.type),
        content=message.content,
        feedback=message.feedback,
        attachments=list(attachments),
        citations=[citation_out(citation) for citation in citations],
        created_at=message.created_at,
    )
