"""What the worker runs for answers: the net under a process that died while it answered, and memory."""

from uuid import UUID

from frontdesk.answers.actions import answer
from frontdesk.answers.memory_learning import find_lesson, learn, record
from frontdesk.conversations import queries as threads
from frontdesk.conversations.actions import ANSWER_DUE, CRASH_NET, MEMORY_DUE
from frontdesk.core.handlers import Handler
from frontdesk.core.ids import ConversationId, MessageId, OrganizationId, new_id
from frontdesk.core.jobs import enqueue
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now


async def on_answer_due(services: Services, organization_id: OrganizationId, *, conversation_id: UUID) -> None:
    """Answer what still waits. While somebody else is answering, look again later: that process may die yet."""
    conversation, holder = ConversationId(conversation_id), new_id()
    async with services.db.begin(organization_id) as tx:
        if not await threads.claim_lease(tx, conversation, holder, utc_now()):
            if await threads.list_awaiting_answer(tx, conversation):
                lock = str(conversation_id)
                await enqueue(tx, ANSWER_DUE, delay=CRASH_NET, lock=lock, conversation_id=conversation_id)
            return
    async for _ in answer(services, organization_id, conversation, holder):
        pass


async def on_memory_due(services: Services, organization_id: OrganizationId, *, message_id: UUID) -> None:
    """Remember what a message says of its writer, once. A contact that is merged meanwhile is learned of anew."""
    while True:
        async with services.db.begin(organization_id) as tx:
            lesson = await find_lesson(tx, services, MessageId(message_id))
        if lesson is None:
            return
        learned = await learn(lesson)
        async with services.db.begin(organization_id) as tx:
            if await record(tx, lesson, learned, now=utc_now()):
                return


HANDLERS: dict[str, Handler] = {ANSWER_DUE: on_answer_due, MEMORY_DUE: on_memory_due}
