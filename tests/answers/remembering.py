"""People who write, and what is remembered of them."""

from dataclasses import dataclass

from tests.making import make_inbox

from frontdesk.access.model import Assurance
from frontdesk.answers.handlers import on_memory_due
from frontdesk.answers.memory import load_memory
from frontdesk.answers.memory_model import Memory
from frontdesk.channels.model import Inbox
from frontdesk.contacts.actions import create_anonymous
from frontdesk.conversations import queries as threads
from frontdesk.conversations.actions import receive_message
from frontdesk.conversations.model import Conversation, Incoming
from frontdesk.core.ids import ContactId, MessageId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.organizations.model import system_caller


@dataclass
class Remembering:
    """An inbox to write to. `learn=False` leaves the job of a message undone."""

    services: Services
    organization_id: OrganizationId
    inbox: Inbox

    async def meet(self) -> ContactId:
        async with self.services.db.begin(self.organization_id) as tx:
            return await create_anonymous(tx, self.inbox.id, now=utc_now())

    async def open(self, contact_id: ContactId) -> Conversation:
        async with self.services.db.begin(self.organization_id) as tx:
            return await threads.insert_conversation(tx, contact_id, self.inbox.id, now=utc_now())

    async def write(
        self,
        conversation: Conversation,
        text: str,
        assurance: Assurance = Assurance.SIGNED,
        *,
        learn: bool = True,
    ) -> MessageId:
        incoming = Incoming(text, conversation.contact_id, assurance)
        async with self.services.db.begin(self.organization_id) as tx:
            message_id, _ = await receive_message(tx, conversation, incoming, now=utc_now())
        if learn:
            await self.learn(message_id)
        return message_id

    async def learn(self, message_id: MessageId) -> None:
        await on_memory_due(self.services, self.organization_id, message_id=message_id)

    async def recall(self, contact_id: ContactId) -> Memory:
        async with self.services.db.begin(self.organization_id) as tx:
            return await load_memory(tx, contact_id)

    async def texts(self, contact_id: ContactId) -> list[str]:
        return [fact.text for fact in (await self.recall(contact_id)).facts]


async def make_remembering(services: Services, organization_id: OrganizationId) -> Remembering:
    async with services.db.begin(organization_id) as tx:
        inbox = await make_inbox(tx, system_caller(organization_id))
    return Remembering(services, organization_id, inbox)
