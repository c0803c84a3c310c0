"""A visitor: nobody is stored before the first word, and nobody else reads what was said."""

import asyncio
from uuid import uuid4

import httpx

from conftest_webchat import Browser, Shop, read_events
from frontdesk.core.db import Database


async def count_contacts(db: Database, shop: Shop) -> int:
    async with db.begin(shop.organization_id) as tx:
        return await tx.fetch_value("SELECT count(*) FROM contacts WHERE deleted_at IS NULL")


async def test_looking_stores_nobody(db, shop, browser):
    """Opening the chat again and again makes no contact and no session."""
    before = await count_contacts(db, shop)
    for _ in range(20):
        assert (await browser.open()).json()["sessionToken"] is None
    assert await count_contacts(db, shop) == before


async def test_the_first_word_makes_one_anonymous_contact(db, shop, browser):
    """The answer cites a public document, and a reload finds the conversation again."""
    before = await count_contacts(db, shop)
    answer = await browser.ask("What are your opening hours?")
    assert "10:00" in answer["content"]
    assert answer["isFound"] is True
    assert [citation["title"] for citation in answer["citations"]] == ["What are your opening hours?"]
    assert await count_contacts(db, shop) == before + 1
    await browser.open()
    assert [message["type"] for message in browser.opened["conversation"]["messages"]] == ["incoming", "outgoing"]


async def test_a_second_conversation_is_a_second_contact(db, shop, browser):
    """Anonymous contacts are one per conversation."""
    before = await count_contacts(db, shop)
    await browser.ask("What are your opening hours?", key="conversation-1")
    await browser.ask("How can I pay?", key="conversation-2")
    assert await count_contacts(db, shop) == before + 2
    await browser.open()
    assert len(browser.opened["conversations"]) == 2


async def test_64_first_messages_make_one_contact_and_lose_none(db, shop, browser):
    """Messages of one visitor session that arrive at once share one contact; each is there once."""
    before = await count_contacts(db, shop)
    await browser.start()
    sent = [browser.post(f"Question {number}: how can I pay?", key="conversation-1") for number in range(64)]
    responses = await asyncio.gather(*sent)
    assert {response.status_code for response in responses} == {200}
    assert await count_contacts(db, shop) == before + 1
    await browser.open()
    messages = browser.opened["conversation"]["messages"]
    assert sorted(m["content"] for m in messages if m["type"] == "incoming") == sorted(
        f"Question {number}: how can I pay?" for number in range(64)
    )


async def test_sending_again_doubles_nothing(browser):
    """A retry with the same ids finds the message and its answer."""
    await browser.start()
    message = str(uuid4())
    first = read_events(await browser.post("How can I pay?", key="conversation-1", message=message))
    second = read_events(await browser.post("How can I pay?", key="conversation-1", message=message))
    assert first[0] == second[0]
    assert first[-1] == second[-1]
    await browser.open()
    assert len(browser.opened["conversation"]["messages"]) == 2


async def test_another_visitor_reads_nothing_of_it(browser, other_browser):
    """A conversation's id opens nothing without the session that wrote it."""
    await browser.ask("How can I pay?")
    await browser.open()
    conversation = browser.opened["conversation"]["id"]
    await other_browser.start()
    for path in (f"conversations/{conversation}/messages", f"conversations/{conversation}/events"):
        response = await other_browser.client.get(other_browser.url(path), headers=other_browser.headers)
        assert response.status_code == 404


async def test_nothing_is_read_after_logout(browser):
    """The old token is worth nothing."""
    await browser.ask("How can I pay?")
    conversation = (await browser.open()).json()["conversation"]["id"]
    assert (await browser.client.post(browser.url("logout"), headers=browser.headers)).status_code == 204
    response = await browser.client.get(browser.url(f"conversations/{conversation}/messages"), headers=browser.headers)
    assert response.status_code == 401
    assert (await browser.open()).json()["conversation"] is None


async def test_bad_messages_are_refused_with_a_pointer(browser: Browser):
    """Empty, too long, or with a filter that cannot be read: 400, and nothing is stored."""
    await browser.start()
    for text in ("   ", "x" * 8001):
        response = await browser.post(text, key="conversation-1")
        assert response.status_code == 400
        assert response.json()["errors"][0]["pointer"]
    body = {
        "conversationKey": "conversation-1",
        "messageId": str(uuid4()),
        "text": "Hello",
        "queryMetadata": {"knowledge_bases": 7},
    }
    response = await browser.client.post(browser.url("messages"), json=body, headers=browser.headers)
    assert response.status_code == 400
    await browser.open()
    assert browser.opened["conversations"] == []


async def test_a_foreign_page_may_not_call(browser: Browser, client: httpx.AsyncClient):
    """A request with another origin is refused; our own pages are served."""
    response = await client.post(browser.url("open"), json={}, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    response = await client.post(browser.url("open"), json={}, headers={"Origin": "http://desk.test"})
    assert response.status_code == 200


async def test_the_frame_may_be_embedded_by_named_origins_only(client: httpx.AsyncClient, shop: Shop):
    """The frame's policy names who may embed it; a chat that does not exist is 404."""
    response = await client.get(f"/chat/{shop.inbox.public_id}")
    assert "frame-ancestors 'self'" in response.headers["content-security-policy"]
    assert "unsafe" not in response.headers["content-security-policy"]
    assert (await client.get(f"/chat/{uuid4()}")).status_code == 404


async def test_a_flood_is_slowed_down(db, shop, browser):
    """More messages than a person can write, or more new chats from one address than people sit there: 429 with a wait."""
    await browser.start()
    responses = await asyncio.gather(*(browser.post(f"{n}", key="flood-conversation") for n in range(101)))
    refused = [response for response in responses if response.status_code == 429]
    assert len(refused) == 1
    assert int(refused[0].headers["retry-after"]) >= 1
    flooding = httpx.ASGITransport(browser.client._transport.app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=flooding, base_url="http://desk.test") as client:
        statuses = [(await client.post(browser.url("sessions"))).status_code for _ in range(101)]
    assert statuses == [201] * 100 + [429]


async def test_a_question_without_an_answer_waits_for_a_member(db, shop, browser):
    """Nothing found: the conversation shows that it waits for a person; a found answer settles it."""

    async def waits() -> bool:
        async with db.begin(shop.organization_id) as tx:
            return await tx.fetch_value(
                "SELECT waits_for_member FROM conversations ORDER BY last_message_at DESC NULLS LAST LIMIT 1"
            )

    await browser.ask("Tell me about quantum chromodynamics")
    assert await waits()
    await browser.ask("How can I pay?")
    assert not await waits()
