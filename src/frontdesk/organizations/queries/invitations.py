"""SQL on invitations."""

from collections.abc import Sequence
from datetime import datetime

from frontdesk.core.db import Tx
from frontdesk.core.ids import InvitationId, RoleId, UserId
from frontdesk.organizations.records import Invitation

_COLUMNS = "id, email, role_ids, invited_by, created_at, expires_at"
_OPEN = "organization_id = %(organization)s AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > %(now)s"


async def insert_invitation(tx: Tx, invitation: Invitation, token_hash: bytes) -> None:
    """Store an invitation; an open one for the same e-mail is withdrawn."""
    params = {
        "organization": tx.organization_id,
        "id": invitation.id,
        "email": invitation.email,
        "role_ids": invitation.role_ids,
        "token_hash": token_hash,
        "invited_by": invitation.invited_by,
        "now": invitation.created_at,
        "expires_at": invitation.expires_at,
    }
    await tx.execute(f"UPDATE invitations SET revoked_at = %(now)s WHERE {_OPEN} AND email = %(email)s", params)
    await tx.execute(
        """
        INSERT INTO invitations (organization_id, id, email, role_ids, token_hash, invited_by, created_at, expires_at)
        VALUES (%(organization)s, %(id)s, %(email)s, %(role_ids)s, %(token_hash)s, %(invited_by)s,
                %(now)s, %(expires_at)s)
        """,
        params,
    )


async def list_invitations(tx: Tx, now: datetime) -> list[Invitation]:
    """Return the open invitations, the newest first."""
    return await tx.fetch_as(
        Invitation,
        f"SELECT {_COLUMNS} FROM invitations WHERE {_OPEN} ORDER BY id DESC",
        {"organization": tx.organization_id, "now": now},
    )


async def find_invitation(tx: Tx, invitation_id: InvitationId, now: datetime) -> Invitation | None:
    """Return an open invitation; None when there is none."""
    return await tx.fetch_one_as(
        Invitation,
        f"SELECT {_COLUMNS} FROM invitations WHERE {_OPEN} AND id = %(id)s",
        {"organization": tx.organization_id, "now": now, "id": invitation_id},
    )


async def find_invitation_by_token(tx: Tx, token_hash: bytes, now: datetime) -> Invitation | None:
    """Return the open invitation that the token names; None when there is none."""
    return await tx.fetch_one_as(
        Invitation,
        f"SELECT {_COLUMNS} FROM invitations WHERE {_OPEN} AND token_hash = %(token_hash)s",
        {"organization": tx.organization_id, "now": now, "token_hash": token_hash},
    )


async def use_invitation(tx: Tx, invitation_id: InvitationId, now: datetime) -> Sequence[RoleId] | None:
    """Use the invitation up and return its roles; None when another call was first, or it no longer holds."""
    found: list[RoleId] | None = await tx.fetch_value(
        f"UPDATE invitations SET accepted_at = %(now)s WHERE {_OPEN} AND id = %(id)s RETURNING role_ids",
        {"organization": tx.organization_id, "now": now, "id": invitation_id},
    )
    return found


async def revoke_invitation(tx: Tx, invitation_id: InvitationId, now: datetime) -> None:
    """Withdraw an open invitation."""
    await tx.execute(
        f"UPDATE invitations SET revoked_at = %(now)s WHERE {_OPEN} AND id = %(id)s",
        {"organization": tx.organization_id, "now": now, "id": invitation_id},
    )


async def revoke_invitations_by(tx: Tx, user_id: UserId, now: datetime) -> None:
    """Withdraw the open invitations that a member has sent."""
    await tx.execute(
        f"UPDATE invitations SET revoked_at = %(now)s WHERE {_OPEN} AND invited_by = %(user)s",
        {"organization": tx.organization_id, "now": now, "user": user_id},
    )
