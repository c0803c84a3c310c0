"""Completions: an API caller asks an assistant, for a contact or as a new anonymous one."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from uuid import UUID

from frontdesk.access.model import Assurance, Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.answers import queries
from frontdesk.answers.actions import Answered, AnswerEvent, answer
from frontdesk.answers.askers import find_voice, load_joint_asker
from frontdesk.answers.bodies import CompletionBody
from frontdesk.answers.model import Citation, Way
from frontdesk.channels import queries as inboxes
from frontdesk.channels.access import access_assistant
from frontdesk.contacts import access as contacts
from frontdesk.contacts import actions as cards
from frontdesk.conversations import queries as conversations
from frontdesk.conversations.access import access_conversation
from frontdesk.conversations.actions import check_content, receive_message
from frontdesk.conversations.attachments import attach
from frontdesk.conversations.errors import SenderMismatch
from frontdesk.conversations.model import Conversation, Incoming, Message
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.ids import AssistantId, AttachmentId, ContactId, ConversationId, MessageId, new_id
from frontdesk.core.text import utc_now
from frontdesk.identities.blocks import refuse_blocked
from frontdesk.identities.source_ids import keep_survivor
from frontdesk.knowledge.search import find_forbidden
from frontdesk.organizations.callers import Ctx
from frontdesk.organizations.model import Right


@dataclass(frozen=True, slots=True)
class Asked:
    """A stored question. `holder` has the lease on answering it; None: somebody else is answering the conversation."""

    conversation_id: ConversationId
    message_id: MessageId
    holder: UUID | None


_PATIENCE_SECONDS = 120.0
_LOOK_AGAIN_SECONDS = 5.0


async def ask_assistant(ctx: Ctx, assistant_id: AssistantId, body: CompletionBody) -> Asked:
    """Store the question in one transaction. Raises NotFound, Forbidden, SenderMismatch, InvalidRequest, Blocked."""
    content = check_content(body.message.content)
    parse_query_metadata(body.message.query_metadata, layer=Layer.MESSAGE)
    sender = body.message.sender
    if sender is not None and not ctx.caller.may(Right.ACT_AS):
        raise Forbidden(facts={"right": Right.ACT_AS.value})
    now, holder = utc_now(), new_id()
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_assistant(tx, ctx.caller, assistant_id)
        if body.conversation is not None:
            await conversations.lock_conversation(tx, body.conversation)  # before the card: merging locks them so
        survivor = await keep_survivor(tx, sender) if sender is not None else None
        conversation = await _find_or_open(tx, ctx, assistant_id, body.conversation, survivor)
        await refuse_blocked(tx, ctx.services.cipher, conversation.contact_id, conversation.inbox_id)
        assurance = Assurance.SIGNED if survivor is not None else Assurance.ANONYMOUS
        incoming = Incoming(
            content,
            conversation.contact_id,
            assurance,
            query_metadata=body.message.query_metadata,
            content_payload=body.message.content_payload,
        )
        message_id, _ = await receive_message(tx, conversation, incoming, now=now)
        await attach(
            tx,
            ctx.caller,
            [AttachmentId(one) for one in body.message.attachments],
            conversation_id=conversation.id,
            message_id=message_id,
        )
        is_ours = await conversations.claim_lease(tx, conversation.id, holder, now)
    return Asked(conversation.id, message_id, holder if is_ours else None)


async def answer_asked(ctx: Ctx, asked: Asked) -> AsyncGenerator[AnswerEvent, None]:
    """Yield the answer as it grows, and Answered once it is stored; goes on with what else waits, yielding nothing.

    Who else is answering the conversation answers this question too, at most within two minutes; that is not yielded.
    """
    if asked.holder is None:
        await _await_other(ctx, asked)
        return
    is_answered = False
    running = answer(ctx.services, ctx.organization_id, asked.conversation_id, asked.holder)
    async with aclosing(running) as events:
        async for happened in events:
            if not is_answered:
                yield happened
            is_answered = is_answered or isinstance(happened, Answered)


async def _await_other(ctx: Ctx, asked: Asked) -> None:
    async with ctx.services.live.subscribe(ctx.organization_id) as events:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while await _waits(ctx, asked):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(events.get(), _LOOK_AGAIN_SECONDS)


async def _waits(ctx: Ctx, asked: Asked) -> bool:
    async with ctx.db.begin(ctx.organization_id) as tx:
        return await conversations.is_awaiting_answer(tx, asked.message_id)


async def read_completion(
    tx: Tx, asked: Asked, answer_id: MessageId | None
) -> tuple[Message | None, Sequence[Citation]]:
    """Return the answer with those of its citations that its asker may read now; None when a member took over.

    `answer_id` None: somebody else has answered, just now.
    """
    if answer_id is not None:
        answered = await conversations.find_message(tx, answer_id)
    else:
        later = await conversations.list_messages(tx, asked.conversation_id, after=asked.message_id)
        answered = next((message for message in reversed(later) if message.type == "outgoing"), None)
    return answered, await _list_permitted_citations(tx, asked, answered.id) if answered else []


async def _list_permitted_citations(tx: Tx, asked: Asked, answer_id: MessageId) -> Sequence[Citation]:
    citations = await queries.list_citations(tx, [answer_id])
    question = await conversations.find_message(tx, asked.message_id)
    if not citations or question is None:
        return []
    voice = await find_voice(tx, question.session_id, question.assurance)
    conversation = await conversations.get_conversation(tx, asked.conversation_id)
    asker = await load_joint_asker(tx, conversation, [Way(voice, page=question.query_metadata)])
    forbidden = await find_forbidden(tx, asker.scope.scope, frozenset(one.document_id for one in citations))
    return [one for one in citations if one.document_id not in forbidden]


async def _find_or_open(
    tx: Tx, ctx: Ctx, assistant_id: AssistantId, conversation_id: ConversationId | None, sender: ContactId | None
) -> Conversation:
    if conversation_id is not None:
        conversation = await access_conversation(tx, ctx.caller, conversation_id, Right.CONVERSATIONS_REPLY)
        inbox = await inboxes.get_inbox(tx, conversation.inbox_id)
        if inbox.assistant_id != assistant_id:
            raise NotFound
        if sender is not None and sender != conversation.contact_id:
            raise SenderMismatch
        return conversation
    own = (await inboxes.find_own_inboxes(tx, [assistant_id])).get(assistant_id)
    if own is None:
        raise NotFound
    now = utc_now()
    if sender is not None:
        contact_id = (await contacts.access_contact(tx, ctx.caller, sender, Right.CONTACTS_VIEW)).id
    else:
        contact_id = await cards.create_anonymous(tx, own.id, now=now)
    return await conversations.insert_conversation(tx, contact_id, own.id, now=now)
