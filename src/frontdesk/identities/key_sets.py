"""Keys that the enterprise publishes at an address: a JWK set, which it may change without telling us.

Source: RFC 7517, section 5.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import httpx
from psycopg.types.json import Jsonb

from frontdesk.access import queries as access
from frontdesk.core.db import Row, Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.http import CallFailed, call, check_address
from frontdesk.core.ids import ProfileId, RealmId, new_id
from frontdesk.core.inputs import clean_name
from frontdesk.core.text import utc_now
from frontdesk.identities import queries
from frontdesk.identities.errors import KeyRevoked
from frontdesk.identities.keys import allow_profiles, require_some_of_realm, require_whole_realm
from frontdesk.identities.model import KeyState, RealmKeySetId, SetKey, Witness
from frontdesk.identities.public_keys import parse_jwk
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

FRESH: Final = timedelta(minutes=10)  # so long nobody looks whether a key is gone
KEPT: Final = timedelta(hours=24)  # so long keys count while the address does not answer
PAUSE: Final = timedelta(minutes=1)  # between two tries

_FETCH_SECONDS: Final = 3.0
_MAX_SET_BYTES: Final = 65_536
_MOST_KEYS: Final = 20
_MAX_KID: Final = 100
_OK: Final = 200
_COLUMNS: Final = """
    id, realm_id, name, issuer, address, state, allowed_profiles, may_narrow, keys, fetched_at, tried_at, failure,
    created_at
"""


@dataclass(frozen=True, slots=True)
class KeySet:
    """An address, with the keys that stood there when it was last fetched."""

    id: RealmKeySetId
    realm_id: RealmId
    name: str
    issuer: str  # must be the `iss` of their tokens
    address: str
    state: KeyState  # active or revoked
    allowed_profiles: Mapping[ProfileId, str]
    may_narrow: bool
    keys: tuple[SetKey, ...]
    fetched_at: datetime | None  # None: never yet
    tried_at: datetime | None
    failure: str | None  # why the last try brought nothing
    created_at: datetime

    def is_due(self, now: datetime, *, age: timedelta) -> bool:
        """Tell whether the address is to be asked again for keys that are older than `age`."""
        is_old = self.fetched_at is None or now - self.fetched_at >= age
        may_try = self.tried_at is None or now - self.tried_at >= PAUSE
        return self.state is KeyState.ACTIVE and is_old and may_try

    def keys_at(self, now: datetime) -> tuple[SetKey, ...]:
        """Return the keys that count now: none that nobody could confirm for a day."""
        is_known = self.fetched_at is not None and now - self.fetched_at < KEPT
        return self.keys if is_known else ()


@dataclass(frozen=True, slots=True)
class KeySetSpec:
    """What a member decides about a set of keys."""

    name: str
    issuer: str
    address: str
    allowed_profiles: tuple[ProfileId, ...] = ()
    may_narrow: bool = False


def parse_key_set(content: bytes) -> list[dict[str, Any]]:
    """Return the keys of a JWK set that can verify, as they are stored.

    Others are passed over: without an id, for encryption, shared or private, weak, or for another algorithm than their
    kind allows. Raises ValueError for what is no JWK set.
    """
    try:
        published = json.loads(content)["keys"]
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError("no JWK set") from error
    if not isinstance(published, list):
        raise TypeError("no JWK set")
    found: dict[str, dict[str, Any]] = {}
    for jwk in published[:_MOST_KEYS]:
        key = _read_key(jwk)
        if key is not None:
            found.setdefault(key["kid"], key)
    return list(found.values())


def _read_key(jwk: object) -> dict[str, Any] | None:
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
        return None
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        key = parse_jwk(jwk)
    except InvalidRequest:
        return None
    is_named = key.kid is not None and 0 < len(key.kid) <= _MAX_KID and key.kid.isprintable()
    if not is_named or jwk.get("alg", key.algorithm) != key.algorithm:
        return None
    return {"kid": key.kid, "algorithm": key.algorithm, "jwk": dict(key.jwk)}


# --- what members do ---


async def add_key_set(tx: Tx, caller: Caller, realm_id: RealmId, spec: KeySetSpec) -> KeySet:
    """Let the keys at an address count in a realm; they are fetched afterwards.

    Right: inboxes.edit in every inbox of the realm, and profiles.edit to allow profiles. Raises NotFound and
    InvalidRequest.
    """
    await require_whole_realm(tx, caller, realm_id)
    if spec.allowed_profiles:
        caller.require(Right.PROFILES_EDIT)
    key_set = KeySet(
        id=RealmKeySetId(new_id()),
        realm_id=realm_id,
        name=clean_name(spec.name),
        issuer=clean_name(spec.issuer, pointer="/issuer"),
        address=check_address(spec.address, pointer="/address"),
        state=KeyState.ACTIVE,
        allowed_profiles=await allow_profiles(tx, caller, spec.allowed_profiles),
        may_narrow=spec.may_narrow,
        keys=(),
        fetched_at=None,
        tried_at=None,
        failure=None,
        created_at=utc_now(),
    )
    await _insert(tx, key_set)
    payload = {"name": key_set.name, "issuer": key_set.issuer, "address": key_set.address}
    await audit.record(tx, caller, "realm_key_set.created", "realm_key_set", key_set.id, payload=payload)
    return key_set


async def list_key_sets(tx: Tx, caller: Caller, realm_id: RealmId) -> list[KeySet]:
    """Return the sets of a realm, the newest first. Right: inboxes.view in one of its inboxes."""
    await require_some_of_realm(tx, caller, realm_id)
    return await load_key_sets(tx, realm_id)


async def get_key_set(tx: Tx, caller: Caller, key_set_id: RealmKeySetId) -> KeySet:
    """Return a set. Right: inboxes.view in one of its realm's inboxes. Raises NotFound."""
    found = await _list(tx, "id = %(id)s", key_set_id)
    if not found:
        raise NotFound
    await require_some_of_realm(tx, caller, found[0].realm_id)
    return found[0]


