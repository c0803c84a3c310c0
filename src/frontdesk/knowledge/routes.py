"""`knowledge-bases/`: the bases and their labels. What names assistants, and search, stand above this domain."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.knowledge import actions, batch_routes, faq_routes, file_routes, queries, upload_routes, version_routes
from frontdesk.knowledge.access import access_base, access_label
from frontdesk.knowledge.bodies import (
    KnowledgeBaseBody,
    KnowledgeBasePage,
    LabelBody,
    LabelNameBody,
    LabelPage,
)
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["knowledge"])
router.include_router(file_routes.router)
router.include_router(faq_routes.router)
router.include_router(batch_routes.router)
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
