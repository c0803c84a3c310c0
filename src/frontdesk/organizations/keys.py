"""API keys: issue, check, list, revoke."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from frontdesk.core.db import Database, Tx
from frontdesk.core.errors import InvalidRequest, Unauthenticated
from frontdesk.core.ids import ApiKeyId, InboxId, new_id
from frontdesk.core.secrets import hash_secret, issue_secret, parse_secret
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.access import access_api_key, require_holding
from frontdesk.organizations.model import Caller, CallerKind, Right
from frontdesk.organizations.queries import keys as queries
from frontdesk.organizations.records import ApiKey, parse_name

_USE_NOTED_EVERY = timedelta(minutes=1)


async def authenticate_key(db: Database, secret: str) -> Caller:
    """Return the caller behind an API key. Raises Unauthenticated when it is unknown, expired or revoked.

    The key is found by the hash of its whole text, so nothing about a stored key can be learned from the time it takes.
    """
    organization_id = parse_secret(secret, "key")
    if organization_id is None:
        raise Unauthenticated("This is not a key of Frontdesk.")
    now = utc_now()
    async with db.begin(organization_id) as tx:
        key = await queries.find_usable_key(tx, hash_secret(secret), now)
        if key is None:
            raise Unauthenticated("The key is unknown, expired or revoked.")
        if key.last_used_at is None or key.last_used_at <= now - _USE_NOTED_EVERY:
            await queries.touch_api_key(tx, key.id, now)
    return Caller(CallerKind.API_KEY, key.id, key.name, organization_id, (key.grant,))


async def find_key_caller(tx: Tx, key_id: ApiKeyId) -> Caller | None:
    """Return the caller to whom something was lent earlier; None when the key is revoked or expired by now."""
    key = await queries.find_api_key(tx, key_id)
    if key is None or (key.expires_at is not None and key.expires_at <= utc_now()):
        return None
    return Caller(CallerKind.API_KEY, key.id, key.name, tx.organization_id, (key.grant,))


async def create_api_key(
    tx: Tx,
    caller: Caller,
    *,
    name: str,
    rights: Iterable[Right],
    inbox_ids: Iterable[InboxId] | None,
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    """Return a new key and its secret, which can never be shown again. `inbox_ids` None: every inbox.

    Raises InvalidRequest, and GrantNotHeld when the caller does not hold what the key would.
    """
    caller.require(Right.KEYS_EDIT)
    now = utc_now()
    if expires_at is not None and expires_at <= now:
        raise InvalidRequest("The key would have expired already.", pointer="/expiresAt")
    secret = issue_secret("key", tx.organization_id)
    key = ApiKey(
        id=ApiKeyId(new_id()),
        name=parse_name(name),
        hint=secret.text[-4:],
        rights=frozenset(rights),
        inbox_ids=None if inbox_ids is None else frozenset(inbox_ids),
        created_by=None if caller.kind is CallerKind.SYSTEM else caller.id,
        created_at=now,
        expires_at=expires_at,
        last_used_at=None,
    )
    if not key.rights:
        raise InvalidRequest("A key without rights opens nothing.", pointer="/rights")
    require_holding(caller, [key.grant])
    await queries.insert_api_key(tx, key, secret.hash)
    payload = {"name": key.name, "rights": sorted(key.rights)}
    await audit.record(tx, caller, "api_key.created", "api_key", key.id, payload=payload)
    return key, secret.text


async def list_api_keys(tx: Tx, caller: Caller) -> list[ApiKey]:
    """Return the keys that are not revoked, the newest first; within the caller's inboxes, if these are limited."""
    caller.require(Right.KEYS_EDIT)
    return await queries.list_api_keys(tx, caller.inboxes_for(Right.KEYS_EDIT))


async def revoke_api_key(tx: Tx, caller: Caller, key_id: ApiKeyId) -> None:
    """Make a key useless at once. Raises NotFound, and GrantNotHeld for a key stronger than the caller."""
    key = await access_api_key(tx, caller, key_id)
    await queries.revoke_api_key(tx, key_id, utc_now())
    await audit.record(tx, caller, "api_key.revoked", "api_key", key_id, payload={"name": key.name})
