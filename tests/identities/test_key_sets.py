"""Keys that the enterprise publishes: fetched when needed, followed when they change, and refused when they are bad."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey
from tests.identities.tokens import ISSUER, NOW, Enterprise, encode, enterprise
from tests.making import make_inbox, member

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.channels.model import IdentityMode, Inbox
from frontdesk.core.db import Database
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.identities.actions import find_session, open_session
from frontdesk.identities.errors import IdentityRefused, KeyRevoked, RefusalReason
from frontdesk.identities.key_sets import (
    KEPT,
    KeySet,
    KeySetSpec,
    add_key_set,
    load_key_sets,
    parse_key_set,
    revoke_key_set,
    set_set_limits,
)
from frontdesk.identities.keys import KeySpec, set_key_state, upload_key
from frontdesk.identities.model import KeyState, Offered, Proof
from frontdesk.identities.proving import Prover
from frontdesk.organizations.model import Caller, Right, system_caller
from frontdesk.testing import FakeEnterprise, run_fake_enterprise

MINUTE = timedelta(minutes=1)
FIRST, SECOND = enterprise("EdDSA", "key-1"), enterprise("ES256", "key-2")


def published(of: Enterprise, **changes: Any) -> dict[str, Any]:
    return {**of.private.as_dict(private=False), "kid": of.key.kid, **changes}


@dataclass
class Publishing:
    """An inbox whose enterprise publishes its keys at an address."""

    db: Database
    organization: OrganizationId
    inbox: Inbox
    key_set: KeySet
    site: FakeEnterprise
    prover: Prover

    async def prove(self, by: Enterprise, now: datetime = NOW, **claims: Any) -> Proof:
        token = by.sign("M-1001", now, **({"aud": self.inbox.public_id} | claims))
        return await self.prover.prove(self.organization, self.inbox, Offered(token), now=now)

    async def refusal(self, by: Enterprise, now: datetime = NOW, **claims: Any) -> RefusalReason:
        with pytest.raises(IdentityRefused) as refused:
            await self.prove(by, now, **claims)
        return refused.value.reason

    async def state(self) -> KeySet:
        async with self.db.begin(self.organization) as tx:
            return (await load_key_sets(tx, self.inbox.realm_id))[0]


@pytest.fixture(scope="module")
def site() -> Iterator[FakeEnterprise]:
    with run_fake_enterprise(FakeEnterprise()) as site:
        yield site


@pytest.fixture
async def publishing(services: Services, organization, site: FakeEnterprise) -> Publishing:
    site.keys, site.fault, site.fetches = [published(FIRST)], None, 0
    owner = system_caller(organization)
    async with services.db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner, identity_mode=IdentityMode.JWT)
        key_set = await add_key_set(tx, owner, inbox.realm_id, KeySetSpec("Shop", ISSUER, site.keys_url))
    prover = Prover(services.db, services.http, services.cipher)
    return Publishing(services.db, organization, inbox, key_set, site, prover)


async def test_keys_are_fetched_once_and_prove(publishing):
    """The session notes the set; one fetch serves all who come within ten minutes."""
    proofs = [await publishing.prove(FIRST) for _ in range(3)]
    assert {proof.witness.realm_key_set_id for proof in proofs} == {publishing.key_set.id}
    assert publishing.site.fetches == 1
    async with publishing.db.begin(publishing.organization) as tx:
        opening = await open_session(tx, publishing.inbox, stored=None, proof=proofs[0], now=NOW)
        kept = await find_session(tx, opening.token, NOW)
    assert (kept.realm_key_set_id, kept.realm_key_id) == (publishing.key_set.id, None)


async def test_a_rotation_needs_nobody(publishing):
    """A new key counts with the first token that names it; unknown ones make us ask once a minute at most."""
    await publishing.prove(FIRST)
    publishing.site.keys = [published(FIRST), published(SECOND)]
    later = NOW + 2 * MINUTE
    assert (await publishing.prove(SECOND, later)).witness.realm_key_set_id == publishing.key_set.id
    assert publishing.site.fetches == 2
    stranger = enterprise("EdDSA", "key-3")
    assert [await publishing.refusal(stranger, later) for _ in range(3)] == [RefusalReason.UNKNOWN_KEY] * 3
    assert publishing.site.fetches == 2
    await publishing.refusal(stranger, later + MINUTE)
    assert publishing.site.fetches == 3


async def test_many_who_come_at_once_make_one_fetch(publishing):
    """And all of them are proven by what it brings."""
    proofs = await asyncio.gather(*(publishing.prove(FIRST) for _ in range(20)))
    assert len(proofs) == 20
    assert publishing.site.fetches == 1


async def test_a_key_that_is_gone_proves_nobody_any_more(publishing):
    """Ten minutes later at the latest."""
    await publishing.prove(FIRST)
    publishing.site.keys = [published(SECOND)]
    assert (await publishing.prove(FIRST, NOW + 9 * MINUTE)).witness.realm_key_set_id == publishing.key_set.id
    assert await publishing.refusal(FIRST, NOW + 10 * MINUTE) == RefusalReason.UNKNOWN_KEY
    assert (await publishing.prove(SECOND, NOW + 10 * MINUTE)).witness.realm_key_set_id == publishing.key_set.id


async def test_an_address_that_fails_leaves_the_keys_for_a_day(publishing):
    """The reason is kept for the organization; after a day without a word nobody is proven."""
    await publishing.prove(FIRST)
    for tries, fault in enumerate(("down", "unreadable", "endless", "redirect")):
        publishing.site.fault = fault
        assert await publishing.prove(FIRST, NOW + (11 + tries) * MINUTE)
        state = await publishing.state()
        assert state.failure
        assert state.fetched_at == NOW
    assert publishing.site.fetches == 5
    assert await publishing.refusal(FIRST, NOW + KEPT) == RefusalReason.UNKNOWN_KEY


async def test_the_issuer_and_the_algorithm_are_fixed_beside_the_key(publishing):
    """A published key says neither who may sign with it nor how a token is to be read."""
    assert await publishing.refusal(FIRST, iss="https://evil.example") == RefusalReason.ISSUER_MISMATCH
    publishing.site.keys = [published(FIRST, alg="ES256")]
    assert await publishing.refusal(FIRST, NOW + 20 * MINUTE) == RefusalReason.UNKNOWN_KEY


async def test_a_revoked_set_ends_its_sessions_for_good(publishing, owner):
    """New proofs are refused, also one that was checked a moment before."""
    proof = await publishing.prove(FIRST)
    async with publishing.db.begin(publishing.organization) as tx:
        opening = await open_session(tx, publishing.inbox, stored=None, proof=proof, now=NOW)
        await revoke_key_set(tx, owner, publishing.key_set.id)
        assert await find_session(tx, opening.token, NOW) is None
        with pytest.raises(KeyRevoked):
            await revoke_key_set(tx, owner, publishing.key_set.id)
    assert await publishing.refusal(FIRST, NOW + 20 * MINUTE) == RefusalReason.UNKNOWN_KEY
    assert publishing.site.fetches == 1
    with pytest.raises(IdentityRefused):
        async with publishing.db.begin(publishing.organization) as tx:
            await open_session(tx, publishing.inbox, stored=None, proof=replace(proof, jti="other"), now=NOW)


async def test_a_published_key_cannot_stand_in_for_a_revoked_one(publishing, owner):
    """Uploaded keys come first, whatever stands at the address under their name."""
    async with publishing.db.begin(publishing.organization) as tx:
        pem = FIRST.private.as_pem(private=False).decode()
        key = await upload_key(tx, owner, publishing.inbox.realm_id, KeySpec("Old", ISSUER, kid="key-1"), pem)
        await set_key_state(tx, owner, key.id, KeyState.REVOKED)
    assert await publishing.refusal(FIRST) == RefusalReason.KEY_REVOKED


async def test_profiles_that_are_taken_from_a_set_end_the_sessions_that_claim_them(publishing, owner):
    """As with a single key."""
    async with publishing.db.begin(publishing.organization) as tx:
        given = {"name": "VIP", "query_metadata": None, "minimum_assurance": Assurance.SIGNED}
        vip, _ = await create_profile(tx, owner, given)
        await set_set_limits(tx, owner, publishing.key_set.id, allowed_profiles=[vip.id], may_narrow=False)
    proof = await publishing.prove(FIRST, access_profiles=["VIP"])
    async with publishing.db.begin(publishing.organization) as tx:
        opening = await open_session(tx, publishing.inbox, stored=None, proof=proof, now=NOW)
        await set_set_limits(tx, owner, publishing.key_set.id, allowed_profiles=[], may_narrow=False)
        assert await find_session(tx, opening.token, NOW) is None
    with pytest.raises(IdentityRefused):  # proven before it was taken away
        async with publishing.db.begin(publishing.organization) as tx:
            await open_session(tx, publishing.inbox, stored=None, proof=proof, now=NOW)


async def test_who_may_let_an_address_count(publishing, owner):
    """inboxes.edit in the whole realm; whoever has less finds nothing."""
    async with publishing.db.begin(publishing.organization) as tx:
        await make_inbox(tx, owner, "Another of the realm")
        some: Caller = member(owner, Right.INBOXES_EDIT, inboxes={publishing.inbox.id})
        spec = KeySetSpec("Mine", ISSUER, "https://mine.example/keys")
        with pytest.raises(NotFound):
            await add_key_set(tx, some, publishing.inbox.realm_id, spec)
        with pytest.raises(NotFound):
            await revoke_key_set(tx, some, publishing.key_set.id)
        with pytest.raises(Forbidden):
            await set_set_limits(tx, some, publishing.key_set.id, allowed_profiles=[], may_narrow=True)
        with pytest.raises(InvalidRequest):
            await add_key_set(tx, owner, publishing.inbox.realm_id, replace(spec, address="file:///etc/passwd"))


# --- what stands at the address -----------------------------------------------------------------------------------------

BAD = [
    ("no object", "text"),
    ("a private key", {**FIRST.private.as_dict(private=True), "kid": "key-1"}),
    ("a shared key", {**OctKey.import_key("s" * 40).as_dict(private=True), "kid": "key-1"}),
    ("a weak key", {"kty": "RSA", "kid": "key-1", "e": "AQAB", "n": encode(b"\xc3" * 128)}),
    ("another curve", {**ECKey.generate_key("P-384").as_dict(private=False), "kid": "key-1"}),
    ("no id", {**FIRST.private.as_dict(private=False), "kid": None}),
    ("an id that is a number", published(FIRST, kid=7)),
    ("a long id", published(FIRST, kid="k" * 101)),
    ("for encryption", published(FIRST, use="enc")),
    ("for signing only", published(FIRST, key_ops=["sign"])),
    ("for another algorithm", published(FIRST, alg="HS256")),
    ("garbled", published(FIRST, x="!")),
    ("a list for a kind", published(FIRST, kty=["OKP"])),
]


@pytest.mark.parametrize("jwk", [bad[1] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_keys_that_cannot_verify_are_passed_over(jwk):
    """The good ones beside them count."""
    good = published(SECOND, alg="ES256", use="sig", key_ops=["verify"], x5c=["ignored"])
    found = parse_key_set(json.dumps({"keys": [jwk, good]}).encode())
    assert [(key["kid"], key["algorithm"]) for key in found] == [("key-2", "ES256")]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys": 7}', b"\xff", b"[" * 100_000])
def test_what_is_no_key_set_is_refused(content):
    """It is a failure to fetch, not an empty set."""
    with pytest.raises((ValueError, TypeError)):
        parse_key_set(content)


def test_no_more_than_twenty_keys_are_kept():
    """And each name once."""
    keys = [published(FIRST, kid=f"key-{number}") for number in range(30)]
    assert len(parse_key_set(json.dumps({"keys": [*keys[:3], *keys]}).encode())) == 17
