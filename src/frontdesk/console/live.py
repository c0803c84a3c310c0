"""`/console/live`: tells open pages what changed, by id; what it says is read through the pages themselves."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, find_session, member_needs
from frontdesk.core.live import Event
from frontdesk.core.text import dump_json
from frontdesk.organizations.model import Caller, Right

router = screen_router()

_RIGHTS = {
    "contact": Right.CONTACTS_VIEW,
    "conversation": Right.CONVERSATIONS_VIEW,
    "document": Right.KNOWLEDGE_VIEW,
    "import": Right.CONTACTS_IMPORT,
    "export": Right.CONTACTS_EXPORT,
}
_HEARTBEAT_SECONDS = 25.0


@router.get("/live")
async def listen(request: Request, member: Annotated[MemberCtx, member_needs()]) -> Response:
    """Stream events of the topics that the member may view, for as long as the session holds."""
    return StreamingResponse(
        _events(request, member), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(request: Request, member: MemberCtx) -> AsyncIterator[bytes]:
    caller: Caller | None = member.caller
    live = member.services.live
    async with live.subscribe(member.organization_id) as events:
        yield b": listening\n\n"
        while caller is not None and not live.is_ending:
            try:
                event = await asyncio.wait_for(events.get(), _HEARTBEAT_SECONDS)
            except TimeoutError:
                yield b": still here\n\n"
                caller = await _find_caller(request, member)
                continue
            if may_hear(caller, event):
                yield _render(event)


def may_hear(caller: Caller, event: Event) -> bool:
    """Tell whether the caller may know that something of this kind changed."""
    right = _RIGHTS.get(event.topic)
    return right is not None and caller.may(right)


async def _find_caller(request: Request, member: MemberCtx) -> Caller | None:
    """Return the caller with the rights of now; None when the session ended or moved to another organization."""
    session = await find_session(request)
    if session is None or session.caller is None or session.caller.organization_id != member.organization_id:
        return None
    return session.caller


def _render(event: Event) -> bytes:
    data = dump_json({"id": str(event.id), "subject": str(event.subject) if event.subject else None})
    return f"event: {event.topic}\ndata: {data}\n\n".encode()
