"""`access-profiles/`: named query metadata."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from frontdesk.access import actions, queries
from frontdesk.access.bodies import (
    AssuranceName,
    QueryMetadataField,
    WarningBody,
    render_assurance,
    render_warnings,
)
from frontdesk.access.model import Assurance
from frontdesk.access.profiles import AccessProfile, ProfileChanges
from frontdesk.access.warnings import AccessWarning
from frontdesk.core.ids import ProfileId
from frontdesk.core.wire import PageOf, Paging, Time, WireModel, page_of, paging, reply
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["access profiles"])


class ProfileBody(WireModel):
    """An access profile; `warnings` are those of the write that is answered."""

    id: UUID
    name: str
    query_metadata: QueryMetadataField
    minimum_assurance: AssuranceName
    version: int
    created_at: Time
    updated_at: Time
    warnings: Sequence[WarningBody] = ()


class ProfilePage(PageOf):
    """One page of access profiles."""

    results: Sequence[ProfileBody]


class ChangeProfileBody(WireModel):
    """What to change; absent keys stay as they are."""

    name: str = ""
    query_metadata: QueryMetadataField = None
    minimum_assurance: AssuranceName = "channel"

    def to_changes(self) -> ProfileChanges:
        """Return only what was sent."""
        changes = ProfileChanges()
        if "name" in self.model_fields_set:
            changes["name"] = self.name
        if "query_metadata" in self.model_fields_set:
            changes["query_metadata"] = self.query_metadata
        if "minimum_assurance" in self.model_fields_set:
            changes["minimum_assurance"] = Assurance[self.minimum_assurance.upper()]
        return changes


class CreateProfileBody(ChangeProfileBody):
    """A new access profile."""

    name: str


@router.get("/access-profiles", response_model=ProfilePage)
async def list_profiles(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.PROFILES_VIEW)],
    paging: Annotated[Paging, Depends(paging)],
) -> Response:
    """List access profiles by name."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        profiles, count = await queries.list_profiles(tx, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [_render(profile) for profile in profiles]))


@router.post("/access-profiles", response_model=ProfileBody, status_code=201)
async def create_profile(
    request: Request, body: CreateProfileBody, ctx: Annotated[Ctx, needs(Right.PROFILES_EDIT)]
) -> Response:
    """Make an access profile. Problems: `invalid-query-metadata`, `profile-name-taken`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        profile, warnings = await actions.create_profile(tx, ctx.caller, body.to_changes())
    return reply(request, _render(profile, warnings), status=201)


@router.get("/access-profiles/{profile_id}", response_model=ProfileBody)
async def get_profile(request: Request, profile_id: UUID, ctx: Annotated[Ctx, needs(Right.PROFILES_VIEW)]) -> Response:
    """Return one access profile. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        profile = await queries.get_profile(tx, ProfileId(profile_id))
    return reply(request, _render(profile))


@router.put("/access-profiles/{profile_id}", response_model=ProfileBody)
@router.patch("/access-profiles/{profile_id}", response_model=ProfileBody)
async def update_profile(
    request: Request, profile_id: UUID, body: ChangeProfileBody, ctx: Annotated[Ctx, needs(Right.PROFILES_EDIT)]
) -> Response:
    """Change what is sent. Problems: `not-found`, `invalid-query-metadata`, `profile-name-taken`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        profile, warnings = await actions.update_profile(tx, ctx.caller, ProfileId(profile_id), body.to_changes())
    return reply(request, _render(profile, warnings))


@router.delete("/access-profiles/{profile_id}", status_code=204)
async def delete_profile(profile_id: UUID, ctx: Annotated[Ctx, needs(Right.PROFILES_EDIT)]) -> None:
    """Take the profile from all contacts and delete it. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await actions.delete_profile(tx, ctx.caller, ProfileId(profile_id))


def _render(profile: AccessProfile, warnings: Sequence[AccessWarning] = ()) -> ProfileBody:
    return ProfileBody(
        id=profile.id,
        name=profile.name,
        query_metadata=profile.query_metadata,
        minimum_assurance=render_assurance(profile.minimum_assurance),
        version=profile.version,
        created_at=profile.created_at,
        updated_at=profile.updated_at,
        warnings=render_warnings(warnings),
    )
