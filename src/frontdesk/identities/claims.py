"""What is said about a person, in a token or in the enterprise's answer: read alike, and never repaired. No I/O."""

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, NoReturn

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.core.ids import ProfileId
from frontdesk.identities.errors import InvalidSourceId, ProofRefused, RefusalReason
from frontdesk.identities.model import Allowance, ProvenCard, SignedClaims, parse_source_id

Claims = Mapping[str, Any]

_MAX_TEXT: Final = 2048  # of one claim about the card
_MAX_DEPTH: Final = 16
_LATEST_TIME: Final = 253_402_300_800  # seconds: the year 10000, which no datetime reaches
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def read_session_claims(claims: Claims, allowance: Allowance) -> SignedClaims:
    """Return what is claimed for the session. Raises ProofRefused for what `allowance` does not let be claimed."""
    return SignedClaims(read_profiles(claims, allowance), read_query_metadata(claims, allowance))


def load_object(text: bytes) -> dict[str, Any]:
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


def read_time(claims: Claims, name: str) -> float | None:
    """Return seconds since 1970; None when absent, or not a number that can be a time."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST_TIME:
        return None
    return float(value)


def read_source_id(claims: Claims, refused: Collection[str]) -> str:
    """Read who it is about; `refused` are the organization's own reserved source ids. Raises ProofRefused."""
    try:
        return parse_source_id(claims.get("sub"), refused)
    except InvalidSourceId as error:
        raise ProofRefused(RefusalReason.SOURCE_ID_INVALID, f"sub breaks the rule {error.rule.value}") from error


def read_card(claims: Claims) -> ProvenCard:
    """Read what is said about the person. An e-mail that the enterprise itself calls unverified is left out."""
    is_verified, attributes = claims.get("email_verified", True), claims.get("attributes")
    if not isinstance(is_verified, bool):
        raise ProofRefused(RefusalReason.CLAIM_INVALID, "email_verified")
    if attributes is not None and not isinstance(attributes, dict):
        raise ProofRefused(RefusalReason.CLAIM_INVALID, "attributes")
    email = read_text(claims, "email")
    return ProvenCard(
        name=read_text(claims, "name"),
        picture=read_text(claims, "picture"),
        email=email if is_verified else None,
        phone_number=read_text(claims, "phone_number"),
        locale=read_text(claims, "locale"),
        attributes=attributes,
    )


def read_text(claims: Claims, name: str) -> str | None:
    """Read a text; None when it is absent or empty. Raises ProofRefused for what is none, or too long."""
    value = claims.get(name)
    if value is not None and (not isinstance(value, str) or len(value) > _MAX_TEXT):
        raise ProofRefused(RefusalReason.CLAIM_INVALID, name)
    return value or None


def read_profiles(claims: Claims, allowance: Allowance) -> tuple[ProfileId, ...]:
    """Read ids and names of access profiles, each of which must be allowed."""
    wanted = claims.get("access_profiles")
    if wanted is None:
        return ()
    if not isinstance(wanted, list):
        raise ProofRefused(RefusalReason.CLAIM_INVALID, "access_profiles")
    return tuple(dict.fromkeys(_read_profile(item, allowance) for item in wanted))


def _read_profile(wanted: object, allowance: Allowance) -> ProfileId:
    for profile_id, name in allowance.allowed_profiles.items():
        if wanted in (name, str(profile_id)):
            return profile_id
    raise ProofRefused(RefusalReason.PROFILE_NOT_ALLOWED, f"{wanted!r:.80}")


def read_query_metadata(claims: Claims, allowance: Allowance) -> dict[str, Any] | None:
    """Read query metadata, which narrows like a message. Raises ProofRefused when it is not allowed or not valid."""
    raw = claims.get("query_metadata")
    if raw is None:
        return None
    if not allowance.may_narrow:
        raise ProofRefused(RefusalReason.NARROWING_NOT_ALLOWED)
    try:
        parse_query_metadata(raw, layer=Layer.MESSAGE)
    except InvalidQueryMetadata as error:
        raise ProofRefused(RefusalReason.QUERY_METADATA_INVALID, f"{error.detail} ({error.pointer})") from error
    return dict(raw)
