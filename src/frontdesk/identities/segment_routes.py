"""`segments/`: saved filters of the list of contacts."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from frontdesk.contacts.filters import parse_filter
from frontdesk.core.ids import SegmentId
from frontdesk.core.wire import PageOf, Paging, Time, WireModel, page_of, paging, reply
from frontdesk.identities import segments
from frontdesk.identities.listing import Order
from frontdesk.identities.segments import Segment, SegmentChanges
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["segments"])

View = Annotated[Ctx, needs(Right.CONTACTS_VIEW)]


class SegmentBody(WireModel):
    """A segment. `owner` is the member who made it, null: an API key."""

    id: UUID
    name: str
    filter: dict[str, Any]
    sort: Order
    columns: Sequence[str] | None
    owner: UUID | None
    is_shared: bool
    version: int
    created_at: Time
    updated_at: Time


class SegmentPage(PageOf):
    """One page of segments."""

    results: Sequence[SegmentBody]


class WriteSegmentBody(WireModel):
    """What to change; absent keys stay as they are."""

    name: str = ""
    filter: dict[str, Any] = Field(default_factory=dict)
    sort: Order = Order.LAST_SEEN
    columns: Sequence[str] | None = None
    is_shared: bool = False

    def to_changes(self) -> SegmentChanges:
        """Return only what was sent. Raises InvalidRequest."""
        changes = SegmentChanges()
        if "name" in self.model_fields_set:
            changes["name"] = self.name
        if "filter" in self.model_fields_set:
            changes["filter"] = parse_filter(self.filter)
        if "sort" in self.model_fields_set:
            changes["order"] = self.sort
        if "columns" in self.model_fields_set:
            changes["columns"] = self.columns
        if "is_shared" in self.model_fields_set:
            changes["is_shared"] = self.is_shared
        return changes


class CreateSegmentBody(WriteSegmentBody):
    """A new segment."""

    name: str
    filter: dict[str, Any]


@router.get("/segments", response_model=SegmentPage)
async def list_segments(request: Request, ctx: View, paging: Annotated[Paging, Depends(paging)]) -> Response:
    """List the shared segments and the caller's own, by name."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await segments.list_segments(tx, ctx.caller)
    part = found[paging.offset : paging.offset + paging.limit]
    return reply(request, page_of(request, paging, len(found), [_render(segment) for segment in part]))


@router.post("/segments", response_model=SegmentBody, status_code=201)
async def create_segment(request: Request, ctx: View, body: CreateSegmentBody) -> Response:
    """Save a segment; the one of a key is shared. Problems: `invalid-request`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        segment = await segments.create_segment(tx, ctx.caller, body.to_changes())
    return reply(request, _render(segment), status=201)


@router.get("/segments/{segment_id}", response_model=SegmentBody)
async def get_segment(request: Request, ctx: View, segment_id: UUID) -> Response:
    """Return a segment. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        segment = await segments.access_segment(tx, ctx.caller, SegmentId(segment_id))
    return reply(request, _render(segment))


@router.put("/segments/{segment_id}", response_model=SegmentBody)
@router.patch("/segments/{segment_id}", response_model=SegmentBody)
async def update_segment(request: Request, ctx: View, segment_id: UUID, body: WriteSegmentBody) -> Response:
    """Change what is sent. Problems: `not-found`, `invalid-request`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        segment = await segments.update_segment(tx, ctx.caller, SegmentId(segment_id), body.to_changes())
    return reply(request, _render(segment))


@router.delete("/segments/{segment_id}", status_code=204)
async def delete_segment(ctx: View, segment_id: UUID) -> None:
    """Forget a segment; contacts stay as they are. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await segments.delete_segment(tx, ctx.caller, SegmentId(segment_id))


def _render(segment: Segment) -> SegmentBody:
    return SegmentBody(
        id=segment.id,
        name=segment.name,
        filter=segment.filter.to_json(),
        sort=segment.order,
        columns=segment.columns,
        owner=segment.owner_id,
        is_shared=segment.is_shared,
        version=segment.version,
        created_at=segment.created_at,
        updated_at=segment.updated_at,
    )
