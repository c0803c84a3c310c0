"""Threat 16: a member, or a key, without the right cannot read, merge or export; a merge needs rights on both sides."""

from dataclasses import dataclass

import httpx
import pytest
from tests.conftest import new_organization
from tests.lifecycle.people import make_person, talk
from tests.making import make_inbox

from frontdesk.core.db import Database
from frontdesk.core.ids import ContactId, InboxId, OrganizationId
from frontdesk.organizations.keys import create_api_key
from frontdesk.organizations.model import Right, system_caller

SECRET = "My order is number 7461."


@dataclass
class Halls:
    """Two inboxes that different people look after, with one contact each."""

    client: httpx.AsyncClient
    db: Database
    organization: OrganizationId
    inboxes: list[InboxId]
    contacts: list[ContactId]

    async def key(self, *rights: Right, inboxes: list[InboxId] | None = None) -> dict[str, str]:
        async with self.db.begin(self.organization) as tx:
            _, secret = await create_api_key(
                tx,
                system_caller(self.organization),
                name="half",
                rights=frozenset(rights or Right),
                inbox_ids=inboxes,
                expires_at=None,
            )
        return {"Authorization": f"Api-Key {secret}"}

    async def call(self, key: dict[str, str], method: str, path: str, body: object = None) -> httpx.Response:
        return await self.client.request(method, f"/api/v1/{path}", json=body, headers=key)


@pytest.fixture
async def halls(client: httpx.AsyncClient, db: Database) -> Halls:
    organization = await new_organization(db, "Northlight")
    owner = system_caller(organization)
    async with db.begin(organization) as tx:
        inboxes = [await make_inbox(tx, owner, name) for name in ("Shop", "Help")]
        contacts = [
            await make_person(tx, owner, inbox, name, emails=[f"{name.lower()}@example.com"])
            for name, inbox in zip(("Ann", "Bob"), inboxes, strict=True)
        ]
        await talk(tx, inboxes[1], contacts[1], SECRET)
    return Halls(client, db, organization, [inbox.id for inbox in inboxes], contacts)


async def test_s16_without_the_right_nothing_is_read(halls: Halls):
    """Contacts, conversations and history: refused without the right, 404 outside one's inboxes, and no word of it."""
    _, bob = halls.contacts
    without = await halls.key(*(set(Right) - {Right.CONTACTS_VIEW, Right.CONVERSATIONS_VIEW, Right.CONTACTS_EXPORT}))
    outside = await halls.key(inboxes=[halls.inboxes[0]])
    paths = ["", "/conversations", "/conversations/latest", "/identities", "/merges", "/memory", "/notes", "/export"]
    for path in paths:
        for key, expected in ((without, {403, 404}), (outside, {404})):
            response = await halls.call(key, "GET", f"contacts/{bob}{path}")
            assert response.status_code in expected, path
            assert SECRET not in response.text
            assert "bob@example.com" not in response.text
    for path in ("contacts", "conversations"):
        assert (await halls.call(without, "GET", path)).status_code == 403
        assert str(bob) not in (await halls.call(outside, "GET", path)).text


async def test_s16_a_merge_needs_the_right_on_both_sides(halls: Halls):
    """Neither as the survivor nor as the one who goes can a foreign contact be drawn near; the preview tells nothing."""
    ann, bob = halls.contacts
    outside = await halls.key(inboxes=[halls.inboxes[0]])
    without = await halls.key(*(set(Right) - {Right.CONTACTS_MERGE}))
    for survivor, other in ((ann, bob), (bob, ann)):
        for dry in (True, False):
            body = {"from": [str(other)], "dryRun": dry, "acceptWiderAccess": True}
            for key, status in ((outside, 404), (without, 403)):
                response = await halls.call(key, "POST", f"contacts/{survivor}/merge", body)
                assert response.status_code == status
                assert "bob@example.com" not in response.text
    both = await halls.key()
    merged = await halls.call(both, "POST", f"contacts/{ann}/merge", {"from": [str(bob)]})
    assert merged.status_code == 200
    for key, status in ((outside, 404), (without, 403)):
        for dry in (True, False):
            response = await halls.call(key, "POST", f"merges/{merged.json()['mergeId']}/undo", {"dryRun": dry})
            assert response.status_code == status


async def test_s16_a_merge_uncovers_no_hidden_address_and_widens_nothing(halls: Halls):
    """The right to merge is not the right to see e-mails, nor the right to change access."""
    ann, bob = halls.contacts
    body = {"from": [str(bob)]}
    blind = await halls.key(Right.CONTACTS_VIEW, Right.CONTACTS_MERGE)
    preview = await halls.call(blind, "POST", f"contacts/{ann}/merge", {**body, "dryRun": True})
    assert "@example.com" not in preview.text
    refused = await halls.call(blind, "POST", f"contacts/{ann}/merge", body)
    assert (refused.status_code, refused.json()["right"]) == (403, "contacts.view_personal")
    seeing = await halls.key(Right.CONTACTS_VIEW, Right.CONTACTS_MERGE, Right.CONTACTS_VIEW_PERSONAL)
    refused = await halls.call(seeing, "POST", f"contacts/{ann}/merge", {**body, "acceptWiderAccess": True})
    assert (refused.status_code, refused.json()["right"]) == (403, "contacts.edit_access")


async def test_s16_without_the_right_nothing_is_exported(halls: Halls):
    """Neither one person nor a list; and a list has only whom one may view."""
    ann, bob = halls.contacts
    without = await halls.key(*(set(Right) - {Right.CONTACTS_EXPORT}))
    assert (await halls.call(without, "GET", f"contacts/{ann}/export")).status_code == 403
    assert (await halls.call(without, "POST", "exports", {"format": "csv"})).status_code == 403
    outside = await halls.key(inboxes=[halls.inboxes[0]])
    assert (await halls.call(outside, "GET", f"contacts/{bob}/export")).status_code == 404
