"""Identity tokens: what the enterprise signs, and every check that it must pass. No I/O.

Source: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best current practice).
"""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.core.ids import ProfileId
from frontdesk.identities.errors import InvalidSourceId, ProofRefused, RefusalReason
from frontdesk.identities.model import (
    Algorithm,
    IdentityKey,
    KeyState,
    Proof,
    ProvenCard,
    RealmKey,
    SignedClaims,
    parse_source_id,
)

TOKEN_TYPE: Final = "contact-identity+jwt"  # noqa: S105 -- a media type
MAX_TOKEN_BYTES: Final = 8192
MAX_LIFETIME_SECONDS: Final = 600
SKEW_SECONDS: Final = 60
MIN_SECRET_BYTES: Final = 32
MIN_RSA_BITS: Final = 2048
MAX_RSA_BITS: Final = 4096

_MAX_JTI: Final = 255
_MAX_TEXT: Final = 2048  # of one claim about the card
_MAX_DEPTH: Final = 16
_LATEST_TIME: Final = 2**40  # seconds; keeps arithmetic with hostile numbers finite
_SEGMENTS: Final = 3
_HEADERS: Final = frozenset({"alg", "kid", "typ"})
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")

Claims = Mapping[str, Any]


def verify_token(
    token: object, *, keys: Sequence[RealmKey], audience: str, now: datetime, refused: Collection[str] = ()
) -> Proof:
    """Return what `token` proves, given the keys of one realm and the public id of the inbox that it must be made for.

    `refused` are the organization's own reserved source ids. Raises ProofRefused, with a reason of its own for every
    failed check; whatever `token` is, nothing else is raised. Whether its `jti` was used before is asked elsewhere.
    """
    header, text = _split(token)
    if header.get("typ") != TOKEN_TYPE:
        raise ProofRefused(RefusalReason.WRONG_TYPE, f"typ is {header.get('typ')!r:.80}")
    key = _find_key(header, keys, now)
    claims = _verify_signature(text, header, key)
    if claims.get("iss") != key.issuer:
        raise ProofRefused(RefusalReason.ISSUER_MISMATCH, f"iss is {claims.get('iss')!r:.200}")
    if claims.get("aud") != audience:
        raise ProofRefused(RefusalReason.AUDIENCE_MISMATCH, f"aud is {claims.get('aud')!r:.200}")
    issued_at, expires_at = _read_times(claims, now)
    return Proof(
        key=IdentityKey(key.realm_id, _read_source_id(claims, refused)),
        realm_key_id=key.id,
        jti=_read_jti(claims),
        issued_at=issued_at,
        expires_at=expires_at,
        card=_read_card(claims),
        claims=SignedClaims(_read_profiles(claims, key), _read_query_metadata(claims, key)),
        nonce=_read_text(claims, "nonce"),
    )


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


def _split(token: object) -> tuple[Claims, str]:
    """Return the header, not yet trusted, and the token as text."""
    if not isinstance(token, str) or not token.isascii():
        raise ProofRefused(RefusalReason.MALFORMED, "not a compact JWS")
    if len(token) > MAX_TOKEN_BYTES:
        raise ProofRefused(RefusalReason.TOO_LARGE, f"{len(token)} bytes of {MAX_TOKEN_BYTES}")
    segments = token.split(".")
    if len(segments) != _SEGMENTS:
        raise ProofRefused(RefusalReason.MALFORMED, "not three parts")
    try:
        header = _load_object(urlsafe_b64decode(segments[0].encode()))
    except ValueError as error:
        raise ProofRefused(RefusalReason.MALFORMED, "the header is not JSON") from error
    if not header.keys() <= _HEADERS:
        raise ProofRefused(RefusalReason.MALFORMED, "the header has more than alg, kid and typ")
    return header, token


def _find_key(header: Claims, keys: Sequence[RealmKey], now: datetime) -> RealmKey:
    key = next((key for key in keys if key.kid == header.get("kid")), None)
    if key is None:
        raise ProofRefused(RefusalReason.UNKNOWN_KEY, f"kid is {header.get('kid')!r:.80}")
    if key.state == KeyState.REVOKED:
        raise ProofRefused(RefusalReason.KEY_REVOKED, f"kid {key.kid}")
    if key.state == KeyState.VERIFY_ONLY and (key.verify_until is None or now >= key.verify_until):
        raise ProofRefused(RefusalReason.KEY_RETIRED, f"kid {key.kid}")
    if header.get("alg") != key.algorithm:
        raise ProofRefused(RefusalReason.ALGORITHM_MISMATCH, f"alg is {header.get('alg')!r:.40}, not {key.algorithm}")
    return key


