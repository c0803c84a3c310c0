"""Roles that an organization makes beside the built-in ones."""

from dataclasses import replace
from typing import Any

from psycopg.errors import UniqueViolation

from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest
from frontdesk.core.ids import RoleId, UserId
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.access import access_role, require_holding, require_holding_documents
from frontdesk.organizations.errors import RoleInUse, RoleNameTaken
from frontdesk.organizations.model import BUILT_IN_ROLES, Caller, Right
from frontdesk.organizations.queries import organizations
from frontdesk.organizations.queries import roles as queries
from frontdesk.organizations.records import Role, RoleDraft, parse_name


async def list_roles(tx: Tx, caller: Caller) -> list[Role]:
    """Return all roles, the built-in ones first. Needs one of the rights to edit roles or members."""
    if not (caller.may(Right.ROLES_EDIT) or caller.may(Right.MEMBERS_EDIT)):
        raise Forbidden(facts={"right": Right.ROLES_EDIT.value})
    return await queries.list_roles(tx)


async def list_query_metadata_of(tx: Tx, user_id: UserId) -> list[dict[str, Any]]:
    """Return the query metadata of a member's roles: their union is what the member reads in "try it"."""
    stored = [role.query_metadata for role in await queries.list_roles_of(tx, user_id)]
    return [dict(query_metadata) for query_metadata in stored if query_metadata is not None]


async def create_role(tx: Tx, caller: Caller, draft: RoleDraft) -> RoleId:
    """Make a role. Raises InvalidRequest, RoleNameTaken, and GrantNotHeld when it gives more than the caller holds."""
    caller.require(Right.ROLES_EDIT)
    draft = _checked(draft)
    require_holding(caller, [draft.grant])
    if draft.query_metadata is not None:
        require_holding_documents(caller)
    role_id = await queries.insert_role(tx, draft)
    if role_id is None:
        raise RoleNameTaken
    await audit.record(tx, caller, "role.created", "role", role_id, payload=_describe(draft))
    return role_id


async def update_role(tx: Tx, caller: Caller, role_id: RoleId, draft: RoleDraft) -> None:
    """Replace a role; whoever holds it has the new rights at their next request.

    Raises NotFound, InvalidRequest, RoleIsBuiltIn, RoleNameTaken, and GrantNotHeld when the caller does not hold what
    the role gives before or after.
    """
    before = await access_role(tx, caller, role_id)
    draft = _checked(draft)
    require_holding(caller, [draft.grant])
    if draft.query_metadata != before.query_metadata:
        require_holding_documents(caller)
        await organizations.raise_scope_version(tx)
    try:
        async with tx.savepoint():
            await queries.update_role(tx, role_id, draft)
    except UniqueViolation as error:
        raise RoleNameTaken from error
    payload = {"before": _describe(before), "after": _describe(draft)}
    await audit.record(tx, caller, "role.updated", "role", role_id, payload=payload)


async def delete_role(tx: Tx, caller: Caller, role_id: RoleId) -> None:
    """Delete a role that nobody holds. Raises NotFound, RoleIsBuiltIn, RoleInUse and GrantNotHeld."""
    role = await access_role(tx, caller, role_id)
    if await queries.is_role_used(tx, role_id, now=utc_now()):
        raise RoleInUse
    await queries.delete_role(tx, role_id)
    await audit.record(tx, caller, "role.deleted", "role", role_id, payload=_describe(role))


def _checked(draft: RoleDraft) -> RoleDraft:
    name = parse_name(draft.name)
    if name.lower() in BUILT_IN_ROLES:
        raise RoleNameTaken
    if Right.ACT_AS in draft.rights:
        raise InvalidRequest("Only API keys can act as a contact.", pointer="/rights")
    return replace(draft, name=name)


def _describe(draft: RoleDraft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "rights": sorted(draft.rights),
        "inboxIds": None if draft.inbox_ids is None else sorted(map(str, draft.inbox_ids)),
        "queryMetadata": draft.query_metadata,
    }
