"""A member of the enterprise: proven by a signed token, with their own card, history and access."""

import asyncio

import pytest

from conftest import make_key
from conftest_webchat import Browser, Shop
from frontdesk.contacts.access_actions import assign_profile, unassign_profile
from frontdesk.conversations import queries as conversations
from frontdesk.core.db import Database
from frontdesk.demo.organization import LIN, ZHANG, Person
from frontdesk.identities import queries as identities
from frontdesk.identities.model import IdentityKey
from frontdesk.knowledge.handlers import on_document_added
from frontdesk.organizations.model import system_caller

OFFERS = "What does the personal service hotline offer?"


async def find_contact(db: Database, shop: Shop, person: Person):
    key = IdentityKey(shop.inbox.realm_id, person.source_id)
    async with db.begin(shop.organization_id) as tx:
        return (await identities.find_owners(tx, [key])).get(key)


async def test_a_member_is_greeted_by_name_before_the_first_word(shop, browser):
    """The pre-made card is found by the source id in the token."""
    await browser.open(await shop.sign(ZHANG))
    assert browser.opened["assurance"] == "signed"
    assert browser.opened["contactName"] == ZHANG.name
    assert ZHANG.name in browser.opened["greeting"]


async def test_vip_and_visitor_get_different_answers_to_the_same_question(shop, browser, other_browser):
    """What the visitor may not read answers like a topic that does not exist."""
    await browser.open(await shop.sign(ZHANG))
    known = await browser.ask(OFFERS, key="vip-conversation")
    assert "8:00 to 22:00" in known["content"]
    unknown = await other_browser.ask(OFFERS)
    nonsense = await other_browser.ask("Tell me about quantum chromodynamics")
    assert unknown["content"] == nonsense["content"]
    assert unknown["citations"] == []
    assert unknown["isFound"] is False


async def test_access_given_and_taken_counts_for_the_next_message(db, shop, browser):
    """A profile opens documents at the next message and closes them at the one after; old citations close too."""
    await browser.open(await shop.sign(LIN))
    assert (await browser.ask(OFFERS, key="lin-conversation"))["isFound"] is False
    contact = await find_contact(db, shop, LIN)
    caller = system_caller(shop.organization_id)
    async with db.begin(shop.organization_id) as tx:
        vip = await tx.fetch_value("SELECT id FROM access_profiles WHERE name = 'VIP'")
        await assign_profile(tx, caller, contact, vip)
    given = await browser.ask(OFFERS, key="lin-conversation")
    assert given["citations"]
    async with db.begin(shop.organization_id) as tx:
        await unassign_profile(tx, caller, contact, vip)
    assert (await browser.ask(OFFERS, key="lin-conversation"))["isFound"] is False
    await browser.open(await shop.sign(LIN))
    again = [m for m in browser.opened["conversation"]["messages"] if m["id"] == given["id"]]
    assert again[0]["citations"] == []


async def test_a_visitor_who_signs_in_keeps_the_conversation_as_one_contact(db, shop, browser):
    """The anonymous contact folds into the member; the token from before the login is dead."""
    person = Person("M-fold", "Fold Tester", "fold@example.com", ())
    await browser.ask("How can I pay?", key="before-login")
    before = browser.token
    await browser.open(await shop.sign(person))
    assert browser.token != before
    assert [c["key"] for c in browser.opened["conversations"]] == ["before-login"]
    contact = await find_contact(db, shop, person)
    async with db.begin(shop.organization_id) as tx:
        rows = await tx.fetch(
            "SELECT survivor_id FROM merged_contacts WHERE survivor_id = %(contact)s", {"contact": contact}
        )
        moves = await tx.fetch_value(
            "SELECT count(*) FROM merge_moves v JOIN merges g USING (organization_id) "
            "WHERE g.id = v.merge_id AND g.survivor_id = %(contact)s AND v.table_name = 'conversations'",
            {"contact": contact},
        )
    assert len(rows) == 1
    assert moves == 1
    stale = Browser(browser.client, browser.inbox, before)
    assert (await stale.open()).json()["sessionToken"] is None