def _verify_signature(token: str, header: Claims, key: RealmKey) -> Claims:
    """Return the claims, trusted from here on."""
    try:
        public_key = import_key(key.algorithm, key.public_key, key.secret)
    except ValueError as error:
        raise ProofRefused(RefusalReason.WEAK_KEY, f"kid {key.kid}") from error
    registry = _OneAlgorithm(algorithms=[key.algorithm])
    try:
        payload = jws.deserialize_compact(token, public_key, registry=registry).payload
    except (JoseError, ValueError) as error:
        raise ProofRefused(RefusalReason.BAD_SIGNATURE, f"kid {header['kid']}") from error
    try:
        return _load_object(payload)
    except ValueError as error:
        raise ProofRefused(RefusalReason.MALFORMED, "the claims are not JSON that can be kept") from error


def _load_object(text: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises ValueError for all else, and for what the database could not keep."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError from error
    if not isinstance(value, dict) or not _is_storable(value, _MAX_DEPTH):
        raise ValueError
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_storable(value: object, depth: int) -> bool:
    match value:
        case str():
            return not _UNSTORABLE.search(value)
        case float():
            return math.isfinite(value)
        case dict():
            return depth > 0 and all(_is_storable(k, depth) and _is_storable(v, depth - 1) for k, v in value.items())
        case list():
            return depth > 0 and all(_is_storable(item, depth - 1) for item in value)
        case _:
            return True


def _read_times(claims: Claims, now: datetime) -> tuple[datetime, datetime]:
    issued, expires, present = _read_time(claims, "iat"), _read_time(claims, "exp"), now.timestamp()
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


def _read_time(claims: Claims, name: str) -> float | None:
    """Return seconds since 1970; None when absent, or not a number that can be a time."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST_TIME:
        return None
    return float(value)


def _read_source_id(claims: Claims, refused: Collection[str]) -> str:
    try:
        return parse_source_id(claims.get("sub"), refused)
    except InvalidSourceId as error:
        raise ProofRefused(RefusalReason.SOURCE_ID_INVALID, f"sub breaks the rule {error.rule.value}") from error


def _read_jti(claims: Claims) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI:
        raise ProofRefused(RefusalReason.TOKEN_ID_MISSING)
    return jti


def _read_card(claims: Claims) -> ProvenCard:
    """Read what is said about the person. An e-mail that the enterprise itself calls unverified is left out."""
    is_verified, attributes = claims.get("email_verified", True), claims.get("attributes")
    if not isinstance(is_verified, bool):
        raise ProofRefused(RefusalReason.CLAIM_INVALID, "email_verified")
    if attributes is not None and not isinstance(attributes, dict):
        raise ProofRefused(RefusalReason.CLAIM_INVALID, "attributes")
    email = _read_text(claims, "email")
    return ProvenCard(
        name=_read_text(claims, "name"),
        picture=_read_text(claims, "picture"),
        email=email if is_verified else None,
        phone_number=_read_text(claims, "phone_number"),
        locale=_read_text(claims, "locale"),
        attributes=attributes,
    )


def _read_text(claims: Claims, name: str) -> str | None:
    value = claims.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > _MAX_TEXT):
        raise ProofRefused(RefusalReason.CLAIM_INVALID, name)
    return value or None


def _read_profiles(claims: Claims, key: RealmKey) -> tuple[ProfileId, ...]:
    """Read ids and names of access profiles, each of which the key must be allowed to set."""
    wanted = claims.get("access_profiles")
    if wanted is None:
        return ()
    if not isinstance(wanted, list):
        raise ProofRefused(RefusalReason.CLAIM_INVALID, "access_profiles")
    return tuple(dict.fromkeys(_read_profile(item, key) for item in wanted))


def _read_profile(wanted: object, key: RealmKey) -> ProfileId:
    for profile_id, name in key.allowed_profiles.items():
        if wanted in (name, str(profile_id)):
            return profile_id
    raise ProofRefused(RefusalReason.PROFILE_NOT_ALLOWED, f"{wanted!r:.80}")


def _read_query_metadata(claims: Claims, key: RealmKey) -> dict[str, Any] | None:
    raw = claims.get("query_metadata")
    if raw is None:
        return None
    if not key.may_narrow:
        raise ProofRefused(RefusalReason.NARROWING_NOT_ALLOWED, f"kid {key.kid}")
    try:
        parse_query_metadata(raw, layer=Layer.MESSAGE)
    except InvalidQueryMetadata as error:
        raise ProofRefused(RefusalReason.QUERY_METADATA_INVALID, f"{error.detail} ({error.pointer})") from error
    return dict(raw)


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
