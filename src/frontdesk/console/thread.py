"""What is said in a conversation, and how each answer came about."""

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.answers.receipt_queries import list_given, list_receipts
from frontdesk.answers.receipts import GivenPassage, Receipt
from frontdesk.conversations.model import Message, MessageType
from frontdesk.conversations.queries import find_sender_names, list_messages, list_open_questions
from frontdesk.core.db import Tx
from frontdesk.core.ids import ConversationId

STEP = 100  # messages that are shown at first, and more at each press


@dataclass(frozen=True, slots=True)
class Line:
    """One message, with what stands above and below it."""

    message: Message
    sender: str  # empty: an anonymous contact
    receipt: Receipt | None  # of answers of the assistant only
    given: tuple[GivenPassage, ...]  # what the model was given for it, by number
    starts_day: bool
    is_proven_anew: bool  # the contact writes from here on in a session of another assurance

    @property
    def cited(self) -> Sequence[GivenPassage]:
        """The passages that the answer cites; those whose document is gone are left out."""
        return [passage for passage in self.given if passage.is_cited and passage.title is not None]


@dataclass(frozen=True, slots=True)
class Thread:
    """The latest messages, oldest first."""

    lines: tuple[Line, ...]
    has_earlier: bool
    is_answering: bool  # the assistant works on an answer right now


async def load_thread(tx: Tx, conversation_id: ConversationId, *, shown: int) -> Thread:
    """Return the latest `shown` messages with their receipts."""
    found = await list_messages(tx, conversation_id, limit=shown + 1)
    messages = found[-shown:]
    ids = [message.id for message in messages]
    senders = await find_sender_names(tx, ids)
    receipts = {receipt.message_id: receipt for receipt in await list_receipts(tx, ids)}
    given = await list_given(tx, ids)
    lines = []
    before: Message | None = None
    assurance = None
    for message in messages:
        is_incoming = message.type is MessageType.INCOMING
        lines.append(
            Line(
                message,
                senders.get(message.id, ""),
                receipts.get(message.id),
                tuple(passage for passage in given if passage.message_id == message.id),
                starts_day=before is None or before.created_at.date() != message.created_at.date(),
                is_proven_anew=is_incoming and message.assurance is not assurance,
            )
        )
        before = message
        assurance = message.assurance if is_incoming else assurance
    is_answering = conversation_id in await list_open_questions(tx, [conversation_id])
    return Thread(tuple(lines), len(found) > shown, is_answering)
