"""The older paths of knowledge, below the assistant that it is for: the same actions, in the assistant's own bases.

What is made by them goes into the oldest of its knowledge bases.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from frontdesk.assistants.queries import list_bases_of
from frontdesk.channels.access import access_assistant
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import AssistantId, DocumentId, KnowledgeBaseId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.knowledge import document_actions, writing
from frontdesk.knowledge.document_bodies import (
    ChangeFaqBody,
    FaqBody,
    FaqPage,
    FileBody,
    FilePage,
    NewFaqBody,
    NewFilesBody,
)
from frontdesk.knowledge.document_queries import find_document, list_documents
from frontdesk.knowledge.model import Document, DocumentFilter
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Caller, Right

router = APIRouter(tags=["older paths"])

PageAsked = Annotated[Paging, Depends(paging)]
Viewer = Annotated[Ctx, needs(Right.KNOWLEDGE_VIEW)]
Editor = Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT)]

_FILES = "/chatbots/{assistant_id}/files"
_FAQS = "/chatbots/{assistant_id}/faqs"


class NewChatbotFaqBody(NewFaqBody):
    """A new FAQ of an assistant."""

    chatbot: UUID


@router.get(_FILES, response_model=FilePage)
async def list_assistant_files(request: Request, assistant_id: UUID, ctx: Viewer, paging: PageAsked) -> Response:
    """List the files of an assistant's knowledge bases. Problems: `not-found`."""
    files, count = await _list(ctx, AssistantId(assistant_id), DocumentFilter("file"), paging)
    return reply(request, page_of(request, paging, count, [FileBody.of(file) for file in files]))


@router.post(_FILES, response_model=list[FileBody], status_code=201)
async def add_assistant_files(request: Request, assistant_id: UUID, body: NewFilesBody, ctx: Editor) -> Response:
    """Turn uploads into files. Problems: `not-found`, `invalid-request`, `upload-spent`, `unsupported-file`."""
    new = [file.to_new_file() for file in body.files]
    async with ctx.db.begin(ctx.organization_id) as tx:
        base = await _choose_base(tx, ctx.caller, AssistantId(assistant_id))
        added = await document_actions.add_files(tx, ctx.caller, base, new)
    return reply(request, [FileBody.of(document, warnings) for document, warnings in added], status=201)


@router.get(f"{_FILES}/{{file_id}}", response_model=FileBody)
async def get_assistant_file(request: Request, assistant_id: UUID, file_id: UUID, ctx: Viewer) -> Response:
    """Return one file. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        file = await _find(tx, ctx.caller, AssistantId(assistant_id), DocumentFilter("file"), file_id)
    return reply(request, FileBody.of(file))


@router.delete(f"{_FILES}/{{file_id}}", status_code=204)
async def delete_assistant_file(assistant_id: UUID, file_id: UUID, ctx: Editor) -> None:
    """Delete one file. Problems: `not-found`, `document-busy`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        file = await _find(tx, ctx.caller, AssistantId(assistant_id), DocumentFilter("file"), file_id)
        await document_actions.delete_document(tx, ctx.caller, file.knowledge_base_id, file.id, "file")


@router.get(_FAQS, response_model=FaqPage)
async def list_assistant_faqs(request: Request, assistant_id: UUID, ctx: Viewer, paging: PageAsked) -> Response:
    """List the FAQs of an assistant's knowledge bases. Problems: `not-found`."""
    return await _list_faqs(request, ctx, AssistantId(assistant_id), paging)


@router.get("/faqs", response_model=FaqPage)
async def list_faqs_of(request: Request, ctx: Viewer, paging: PageAsked, chatbot: Annotated[UUID, Query()]) -> Response:
    """List the FAQs of an assistant's knowledge bases. Problems: `not-found`."""
    return await _list_faqs(request, ctx, AssistantId(chatbot), paging)


@router.post(_FAQS, response_model=FaqBody, status_code=201)
async def create_assistant_faq(request: Request, assistant_id: UUID, body: NewFaqBody, ctx: Editor) -> Response:
    """Make a FAQ, which is found at once. Problems: `not-found`, `invalid-request`."""
    return await _create_faq(request, ctx, AssistantId(assistant_id), body)


