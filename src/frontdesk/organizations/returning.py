"""Who is behind work that goes on after the request that asked for it: with the rights of now, not of then."""

from uuid import UUID

from frontdesk.core.db import Tx
from frontdesk.core.ids import ApiKeyId, UserId
from frontdesk.organizations.keys import find_key_caller
from frontdesk.organizations.model import Caller, CallerKind, system_caller
from frontdesk.organizations.queries.members import find_member


async def find_caller(tx: Tx, kind: str, actor_id: UUID) -> Caller | None:
    """Return the member, key or command that asked; None when the member left, or the key is revoked or expired."""
    if kind == CallerKind.SYSTEM:
        return system_caller(tx.organization_id)
    if kind == CallerKind.API_KEY:
        return await find_key_caller(tx, ApiKeyId(actor_id))
    member = await find_member(tx, UserId(actor_id))
    if member is None:
        return None
    grants = tuple(role.grant for role in member.roles)
    return Caller(CallerKind.MEMBER, member.user_id, member.name, tx.organization_id, grants)
