"""Keys of a realm: whose signature proves somebody, until when, and what beside the person it may say."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from joserfc.jwk import OKPKey
from psycopg.errors import UniqueViolation

from frontdesk.access import queries as access
from frontdesk.access.grants import require_holding
from frontdesk.access.model import Nothing
from frontdesk.access.reading import load_reader
from frontdesk.channels import queries as channels
from frontdesk.core.db import Row, Tx, to_jsonb
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import InboxId, ProfileId, RealmId, new_id
from frontdesk.core.inputs import clean_name
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import utc_now
from frontdesk.identities import queries
from frontdesk.identities.errors import KeyIdTaken, KeyRevoked
from frontdesk.identities.model import Algorithm, KeyState, RealmKey, RealmKeyId
from frontdesk.identities.public_keys import parse_public_key
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

_PURPOSE: Final = "realm-key"
_MAX_KID: Final = 100
_NAMES: Final = tuple(field.name for field in fields(RealmKey))
_COLUMNS: Final = ", ".join(_NAMES)


@dataclass(frozen=True, slots=True)
class KeySpec:
    """What a member decides about a key."""

    name: str
    issuer: str  # must be the `iss` of its tokens
    kid: str | None = None  # None: we name it
    allowed_profiles: tuple[ProfileId, ...] = ()
    may_narrow: bool = False


async def generate_key(tx: Tx, caller: Caller, realm_id: RealmId, spec: KeySpec) -> tuple[RealmKey, str]:
    """Make an Ed25519 pair; return the key, and the private half as PEM: it is shown once and not kept.

    Right: inboxes.edit in every inbox of the realm, and profiles.edit to allow profiles. Raises NotFound,
    InvalidRequest and KeyIdTaken; so do the next two.
    """
    pair = OKPKey.generate_key("Ed25519")
    key = await _add(tx, caller, realm_id, spec, "EdDSA", public_key=pair.as_dict(private=False))
    return key, pair.as_pem(private=True).decode()


async def upload_key(tx: Tx, caller: Caller, realm_id: RealmId, spec: KeySpec, public_key: str) -> RealmKey:
    """Add a public key of the enterprise, as PEM or JWK; its kind fixes the algorithm."""
    parsed = parse_public_key(public_key)
    named = replace(spec, kid=spec.kid or parsed.kid)
    return await _add(tx, caller, realm_id, named, parsed.algorithm, public_key=parsed.jwk)


async def generate_secret(
    tx: Tx, caller: Caller, cipher: Cipher, realm_id: RealmId, spec: KeySpec
) -> tuple[RealmKey, str]:
    """Make a shared secret for HS256; return the key, and the secret, whose text is the key: it is shown once."""
    secret = secrets.token_urlsafe(32)
    sealed = cipher.encrypt(secret, purpose=_PURPOSE)
    return await _add(tx, caller, realm_id, spec, "HS256", secret=sealed), secret


async def list_realm_keys(tx: Tx, caller: Caller, realm_id: RealmId) -> list[RealmKey]:
    """Return the keys of a realm without their secrets, the newest first. Right: inboxes.view in one of its inboxes."""
    await require_some_of_realm(tx, caller, realm_id)
    return await _list(tx, "realm_id = %(id)s", realm_id)


async def load_realm_keys(tx: Tx, cipher: Cipher, realm_id: RealmId) -> list[RealmKey]:
    """Return the keys of a realm for verifying, secrets included: never to be rendered or logged."""
    return await _list(tx, "realm_id = %(id)s", realm_id, cipher)


async def set_key_state(
    tx: Tx, caller: Caller, key_id: RealmKeyId, state: KeyState, *, verify_until: datetime | None = None
) -> RealmKey:
    """Let a key count always, until a date, or never again; the last ends the sessions that it proved.

    Right: inboxes.edit in every inbox of the realm. Raises NotFound, KeyRevoked for a key that was revoked before, and
    InvalidRequest when the date is missing or stands with another state.
    """
    key = await _access_key(tx, caller, key_id)
    if key.state is KeyState.REVOKED and state is not KeyState.REVOKED:
        raise KeyRevoked
    if (state is KeyState.VERIFY_ONLY) != (verify_until is not None):
        raise InvalidRequest("Say until when the key verifies.", pointer="/verifyUntil")
    await _update(tx, key_id, "state = %(state)s, verify_until = %(until)s", {"state": state, "until": verify_until})
    ended = 0
    if state is KeyState.REVOKED:
        ended = await queries.end_sessions_of_witness(tx, key.witness, "key_revoked", now=utc_now())
        await access.raise_scope_version(tx)
    payload = {"kid": key.kid, "before": key.state, "after": state, "ended_sessions": ended}
    await audit.record(tx, caller, "realm_key.changed", "realm_key", key_id, payload=payload)
    return replace(key, state=state, verify_until=verify_until)


async def set_key_limits(
    tx: Tx, caller: Caller, key_id: RealmKeyId, *, allowed_profiles: Collection[ProfileId], may_narrow: bool
) -> RealmKey:
    """Say what proofs of a key may claim beside the person. Sessions that claim what is taken away end.

    Right: inboxes.edit in every inbox of the realm, and profiles.edit. Raises NotFound and InvalidRequest.
    """
    caller.require(Right.PROFILES_EDIT)
    key = await _access_key(tx, caller, key_id)
    allowed = await allow_profiles(tx, caller, allowed_profiles, before=key.allowed_profiles)
    params = {"profiles": list(allowed), "may_narrow": may_narrow}
    await _update(tx, key_id, "allowed_profiles = %(profiles)s, may_narrow = %(may_narrow)s", params)
    taken = [profile for profile in key.allowed_profiles if profile not in allowed]
    if taken:
        await queries.end_sessions_of_witness(tx, key.witness, "key_limited", claiming=taken, now=utc_now())
        await access.raise_scope_version(tx)
    payload = {"kid": key.kid, "allowed_profiles": list(allowed.values()), "may_narrow": may_narrow}
    await audit.record(tx, caller, "realm_key.changed", "realm_key", key_id, payload=payload)
    return replace(key, allowed_profiles=allowed, may_narrow=may_narrow)


async def lock_good_key(tx: Tx, key_id: RealmKeyId, claimed: Collection[ProfileId]) -> bool:
    """Tell whether the key is not revoked and may claim these profiles; it stays so until this transaction ends."""
    sql = """
        SELECT state <> 'revoked' AND allowed_profiles @> %(claimed)s::uuid[] FROM realm_keys
         WHERE organization_id = %(organization)s AND id = %(id)s FOR SHARE
    """
    params = {"organization": tx.organization_id, "id": key_id, "claimed": list(claimed)}
    return bool(await tx.fetch_value(sql, params))


async def _add(
    tx: Tx,
    caller: Caller,
    realm_id: RealmId,
    spec: KeySpec,
    algorithm: Algorithm,
    *,
    public_key: Mapping[str, Any] | None = None,
    secret: bytes | None = None,
) -> RealmKey:
    await require_whole_realm(tx, caller, realm_id)
    if spec.allowed_profiles:
        caller.require(Right.PROFILES_EDIT)
    key = RealmKey(
        id=RealmKeyId(new_id()),
        realm_id=realm_id,
        kid=clean_name(spec.kid or f"key-{secrets.token_hex(4)}", pointer="/kid", max_length=_MAX_KID),
        name=clean_name(spec.name),
        issuer=clean_name(spec.issuer, pointer="/issuer"),
        algorithm=algorithm,
        public_key=public_key,
        secret=None,
        state=KeyState.ACTIVE,
        verify_until=None,
        allowed_profiles=await allow_profiles(tx, caller, spec.allowed_profiles),
        may_narrow=spec.may_narrow,
        created_at=utc_now(),
    )
    await _insert(tx, key, secret)
    payload = {"kid": key.kid, "name": key.name, "algorithm": algorithm}
    await audit.record(tx, caller, "realm_key.created", "realm_key", key.id, payload=payload)
    return key


async def _insert(tx: Tx, key: RealmKey, secret: bytes | None) -> None:
    sql = f"""
        INSERT INTO realm_keys (organization_id, {_COLUMNS})
        VALUES (%(organization)s, %(id)s, %(realm)s, %(kid)s, %(name)s, %(issuer)s, %(algorithm)s, %(public_key)s,
                %(secret)s, %(state)s, NULL, %(profiles)s, %(may_narrow)s, %(created_at)s)
    """
    params = {
        "organization": tx.organization_id,
        "id": key.id,
        "realm": key.realm_id,
        "kid": key.kid,
        "name": key.name,
        "issuer": key.issuer,
        "algorithm": key.algorithm,
        "public_key": to_jsonb(key.public_key),
        "secret": secret,
        "state": key.state,
        "profiles": list(key.allowed_profiles),
        "may_narrow": key.may_narrow,
        "created_at": key.created_at,
    }
    try:
        async with tx.savepoint():
            await tx.execute(sql, params)
    except UniqueViolation as error:
        raise KeyIdTaken(pointer="/kid") from error


async def _update(tx: Tx, key_id: RealmKeyId, assignments: str, params: Mapping[str, object]) -> None:
    sql = f"UPDATE realm_keys SET {assignments} WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": key_id, **params})


async def _list(
    tx: Tx, condition: str, of: RealmId | RealmKeyId, cipher: Cipher | None = None, *, suffix: str = "ORDER BY id DESC"
) -> list[RealmKey]:
    sql = f"SELECT {_COLUMNS} FROM realm_keys WHERE organization_id = %(organization)s AND {condition} {suffix}"
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "id": of})
    allowed = {profile for row in rows for profile in row[10]}
    names = {profile.id: profile.name for profile in await access.find_profiles(tx, list(allowed))}
    return [_to_key(row, names, cipher) for row in rows]


def _to_key(row: Row, names: Mapping[ProfileId, str], cipher: Cipher | None) -> RealmKey:
    values = dict(zip(_NAMES, row, strict=True))
    secret = values["secret"]
    values["secret"] = cipher.decrypt(secret, purpose=_PURPOSE) if cipher and secret else None
    values["state"] = KeyState(values["state"])
    values["allowed_profiles"] = {one: names[one] for one in values["allowed_profiles"] if one in names}
    return RealmKey(**values)


async def _access_key(tx: Tx, caller: Caller, key_id: RealmKeyId) -> RealmKey:
    """Return the key, locked, if the caller may change it. Raises NotFound."""
    found = await _list(tx, "id = %(id)s", key_id, suffix="FOR UPDATE")
    if not found:
        raise NotFound
    await require_whole_realm(tx, caller, found[0].realm_id)
    return found[0]


async def require_some_of_realm(tx: Tx, caller: Caller, realm_id: RealmId) -> None:
    """Require inboxes.view in one of the realm's inboxes, or raise NotFound."""
    await channels.get_realm(tx, realm_id)
    caller.require_in(Right.INBOXES_VIEW, await _inboxes_of(tx, realm_id))


