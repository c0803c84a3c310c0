"""`knowledge-bases/{id}/faqs/`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.knowledge import document_actions, document_queries, writing
from frontdesk.knowledge.access import access_base, access_document
from frontdesk.knowledge.document_bodies import ChangeFaqBody, FaqBody, FaqPage, IdsBody, MetadataBody, NewFaqBody
from frontdesk.knowledge.model import DocumentFilter
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["knowledge"])

PageAsked = Annotated[Paging, Depends(paging)]
Viewer = Annotated[Ctx, needs(Right.KNOWLEDGE_VIEW)]
Editor = Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT)]

_FAQS = "/knowledge-bases/{base_id}/faqs"


@router.get(_FAQS, response_model=FaqPage)
async def list_faqs(
    request: Request,
    base_id: UUID,
    ctx: Viewer,
    paging: PageAsked,
    query: Annotated[str | None, Query(description="A part of the question, in any case.")] = None,
    label: Annotated[UUID | None, Query()] = None,
) -> Response:
    """List FAQs, the newest first. Problems: `not-found`."""
    base, wanted = KnowledgeBaseId(base_id), DocumentFilter("faq", query, LabelId(label) if label else None)
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_base(tx, ctx.caller, base)
        faqs, count = await document_queries.list_documents(tx, base, wanted, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [FaqBody.of(faq) for faq in faqs]))


@router.post(_FAQS, response_model=FaqBody, status_code=201)
async def create_faq(request: Request, base_id: UUID, body: NewFaqBody, ctx: Editor) -> Response:
    """Make a FAQ, which is found at once. Unknown labels are ignored, with a warning. Problems: `not-found`."""
    faq, warnings = await writing.create_faq(
        ctx.services, ctx.caller, KnowledgeBaseId(base_id), body.to_text(), body.labels
    )
    return reply(request, FaqBody.of(faq, warnings), status=201)


@router.post(f"{_FAQS}/batch-delete", status_code=204)
async def delete_faqs(base_id: UUID, body: IdsBody, ctx: Editor) -> None:
    """Delete these FAQs; an empty list deletes nothing unless `all` is true. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await document_actions.delete_documents(tx, ctx.caller, KnowledgeBaseId(base_id), "faq", body.to_ids())


@router.get(f"{_FAQS}/{{faq_id}}", response_model=FaqBody)
async def get_faq(request: Request, base_id: UUID, faq_id: UUID, ctx: Viewer) -> Response:
    """Return one FAQ. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        faq = await access_document(tx, ctx.caller, KnowledgeBaseId(base_id), DocumentId(faq_id), "faq")
    return reply(request, FaqBody.of(faq))


@router.put(f"{_FAQS}/{{faq_id}}", response_model=FaqBody)
@router.patch(f"{_FAQS}/{{faq_id}}", response_model=FaqBody)
async def update_faq(request: Request, base_id: UUID, faq_id: UUID, body: ChangeFaqBody, ctx: Editor) -> Response:
    """Change what is sent. Unknown labels are ignored, with a warning. Problems: `not-found`."""
    faq, warnings = await writing.update_faq(
        ctx.services, ctx.caller, KnowledgeBaseId(base_id), DocumentId(faq_id), body.to_changes()
    )
    return reply(request, FaqBody.of(faq, warnings))


@router.delete(f"{_FAQS}/{{faq_id}}", status_code=204)
async def delete_faq(base_id: UUID, faq_id: UUID, ctx: Editor) -> None:
    """Delete one FAQ. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await document_actions.delete_document(tx, ctx.caller, KnowledgeBaseId(base_id), DocumentId(faq_id), "faq")


@router.patch(f"{_FAQS}/{{faq_id}}/update-metadata", response_model=FaqBody)
@router.post(f"{_FAQS}/{{faq_id}}/update-metadata", response_model=FaqBody)
async def update_faq_metadata(
    request: Request, base_id: UUID, faq_id: UUID, body: MetadataBody, ctx: Editor
) -> Response:
    """Replace labels, metadata, or both. Unknown labels are ignored, with a warning. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        faq, warnings = await document_actions.update_document(
            tx,
            ctx.caller,
            KnowledgeBaseId(base_id),
            DocumentId(faq_id),
            "faq",
            labels=body.labels,
            metadata=body.raw_user_define_metadata,
        )
    return reply(request, FaqBody.of(faq, warnings))
