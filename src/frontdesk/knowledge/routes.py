"""`knowledge-bases/`: the bases, search in one, and their labels. What names assistants stands above this domain."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from frontdesk.access.model import All, KnowledgeBase, Layer, all_of
from frontdesk.access.parse import parse_query_metadata
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.knowledge import actions, faq_routes, file_routes, queries, upload_routes, version_routes
from frontdesk.knowledge.access import access_base, access_label
from frontdesk.knowledge.bodies import (
    HitBody,
    KnowledgeBaseBody,
    KnowledgeBasePage,
    LabelBody,
    LabelNameBody,
    LabelPage,
    SearchBody,
    SearchQuery,
)
from frontdesk.knowledge.search import Hit, prepare_question, search
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right
from frontdesk.organizations.queries.organizations import find_organization

router = APIRouter(tags=["knowledge"])
router.include_router(file_routes.router)
router.include_router(faq_routes.router)
router.include_router(upload_routes.router)
router.include_router(version_routes.router)

PageAsked = Annotated[Paging, Depends(paging)]
Viewer = Annotated[Ctx, needs(Right.KNOWLEDGE_VIEW)]
Editor = Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT)]


@router.get("/knowledge-bases", response_model=KnowledgeBasePage)
async def list_knowledge_bases(request: Request, ctx: Viewer, paging: PageAsked) -> Response:
    """List knowledge bases by name."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        bases, count = await queries.list_bases(tx, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [KnowledgeBaseBody.of(base) for base in bases]))


@router.get("/knowledge-bases/{base_id}", response_model=KnowledgeBaseBody)
async def get_knowledge_base(request: Request, base_id: UUID, ctx: Viewer) -> Response:
    """Return one knowledge base. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        base = await access_base(tx, ctx.caller, KnowledgeBaseId(base_id))
    return reply(request, KnowledgeBaseBody.of(base))


@router.delete("/knowledge-bases/{base_id}", status_code=204)
async def delete_knowledge_base(base_id: UUID, ctx: Editor) -> None:
    """Delete a knowledge base with all that is in it. Problems: `not-found`, `document-busy`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await actions.delete_knowledge_base(tx, ctx.caller, KnowledgeBaseId(base_id))


@router.get("/knowledge-bases/{base_id}/search", response_model=list[HitBody])
async def search_by_query(
    request: Request, base_id: UUID, asked: Annotated[SearchQuery, Query()], ctx: Viewer
) -> Response:
    """Find passages. Problems: `not-found`, `invalid-query-metadata`."""
    return reply(request, [HitBody.of(hit) for hit in await _search(ctx, KnowledgeBaseId(base_id), asked)])


@router.post("/knowledge-bases/{base_id}/search", response_model=list[HitBody])
async def search_by_body(
    request: Request,
    base_id: UUID,
    body: SearchBody,
    ctx: Annotated[Ctx, needs(Right.KNOWLEDGE_VIEW, keeps_answer=False)],
) -> Response:
    """Find passages. Problems: `not-found`, `invalid-query-metadata`."""
    return reply(request, [HitBody.of(hit) for hit in await _search(ctx, KnowledgeBaseId(base_id), body)])


async def _search(ctx: Ctx, base_id: KnowledgeBaseId, asked: SearchBody) -> Sequence[Hit]:
    question = await prepare_question(ctx.services.embedder, asked.query)
    async with ctx.db.begin(ctx.organization_id) as tx:
        base = await access_base(tx, ctx.caller, base_id)
        organization = await find_organization(tx)
        narrowing = parse_query_metadata(
            asked.query_metadata,
            layer=Layer.MESSAGE,
            vendor_faq_reading=organization is not None and organization.vendor_faq_reading,
        ).scope
        scope = all_of(KnowledgeBase(base_id), All() if narrowing is None else narrowing)
        result = await search(tx, scope, question, limit=asked.top_k or base.settings.number_of_retrieved_chunks)
    return [hit for hit in result.hits if hit.score >= base.settings.similarity_cutoff]


# --- labels ---


@router.get("/knowledge-bases/{base_id}/labels", response_model=LabelPage)
async def list_labels(request: Request, base_id: UUID, ctx: Viewer, paging: PageAsked) -> Response:
    """List the labels of a knowledge base by name. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_base(tx, ctx.caller, KnowledgeBaseId(base_id))
        labels, count = await queries.list_labels(
            tx, KnowledgeBaseId(base_id), limit=paging.limit, offset=paging.offset
        )
    return reply(request, page_of(request, paging, count, [LabelBody.of(label) for label in labels]))


@router.post("/knowledge-bases/{base_id}/labels", response_model=LabelBody, status_code=201)
async def create_label(request: Request, base_id: UUID, body: LabelNameBody, ctx: Editor) -> Response:
    """Make a label. Problems: `not-found`, `label-name-taken`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        label = await actions.create_label(tx, ctx.caller, KnowledgeBaseId(base_id), body.name)
    return reply(request, LabelBody.of(label), status=201)


@router.get("/knowledge-bases/{base_id}/labels/{label_id}", response_model=LabelBody)
async def get_label(request: Request, base_id: UUID, label_id: UUID, ctx: Viewer) -> Response:
    """Return one label. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        label = await access_label(tx, ctx.caller, KnowledgeBaseId(base_id), LabelId(label_id))
    return reply(request, LabelBody.of(label))


@router.put("/knowledge-bases/{base_id}/labels/{label_id}", response_model=LabelBody)
@router.patch("/knowledge-bases/{base_id}/labels/{label_id}", response_model=LabelBody)
async def rename_label(request: Request, base_id: UUID, label_id: UUID, body: LabelNameBody, ctx: Editor) -> Response:
    """Give a label another name. Problems: `not-found`, `label-name-taken`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        label = await actions.rename_label(tx, ctx.caller, KnowledgeBaseId(base_id), LabelId(label_id), body.name)
    return reply(request, LabelBody.of(label))


@router.delete("/knowledge-bases/{base_id}/labels/{label_id}", status_code=204)
async def delete_label(base_id: UUID, label_id: UUID, ctx: Editor) -> None:
    """Take a label from all documents and delete it. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await actions.delete_label(tx, ctx.caller, KnowledgeBaseId(base_id), LabelId(label_id))
