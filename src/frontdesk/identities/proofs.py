"""Identity tokens: what the enterprise signs, and every check that it must pass. No I/O.

Source: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best current practice).
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

from frontdesk.identities.claims import (
    Claims,
    load_object,
    read_card,
    read_session_claims,
    read_source_id,
    read_text,
    read_time,
)
from frontdesk.identities.errors import ProofRefused, RefusalReason
from frontdesk.identities.model import Algorithm, IdentityKey, KeyState, Proof, ProvingKey

TOKEN_TYPE: Final = "contact-identity+jwt"  # noqa: S105 -- a media type
MAX_TOKEN_BYTES: Final = 8192
MAX_LIFETIME_SECONDS: Final = 600
SKEW_SECONDS: Final = 60
MIN_SECRET_BYTES: Final = 32
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 4096

_MAX_JTI: Final = 255
_SEGMENTS: Final = 3
_HEADERS: Final = frozenset({"alg", "kid", "typ"})


def verify_token(
    token: object,
    *,
    keys: Sequence[ProvingKey],
    audience: str,
    now: datetime,
    refused: Collection[str] = (),
    verifier: str | None = None,
) -> Proof:
    """Return what `token` proves, given the keys of one realm and the public id of the inbox that it must be made for.

    `refused` are the organization's own reserved source ids, `verifier` is what the browser sent along. Raises
    ProofRefused, with a reason of its own for every failed check; whatever `token` is, nothing else is raised. Whether
    its `jti` was used before is asked elsewhere.
    """
    header, text = split_token(token)
    check_type(header)
    key = find_key(header, keys, now)
    check_algorithm(header, key)
    claims = verify_signature(text, key)
    check_issuer(claims, key)
    check_audience(claims, audience)
    _, expires_at = read_times(claims, now)
    source_id = read_source_id(claims, refused)
    jti = read_jti(claims)
    card, allowed = read_card(claims), read_session_claims(claims, key)
    check_nonce(claims, verifier)
    return Proof(IdentityKey(key.realm_id, source_id), key.witness, card, allowed, jti, expires_at)


def import_key(algorithm: Algorithm, public_key: Mapping[str, Any] | None, secret: str | None) -> Key:
    """Return a key for verifying. Raises ValueError when it is too weak, private, or not one for `algorithm`."""
    jwk = dict(public_key or {})
    try:
        match algorithm:
            case "HS256":
                return _long_enough((secret or "").encode())
            case "EdDSA":
                return _on_curve(OKPKey.import_key(jwk), "Ed25519")
            case "ES256":
                return _on_curve(ECKey.import_key(jwk), "P-256")
            case "RS256":
                return _large_enough(jwk)
    except (JoseError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(algorithm) from error


class _OneAlgorithm(JWSRegistry):
    """Knows the algorithm of the key, so that no header can choose another."""

    def get_alg(self, name: str) -> Any:  # noqa: ANN401 -- the library does not export the type
        if self.allowed is None or name not in self.allowed:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


# --- the checks, each of which raises ProofRefused ---


def split_token(token: object) -> tuple[Claims, str]:
    """Return the header, not yet trusted, and the token as text."""
    if not isinstance(token, str) or not token.isascii():
        raise ProofRefused(RefusalReason.MALFORMED, "not a compact JWS")
    if len(token) > MAX_TOKEN_BYTES:
        raise ProofRefused(RefusalReason.TOO_LARGE, f"{len(token)} bytes of {MAX_TOKEN_BYTES}")
    segments = token.split(".")
    if len(segments) != _SEGMENTS:
        raise ProofRefused(RefusalReason.MALFORMED, "not three parts")
    try:
        header = load_object(urlsafe_b64decode(segments[0].encode()))
    except ValueError as error:
        raise ProofRefused(RefusalReason.MALFORMED, "the header is not JSON") from error
    if not header.keys() <= _HEADERS:
        raise ProofRefused(RefusalReason.MALFORMED, "the header has more than alg, kid and typ")
    return header, token


def check_type(header: Claims) -> None:
    """Refuse a token that is made for something else."""
    if header.get("typ") != TOKEN_TYPE:
        raise ProofRefused(RefusalReason.WRONG_TYPE, f"typ is {header.get('typ')!r:.80}")


def find_key(header: Claims, keys: Sequence[ProvingKey], now: datetime) -> ProvingKey:
    """Return the key that the header names, if it counts now."""
    key = next((key for key in keys if key.kid == header.get("kid")), None)
    if key is None:
        raise ProofRefused(RefusalReason.UNKNOWN_KEY, f"kid is {header.get('kid')!r:.80}")
    if key.state == KeyState.REVOKED:
        raise ProofRefused(RefusalReason.KEY_REVOKED, f"kid {key.kid}")
    if key.state == KeyState.VERIFY_ONLY and (key.verify_until is None or now >= key.verify_until):
        raise ProofRefused(RefusalReason.KEY_RETIRED, f"kid {key.kid}")
    return key


def check_algorithm(header: Claims, key: ProvingKey) -> None:
    """Refuse any algorithm but the one of the key."""
    if header.get("alg") != key.algorithm:
        raise ProofRefused(RefusalReason.ALGORITHM_MISMATCH, f"alg is {header.get('alg')!r:.40}, not {key.algorithm}")


def verify_signature(token: str, key: ProvingKey) -> Claims:
    """Return the claims, trusted from here on."""
    try:
        public_key = import_key(key.algorithm, key.public_key, key.secret)
    except ValueError as error:
        raise ProofRefused(RefusalReason.WEAK_KEY, f"kid {key.kid}") from error
    registry = _OneAlgorithm(algorithms=[key.algorithm])
    try:
        payload = jws.deserialize_compact(token, public_key, registry=registry).payload
    except (JoseError, ValueError) as error:
        raise ProofRefused(RefusalReason.BAD_SIGNATURE, f"kid {key.kid}") from error
    return _load_claims(payload)


def peek(token: str) -> Claims:
    """Return the claims without any trust in them: to show, never to act upon."""
    try:
        payload = urlsafe_b64decode(token.split(".")[1].encode())
    except ValueError as error:
        raise ProofRefused(RefusalReason.MALFORMED, "the claims are not base64url") from error
    return _load_claims(payload)


def _load_claims(payload: bytes) -> Claims:
    try:
        return load_object(payload)
    except ValueError as error:
        raise ProofRefused(RefusalReason.MALFORMED, "the claims are not JSON that can be kept") from error


def check_issuer(claims: Claims, key: ProvingKey) -> None:
    """Refuse who is not the issuer that is written beside the key."""
    if claims.get("iss") != key.issuer:
        raise ProofRefused(RefusalReason.ISSUER_MISMATCH, f"iss is {claims.get('iss')!r:.200}")


def check_audience(claims: Claims, audience: str) -> None:
    """Refuse a token that is made for another inbox."""
    if claims.get("aud") != audience:
        raise ProofRefused(RefusalReason.AUDIENCE_MISMATCH, f"aud is {claims.get('aud')!r:.200}")


def read_times(claims: Claims, now: datetime) -> tuple[datetime, datetime]:
    """Return when it was issued and when it expires, if it counts now."""
    issued, expires, present = read_time(claims, "iat"), read_time(claims, "exp"), now.timestamp()
    if issued is None:
        raise ProofRefused(RefusalReason.ISSUED_AT_MISSING)
    if expires is None:
        raise ProofRefused(RefusalReason.EXPIRY_MISSING)
    if issued > present + SKEW_SECONDS:
        raise ProofRefused(RefusalReason.ISSUED_IN_FUTURE, f"issued in {issued - present:.0f} s")
    if expires - issued > MAX_LIFETIME_SECONDS:
        raise ProofRefused(RefusalReason.LIFETIME_TOO_LONG, f"{expires - issued:.0f} s of {MAX_LIFETIME_SECONDS} s")
    if expires <= present - SKEW_SECONDS or expires <= issued:
        raise ProofRefused(RefusalReason.EXPIRED, f"expired {present - expires:.0f} s ago")
    return datetime.fromtimestamp(issued, UTC), datetime.fromtimestamp(expires, UTC)


def read_jti(claims: Claims) -> str:
    """Return what is one token's own."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:
        raise ProofRefused(RefusalReason.TOKEN_ID_MISSING)
    return jti


