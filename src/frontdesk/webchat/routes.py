"""The widget's own endpoints below `/webchat/{public_id}`. A session travels as Authorization, never in an address."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import psycopg
import structlog
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from frontdesk.access.queries import get_scope_version
from frontdesk.answers.actions import Answered
from frontdesk.answers.speaking import Delta, Replace
from frontdesk.assistants import queries as assistants
from frontdesk.channels import queries as channels
from frontdesk.conversations import queries as conversations
from frontdesk.conversations.access import access_own_conversation
from frontdesk.conversations.model import Conversation
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import ConversationId, MessageId
from frontdesk.core.live import ENDING, Event
from frontdesk.core.problems import BUG, BUG_DETAIL
from frontdesk.core.services import Services
from frontdesk.identities.model import ChatSession, Offered, Opening
from frontdesk.organizations.directory import find_organization
from frontdesk.webchat.actions import (
    Door,
    Sent,
    contact_name,
    log_out,
    open_chat,
    require_session,
    require_still,
    send,
    start_session,
)
from frontdesk.webchat.answering import Answering
from frontdesk.webchat.greeting import greet
from frontdesk.webchat.threads import read_messages
from frontdesk.webchat.wire import MessageOut, OpenBody, OpenOut, SendBody, ThreadOut, conversation_out, event

router = APIRouter(prefix="/webchat/{public_id}")

_HEARTBEAT_SECONDS = 15.0
_log = structlog.get_logger(__name__)
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def enter(request: Request, public_id: str) -> Door:
    """Return where the browser stands. Raises NotFound for an inbox that does not exist, or is no web chat."""
    services: Services = request.app.state.services
    async with services.db.begin_bootstrap() as tx:
        organization_id = await find_organization(tx, public_id, "inbox")
    if organization_id is None:
        raise NotFound
    async with services.db.begin(organization_id) as tx:
        inbox = await channels.find_inbox_by_public_id(tx, public_id)
    if inbox is None or inbox.channel_type != "web":
        raise NotFound
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    address = request.client.host if request.client else ""
    kept = token.strip() if scheme.lower() == "bearer" else ""
    request_id = request.scope["frontdesk.request_id"]
    return Door(services, request.app.state.prover, organization_id, inbox, kept or None, request_id, address)


Entered = Annotated[Door, Depends(enter)]


@router.post("/open")
async def open_(door: Entered, request: Request, body: OpenBody) -> OpenOut:
    """Open the chat, proven by `identityToken` or as a visitor. Problems: `identity-refused`."""
    opening = await open_chat(door, Offered(body.identity_token, body.identity_verifier, door.address))
    language = request.headers.get("accept-language", "en")
    async with door.services.db.begin(door.organization_id) as tx:
        return await _describe(tx, door, opening, language)


@router.post("/sessions", status_code=201)
async def start(door: Entered) -> dict[str, str]:
    """Start a visitor session, to be called just before the first message."""
    return {"sessionToken": await start_session(door)}


@router.post("/messages")
async def send_(door: Entered, request: Request, body: SendBody) -> StreamingResponse:
    """Store a message and stream its answer: `accepted`, then `delta` and `replace`, then `answer`."""
    answering: Answering = request.app.state.answering
    sent = await send(door, body)
    return _stream(_answer_events(door, answering, sent))


@router.get("/conversations/{conversation_id}/messages")
async def list_messages(door: Entered, conversation_id: ConversationId) -> dict[str, list[MessageOut]]:
    """Return a conversation's messages, oldest first."""
    async with door.services.db.begin(door.organization_id) as tx:
        session = await require_session(tx, door)
        conversation = await access_own_conversation(tx, session, conversation_id)
        return {"messages": await read_messages(tx, door.inbox, session, conversation)}


@router.get("/conversations/{conversation_id}/events")
async def follow(door: Entered, conversation_id: ConversationId, after: MessageId | None = None) -> StreamingResponse:
    """Stream messages after `after` as they come: `message` events, for as long as the session may read them."""
    async with door.services.db.begin(door.organization_id) as tx:
        await access_own_conversation(tx, await require_session(tx, door), conversation_id)
    return _stream(_live_events(door, conversation_id, after))


@router.post("/logout", status_code=204)
async def log_out_(door: Entered) -> Response:
    """End the session."""
    await log_out(door)
    return Response(status_code=204)


def _stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    return StreamingResponse(events, media_type="text/event-stream", headers=_STREAM_HEADERS)


async def _describe(tx: Tx, door: Door, opening: Opening, language: str) -> OpenOut:
    name = await contact_name(tx, opening)
    session = opening.session
    earlier = await _list_conversations(tx, session)
    thread = None
    if session is not None and earlier:
        messages = await read_messages(tx, door.inbox, session, earlier[0])
        thread = ThreadOut(id=str(earlier[0].id), key=conversation_out(earlier[0]).key, messages=messages)
    assistant = await assistants.get_assistant(tx, door.inbox.assistant_id)
    kept = opening.token or (door.token if session is not None else None)
    return OpenOut(
        session_token=kept,
        assurance=session.assurance.name.lower() if session else "anonymous",
        contact_name=name,
        proven_until=session.proven_until if session else None,
        greeting=greet(name, language, door.inbox.greeting),
        starters=list(door.inbox.starters),
        assistant_name=assistant.name,
        notice="identity-unavailable" if opening.is_unchecked else None,
        conversation=thread,
        conversations=[conversation_out(conversation) for conversation in earlier],
    )


