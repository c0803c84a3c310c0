"""What is done alike with files and FAQs, with one or with several at once: labels, and deleting."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.model import DocumentKind
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.knowledge import PATH, Editor
from frontdesk.console.labelling import choose_labels, list_all_labels
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import go, look_of, page
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.document_actions import delete_documents, update_document
from frontdesk.knowledge.document_queries import find_documents
from frontdesk.knowledge.model import Document, LabelWish
from frontdesk.lifecycle import what_if

router = screen_router()

_MOST = 100  # documents at once
KINDS: dict[str, DocumentKind] = {"files": "file", "faqs": "faq"}

Place = Literal["files", "faqs"]
Ids = Annotated[list[UUID], Query(max_length=_MOST)]
How = Literal["set", "add", "remove"]


class Wishes(BaseModel):
    """The labels that were chosen, for which documents, and what to do with them."""

    model_config = ConfigDict(frozen=True)

    ids: tuple[UUID, ...] = ()
    labels: frozenset[UUID] = frozenset()
    new_label: str = ""
    how: How = "set"

    def apply(self, document: Document, wishes: Sequence[LabelWish]) -> list[LabelWish]:
        """Return the labels that the document shall have."""
        own = {tag.id for tag in document.labels}
        chosen = {wish.id for wish in wishes if wish.id is not None}
        new = {"set": chosen, "add": own | chosen, "remove": own - chosen}[self.how]
        return [LabelWish(label, None) for label in new]


@router.get("/knowledge/{base_id}/{place}/labels")
async def show_labels(request: Request, base_id: UUID, place: Place, member: Editor, ids: Ids) -> Response:
    """Offer the labels of one document, or what to add to several and take from them."""
    return await _show_labels(request, member, base_id, place, Wishes(ids=tuple(ids)))


@router.post("/knowledge/{base_id}/{place}/labels")
async def save_labels(
    request: Request, base_id: UUID, place: Place, member: Editor, wishes: Annotated[Wishes, Form()]
) -> Response:
    """Write the labels of all these documents, or of none."""
    base = KnowledgeBaseId(base_id)
    try:
        async with member.db.begin(member.organization_id) as tx:
            documents = await _find(tx, member, base, place, wishes.ids)
            chosen = await choose_labels(tx, member.caller, base, wishes.labels, wishes.new_label)
            for document in documents:
                await update_document(
                    tx, member.caller, base, document.id, document.kind, labels=wishes.apply(document, chosen)
                )
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_labels(request, member, base_id, place, wishes, error)
    return go(request, _list_address(base_id, place), flash=look_of(request)._("The labels are saved."))


async def _show_labels(
    request: Request,
    member: MemberCtx,
    base_id: UUID,
    place: Place,
    wishes: Wishes,
    error: FrontdeskError | None = None,
) -> Response:
    base = KnowledgeBaseId(base_id)
    async with member.db.begin(member.organization_id) as tx:
        documents = await _find(tx, member, base, place, wishes.ids)
        labels = await list_all_labels(tx, base)
    own: frozenset[LabelId] = frozenset(tag.id for tag in documents[0].labels) if len(documents) == 1 else frozenset()
    return page(
        request,
        "knowledge/labels_form.html",
        status=error.status if error else 200,
        base_id=base_id,
        place=place,
        documents=documents,
        labels=labels,
        chosen=wishes.labels if error else own,
        wishes=wishes,
        errors=field_errors(error) if error else {},
    )


@router.post("/knowledge/{base_id}/{place}/labels/what-if")
async def preview_labels(
    request: Request, base_id: UUID, place: Place, member: Editor, wishes: Annotated[Wishes, Form()]
) -> Response:
    """Tell who would read what more, and what less, with these labels; a new label is in nobody's conditions yet."""
    base = KnowledgeBaseId(base_id)
    async with member.db.begin(member.organization_id) as tx:
        documents = await _find(tx, member, base, place, wishes.ids)
        known = {label.id for label in await list_all_labels(tx, base)}
        chosen = known & wishes.labels
        added, removed = {"set": (chosen, known - chosen), "add": (chosen, ()), "remove": ((), chosen)}[wishes.how]
        found = await what_if.preview_labels(
            tx, member.caller, base, [document.id for document in documents], [*added], [*removed]
        )
    return page(request, "access/what_if.html", found=found)


@router.get("/knowledge/{base_id}/{place}/delete")
async def ask_delete(request: Request, base_id: UUID, place: Place, member: Editor, ids: Ids) -> Response:
    """Ask before documents are gone for every reader."""
    return await _ask_delete(request, member, base_id, place, ids)


@router.post("/knowledge/{base_id}/{place}/delete")
async def delete(
    request: Request, base_id: UUID, place: Place, member: Editor, ids: Annotated[list[UUID], Form()]
) -> Response:
    """Delete all these documents, or none while one of them is being read."""
    base = KnowledgeBaseId(base_id)
    try:
        async with member.db.begin(member.organization_id) as tx:
            documents = await _find(tx, member, base, place, ids)
            found = [document.id for document in documents]
            await delete_documents(tx, member.caller, base, KINDS[place], found)
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _ask_delete(request, member, base_id, place, ids, error)
    flash = look_of(request).texts.ngettext(
        "%(count)s document is deleted.", "%(count)s documents are deleted.", len(found)
    )
    return go(request, _list_address(base_id, place), flash=flash % {"count": len(found)})


async def _ask_delete(
    request: Request,
    member: MemberCtx,
    base_id: UUID,
    place: Place,
    ids: Sequence[UUID],
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        documents = await _find(tx, member, KnowledgeBaseId(base_id), place, ids)
    return page(
        request,
        "knowledge/documents_delete.html",
        status=error.status if error else 200,
        base_id=base_id,
        place=place,
        documents=documents,
        error=error,
    )


async def _find(
    tx: Tx, member: MemberCtx, base_id: KnowledgeBaseId, place: Place, ids: Sequence[UUID]
) -> list[Document]:
    """Return the documents that still exist. Raises NotFound when none does."""
    await access_base(tx, member.caller, base_id)
    found = await find_documents(tx, base_id, [DocumentId(one) for one in ids], KINDS[place])
    if not found:
        raise NotFound
    return found


def _list_address(base_id: UUID, place: Place) -> str:
    return f"{PATH}/{base_id}" if place == "files" else f"{PATH}/{base_id}/faqs"
