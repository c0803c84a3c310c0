"""An enterprise that signs identity tokens, and the forgers beside it."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from frontdesk.core.ids import RealmId, new_id
from frontdesk.identities.model import KeyState, RealmKey, RealmKeyId

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
AUDIENCE = "shop-web"
ISSUER = "https://id.northlight.example"
SECRET = "k7Qx2vB9mZ4tR8wN1yC6pL3sF5hJ0dGa-uEoIqWnTbX"

PRIVATE = {
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "ES256": ECKey.generate_key("P-256"),
    "RS256": RSAKey.generate_key(2048),
    "HS256": OctKey.import_key(SECRET),
}


def encode(part: object) -> str:
    """One segment of a JWS; text and bytes as they are, all else as JSON."""
    raw = part if isinstance(part, bytes) else part.encode() if isinstance(part, str) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signature_of(signing_input: str, algorithm: str, private: Any) -> str:
    """Sign by the library's algorithm, whatever the header says."""
    return encode(JWSRegistry.algorithms[algorithm].sign(signing_input.encode(), private))


@dataclass(frozen=True)
class Enterprise:
    """Its key in the realm, and the private half that signs."""

    key: RealmKey
    private: Any

    def header(self, **changes: Any) -> dict[str, Any]:
        return without_none({"typ": "contact-identity+jwt", "alg": self.key.algorithm, "kid": self.key.kid} | changes)

    def claims(self, sub: Any = "M-1001", now: datetime = NOW, **changes: Any) -> dict[str, Any]:
        issued = int(now.timestamp())
        claims = {"iss": self.key.issuer, "aud": AUDIENCE, "sub": sub, "iat": issued, "exp": issued + 300}
        return without_none(claims | {"jti": uuid4().hex} | changes)

    def token(self, claims: Any, header: Any = None) -> str:
        text = f"{encode(self.header() if header is None else header)}.{encode(claims)}"
        return f"{text}.{signature_of(text, self.key.algorithm, self.private)}"

    def sign(self, sub: Any = "M-1001", now: datetime = NOW, **changes: Any) -> str:
        """A good token for `sub`, but for `changes`; a claim that is None is left out."""
        return self.token(self.claims(sub, now, **changes))

    def with_key(self, **changes: Any) -> "Enterprise":
        return replace(self, key=replace(self.key, **changes))


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def enterprise(algorithm: Any = "EdDSA", kid: str = "web-2026", **changes: Any) -> Enterprise:
    private = PRIVATE[algorithm]
    key = RealmKey(
        id=RealmKeyId(new_id()),
        realm_id=RealmId(new_id()),
        kid=kid,
        name="Shop",
        issuer=ISSUER,
        algorithm=algorithm,
        public_key=None if algorithm == "HS256" else private.as_dict(private=False),
        secret=SECRET if algorithm == "HS256" else None,
        state=KeyState.ACTIVE,
        verify_until=None,
        allowed_profiles={},
        may_narrow=False,
        created_at=NOW,
    )
    return Enterprise(replace(key, **changes), private)


def unsigned(of: Enterprise, algorithm: str = "none") -> str:
    """A token with `alg: none` and no signature."""
    return f"{encode(of.header(alg=algorithm))}.{encode(of.claims())}."


def confused(of: Enterprise) -> str:
    """A token whose HMAC secret is the public key, as text: the classic RS/HS swap."""
    text = f"{encode(of.header(alg='HS256'))}.{encode(of.claims())}"
    pem = RSAKey.import_key(dict(of.key.public_key or {})).as_pem(private=False)
    return f"{text}.{encode(hmac.new(pem, text.encode(), hashlib.sha256).digest())}"
