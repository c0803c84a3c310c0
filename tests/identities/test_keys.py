"""Keys of a realm: made, uploaded, limited, rotated, revoked."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from tests.identities.conftest import CIPHER, add_enterprise, make_outsiders_inbox
from tests.identities.tokens import ISSUER, NOW, PRIVATE, Enterprise
from tests.making import make_inbox, member

from frontdesk.access.actions import create_profile
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.secrets import Cipher, SecretKeyLost
from frontdesk.core.text import utc_now
from frontdesk.identities.actions import find_session, open_session
from frontdesk.identities.errors import IdentityRefused, KeyIdTaken, KeyRevoked, RefusalReason
from frontdesk.identities.keys import (
    KeySpec,
    generate_key,
    generate_secret,
    list_realm_keys,
    load_realm_keys,
    set_key_limits,
    set_key_state,
    upload_key,
)
from frontdesk.identities.model import KeyState, RealmKeyId
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.model import Right

SPEC = KeySpec("Shop", ISSUER)


def signer(shop, key, private):
    return replace(shop, enterprise=Enterprise(key, private))


async def refusal(opening) -> RefusalReason:
    with pytest.raises(IdentityRefused) as refused:
        await opening
    return refused.value.reason


async def test_a_generated_key_signs_and_its_private_half_is_not_kept(tx, owner, shop):
    """What is shown once proves people; what is stored cannot."""
    key, pem = await generate_key(tx, owner, shop.inbox.realm_id, SPEC)
    assert load_pem_private_key(pem.encode(), None)
    assert (await signer(shop, key, OKPKey.import_key(pem)).open(tx, "M-1")).contact_id
    stored = await tx.fetch_one("SELECT public_key, secret FROM realm_keys WHERE id = %(id)s", {"id": key.id})
    assert (set(stored[0]), stored[1]) == ({"kty", "crv", "x"}, None)


async def test_a_generated_secret_signs_and_is_stored_encrypted(tx, owner, shop):
    """It has 256 random bits, is shown once, and lists do not carry it."""
    key, secret = await generate_secret(tx, owner, CIPHER, shop.inbox.realm_id, SPEC)
    assert len(secret.encode()) >= 32
    assert (await signer(shop, key, OctKey.import_key(secret)).open(tx, "M-1")).contact_id
    stored = await tx.fetch_value("SELECT secret FROM realm_keys WHERE id = %(id)s", {"id": key.id})
    assert secret.encode() not in stored
    assert all(one.secret is None for one in await list_realm_keys(tx, owner, shop.inbox.realm_id))
    with pytest.raises(SecretKeyLost):
        await load_realm_keys(tx, Cipher(bytes([1] * 32)), shop.inbox.realm_id)
    (entry, *_) = (await list_audit(tx, owner, limit=1)).entries
    assert secret not in json.dumps(entry.payload)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
@pytest.mark.parametrize("form", ["pem", "jwk"])
async def test_uploaded_public_keys_verify(tx, owner, shop, algorithm, form):
    """PEM and JWK alike; the kind of the key fixes the algorithm."""
    private = PRIVATE[algorithm]
    text = private.as_pem(private=False).decode() if form == "pem" else json.dumps(private.as_dict(private=False))
    key = await upload_key(tx, owner, shop.inbox.realm_id, SPEC, text)
    assert key.algorithm == algorithm
    assert (await signer(shop, key, private).open(tx, "M-1")).contact_id


async def test_a_jwk_may_name_itself(tx, owner, shop):
    """Its kid is taken; one that is given wins; two keys of a realm never share one."""
    jwk = json.dumps(PRIVATE["EdDSA"].as_dict(private=False) | {"kid": "web-1", "use": "sig"})
    realm = shop.inbox.realm_id
    assert (await upload_key(tx, owner, realm, SPEC, jwk)).kid == "web-1"
    assert (await upload_key(tx, owner, realm, replace(SPEC, kid="web-2"), jwk)).kid == "web-2"
    with pytest.raises(KeyIdTaken):
        await upload_key(tx, owner, realm, SPEC, jwk)
    outside = await make_outsiders_inbox(tx, owner)
    assert (await upload_key(tx, owner, outside.realm_id, SPEC, jwk)).kid == "web-1"


BAD_KEYS = [
    "",
    "no key",
    "{",
    "[]",
    "{}",
    '{"kty": "oct", "k": "c2VjcmV0"}',
    '{"kty": "OKP", "crv": "Ed25519"}',
    '{"kty": "OKP", "crv": "Ed25519", "x": 5}',
    '{"kty": ["OKP"], "crv": {}}',
    '{"kty": "RSA", "n": "AQAB", "e": "AQAB"}',
    '{"kty": "RSA", "n": 1, "e": 2}',
    '{"a":' * 900,
    "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    "x" * 5000,
    PRIVATE["EdDSA"].as_pem(private=True).decode(),
    json.dumps(PRIVATE["ES256"].as_dict(private=True)),
    json.dumps(OKPKey.generate_key("Ed448").as_dict(private=False)),
    OKPKey.generate_key("X25519").as_pem(private=False).decode(),
    ECKey.generate_key("P-521").as_pem(private=False).decode(),
    json.dumps({**RSAKey.generate_key(2048).as_dict(private=False), "n": "AQAB" * 64}),
]


@pytest.mark.parametrize("text", BAD_KEYS)
async def test_private_weak_and_strange_keys_are_refused(tx, owner, shop, text):
    """With a pointer to the field, and nothing stored."""
    with pytest.raises(InvalidRequest) as refused:
        await upload_key(tx, owner, shop.inbox.realm_id, SPEC, text)
    assert refused.value.pointer == "/publicKey"
    assert len(await list_realm_keys(tx, owner, shop.inbox.realm_id)) == 1


async def test_rotation(tx, owner, shop):
    """Both keys prove until the old one's date; sessions of the old one are not ended by it."""
    old = await shop.open(tx, "M-1")
    until = NOW + timedelta(hours=1)
    key_id = shop.enterprise.key.id
    await set_key_state(tx, owner, key_id, KeyState.VERIFY_ONLY, verify_until=until)
    new = replace(shop, enterprise=await add_enterprise(tx, owner, shop.inbox))
    assert (await shop.open(tx, "M-1")).contact_id == (await new.open(tx, "M-1")).contact_id
    assert await refusal(shop.open(tx, "M-1", now=until)) == RefusalReason.KEY_RETIRED
    assert await find_session(tx, old.token, NOW)


