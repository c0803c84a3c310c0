"""Threat 15: two visitors of one chat; neither reaches the other's conversation, message, attachment or feedback."""

from uuid import uuid4

import httpx
import pytest
from tests.making import make_inbox

from conftest import make_key
from conftest_webchat import Browser, Shop
from frontdesk.conversations.attachments import bring_attachment
from frontdesk.core.db import Database
from frontdesk.core.ids import ConversationId
from frontdesk.demo.organization import Person
from frontdesk.identities.source_ids import set_source_id
from frontdesk.organizations.keys import create_api_key
from frontdesk.organizations.model import Right, system_caller

SECRET = "My order is number 7461."


@pytest.fixture
async def theirs(browser: Browser) -> dict[str, str]:
    """Ids of what another visitor wrote."""
    await browser.ask(SECRET, key=f"s15-{uuid4()}")
    thread = (await browser.open()).json()["conversation"]
    messages = {message["type"]: message["id"] for message in thread["messages"]}
    return {"conversation": thread["id"], "message": messages["incoming"], "answer": messages["outgoing"]}


async def test_s15_in_the_chat(other_browser: Browser, theirs: dict[str, str]):
    """Reading and listening are 404; an id sent as a key, or as the id of a message, begins something of one's own."""
    await other_browser.start()
    for part in ("messages", "events", f"messages?after={theirs['message']}"):
        url = other_browser.url(f"conversations/{theirs['conversation']}/{part}")
        response = await other_browser.client.get(url, headers=other_browser.headers)
        assert response.status_code == 404
        assert SECRET not in response.text
    response = await other_browser.post("Go on.", key=theirs["conversation"], message=theirs["message"])
    assert SECRET not in response.text
    opened = (await other_browser.open()).json()
    assert opened["conversation"]["id"] != theirs["conversation"]
    assert [one["content"] for one in opened["conversation"]["messages"] if one["type"] == "incoming"] == ["Go on."]


async def test_s15_a_message_after_anothers_shows_nothing(other_browser: Browser, theirs: dict[str, str]):
    """The place from which one reads on may be anything: it is looked for in one's own conversation."""
    await other_browser.ask("How can I pay?", key="s15-own-key")
    own = (await other_browser.open()).json()["conversation"]["id"]
    url = other_browser.url(f"conversations/{own}/messages?after={theirs['message']}")
    assert SECRET not in (await other_browser.client.get(url, headers=other_browser.headers)).text


async def test_s15_a_browser_that_proved_nothing_does_not_read_along(
    db: Database, shop: Shop, browser: Browser, other_browser: Browser
):
    """Staff believe a visitor who says who they are; what the person writes there, once proven, is not the visitor's."""
    await other_browser.ask("I am M-believed.", key="s15-believed")
    thread = (await other_browser.open()).json()["conversation"]["id"]
    async with db.begin(shop.organization_id) as tx:
        sql = "SELECT contact_id FROM conversations WHERE id = %(id)s"
        contact = await tx.fetch_value(sql, {"id": thread})
        await set_source_id(tx, system_caller(shop.organization_id), contact, "M-believed")
    url = other_browser.url(f"conversations/{thread}/messages")
    assert (await other_browser.client.get(url, headers=other_browser.headers)).status_code == 200
    await browser.open(await shop.sign(Person("M-believed", "Bea", "bea@example.com", ())))
    assert browser.opened["conversation"]["id"] == thread
    await browser.ask(SECRET, key="s15-believed")
    response = await other_browser.client.get(url, headers=other_browser.headers)
    assert response.status_code == 401
    assert (await other_browser.open()).json()["conversation"] is None


async def test_s15_through_the_api_as_another_contact(
    client: httpx.AsyncClient, shop: Shop, shop_key: dict[str, str], theirs: dict[str, str]
):
    """Whoever speaks as somebody else is no part of the conversation: 409, and nothing is written into it."""
    made = await client.post("/api/v1/contacts/", json={"name": "Ben"}, headers=shop_key)
    body = {
        "conversation": theirs["conversation"],
        "message": {"content": "Repeat all.", "sender": made.json()["id"]},
        "isStreaming": False,
    }
    path = f"/api/v1/chatbots/{shop.inbox.assistant_id}/completions/"
    response = await client.post(path, json=body, headers=shop_key)
    assert response.status_code == 409, response.text
    assert SECRET not in response.text


async def test_s15_through_the_api_without_the_inbox(
    client: httpx.AsyncClient, shop: Shop, theirs: dict[str, str], services
):
    """A key of another inbox reads, answers, attaches to and rates nothing of it."""
    caller = system_caller(shop.organization_id)
    attachment = await bring_attachment(
        services,
        caller,
        filename="receipt.txt",
        content=b"7461",
        conversation_id=ConversationId(theirs["conversation"]),
    )
    async with services.db.begin(shop.organization_id) as tx:
        inbox = await make_inbox(tx, caller, f"Elsewhere {uuid4()}")
        _, secret = await create_api_key(
            tx, caller, name=str(uuid4()), rights=list(Right), inbox_ids=frozenset({inbox.id}), expires_at=None
        )
    headers = {"Authorization": f"Api-Key {secret}"}
    conversation, message, answer = theirs["conversation"], theirs["message"], theirs["answer"]
    for method, path, body in (
        ("GET", f"conversations/{conversation}/", None),
        ("GET", f"messages/?conversation={conversation}", None),
        ("GET", f"messages/{message}/", None),
        ("POST", "messages/", {"conversation": conversation, "content": "Hello"}),
        ("POST", "messages/outgoing/", {"conversation": conversation, "content": "Hello"}),
        ("PATCH", f"messages/{answer}/feedback/", {"feedback": "like"}),
        ("PATCH", f"conversations/{conversation}/update-auto-reply/", {"autoReplyEnabled": False}),
        ("GET", f"attachments/{attachment.id}/", None),
    ):
        response = await client.request(method, f"/api/v1/{path}", json=body, headers=headers)
        assert response.status_code == 404, (method, path, response.text)
        assert SECRET not in response.text


async def test_s15_an_attachment_is_sent_by_who_brought_it(
    client: httpx.AsyncClient, shop: Shop, services, shop_key: dict[str, str], theirs: dict[str, str]
):
    """Another key of the same organization cannot put it into a message."""
    other = await make_key(services.db, shop.organization_id)
    brought = await client.post(
        "/api/v1/attachments/", files={"file": ("receipt.txt", b"7461", "text/plain")}, headers=shop_key
    )
    body = {"conversation": theirs["conversation"], "content": "See this.", "attachments": [brought.json()["id"]]}
    response = await client.post("/api/v1/messages/", json=body, headers=other)
    assert response.status_code == 404, response.text
