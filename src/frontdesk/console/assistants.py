"""Assistants: the list, and what one is told, which model it speaks with and what it answers from."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.assistants.actions import ModelRules
from frontdesk.assistants.model import Assistant, AssistantChanges, ModelChoice, ModelProvider
from frontdesk.assistants.queries import find_base_names
from frontdesk.channels import assistant_actions as actions
from frontdesk.channels.access import (
    access_assistant,
    list_visible_assistants,
    list_visible_inboxes,
    require_whole_assistant,
)
from frontdesk.channels.errors import AssistantInUse
from frontdesk.channels.model import Inbox
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.query_builder import load_offer
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, FrontdeskError, InvalidRequest, NotFound
from frontdesk.core.ids import AssistantId, KnowledgeBaseId
from frontdesk.knowledge.model import KnowledgeBase
from frontdesk.knowledge.queries import list_bases
from frontdesk.lifecycle.what_if import preview_bases
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/assistants"
_MOST_BASES = 500  # in the form

Viewer = Annotated[MemberCtx, member_needs(Right.ASSISTANTS_VIEW)]
Editor = Annotated[MemberCtx, member_needs(Right.ASSISTANTS_EDIT)]


class Written(BaseModel):
    """What stands in the fields of an assistant's form. The key of its model is written, never shown."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    instructions: str = ""
    remembers: bool = False  # an empty box is not sent
    bases: frozenset[UUID] = frozenset()
    provider: str = ""  # empty: no model
    model_name: str = ""
    base_url: str = ""
    model_key: str = ""  # empty: the stored one stays
    forgets_key: bool = False

    def to_changes(self, *, kept: frozenset[KnowledgeBaseId] = frozenset()) -> AssistantChanges:
        """Return what is to be written; knowledge bases that the form did not offer are `kept`."""
        return AssistantChanges(
            name=self.name,
            instructions=self.instructions,
            remembers=self.remembers,
            base_ids=(*map(KnowledgeBaseId, self.bases), *kept),
            model=self._to_model(),
        )

    def _to_model(self) -> ModelChoice | None:
        if self.provider not in set(ModelProvider):
            return None
        key = "" if self.forgets_key else self.model_key or None
        provider = ModelProvider(self.provider)
        base_url = self.base_url if provider is ModelProvider.OPENAI else None
        return ModelChoice(provider, self.model_name, base_url or None, key)


@dataclass(frozen=True, slots=True)
class Row:
    """One assistant in the list."""

    assistant: Assistant
    bases: list[str]
    platforms: list[Inbox]


@router.get("/assistants")
async def show_assistants(
    request: Request, member: Viewer, offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0
) -> Response:
    """List the assistants with what they answer from, and where."""
    async with member.db.begin(member.organization_id) as tx:
        assistants, count = await list_visible_assistants(tx, member.caller, limit=PAGE_SIZE, offset=offset)
        bases = await find_base_names(tx, [assistant.id for assistant in assistants])
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
    rows = [
        Row(one, [base.name for base in bases[one.id]], [inbox for inbox in inboxes if inbox.assistant_id == one.id])
        for one in assistants
    ]
    return page(
        request,
        "assistants/rows.html" if is_list_only(request) else "assistants/list.html",
        rows=rows,
        count=count,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(PATH, {"offset": offset}),
    )


# --- make and change ---


@router.get("/assistants/new")
async def show_new(request: Request, member: Editor) -> Response:
    """Show the empty form; the model is chosen on the assistant's page."""
    return await _show_new(request, member, Written(remembers=True))


@router.post("/assistants/new")
async def create(request: Request, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Make an assistant and show it."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            assistant, _ = await actions.create_assistant_with_inbox(
                tx, member.caller, written.to_changes(), _rules(member)
            )
    except FrontdeskError as error:
        return await _show_new(request, member, written, error)
    return go(request, f"{PATH}/{assistant.id}", flash=look_of(request)._("The assistant is made."))