async def require_whole_realm(tx: Tx, caller: Caller, realm_id: RealmId) -> None:
    """Require inboxes.edit in every inbox of the realm, or raise NotFound: whoever adds a key can be anybody there."""
    await channels.get_realm(tx, realm_id)
    limit, inboxes = caller.inboxes_for(Right.INBOXES_EDIT), await _inboxes_of(tx, realm_id)
    if limit is not None and not (inboxes and inboxes <= limit):
        raise NotFound


async def _inboxes_of(tx: Tx, realm_id: RealmId) -> frozenset[InboxId]:
    inboxes, _ = await channels.list_inboxes(tx, None)
    return frozenset(inbox.id for inbox in inboxes if inbox.realm_id == realm_id)


async def allow_profiles(
    tx: Tx, caller: Caller, ids: Collection[ProfileId], *, before: Collection[ProfileId] = ()
) -> dict[ProfileId, str]:
    """Map access profiles that proofs may claim to their names; `before`: they might claim these already.

    Raises InvalidRequest when one of them does not exist, and GrantNotHeld when one that is new opens documents which
    the caller neither sees nor holds.
    """
    found = {profile.id: profile for profile in await access.find_profiles(tx, list(ids))}
    if found.keys() != set(ids):
        raise InvalidRequest("There is no such access profile.", pointer="/allowedProfiles")
    read = await load_reader(tx)
    opened = [read.profile(profile).scope or Nothing() for one, profile in found.items() if one not in before]
    await require_holding(tx, caller, [(Nothing(), scope) for scope in opened])
    return {one: profile.name for one, profile in found.items()}
