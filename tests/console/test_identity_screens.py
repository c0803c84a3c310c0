"""Who is talking, on the screens: how the enterprise is asked, where its keys stand, what a token is checked for, blocks."""

from collections.abc import Iterator

import pytest
from tests.identities.test_key_sets import FIRST, ISSUER, published
from tests.making import make_inbox

from frontdesk.channels.model import IdentityMode
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.core.text import utc_now
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.introspection import load_introspection
from frontdesk.identities.key_sets import load_key_sets
from frontdesk.identities.source_ids import link_identity, read_key
from frontdesk.organizations.model import Right, system_caller
from frontdesk.organizations.roles import RoleDraft, create_role
from frontdesk.testing import FakeEnterprise, run_fake_enterprise


@pytest.fixture(scope="module")
def enterprise() -> Iterator[FakeEnterprise]:
    with run_fake_enterprise(FakeEnterprise()) as enterprise:
        yield enterprise


@pytest.fixture
async def olga(browser, hire, organization):
    """The owner, signed in."""
    await browser.sign_in(await hire(organization, "owner", name="Olga Owner"))
    return browser


@pytest.fixture
async def shop(db, organization, enterprise):
    enterprise.people, enterprise.fault, enterprise.keys = {}, None, []
    enterprise.asked.clear()
    async with db.begin(organization) as tx:
        return await make_inbox(tx, system_caller(organization), identity_mode=IdentityMode.INTROSPECT)


async def test_how_the_enterprise_is_asked_is_written_once(olga, db, services, organization, shop, enterprise):
    """The secret is shown nowhere and stays when the field is left empty; what is wrong is said at its field."""
    path = f"/console/platforms/{shop.id}"
    assert "Nobody said how to ask" in (await olga.get(f"{path}/identity")).text
    written = {"endpoint": enterprise.introspection_url, "client_id": "desk", "client_secret": "s3cret-of-ours"}
    bad = await olga.post(f"{path}/asking", written | {"audiences": ""})
    assert (bad.status_code, "Name 1 to 20 audiences" in bad.text) == (400, True)
    assert (await olga.post(f"{path}/asking", written | {"audiences": "shop-desk"})).status_code == 204
    assert (await olga.post(f"{path}/asking", written | {"audiences": "more", "client_secret": ""})).status_code == 204
    for place in ("identity", "asking"):
        text = (await olga.get(f"{path}/{place}")).text
        assert enterprise.introspection_url in text
        assert "s3cret-of-ours" not in text
    async with db.begin(organization) as tx:
        asked = await load_introspection(tx, services.cipher, shop.id)
    assert (asked.client_secret, asked.audiences) == ("s3cret-of-ours", ("more",))


async def test_the_debugger_asks_the_enterprise(olga, db, services, organization, shop, enterprise):
    """Each check with what was found; a no, a silence and a yes are three things, and none of them is remembered."""
    path = f"/console/platforms/{shop.id}"
    pair = {"client_id": enterprise.client_id, "client_secret": enterprise.client_secret, "audiences": "shop-desk"}
    await olga.post(f"{path}/asking", {"endpoint": enterprise.introspection_url} | pair)
    soon = int(utc_now().timestamp()) + 300
    enterprise.people["ann"] = {"sub": "M-1", "aud": "shop-desk", "exp": soon, "name": "Ann"}
    enterprise.people["bob"] = {"sub": "M-2", "aud": "another", "exp": soon}

    async def check(token: str) -> str:
        return (await olga.post(f"{path}/identity/check", {"token": token})).text

    for _ in range(2):
        text = await check("ann")
        assert "This token proves somebody." in text
        assert "M-1" in text
    assert enterprise.asked == ["ann", "ann"]
    text = await check("bob")
    assert "audience_mismatch" in text
    assert "<code>another</code>" in text
    assert "<code>shop-desk</code>" in text
    assert "token_inactive" in await check("stranger")
    enterprise.fault = "down"
    assert "enterprise_unreachable" in await check("ann")
    async with db.begin(organization) as tx:
        assert await tx.fetch_value("SELECT count(*) FROM proof_failures") == 0


