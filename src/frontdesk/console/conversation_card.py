"""Who somebody in a conversation is, and what they may read in it right now."""

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.access.layers import EffectiveScope
from frontdesk.access.model import Assurance
from frontdesk.answers.askers import find_voice, load_asker
from frontdesk.answers.memory import load_memory
from frontdesk.answers.memory_model import Summary
from frontdesk.channels.queries import get_inbox
from frontdesk.console.memory_words import ShownFact, show_facts
from frontdesk.contacts.access import sees_personal
from frontdesk.contacts.model import Contact
from frontdesk.conversations.model import Conversation, Message, MessageType
from frontdesk.conversations.queries import list_conversations, list_messages
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.identities.cards import ContactView, get_view
from frontdesk.identities.model import ChatSession
from frontdesk.identities.queries import find_session_by_id
from frontdesk.knowledge.search import count_permitted
from frontdesk.organizations.model import Caller, Right

_RECENT = 5
_REMEMBERED = 4
_PERSON_STEPS = {"contact", "profiles", "contact_and_profiles", "visitor_scope", "member_scope"}


@dataclass(frozen=True, slots=True)
class Reach:
    """How many documents the contact may read here, of those that the assistant has, and which layers say so."""

    readable: int
    whole: int
    through: Sequence[str]  # names of the steps about the person


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered of the contact, the latest first, and how many facts there are in all."""

    facts: Sequence[ShownFact]
    summaries: Sequence[Summary]
    count: int


@dataclass(frozen=True, slots=True)
class ConversationCard:
    """What stands beside a thread. None where there is nothing to show, or nothing for this member."""

    view: ContactView
    shows_personal: bool
    session: ChatSession | None  # through which the contact wrote last, if it still holds
    reach: Reach | None
    recent: Sequence[Conversation]
    recent_count: int
    memory: Remembered | None


async def load_card(tx: Tx, caller: Caller, conversation: Conversation) -> ConversationCard | None:
    """Return the card; None when the contact is deleted, or the caller may not see contacts of this platform."""
    try:
        view = await get_view(tx, caller, conversation.contact_id)
    except NotFound:
        return None
    last = await _find_last_incoming(tx, conversation)
    personal = sees_personal(caller, [inbox.inbox_id for inbox in view.inboxes])
    count, found = await list_conversations(
        tx,
        inbox_ids=caller.inboxes_for(Right.CONVERSATIONS_VIEW),
        contact_id=conversation.contact_id,
        limit=_RECENT + 1,
    )
    return ConversationCard(
        view,
        personal,
        await find_session_by_id(tx, last.session_id) if last and last.session_id else None,
        await _measure(tx, view.contact, conversation, last) if last else None,
        [one for one in found if one.id != conversation.id][:_RECENT],
        count - 1,
        await _remember(tx, view, last) if personal else None,
    )


async def _remember(tx: Tx, view: ContactView, last: Message | None) -> Remembered:
    memory = await load_memory(tx, view.contact.id)
    session = last.assurance if last else Assurance.ANONYMOUS
    latest = memory.facts[:_REMEMBERED]
    facts = await show_facts(tx, latest, session=session, has_identity=view.primary is not None)
    return Remembered(facts, memory.summaries[::-1], len(memory.facts))


async def _find_last_incoming(tx: Tx, conversation: Conversation) -> Message | None:
    messages = await list_messages(tx, conversation.id, limit=20)
    return next((message for message in reversed(messages) if message.type is MessageType.INCOMING), None)


async def _measure(tx: Tx, contact: Contact, conversation: Conversation, last: Message) -> Reach | None:
    """Count as an answer to the last message would be scoped; None when the platform is not connected any more."""
    try:
        inbox = await get_inbox(tx, conversation.inbox_id)
    except NotFound:
        return None
    voice = await find_voice(tx, last.session_id, last.assurance)
    asker = await load_asker(tx, contact, inbox, voice, page=last.query_metadata)
    return Reach(
        await count_permitted(tx, asker.scope.scope), await _count_whole(tx, asker.scope), _through(asker.scope)
    )


async def _count_whole(tx: Tx, scope: EffectiveScope) -> int:
    return await count_permitted(tx, next(step.scope for step in scope.steps if step.name == "assistant"))


def _through(scope: EffectiveScope) -> Sequence[str]:
    return [step.name for step in scope.steps if step.name in _PERSON_STEPS]
