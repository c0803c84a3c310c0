"""`chatbots/`: assistants, each with its own inbox for the API."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AliasChoices, Field

from frontdesk.assistants.actions import ModelRules
from frontdesk.assistants.model import Assistant, AssistantChanges, BaseName, ModelChoice, ModelProvider
from frontdesk.assistants.queries import find_base_names
from frontdesk.channels import assistant_actions as actions
from frontdesk.channels.access import access_assistant, list_visible_assistants
from frontdesk.channels.bodies import Reference
from frontdesk.channels.model import Inbox
from frontdesk.channels.queries import find_own_inboxes
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import AssistantId, KnowledgeBaseId
from frontdesk.core.wire import LenientModel, PageOf, Paging, Time, WireModel, page_of, paging, reply
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["assistants"])


class ModelBody(WireModel):
    """The model that answers. The key is never returned."""

    provider: ModelProvider
    name: str
    base_url: str | None
    has_key: bool


class BaseBody(WireModel):
    """A knowledge base of an assistant."""

    id: UUID
    name: str


class AssistantBody(WireModel):
    """An assistant. `apiWebChatId` names its own inbox; `rag` and `replyMode` are constant here."""

    id: UUID
    name: str
    model: ModelBody | None
    large_language_model: str | None
    rag: None = None
    instructions: str
    webhook_url: str | None
    remembers: bool
    knowledge_bases: Sequence[BaseBody]
    reply_mode: Literal["normal"] = "normal"
    api_web_chat_id: UUID
    created_at: Time
    updated_at: Time


class AssistantPage(PageOf):
    """One page of assistants."""

    results: Sequence[AssistantBody]


class ChooseModelBody(LenientModel):
    """The model that shall answer; without `key` a stored one stays as long as provider and address do."""

    provider: ModelProvider
    name: str
    base_url: str | None = None
    key: str | None = None


class ChangeAssistantBody(LenientModel):
    """What to change; absent keys stay as they are."""

    name: str = ""
    instructions: str = ""
    webhook_url: str | None = None
    remembers: bool = Field(default=True, description="Whether it remembers what contacts tell.")
    knowledge_bases: tuple[Reference, ...] = ()
    model: ChooseModelBody | str | None = Field(
        None,
        validation_alias=AliasChoices("model", "largeLanguageModel", "large_language_model"),
        description='An object, or "provider/name". Ids of models of other installations are ignored.',
    )

    def to_changes(self) -> AssistantChanges:
        """Return only what was sent. Raises InvalidRequest."""
        sent = self.model_dump(include={"name", "instructions", "webhook_url", "remembers"} & self.model_fields_set)
        changes = cast("AssistantChanges", sent)
        if "knowledge_bases" in self.model_fields_set:
            changes["base_ids"] = [KnowledgeBaseId(base) for base in self.knowledge_bases]
        if "model" in self.model_fields_set and not _is_foreign_id(self.model):
            changes["model"] = _read_model(self.model)
        return changes


class CreateAssistantBody(ChangeAssistantBody):
    """A new assistant."""

    name: str


@router.get("/chatbots", response_model=AssistantPage)
async def list_assistants(
    request: Request, ctx: Annotated[Ctx, needs(Right.ASSISTANTS_VIEW)], paging: Annotated[Paging, Depends(paging)]
) -> Response:
    """List the assistants of the caller's inboxes by name."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        assistants, count = await list_visible_assistants(tx, ctx.caller, limit=paging.limit, offset=paging.offset)
        bodies = await _render(tx, assistants)
    return reply(request, page_of(request, paging, count, bodies))


