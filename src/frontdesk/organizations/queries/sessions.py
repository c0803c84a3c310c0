"""SQL on the sessions of members, and on password links."""

from dataclasses import dataclass
from datetime import datetime

from frontdesk.core.db import Tx
from frontdesk.core.ids import OrganizationId, UserId
from frontdesk.organizations.records import Browser, OpenSession


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session that is neither revoked nor too old."""

    user_id: UserId
    organization_id: OrganizationId | None
    csrf_token: str
    last_seen_at: datetime


async def insert_session(
    tx: Tx,
    *,
    token_hash: bytes,
    csrf_token: str,
    user_id: UserId,
    organization_id: OrganizationId | None,
    browser: Browser,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Store a session, and forget those of the user that have expired."""
    await tx.execute(
        "DELETE FROM user_sessions WHERE user_id = %(user)s AND expires_at <= %(now)s", {"user": user_id, "now": now}
    )
    await tx.execute(
        """
        INSERT INTO user_sessions (token_hash, user_id, organization_id, csrf_token, user_agent, address,
                                   created_at, last_seen_at, expires_at)
        VALUES (%(token_hash)s, %(user)s, %(organization)s, %(csrf)s, %(user_agent)s, %(address)s,
                %(now)s, %(now)s, %(expires_at)s)
        """,
        {
            "token_hash": token_hash,
            "user": user_id,
            "organization": organization_id,
            "csrf": csrf_token,
            "user_agent": browser.user_agent,
            "address": browser.address,
            "now": now,
            "expires_at": expires_at,
        },
    )


_OPEN = "s.revoked_at IS NULL AND s.expires_at > %(now)s AND s.last_seen_at > %(idle_since)s"


async def find_session(tx: Tx, token_hash: bytes, *, now: datetime, idle_since: datetime) -> StoredSession | None:
    """Return the session if it still holds and its user is not disabled; else None."""
    return await tx.fetch_one_as(
        StoredSession,
        f"""
        SELECT s.user_id, s.organization_id, s.csrf_token, s.last_seen_at
          FROM user_sessions AS s JOIN users AS u ON u.id = s.user_id AND u.disabled_at IS NULL
         WHERE s.token_hash = %(token_hash)s AND {_OPEN}
        """,
        {"token_hash": token_hash, "now": now, "idle_since": idle_since},
    )


async def list_sessions(
    tx: Tx, user_id: UserId, *, current: bytes, now: datetime, idle_since: datetime
) -> list[OpenSession]:
    """Return the sessions of the user that still hold, the last used first; `current` is the hash of this one."""
    return await tx.fetch_as(
        OpenSession,
        f"""
        SELECT s.user_agent, s.address, s.created_at, s.last_seen_at, s.token_hash = %(current)s AS is_current
          FROM user_sessions AS s WHERE s.user_id = %(user)s AND {_OPEN}
         ORDER BY s.last_seen_at DESC
        """,
        {"user": user_id, "current": current, "now": now, "idle_since": idle_since},
    )


async def touch_session(tx: Tx, token_hash: bytes, now: datetime) -> None:
    """Note that the session was used."""
    await tx.execute(
        "UPDATE user_sessions SET last_seen_at = %(now)s WHERE token_hash = %(token_hash)s",
        {"token_hash": token_hash, "now": now},
    )


async def update_active_organization(tx: Tx, token_hash: bytes, organization_id: OrganizationId) -> bool:
    """Make the organization the active one; False when the session's user does not work there."""
    changed = await tx.execute(
        """
        UPDATE user_sessions AS s SET organization_id = %(organization)s
         WHERE token_hash = %(token_hash)s
           AND EXISTS (SELECT 1 FROM memberships AS m
                        WHERE m.user_id = s.user_id AND m.organization_id = %(organization)s)
        """,
        {"token_hash": token_hash, "organization": organization_id},
    )
    return changed == 1


async def revoke_session(tx: Tx, token_hash: bytes, now: datetime) -> None:
    """End one session; nothing happens when there is none."""
    await tx.execute(
        "UPDATE user_sessions SET revoked_at = %(now)s WHERE token_hash = %(token_hash)s AND revoked_at IS NULL",
        {"token_hash": token_hash, "now": now},
    )


async def revoke_sessions(tx: Tx, user_id: UserId, now: datetime, *, spared: bytes = b"") -> int:
    """End all sessions of the user but the one with the hash `spared`; returns how many."""
    return await tx.execute(
        """
        UPDATE user_sessions SET revoked_at = %(now)s
         WHERE user_id = %(user)s AND revoked_at IS NULL AND token_hash <> %(spared)s
        """,
        {"user": user_id, "now": now, "spared": spared},
    )


async def revoke_sessions_here(tx: Tx, user_id: UserId, now: datetime) -> int:
    """End the sessions of the user in which the organization of `tx` is the active one; returns how many."""
    return await tx.execute(
        """
        UPDATE user_sessions SET revoked_at = %(now)s
         WHERE user_id = %(user)s AND organization_id = %(organization)s AND revoked_at IS NULL
        """,
        {"user": user_id, "organization": tx.organization_id, "now": now},
    )


async def insert_reset(tx: Tx, *, token_hash: bytes, user_id: UserId, now: datetime, expires_at: datetime) -> None:
    """Store a password link, and forget those of the user that have expired."""
    await tx.execute(
        "DELETE FROM password_resets WHERE user_id = %(user)s AND expires_at <= %(now)s", {"user": user_id, "now": now}
    )
    await tx.execute(
        """
        INSERT INTO password_resets (token_hash, user_id, created_at, expires_at)
        VALUES (%(token_hash)s, %(user)s, %(now)s, %(expires_at)s)
        """,
        {"token_hash": token_hash, "user": user_id, "now": now, "expires_at": expires_at},
    )


async def find_reset_user(tx: Tx, token_hash: bytes, now: datetime) -> UserId | None:
    """Return whose password the link may set; None when it no longer holds."""
    found = await tx.fetch_value(
        """
        SELECT r.user_id FROM password_resets AS r JOIN users AS u ON u.id = r.user_id AND u.disabled_at IS NULL
         WHERE r.token_hash = %(token_hash)s AND r.used_at IS NULL AND r.expires_at > %(now)s
        """,
        {"token_hash": token_hash, "now": now},
    )
    return UserId(found) if found else None


async def use_reset(tx: Tx, token_hash: bytes, now: datetime) -> bool:
    """Use the link up; False when another call was first, or it no longer holds."""
    used = await tx.execute(
        """
        UPDATE password_resets SET used_at = %(now)s
         WHERE token_hash = %(token_hash)s AND used_at IS NULL AND expires_at > %(now)s
        """,
        {"token_hash": token_hash, "now": now},
    )
    return used == 1


async def void_resets(tx: Tx, user_id: UserId, now: datetime) -> None:
    """Make every open password link of the user invalid."""
    await tx.execute(
        "UPDATE password_resets SET used_at = %(now)s WHERE user_id = %(user)s AND used_at IS NULL",
        {"user": user_id, "now": now},
    )