async def _show_new(
    request: Request, member: MemberCtx, written: Written, error: FrontdeskError | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        bases = await _bases(tx, member, None)
    return page(
        request,
        "assistants/new.html",
        status=error.status if error else 200,
        written=written,
        bases=bases,
        errors=_errors(error),
    )


@router.get("/assistants/{assistant_id}")
async def show_assistant(request: Request, assistant_id: UUID, member: Viewer) -> Response:
    """Show the assistant in its form, beside a box to try it."""
    async with member.db.begin(member.organization_id) as tx:
        context = await _load(tx, member, assistant_id)
    return page(request, "assistants/assistant.html", errors={}, **context)


@router.post("/assistants/{assistant_id}")
async def save(request: Request, assistant_id: UUID, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Write the assistant; it counts from the next message on."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            assistant = await access_assistant(tx, member.caller, AssistantId(assistant_id))
            changes = await _read_changes(tx, member, assistant.id, written)
            await actions.update_assistant(tx, member.caller, assistant.id, changes, _rules(member))
    except InvalidRequest as error:
        async with member.db.begin(member.organization_id) as tx:
            context = await _load(tx, member, assistant_id)
        context |= {"written": written, "errors": _errors(error)}
        return page(request, "assistants/assistant.html", status=error.status, **context)
    return go(request, f"{PATH}/{assistant_id}", flash=look_of(request)._("The assistant is saved."))


@router.post("/assistants/{assistant_id}/what-if")
async def preview(
    request: Request, assistant_id: UUID, member: Editor, written: Annotated[Written, Form()]
) -> Response:
    """Tell who would read what more, and what less, with the knowledge bases that are ticked."""
    async with member.db.begin(member.organization_id) as tx:
        assistant = await access_assistant(tx, member.caller, AssistantId(assistant_id))
        changes = await _read_changes(tx, member, assistant.id, written)
        found = await preview_bases(tx, member.caller, assistant.id, changes["base_ids"])
    return page(request, "access/what_if.html", found=found)


async def _read_changes(tx: Tx, member: MemberCtx, assistant_id: AssistantId, written: Written) -> AssistantChanges:
    """Return what the form says; knowledge bases that the member was not offered stay."""
    own = frozenset(base.id for base in (await find_base_names(tx, [assistant_id]))[assistant_id])
    offered = {base.id for base in await _bases(tx, member, assistant_id)}
    return written.to_changes(kept=own - offered)


async def _load(tx: Tx, member: MemberCtx, assistant_id: UUID) -> dict[str, Any]:
    assistant = await access_assistant(tx, member.caller, AssistantId(assistant_id))
    own = (await find_base_names(tx, [assistant.id]))[assistant.id]
    inboxes, _ = await list_visible_inboxes(tx, member.caller, assistant_id=assistant.id)
    written = Written(
        name=assistant.name,
        instructions=assistant.instructions,
        remembers=assistant.remembers,
        bases=frozenset(UUID(str(base.id)) for base in own),
        provider=assistant.model_provider or "",
        model_name=assistant.model_name or "",
        base_url=assistant.model_base_url or "",
    )
    return {
        "assistant": assistant,
        "written": written,
        "own_bases": own,
        "bases": await _bases(tx, member, assistant.id),
        "inboxes": inboxes,
        "may_edit": await _may_edit(tx, member, assistant.id),
        "model_urls": member.services.model_urls,
        "offer": await load_offer(tx, member, inboxes),
        "vendor_faqs": member.organization.vendor_faq_reading,
    }


async def _bases(tx: Tx, member: MemberCtx, assistant_id: AssistantId | None) -> list[KnowledgeBase]:
    """Return what may be ticked: all that the member sees."""
    if not member.may(Right.KNOWLEDGE_VIEW) and assistant_id is None:
        return []
    bases, _ = await list_bases(tx, limit=_MOST_BASES, offset=0)
    if member.may(Right.KNOWLEDGE_VIEW) or assistant_id is None:
        return bases
    own = {base.id for base in (await find_base_names(tx, [assistant_id]))[assistant_id]}
    return [base for base in bases if base.id in own]


async def _may_edit(tx: Tx, member: MemberCtx, assistant_id: AssistantId) -> bool:
    try:
        await require_whole_assistant(tx, member.caller, assistant_id)
    except (NotFound, Forbidden):
        return False
    return True


def _rules(member: MemberCtx) -> ModelRules:
    return ModelRules(member.services.cipher, member.services.model_urls)


def _errors(error: FrontdeskError | None) -> dict[str, str]:
    """Return the failure by the path of its field, such as `model.name`."""
    return {(error.pointer or "").strip("/").replace("/", "."): error.detail} if error else {}


# --- delete ---


@router.get("/assistants/{assistant_id}/delete")
async def ask_delete(request: Request, assistant_id: UUID, member: Editor) -> Response:
    """Ask before an assistant goes."""
    async with member.db.begin(member.organization_id) as tx:
        assistant = await access_assistant(tx, member.caller, AssistantId(assistant_id))
    return page(request, "assistants/delete.html", assistant=assistant, error=None)


@router.post("/assistants/{assistant_id}/delete")
async def delete(request: Request, assistant_id: UUID, member: Editor) -> Response:
    """Delete an assistant that no platform connects any more."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            assistant = await access_assistant(tx, member.caller, AssistantId(assistant_id))
            await actions.delete_assistant_with_inbox(tx, member.caller, assistant.id)
    except AssistantInUse as error:
        return page(request, "assistants/delete.html", status=error.status, assistant=assistant, error=error)
    return go(request, PATH, flash=look_of(request)._("The assistant is deleted."))
