"""Trying an assistant: the answer that somebody would be given, with its sources."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import Assurance, Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.answers.trying import Trial, try_as_member, try_question
from frontdesk.assistants.model import Assistant
from frontdesk.channels.access import access_assistant, list_visible_inboxes
from frontdesk.channels.model import Inbox
from frontdesk.console import conditions
from frontdesk.console.assistants import Viewer
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import page
from frontdesk.console.query_builder import load_offer, show_preview
from frontdesk.contacts.model import anybody
from frontdesk.conversations.model import MAX_CONTENT
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import AssistantId, UserId
from frontdesk.core.text import utc_now
from frontdesk.organizations.model import Right
from frontdesk.organizations.roles import list_query_metadata_of

router = screen_router()

_ASSURANCES = {"visitor": Assurance.ANONYMOUS, "member": Assurance.SIGNED}


class Asked(BaseModel):
    """A question, on which platform it is asked, and how the asker is proven there."""

    model_config = ConfigDict(frozen=True)

    question: str = ""
    inbox: UUID
    speaker: Literal["visitor", "member", "myself"] = "visitor"
    text: str = ""  # query metadata that narrows this one message


@router.post("/assistants/{assistant_id}/try")
async def try_it(request: Request, assistant_id: UUID, member: Viewer, asked: Annotated[Asked, Form()]) -> Response:
    """Answer as somebody of whom the platform knows only so much would be answered. Nothing is stored.

    An answer reads documents out, so it takes the right to see them.
    """
    member.caller.require(Right.KNOWLEDGE_VIEW)
    question = asked.question.replace("\x00", "").strip()[:MAX_CONTENT]
    async with member.db.begin(member.organization_id) as tx:
        assistant = await access_assistant(tx, member.caller, AssistantId(assistant_id))
        inboxes, _ = await list_visible_inboxes(tx, member.caller, assistant_id=assistant.id)
    inbox = next((one for one in inboxes if one.id == asked.inbox), None)
    if inbox is None:
        raise NotFound
    if not question:
        return _refuse(request, assistant)
    try:
        message = conditions.read_field(asked.text)
        parse_query_metadata(message, layer=Layer.MESSAGE)
    except InvalidQueryMetadata as error:
        return _refuse(request, assistant, error)
    trial = await _try(member, inbox, asked.speaker, question, message)
    reads_nothing = asked.speaker == "myself" and not await _has_query_metadata(member)
    return page(
        request,
        "assistants/trial.html",
        assistant=assistant,
        question=question,
        trial=trial,
        reads_nothing=reads_nothing,
        error=None,
    )


def _refuse(request: Request, assistant: Assistant, error: InvalidQueryMetadata | None = None) -> Response:
    """Say that there is no question, or that what is to narrow it cannot be read."""
    return page(request, "assistants/trial.html", status=400, assistant=assistant, question="", trial=None, error=error)


@router.post("/assistants/{assistant_id}/try/check")
async def check(request: Request, assistant_id: UUID, member: Viewer, text: Annotated[str, Form()] = "") -> Response:
    """Say what a message that is narrowed so could read of the assistant's knowledge."""
    async with member.db.begin(member.organization_id) as tx:
        assistant = await access_assistant(tx, member.caller, AssistantId(assistant_id))
        inboxes, _ = await list_visible_inboxes(tx, member.caller, assistant_id=assistant.id)
        offer = await load_offer(tx, member, inboxes)
    return await show_preview(request, member, text, Layer.MESSAGE, offer)


async def _try(member: MemberCtx, inbox: Inbox, speaker: str, question: str, message: dict[str, Any] | None) -> Trial:
    if speaker == "myself":
        user_id = UserId(member.caller.id)
        return await try_as_member(
            member.services, member.organization_id, user_id=user_id, inbox=inbox, question=question, message=message
        )
    return await try_question(
        member.services,
        member.organization_id,
        contact=anybody(utc_now()),
        inbox=inbox,
        assurance=_ASSURANCES[speaker],
        question=question,
        message=message,
    )


async def _has_query_metadata(member: MemberCtx) -> bool:
    """Tell whether a role of the member opens documents to them; without any, they read nothing as themselves."""
    async with member.db.begin(member.organization_id) as tx:
        return bool(await list_query_metadata_of(tx, UserId(member.caller.id)))
