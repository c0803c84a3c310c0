"""Learning: a job makes memory of each incoming message, and of nothing else. Claim and read; ask; record.

Each message is learned from once: what a member deletes or corrects afterwards does not come back with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from frontdesk.answers import memory_queries as queries
from frontdesk.answers.memory_asking import ask_for_memory
from frontdesk.answers.memory_model import Fact, Statement, Summary, clean_statements, roll_summary
from frontdesk.answers.memory_rules import extract, find_gist
from frontdesk.answers.models import ModelAccess, ModelFailed
from frontdesk.answers.speaking import find_model
from frontdesk.assistants import queries as assistants
from frontdesk.assistants.model import Assistant
from frontdesk.channels import queries as channels
from frontdesk.contacts import queries as contacts
from frontdesk.conversations import learning
from frontdesk.conversations import queries as threads
from frontdesk.conversations.model import Message, MessageType
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, InboxId, MessageId
from frontdesk.core.live import Event, announce
from frontdesk.core.services import Services

_MOST_CONVERSATIONS: Final = 40  # of one summary: after that it begins anew
_SHORTEST: Final = 8  # characters of a message that a model is asked about
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A message that memory is to be made of, and what is remembered at its assurance so far."""

    message: Message
    contact_id: ContactId
    model: ModelAccess | None
    known: Sequence[Fact]
    summary: Summary | None


@dataclass(frozen=True, slots=True)
class Learned:
    """What a message says. `summary` None: its gist is added to the one that there is."""

    statements: Sequence[Statement]
    summary: str | None


async def find_lesson(tx: Tx, services: Services, message_id: MessageId) -> Lesson | None:
    """Return what is to be learned from; None when that is done, or there is nobody to remember it of."""
    message = await threads.find_message(tx, message_id)
    if message is None or message.type is not MessageType.INCOMING or await learning.is_learned(tx, message_id):
        return None
    conversation = await threads.get_conversation(tx, message.conversation_id)
    contact = await contacts.find_contact(tx, conversation.contact_id)
    assistant = await _find_assistant(tx, conversation.inbox_id)
    if contact is None or contact.deleted_at is not None or assistant is None or not assistant.remembers:
        return None
    facts = await queries.list_facts(tx, contact.id)
    return Lesson(
        message,
        contact.id,
        await find_model(tx, services, assistant) if len(message.content) >= _SHORTEST else None,
        [fact for fact in facts if fact.learned_assurance is message.assurance],
        await queries.find_summary(tx, contact.id, message.assurance),
    )


async def learn(lesson: Lesson) -> Learned:
    """Read the message: the model does, and rules without one, or when it fails. No transaction is open."""
    text = lesson.message.content
    if lesson.model is not None:
        before = lesson.summary.text if lesson.summary else ""
        try:
            statements, summary = await ask_for_memory(lesson.model, text=text, known=lesson.known, summary=before)
        except ModelFailed as error:
            _log.warning("memory.model_failed", message_id=str(lesson.message.id), reason=str(error)[:200])
        else:
            return Learned(statements, summary or None)
    return Learned(clean_statements(extract(text)), None)


async def record(tx: Tx, lesson: Lesson, learned: Learned, *, now: datetime) -> bool:
    """Keep what was learned, and return True; False when the message went to another contact meanwhile: learn again.

    Nothing is kept of a contact that is gone, of a message that was changed or deleted, nor twice of one message.
    """
    await contacts.lock_contact(tx, lesson.contact_id)
    conversation = await threads.find_conversation(tx, lesson.message.conversation_id)
    if conversation is not None and conversation.contact_id != lesson.contact_id:
        return False
    contact = await contacts.find_contact(tx, lesson.contact_id)
    message = await threads.find_message(tx, lesson.message.id)
    if contact is None or contact.deleted_at is not None or message is None:
        return True
    if message.content == lesson.message.content and await learning.claim_learning(tx, message.id, now):
        added = await queries.insert_learned(tx, contact.id, message, learned.statements)
        if await _roll(tx, contact.id, lesson, learned, now) or added:
            await announce(tx, Event("contact", contact.id))
    return True


async def _roll(tx: Tx, contact_id: ContactId, lesson: Lesson, learned: Learned, now: datetime) -> bool:
    """Write the summary on; a model's only if it knew the one that there is now. Return whether it changed."""
    message = lesson.message
    present = await queries.find_summary(tx, contact_id, message.assurance)
    made_of = {*(present.conversation_ids if present else ()), message.conversation_id}
    if len(made_of) > _MOST_CONVERSATIONS:
        present, made_of = None, {message.conversation_id}
    before = present.text if present else ""
    text = learned.summary if learned.summary and present == lesson.summary else None
    text = text or roll_summary(before, find_gist(message.content))
    if text == before:
        return False
    through = max(filter(None, [message.id, present.through_message_id if present else None]))
    written_by = present.written_by if present else None
    rolled = Summary(message.assurance, text, sorted(made_of), through, written_by, now)
    await queries.upsert_summary(tx, contact_id, rolled)
    return True


async def _find_assistant(tx: Tx, inbox_id: InboxId) -> Assistant | None:
    """Return the assistant of a platform; None when the platform is not connected any more."""
    try:
        inbox = await channels.get_inbox(tx, inbox_id)
    except NotFound:
        return None
    return await assistants.get_assistant(tx, inbox.assistant_id)
