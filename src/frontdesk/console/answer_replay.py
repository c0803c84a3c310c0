"""Replaying an answer: what its question would be answered from by the rules of now, beside the receipt."""

from typing import Annotated
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response

from frontdesk.answers.errors import NotReplayable
from frontdesk.answers.replaying import replay
from frontdesk.console.conversations import PATH
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import page
from frontdesk.core.ids import MessageId
from frontdesk.organizations.model import Right

router = screen_router()

Replayer = Annotated[MemberCtx, member_needs(Right.ACCESS_VIEW_AS)]


@router.post("/conversations/{conversation_id}/answers/{message_id}/replay")
async def replay_answer(request: Request, conversation_id: UUID, message_id: UUID, member: Replayer) -> Response:
    """Search again as the same person, and show what differs. Audited."""
    found = error = None
    try:
        found = await replay(member.services, member.caller, MessageId(message_id))
    except NotReplayable as refused:
        error = refused
    return page(
        request,
        "conversations/replay.html",
        status=error.status if error else 200,
        found=found,
        error=error,
        back=f"{PATH}/{conversation_id}",
    )