def check_nonce(claims: Claims, verifier: str | None) -> None:
    """Refuse a token that was asked for by another browser than the one that sends it.

    Its page was told the nonce, the digest of a verifier that never left the chat's frame. Source: RFC 7636, section
    4.2 (S256). A token without a nonce is bound by its `jti` alone.
    """
    nonce = read_text(claims, "nonce")
    if nonce is not None and not hmac.compare_digest(nonce.encode(), digest_verifier(verifier or "")):
        raise ProofRefused(RefusalReason.NONCE_MISMATCH, "made for another browser" if verifier else "no verifier")


def digest_verifier(verifier: str) -> bytes:
    """Return the nonce that belongs to `verifier`."""
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("utf-8", "surrogatepass")).digest())


def _long_enough(secret: bytes) -> Key:
    if len(secret) < MIN_SECRET_BYTES:
        raise ValueError(MIN_SECRET_BYTES)
    return OctKey.import_key(secret)


def _on_curve(key: OKPKey | ECKey, curve: str) -> Key:
    if key.is_private or key.curve_name != curve:
        raise ValueError(curve)
    return key


def _large_enough(jwk: dict[str, Any]) -> Key:
    modulus = int.from_bytes(urlsafe_b64decode(jwk["n"].encode()), "big")
    if "d" in jwk or not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        raise ValueError(MIN_RSA_BITS)
    return RSAKey.import_key(jwk)
