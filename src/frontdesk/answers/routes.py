"""REST: messages and completions."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from frontdesk.access.model import Assurance, Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.answers import queries
from frontdesk.answers.actions import Answered
from frontdesk.answers.bodies import (
    CompletionBody,
    CompletionOut,
    FeedbackBody,
    MessageBody,
    MessageOut,
    MessagePage,
    OutgoingBody,
    citation_out,
    message_out,
)
from frontdesk.answers.completing import Asked, answer_asked, ask_assistant, read_completion
from frontdesk.answers.speaking import Replace
from frontdesk.conversations import actions as threads
from frontdesk.conversations import queries as conversations
from frontdesk.conversations.access import access_conversation, access_message
from frontdesk.conversations.attachment_queries import list_attachments
from frontdesk.conversations.attachment_routes import address_of
from frontdesk.conversations.attachments import attach
from frontdesk.conversations.bodies import attachment_out
from frontdesk.conversations.model import Incoming, Message
from frontdesk.core.db import Tx
from frontdesk.core.ids import AssistantId, AttachmentId, ConversationId, MessageId
from frontdesk.core.text import utc_now
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.identities.blocks import refuse_blocked
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["messages"])

View = Annotated[Ctx, needs(Right.CONVERSATIONS_VIEW)]
Reply = Annotated[Ctx, needs(Right.CONVERSATIONS_REPLY)]
Asker = Annotated[Ctx, needs(Right.CONVERSATIONS_REPLY, keeps_answer=False)]
Paged = Annotated[Paging, Depends(paging)]


@router.post("/messages", status_code=201, response_model=MessageOut)
async def create_message(request: Request, ctx: Reply, body: MessageBody) -> Response:
    """Store a message of the conversation's contact; the assistant answers afterwards.

    With `act-as` the contact counts as signed, else as anonymous. Problems: `not-found`, `blocked`, `invalid-request`.
    """
    content = threads.check_content(body.content)
    parse_query_metadata(body.query_metadata, layer=Layer.MESSAGE)
    async with ctx.db.begin(ctx.organization_id) as tx:
        conversation = await access_conversation(tx, ctx.caller, body.conversation, Right.CONVERSATIONS_REPLY)
        await refuse_blocked(tx, ctx.services.cipher, conversation.contact_id, conversation.inbox_id)
        assurance = Assurance.SIGNED if ctx.caller.may(Right.ACT_AS) else Assurance.ANONYMOUS
        incoming = Incoming(content, conversation.contact_id, assurance, query_metadata=body.query_metadata)
        message_id, _ = await threads.receive_message(tx, conversation, incoming, now=utc_now(), answer_at_once=True)
        await attach(
            tx,
            ctx.caller,
            [AttachmentId(one) for one in body.attachments],
            conversation_id=conversation.id,
            message_id=message_id,
        )
        return reply(request, await _read_one(tx, ctx, message_id), status=201)


@router.get("/messages", response_model=MessagePage)
async def list_messages(request: Request, ctx: View, paged: Paged, conversation: ConversationId) -> Response:
    """List a conversation's messages, the latest first. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_conversation(tx, ctx.caller, conversation, Right.CONVERSATIONS_VIEW)
        count, rows = await conversations.list_message_page(tx, conversation, limit=paged.limit, offset=paged.offset)
        return reply(request, page_of(request, paged, count, await _render(tx, ctx, rows)))


@router.get("/messages/{message_id}", response_model=MessageOut)
async def get_message(request: Request, ctx: View, message_id: MessageId) -> Response:
    """Return one message. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        message = await access_message(tx, ctx.caller, message_id, Right.CONVERSATIONS_VIEW)
        return reply(request, (await _render(tx, ctx, [message]))[0])


@router.post("/messages/outgoing", status_code=201, response_model=MessageOut)
async def reply_to_contact(request: Request, ctx: Reply, body: OutgoingBody) -> Response:
    """Reply to the contact as the organization. Problems: `not-found`, `invalid-request`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_conversation(tx, ctx.caller, body.conversation, Right.CONVERSATIONS_REPLY)
        message_id = await threads.reply(tx, ctx.caller, body.conversation, body.content, now=utc_now())
        await attach(
            tx,
            ctx.caller,
            [AttachmentId(one) for one in body.attachments],
            conversation_id=body.conversation,
            message_id=message_id,
        )
        return reply(request, await _read_one(tx, ctx, message_id), status=201)


