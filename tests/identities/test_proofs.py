"""Identity tokens: what proves somebody, and a reason of its own for everything that does not."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey
from tests.identities.tokens import AUDIENCE, NOW, Enterprise, confused, encode, enterprise, signature_of, unsigned

from frontdesk.core.ids import ProfileId, new_id
from frontdesk.identities.errors import ProofRefused
from frontdesk.identities.model import KeyState, Proof, ProvenCard
from frontdesk.identities.proofs import verify_token

SECOND = timedelta(seconds=1)
HERE = enterprise()
RSA = enterprise("RS256")
SECONDS = int(NOW.timestamp())
VIP, TRIAL = ProfileId(new_id()), ProfileId(new_id())
GENEROUS = enterprise(allowed_profiles={VIP: "VIP", TRIAL: "Trial"}, may_narrow=True)


def check(token: object, of: Enterprise = HERE, **changes: Any) -> Proof:
    return verify_token(token, **({"keys": [of.key], "audience": AUDIENCE, "now": NOW} | changes))


def reason_of(token: object, of: Enterprise = HERE, **changes: Any) -> str:
    with pytest.raises(ProofRefused) as refused:
        check(token, of, **changes)
    return refused.value.reason.value


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256", "HS256"])
def test_a_good_token_proves_its_subject(algorithm: str):
    """The source id is the one that was signed, in the realm of the key; the card says what the token says."""
    shop = enterprise(algorithm)
    token = shop.sign(
        "M-1001", jti="j1", name="Mr. Zhang", picture="https://id.example/z.png", email="z@example.com",
        email_verified=True, phone_number="+886912345678", locale="zh-TW", attributes={"tier": "gold"},
    )  # fmt: skip
    proof = check(token, shop)
    assert (proof.key.realm, proof.key.source_id) == (shop.key.realm_id, "M-1001")
    assert (proof.witness, proof.jti) == (shop.key.witness, "j1")
    assert proof.expires_at == NOW + 300 * SECOND
    assert proof.card == ProvenCard(
        "Mr. Zhang", "https://id.example/z.png", "z@example.com", "+886912345678", "zh-TW", {"tier": "gold"}
    )
    assert (proof.claims.access_profiles, proof.claims.query_metadata) == ((), None)


FORGED = [
    ("no text", None, "malformed"),
    ("a number", 7, "malformed"),
    ("empty", "", "malformed"),
    ("two parts", "a.b", "malformed"),
    ("JSON serialization", '{"payload":"","signatures":[]}', "malformed"),
    ("not ASCII", "é.é.é", "malformed"),
    ("not base64", "!!.!!.!!", "malformed"),
    ("padded base64", "e30=.e30=.", "malformed"),
    ("header is a list", f"{encode([])}.{encode({})}.", "malformed"),
    ("header is nested too deep", f"{encode('[' * 3000)}.{encode({})}.", "malformed"),
    ("header names a key of its own", HERE.token({}, HERE.header(jwk=HERE.key.public_key)), "malformed"),
    ("unencoded payload", HERE.token({}, HERE.header(b64=False, crit=["b64"])), "malformed"),
    ("oversized", HERE.sign(name="x" * 9000), "too_large"),
    ("no typ", HERE.token(HERE.claims(), HERE.header(typ=None)), "wrong_type"),
    ("typ of any token", HERE.token(HERE.claims(), HERE.header(typ="JWT")), "wrong_type"),
    ("no kid", HERE.token(HERE.claims(), HERE.header(kid=None)), "unknown_key"),
    ("unknown kid", HERE.token(HERE.claims(), HERE.header(kid="web-1999")), "unknown_key"),
    ("kid is a list", HERE.token(HERE.claims(), HERE.header(kid=[HERE.key.kid])), "unknown_key"),
    ("alg none", unsigned(HERE), "algorithm_mismatch"),
    ("alg None", unsigned(HERE, "None"), "algorithm_mismatch"),
    ("no alg", HERE.token(HERE.claims(), HERE.header(alg=None)), "algorithm_mismatch"),
    ("alg of another family", HERE.token(HERE.claims(), HERE.header(alg="Ed25519")), "algorithm_mismatch"),
    ("no signature", HERE.sign().rpartition(".")[0] + ".", "bad_signature"),
    ("wrong iss", HERE.sign(iss="https://id.southdark.example"), "issuer_mismatch"),
    ("no iss", HERE.sign(iss=None), "issuer_mismatch"),
    ("wrong aud", HERE.sign(aud="other-inbox"), "audience_mismatch"),
    ("no aud", HERE.sign(aud=None), "audience_mismatch"),
    ("several aud", HERE.sign(aud=[AUDIENCE, "other-inbox"]), "audience_mismatch"),
    ("no iat", HERE.sign(iat=None), "issued_at_missing"),
    ("iat is text", HERE.sign(iat=str(SECONDS)), "issued_at_missing"),
    ("no exp", HERE.sign(exp=None), "expiry_missing"),
    ("exp is true", HERE.sign(exp=True), "expiry_missing"),
    ("exp beyond time", HERE.sign(exp=10**300), "expiry_missing"),
    ("exp is negative", HERE.sign(exp=-1), "expiry_missing"),
    ("future", HERE.sign(iat=SECONDS + 61), "issued_in_future"),
    ("expired", HERE.sign(iat=SECONDS - 120, exp=SECONDS - 60), "expired"),
    ("expires before it is issued", HERE.sign(exp=SECONDS - 1), "expired"),
    ("lives too long", HERE.sign(exp=SECONDS + 601), "lifetime_too_long"),
    ("no jti", HERE.sign(jti=None), "token_id_missing"),
    ("empty jti", HERE.sign(jti=""), "token_id_missing"),
    ("jti is a number", HERE.sign(jti=1), "token_id_missing"),
    ("no sub", HERE.sign(None), "source_id_invalid"),
    ("sub is 0", HERE.sign(0), "source_id_invalid"),
    ("sub is true", HERE.sign(True), "source_id_invalid"),
    ("sub is a list", HERE.sign(["M-1001"]), "source_id_invalid"),
    ("sub is null as text", HERE.sign("null"), "source_id_invalid"),
    ("sub is padded", HERE.sign("M-1001 "), "source_id_invalid"),
    ("name is a number", HERE.sign(name=5), "claim_invalid"),
    ("e-mail is a list", HERE.sign(email=["z@example.com"]), "claim_invalid"),
    ("email_verified as text", HERE.sign(email_verified="true"), "claim_invalid"),
    ("attributes are a list", HERE.sign(attributes=["gold"]), "claim_invalid"),
    ("nonce is a number", HERE.sign(nonce=1), "claim_invalid"),
    ("claims are a list", HERE.token([1]), "malformed"),
    ("claims are no JSON", HERE.token("{"), "malformed"),
    ("claims nested too deep", HERE.token('{"a":' * 900 + "1" + "}" * 900), "malformed"),
    ("a bomb in attributes", HERE.sign(attributes={"a": [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}), "malformed"),
    ("NUL in the name", HERE.sign(name="a\x00"), "malformed"),
    ("half a character in an attribute", HERE.token('{"attributes":{"a":"\\ud800"}}'), "malformed"),
    ("no number", HERE.token('{"exp":NaN}'), "malformed"),
    ("infinite", HERE.token('{"exp":1e999}'), "malformed"),
    ("a number of 5,000 digits", HERE.token('{"exp":' + "9" * 5000 + "}"), "malformed"),
    ("a profile that the key may not set", HERE.sign(access_profiles=["VIP"]), "profile_not_allowed"),
    ("profiles as text", HERE.sign(access_profiles="VIP"), "claim_invalid"),
    ("narrowing by a key that may not", HERE.sign(query_metadata={}), "narrowing_not_allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("token", "reason"), [case[1:] for case in FORGED], ids=[case[0] for case in FORGED])
def test_every_failed_check_has_its_reason(token: object, reason: str):
    """The token is refused, and the organization reads exactly why."""
    assert reason_of(token) == reason


def test_the_algorithm_is_fixed_by_the_key():
    """A public key is no HMAC secret, and a secret is no RSA key, whatever a header says."""
    assert reason_of(confused(RSA), RSA) == "algorithm_mismatch"
    shared = enterprise("HS256")
    assert reason_of(RSA.sign(), shared) == "algorithm_mismatch"
    swapped = replace(shared, key=replace(shared.key, algorithm="HS256", secret=str(RSA.key.public_key)))
    assert reason_of(RSA.token(RSA.claims(), swapped.header()), swapped) == "bad_signature"


def test_a_signature_covers_every_byte():
    """A changed claim, a changed header and another enterprise's signature are all refused."""
    header, claims, signature = HERE.sign("M-1001").split(".")
    assert reason_of(f"{header}.{encode(HERE.claims('M-1002'))}.{signature}") == "bad_signature"
    text = f"{header}.{claims}"
    foreign = signature_of(text, "EdDSA", OKPKey.generate_key("Ed25519"))
    assert reason_of(f"{text}.{foreign}") == "bad_signature"
    assert reason_of(f"{text}.{signature}A") == "bad_signature"
    assert reason_of(f"{text}.{encode(b'short')}") == "bad_signature"


