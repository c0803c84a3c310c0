"""Somebody writes on a platform, and the assistant answers."""

from frontdesk.access.model import Assurance
from frontdesk.answers.actions import answer
from frontdesk.assistants.actions import ModelRules
from frontdesk.channels.actions import create_inbox
from frontdesk.channels.assistant_actions import create_assistant_with_inbox
from frontdesk.channels.model import ChannelType
from frontdesk.contacts.actions import create_anonymous
from frontdesk.conversations import queries
from frontdesk.conversations.actions import receive_message
from frontdesk.conversations.model import Incoming
from frontdesk.core.ids import new_id
from frontdesk.core.text import utc_now
from frontdesk.knowledge.actions import create_knowledge_base
from frontdesk.knowledge.model import FaqText
from frontdesk.knowledge.writing import create_faq
from frontdesk.organizations.model import system_caller


async def open_shop(services, organization, *, greeting="", question="When are you open?", answer="From ten to seven."):
    """A web chat whose assistant knows one FAQ that visitors may read."""
    caller = system_caller(organization)
    async with services.db.begin(organization) as tx:
        base = await create_knowledge_base(tx, caller, {"name": "Shop"}, embedding_model=services.embedder.model)
        rules = ModelRules(services.cipher, services.model_urls)
        assistant, _ = await create_assistant_with_inbox(
            tx, caller, {"name": "Shop assistant", "base_ids": [base.id]}, rules
        )
        scope = {"knowledge_bases": [{"knowledge_base_id": str(base.id), "has_user_selected_all": True}]}
        inbox, _ = await create_inbox(
            tx,
            caller,
            {"name": "Shop web", "assistant_id": assistant.id, "visitor_scope": scope, "greeting": greeting},
            channel_type=ChannelType.WEB,
        )
    await create_faq(services, caller, base.id, FaqText(question, answer))
    return inbox, base


async def say(services, organization, inbox, text, *, conversation=None, contact_id=None):
    """A visitor writes; the conversation as it is then."""
    now = utc_now()
    async with services.db.begin(organization) as tx:
        if conversation is None:
            contact_id = contact_id or await create_anonymous(tx, inbox.id, now=now)
            conversation = await queries.insert_conversation(tx, contact_id, inbox.id, now=now)
        incoming = Incoming(text, conversation.contact_id, Assurance.ANONYMOUS)
        await receive_message(tx, conversation, incoming, now=now)
        return await queries.get_conversation(tx, conversation.id)


async def let_answer(services, organization, conversation):
    """The assistant answers what waits."""
    holder = new_id()
    async with services.db.begin(organization) as tx:
        await queries.claim_lease(tx, conversation.id, holder, utc_now())
    async for _ in answer(services, organization, conversation.id, holder):
        pass
