"""Blocks: whoever is blocked is told so politely, leaves nothing behind, and does not come back by another name."""

import pytest
from tests.identities.conftest import CIPHER, Shop
from tests.identities.tokens import NOW
from tests.making import member

from conftest import make_key
from conftest_webchat import Browser, open_demo_shop
from frontdesk.contacts.actions import create_anonymous
from frontdesk.conversations import queries as conversations
from frontdesk.core.errors import NotFound
from frontdesk.demo.organization import Person
from frontdesk.identities import queries
from frontdesk.identities.actions import find_session
from frontdesk.identities.blocks import (
    block_contact,
    block_identity,
    find_blocked,
    find_blocks,
    refuse_blocked,
    unblock_contact,
    unblock_identity,
)
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.errors import Blocked
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.source_ids import link_identity
from frontdesk.organizations.model import Right, system_caller

A, B = "M-1001", "M-1002"


@pytest.fixture
async def demo(services):
    """The demo organization's shop."""
    return await open_demo_shop(services)


@pytest.fixture
def browser(client, demo):
    return Browser(client, demo.inbox)


async def is_blocked(tx, shop: Shop, contact_id, session=None) -> bool:
    try:
        await refuse_blocked(tx, CIPHER, contact_id, shop.inbox.id, session)
    except Blocked:
        return True
    return False


async def test_a_blocked_contact_is_blocked_until_it_is_unblocked(tx, owner, shop):
    """Its sessions end, a proof still opens; who, when and why are kept."""
    ann = await shop.open(tx, A)
    await block_contact(tx, owner, CIPHER, ann.contact_id, "spam")
    assert await find_session(tx, ann.token, NOW) is None
    again = await shop.open(tx, A)
    assert again.contact_id == ann.contact_id
    assert await is_blocked(tx, shop, ann.contact_id, again.session)
    block = (await find_blocks(tx, [ann.contact_id]))[ann.contact_id]
    assert (block.blocked_by, block.reason) == ("system", "spam")
    await unblock_contact(tx, owner, CIPHER, ann.contact_id)
    assert not await is_blocked(tx, shop, ann.contact_id, again.session)
    assert await find_blocks(tx, [ann.contact_id]) == {}


async def test_a_block_survives_deletion_and_return(tx, owner, shop):
    """Whoever comes back is a new contact under a blocked identity, and can be unblocked there."""
    ann = await shop.open(tx, A)
    await block_contact(tx, owner, CIPHER, ann.contact_id)
    await delete_contact(tx, owner, ann.contact_id)
    back = await shop.open(tx, A)
    assert back.contact_id != ann.contact_id
    assert await is_blocked(tx, shop, back.contact_id, back.session)
    await unblock_contact(tx, owner, CIPHER, back.contact_id)
    assert not await is_blocked(tx, shop, back.contact_id, back.session)


async def test_a_block_of_one_identity_leaves_the_others_alone(tx, owner, shop):
    """In a proven session the identity counts that was proven; a call for the contact meets any of them."""
    ann = await shop.open(tx, A)
    await link_identity(tx, owner, ann.contact_id, shop.key(B))
    await block_identity(tx, owner, CIPHER, ann.contact_id, shop.key(B))
    by_b = await shop.open(tx, B)
    assert by_b.contact_id == ann.contact_id
    assert not await is_blocked(tx, shop, ann.contact_id, ann.session)
    assert await is_blocked(tx, shop, ann.contact_id, by_b.session)
    assert await is_blocked(tx, shop, ann.contact_id)
    assert await find_blocked(tx, CIPHER, [shop.key(A), shop.key(B)]) == {shop.key(B)}
    await unblock_identity(tx, owner, CIPHER, ann.contact_id, shop.key(B))
    assert not await is_blocked(tx, shop, ann.contact_id, by_b.session)


async def test_the_database_holds_no_blocked_source_id(tx, owner, shop):
    """Only a hash that takes the secret key of this installation, of the id in its realm."""
    ann = await shop.open(tx, A)
    await block_contact(tx, owner, CIPHER, ann.contact_id)
    stored = await tx.fetch_value("SELECT source_hash FROM identity_blocks")
    assert len(stored) == 32
    elsewhere = IdentityKey(shop.inbox.id, A)
    assert await find_blocked(tx, CIPHER, [elsewhere]) == frozenset()
    assert await find_blocked(tx, type(CIPHER)(b"x" * 32), [shop.key(A)]) == frozenset()


async def test_who_may_block(tx, owner, shop):
    """contacts.edit in one of the contact's inboxes, for an identity also in its realm."""
    ann = await shop.open(tx, A)
    agent = member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_EDIT, inboxes={shop.inbox.id})
    viewer = member(owner, Right.CONTACTS_VIEW, inboxes={shop.inbox.id})
    await block_contact(tx, agent, CIPHER, ann.contact_id)
    await unblock_identity(tx, agent, CIPHER, ann.contact_id, shop.key(A))
    for attempt in (
        block_contact(tx, viewer, CIPHER, ann.contact_id),
        unblock_contact(tx, viewer, CIPHER, ann.contact_id),
        block_identity(tx, agent, CIPHER, ann.contact_id, shop.key("M-9")),
    ):
        with pytest.raises(NotFound):
            await attempt


