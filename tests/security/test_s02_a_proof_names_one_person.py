"""Threat 2: a proof for A, used on any route that names B, is refused."""

from fastapi.routing import APIRoute, iter_route_contexts

from conftest_webchat import Browser
from frontdesk.demo.organization import LIN, ZHANG


async def arrive(shop, client, person, key: str) -> Browser:
    browser = Browser(client, shop.inbox)
    await browser.open(await shop.sign(person))
    await browser.ask("How can I pay?", key=key)
    await browser.open(await shop.sign(person))
    return browser


async def test_s02_no_route_of_the_chat_gives_a_what_is_bs(app, shop, client):
    """Every route with an id in its path answers 404, as for an id that does not exist."""
    zhang, lin = await arrive(shop, client, ZHANG, "s02-zhang-1"), await arrive(shop, client, LIN, "s02-lin-1")
    of_lin = lin.opened["conversation"]["id"]
    paths = [
        (method, route.path_format)
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute)
        and route.path_format.startswith("/webchat/{public_id}/conversations/")
        for method in route.methods or ()
    ]
    assert len(paths) >= 2
    for method, path in paths:
        url = path.format(public_id=shop.inbox.public_id, conversation_id=of_lin)
        response = await client.request(method, url, headers=zhang.headers)
        assert (method, path, response.status_code) == (method, path, 404)


async def test_s02_bs_conversation_key_opens_as_own(db, shop, client):
    """The key that a browser chooses is read within its own contact: what A writes under it is A's."""
    zhang, lin = await arrive(shop, client, ZHANG, "s02-zhang-2"), await arrive(shop, client, LIN, "s02-shared")
    await zhang.ask("How can I pay? s02", key="s02-shared")
    await lin.open(await shop.sign(LIN))
    texts = [message["content"] for message in lin.opened["conversation"]["messages"]]
    assert "How can I pay? s02" not in texts
    async with db.begin(shop.organization_id) as tx:
        owners = await tx.fetch("SELECT DISTINCT contact_id FROM conversations WHERE session_key = 's02-shared'")
    assert len(owners) == 2


async def test_s02_a_sender_is_the_conversations_contact(shop, client, shop_key):
    """A key that acts as A cannot speak in B's conversation."""
    await arrive(shop, client, ZHANG, "s02-zhang-3")
    lin = await arrive(shop, client, LIN, "s02-lin-3")
    url = "/api/v1/contacts"
    found = (await client.get(url, params={"sourceId": ZHANG.source_id}, headers=shop_key)).json()["results"]
    body = {"conversation": lin.opened["conversation"]["id"], "message": {"content": "Hi", "sender": found[0]["id"]}}
    path = f"/api/v1/chatbots/{shop.inbox.assistant_id}/completions"
    # Lin's conversation is of the web chat, whose assistant is the same
    response = await client.post(path, json=body, headers=shop_key)
    assert (response.status_code, response.json()["type"]) == (409, "/problems/sender-mismatch")