def test_a_key_of_another_realm_proves_nothing_here():
    """The keys that are asked are the realm's; the same kid elsewhere is another key."""
    elsewhere = Enterprise(replace(HERE.key, kid="web-elsewhere"), HERE.private)
    assert reason_of(elsewhere.sign()) == "unknown_key"
    assert reason_of(HERE.sign(), keys=[]) == "unknown_key"


def test_keys_rotate():
    """An old key verifies until its date, a revoked one never; the new one works beside it."""
    old = HERE.with_key(state=KeyState.VERIFY_ONLY, verify_until=NOW)
    assert check(old.sign(), old, now=NOW - SECOND).key.source_id == "M-1001"
    assert reason_of(old.sign(), old) == "key_retired"
    dateless = HERE.with_key(state=KeyState.VERIFY_ONLY)
    assert reason_of(dateless.sign(), dateless) == "key_retired"
    revoked = HERE.with_key(state=KeyState.REVOKED)
    assert reason_of(revoked.sign(), revoked) == "key_revoked"
    new = enterprise("ES256", kid="web-2027")
    assert check(new.sign(), keys=[revoked.key, new.key]).witness == new.key.witness


WEAK = [
    ("HS256", {"secret": "x" * 31}),
    ("HS256", {"secret": None}),
    ("RS256", {"public_key": {"kty": "RSA", "n": "AQAB" * 64, "e": "AQAB"}}),
    ("ES256", {"public_key": ECKey.generate_key("P-384").as_dict(private=False)}),
    ("EdDSA", {"public_key": OKPKey.generate_key("Ed448").as_dict(private=False)}),
    ("EdDSA", {"public_key": RSA.key.public_key}),
    ("EdDSA", {"public_key": None}),
]  # fmt: skip


