"""Knowledge bases: the list, and making, changing and deleting one. What is in a base has modules of its own."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.assistants.queries import find_base_names
from frontdesk.channels.access import list_visible_assistants
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError
from frontdesk.core.ids import KnowledgeBaseId
from frontdesk.knowledge import actions
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.errors import DocumentBusy
from frontdesk.knowledge.model import KnowledgeBase
from frontdesk.knowledge.queries import list_bases, list_labels
from frontdesk.knowledge.reembedding import check_model, choose_model
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/knowledge"

Viewer = Annotated[MemberCtx, member_needs(Right.KNOWLEDGE_VIEW)]
Editor = Annotated[MemberCtx, member_needs(Right.KNOWLEDGE_EDIT)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


class Written(BaseModel):
    """What stands in the fields of a knowledge base's form."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    description: str = ""
    embedding_model: str = ""  # empty: as it is, or the installation's


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above every tab of a knowledge base, and whether the member may change it."""

    base: KnowledgeBase
    labels_count: int
    may_edit: bool


async def load_head(tx: Tx, member: MemberCtx, base_id: UUID) -> Head:
    """Return the knowledge base. Raises NotFound."""
    base = await access_base(tx, member.caller, KnowledgeBaseId(base_id))
    _, labels_count = await list_labels(tx, base.id, limit=0)
    return Head(base, labels_count, member.may(Right.KNOWLEDGE_EDIT))


@router.get("/knowledge")
async def show_bases(request: Request, member: Viewer, offset: Offset = 0) -> Response:
    """List the knowledge bases, with the assistants that answer from each."""
    async with member.db.begin(member.organization_id) as tx:
        bases, count = await list_bases(tx, limit=PAGE_SIZE, offset=offset)
        users = await _find_users(tx, member)
    return page(
        request,
        "knowledge/bases_rows.html" if is_list_only(request) else "knowledge/bases.html",
        bases=bases,
        users=users,
        count=count,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(PATH, {"offset": offset}),
    )


async def _find_users(tx: Tx, member: MemberCtx) -> dict[KnowledgeBaseId, list[str]]:
    """Map each knowledge base to the names of the assistants that have it, as far as the member sees them."""
    assistants, _ = await list_visible_assistants(tx, member.caller)
    names = {assistant.id: assistant.name for assistant in assistants}
    users: dict[KnowledgeBaseId, list[str]] = {}
    for assistant_id, bases in (await find_base_names(tx, list(names))).items():
        for base in bases:
            users.setdefault(base.id, []).append(names[assistant_id])
    return users


# --- make and change ---


@router.get("/knowledge/new")
async def show_new(request: Request, member: Editor) -> Response:
    """Show the empty form."""
    written = Written(embedding_model=member.services.embedder.model)
    return page(request, "knowledge/base_form.html", base=None, written=written, errors={}, models=_models(member))


@router.post("/knowledge/new")
async def create(request: Request, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Make an empty knowledge base and show it."""
    embedder = member.services.embedder
    try:
        async with member.db.begin(member.organization_id) as tx:
            base = await actions.create_knowledge_base(
                tx,
                member.caller,
                {"name": written.name, "description": written.description},
                embedding_model=check_model(written.embedding_model or embedder.model, embedder.models),
            )
    except FrontdeskError as error:
        return _show_again(request, member, None, written, error)
    return go(request, f"{PATH}/{base.id}", flash=look_of(request)._("The knowledge base is made. Add what it knows."))


@router.get("/knowledge/{base_id}/edit")
async def show_edit(request: Request, base_id: UUID, member: Editor) -> Response:
    """Show name, description and embedding model in a form."""
    async with member.db.begin(member.organization_id) as tx:
        base = await access_base(tx, member.caller, KnowledgeBaseId(base_id))
    model = base.next_embedding_model or base.embedding_model
    written = Written(name=base.settings.name, description=base.settings.description, embedding_model=model)
    return page(
        request, "knowledge/base_form.html", base=base, written=written, errors={}, models=_models(member, base)
    )


@router.post("/knowledge/{base_id}/edit")
async def save(request: Request, base_id: UUID, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Write name and description; another embedding model begins to read."""
    async with member.db.begin(member.organization_id) as tx:
        base = await access_base(tx, member.caller, KnowledgeBaseId(base_id))
    try:
        async with member.db.begin(member.organization_id) as tx:
            await actions.update_knowledge_base(
                tx, member.caller, base.id, {"name": written.name, "description": written.description}
            )
            if written.embedding_model:
                models = member.services.embedder.models
                await choose_model(tx, member.caller, base.id, written.embedding_model, installed=models)
    except FrontdeskError as error:
        return _show_again(request, member, base, written, error)
    return go(request, f"{PATH}/{base.id}", flash=look_of(request)._("The knowledge base is saved."))


def _models(member: MemberCtx, base: KnowledgeBase | None = None) -> list[str]:
    """Return the names of the models to choose from; the present one too, although it may be installed no more."""
    return sorted({*member.services.embedder.models} | ({base.embedding_model} if base else set()))


def _show_again(
    request: Request, member: MemberCtx, base: KnowledgeBase | None, written: Written, error: FrontdeskError
) -> Response:
    return page(
        request,
        "knowledge/base_form.html",
        status=error.status,
        base=base,
        written=written,
        errors=field_errors(error),
        models=_models(member, base),
    )


# --- delete ---


@router.get("/knowledge/{base_id}/delete")
async def ask_delete(request: Request, base_id: UUID, member: Editor) -> Response:
    """Ask before a knowledge base goes with all that is in it."""
    return await _ask_delete(request, base_id, member)


@router.post("/knowledge/{base_id}/delete")
async def delete(request: Request, base_id: UUID, member: Editor) -> Response:
    """Delete the knowledge base: nobody reads it from now on."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await actions.delete_knowledge_base(tx, member.caller, KnowledgeBaseId(base_id))
    except DocumentBusy as error:
        return await _ask_delete(request, base_id, member, error)
    return go(request, PATH, flash=look_of(request)._("The knowledge base is deleted."))


async def _ask_delete(
    request: Request, base_id: UUID, member: MemberCtx, error: DocumentBusy | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        base = await access_base(tx, member.caller, KnowledgeBaseId(base_id))
        users = (await _find_users(tx, member)).get(base.id, [])
    return page(
        request,
        "knowledge/base_delete.html",
        status=error.status if error else 200,
        base=base,
        users=users,
        error=error,
    )
