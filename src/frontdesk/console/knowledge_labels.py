"""The labels of a knowledge base: what conditions of access are made of."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response

from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.knowledge import PATH, Editor, Offset, Viewer, load_head
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import go, look_of, page
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.knowledge import actions
from frontdesk.knowledge.access import access_label
from frontdesk.knowledge.queries import count_labelled, list_labels
from frontdesk.lifecycle.what_if import preview_label_deletion

router = screen_router()

Name = Annotated[str, Form()]


@router.get("/knowledge/{base_id}/labels")
async def show_labels(request: Request, base_id: UUID, member: Viewer, offset: Offset = 0) -> Response:
    """List the labels by name, with how many documents carry each."""
    return await _show(request, member, base_id, offset=offset)


@router.post("/knowledge/{base_id}/labels")
async def create(request: Request, base_id: UUID, member: Editor, name: Name = "") -> Response:
    """Make a label that no document carries yet."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await actions.create_label(tx, member.caller, KnowledgeBaseId(base_id), name)
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show(request, member, base_id, name=name, error=error)
    return go(request, f"{PATH}/{base_id}/labels", flash=look_of(request)._("The label is added."))


async def _show(
    request: Request,
    member: MemberCtx,
    base_id: UUID,
    *,
    offset: int = 0,
    name: str = "",
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, base_id)
        labels, count = await list_labels(tx, head.base.id, limit=PAGE_SIZE, offset=offset)
        counts = await count_labelled(tx, head.base.id)
    return page(
        request,
        "knowledge/labels_rows.html" if is_list_only(request) else "knowledge/labels.html",
        status=error.status if error else 200,
        head=head,
        tab="labels",
        labels=labels,
        counts=counts,
        count=count,
        offset=offset,
        limit=PAGE_SIZE,
        name=name,
        errors=field_errors(error) if error else {},
        address=address_of(f"{PATH}/{base_id}/labels", {"offset": offset}),
    )


@router.get("/knowledge/{base_id}/labels/{label_id}")
async def show_rename(request: Request, base_id: UUID, label_id: UUID, member: Editor) -> Response:
    """Show the name of a label in a form."""
    async with member.db.begin(member.organization_id) as tx:
        label = await access_label(tx, member.caller, KnowledgeBaseId(base_id), LabelId(label_id))
    return page(request, "knowledge/label_form.html", base_id=base_id, label=label, name=label.name, errors={})


@router.post("/knowledge/{base_id}/labels/{label_id}")
async def rename(request: Request, base_id: UUID, label_id: UUID, member: Editor, name: Name = "") -> Response:
    """Give a label another name; conditions that use it mean what they meant."""
    base = KnowledgeBaseId(base_id)
    async with member.db.begin(member.organization_id) as tx:
        label = await access_label(tx, member.caller, base, LabelId(label_id))
    try:
        async with member.db.begin(member.organization_id) as tx:
            await actions.rename_label(tx, member.caller, base, label.id, name)
    except FrontdeskError as error:
        return page(
            request,
            "knowledge/label_form.html",
            status=error.status,
            base_id=base_id,
            label=label,
            name=name,
            errors=field_errors(error),
        )
    return go(request, f"{PATH}/{base_id}/labels", flash=look_of(request)._("The label is saved."))


@router.get("/knowledge/{base_id}/labels/{label_id}/delete")
async def ask_delete(request: Request, base_id: UUID, label_id: UUID, member: Editor) -> Response:
    """Ask before a label is taken from all documents."""
    async with member.db.begin(member.organization_id) as tx:
        label = await access_label(tx, member.caller, KnowledgeBaseId(base_id), LabelId(label_id))
        counts = await count_labelled(tx, label.knowledge_base_id)
        found = await preview_label_deletion(tx, member.caller, label.knowledge_base_id, label.id)
    return page(
        request,
        "knowledge/label_delete.html",
        base_id=base_id,
        label=label,
        count=counts.get(label.id, 0),
        found=found,
    )


@router.post("/knowledge/{base_id}/labels/{label_id}/delete")
async def delete(request: Request, base_id: UUID, label_id: UUID, member: Editor) -> Response:
    """Delete a label: what only it opened is closed."""
    async with member.db.begin(member.organization_id) as tx:
        await actions.delete_label(tx, member.caller, KnowledgeBaseId(base_id), LabelId(label_id))
    return go(request, f"{PATH}/{base_id}/labels", flash=look_of(request)._("The label is deleted."))
