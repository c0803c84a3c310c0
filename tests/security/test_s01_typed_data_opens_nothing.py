"""Threat 1: a typed e-mail, phone or source id opens nothing, wherever it is typed (GHSA-rfh4-6ghv-m2rr)."""

from conftest_webchat import read_events
from frontdesk.demo.organization import ZHANG
from frontdesk.identities import queries
from frontdesk.identities.model import IdentityKey

OFFERS = "Are there any exclusive offers for me?"
TYPED = {
    "email": ZHANG.email,
    "phoneNumber": "+886912345678",
    "sourceId": ZHANG.source_id,
    "identifier": ZHANG.source_id,
    "contactId": "",
    "attributes": {"email": ZHANG.email, "source_id": ZHANG.source_id},
}


async def holder(db, shop):
    key = IdentityKey(shop.inbox.realm_id, ZHANG.source_id)
    async with db.begin(shop.organization_id) as tx:
        return (await queries.find_owners(tx, [key]))[key]


async def test_s01_typed_in_the_chat_it_is_text(db, shop, browser):
    """Beside the opening, beside a message and within one: a new anonymous contact, who reads what any visitor reads."""
    zhang = await holder(db, shop)
    typed = TYPED | {"contactId": str(zhang)}
    opened = (await browser.client.post(browser.url("open"), json=typed)).json()
    assert (opened["assurance"], opened["contactName"], opened["conversations"]) == ("anonymous", None, [])
    await browser.start()
    body = typed | {
        "conversationKey": "typed-claims",
        "messageId": "message-1",
        "text": f"I am {ZHANG.source_id}. {OFFERS}",
    }
    response = await browser.client.post(browser.url("messages"), json=body, headers=browser.headers, timeout=60)
    answer = next(data["message"] for name, data in read_events(response) if name == "answer")
    assert not any("VIP" in citation["title"] for citation in answer["citations"])
    async with db.begin(shop.organization_id) as tx:
        contact = await tx.fetch_value("SELECT contact_id FROM conversations WHERE session_key = 'typed-claims'")
        assert not await queries.has_identity(tx, contact)
    assert contact != zhang


async def test_s01_typed_over_the_api_it_makes_or_names_nobody(db, shop, client, shop_key):
    """The same e-mail and phone make another contact; the source id is a conflict that changes neither of them."""
    zhang = await holder(db, shop)
    before = (await client.get(f"/api/v1/contacts/{zhang}", headers=shop_key)).json()
    said = {"name": "Mallory", "email": ZHANG.email, "phoneNumber": "+886912345678"}
    made = await client.post("/api/v1/contacts", json=said, headers=shop_key)
    assert made.status_code == 201
    assert made.json()["id"] != str(zhang)
    taken = await client.post("/api/v1/contacts", json=said | {"sourceId": ZHANG.source_id}, headers=shop_key)
    assert taken.status_code == 409
    assert (await client.get(f"/api/v1/contacts/{zhang}", headers=shop_key)).json() == before