@router.post("/chatbots", response_model=AssistantBody, status_code=201)
async def create_assistant(
    request: Request, body: CreateAssistantBody, ctx: Annotated[Ctx, needs(Right.ASSISTANTS_EDIT)]
) -> Response:
    """Make an assistant and its own inbox."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        assistant, _ = await actions.create_assistant_with_inbox(tx, ctx.caller, body.to_changes(), _rules(ctx))
        [rendered] = await _render(tx, [assistant])
    return reply(request, rendered, status=201)


@router.get("/chatbots/{assistant_id}", response_model=AssistantBody)
async def get_assistant(
    request: Request, assistant_id: UUID, ctx: Annotated[Ctx, needs(Right.ASSISTANTS_VIEW)]
) -> Response:
    """Return one assistant. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        [rendered] = await _render(tx, [await access_assistant(tx, ctx.caller, AssistantId(assistant_id))])
    return reply(request, rendered)


@router.put("/chatbots/{assistant_id}", response_model=AssistantBody)
@router.patch("/chatbots/{assistant_id}", response_model=AssistantBody)
async def update_assistant(
    request: Request,
    assistant_id: UUID,
    body: ChangeAssistantBody,
    ctx: Annotated[Ctx, needs(Right.ASSISTANTS_EDIT)],
) -> Response:
    """Change what is sent. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        changes = body.to_changes()
        assistant = await actions.update_assistant(tx, ctx.caller, AssistantId(assistant_id), changes, _rules(ctx))
        [rendered] = await _render(tx, [assistant])
    return reply(request, rendered)


@router.delete("/chatbots/{assistant_id}", status_code=204)
async def delete_assistant(assistant_id: UUID, ctx: Annotated[Ctx, needs(Right.ASSISTANTS_EDIT)]) -> None:
    """Delete the assistant and its own inbox. Problems: `not-found`, `forbidden`, `assistant-in-use`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await actions.delete_assistant_with_inbox(tx, ctx.caller, AssistantId(assistant_id))


def _rules(ctx: Ctx) -> ModelRules:
    return ModelRules(ctx.services.cipher, ctx.services.model_urls)


def _is_foreign_id(model: ChooseModelBody | str | None) -> bool:
    """Tell whether a client sent what another installation calls a model: it means nothing here, and is no error."""
    try:
        return isinstance(model, str) and bool(UUID(model))
    except ValueError:
        return False


def _read_model(model: ChooseModelBody | str | None) -> ModelChoice | None:
    if not model:
        return None
    if isinstance(model, ChooseModelBody):
        return ModelChoice(model.provider, model.name, model.base_url, model.key)
    provider, _, name = model.partition("/")
    if provider not in set(ModelProvider) or not name:
        choices = ", ".join(f"{one}/…" for one in ModelProvider)
        raise InvalidRequest(f"A model is one of {choices}.", pointer="/model")
    return ModelChoice(ModelProvider(provider), name)


async def _render(tx: Tx, assistants: Sequence[Assistant]) -> list[AssistantBody]:
    ids = [assistant.id for assistant in assistants]
    bases, inboxes = await find_base_names(tx, ids), await find_own_inboxes(tx, ids)
    return [_body(assistant, bases, inboxes) for assistant in assistants]


def _body(
    assistant: Assistant, bases: Mapping[AssistantId, list[BaseName]], inboxes: Mapping[AssistantId, Inbox]
) -> AssistantBody:
    model = None
    if assistant.model_provider is not None and assistant.model_name is not None:
        model = ModelBody(
            provider=assistant.model_provider,
            name=assistant.model_name,
            base_url=assistant.model_base_url,
            has_key=assistant.has_model_key,
        )
    return AssistantBody(
        id=assistant.id,
        name=assistant.name,
        model=model,
        large_language_model=f"{model.provider}/{model.name}" if model else None,
        instructions=assistant.instructions,
        webhook_url=assistant.webhook_url,
        remembers=assistant.remembers,
        knowledge_bases=[BaseBody(id=base.id, name=base.name) for base in bases[assistant.id]],
        api_web_chat_id=UUID(inboxes[assistant.id].public_id),
        created_at=assistant.created_at,
        updated_at=assistant.updated_at,
    )
