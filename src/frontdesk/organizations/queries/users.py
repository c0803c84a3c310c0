"""SQL on users and the organizations they work for. No organization owns these tables."""

from dataclasses import dataclass
from uuid import UUID

from frontdesk.core.db import Tx
from frontdesk.core.ids import OrganizationId, UserId, new_id
from frontdesk.core.text import utc_now
from frontdesk.organizations.records import User

_SET_UP = 0x73657475  # "setu": the first user of an installation is made by one transaction at a time
_USER = "id, email, name, locale, theme"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a password is compared with. `password_hash` None: this user cannot sign in."""

    user_id: UserId
    email: str
    password_hash: str | None


async def has_any_user(tx: Tx) -> bool:
    """Tell whether anybody can sign in here."""
    return bool(await tx.fetch_value("SELECT EXISTS (SELECT 1 FROM users)"))


async def lock_set_up(tx: Tx) -> None:
    """Wait until this transaction is alone with making the first user."""
    await tx.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": _SET_UP})


async def insert_user(tx: Tx, *, email: str, name: str, password_hash: str) -> UserId | None:
    """Store a user; None when the e-mail is taken."""
    found = await tx.fetch_value(
        """
        INSERT INTO users (id, email, name, password_hash, created_at)
        VALUES (%(id)s, %(email)s, %(name)s, %(password_hash)s, %(now)s)
        ON CONFLICT (email) DO NOTHING RETURNING id
        """,
        {"id": new_id(), "email": email, "name": name, "password_hash": password_hash, "now": utc_now()},
    )
    return UserId(found) if found else None


async def get_user(tx: Tx, user_id: UserId) -> User:
    """Return a user who exists."""
    user = await tx.fetch_one_as(User, f"SELECT {_USER} FROM users WHERE id = %(id)s", {"id": user_id})
    if user is None:
        raise LookupError(user_id)
    return user


async def find_credentials(tx: Tx, email: str) -> Credentials | None:
    """Return what the password of `email` is compared with; None when nobody has this e-mail."""
    return await tx.fetch_one_as(
        Credentials,
        """
        SELECT id AS user_id, email, CASE WHEN disabled_at IS NULL THEN password_hash END AS password_hash
          FROM users WHERE email = %(email)s
        """,
        {"email": email},
    )


async def update_password(tx: Tx, user_id: UserId, password_hash: str) -> None:
    """Replace the password."""
    await tx.execute(
        "UPDATE users SET password_hash = %(password_hash)s WHERE id = %(id)s",
        {"id": user_id, "password_hash": password_hash},
    )


async def update_preferences(tx: Tx, user_id: UserId, *, locale: str | None, theme: str) -> None:
    """Replace how the console looks to this user."""
    await tx.execute(
        "UPDATE users SET locale = %(locale)s, theme = %(theme)s WHERE id = %(id)s",
        {"id": user_id, "locale": locale, "theme": theme},
    )


async def list_organization_ids(tx: Tx, user_id: UserId) -> tuple[OrganizationId, ...]:
    """Return the organizations that the user works for, the oldest membership first."""
    rows = await tx.fetch(
        "SELECT organization_id FROM memberships WHERE user_id = %(id)s ORDER BY created_at, organization_id",
        {"id": user_id},
    )
    return tuple(OrganizationId(organization_id) for (organization_id,) in rows)


async def find_preferred_organization(tx: Tx, user_id: UserId) -> OrganizationId | None:
    """Return where the user worked last, else the first they joined; None when they work nowhere."""
    found: UUID | None = await tx.fetch_value(
        """
        SELECT organization_id FROM memberships AS m WHERE user_id = %(id)s
         ORDER BY (SELECT max(last_seen_at) FROM user_sessions AS s
                    WHERE s.user_id = m.user_id AND s.organization_id = m.organization_id) DESC NULLS LAST,
                  created_at, organization_id
         LIMIT 1
        """,
        {"id": user_id},
    )
    return OrganizationId(found) if found else None


async def lock_user_elsewhere(tx: Tx, user_id: UserId) -> bool:
    """Tell whether the user works for another organization as well; until `tx` ends they join none."""
    await tx.execute("SELECT 1 FROM users WHERE id = %(id)s FOR UPDATE", {"id": user_id})
    return bool(
        await tx.fetch_value(
            """
            SELECT EXISTS (SELECT 1 FROM memberships
                            WHERE user_id = %(id)s AND organization_id <> %(organization)s)
            """,
            {"id": user_id, "organization": tx.organization_id},
        )
    )
