"""Replaying an answer: what the same question, asked in the same way, would be answered from by the rules of now.

It writes nothing but the audit entry, calls no model and reads no memory: an answer differs because what may be read
differs, and that is what a replay shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.access.model import Scope
from frontdesk.answers.askers import load_joint_asker
from frontdesk.answers.errors import NotReplayable
from frontdesk.answers.memory_model import Memory
from frontdesk.answers.model import History
from frontdesk.answers.receipt_queries import find_difference, list_given, list_receipts
from frontdesk.answers.receipts import GivenPassage, Receipt
from frontdesk.answers.speaking import Reading, read
from frontdesk.conversations.access import access_conversation, access_message
from frontdesk.conversations.queries import list_messages_by_id
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import DocumentId, MessageId
from frontdesk.core.services import Services
from frontdesk.knowledge.search import PermittedDocument, find_forbidden, prepare_question
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right


@dataclass(frozen=True, slots=True)
class Difference:
    """Documents that one scope opens and the other does not, as they are now: how many, and the first by title."""

    count: int
    documents: Sequence[PermittedDocument]


@dataclass(frozen=True, slots=True)
class Replay:
    """An answer's receipt beside what would be read now."""

    receipt: Receipt
    given: Sequence[GivenPassage]  # then
    closed: frozenset[DocumentId]  # of these, the documents that may not be read now
    reading: Reading  # what an answer would work with now, without memory and earlier turns
    opened_since: Difference  # by the rules; documents that were added or removed do not count
    closed_since: Difference

    @property
    def is_same(self) -> bool:
        """Whether the same passages, with the same words in the same order, would be given."""
        then = [(one.document_id, one.page_number) for one in self.given]
        now = [(source.hit.document_id, source.hit.page_number) for source in self.reading.sources]
        return then == now and all(one.is_unchanged for one in self.given)


async def read_receipt(tx: Tx, caller: Caller, message_id: MessageId) -> tuple[Receipt, list[GivenPassage]]:
    """Return how an answer came about. Right: conversations.view there. Raises NotFound, for messages of people too."""
    await access_message(tx, caller, message_id, Right.CONVERSATIONS_VIEW)
    receipts = await list_receipts(tx, [message_id])
    if not receipts:
        raise NotFound
    return receipts[0], await list_given(tx, [message_id])


async def replay(services: Services, caller: Caller, message_id: MessageId) -> Replay:
    """Search again for what was asked, as the same person by the rules of now.

    Rights: access.view_as in the conversation's inbox, and knowledge.view. Audited. Raises NotFound, and NotReplayable
    when the receipt does not hold all that it takes, or the contact is gone.
    """
    caller.require(Right.KNOWLEDGE_VIEW)
    async with services.db.begin(caller.organization_id) as tx:
        receipt, given = await read_receipt(tx, caller, message_id)
        conversation = await access_conversation(tx, caller, receipt.conversation_id, Right.ACCESS_VIEW_AS)
        questions = await list_messages_by_id(tx, receipt.question_ids)
    then = receipt.scope
    if then is None or not receipt.ways or not questions:
        raise NotReplayable
    question = await prepare_question(services.embedder, "\n".join(message.content for message in questions))
    async with services.db.begin(caller.organization_id) as tx:
        try:
            asker = await load_joint_asker(tx, conversation, receipt.ways)
        except NotFound as error:
            raise NotReplayable from error
        now = asker.scope.scope
        found = Replay(
            receipt,
            given,
            await find_forbidden(tx, now, {passage.document_id for passage in given}),
            await read(tx, services, asker, question, History(), Memory()),
            opened_since=await _compare(tx, now, then),
            closed_since=await _compare(tx, then, now),
        )
        await audit.record(tx, caller, "answer.replayed", "message", message_id, contact_id=conversation.contact_id)
    return found


async def _compare(tx: Tx, wide: Scope, narrow: Scope) -> Difference:
    return Difference(*await find_difference(tx, wide, narrow))
