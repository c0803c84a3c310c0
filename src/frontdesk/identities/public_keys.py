"""Public keys as people upload them: PEM or JWK, of the algorithms that we verify."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from frontdesk.core.errors import InvalidRequest
from frontdesk.identities.model import Algorithm
from frontdesk.identities.proofs import MAX_RSA_BITS, MIN_RSA_BITS, import_key

_MAX_LENGTH: Final = 4096
_MEMBERS: Final = frozenset({"kty", "crv", "x", "y", "n", "e"})
_PRIVATE: Final = frozenset({"d", "k", "p", "q", "dp", "dq", "qi", "oth"})
_ALGORITHMS: Final[Mapping[tuple[object, object], Algorithm]] = {
    ("OKP", "Ed25519"): "EdDSA",
    ("EC", "P-256"): "ES256",
    ("RSA", None): "RS256",
}
_POINTER: Final = "/publicKey"
_WANTED: Final = f"Upload a public key: Ed25519, P-256, or RSA of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits; as PEM or JWK."


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key with the one algorithm that it is for."""

    algorithm: Algorithm
    jwk: Mapping[str, Any]
    kid: str | None  # as the JWK calls itself


def parse_public_key(text: str) -> PublicKey:
    """Read a PEM or a JWK. Raises InvalidRequest for private keys, weak keys and all else."""
    if "PRIVATE KEY" in text:
        raise _private()
    if len(text) > _MAX_LENGTH:
        raise InvalidRequest(_WANTED, pointer=_POINTER)
    try:
        jwk = json.loads(text) if text.lstrip().startswith("{") else _read_pem(text)
    except (ValueError, TypeError, RecursionError, JoseError, UnsupportedAlgorithm) as error:
        raise InvalidRequest(_WANTED, pointer=_POINTER) from error
    return parse_jwk(jwk)


def parse_jwk(jwk: Mapping[str, Any]) -> PublicKey:
    """Read a JWK. Raises InvalidRequest for private keys, weak keys and all else."""
    if _PRIVATE & jwk.keys():
        raise _private()
    try:
        algorithm = _ALGORITHMS[(jwk.get("kty"), jwk.get("crv"))]
        public = {name: jwk[name] for name in _MEMBERS & jwk.keys()}
        import_key(algorithm, public, None)
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise InvalidRequest(_WANTED, pointer=_POINTER) from error
    kid = jwk.get("kid")
    return PublicKey(algorithm, public, kid if isinstance(kid, str) else None)


def _read_pem(text: str) -> dict[str, Any]:
    key = load_pem_public_key(text.strip().encode())
    if isinstance(key, Ed25519PublicKey):
        return dict(OKPKey.import_key(key).as_dict(private=False))
    if isinstance(key, EllipticCurvePublicKey):
        return dict(ECKey.import_key(key).as_dict(private=False))
    if isinstance(key, RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return dict(RSAKey.import_key(key).as_dict(private=False))
    raise ValueError


def _private() -> InvalidRequest:
    return InvalidRequest("This is a private key. Keep it to yourself and upload the public one.", pointer=_POINTER)