async def set_set_limits(
    tx: Tx, caller: Caller, key_set_id: RealmKeySetId, *, allowed_profiles: Collection[ProfileId], may_narrow: bool
) -> KeySet:
    """Say what proofs of these keys may claim beside the person. Sessions that claim what is taken away end.

    Right: inboxes.edit in every inbox of the realm, and profiles.edit. Raises NotFound and InvalidRequest.
    """
    caller.require(Right.PROFILES_EDIT)
    key_set = await _access(tx, caller, key_set_id)
    allowed = await allow_profiles(tx, caller, allowed_profiles, before=key_set.allowed_profiles)
    params = {"profiles": list(allowed), "may_narrow": may_narrow}
    await _update(tx, key_set_id, "allowed_profiles = %(profiles)s, may_narrow = %(may_narrow)s", params)
    taken = [profile for profile in key_set.allowed_profiles if profile not in allowed]
    if taken:
        witness = Witness(realm_key_set_id=key_set_id)
        await queries.end_sessions_of_witness(tx, witness, "key_limited", claiming=taken, now=utc_now())
        await access.raise_scope_version(tx)
    payload = {"name": key_set.name, "allowed_profiles": list(allowed.values()), "may_narrow": may_narrow}
    await audit.record(tx, caller, "realm_key_set.changed", "realm_key_set", key_set_id, payload=payload)
    return replace(key_set, allowed_profiles=allowed, may_narrow=may_narrow)


async def revoke_key_set(tx: Tx, caller: Caller, key_set_id: RealmKeySetId) -> KeySet:
    """Let no key at this address count any more, for good, and end the sessions that they proved.

    Right: inboxes.edit in every inbox of the realm. Raises NotFound, and KeyRevoked when it was revoked before.
    """
    key_set = await _access(tx, caller, key_set_id)
    if key_set.state is KeyState.REVOKED:
        raise KeyRevoked
    await _update(tx, key_set_id, "state = 'revoked', keys = '[]'", {})
    witness = Witness(realm_key_set_id=key_set_id)
    ended = await queries.end_sessions_of_witness(tx, witness, "key_revoked", now=utc_now())
    await access.raise_scope_version(tx)
    payload = {"name": key_set.name, "after": KeyState.REVOKED, "ended_sessions": ended}
    await audit.record(tx, caller, "realm_key_set.changed", "realm_key_set", key_set_id, payload=payload)
    return replace(key_set, state=KeyState.REVOKED, keys=())


# --- what proofs need ---


async def load_key_sets(tx: Tx, realm_id: RealmId) -> list[KeySet]:
    """Return the sets of a realm, the newest first."""
    return await _list(tx, "realm_id = %(id)s", realm_id)


async def lock_good_key_set(tx: Tx, key_set_id: RealmKeySetId, claimed: Collection[ProfileId]) -> bool:
    """Tell whether the set is not revoked and may claim these profiles; it stays so until this transaction ends."""
    sql = """
        SELECT state = 'active' AND allowed_profiles @> %(claimed)s::uuid[] FROM realm_key_sets
         WHERE organization_id = %(organization)s AND id = %(id)s FOR SHARE
    """
    params = {"organization": tx.organization_id, "id": key_set_id, "claimed": list(claimed)}
    return bool(await tx.fetch_value(sql, params))


