"""Trying an assistant: the answer that somebody would be given, with its sources."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.model import Assurance
from frontdesk.answers.trying import try_question
from frontdesk.channels.access import access_assistant, list_visible_inboxes
from frontdesk.console.assistants import Viewer
from frontdesk.console.faults import screen_router
from frontdesk.console.pages import page
from frontdesk.contacts.model import anybody
from frontdesk.conversations.model import MAX_CONTENT
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import AssistantId
from frontdesk.core.text import utc_now
from frontdesk.organizations.model import Right

router = screen_router()

_ASSURANCES = {"visitor": Assurance.ANONYMOUS, "member": Assurance.SIGNED}


class Asked(BaseModel):
    """A question, on which platform it is asked, and how the asker is proven there."""

    model_config = ConfigDict(frozen=True)

    question: str = ""
    inbox: UUID
    speaker: Literal["visitor", "member"] = "visitor"


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
    trial = await try_question(
        member.services,
        member.organization_id,
        contact=anybody(utc_now()),
        inbox=inbox,
        assurance=_ASSURANCES[asked.speaker],
        question=question,
    )
    return page(request, "assistants/trial.html", assistant=assistant, question=question, trial=trial)
