"""Trying an assistant: the answer that somebody would be given, with its sources."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.model import Assurance
from frontdesk.answers.trying import Trial, try_as_member, try_question
from frontdesk.channels.access import access_assistant, list_visible_inboxes
from frontdesk.channels.model import Inbox
from frontdesk.console.assistants import Viewer
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import page
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
        return page(request, "assistants/trial.html", status=400, assistant=assistant, question="", trial=None)
    trial = await _try(member, inbox, asked.speaker, question)
    reads_nothing = asked.speaker == "myself" and not await _has_query_metadata(member)
    return page(
        request,
        "assistants/trial.html",
        assistant=assistant,
        question=question,
        trial=trial,
        reads_nothing=reads_nothing,
    )


async def _try(member: MemberCtx, inbox: Inbox, speaker: str, question: str) -> Trial:
    if speaker == "myself":
        user_id = UserId(member.caller.id)
        return await try_as_member(
            member.services, member.organization_id, user_id=user_id, inbox=inbox, question=question
        )
    return await try_question(
        member.services,
        member.organization_id,
        contact=anybody(utc_now()),
        inbox=inbox,
        assurance=_ASSURANCES[speaker],
        question=question,
    )


async def _has_query_metadata(member: MemberCtx) -> bool:
    """Tell whether a role of the member opens documents to them; without any, they read nothing as themselves."""
    async with member.db.begin(member.organization_id) as tx:
        return bool(await list_query_metadata_of(tx, UserId(member.caller.id)))
