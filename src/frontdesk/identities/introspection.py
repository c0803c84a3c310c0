"""How the enterprise of an inbox is asked who somebody is, and what its answer must say.

Source: RFC 7662 (OAuth 2.0 token introspection).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from frontdesk.access import queries as access
from frontdesk.channels.access import access_inbox
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.http import check_address
from frontdesk.core.ids import InboxId, ProfileId, RealmId
from frontdesk.core.inputs import clean_line, clean_name
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import utc_now
from frontdesk.identities import queries
from frontdesk.identities.claims import Claims, read_card, read_session_claims, read_source_id, read_time
from frontdesk.identities.errors import ProofRefused, RefusalReason
from frontdesk.identities.keys import allow_profiles
from frontdesk.identities.model import IdentityKey, Proof, Witness
from frontdesk.identities.proofs import SKEW_SECONDS
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

_PURPOSE: Final = "introspection"
_MAX_AUDIENCES: Final = 20
_MAX_SECRET: Final = 1000


@dataclass(frozen=True, slots=True)
class Introspection:
    """How the enterprise of one inbox is asked."""

    inbox_id: InboxId
    endpoint: str
    client_id: str
    client_secret: str | None = field(repr=False)  # None: not loaded; it is never shown
    audiences: tuple[str, ...]  # an answer names one of these as `aud` or `client_id`
    allowed_profiles: Mapping[ProfileId, str]  # which ones an answer may claim, with their names
    may_narrow: bool  # whether an answer may carry query metadata
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class IntrospectionSpec:
    """What a member decides about it."""

    endpoint: str
    client_id: str
    client_secret: str | None  # None: it stays
    audiences: tuple[str, ...]
    allowed_profiles: tuple[ProfileId, ...] = ()
    may_narrow: bool = False


def judge_answer(
    answer: Claims, asked: Introspection, realm: RealmId, *, now: datetime, refused: Collection[str] = ()
) -> Proof:
    """Return whom the enterprise's `answer` proves.

    `refused` are the organization's own reserved source ids. Raises ProofRefused with a reason for every failed check.
    """
    check_active(answer)
    check_recipient(answer, asked.audiences)
    expires_at = read_expiry(answer, now)
    key = IdentityKey(realm, read_source_id(answer, refused))
    witness = Witness(asked_as_of=asked.updated_at)
    return Proof(key, witness, read_card(answer), read_session_claims(answer, asked), expires_at=expires_at)


def check_active(answer: Claims) -> None:
    """Refuse a token that the enterprise does not know, or does not honour any more."""
    if answer.get("active") is not True:
        raise ProofRefused(RefusalReason.TOKEN_INACTIVE, f"active is {answer.get('active')!r:.20}")


def check_recipient(answer: Claims, audiences: Collection[str]) -> None:
    """Refuse a token that was given out for somebody else: whoever can be given one there could be anybody here."""
    named = list_recipients(answer)
    if not any(one in audiences for one in named):
        raise ProofRefused(RefusalReason.AUDIENCE_MISMATCH, f"aud and client_id are {named!r:.200}")


def list_recipients(answer: Claims) -> list[object]:
    """Return whom the token was given out for, as the answer says."""
    audience = answer.get("aud")
    named = [*(audience if isinstance(audience, list) else [audience]), answer.get("client_id")]
    return [one for one in named if isinstance(one, str)]


def read_expiry(answer: Claims, now: datetime) -> datetime | None:
    """Return when the token expires; None when the answer does not say."""
    present, expires, starts = now.timestamp(), read_time(answer, "exp"), read_time(answer, "nbf")
    if answer.get("exp") is not None and expires is None:
        raise ProofRefused(RefusalReason.CLAIM_INVALID, "exp")
    if starts is not None and starts > present + SKEW_SECONDS:
        raise ProofRefused(RefusalReason.ISSUED_IN_FUTURE, f"not before {starts - present:.0f} s from now")
    if expires is not None and expires <= present:
        raise ProofRefused(RefusalReason.EXPIRED, f"expired {present - expires:.0f} s ago")
    return None if expires is None else datetime.fromtimestamp(expires, UTC)


async def get_introspection(tx: Tx, caller: Caller, inbox_id: InboxId) -> Introspection | None:
    """Return how the enterprise is asked, without the secret; None when nobody said. Right: inboxes.view."""
    await access_inbox(tx, caller, inbox_id, Right.INBOXES_VIEW)
    return await _find(tx, inbox_id)


async def load_introspection(tx: Tx, cipher: Cipher, inbox_id: InboxId) -> Introspection | None:
    """Return it for asking, secret included: never to be rendered or logged. None when nobody said."""
    return await _find(tx, inbox_id, cipher)


async def lock_introspection(tx: Tx, inbox_id: InboxId) -> Introspection | None:
    """Return how the enterprise is asked, without the secret; it stays so until this transaction ends."""
    return await _find(tx, inbox_id, lock="FOR SHARE")


async def set_introspection(
    tx: Tx, caller: Caller, cipher: Cipher, inbox_id: InboxId, spec: IntrospectionSpec
) -> Introspection:
    """Write how the enterprise of an inbox is asked.

    When somebody else is asked than before, or less may be claimed, the sessions that rest on it end. Rights:
    inboxes.edit in the inbox, and profiles.edit to change what may be claimed. Raises NotFound and InvalidRequest.
    """
    await access_inbox(tx, caller, inbox_id, Right.INBOXES_EDIT)
    former = await _find(tx, inbox_id, cipher, lock="FOR UPDATE")
    new = await _check(tx, caller, inbox_id, spec, former)
    before = (former.allowed_profiles, former.may_narrow) if former else ({}, False)
    if (new.allowed_profiles, new.may_narrow) != before:
        caller.require(Right.PROFILES_EDIT)
    await _upsert(tx, cipher, new)
    ended = await _end_sessions(tx, former, new) if former else 0
    facts = {"endpoint": new.endpoint, "client_id": new.client_id, "audiences": new.audiences}
    payload = facts | {"allowed_profiles": list(new.allowed_profiles.values()), "may_narrow": new.may_narrow}
    payload |= {"has_new_secret": spec.client_secret is not None, "ended_sessions": ended}
    await audit.record(tx, caller, "introspection.changed", "inbox", inbox_id, payload=payload)
    return replace(new, client_secret=None)


async def _end_sessions(tx: Tx, former: Introspection, new: Introspection) -> int:
    taken = [profile for profile in former.allowed_profiles if profile not in new.allowed_profiles]
    is_other = (former.endpoint, former.client_id) != (new.endpoint, new.client_id)
    is_other = is_other or not set(former.audiences) <= set(new.audiences)
    if not is_other and not taken:
        return 0
    await access.raise_scope_version(tx)
    claiming = None if is_other else taken
    reason = "introspection_changed"
    return await queries.end_proven_sessions(tx, new.inbox_id, reason, now=utc_now(), claiming=claiming)


async def _check(
    tx: Tx, caller: Caller, inbox_id: InboxId, spec: IntrospectionSpec, former: Introspection | None
) -> Introspection:
    secret = clean_line(spec.client_secret or "", pointer="/clientSecret", max_length=_MAX_SECRET)
    secret = secret or (former and former.client_secret) or ""
    if not secret:
        raise InvalidRequest("Write the secret that the endpoint asks of us.", pointer="/clientSecret")
    audiences = tuple(dict.fromkeys(clean_name(one, pointer="/audiences") for one in spec.audiences if one.strip()))
    if not 0 < len(audiences) <= _MAX_AUDIENCES:
        raise InvalidRequest(f"Name 1 to {_MAX_AUDIENCES} audiences.", pointer="/audiences")
    return Introspection(
        inbox_id,
        check_address(spec.endpoint, pointer="/endpoint"),
        clean_name(spec.client_id, pointer="/clientId"),
        secret,
        audiences,
        await allow_profiles(tx, caller, spec.allowed_profiles, before=former.allowed_profiles if former else ()),
        spec.may_narrow,
        utc_now(),
    )


async def _upsert(tx: Tx, cipher: Cipher, new: Introspection) -> None:
    sql = """
        INSERT INTO introspections (organization_id, inbox_id, endpoint, client_id, client_secret, audiences,
                                    allowed_profiles, may_narrow, updated_at)
        VALUES (%(organization)s, %(inbox)s, %(endpoint)s, %(client_id)s, %(secret)s, %(audiences)s, %(profiles)s,
                %(may_narrow)s, %(now)s)
            ON CONFLICT (organization_id, inbox_id) DO UPDATE
           SET endpoint = excluded.endpoint, client_id = excluded.client_id, client_secret = excluded.client_secret,
               audiences = excluded.audiences, allowed_profiles = excluded.allowed_profiles,
               may_narrow = excluded.may_narrow, updated_at = excluded.updated_at
    """
    params = {
        "organization": tx.organization_id,
        "inbox": new.inbox_id,
        "endpoint": new.endpoint,
        "client_id": new.client_id,
        "secret": cipher.encrypt(new.client_secret or "", purpose=_PURPOSE),
        "audiences": list(new.audiences),
        "profiles": list(new.allowed_profiles),
        "may_narrow": new.may_narrow,
        "now": new.updated_at,
    }
    await tx.execute(sql, params)


async def _find(tx: Tx, inbox_id: InboxId, cipher: Cipher | None = None, *, lock: str = "") -> Introspection | None:
    sql = f"""
        SELECT endpoint, client_id, client_secret, audiences, allowed_profiles, may_narrow, updated_at
          FROM introspections WHERE organization_id = %(organization)s AND inbox_id = %(inbox)s {lock}
    """
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "inbox": inbox_id})
    if row is None:
        return None
    endpoint, client_id, sealed, audiences, profiles, may_narrow, updated_at = row
    allowed = {profile.id: profile.name for profile in await access.find_profiles(tx, profiles)}
    secret = cipher.decrypt(sealed, purpose=_PURPOSE) if cipher else None
    return Introspection(inbox_id, endpoint, client_id, secret, tuple(audiences), allowed, may_narrow, updated_at)
