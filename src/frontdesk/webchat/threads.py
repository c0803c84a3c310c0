"""Reading conversations for the widget, with senders' names and citations that may still be read."""

from collections.abc import Sequence

from frontdesk.answers import queries as answers
from frontdesk.answers.askers import load_asker
from frontdesk.answers.model import Voice
from frontdesk.assistants import queries as assistants
from frontdesk.channels import queries as channels
from frontdesk.channels.model import Inbox
from frontdesk.contacts import queries as contacts
from frontdesk.conversations import queries as conversations
from frontdesk.conversations.model import Conversation, Message
from frontdesk.core.db import Tx
from frontdesk.core.ids import MessageId
from frontdesk.identities.model import ChatSession
from frontdesk.knowledge.search import find_forbidden
from frontdesk.webchat.wire import MessageOut, message_out


async def read_messages(
    tx: Tx,
    inbox: Inbox,
    session: ChatSession,
    conversation: Conversation,
    *,
    after: MessageId | None = None,
) -> list[MessageOut]:
    """Return the messages after `after`, oldest first. Citations of what may not be read now are left out."""
    messages = await conversations.list_messages(tx, conversation.id, after=after)
    return await render_messages(tx, inbox, session, conversation, messages)


async def render_messages(
    tx: Tx, inbox: Inbox, session: ChatSession, conversation: Conversation, messages: Sequence[Message]
) -> list[MessageOut]:
    """Return `messages` as this browser may see them now."""
    ids = [message.id for message in messages]
    citations = await answers.list_citations(tx, ids)
    outcomes = await answers.find_outcomes(tx, ids)
    forbidden = frozenset[object]()
    if citations:
        voice = Voice(session.assurance, session.id, session.claims)
        contact = await contacts.get_contact(tx, conversation.contact_id)
        now = await channels.get_inbox(tx, inbox.id)  # a stream knows the inbox from when it began
        asker = await load_asker(tx, contact, now, voice)
        forbidden = await find_forbidden(tx, asker.scope.scope, frozenset(c.document_id for c in citations))
    assistant = await assistants.get_assistant(tx, inbox.assistant_id)
    names = {"assistant": assistant.name, "member": "", "contact": ""}
    return [
        message_out(
            message,
            names,
            [c for c in citations if c.message_id == message.id and c.document_id not in forbidden],
            is_found=outcomes.get(message.id),
        )
        for message in messages
    ]