@router.patch("/messages/{message_id}/feedback", response_model=MessageOut)
async def rate_message(request: Request, ctx: Reply, message_id: MessageId, body: FeedbackBody) -> Response:
    """Note how the reader liked a message. Problems: `not-found`, `invalid-request`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_message(tx, ctx.caller, message_id, Right.CONVERSATIONS_REPLY)
        await conversations.update_feedback(tx, message_id, body.feedback)
        return reply(request, await _read_one(tx, ctx, message_id))


@router.post(
    "/chatbots/{assistant_id}/completions",
    response_model=CompletionOut,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string", "description": "`data: {…}` lines."}}}}
    },
)
async def complete(request: Request, ctx: Asker, assistant_id: AssistantId, body: CompletionBody) -> Response:
    """Ask an assistant and wait for its answer, or stream it: one `data:` line of JSON for each piece.

    `message.sender` names a contact and needs `act-as`; without it a new anonymous contact speaks. Problems:
    `not-found`, `forbidden`, `blocked`, `sender-mismatch`, `invalid-request`.
    """
    asked = await ask_assistant(ctx, assistant_id, body)
    if body.is_streaming:
        return StreamingResponse(_stream(request, ctx, asked), media_type="text/event-stream")
    answer_id = None
    async for happened in answer_asked(ctx, asked):
        if isinstance(happened, Answered):
            answer_id = happened.message_id
    return reply(request, await _final(ctx, asked, answer_id))


async def _stream(request: Request, ctx: Ctx, asked: Asked) -> AsyncIterator[bytes]:
    is_answered = False
    async with aclosing(answer_asked(ctx, asked)) as events:
        async for happened in events:
            if isinstance(happened, Answered):
                is_answered = True
                last = await _final(ctx, asked, happened.message_id)
                yield _data(request, last.model_copy(update={"content": ""}))
            else:
                yield _data(request, _piece(asked, happened.text, replace=isinstance(happened, Replace)))
    if not is_answered:  # somebody else has answered: their words are shown whole
        last = await _final(ctx, asked, None)
        yield _data(request, _piece(asked, last.content, replace=True))
        yield _data(request, last.model_copy(update={"content": ""}))


def _piece(asked: Asked, text: str, *, replace: bool) -> CompletionOut:
    return CompletionOut(conversation_id=str(asked.conversation_id), content=text, done=False, replace=replace)


def _data(request: Request, piece: CompletionOut) -> bytes:
    return b"data: " + bytes(reply(request, piece).body) + b"\n\n"


async def _final(ctx: Ctx, asked: Asked, answer_id: MessageId | None) -> CompletionOut:
    async with ctx.db.begin(ctx.organization_id) as tx:
        message, citations = await read_completion(tx, asked, answer_id)
    return CompletionOut(
        conversation_id=str(asked.conversation_id),
        content=message.content if message else "",
        done=True,
        citations=[citation_out(citation) for citation in citations],
    )


async def _read_one(tx: Tx, ctx: Ctx, message_id: MessageId) -> MessageOut:
    message = await conversations.find_message(tx, message_id)
    return (await _render(tx, ctx, [message] if message else []))[0]


async def _render(tx: Tx, ctx: Ctx, messages: Sequence[Message]) -> list[MessageOut]:
    ids = [message.id for message in messages]
    names = await conversations.find_sender_names(tx, ids)
    citations = await queries.list_citations(tx, ids)
    attachments = await list_attachments(tx, ids)
    return [
        message_out(
            message,
            names.get(message.id, ""),
            [citation for citation in citations if citation.message_id == message.id],
            [attachment_out(one, address_of(ctx, one)) for one in attachments if one.message_id == message.id],
        )
        for message in messages
    ]