async def test_the_debugger_tells_nothing_of_contacts_whom_the_member_may_not_see(browser, hire, db, organization):
    """Anything can be pasted: the answer is the same whether somebody elsewhere has the source id or nobody has."""
    caller = system_caller(organization)
    rights = frozenset({Right.INBOXES_VIEW, Right.INBOXES_EDIT, Right.CONTACTS_VIEW})
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, caller, identity_mode=IdentityMode.JWT)
        beside = await make_inbox(tx, caller, "Beside")
        for source_id, where in (("M-here", inbox), ("M-there", beside)):
            given = Given(fields={"name": source_id}, inbox_ids=(where.id,), source_id=source_id)
            await create_card(tx, caller, given)
        await create_role(tx, caller, RoleDraft("local", rights, inbox_ids=frozenset({inbox.id})))
    await browser.sign_in(await hire(organization, "local"))

    async def check(source_id: str) -> str:
        token = FIRST.sign(source_id, utc_now(), aud=inbox.public_id)
        return (await browser.post(f"/console/platforms/{inbox.id}/identity/check", {"token": token})).text

    assert "a known contact" in await check("M-here")
    for source_id in ("M-there", "M-nobody"):
        text = await check(source_id)
        assert source_id in text
        assert "contact would be made" not in text
        assert "a known contact" not in text


async def test_an_address_of_keys_is_added_fetched_and_revoked(olga, db, organization, shop, enterprise):
    """What stands there is shown; the address that fails says why."""
    enterprise.keys = [published(FIRST)]
    path = f"/console/platforms/{shop.id}"
    written = {"name": "Shop keys", "issuer": ISSUER, "address": enterprise.keys_url}
    assert "Write an address" in (await olga.post(f"{path}/key-sets/new", written | {"address": "x"})).text
    assert (await olga.post(f"{path}/key-sets/new", written)).status_code == 204
    text = (await olga.get(f"{path}/identity")).text
    assert enterprise.keys_url in text
    assert "<code>key-1</code> EdDSA" in text
    async with db.begin(organization) as tx:
        (key_set,) = await load_key_sets(tx, shop.realm_id)
        await tx.execute("UPDATE realm_key_sets SET tried_at = tried_at - interval '2 minutes'")
    enterprise.fault = "down"
    assert (await olga.post(f"{path}/key-sets/{key_set.id}/fetch")).status_code == 204
    assert "status 503" in (await olga.get(f"{path}/identity")).text
    assert "Shop keys" in (await olga.get(f"{path}/key-sets/{key_set.id}/limits")).text
    assert (await olga.post(f"{path}/key-sets/{key_set.id}/limits", {"may_narrow": "true"})).status_code == 204
    assert "This cannot be undone" in (await olga.get(f"{path}/key-sets/{key_set.id}/revoke", htmx=True)).text
    assert (await olga.post(f"{path}/key-sets/{key_set.id}/revoke")).status_code == 204
    assert f"{key_set.id}/revoke" not in (await olga.get(f"{path}/identity")).text


async def test_a_contact_is_blocked_and_unblocked(olga, db, services, organization, shop):
    """The mark is on the card and in the list, also beside a single identity; who vouched is shown."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        ann = await create_contact(
            tx, caller, fields={"name": "Ann"}, inbox_ids=[shop.id], provenance=Provenance.MEMBER
        )
        await link_identity(tx, caller, ann.id, await read_key(tx, "M-7", shop.realm_id))
        identity = await tx.fetch_value("SELECT id FROM identities WHERE source_id = 'M-7'")
    path = f"/console/contacts/{ann.id}"
    mark = "</svg>blocked</span>"
    text = (await olga.get(path)).text
    assert "vouched for by system" in text
    assert f"{path}/block" in text
    assert mark not in text
    assert (await olga.post(f"{path}/block", {"identity": str(identity)})).status_code == 204
    assert (await olga.get(path)).text.count(mark) == 1
    assert (await olga.post(f"{path}/block", {"reason": "spam"})).status_code == 204
    assert (await olga.get(path)).text.count(mark) == 2
    assert mark in (await olga.get("/console/contacts")).text
    assert "spam" in (await olga.get(f"{path}/block", htmx=True)).text
    assert (await olga.post(f"{path}/unblock")).status_code == 204
    assert mark not in (await olga.get(path)).text
    assert (await olga.post(f"{path}/block", {"identity": "nobody's"})).status_code == 404
