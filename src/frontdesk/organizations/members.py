"""Members: who works here, with which roles, and how one leaves."""

from collections.abc import Iterable

from frontdesk.core.db import Tx
from frontdesk.core.ids import RoleId, UserId
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.access import access_member, access_roles
from frontdesk.organizations.errors import LastOwner
from frontdesk.organizations.model import Caller, Right
from frontdesk.organizations.queries import invitations, organizations, sessions
from frontdesk.organizations.queries import members as queries
from frontdesk.organizations.records import Member


async def list_members(tx: Tx, caller: Caller) -> list[Member]:
    """Return all members with their roles, by name."""
    caller.require(Right.MEMBERS_EDIT)
    return await queries.list_members(tx)


async def change_member_roles(tx: Tx, caller: Caller, user_id: UserId, role_ids: Iterable[RoleId]) -> None:
    """Give a member exactly these roles; they count from the member's next request.

    Raises NotFound, InvalidRequest, LastOwner, and GrantNotHeld when the caller does not hold all that the member has
    before and after.
    """
    await organizations.lock_organization(tx)
    member = await access_member(tx, caller, user_id)
    roles = await access_roles(tx, caller, role_ids)
    if not any(role.is_owner for role in roles):
        await _require_another_owner(tx, member)
    await queries.replace_member_roles(tx, user_id, [role.id for role in roles])
    await organizations.raise_scope_version(tx)
    payload = {"before": sorted(role.name for role in member.roles), "after": sorted(role.name for role in roles)}
    await audit.record(tx, caller, "member.roles_changed", "member", user_id, payload=payload)


async def remove_member(tx: Tx, caller: Caller, user_id: UserId) -> None:
    """End a membership, its sessions here and the invitations that the member sent. API keys stay.

    Raises NotFound, LastOwner, and GrantNotHeld for a member who holds more than the caller.
    """
    await organizations.lock_organization(tx)
    member = await access_member(tx, caller, user_id)
    await _require_another_owner(tx, member)
    now = utc_now()
    await queries.delete_membership(tx, user_id)
    await sessions.revoke_sessions_here(tx, user_id, now)
    await invitations.revoke_invitations_by(tx, user_id, now)
    await audit.record(tx, caller, "member.removed", "member", user_id, payload={"email": member.email})


async def _require_another_owner(tx: Tx, member: Member) -> None:
    if member.is_owner and not await queries.has_other_owner(tx, member.user_id):
        raise LastOwner
