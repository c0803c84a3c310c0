"""What happens at the same time: a session that ends under a message or a stream, and staff who change the contact."""

import asyncio
from uuid import UUID

import pytest
from tests.making import make_inbox

from conftest_webchat import Browser, read_events
from frontdesk.answers.actions import answer
from frontdesk.channels.model import IdentityMode
from frontdesk.contacts import queries as contacts
from frontdesk.conversations import queries as threads
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ConversationId, new_id
from frontdesk.core.text import utc_now
from frontdesk.demo.organization import Person
from frontdesk.identities import queries as identities
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.errors import ContactMerged, SourceIdTaken
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.source_ids import set_source_id
from frontdesk.organizations.model import system_caller
from frontdesk.webchat import actions as webchat

HOURS = "What are your opening hours?"


async def until_somebody_waits(tx) -> None:
    """Wait until another transaction waits for a lock of this one."""
    for _ in range(200):
        if await tx.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"):
            return
        await asyncio.sleep(0.05)
    pytest.fail("nobody waits")


async def arrive(db, shop, browser: Browser, source_id: str):
    """A member signs in; return their contact and session."""
    await browser.open(await shop.sign(Person(source_id, source_id, f"{source_id.lower()}@example.com", ())))
    async with db.begin(shop.organization_id) as tx:
        key = IdentityKey(shop.inbox.realm_id, source_id)
        contact = (await identities.find_owners(tx, [key]))[key]
        session = await tx.fetch_value(
            "SELECT id FROM chat_sessions WHERE contact_id = %(contact)s AND ended_at IS NULL", {"contact": contact}
        )
    return contact, session


async def test_a_message_that_meets_the_end_of_its_session_is_refused(db, shop, browser):
    """Whoever signs in while a message is on its way sends it again as themselves: it is neither lost nor misplaced."""
    await browser.ask(HOURS, key="login-race")
    conversation = ConversationId(UUID((await browser.open()).json()["conversation"]["id"]))
    async with db.begin(shop.organization_id) as tx:
        session = (await threads.get_conversation(tx, conversation)).session_id
        await identities.end_session(tx, session, "login", now=utc_now())
        sending = asyncio.create_task(browser.post("And on Sundays?", key="login-race"))
        await until_somebody_waits(tx)
    assert (await sending).status_code == 401
    async with db.begin(shop.organization_id) as tx:
        assert len(await threads.list_messages(tx, conversation)) == 2


@pytest.mark.parametrize("change", ["delete", "correct"])
async def test_staff_and_a_writing_member_never_wait_for_each_other(db, shop, browser, change):
    """Who changes a contact takes its sessions before its card, as a message does."""
    contact, session = await arrive(db, shop, browser, f"M-lock-{change}")
    caller = system_caller(shop.organization_id)

    async def change_it():
        async with db.begin(shop.organization_id) as tx:
            if change == "delete":
                await delete_contact(tx, caller, contact)
            else:
                await set_source_id(tx, caller, contact, "M-lock-corrected")

    async with db.begin(shop.organization_id) as tx:
        await identities.lock_session(tx, session)
        changing = asyncio.create_task(change_it())
        await until_somebody_waits(tx)
        await contacts.touch_inbox(tx, contact, shop.inbox.id, utc_now())
    await changing
    async with db.begin(shop.organization_id) as tx:
        assert await identities.find_session_by_id(tx, session) is None


async def test_a_member_who_opens_the_chat_waits_without_holding_the_session(db, shop, browser):
    """Opening takes the identity before the session, as staff do who correct it."""
    contact, session = await arrive(db, shop, browser, "M-lock-open")
    token = await shop.sign(Person("M-lock-open", "Lock", "lock@example.com", ()))
    async with db.begin(shop.organization_id) as tx:
        await tx.execute(
            "UPDATE chat_sessions SET last_seen_at = last_seen_at - interval '1 hour' WHERE id = %(id)s",
            {"id": session},
        )
    async with db.begin(shop.organization_id) as tx:
        await tx.fetch("SELECT 1 FROM identities WHERE contact_id = %(id)s FOR UPDATE", {"id": contact})
        opening = asyncio.create_task(browser.open(token))
        await until_somebody_waits(tx)
        assert await identities.end_sessions_of_contact(tx, contact, "source_id_corrected", now=utc_now()) == 1
    assert (await opening).status_code == 200


@pytest.mark.parametrize("first", ["staff", "login"])
async def test_a_source_id_that_is_given_away_while_its_owner_signs_in(db, shop, browser, first):
    """Staff give X to a visitor's card while this visitor signs in as X: one after the other, and no deadlock."""
    source_id = f"M-given-{first}"
    person = Person(source_id, source_id, f"{source_id.lower()}@example.com", ())
    token, caller = await shop.sign(person), system_caller(shop.organization_id)
    await browser.ask(HOURS, key=f"given-{first}")
    async with db.begin(shop.organization_id) as tx:
        sql = "SELECT contact_id, session_id FROM conversations WHERE session_key = %(key)s"
        contact, session = await tx.fetch_one(sql, {"key": f"given-{first}"})

    async def give():
        async with db.begin(shop.organization_id) as tx:
            return await set_source_id(tx, caller, contact, source_id)

    async with db.begin(shop.organization_id) as tx:
        await tx.fetch("SELECT 1 FROM chat_sessions WHERE id = %(id)s FOR UPDATE", {"id": session})
        running = []
        for step in [give(), browser.open(token)] if first == "staff" else [browser.open(token), give()]:
            running.append(asyncio.create_task(step))
            await asyncio.sleep(0.2)
        await until_somebody_waits(tx)
    ends = await asyncio.gather(*running, return_exceptions=True)
    failed = [end for end in ends if isinstance(end, Exception) or getattr(end, "status_code", 200) != 200]
    assert all(isinstance(end, SourceIdTaken | ContactMerged | NotFound) for end in failed)
    async with db.begin(shop.organization_id) as tx:
        key = IdentityKey(shop.inbox.realm_id, source_id)
        assert (await identities.find_owners(tx, [key])).keys() == {key}


