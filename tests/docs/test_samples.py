"""The samples in the documentation do what they say."""

import importlib.util
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from joserfc.jwk import ECKey

from frontdesk.core.ids import RealmId, new_id
from frontdesk.identities.errors import ProofRefused
from frontdesk.identities.model import KeyState, Proof, ProvenCard, RealmKey, RealmKeyId
from frontdesk.identities.proofs import verify_token

SAMPLES = Path(__file__).parents[2] / "docs" / "how-to" / "samples"
WEB_CHAT = "5f0c6a52-7c35-4a0c-9b4f-3a9b1c1d2e3f"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pair() -> ECKey:
    return ECKey.generate_key("P-256")


def registered(pair: ECKey) -> RealmKey:
    return RealmKey(
        id=RealmKeyId(new_id()),
        realm_id=RealmId(new_id()),
        kid="shop-2026",
        name="Shop",
        issuer="https://shop.example.com",
        algorithm="ES256",
        public_key=pair.as_dict(private=False),
        secret=None,
        state=KeyState.ACTIVE,
        verify_until=None,
        allowed_profiles={},
        may_narrow=False,
        created_at=datetime.now(UTC),
    )


def sign(pair: ECKey, **changes: object) -> str:
    said = {
        "key_id": "shop-2026",
        "issuer": "https://shop.example.com",
        "web_chat_id": WEB_CHAT,
        "source_id": "M-1001",
        "about": {"name": "Zhang Weimin", "email": "zhang@example.com", "attributes": {"level": "gold"}},
    } | changes
    return load("sign_token").sign_token(pair.as_pem(private=True).decode(), **said)


def prove(pair: ECKey, token: str) -> Proof:
    return verify_token(token, keys=[registered(pair)], audience=WEB_CHAT, now=datetime.now(UTC))


def test_a_token_of_the_sample_proves_its_person(pair: ECKey):
    """What the how-to shows is accepted as it stands, card and all."""
    proof = prove(pair, sign(pair))
    assert proof.key.source_id == "M-1001"
    assert proof.card == ProvenCard(name="Zhang Weimin", email="zhang@example.com", attributes={"level": "gold"})


def test_each_token_of_the_sample_is_another_one(pair: ECKey):
    """A token is used once, so two page views need two of them."""
    assert prove(pair, sign(pair)).jti != prove(pair, sign(pair)).jti


def test_what_is_said_about_the_person_never_replaces_who_it_is(pair: ECKey):
    """A claim about the card that is called like one of the token's own is overwritten by it."""
    token = sign(pair, about={"sub": "M-9999", "aud": "elsewhere", "exp": 0})
    assert prove(pair, token).key.source_id == "M-1001"


def test_a_token_of_the_sample_opens_no_other_chat(pair: ECKey):
    """It is made for one web chat."""
    with pytest.raises(ProofRefused, match="audience_mismatch"):
        prove(pair, sign(pair, web_chat_id="another"))
