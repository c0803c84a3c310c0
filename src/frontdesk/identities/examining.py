"""A look at a proof: every check in order, with what was found and what it must be. Nothing is stored or used up."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Generic, TypeVar

from frontdesk.core.ids import RealmId
from frontdesk.identities import introspection as answers
from frontdesk.identities import proofs
from frontdesk.identities.claims import (
    Claims,
    read_card,
    read_profiles,
    read_query_metadata,
    read_source_id,
    read_text,
    read_time,
)
from frontdesk.identities.errors import ProofRefused, RefusalReason
from frontdesk.identities.introspection import Introspection
from frontdesk.identities.model import Allowance, IdentityKey, ProvingKey

T = TypeVar("T")

_LONGEST: Final = 200  # characters of what is shown


class CheckName(StrEnum):
    """What is checked."""

    FORM = "form"
    TYPE = "type"
    KEY = "key"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    TIMES = "times"
    SOURCE_ID = "source_id"
    TOKEN_ID = "token_id"  # noqa: S105 -- a name
    CARD = "card"
    PROFILES = "profiles"
    QUERY_METADATA = "query_metadata"
    NONCE = "nonce"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Check:
    """One check; `reason` None: passed. `expected` is empty where there is nothing to compare with."""

    name: CheckName
    reason: RefusalReason | None
    found: str
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Examination:
    """All checks that could be made. `key` is whom the proof is about, if that can be read at all."""

    checks: tuple[Check, ...]
    key: IdentityKey | None = None
    name: str | None = None  # as the card would say

    @property
    def refusal(self) -> RefusalReason | None:
        """Why a chat would not open with it: the first check that failed; None when it would."""
        return next((check.reason for check in self.checks if check.reason), None)


def examine_token(
    token: str,
    *,
    keys: Sequence[ProvingKey],
    audience: str,
    realm: RealmId,
    now: datetime,
    refused: Collection[str] = (),
    is_used: bool = False,
) -> Examination:
    """Return the checks of `verify_token`, in its order, going on after one that fails as far as that makes sense.

    Without a good signature the claims are shown all the same, as what the token says. `is_used`: a session used its
    `jti` before.
    """
    notes = _Notes()
    form = notes.run(
        CheckName.FORM,
        lambda: proofs.split_token(token),
        found=f"{token.count('.') + 1} parts, {len(token)} bytes",
        expected=f"3 parts, at most {proofs.MAX_TOKEN_BYTES} bytes, a header of alg, kid and typ",
    )
    if form is None:
        return Examination(notes.checks())
    header, text = form.value
    typ, kids = header.get("typ"), ", ".join(key.kid for key in keys)
    notes.run(CheckName.TYPE, lambda: proofs.check_type(header), found=_show(typ), expected=proofs.TOKEN_TYPE)
    kid = _show(header.get("kid"))
    found = notes.run(CheckName.KEY, lambda: proofs.find_key(header, keys, now), found=kid, expected=kids)
    key = found.value if found else None
    claims = _examine_signature(notes, header, text, key)
    if claims is None:
        return Examination(notes.checks())
    if key is not None:
        issuer = _show(claims.get("iss"))
        notes.run(CheckName.ISSUER, lambda: proofs.check_issuer(claims, key), found=issuer, expected=key.issuer)
    aud = _show(claims.get("aud"))
    notes.run(CheckName.AUDIENCE, lambda: proofs.check_audience(claims, audience), found=aud, expected=audience)
    times = _show_times(claims, now)
    notes.run(CheckName.TIMES, lambda: proofs.read_times(claims, now), found=times, expected=_TIMES_EXPECTED)
    person = _examine_person(notes, claims, realm, refused)
    notes.run(CheckName.TOKEN_ID, lambda: _check_jti(claims, is_used=is_used), found=_show(claims.get("jti")))
    name = _examine_claims(notes, claims, key)
    nonce = claims.get("nonce")
    notes.run(CheckName.NONCE, lambda: read_text(claims, "nonce"), found=_show(nonce))
    return Examination(notes.checks(), person, name)


def examine_answer(
    answer: Claims, asked: Introspection, realm: RealmId, *, now: datetime, refused: Collection[str] = ()
) -> Examination:
    """Return the checks of `judge_answer`, in its order."""
    notes = _Notes()
    active = _show(answer.get("active"))
    if notes.run(CheckName.ACTIVE, lambda: answers.check_active(answer), found=active, expected="true") is None:
        return Examination(notes.checks())
    named = ", ".join(map(str, answers.list_recipients(answer)))
    notes.run(
        CheckName.AUDIENCE,
        lambda: answers.check_recipient(answer, asked.audiences),
        found=_cut(named) or "–",
        expected=", ".join(asked.audiences),
    )
    notes.run(CheckName.TIMES, lambda: answers.read_expiry(answer, now), found=_show_times(answer, now))
    person = _examine_person(notes, answer, realm, refused)
    name = _examine_claims(notes, answer, asked)
    return Examination(notes.checks(), person, name)


_TIMES_EXPECTED: Final = f"iat and exp, at most {proofs.MAX_LIFETIME_SECONDS} s apart"


@dataclass(frozen=True, slots=True)
class _Passed(Generic[T]):
    value: T


class _Notes:
    def __init__(self) -> None:
        self._checks: list[Check] = []

    def run(self, name: CheckName, check: Callable[[], T], *, found: str, expected: str = "") -> _Passed[T] | None:
        """Make a check and note how it ended; None when it failed."""
        try:
            value = check()
        except ProofRefused as error:
            self._checks.append(Check(name, error.reason, found, expected or error.detail))
            return None
        self._checks.append(Check(name, None, found, expected))
        return _Passed(value)

    def checks(self) -> tuple[Check, ...]:
        return tuple(self._checks)


def _examine_signature(notes: _Notes, header: Claims, text: str, key: ProvingKey | None) -> Claims | None:
    """Return the claims, trusted or not; None when they cannot be read."""
    signed = None
    if key is not None:
        alg, last = _show(header.get("alg")), f"{text.rpartition('.')[2][:16]}…"
        notes.run(CheckName.ALGORITHM, lambda: proofs.check_algorithm(header, key), found=alg, expected=key.algorithm)
        signed = notes.run(
            CheckName.SIGNATURE, lambda: proofs.verify_signature(text, key), found=last, expected=f"by {key.kid}"
        )
    try:
        return signed.value if signed else proofs.peek(text)
    except ProofRefused:
        return None


def _examine_person(notes: _Notes, claims: Claims, realm: RealmId, refused: Collection[str]) -> IdentityKey | None:
    sub = _show(claims.get("sub"))
    source_id = notes.run(CheckName.SOURCE_ID, lambda: read_source_id(claims, refused), found=sub)
    return IdentityKey(realm, source_id.value) if source_id else None


def _examine_claims(notes: _Notes, claims: Claims, allowance: Allowance | None) -> str | None:
    card = notes.run(CheckName.CARD, lambda: read_card(claims), found=_show(claims.get("name")))
    if allowance is not None:
        profiles, metadata = claims.get("access_profiles"), claims.get("query_metadata")
        allowed = ", ".join(allowance.allowed_profiles.values()) or "–"
        notes.run(CheckName.PROFILES, lambda: read_profiles(claims, allowance), found=_show(profiles), expected=allowed)
        shown = _show(metadata)
        notes.run(CheckName.QUERY_METADATA, lambda: read_query_metadata(claims, allowance), found=shown)
    return card.value.name if card else None


def _check_jti(claims: Claims, *, is_used: bool) -> None:
    proofs.read_jti(claims)
    if is_used:
        raise ProofRefused(RefusalReason.TOKEN_ID_REUSED)


def _show_times(claims: Claims, now: datetime) -> str:
    issued, expires = read_time(claims, "iat"), read_time(claims, "exp")
    present = now.timestamp()
    shown = [f"iat {issued - present:+.0f} s" if issued is not None else "no iat"]
    shown.append(f"exp {expires - present:+.0f} s" if expires is not None else "no exp")
    return ", ".join(shown)


def _show(value: object) -> str:
    if value is None:
        return "–"
    return _cut(value if isinstance(value, str) else repr(value))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