async def until_a_message_waits(db, shop, conversation):
    async with asyncio.timeout(20):
        while True:
            async with db.begin(shop.organization_id) as tx:
                if await threads.list_awaiting_answer(tx, conversation):
                    return
            await asyncio.sleep(0.05)


async def test_a_stream_that_waits_shows_nothing_after_logout(db, shop, services, browser):
    """The answer that another process gives does not reach a browser that signed out meanwhile."""
    await browser.ask(HOURS, key="logout-stream")
    conversation = ConversationId(UUID((await browser.open()).json()["conversation"]["id"]))
    holder = new_id()
    async with db.begin(shop.organization_id) as tx:
        await threads.claim_lease(tx, conversation, holder, utc_now())
    waiting = asyncio.create_task(browser.post("Until when?", key="logout-stream"))
    await until_a_message_waits(db, shop, conversation)
    await browser.client.post(browser.url("logout"), headers=browser.headers)
    async for _ in answer(services, shop.organization_id, conversation, holder):
        pass
    assert [name for name, _ in read_events(await waiting)] == ["accepted", "error"]


async def test_each_of_quick_messages_is_told_its_own_answer(db, shop, services, browser):
    """A message that comes while the one before is being answered is not told that one's answer."""
    await browser.ask(HOURS, key="quick-messages")
    conversation = ConversationId(UUID((await browser.open()).json()["conversation"]["id"]))
    holder = new_id()
    async with db.begin(shop.organization_id) as tx:
        await threads.claim_lease(tx, conversation, holder, utc_now())
    waiting = asyncio.create_task(browser.post("How can I pay?", key="quick-messages"))
    await until_a_message_waits(db, shop, conversation)
    async with db.begin(shop.organization_id) as tx:  # the answer to the message before, stored only now
        inbox = shop.inbox
        await threads.insert_outgoing(
            tx, conversation, "Too late", sender_kind="assistant", sender_id=inbox.assistant_id, now=utc_now()
        )
    async for _ in answer(services, shop.organization_id, conversation, holder):
        pass
    events = read_events(await waiting)
    assert events[-1][0] == "answer"
    assert events[-1][1]["message"]["content"] != "Too late"


async def test_a_conversation_that_the_organization_opened_goes_on(db, shop, browser):
    """A member continues it in the chat under the key that the chat was given for it."""
    contact, _ = await arrive(db, shop, browser, "M-opened-for")
    async with db.begin(shop.organization_id) as tx:
        opened = await threads.insert_conversation(tx, contact, shop.inbox.id, now=utc_now())
        await threads.insert_outgoing(tx, opened.id, "Hello", sender_kind="member", sender_id=new_id(), now=utc_now())
        await tx.execute(
            "UPDATE conversations SET last_message_id = id, last_message_at = now() WHERE id = %(id)s",
            {"id": opened.id},
        )
    await browser.open(await shop.sign(Person("M-opened-for", "Opened", "opened@example.com", ())))
    key = browser.opened["conversation"]["key"]
    await browser.ask(HOURS, key=key)
    async with db.begin(shop.organization_id) as tx:
        assert len(await threads.list_messages(tx, opened.id)) == 3


async def test_refused_proofs_fill_the_log_only_so_far(db, shop, client):
    """Whoever sends one bad proof after the other is told to wait, and stores nothing more."""
    browser = Browser(client, shop.inbox)
    async with db.begin(shop.organization_id) as tx:
        await tx.execute("DELETE FROM throttle_attempts")
    statuses = [(await browser.open("nonsense")).status_code for _ in range(101)]
    assert statuses == [401] * 100 + [429]
    async with db.begin(shop.organization_id) as tx:
        await tx.execute("DELETE FROM throttle_attempts")


async def test_an_enterprise_that_cannot_be_asked_fills_the_log_only_so_far(db, shop, client, monkeypatch):
    """Whoever opens the chat again and again is a visitor each time, and stores nothing more."""
    monkeypatch.setattr(webchat, "_MOST_OPENED", 3)
    async with db.begin(shop.organization_id) as tx:
        inbox = await make_inbox(
            tx, system_caller(shop.organization_id), "Asks nobody", identity_mode=IdentityMode.INTROSPECT
        )
    browser = Browser(client, inbox)
    for _ in range(5):
        assert (await browser.open("token")).status_code == 200
        assert browser.opened["notice"] == "identity-unavailable"
    async with db.begin(shop.organization_id) as tx:
        sql = "SELECT count(*) FROM proof_failures WHERE inbox_id = %(inbox)s"
        assert await tx.fetch_value(sql, {"inbox": inbox.id}) == 3
