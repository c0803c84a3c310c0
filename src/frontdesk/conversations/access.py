"""Who may read or answer a conversation."""

from frontdesk.conversations import attachment_queries, queries
from frontdesk.conversations.model import Attachment, Conversation, Message
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import AttachmentId, ConversationId, MessageId
from frontdesk.identities.model import ChatSession
from frontdesk.organizations.model import Caller, Right


async def access_conversation(tx: Tx, caller: Caller, conversation_id: ConversationId, right: Right) -> Conversation:
    """Return the conversation if the caller holds `right` in its inbox. Raises NotFound otherwise."""
    conversation = await queries.get_conversation(tx, conversation_id)
    caller.require_in(right, [conversation.inbox_id])
    return conversation


async def access_message(tx: Tx, caller: Caller, message_id: MessageId, right: Right) -> Message:
    """Return the message if the caller holds `right` in its conversation's inbox. Raises NotFound otherwise."""
    message = await queries.find_message(tx, message_id)
    if message is None:
        raise NotFound
    await access_conversation(tx, caller, message.conversation_id, right)
    return message


async def access_attachment(tx: Tx, caller: Caller, attachment_id: AttachmentId) -> Attachment:
    """Return the attachment if the caller may view its conversation, or brought it and it has none. Raises NotFound."""
    attachment = await attachment_queries.find_attachment(tx, attachment_id)
    if attachment is None:
        raise NotFound
    if attachment.conversation_id is not None:
        await access_conversation(tx, caller, attachment.conversation_id, Right.CONVERSATIONS_VIEW)
    elif attachment.caller != caller.reference:
        raise NotFound
    return attachment


async def access_own_conversation(tx: Tx, session: ChatSession, conversation_id: ConversationId) -> Conversation:
    """Return the conversation if this browser may read it. Raises NotFound otherwise.

    A proven session reads its contact's conversations in this inbox; a visitor reads what this session wrote.
    """
    conversation = await queries.get_conversation(tx, conversation_id)
    own = (
        conversation.session_id == session.id
        if session.contact_id is None
        else conversation.contact_id == session.contact_id
    )
    if not own or conversation.inbox_id != session.inbox_id:
        raise NotFound
    return conversation
