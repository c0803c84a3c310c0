"""SQL on API keys."""

from datetime import datetime
from typing import Any

from frontdesk.core.db import Row, Tx
from frontdesk.core.ids import ApiKeyId, InboxId
from frontdesk.organizations.records import ApiKey, known_rights

_COLUMNS = "id, name, hint, rights, inbox_ids, created_by, created_at, expires_at, last_used_at"
_KEPT = "organization_id = %(organization)s AND revoked_at IS NULL"


async def insert_api_key(tx: Tx, key: ApiKey, secret_hash: bytes) -> None:
    """Store a key."""
    await tx.execute(
        f"""
        INSERT INTO api_keys (organization_id, secret_hash, {_COLUMNS})
        VALUES (%(organization)s, %(secret_hash)s, %(id)s, %(name)s, %(hint)s, %(rights)s, %(inbox_ids)s,
                %(created_by)s, %(created_at)s, %(expires_at)s, NULL)
        """,
        {
            "organization": tx.organization_id,
            "secret_hash": secret_hash,
            "id": key.id,
            "name": key.name,
            "hint": key.hint,
            "rights": sorted(key.rights),
            "inbox_ids": None if key.inbox_ids is None else sorted(key.inbox_ids),
            "created_by": key.created_by,
            "created_at": key.created_at,
            "expires_at": key.expires_at,
        },
    )


async def find_usable_key(tx: Tx, secret_hash: bytes, now: datetime) -> ApiKey | None:
    """Return the key whose secret has this hash; None when there is none, or it is revoked or expired."""
    return await _find_one(
        tx,
        "AND secret_hash = %(secret_hash)s AND (expires_at IS NULL OR expires_at > %(now)s)",
        {"secret_hash": secret_hash, "now": now},
    )


async def find_api_key(tx: Tx, key_id: ApiKeyId) -> ApiKey | None:
    """Return a key, expired or not; None when there is none or it is revoked."""
    return await _find_one(tx, "AND id = %(id)s", {"id": key_id})


async def list_api_keys(tx: Tx, inbox_ids: frozenset[InboxId] | None) -> list[ApiKey]:
    """Return the keys that are not revoked, the newest first; those within `inbox_ids` only, unless it is None."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM api_keys
         WHERE {_KEPT} AND (%(inboxes)s::uuid[] IS NULL OR inbox_ids <@ %(inboxes)s::uuid[]) ORDER BY id DESC
        """,
        {"organization": tx.organization_id, "inboxes": None if inbox_ids is None else list(inbox_ids)},
    )
    return [_to_key(row) for row in rows]


async def touch_api_key(tx: Tx, key_id: ApiKeyId, now: datetime) -> None:
    """Note that the key was used."""
    await tx.execute(
        "UPDATE api_keys SET last_used_at = %(now)s WHERE organization_id = %(organization)s AND id = %(id)s",
        {"organization": tx.organization_id, "id": key_id, "now": now},
    )


async def revoke_api_key(tx: Tx, key_id: ApiKeyId, now: datetime) -> None:
    """Make the key useless."""
    await tx.execute(
        f"UPDATE api_keys SET revoked_at = %(now)s WHERE {_KEPT} AND id = %(id)s",
        {"organization": tx.organization_id, "id": key_id, "now": now},
    )


async def _find_one(tx: Tx, condition: str, params: dict[str, Any]) -> ApiKey | None:
    row = await tx.fetch_one(
        f"SELECT {_COLUMNS} FROM api_keys WHERE {_KEPT} {condition}", {**params, "organization": tx.organization_id}
    )
    return _to_key(row) if row else None


def _to_key(row: Row) -> ApiKey:
    key_id, name, hint, rights, inbox_ids, *rest = row
    limit = None if inbox_ids is None else frozenset(map(InboxId, inbox_ids))
    return ApiKey(ApiKeyId(key_id), name, hint, known_rights(rights), limit, *rest)