async def test_a_merged_id_opens_a_conversation_of_the_survivor(db, shop, browser, client):
    """An id that the API was told before a sign-in keeps working after it."""
    person = Person("M-merged", "Merged Tester", "merged@example.com", ())
    await browser.ask("How can I pay?", key="before-merge")
    await browser.open(await shop.sign(person))
    survivor = await find_contact(db, shop, person)
    async with db.begin(shop.organization_id) as tx:
        sql = "SELECT contact_id FROM merged_contacts WHERE survivor_id = %(contact)s"
        merged = await tx.fetch_value(sql, {"contact": survivor})
    body = {"webChat": shop.inbox.public_id, "contact": str(merged)}
    key = await make_key(db, shop.organization_id)
    response = await client.post("/api/v1/conversations", json=body, headers=key)
    assert response.status_code == 201
    async with db.begin(shop.organization_id) as tx:
        opened = await conversations.get_conversation(tx, response.json()["id"])
    assert opened.contact_id == survivor


async def test_64_first_arrivals_with_one_source_id_make_one_contact(db, shop, client):
    """Find-or-create never doubles a person."""
    person = Person("M-race", "Race Tester", "race@example.com", ())
    tokens = [await shop.sign(person) for _ in range(64)]
    responses = await asyncio.gather(*(Browser(client, shop.inbox).open(token) for token in tokens))
    assert {response.status_code for response in responses} == {200}
    async with db.begin(shop.organization_id) as tx:
        assert await tx.fetch_value("SELECT count(*) FROM contacts WHERE name = 'Race Tester'") == 1
        assert await tx.fetch_value("SELECT count(*) FROM identities WHERE source_id = 'M-race'") == 1


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
async def test_a_bad_proof_is_an_error_and_changes_nothing(db, shop, browser, token):
    """401 with a neutral text and a request id; the reason is in the organization's log only."""
    await browser.ask("How can I pay?")
    kept = browser.token
    response = await browser.open(token)
    assert response.status_code == 401
    problem = response.json()
    assert problem["type"] == "/problems/identity-refused"
    assert problem["instance"]
    assert "malformed" not in response.text
    async with db.begin(shop.organization_id) as tx:
        reason = await tx.fetch_value(
            "SELECT reason FROM proof_failures WHERE request_id = %(id)s", {"id": problem["instance"]}
        )
    assert reason
    assert browser.token == kept
    await browser.open()
    assert browser.opened["conversation"]


async def test_a_page_without_a_proof_never_shows_a_proven_session(shop, browser):
    """On a shared computer, a page that proves nobody shows a stranger's chat, not the member's."""
    await browser.open(await shop.sign(ZHANG))
    await browser.ask("How can I pay?", key="zhang-private")
    await browser.open()
    assert browser.opened["contactName"] is None
    assert browser.opened["conversations"] == []


async def test_another_account_starts_empty(shop, browser):
    """A signs out, B signs in, same browser: nothing of A."""
    await browser.open(await shop.sign(ZHANG))
    await browser.ask("How can I pay?", key="zhang-private-2")
    conversation = (await browser.open(await shop.sign(ZHANG))).json()["conversation"]["id"]
    await browser.open(await shop.sign(Person("M-other", "Other Member", "other@example.com", ())))
    assert browser.opened["conversations"] == []
    response = await browser.client.get(browser.url(f"conversations/{conversation}/messages"), headers=browser.headers)
    assert response.status_code == 404


async def test_files_are_answered_from_once_they_are_read(db, shop, services, browser):
    """Members get the manual's passage with the file's name as its source."""
    async with db.begin(shop.organization_id) as tx:
        rows = await tx.fetch("SELECT id FROM documents WHERE kind = 'file' AND state = 'initial'")
    for (document_id,) in rows:
        await on_document_added(services, shop.organization_id, document_id)
    await browser.open(await shop.sign(ZHANG))
    answer = await browser.ask("When do I have to change the filter of the AP-200?", key="manual-question")
    assert any(citation["title"] == "AP-200 manual.md" for citation in answer["citations"])