async def test_revocation_ends_the_sessions_of_the_key(tx, owner, shop):
    """Proofs of it are refused at once, sessions of other keys go on, and it never comes back."""
    other = replace(shop, enterprise=await add_enterprise(tx, owner, shop.inbox))
    mine, theirs = await shop.open(tx, "M-1"), await other.open(tx, "M-1")
    proof = await shop.prove(tx, "M-1")
    key_id = shop.enterprise.key.id
    await set_key_state(tx, owner, key_id, KeyState.REVOKED)
    assert await find_session(tx, mine.token, NOW) is None
    assert await find_session(tx, theirs.token, NOW)
    assert await refusal(shop.open(tx, "M-1")) == RefusalReason.KEY_REVOKED
    late = open_session(tx, shop.inbox, stored=None, proof=proof, now=NOW)
    assert await refusal(late) == RefusalReason.KEY_REVOKED
    for state, until in ((KeyState.ACTIVE, None), (KeyState.VERIFY_ONLY, utc_now())):
        with pytest.raises(KeyRevoked):
            await set_key_state(tx, owner, key_id, state, verify_until=until)


async def test_a_date_belongs_to_verify_only(tx, owner, shop):
    """It is asked for there and refused elsewhere."""
    for state, until in ((KeyState.VERIFY_ONLY, None), (KeyState.ACTIVE, NOW)):
        with pytest.raises(InvalidRequest):
            await set_key_state(tx, owner, shop.enterprise.key.id, state, verify_until=until)


