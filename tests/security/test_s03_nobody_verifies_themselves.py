"""Threat 3: `verified`, `assurance` or `role` that a client sends is ignored."""

from conftest_webchat import read_events

CLAIMS = {
    "verified": True,
    "isVerified": True,
    "hmacVerified": True,
    "assurance": "signed",
    "role": "owner",
    "contactName": "Olga",
    "claims": {"access_profiles": ["VIP"]},
    "access_profiles": ["VIP"],
    "provenUntil": "2999-01-01T00:00:00Z",
}


async def test_s03_a_browser_that_calls_itself_verified_is_a_visitor(db, shop, browser):
    """At the opening, at the start of a session, and beside a message, whose assurance is stored."""
    opened = (await browser.client.post(browser.url("open"), json=CLAIMS)).json()
    assert (opened["assurance"], opened["contactName"], opened["provenUntil"]) == ("anonymous", None, None)
    started = await browser.client.post(browser.url("sessions"), json=CLAIMS)
    browser.token = started.json()["sessionToken"]
    body = CLAIMS | {"conversationKey": "s03-conversation", "messageId": "s03-message-1", "text": "How can I pay?"}
    read_events(await browser.client.post(browser.url("messages"), json=body, headers=browser.headers, timeout=60))
    async with db.begin(shop.organization_id) as tx:
        rows = await tx.fetch(
            "SELECT m.assurance, s.assurance, s.claims::text FROM messages m "
            "JOIN conversations c ON c.id = m.conversation_id JOIN chat_sessions s ON s.id = c.session_id "
            "WHERE c.session_key = 's03-conversation' AND m.type = 'incoming'"
        )
    assert [(*row[:2],) for row in rows] == [(0, 0)]
    assert "VIP" not in rows[0][2]


async def test_s03_the_api_writes_no_assurance(shop, client, shop_key):
    """A contact that is made or changed with such keys has no identity and no more access than without."""
    made = (await client.post("/api/v1/contacts", json={"name": "Eve"} | CLAIMS, headers=shop_key)).json()
    changed = (await client.patch(f"/api/v1/contacts/{made['id']}", json=CLAIMS, headers=shop_key)).json()
    for body in (made, changed):
        assert (body["kind"], body["identities"], body["accessProfiles"]) == ("anonymous", [], [])
        assert not body.keys() & {"verified", "assurance", "role"}
