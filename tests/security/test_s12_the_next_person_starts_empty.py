"""Threat 12: A logs out, B logs in, same browser and socket: nothing of A."""

import asyncio

from conftest_webchat import Browser
from frontdesk.conversations.actions import reply
from frontdesk.core.ids import ConversationId
from frontdesk.core.text import utc_now
from frontdesk.demo.organization import LIN, ZHANG
from frontdesk.organizations.model import system_caller

SECRET = "Your parcel with the surprise has arrived."


async def test_s12_a_stream_of_a_ends_with_a(db, shop, client):
    """The connection that A's chat left open carries nothing more, whatever is written to A."""
    browser = Browser(client, shop.inbox)
    await browser.open(await shop.sign(ZHANG))
    await browser.ask("How can I pay?", key="s12-of-zhang")
    conversation = (await browser.open(await shop.sign(ZHANG))).json()["conversation"]["id"]
    last = browser.opened["conversation"]["messages"][-1]["id"]
    url = browser.url(f"conversations/{conversation}/events")
    stream = asyncio.create_task(client.get(url, params={"after": last}, headers=browser.headers, timeout=60))
    await asyncio.sleep(0.3)
    assert (await client.post(browser.url("logout"), headers=browser.headers)).status_code == 204
    await browser.open(await shop.sign(LIN))
    async with db.begin(shop.organization_id) as tx:
        caller = system_caller(shop.organization_id)
        await reply(tx, caller, ConversationId(conversation), SECRET, now=utc_now())
    ended = (await stream).text
    assert SECRET not in ended
    assert "unauthenticated" in ended
    assert SECRET not in (await browser.open(await shop.sign(LIN))).text
    assert (await client.get(url, headers=browser.headers)).status_code == 404


async def test_s12_b_gets_nothing_that_a_had(shop, client):
    """No conversation, no name, no proof that lasts; A finds everything again."""
    browser = Browser(client, shop.inbox)
    await browser.open(await shop.sign(ZHANG))
    await browser.ask("How can I pay?", key="s12-of-zhang-2")
    await client.post(browser.url("logout"), headers=browser.headers)
    between = (await browser.open()).json()
    assert (between["sessionToken"], between["contactName"], between["conversations"]) == (None, None, [])
    await browser.open(await shop.sign(LIN))
    assert "s12-of-zhang-2" not in [one["key"] for one in browser.opened["conversations"]]
    assert browser.opened["contactName"] != ZHANG.name
    await browser.open(await shop.sign(ZHANG))
    assert browser.opened["conversation"]["key"] == "s12-of-zhang-2"
