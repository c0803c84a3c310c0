"""`knowledge-bases/` where it names assistants: making a base and changing one. All else of it is in `knowledge`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from frontdesk.assistants.actions import ModelRules
from frontdesk.assistants.queries import find_base_names
from frontdesk.channels.access import list_visible_assistants
from frontdesk.channels.assistant_actions import update_assistant
from frontdesk.channels.bodies import Reference
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import AssistantId, KnowledgeBaseId
from frontdesk.core.wire import reply
from frontdesk.knowledge.actions import create_knowledge_base, update_knowledge_base
from frontdesk.knowledge.bodies import ChangeKnowledgeBaseBody, KnowledgeBaseBody
from frontdesk.knowledge.reembedding import check_model, choose_model
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["knowledge"])


class ChangeBaseBody(ChangeKnowledgeBaseBody):
    """What to change of a knowledge base. `chatbots`: the assistants that have it, and no others."""

    chatbots: tuple[Reference, ...] = ()


class CreateBaseBody(ChangeBaseBody):
    """A new knowledge base."""

    name: str


@router.post("/knowledge-bases", response_model=KnowledgeBaseBody, status_code=201)
async def create_base(
    request: Request, body: CreateBaseBody, ctx: Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT)]
) -> Response:
    """Make a knowledge base, also for assistants, which takes the right to edit them. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        model = check_model(body.embedding_model or ctx.services.embedder.model, ctx.services.embedder.models)
        base = await create_knowledge_base(tx, ctx.caller, body.to_changes(), embedding_model=model)
        if body.chatbots:
            await _connect(tx, ctx, base.id, {AssistantId(one) for one in body.chatbots})
    return reply(request, KnowledgeBaseBody.of(base), status=201)


@router.put("/knowledge-bases/{base_id}", response_model=KnowledgeBaseBody)
@router.patch("/knowledge-bases/{base_id}", response_model=KnowledgeBaseBody)
async def update_base(
    request: Request, base_id: UUID, body: ChangeBaseBody, ctx: Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT)]
) -> Response:
    """Change what is sent; `chatbots` takes the right to edit these assistants. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        base = await update_knowledge_base(tx, ctx.caller, KnowledgeBaseId(base_id), body.to_changes())
        if body.embedding_model:
            installed = ctx.services.embedder.models
            base = await choose_model(tx, ctx.caller, base.id, body.embedding_model, installed=installed)
        if "chatbots" in body.model_fields_set:
            await _connect(tx, ctx, base.id, {AssistantId(one) for one in body.chatbots})
    return reply(request, KnowledgeBaseBody.of(base))


async def _connect(tx: Tx, ctx: Ctx, base_id: KnowledgeBaseId, wanted: set[AssistantId]) -> None:
    """Give the base to the assistants in `wanted`, and take it from the others that the caller sees."""
    assistants, _ = await list_visible_assistants(tx, ctx.caller)
    if not wanted <= {assistant.id for assistant in assistants}:
        raise NotFound
    rules = ModelRules(ctx.services.cipher, ctx.services.model_urls)
    names = await find_base_names(tx, [assistant.id for assistant in assistants])
    for assistant_id, bases in names.items():
        has = {base.id for base in bases}
        if (base_id in has) != (assistant_id in wanted):
            await update_assistant(tx, ctx.caller, assistant_id, {"base_ids": sorted(has ^ {base_id})}, rules)
