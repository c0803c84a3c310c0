"""Threat 5: where proofs are required, every side door fails closed; an empty or null proof too."""

import pytest

from conftest import make_key
from frontdesk.demo.organization import ZHANG
from frontdesk.organizations.model import Right


@pytest.mark.parametrize("sent", ["", " ", "null", "undefined", "0", "{}"])
async def test_s05_an_empty_proof_is_a_failed_one(browser, sent):
    """Not a visitor: the page meant to prove somebody."""
    response = await browser.open(sent)
    assert (response.status_code, response.json()["type"]) == (401, "/problems/identity-refused")


async def test_s05_null_is_no_proof(browser):
    """It opens as a visitor, whatever stands beside it."""
    body = {"identityToken": None, "identity": ZHANG.source_id, "user": {"id": ZHANG.source_id}}
    opened = (await browser.client.post(browser.url("open"), json=body)).json()
    assert (opened["assurance"], opened["sessionToken"]) == ("anonymous", None)


async def test_s05_a_session_that_is_started_is_a_visitors(db, shop, browser):
    """Starting one takes no proof, so it proves nobody."""
    token = await shop.sign(ZHANG)
    started = await browser.client.post(browser.url("sessions"), json={"identityToken": token})
    browser.token = started.json()["sessionToken"]
    await browser.open()
    assert (browser.opened["assurance"], browser.opened["contactName"]) == ("anonymous", None)


async def test_s05_a_key_without_act_as_speaks_as_nobody(db, shop, client, shop_key):
    """Neither as a sender, nor for a contact; in somebody's conversation its words count as anybody's."""
    url = "/api/v1/contacts"
    zhang = (await client.get(url, params={"sourceId": ZHANG.source_id}, headers=shop_key)).json()["results"][0]["id"]
    weak = await make_key(db, shop.organization_id, *(set(Right) - {Right.ACT_AS}))
    completions = f"/api/v1/chatbots/{shop.inbox.assistant_id}/completions"
    said = {"message": {"content": "Any offers for me?", "sender": zhang}}
    assert (await client.post(completions, json=said, headers=weak)).status_code == 403
    opening = {"webChat": shop.inbox.public_id, "contact": zhang}
    assert (await client.post("/api/v1/conversations", json=opening, headers=weak)).status_code == 403
    thread = (await client.post("/api/v1/conversations", json=opening, headers=shop_key)).json()["id"]
    message = {"conversation": thread, "content": "Any offers for me?"}
    made = await client.post("/api/v1/messages", json=message, headers=weak)
    assert made.status_code == 201
    async with db.begin(shop.organization_id) as tx:
        sql = "SELECT assurance FROM messages WHERE id = %(id)s"
        assert await tx.fetch_value(sql, {"id": made.json()["id"]}) == 0


async def test_s05_what_is_written_in_advance_proves_nobody(db, shop, client, shop_key):
    """A card made by the API with somebody's attributes has no session, and no identity is marked as seen."""
    body = {"name": "Ghost", "sourceId": "M-s05", "attributes": {"verified": "true", "level": "gold"}}
    made = (await client.post("/api/v1/contacts", json=body, headers=shop_key)).json()
    assert made["identities"][0]["lastSeenAt"] is None
    async with db.begin(shop.organization_id) as tx:
        sql = "SELECT count(*) FROM chat_sessions WHERE contact_id = %(id)s"
        assert await tx.fetch_value(sql, {"id": made["id"]}) == 0