@pytest.mark.parametrize(("algorithm", "changes"), WEAK)
def test_a_weak_or_strange_key_proves_nothing(algorithm: str, changes: dict[str, Any]):
    """Short secrets, short RSA keys and other curves are refused even if they were stored."""
    weak = enterprise(algorithm).with_key(**changes)
    assert reason_of(weak.sign(), weak) == "weak_key"


def test_clocks_may_differ_by_a_minute():
    """60 s of skew are forgiven both ways, not a second more."""
    assert check(HERE.sign(iat=SECONDS + 60, exp=SECONDS + 600))
    assert check(HERE.sign(iat=SECONDS - 600, exp=SECONDS - 59))
    assert reason_of(HERE.sign(iat=SECONDS - 600, exp=SECONDS - 60)) == "expired"
    assert check(HERE.sign(iat=SECONDS - 0.5, exp=SECONDS + 599.5))


def test_an_unverified_e_mail_does_not_reach_the_card():
    """The enterprise itself does not vouch for it."""
    assert check(HERE.sign(email="z@example.com", email_verified=False)).card.email is None
    assert check(HERE.sign(email="z@example.com")).card.email == "z@example.com"


def test_claimed_profiles_are_those_that_the_key_may_set():
    """By name or by id, each once; one that is not on the key's list refuses the token."""
    proof = check(GENEROUS.sign(access_profiles=["VIP", str(TRIAL), "VIP"]), GENEROUS)
    assert proof.claims.access_profiles == (VIP, TRIAL)
    for other in ("Distributor", str(uuid4()), "vip", None, 1, ["VIP"]):
        assert reason_of(GENEROUS.sign(access_profiles=["VIP", other]), GENEROUS) == "profile_not_allowed"


def test_claimed_query_metadata_must_be_readable():
    """It is kept as it was signed; what cannot be read could open what it meant to close, so it is refused."""
    narrowing = {"knowledge_bases": [{"knowledge_base_id": str(uuid4())}], "source": "shop"}
    assert check(GENEROUS.sign(query_metadata=narrowing), GENEROUS).claims.query_metadata == narrowing
    for broken in ({"knowledge_base": []}, [], "all", {"knowledge_bases": "all"}):
        assert reason_of(GENEROUS.sign(query_metadata=broken), GENEROUS) == "query_metadata_invalid"


def test_the_organization_refuses_its_own_placeholders():
    """A word of the organization's list is nobody's id in a token either."""
    assert reason_of(HERE.sign("guest"), refused=["guest"]) == "source_id_invalid"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CLAIMS = ["iss", "aud", "sub", "iat", "exp", "jti", "nonce", "name", "email", "email_verified", "attributes",
          "access_profiles", "query_metadata"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(CLAIMS), junk, max_size=4))
def test_signed_nonsense_is_refused_or_proves_its_own_subject(changes: dict[str, Any]):
    """No claim, however odd, ends in another failure than a refusal, or in another person."""
    with suppress(ProofRefused):
        proof = check(GENEROUS.token(GENEROUS.claims() | changes), GENEROUS)
        assert proof.key.source_id == changes.get("sub", "M-1001")


@given(
    st.text()
    | st.binary().map(encode)
    | st.tuples(junk, junk).map(lambda parts: f"{encode(parts[0])}.{encode(parts[1])}.")
)
def test_unsigned_nonsense_proves_nobody(token: str):
    """Whatever is sent without a signature is refused as such."""
    with pytest.raises(ProofRefused):
        check(token)
