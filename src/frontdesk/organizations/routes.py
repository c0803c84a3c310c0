"""REST: the organization, its members and roles, the caller, API keys, the audit log."""

from collections.abc import Sequence
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ApiKeyId, InboxId
from frontdesk.core.wire import Paging, WireModel, page_of, paging, reply
from frontdesk.organizations import audit, bodies, keys, members, roles
from frontdesk.organizations.callers import Ctx, any_caller, needs
from frontdesk.organizations.model import Right
from frontdesk.organizations.queries.organizations import get_organization

router = APIRouter(tags=["organizations"])

Page = Annotated[Paging, Depends(paging)]
T = TypeVar("T", bound=WireModel)


@router.get("/organizations", response_model=bodies.OrganizationPage)
async def list_organizations(request: Request, page: Page, ctx: Annotated[Ctx, any_caller()]) -> Response:
    """List the organizations that the key opens: its own."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        organization = await get_organization(tx)
    return _reply_part(request, page, [bodies.OrganizationBody.of(organization)])


@router.get("/organizations/{organization_id}/members", response_model=bodies.MemberPage)
async def list_members(
    request: Request, organization_id: UUID, page: Page, ctx: Annotated[Ctx, needs(Right.MEMBERS_EDIT)]
) -> Response:
    """List the members with their groups. Problems: `not-found`."""
    _require_own(ctx, organization_id)
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await members.list_members(tx, ctx.caller)
    return _reply_part(request, page, [bodies.MemberBody.of(member) for member in found])


@router.get("/organizations/{organization_id}/groups", response_model=bodies.RolePage)
async def list_groups(
    request: Request, organization_id: UUID, page: Page, ctx: Annotated[Ctx, needs(Right.ROLES_EDIT)]
) -> Response:
    """List the roles, which the API calls groups. Problems: `not-found`."""
    _require_own(ctx, organization_id)
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await roles.list_roles(tx, ctx.caller)
    return _reply_part(request, page, [bodies.RoleBody.of(role) for role in found])


@router.get("/users/current", response_model=bodies.CallerBody)
async def read_current_user(request: Request, ctx: Annotated[Ctx, any_caller()]) -> Response:
    """Tell who calls, and with which rights."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        organization = await get_organization(tx)
    return reply(request, bodies.CallerBody.of(ctx.caller, organization))


@router.get("/permissions", response_model=bodies.PermissionPage)
async def list_permissions(request: Request, page: Page, ctx: Annotated[Ctx, any_caller()]) -> Response:
    """List all rights that exist, and where the caller holds them."""
    return _reply_part(request, page, [bodies.PermissionBody.of(right, ctx.caller) for right in Right])


@router.get("/api-keys", response_model=bodies.ApiKeyPage)
async def list_api_keys(request: Request, page: Page, ctx: Annotated[Ctx, needs(Right.KEYS_EDIT)]) -> Response:
    """List the keys that are not revoked, the newest first."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await keys.list_api_keys(tx, ctx.caller)
    return _reply_part(request, page, [bodies.ApiKeyBody.of(key) for key in found])


@router.post("/api-keys", response_model=bodies.NewApiKeyBody, status_code=201)
async def create_api_key(
    request: Request, body: bodies.CreateApiKeyBody, ctx: Annotated[Ctx, needs(Right.KEYS_EDIT)]
) -> Response:
    """Make a key; its secret is in this answer only. Problems: `invalid-request`, `grant-not-held`."""
    inbox_ids = None if body.inbox_ids is None else map(InboxId, body.inbox_ids)
    async with ctx.db.begin(ctx.organization_id) as tx:
        key, secret = await keys.create_api_key(
            tx, ctx.caller, name=body.name, rights=body.rights, inbox_ids=inbox_ids, expires_at=body.expires_at
        )
    return reply(request, bodies.NewApiKeyBody.of(key, secret=secret), status=201)


@router.delete("/api-keys/{key_id}", status_code=204)
async def revoke_api_key(key_id: ApiKeyId, ctx: Annotated[Ctx, needs(Right.KEYS_EDIT)]) -> None:
    """Make a key useless at once. Problems: `not-found`, `grant-not-held`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await keys.revoke_api_key(tx, ctx.caller, key_id)


@router.get("/audit", response_model=bodies.AuditPage)
async def list_audit(request: Request, page: Page, ctx: Annotated[Ctx, needs(Right.AUDIT_VIEW)]) -> Response:
    """List who did what, the newest first."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await audit.list_audit(tx, ctx.caller, limit=page.limit, offset=page.offset)
    rows = [bodies.AuditEntryBody.of(entry) for entry in found.entries]
    return reply(request, page_of(request, page, found.count, rows))


def _require_own(ctx: Ctx, organization_id: UUID) -> None:
    if organization_id != ctx.organization_id:
        raise NotFound


def _reply_part(request: Request, page: Paging, rows: Sequence[T]) -> Response:
    part = rows[page.offset : page.offset + page.limit]
    return reply(request, page_of(request, page, len(rows), part))