# --- at the doors -------------------------------------------------------------------------------------------------------


async def counts(db, demo) -> tuple[int, int, int]:
    async with db.begin(demo.organization_id) as tx:
        tables = ("contacts", "conversations", "messages")
        return tuple([await tx.fetch_value(f"SELECT count(*) FROM {table}") for table in tables])


async def test_a_blocked_visitor_begins_no_other_conversation(db, demo, services, browser: Browser):
    """The browser is known by its session: neither the old thread nor a new one takes a word, and nothing is stored."""
    await browser.ask("How can I pay?", key="blocked-visitor")
    caller = system_caller(demo.organization_id)
    async with db.begin(demo.organization_id) as tx:
        contact = await tx.fetch_value("SELECT contact_id FROM conversations WHERE session_key = 'blocked-visitor'")
        await block_contact(tx, caller, services.cipher, contact)
    before = await counts(db, demo)
    for key in ("blocked-visitor", "another-conversation"):
        response = await browser.post("Hello?", key=key)
        assert response.status_code == 403
        assert response.json()["type"] == "/problems/blocked"
        assert response.json()["detail"].endswith("Please reach us in another way.")
    assert await counts(db, demo) == before
    assert (await browser.open()).json()["conversation"]["messages"]


async def test_a_blocked_member_may_read_and_not_write(db, demo, services, browser: Browser):
    """The proof opens, the history is there, the next message is refused."""
    person = Person("M-blocked", "Blocked Tester", "blocked@example.com", ())
    await browser.open(await demo.sign(person))
    await browser.ask("How can I pay?", key="blocked-member")
    key = IdentityKey(demo.inbox.realm_id, "M-blocked")
    async with db.begin(demo.organization_id) as tx:
        contact = (await queries.find_owners(tx, [key]))[key]
        await block_contact(tx, system_caller(demo.organization_id), services.cipher, contact)
    assert (await browser.post("Hello?", key="blocked-member")).status_code == 401
    await browser.open(await demo.sign(person))
    assert browser.opened["conversation"]["messages"]
    assert (await browser.post("Hello?", key="blocked-member")).json()["type"] == "/problems/blocked"
    assert (await browser.post("Hello?", key="blocked-member-2")).json()["type"] == "/problems/blocked"


async def test_the_api_accepts_nothing_in_the_name_of_somebody_blocked(db, demo, services, client):
    """Neither messages nor completions, old conversation or new; each is told, and nothing is stored."""
    headers = await make_key(db, demo.organization_id)
    async with db.begin(demo.organization_id) as tx:
        ann = await create_anonymous(tx, demo.inbox.id, now=NOW)
        thread = await conversations.insert_conversation(tx, ann, demo.inbox.id, now=NOW)
        await block_contact(tx, system_caller(demo.organization_id), services.cipher, ann)
    before = await counts(db, demo)
    assistant = demo.inbox.assistant_id
    calls = [
        ("/api/v1/messages", {"conversation": str(thread.id), "content": "Hi"}),
        (f"/api/v1/chatbots/{assistant}/completions", {"message": {"content": "Hi", "sender": str(ann)}}),
        (
            f"/api/v1/chatbots/{assistant}/completions",
            {"conversation": str(thread.id), "message": {"content": "Hi"}, "isStreaming": True},
        ),
    ]
    for path, body in calls:
        response = await client.post(path, json=body, headers=headers)
        assert (response.status_code, response.json()["type"]) == (403, "/problems/blocked")
    assert await counts(db, demo) == before


async def test_the_api_blocks_and_unblocks(db, demo, client, browser: Browser):
    """As a whole or one identity; bodies of contacts and identities say so."""
    headers = await make_key(db, demo.organization_id)
    made = await client.post("/api/v1/contacts", json={"name": "Bo", "sourceId": "M-api-block"}, headers=headers)
    path = f"/api/v1/contacts/{made.json()['id']}"
    state = (await client.post(f"{path}/block", json={"sourceId": "M-api-block"}, headers=headers)).json()
    assert (state["isBlocked"], state["blockedAt"], len(state["blockedIdentities"])) == (True, None, 1)
    body = (await client.get(path, headers=headers)).json()
    assert (body["blockedAt"], body["identities"][0]["isBlocked"]) == (None, True)
    await client.post(f"{path}/block", json={"reason": "spam"}, headers=headers)
    assert (await client.get(path, headers=headers)).json()["blockedAt"]
    state = (await client.post(f"{path}/unblock", headers=headers)).json()
    assert (state["isBlocked"], state["reason"], state["blockedIdentities"]) == (False, None, [])
    listed = (await client.get(f"{path}/identities", headers=headers)).json()["results"]
    assert listed[0]["isBlocked"] is False
