"""SQL on roles."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from frontdesk.core.db import Row, Tx
from frontdesk.core.ids import InboxId, RoleId, UserId, new_id
from frontdesk.core.text import utc_now
from frontdesk.organizations.model import BUILT_IN_ROLES
from frontdesk.organizations.records import Role, RoleDraft, rights_of_role

COLUMNS = "r.id, r.name, r.rights, r.inbox_ids, r.query_metadata, r.is_built_in"


def role_from_row(row: Row) -> Role:
    """Read `COLUMNS`."""
    role_id, name, rights, inbox_ids, query_metadata, is_built_in = row
    return Role(
        id=RoleId(role_id),
        name=name,
        rights=rights_of_role(name, rights, is_built_in=is_built_in),
        inbox_ids=None if inbox_ids is None else frozenset(map(InboxId, inbox_ids)),
        query_metadata=query_metadata,
        is_built_in=is_built_in,
    )


async def insert_role(tx: Tx, draft: RoleDraft, *, is_built_in: bool = False) -> RoleId | None:
    """Store a role; None when the name is taken."""
    found = await tx.fetch_value(
        """
        INSERT INTO roles (organization_id, id, name, rights, inbox_ids, query_metadata, is_built_in, created_at)
        VALUES (%(organization)s, %(id)s, %(name)s, %(rights)s, %(inbox_ids)s, %(query_metadata)s,
                %(built_in)s, %(now)s)
        ON CONFLICT (organization_id, name) DO NOTHING RETURNING id
        """,
        {**_to_params(tx, draft), "id": new_id(), "built_in": is_built_in, "now": utc_now()},
    )
    return RoleId(found) if found else None


async def update_role(tx: Tx, role_id: RoleId, draft: RoleDraft) -> None:
    """Replace what the role allows. Raises UniqueViolation when the name is taken."""
    await tx.execute(
        """
        UPDATE roles SET name = %(name)s, rights = %(rights)s, inbox_ids = %(inbox_ids)s,
                         query_metadata = %(query_metadata)s
         WHERE organization_id = %(organization)s AND id = %(id)s
        """,
        {**_to_params(tx, draft), "id": role_id},
    )


async def delete_role(tx: Tx, role_id: RoleId) -> None:
    """Delete the role, and take it from whoever holds it."""
    await tx.execute(
        "DELETE FROM roles WHERE organization_id = %(organization)s AND id = %(id)s",
        {"organization": tx.organization_id, "id": role_id},
    )


async def list_roles(tx: Tx) -> list[Role]:
    """Return all roles: the built-in ones from the strongest down, then the others by name."""
    rows = await tx.fetch(
        f"""
        SELECT {COLUMNS} FROM roles AS r WHERE r.organization_id = %(organization)s
         ORDER BY array_position(%(built_in)s::text[], CASE WHEN r.is_built_in THEN r.name END), r.name
        """,
        {"organization": tx.organization_id, "built_in": list(BUILT_IN_ROLES)},
    )
    return [role_from_row(row) for row in rows]


async def find_roles(tx: Tx, role_ids: Iterable[RoleId]) -> list[Role]:
    """Return those of `role_ids` that exist, locked against being changed or deleted."""
    rows = await tx.fetch(
        f"""
        SELECT {COLUMNS} FROM roles AS r
         WHERE r.organization_id = %(organization)s AND r.id = ANY(%(ids)s) ORDER BY r.id FOR SHARE
        """,
        {"organization": tx.organization_id, "ids": list(role_ids)},
    )
    return [role_from_row(row) for row in rows]


async def lock_role(tx: Tx, role_id: RoleId) -> Role | None:
    """Return the role when no other transaction hands it out or changes it; None when there is none."""
    row = await tx.fetch_one(
        f"SELECT {COLUMNS} FROM roles AS r WHERE r.organization_id = %(organization)s AND r.id = %(id)s FOR UPDATE",
        {"organization": tx.organization_id, "id": role_id},
    )
    return role_from_row(row) if row else None


async def list_roles_of(tx: Tx, user_id: UserId) -> list[Role]:
    """Return the roles of one member; empty when they hold none or are no member."""
    rows = await tx.fetch(
        f"""
        SELECT {COLUMNS} FROM member_roles AS h
          JOIN roles AS r ON r.organization_id = h.organization_id AND r.id = h.role_id
         WHERE h.organization_id = %(organization)s AND h.user_id = %(user)s ORDER BY r.id
        """,
        {"organization": tx.organization_id, "user": user_id},
    )
    return [role_from_row(row) for row in rows]


async def is_role_used(tx: Tx, role_id: RoleId, *, now: datetime) -> bool:
    """Tell whether members hold the role or an open invitation promises it."""
    return bool(
        await tx.fetch_value(
            """
            SELECT EXISTS (SELECT 1 FROM member_roles WHERE organization_id = %(organization)s AND role_id = %(id)s)
                OR EXISTS (SELECT 1 FROM invitations
                            WHERE organization_id = %(organization)s AND %(id)s = ANY(role_ids)
                              AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > %(now)s)
            """,
            {"organization": tx.organization_id, "id": role_id, "now": now},
        )
    )


def _to_params(tx: Tx, draft: RoleDraft) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "name": draft.name,
        "rights": sorted(draft.rights),
        "inbox_ids": None if draft.inbox_ids is None else sorted(draft.inbox_ids),
        "query_metadata": None if draft.query_metadata is None else Jsonb(draft.query_metadata),
    }