async def test_what_a_key_may_claim_is_listed_per_key(tx, owner, shop):
    """A profile by name on the list lives in the session; taking it off the list ends the sessions that claim it."""
    vip, _ = await create_profile(tx, owner, {"name": "VIP"})
    key_id = shop.enterprise.key.id
    assert await refusal(shop.open(tx, "M-1", access_profiles=["VIP"])) == RefusalReason.PROFILE_NOT_ALLOWED
    await set_key_limits(tx, owner, key_id, allowed_profiles=[vip.id], may_narrow=True)
    narrowing = {"knowledge_bases": []}
    claiming = await shop.open(tx, "M-1", access_profiles=["VIP"], query_metadata=narrowing)
    plain = await shop.open(tx, "M-1")
    kept = (await find_session(tx, claiming.token, NOW)).claims
    assert (kept.access_profiles, kept.query_metadata) == ((vip.id,), narrowing)
    renewed = await shop.open(tx, "M-1", claiming.session)
    assert renewed.session.claims.access_profiles == ()
    claiming = await shop.open(tx, "M-1", access_profiles=[str(vip.id)])
    await set_key_limits(tx, owner, key_id, allowed_profiles=[], may_narrow=False)
    assert await find_session(tx, claiming.token, NOW) is None
    assert await find_session(tx, plain.token, NOW)
    assert await refusal(shop.open(tx, "M-1", query_metadata={})) == RefusalReason.NARROWING_NOT_ALLOWED
    with pytest.raises(InvalidRequest):
        await set_key_limits(tx, owner, key_id, allowed_profiles=[shop.inbox.id], may_narrow=False)


async def test_what_was_proven_before_a_profile_was_taken_away_claims_it_no_more(tx, owner, shop):
    """A token is checked a moment before the chat opens: in it somebody may limit the key."""
    vip, _ = await create_profile(tx, owner, {"name": "VIP"})
    await set_key_limits(tx, owner, shop.enterprise.key.id, allowed_profiles=[vip.id], may_narrow=False)
    claiming, plain = await shop.prove(tx, "M-1", access_profiles=["VIP"]), await shop.prove(tx, "M-1")
    await set_key_limits(tx, owner, shop.enterprise.key.id, allowed_profiles=[], may_narrow=False)
    assert await refusal(open_session(tx, shop.inbox, stored=None, proof=claiming, now=NOW))
    assert (await open_session(tx, shop.inbox, stored=None, proof=plain, now=NOW)).session


async def test_who_may_change_keys(tx, owner, shop):
    """Whoever adds a key can be anybody of the realm: that takes all of its inboxes."""
    beside = await make_inbox(tx, owner, "Beside")
    realm = shop.inbox.realm_id
    part = member(owner, Right.INBOXES_EDIT, Right.INBOXES_VIEW, inboxes={shop.inbox.id})
    blind = member(owner, Right.INBOXES_EDIT)
    outside = await make_outsiders_inbox(tx, owner)
    assert len(await list_realm_keys(tx, part, realm)) == 1
    for attempt in (
        generate_key(tx, part, realm, SPEC),
        set_key_state(tx, part, shop.enterprise.key.id, KeyState.REVOKED),
        list_realm_keys(tx, part, outside.realm_id),
        generate_key(tx, owner, beside.id, SPEC),
        set_key_state(tx, owner, RealmKeyId(beside.id), KeyState.REVOKED),
    ):
        with pytest.raises(NotFound):
            await attempt
    vip, _ = await create_profile(tx, owner, {"name": "VIP"})
    with pytest.raises(Forbidden):
        await generate_key(tx, blind, realm, replace(SPEC, allowed_profiles=(vip.id,)))
    own = member(owner, Right.INBOXES_EDIT, inboxes={outside.id})
    assert await generate_key(tx, own, outside.realm_id, SPEC)
