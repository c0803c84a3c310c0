"""What happens to a conversation: a contact writes, a member replies or takes over."""

from datetime import datetime, timedelta
from uuid import UUID

from frontdesk.conversations import queries
from frontdesk.conversations.model import MAX_CONTENT, Conversation, Incoming, SenderKind, title_of
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ConversationId, MessageId
from frontdesk.core.jobs import enqueue
from frontdesk.core.live import Event, announce
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, CallerKind

ANSWER_DUE = "answers.answer_due"
MEMORY_DUE = "answers.memory_due"
CRASH_NET = timedelta(seconds=20)  # longer than a lease: the job finds one that nobody renews


def check_content(content: str) -> str:
    """Return the text of a message without outer white space. Raises InvalidRequest when it is empty or too long."""
    text = content.strip().replace("\x00", "")
    if not text:
        raise InvalidRequest("Write something first.", pointer="/content")
    if len(text) > MAX_CONTENT:
        raise InvalidRequest(f"A message may have {MAX_CONTENT} characters at most.", pointer="/content")
    return text


async def receive_message(
    tx: Tx, conversation: Conversation, incoming: Incoming, *, now: datetime, answer_at_once: bool = False
) -> tuple[MessageId, bool]:
    """Store what a contact wrote and return (its id, whether it is new).

    A repeated `client_id` stores nothing and returns the id of before. A job makes memory of the message. With
    auto-reply another one is written: the net under the process that answers, or with `answer_at_once` the one that
    answers.
    """
    message_id = await queries.insert_incoming(
        tx, conversation.id, incoming, awaits_answer=conversation.auto_reply, now=now
    )
    if message_id is None:
        known = await queries.find_message_by_client_id(tx, conversation.id, incoming.client_id or "")
        assert known is not None  # noqa: S101 -- the insert met it
        return known, False
    await queries.update_last_message(
        tx, conversation.id, message_id, title=title_of(incoming.content), unread=1, now=now
    )
    await announce(tx, Event("conversation", conversation.id, message_id))
    await enqueue(tx, MEMORY_DUE, lock=f"memory/{conversation.id}", message_id=message_id)
    if conversation.auto_reply:
        delay = None if answer_at_once else CRASH_NET
        await enqueue(tx, ANSWER_DUE, delay=delay, lock=str(conversation.id), conversation_id=conversation.id)
    return message_id, True


async def send_outgoing(
    tx: Tx, conversation_id: ConversationId, content: str, *, sender_kind: SenderKind, sender_id: UUID, now: datetime
) -> MessageId:
    """Store a message to the contact; open windows show it at once."""
    message_id = await queries.insert_outgoing(
        tx, conversation_id, content, sender_kind=sender_kind, sender_id=sender_id, now=now
    )
    await queries.update_last_message(tx, conversation_id, message_id, title="", unread=0, now=now)
    await announce(tx, Event("conversation", conversation_id, message_id))
    return message_id


async def reply(tx: Tx, caller: Caller, conversation_id: ConversationId, content: str, *, now: datetime) -> MessageId:
    """Answer as a member or an API key: it settles what waited for an answer, and audit tells who wrote."""
    kind = SenderKind.MEMBER if caller.kind is CallerKind.MEMBER else SenderKind.API_KEY
    await queries.update_conversation(tx, conversation_id, waits_for_member=False)
    waiting = await queries.list_awaiting_answer(tx, conversation_id)
    await queries.update_answered(tx, conversation_id, [message.id for message in waiting])
    message_id = await send_outgoing(
        tx, conversation_id, check_content(content), sender_kind=kind, sender_id=caller.id, now=now
    )
    await audit.record(tx, caller, "conversation.replied", "conversation", conversation_id)
    return message_id


async def mark_read(tx: Tx, conversation: Conversation) -> None:
    """Note that a member has seen the conversation as it is; open windows show it as read."""
    if conversation.unread_count:
        await queries.update_conversation(tx, conversation.id, unread_count=0)
        await announce(tx, Event("conversation", conversation.id))


async def set_auto_reply(tx: Tx, caller: Caller, conversation_id: ConversationId, *, enabled: bool) -> None:
    """Let the assistant answer, or take over. What was written before is not answered afterwards."""
    await queries.update_conversation(tx, conversation_id, auto_reply=enabled)
    if not enabled:
        waiting = await queries.list_awaiting_answer(tx, conversation_id)
        await queries.update_answered(tx, conversation_id, [message.id for message in waiting])
    await audit.record(
        tx, caller, "conversation.auto_reply_changed", "conversation", conversation_id, payload={"enabled": enabled}
    )
    await announce(tx, Event("conversation", conversation_id))