async def _list_conversations(tx: Tx, session: ChatSession | None) -> list[Conversation]:
    if session is None:
        return []
    return await conversations.list_readable_by_session(
        tx, session.inbox_id, session_id=session.id, contact_id=session.contact_id
    )


async def _answer_events(door: Door, answering: Answering, sent: Sent) -> AsyncIterator[bytes]:
    accepted = {"conversationId": str(sent.conversation.id), "messageId": str(sent.message_id)}
    try:
        async for part in (
            _await_answer(door, sent, accepted)
            if sent.holder is None
            else _answer(door, answering, sent, sent.holder, accepted)
        ):
            yield part
    except FrontdeskError as error:
        yield _failed(error)
    except psycopg.Error:
        _log.exception("webchat.unreadable", conversation_id=str(sent.conversation.id))
        yield event("error", {"slug": BUG, "detail": BUG_DETAIL})


async def _answer(
    door: Door, answering: Answering, sent: Sent, holder: UUID, accepted: dict[str, str]
) -> AsyncIterator[bytes]:
    running = answering.start(door.organization_id, sent.conversation.id, holder)
    yield event("accepted", accepted)
    answer_id: MessageId | None = None
    held = ""  # said under permissions that have changed since: shown once more has been said under those of now
    while answer_id is None and (happened := await running.get()) is not None:
        match happened:
            case Delta(text=text, scope_version=version):
                held += text
                if version is None or await _is_current(door, version):
                    yield event("delta", {"text": held})
                    held = ""
            case Replace(text=text):
                held = ""
                yield event("replace", {"text": text})
            case Answered(message_id=answer_id):
                pass
    for message in await _read_after(door, sent):
        if answer_id in (None, UUID(message.id)):
            yield _answered(message)
            return


async def _is_current(door: Door, scope_version: int) -> bool:
    """Return whether nobody may read more or less since: text waits here for as long as its reader is slow."""
    async with door.services.db.begin(door.organization_id) as tx:
        return await get_scope_version(tx) == scope_version


async def _await_answer(door: Door, sent: Sent, accepted: dict[str, str]) -> AsyncIterator[bytes]:
    """Somebody else answers, or has answered when the message was sent before: wait for what they store."""
    has_waited = False
    async with door.services.live.subscribe(door.organization_id) as events:
        yield event("accepted", accepted)
        while await _is_waiting(door, sent):
            has_waited = True
            if not await _next_event(events, sent.conversation.id):
                yield b": waiting\n\n"
    later = await _read_after(door, sent)
    for message in later[-1:] if has_waited else later[:1]:  # what settled it just now, else what did so first
        yield _answered(message)


async def _is_waiting(door: Door, sent: Sent) -> bool:
    async with door.services.db.begin(door.organization_id) as tx:
        await require_still(tx, sent.session)
        return await conversations.is_awaiting_answer(tx, sent.message_id)


async def _read_after(door: Door, sent: Sent) -> list[MessageOut]:
    """Return the outgoing messages after the one that was sent, if the session that sent it may read them now."""
    async with door.services.db.begin(door.organization_id) as tx:
        session = await require_still(tx, sent.session)
        conversation = await access_own_conversation(tx, session, sent.conversation.id)
        messages = await read_messages(tx, door.inbox, session, conversation, after=sent.message_id)
    return [message for message in messages if message.type == "outgoing"]


def _answered(message: MessageOut) -> bytes:
    return event("answer", {"message": message.model_dump(by_alias=True, mode="json")})


def _failed(error: FrontdeskError) -> bytes:
    return event("error", {"slug": error.slug, "detail": error.detail})


async def _live_events(door: Door, conversation_id: ConversationId, after: MessageId | None) -> AsyncIterator[bytes]:
    live = door.services.live
    async with live.subscribe(door.organization_id) as events:
        while not live.is_ending:
            try:
                async with door.services.db.begin(door.organization_id) as tx:
                    session = await require_session(tx, door)
                    conversation = await access_own_conversation(tx, session, conversation_id)
                    messages = await read_messages(tx, door.inbox, session, conversation, after=after)
            except FrontdeskError as error:
                yield _failed(error)
                return
            for message in messages:
                after = MessageId(UUID(message.id))
                yield event("message", {"message": message.model_dump(by_alias=True, mode="json")})
            if not await _next_event(events, conversation_id):
                yield b": still here\n\n"


async def _next_event(events: "asyncio.Queue[Event]", conversation_id: ConversationId) -> bool:
    """Wait for something in this conversation; False after a heartbeat's time without any, or when all ends."""
    try:
        async with asyncio.timeout(_HEARTBEAT_SECONDS):
            while (happened := await events.get()) != ENDING and happened.id != conversation_id:
                pass
    except TimeoutError:
        return False
    return happened.id == conversation_id
