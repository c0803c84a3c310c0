"""Access profiles in hands, on the wire: who has which, how it came, and the rules that give them."""

import pytest
from tests.conftest import make_key
from tests.making import make_base, make_inbox, member

from frontdesk.access.actions import create_profile
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.holders import list_holders
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.rules import create_rule
from frontdesk.core.ids import ProfileId, new_id
from frontdesk.organizations.model import Right

API = "/api/v1"
GOLD = {"operator": "and", "conditions": [{"field": "attributes.level", "op": "equals", "value": "gold"}]}


@pytest.fixture
async def shop(db, organization, owner):
    """A profile that nobody has, and two contacts of whom one is a gold member."""
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner)
        profile, _ = await create_profile(tx, owner, {"name": "VIP"})
        ids = []
        for name, level in (("Ann", "gold"), ("Bob", "regular")):
            fields = {"name": name, "attributes": {"level": level}}
            card = await create_contact(tx, owner, fields=fields, inbox_ids=[inbox.id], provenance=Provenance.API)
            ids.append(str(card.id))
    return str(profile.id), *ids


async def test_a_rule_through_its_life(client, api_key, shop):
    """Made, read with its version, changed, refused when it was overtaken, deleted; the holders follow at once."""
    profile, _, bob = shop
    path = f"{API}/access-profiles/{profile}/rules/"
    made = await client.post(path, json={"filter": GOLD}, headers=api_key)
    body = made.json()
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    assert (body["filter"], body["isSettled"], body["contactsCount"], body["profile"]) == (GOLD, True, 1, profile)
    assert [warning["code"] for warning in body["warnings"]] == ["unknown-attribute"]
    one = f"{path}{body['id']}/"
    assert (await client.get(one, headers=api_key)).json() == {**body, "warnings": []}
    regular = {"operator": "or", "conditions": [{"field": "attributes.level", "op": "in", "value": ["regular"]}]}
    changed = await client.put(one, json={"filter": regular}, headers={**api_key, "If-Match": '"1"'})
    assert (changed.status_code, changed.json()["version"], changed.json()["contactsCount"]) == (200, 2, 1)
    late = await client.put(one, json={"filter": GOLD}, headers={**api_key, "If-Match": '"1"'})
    assert (late.status_code, late.json()["version"]) == (412, 2)
    held = (await client.get(f"{API}/access-profiles/{profile}/contacts/", headers=api_key)).json()["results"]
    assert [(row["contact"], row["name"], row["through"], row["rule"]) for row in held] == [
        (bob, "Bob", "rule", body["id"])
    ]
    assert (await client.delete(one, headers={**api_key, "If-Match": '"1"'})).status_code == 412
    assert (await client.delete(one, headers=api_key)).status_code == 204
    assert (await client.get(one, headers=api_key)).status_code == 404
    assert (await client.get(f"{API}/access-profiles/{profile}/contacts/", headers=api_key)).json()["count"] == 0


async def test_by_hand_and_by_rule_are_two_facts(client, api_key, shop):
    """Both are told with who and since when; taking the one that a hand gave leaves the other."""
    profile, ann, _ = shop
    path = f"{API}/contacts/{ann}/access-profiles/"
    rule = await client.post(f"{API}/access-profiles/{profile}/rules/", json={"filter": GOLD}, headers=api_key)
    given = await client.post(path, json={"profile": profile}, headers=api_key)
    assert (given.status_code, given.json()["through"], given.json()["givenBy"]) == (201, "api", "test")
    again = await client.post(path, json={"profile": profile}, headers=api_key)
    assert again.json() == given.json()
    held = (await client.get(path, headers=api_key)).json()["results"]
    assert [(row["id"], row["through"], row["rule"]) for row in held] == [
        (profile, "api", None),
        (profile, "rule", rule.json()["id"]),
    ]
    by_rule = await client.get(f"{API}/access-profiles/{profile}/contacts/?through=rule", headers=api_key)
    assert (by_rule.json()["count"], by_rule.json()["results"][0]["since"]) == (1, held[1]["since"])
    assert (await client.delete(f"{path}{profile}/", headers=api_key)).status_code == 204
    assert [row["through"] for row in (await client.get(path, headers=api_key)).json()["results"]] == ["rule"]


async def test_rules_are_refused_with_a_place(client, api_key, shop):
    """What a visitor can say of themselves is nothing to give access by."""
    profile, *_ = shop
    raw = {"operator": "and", "conditions": [{"field": "email", "op": "equals", "value": "ann@example.com"}]}
    refused = await client.post(f"{API}/access-profiles/{profile}/rules/", json={"filter": raw}, headers=api_key)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/filter/conditions/0/field")


async def test_rights(client, db, organization, api_key, shop):
    """Looking needs profiles.view, giving contacts.edit_access, rules profiles.edit and all documents."""
    profile, ann, _ = shop
    viewer = await make_key(db, organization, Right.PROFILES_VIEW, Right.CONTACTS_VIEW)
    profiles_only = await make_key(db, organization, Right.PROFILES_VIEW)
    blind = await make_key(db, organization, Right.PROFILES_EDIT)
    contacts, rules = f"{API}/access-profiles/{profile}/contacts/", f"{API}/access-profiles/{profile}/rules/"
    assert (await client.get(contacts, headers=viewer)).status_code == 200
    assert (await client.get(contacts, headers=profiles_only)).status_code == 403
    assert (await client.post(rules, json={"filter": GOLD}, headers=viewer)).status_code == 403
    assert (await client.post(rules, json={"filter": GOLD}, headers=blind)).json()["type"].endswith("grant-not-held")
    path = f"{API}/contacts/{ann}/access-profiles/"
    assert (await client.post(path, json={"profile": profile}, headers=viewer)).status_code == 403
    assert (await client.post(path, json={"profile": str(new_id())}, headers=api_key)).status_code == 404


async def test_who_is_in_no_inbox_of_the_caller_is_not_counted(client, db, organization, owner, shop):
    """Neither the rows nor the count tell of contacts that the caller may not see."""
    profile = ProfileId(shop[0])
    async with db.begin(organization) as tx:
        await create_rule(tx, owner, profile, GOLD)
        elsewhere = await make_inbox(tx, owner, "Other")
        assert (await list_holders(tx, owner, profile, limit=10))[1] == 1
        assert await list_holders(tx, member(owner, inboxes={elsewhere.id}), profile, limit=10) == ([], 0)


async def test_a_template_over_the_api(client, db, organization, api_key):
    """Offered, tried, applied, and applied again to no effect."""
    async with db.begin(organization) as tx:
        base = str(await make_base(tx, "Shop"))
    path = f"{API}/access-profiles/templates/"
    offered = (await client.get(path, headers=api_key)).json()["results"]
    assert [one["kind"] for one in offered] == ["membership", "department", "edition"]
    body = {**offered[1], "knowledgeBases": [base]}
    del body["kind"]
    tried = (await client.post(path, json={**body, "dryRun": True}, headers=api_key)).json()
    assert (await client.get(f"{API}/access-profiles/", headers=api_key)).json()["count"] == 0
    done = (await client.post(path, json=body, headers=api_key)).json()
    assert done["parts"] == tried["parts"]
    assert {part["kind"] for part in done["parts"]} == {"attribute", "choice", "label", "profile", "opened", "rule"}
    assert not any(part["isNew"] for part in (await client.post(path, json=body, headers=api_key)).json()["parts"])
