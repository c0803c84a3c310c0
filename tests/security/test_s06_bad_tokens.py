"""Threat 6: what a token must not be is refused, each with a reason of its own."""

from datetime import timedelta

import pytest
from joserfc.jwk import OKPKey
from tests.identities.conftest import open_shop
from tests.identities.tokens import AUDIENCE, NOW, confused, enterprise, unsigned

from frontdesk.identities.actions import open_session
from frontdesk.identities.errors import IdentityRefused, ProofRefused, RefusalReason
from frontdesk.identities.model import KeyState
from frontdesk.identities.proofs import verify_token

HERE, RSA = enterprise(), enterprise("RS256")
SECONDS = int(NOW.timestamp())
RETIRED = HERE.with_key(state=KeyState.VERIFY_ONLY, verify_until=NOW - timedelta(seconds=1))
ANOTHER_PAIR = HERE.with_key(public_key=OKPKey.generate_key("Ed25519").as_dict(private=False))

BAD = {
    RefusalReason.EXPIRY_MISSING: (HERE.sign(exp=None), HERE),
    RefusalReason.EXPIRED: (HERE.sign(iat=SECONDS - 600, exp=SECONDS - 300), HERE),
    RefusalReason.ISSUED_IN_FUTURE: (HERE.sign(iat=SECONDS + 120, exp=SECONDS + 240), HERE),
    RefusalReason.LIFETIME_TOO_LONG: (HERE.sign(exp=SECONDS + 86_400), HERE),
    RefusalReason.ALGORITHM_MISMATCH: (confused(RSA), RSA),
    RefusalReason.AUDIENCE_MISMATCH: (HERE.sign(aud="another-inbox"), HERE),
    RefusalReason.ISSUER_MISMATCH: (HERE.sign(iss="https://evil.example"), HERE),
    RefusalReason.KEY_RETIRED: (HERE.sign(), RETIRED),
    RefusalReason.KEY_REVOKED: (HERE.sign(), HERE.with_key(state=KeyState.REVOKED)),
    RefusalReason.UNKNOWN_KEY: (HERE.sign(), enterprise(kid="another")),
    RefusalReason.BAD_SIGNATURE: (HERE.sign(), ANOTHER_PAIR),
    RefusalReason.TOKEN_ID_MISSING: (HERE.sign(jti=None), HERE),
    RefusalReason.NONCE_MISMATCH: (HERE.sign(nonce="of-another-browser"), HERE),
}


@pytest.mark.parametrize("reason", BAD)
def test_s06_each_is_refused_for_its_own_reason(reason):
    """Thirteen ways to be wrong, thirteen reasons."""
    token, of = BAD[reason]
    with pytest.raises(ProofRefused) as refused:
        verify_token(token, keys=[of.key], audience=AUDIENCE, now=NOW)
    assert refused.value.reason == reason


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_s06_no_signature_is_none(algorithm):
    """In any spelling, whatever the key is for."""
    for of in (HERE, RSA):
        with pytest.raises(ProofRefused):
            verify_token(unsigned(of, algorithm), keys=[of.key], audience=AUDIENCE, now=NOW)


async def test_s06_a_used_token_is_refused_to_everybody_else(tx, owner):
    """The session that used it may repeat it."""
    shop = await open_shop(tx, owner)
    proof = await shop.prove(tx, "M-1001", jti="once")
    first = await open_session(tx, shop.inbox, stored=None, proof=proof, now=NOW)
    await open_session(tx, shop.inbox, stored=first.session, proof=proof, now=NOW)
    with pytest.raises(IdentityRefused) as refused:
        await open_session(tx, shop.inbox, stored=None, proof=proof, now=NOW)
    assert refused.value.reason == RefusalReason.TOKEN_ID_REUSED