@router.post("/faqs", response_model=FaqBody, status_code=201)
async def create_faq_of(request: Request, body: NewChatbotFaqBody, ctx: Editor) -> Response:
    """Make a FAQ, which is found at once. Problems: `not-found`, `invalid-request`."""
    return await _create_faq(request, ctx, AssistantId(body.chatbot), body)


@router.get(f"{_FAQS}/{{faq_id}}", response_model=FaqBody)
async def get_assistant_faq(request: Request, assistant_id: UUID, faq_id: UUID, ctx: Viewer) -> Response:
    """Return one FAQ. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        faq = await _find(tx, ctx.caller, AssistantId(assistant_id), DocumentFilter("faq"), faq_id)
    return reply(request, FaqBody.of(faq))


@router.put(f"{_FAQS}/{{faq_id}}", response_model=FaqBody)
@router.patch(f"{_FAQS}/{{faq_id}}", response_model=FaqBody)
async def update_assistant_faq(
    request: Request, assistant_id: UUID, faq_id: UUID, body: ChangeFaqBody, ctx: Editor
) -> Response:
    """Change what is sent. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        old = await _find(tx, ctx.caller, AssistantId(assistant_id), DocumentFilter("faq"), faq_id)
    faq, warnings = await writing.update_faq(ctx.services, ctx.caller, old.knowledge_base_id, old.id, body.to_changes())
    return reply(request, FaqBody.of(faq, warnings))


@router.delete(f"{_FAQS}/{{faq_id}}", status_code=204)
async def delete_assistant_faq(assistant_id: UUID, faq_id: UUID, ctx: Editor) -> None:
    """Delete one FAQ. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        faq = await _find(tx, ctx.caller, AssistantId(assistant_id), DocumentFilter("faq"), faq_id)
        await document_actions.delete_document(tx, ctx.caller, faq.knowledge_base_id, faq.id, "faq")


async def _list_faqs(request: Request, ctx: Ctx, assistant_id: AssistantId, paging: Paging) -> Response:
    faqs, count = await _list(ctx, assistant_id, DocumentFilter("faq"), paging)
    return reply(request, page_of(request, paging, count, [FaqBody.of(faq) for faq in faqs]))


async def _create_faq(request: Request, ctx: Ctx, assistant_id: AssistantId, body: NewFaqBody) -> Response:
    async with ctx.db.begin(ctx.organization_id) as tx:
        base = await _choose_base(tx, ctx.caller, assistant_id)
    faq, warnings = await writing.create_faq(ctx.services, ctx.caller, base, body.to_text(), body.labels)
    return reply(request, FaqBody.of(faq, warnings), status=201)


async def _list_bases(tx: Tx, caller: Caller, assistant_id: AssistantId) -> Sequence[KnowledgeBaseId]:
    """Return the assistant's knowledge bases, the oldest first. Raises NotFound."""
    return sorted(await list_bases_of(tx, (await access_assistant(tx, caller, assistant_id)).id))


async def _choose_base(tx: Tx, caller: Caller, assistant_id: AssistantId) -> KnowledgeBaseId:
    bases = await _list_bases(tx, caller, assistant_id)
    if not bases:
        raise InvalidRequest("The assistant has no knowledge base.")
    return bases[0]


async def _list(
    ctx: Ctx, assistant_id: AssistantId, wanted: DocumentFilter, paging: Paging
) -> tuple[list[Document], int]:
    """Return a page of the documents of all bases, one base after the other, and how many there are."""
    found: list[Document] = []
    passed = 0
    async with ctx.db.begin(ctx.organization_id) as tx:
        for base in await _list_bases(tx, ctx.caller, assistant_id):
            limit, offset = paging.limit - len(found), max(0, paging.offset - passed)
            documents, count = await list_documents(tx, base, wanted, limit=limit, offset=offset)
            found += documents
            passed += count
    return found, passed


async def _find(
    tx: Tx, caller: Caller, assistant_id: AssistantId, wanted: DocumentFilter, document_id: UUID
) -> Document:
    for base in await _list_bases(tx, caller, assistant_id):
        document = await find_document(tx, base, DocumentId(document_id), wanted.kind)
        if document is not None:
            return document
    raise NotFound
