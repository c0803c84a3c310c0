"""What the worker runs for answers: the net under a process that died while it answered."""

from uuid import UUID

from frontdesk.answers.actions import answer
from frontdesk.conversations import queries as threads
from frontdesk.core.ids import ConversationId, OrganizationId, new_id
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now


async def on_answer_due(services: Services, organization_id: OrganizationId, *, conversation_id: UUID) -> None:
    """Answer what still waits, unless somebody is answering."""
    conversation, holder = ConversationId(conversation_id), new_id()
    async with services.db.begin(organization_id) as tx:
        if not await threads.claim_lease(tx, conversation, holder, utc_now()):
            return
    async for _ in answer(services, organization_id, conversation, holder):
        pass


HANDLERS = {"answers.answer_due": on_answer_due}
