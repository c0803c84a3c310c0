"""Who answers, when several could: nobody's message is lost, answered twice, or answered beyond its own filter."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from conftest import make_key
from conftest_webchat import read_events
from frontdesk.access.model import Assurance
from frontdesk.answers.actions import answer
from frontdesk.answers.handlers import on_answer_due
from frontdesk.channels import queries as channels
from frontdesk.contacts.access_actions import assign_profile, unassign_profile
from frontdesk.contacts.actions import create_anonymous
from frontdesk.conversations import queries as threads
from frontdesk.conversations.actions import receive_message, reply
from frontdesk.conversations.model import LEASE, Conversation, Incoming
from frontdesk.core.db import Database
from frontdesk.core.ids import new_id
from frontdesk.core.text import utc_now
from frontdesk.demo.organization import LIN
from frontdesk.identities import queries as identities
from frontdesk.identities.model import IdentityKey
from frontdesk.organizations.model import system_caller

HOURS = "What are your opening hours?"
DELIVERY = "How long does delivery take?"  # the hotline is not among its sources
HOTLINE = "What does the personal service hotline offer?"
NOWHERE = {"knowledge_bases": [{"knowledge_base_id": str(uuid4()), "has_user_selected_all": True}]}


async def write(
    db: Database, shop, text: str = HOURS, conversation: Conversation | None = None, **facts
) -> Conversation:
    """A contact writes, and no process answers."""
    now = utc_now()
    async with db.begin(shop.organization_id) as tx:
        if conversation is None:
            contact = await create_anonymous(tx, shop.inbox.id, now=now)
            conversation = await threads.insert_conversation(tx, contact, shop.inbox.id, now=now)
        incoming = Incoming(text, conversation.contact_id, Assurance.ANONYMOUS, **facts)
        await receive_message(tx, conversation, incoming, now=now)
    return conversation


async def claim(db: Database, shop, conversation: Conversation, *, now=None):
    holder = new_id()
    async with db.begin(shop.organization_id) as tx:
        claimed = await threads.claim_lease(tx, conversation.id, holder, now or utc_now())
    return holder if claimed else None


async def read_thread(db: Database, shop, conversation: Conversation):
    async with db.begin(shop.organization_id) as tx:
        return await threads.list_messages(tx, conversation.id)


async def until_somebody_waits(tx) -> None:
    """Wait until another transaction waits for a lock of this one."""
    for _ in range(200):
        if await tx.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"):
            return
        await asyncio.sleep(0.05)
    pytest.fail("nobody waits")


async def ask_by_api(client, shop, key, conversation=None, text=HOURS, **body):
    body |= {"message": {"content": text}, "conversation": conversation}
    url = f"/api/v1/chatbots/{shop.inbox.assistant_id}/completions"
    return await client.post(url, json=body, headers=key, timeout=60)


async def test_a_streamed_completion_leaves_the_conversation_free(db, shop, client):
    """Whoever asks again right after a stream gets an answer, not silence."""
    key = await make_key(db, shop.organization_id)
    streamed = await ask_by_api(client, shop, key, isStreaming=True)
    assert '"done":true' in streamed.text.replace(" ", "")
    conversation = streamed.text.split('"conversationId":')[1].strip(' "')[:36]
    again = await ask_by_api(client, shop, key, conversation)
    assert again.json()["content"]


async def test_completions_at_once_are_all_answered(db, shop, client):
    """Two questions in one conversation at the same time: each caller gets an answer."""
    key = await make_key(db, shop.organization_id)
    first = (await ask_by_api(client, shop, key)).json()["conversationId"]
    answers = await asyncio.gather(*(ask_by_api(client, shop, key, first) for _ in range(4)))
    assert all(one.json()["content"] for one in answers)


async def test_a_failed_answer_frees_the_conversation(db, shop, services):
    """A process that fails does not keep others from trying again at once."""

    class Broken:
        model = "broken"

        async def embed_question(self, text: str):  # noqa: ARG002 -- as the protocol has it
            raise RuntimeError

    conversation = await write(db, shop)
    holder = await claim(db, shop, conversation)
    with pytest.raises(RuntimeError):
        async for _ in answer(replace(services, embedder=Broken()), shop.organization_id, conversation.id, holder):
            pass
    assert await claim(db, shop, conversation)


async def test_the_net_stays_as_long_as_somebody_answers(db, shop, services):
    """A job that finds a slow answer in the making comes again: the process that makes it may die yet."""
    conversation = await write(db, shop)
    await claim(db, shop, conversation)
    waiting = "SELECT count(*) FROM procrastinate_jobs WHERE args ->> 'conversation_id' = %(id)s"
    async with db.begin(shop.organization_id) as tx:
        before = await tx.fetch_value(waiting, {"id": str(conversation.id)})
    await on_answer_due(services, shop.organization_id, conversation_id=conversation.id)
    async with db.begin(shop.organization_id) as tx:
        assert await tx.fetch_value(waiting, {"id": str(conversation.id)}) == before + 1


async def test_the_net_is_taken_in_when_nothing_waits(db, shop, services):
    """A job that finds everything answered does not come again."""
    conversation = await write(db, shop)
    holder = await claim(db, shop, conversation)
    async for _ in answer(services, shop.organization_id, conversation.id, holder):
        pass
    await claim(db, shop, conversation)
    waiting = "SELECT count(*) FROM procrastinate_jobs WHERE args ->> 'conversation_id' = %(id)s"
    async with db.begin(shop.organization_id) as tx:
        before = await tx.fetch_value(waiting, {"id": str(conversation.id)})
    await on_answer_due(services, shop.organization_id, conversation_id=conversation.id)
    async with db.begin(shop.organization_id) as tx:
        assert await tx.fetch_value(waiting, {"id": str(conversation.id)}) == before


async def test_an_answer_and_a_new_message_never_wait_for_each_other(db, shop, services):
    """While a message is being stored, the answer to the one before waits without holding what the message needs."""
    conversation = await write(db, shop)
    holder = await claim(db, shop, conversation)

    async def answer_it():
        async for _ in answer(services, shop.organization_id, conversation.id, holder):
            pass

    async with db.begin(shop.organization_id) as tx:
        incoming = Incoming("And on Sundays?", conversation.contact_id, Assurance.ANONYMOUS)
        await receive_message(tx, conversation, incoming, now=utc_now())
        answering = asyncio.create_task(answer_it())
        await until_somebody_waits(tx)
        assert not await threads.claim_lease(tx, conversation.id, new_id(), utc_now())
    await answering
    assert [m.type for m in await read_thread(db, shop, conversation)].count("outgoing") == 2


async def test_an_answer_and_a_reply_never_wait_for_each_other(db, shop):
    """A member's reply takes the conversation before its messages, as an answer does."""
    conversation = await write(db, shop)

    async def reply_to_it():
        async with db.begin(shop.organization_id) as tx:
            await reply(tx, system_caller(shop.organization_id), conversation.id, "Hello", now=utc_now())

    async with db.begin(shop.organization_id) as tx:
        await threads.update_conversation(tx, conversation.id, waits_for_member=False)
        replying = asyncio.create_task(reply_to_it())
        await until_somebody_waits(tx)
        waiting = await threads.list_awaiting_answer(tx, conversation.id)
        await threads.update_answered(tx, conversation.id, [message.id for message in waiting])
    await replying


