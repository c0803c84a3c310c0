"""What a caller may manage: nobody gives away, or takes from somebody, what they do not hold themselves."""

from collections.abc import Iterable

from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import ApiKeyId, RoleId, UserId
from frontdesk.organizations.errors import GrantNotHeld, RoleIsBuiltIn
from frontdesk.organizations.model import Caller, Grant, Right
from frontdesk.organizations.queries import keys, members, roles
from frontdesk.organizations.records import ApiKey, Member, Role, RoleDraft


def require_holding(caller: Caller, grants: Iterable[Grant]) -> None:
    """Raise GrantNotHeld unless the caller holds every right of `grants` in all of its inboxes."""
    beyond = sorted({right.value for grant in grants for right in caller.rights_beyond(grant)})
    if beyond:
        raise GrantNotHeld(facts={"rights": beyond})


def require_holding_roles(caller: Caller, held: Iterable[RoleDraft]) -> None:
    """Raise GrantNotHeld unless the caller holds all that these roles give: rights, inboxes and documents."""
    held = list(held)
    require_holding(caller, [role.grant for role in held])
    if any(role.query_metadata is not None for role in held):
        require_holding_documents(caller)


def require_holding_documents(caller: Caller) -> None:
    """Raise GrantNotHeld unless the caller sees every document, and so may open any of them to a role."""
    require_holding(caller, [Grant(frozenset({Right.KNOWLEDGE_VIEW}))])


async def access_member(tx: Tx, caller: Caller, user_id: UserId) -> Member:
    """Return a member whom the caller may manage. Raises NotFound, and GrantNotHeld for a stronger member."""
    caller.require(Right.MEMBERS_EDIT)
    member = await members.find_member(tx, user_id)
    if member is None:
        raise NotFound
    require_holding_roles(caller, member.roles)
    return member


async def access_roles(tx: Tx, caller: Caller, role_ids: Iterable[RoleId]) -> list[Role]:
    """Return the roles that the caller is about to give to somebody.

    Raises InvalidRequest when there are none or one does not exist, and GrantNotHeld for a stronger one.
    """
    wanted = set(role_ids)
    found = await roles.find_roles(tx, wanted)
    if not wanted or len(found) < len(wanted):
        raise InvalidRequest("Choose at least one role of this organization.", pointer="/roles")
    require_holding_roles(caller, found)
    return found


async def access_role(tx: Tx, caller: Caller, role_id: RoleId) -> Role:
    """Return a role that the caller may change, locked. Raises NotFound, RoleIsBuiltIn, and GrantNotHeld."""
    caller.require(Right.ROLES_EDIT)
    role = await roles.lock_role(tx, role_id)
    if role is None:
        raise NotFound
    if role.is_built_in:
        raise RoleIsBuiltIn
    require_holding(caller, [role.grant])
    return role


async def access_api_key(tx: Tx, caller: Caller, key_id: ApiKeyId) -> ApiKey:
    """Return a key that the caller may manage. Raises NotFound, and GrantNotHeld for a stronger key."""
    caller.require(Right.KEYS_EDIT)
    key = await keys.find_api_key(tx, key_id)
    if key is None:
        raise NotFound
    require_holding(caller, [key.grant])
    return key
