"""The FAQs of a knowledge base: questions with the answers that somebody wrote."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.knowledge import PATH, Editor, Viewer, load_head
from frontdesk.console.labelling import choose_labels, list_all_labels
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import go, look_of, page
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.knowledge.access import access_base, access_document
from frontdesk.knowledge.document_queries import list_documents
from frontdesk.knowledge.model import DocumentFilter, FaqText, LabelWish
from frontdesk.knowledge.writing import FaqChanges, create_faq, update_faq

router = screen_router()


class Wanted(BaseModel):
    """Which FAQs the address asks for."""

    model_config = ConfigDict(frozen=True)

    q: str = Field("", max_length=200)
    label: str = ""
    offset: int = Field(0, ge=0, le=10_000_000)

    @property
    def label_id(self) -> LabelId | None:
        """The label that is asked for."""
        try:
            return LabelId(UUID(self.label))
        except ValueError:
            return None


class Written(BaseModel):
    """What stands in the fields of a FAQ's form."""

    model_config = ConfigDict(frozen=True)

    question: str = ""
    answer: str = ""
    labels: frozenset[UUID] = frozenset()
    new_label: str = ""


@router.get("/knowledge/{base_id}/faqs")
async def show_faqs(request: Request, base_id: UUID, member: Viewer, wanted: Annotated[Wanted, Query()]) -> Response:
    """List the FAQs that match, the newest first."""
    filters = DocumentFilter("faq", wanted.q.replace("\x00", "") or None, wanted.label_id)
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, base_id)
        faqs, count = await list_documents(tx, head.base.id, filters, limit=PAGE_SIZE, offset=wanted.offset)
        labels = await list_all_labels(tx, head.base.id)
    said = {"q": wanted.q, "label": wanted.label_id, "offset": wanted.offset}
    return page(
        request,
        "knowledge/faqs_rows.html" if is_list_only(request) else "knowledge/faqs.html",
        head=head,
        tab="faqs",
        faqs=faqs,
        count=count,
        wanted=wanted,
        limit=PAGE_SIZE,
        labels=labels,
        address=address_of(f"{PATH}/{base_id}/faqs", said),
    )


@router.get("/knowledge/{base_id}/faqs/new")
async def show_new(request: Request, base_id: UUID, member: Editor, question: str = "") -> Response:
    """Show the empty form, or one with a question that came up."""
    return await _show_form(request, member, base_id, None, Written(question=question))


@router.post("/knowledge/{base_id}/faqs/new")
async def create(request: Request, base_id: UUID, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Make a FAQ; it is found from now on."""
    base = KnowledgeBaseId(base_id)
    try:
        labels = await _choose_labels(member, base, written)
        await create_faq(member.services, member.caller, base, FaqText(written.question, written.answer), labels)
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_form(request, member, base_id, None, written, error)
    return go(request, f"{PATH}/{base_id}/faqs", flash=look_of(request)._("The FAQ is added. It is found from now on."))


@router.get("/knowledge/{base_id}/faqs/{faq_id}")
async def show_edit(request: Request, base_id: UUID, faq_id: UUID, member: Editor) -> Response:
    """Show a FAQ in a form."""
    async with member.db.begin(member.organization_id) as tx:
        faq = await access_document(tx, member.caller, KnowledgeBaseId(base_id), DocumentId(faq_id), "faq")
    text = faq.faq or FaqText("", "")
    written = Written(
        question=text.question, answer=text.answer, labels=frozenset(UUID(str(tag.id)) for tag in faq.labels)
    )
    return await _show_form(request, member, base_id, faq_id, written)


@router.post("/knowledge/{base_id}/faqs/{faq_id}")
async def save(
    request: Request, base_id: UUID, faq_id: UUID, member: Editor, written: Annotated[Written, Form()]
) -> Response:
    """Write a FAQ; the new text is found from now on."""
    base = KnowledgeBaseId(base_id)
    try:
        labels = await _choose_labels(member, base, written)
        changes = FaqChanges(written.question, written.answer, labels)
        await update_faq(member.services, member.caller, base, DocumentId(faq_id), changes)
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_form(request, member, base_id, faq_id, written, error)
    return go(request, f"{PATH}/{base_id}/faqs", flash=look_of(request)._("The FAQ is saved."))


async def _choose_labels(member: MemberCtx, base_id: KnowledgeBaseId, written: Written) -> list[LabelWish]:
    """Make the new label in a transaction of its own: writing a FAQ opens another, after the model has read it."""
    async with member.db.begin(member.organization_id) as tx:
        await access_base(tx, member.caller, base_id)
        return await choose_labels(tx, member.caller, base_id, written.labels, written.new_label)


async def _show_form(
    request: Request,
    member: MemberCtx,
    base_id: UUID,
    faq_id: UUID | None,
    written: Written,
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        base = await access_base(tx, member.caller, KnowledgeBaseId(base_id))
        context: dict[str, Any] = {"labels": await list_all_labels(tx, base.id)}
    return page(
        request,
        "knowledge/faq_form.html",
        status=error.status if error else 200,
        base=base,
        faq_id=faq_id,
        written=written,
        errors=field_errors(error) if error else {},
        **context,
    )