async def claim_fetch(tx: Tx, key_set_id: RealmKeySetId, now: datetime) -> bool:
    """Tell whether this process is the one to fetch the set now: nobody did so within the last minute."""
    condition = "state = 'active' AND (tried_at IS NULL OR tried_at <= %(before)s)"
    params = {"now": now, "before": now - PAUSE}
    return await _update(tx, key_set_id, "tried_at = %(now)s", params, condition) == 1


async def fetch_keys(http: httpx.AsyncClient, address: str) -> Sequence[dict[str, Any]]:
    """Return the keys that stand at `address` now; never within a transaction. Raises CallFailed."""
    reply = await call(http, "GET", address, seconds=_FETCH_SECONDS, max_bytes=_MAX_SET_BYTES)
    if reply.status != _OK:
        raise CallFailed(f"status {reply.status}")
    try:
        return parse_key_set(reply.content)
    except (ValueError, TypeError) as error:
        raise CallFailed("no JWK set") from error


async def store_keys(tx: Tx, key_set_id: RealmKeySetId, keys: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Keep what was fetched: a key that is not among it proves nobody any more."""
    failure = None if keys else "no usable key stands there"
    params = {"keys": Jsonb(list(keys)), "now": now, "failure": failure}
    changes = "keys = %(keys)s, fetched_at = %(now)s, failure = %(failure)s"
    await _update(tx, key_set_id, changes, params, "state = 'active'")


async def store_failure(tx: Tx, key_set_id: RealmKeySetId, failure: str) -> None:
    """Note why nothing was fetched; the keys stay as they are."""
    await _update(tx, key_set_id, "failure = %(failure)s", {"failure": failure})


# --- rows ---


async def _access(tx: Tx, caller: Caller, key_set_id: RealmKeySetId) -> KeySet:
    """Return the set, locked, if the caller may change it. Raises NotFound."""
    found = await _list(tx, "id = %(id)s", key_set_id, suffix="FOR UPDATE")
    if not found:
        raise NotFound
    await require_whole_realm(tx, caller, found[0].realm_id)
    return found[0]


async def _insert(tx: Tx, key_set: KeySet) -> None:
    sql = """
        INSERT INTO realm_key_sets (organization_id, id, realm_id, name, issuer, address, allowed_profiles, may_narrow,
                                    created_at)
        VALUES (%(organization)s, %(id)s, %(realm)s, %(name)s, %(issuer)s, %(address)s, %(profiles)s, %(may_narrow)s,
                %(created_at)s)
    """
    params = {
        "organization": tx.organization_id,
        "id": key_set.id,
        "realm": key_set.realm_id,
        "name": key_set.name,
        "issuer": key_set.issuer,
        "address": key_set.address,
        "profiles": list(key_set.allowed_profiles),
        "may_narrow": key_set.may_narrow,
        "created_at": key_set.created_at,
    }
    await tx.execute(sql, params)


async def _update(
    tx: Tx, key_set_id: RealmKeySetId, changes: str, params: Mapping[str, object], condition: str = "true"
) -> int:
    sql = f"""
        UPDATE realm_key_sets SET {changes}
         WHERE organization_id = %(organization)s AND id = %(id)s AND {condition}
    """
    return await tx.execute(sql, {"organization": tx.organization_id, "id": key_set_id, **params})


async def _list(
    tx: Tx, condition: str, of: RealmId | RealmKeySetId, *, suffix: str = "ORDER BY id DESC"
) -> list[KeySet]:
    sql = f"SELECT {_COLUMNS} FROM realm_key_sets WHERE organization_id = %(organization)s AND {condition} {suffix}"
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "id": of})
    allowed = {profile for row in rows for profile in row[6]}
    names = {profile.id: profile.name for profile in await access.find_profiles(tx, list(allowed))} if allowed else {}
    return [_to_key_set(row, names) for row in rows]


def _to_key_set(row: Row, names: Mapping[ProfileId, str]) -> KeySet:
    key_set_id, realm_id, name, issuer, address, state, profiles, may_narrow, stored, *times = row
    allowed = {one: names[one] for one in profiles if one in names}
    keys = tuple(
        SetKey(
            key_set_id=key_set_id,
            realm_id=realm_id,
            kid=key["kid"],
            issuer=issuer,
            algorithm=key["algorithm"],
            public_key=key["jwk"],
            state=KeyState(state),
            allowed_profiles=allowed,
            may_narrow=may_narrow,
        )
        for key in stored
    )
    return KeySet(key_set_id, realm_id, name, issuer, address, KeyState(state), allowed, may_narrow, keys, *times)