@pytest.mark.parametrize("narrow_first", [True, False])
async def test_one_answer_to_several_messages_obeys_the_filter_of_each(db, shop, services, narrow_first):
    """A filter of one message is not lost because another one shares its answer."""
    filters = [NOWHERE, None] if narrow_first else [None, NOWHERE]
    conversation = await write(db, shop, query_metadata=filters[0])
    await write(db, shop, conversation=conversation, query_metadata=filters[1])
    holder = await claim(db, shop, conversation, now=utc_now() + LEASE + timedelta(seconds=1))
    async for _ in answer(services, shop.organization_id, conversation.id, holder):
        pass
    assert "10:00" not in (await read_thread(db, shop, conversation))[-1].content


async def test_a_revoked_document_leaves_the_prompt_with_all_that_was_made_of_it(db, shop, speaking, model):
    """An answer that repeats what an earlier one said of a document is no way around its revocation."""
    key = IdentityKey(shop.inbox.realm_id, LIN.source_id)
    await speaking.open(await shop.sign(LIN))
    caller = system_caller(shop.organization_id)
    async with db.begin(shop.organization_id) as tx:
        contact = (await identities.find_owners(tx, [key]))[key]
        vip = await tx.fetch_value("SELECT id FROM access_profiles WHERE name = 'VIP'")
        await assign_profile(tx, caller, contact, vip)
    model.words = ["Canary-one [1]"]
    await speaking.ask(HOTLINE, key="derived-conversation")
    model.words = ["Canary-two [1]"]  # made of the earlier turn, beside other sources
    await speaking.ask(DELIVERY, key="derived-conversation")
    assert "Canary-one" in model.prompts[-1]
    async with db.begin(shop.organization_id) as tx:
        await unassign_profile(tx, caller, contact, vip)
    await speaking.ask(DELIVERY, key="derived-conversation")
    assert "Canary-one" not in model.prompts[-1]
    assert "Canary-two" not in model.prompts[-1]


async def test_law_10_a_revoke_cuts_an_answer_that_was_given_an_earlier_turn(db, shop, speaking, model):
    """What reached the model as an earlier turn is checked in a running answer like its sources."""
    key = IdentityKey(shop.inbox.realm_id, LIN.source_id)
    await speaking.open(await shop.sign(LIN))
    caller = system_caller(shop.organization_id)
    async with db.begin(shop.organization_id) as tx:
        contact = (await identities.find_owners(tx, [key]))[key]
        vip = await tx.fetch_value("SELECT id FROM access_profiles WHERE name = 'VIP'")
        await assign_profile(tx, caller, contact, vip)
    model.words = ["Canary-one [1]"]
    await speaking.ask(HOTLINE, key="cut-turn-conversation")
    model.words, model.pause = ["As ", "I ", "said: ", "Canary-one ", "[1]."], 0.4
    asked = asyncio.create_task(speaking.post(DELIVERY, key="cut-turn-conversation"))
    while len(model.requests) < 2:  # noqa: ASYNC110 -- the model runs in another thread
        await asyncio.sleep(0.05)
    model.words = ["We open at 10:00 [1]."]
    async with db.begin(shop.organization_id) as tx:
        await unassign_profile(tx, caller, contact, vip)
    events = read_events(await asked)
    assert "replace" in [name for name, _ in events]
    assert "Canary-one" not in events[-1][1]["message"]["content"]


async def test_an_assistant_without_a_key_for_its_model_reads_out_passages(db, shop, speaking):
    """A model that cannot even be opened is replaced like one that fails."""
    async with db.begin(shop.organization_id) as tx:
        inbox = await channels.get_inbox(tx, shop.inbox.id)
        await tx.execute(
            "UPDATE assistants SET model_key = NULL, model_base_url = NULL WHERE id = %(id)s",
            {"id": inbox.assistant_id},
        )
    await speaking.start()
    message = read_events(await speaking.post(HOURS, key="no-key-conversation"))[-1][1].get("message")
    assert message
    assert "10:00" in message["content"]
