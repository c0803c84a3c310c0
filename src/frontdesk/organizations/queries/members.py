"""SQL on memberships and the roles of members."""

from collections.abc import Iterable
from uuid import UUID

from frontdesk.core.db import Row, Tx
from frontdesk.core.ids import RoleId, UserId
from frontdesk.core.text import utc_now
from frontdesk.organizations.model import OWNER
from frontdesk.organizations.queries.roles import COLUMNS, role_from_row
from frontdesk.organizations.records import Member

_SELECT = f"""
    SELECT u.id, u.email, u.name, m.created_at, {COLUMNS}
      FROM memberships AS m
      JOIN users AS u ON u.id = m.user_id
      LEFT JOIN member_roles AS h ON h.organization_id = m.organization_id AND h.user_id = m.user_id
      LEFT JOIN roles AS r ON r.organization_id = h.organization_id AND r.id = h.role_id
     WHERE m.organization_id = %(organization)s
"""


async def list_members(tx: Tx) -> list[Member]:
    """Return all members, by name."""
    rows = await tx.fetch(f"{_SELECT} ORDER BY u.name, u.id, r.id", {"organization": tx.organization_id})
    return _to_members(rows)


async def find_member(tx: Tx, user_id: UserId) -> Member | None:
    """Return one member; None when the user does not work here."""
    rows = await tx.fetch(
        f"{_SELECT} AND m.user_id = %(user)s ORDER BY r.id", {"organization": tx.organization_id, "user": user_id}
    )
    return next(iter(_to_members(rows)), None)


async def is_member_with_email(tx: Tx, email: str) -> bool:
    """Tell whether the user with this e-mail works here."""
    return bool(
        await tx.fetch_value(
            """
            SELECT EXISTS (SELECT 1 FROM memberships AS m JOIN users AS u ON u.id = m.user_id
                            WHERE m.organization_id = %(organization)s AND u.email = %(email)s)
            """,
            {"organization": tx.organization_id, "email": email},
        )
    )


async def has_other_owner(tx: Tx, user_id: UserId) -> bool:
    """Tell whether somebody else holds the owner's role and can sign in."""
    return bool(
        await tx.fetch_value(
            """
            SELECT EXISTS (
                SELECT 1 FROM member_roles AS h
                  JOIN roles AS r ON r.organization_id = h.organization_id AND r.id = h.role_id
                  JOIN users AS u ON u.id = h.user_id
                 WHERE h.organization_id = %(organization)s AND h.user_id <> %(user)s
                   AND r.is_built_in AND r.name = %(owner)s AND u.disabled_at IS NULL)
            """,
            {"organization": tx.organization_id, "user": user_id, "owner": OWNER},
        )
    )


async def insert_membership(tx: Tx, user_id: UserId) -> bool:
    """Let the user work here; False when they do already."""
    inserted = await tx.execute(
        """
        INSERT INTO memberships (organization_id, user_id, created_at) VALUES (%(organization)s, %(user)s, %(now)s)
        ON CONFLICT (organization_id, user_id) DO NOTHING
        """,
        {"organization": tx.organization_id, "user": user_id, "now": utc_now()},
    )
    return inserted == 1


async def replace_member_roles(tx: Tx, user_id: UserId, role_ids: Iterable[RoleId]) -> None:
    """Give a member exactly these roles."""
    params = {"organization": tx.organization_id, "user": user_id, "roles": list(role_ids)}
    await tx.execute("DELETE FROM member_roles WHERE organization_id = %(organization)s AND user_id = %(user)s", params)
    await tx.execute(
        """
        INSERT INTO member_roles (organization_id, user_id, role_id)
        SELECT %(organization)s, %(user)s, role_id FROM unnest(%(roles)s::uuid[]) AS wanted (role_id)
        """,
        params,
    )


async def delete_membership(tx: Tx, user_id: UserId) -> None:
    """Let the user no longer work here; their roles here go with it."""
    await tx.execute(
        "DELETE FROM memberships WHERE organization_id = %(organization)s AND user_id = %(user)s",
        {"organization": tx.organization_id, "user": user_id},
    )


def _to_members(rows: list[Row]) -> list[Member]:
    members: dict[UUID, Member] = {}
    for user_id, email, name, joined_at, *role in rows:
        known = members.get(user_id)
        roles = (*(known.roles if known else ()), *([role_from_row(tuple(role))] if role[0] else ()))
        members[user_id] = Member(UserId(user_id), email, name, joined_at, roles)
    return list(members.values())
