"""Conversations: who waits, what is said, who it is. Any of the three columns is read again when something changes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from frontdesk.channels.access import list_visible_inboxes
from frontdesk.console.conversation_card import load_card
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, is_fragment, page
from frontdesk.console.thread import STEP, load_thread
from frontdesk.conversations import actions
from frontdesk.conversations.access import access_conversation
from frontdesk.conversations.listing import Labelled, find_labelled
from frontdesk.conversations.model import Conversation
from frontdesk.conversations.queries import list_conversations, list_open_questions
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ConversationId, InboxId, ProfileId
from frontdesk.core.text import utc_now
from frontdesk.identities.queries import find_profile_names
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/conversations"

Viewer = Annotated[MemberCtx, member_needs(Right.CONVERSATIONS_VIEW)]
Replier = Annotated[MemberCtx, member_needs(Right.CONVERSATIONS_REPLY)]


class Wanted(BaseModel):
    """What the address says: which conversations are listed, and how much of the open one is shown."""

    model_config = ConfigDict(frozen=True)

    tab: str = ""  # "waiting", else all
    q: str = Field("", max_length=200)
    inbox: str = ""
    offset: int = Field(0, ge=0, le=10_000_000)
    shown: int = Field(STEP, ge=1, le=2_000)  # messages

    @property
    def inbox_id(self) -> InboxId | None:
        """The platform that is asked for."""
        try:
            return InboxId(UUID(self.inbox))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Row:
    """A conversation in the list."""

    conversation: Conversation
    shown: Labelled
    profiles: list[tuple[ProfileId, str]]
    is_answering: bool


@router.get("/conversations")
async def show_conversations(request: Request, member: Viewer, wanted: Annotated[Wanted, Query()]) -> Response:
    """Show the list beside an empty place; the list alone when only that is asked for."""
    async with member.db.begin(member.organization_id) as tx:
        listed = await _load_list(tx, member, wanted, here="")
    template = "conversations/rows.html" if is_list_only(request, "conversations") else "conversations/page.html"
    return page(request, template, **listed, current=None)


@router.get("/conversations/{conversation_id}")
async def show_conversation(
    request: Request, conversation_id: UUID, member: Viewer, wanted: Annotated[Wanted, Query()]
) -> Response:
    """Show one conversation, which is then read; htmx is given the column that it asks for."""
    return await _show(request, member, ConversationId(conversation_id), wanted)


@router.post("/conversations/{conversation_id}/reply")
async def reply(
    request: Request,
    conversation_id: UUID,
    member: Replier,
    wanted: Annotated[Wanted, Query()],
    content: Annotated[str, Form()] = "",
    takes_over: Annotated[bool, Form()] = False,  # noqa: FBT002 -- which button was pressed
) -> Response:
    """Answer the contact, and take over first if that is asked for. A refused text stays where it was written."""
    conversation = ConversationId(conversation_id)
    try:
        async with member.db.begin(member.organization_id) as tx:
            await access_conversation(tx, member.caller, conversation, Right.CONVERSATIONS_REPLY)
            if takes_over:
                await actions.set_auto_reply(tx, member.caller, conversation, enabled=False)
            await actions.reply(tx, member.caller, conversation, content, now=utc_now())
    except InvalidRequest as error:
        return await _refuse(request, member, conversation, wanted, error, content)
    return await _after(request, member, conversation, wanted)


@router.post("/conversations/{conversation_id}/auto-reply")
async def change_auto_reply(
    request: Request,
    conversation_id: UUID,
    member: Replier,
    wanted: Annotated[Wanted, Query()],
    enabled: Annotated[bool, Form()],
) -> Response:
    """Take over, or hand back to the assistant."""
    conversation = ConversationId(conversation_id)
    async with member.db.begin(member.organization_id) as tx:
        await access_conversation(tx, member.caller, conversation, Right.CONVERSATIONS_REPLY)
        await actions.set_auto_reply(tx, member.caller, conversation, enabled=enabled)
    return await _after(request, member, conversation, wanted)


async def _after(request: Request, member: MemberCtx, conversation_id: ConversationId, wanted: Wanted) -> Response:
    if is_fragment(request):
        return await _show(request, member, conversation_id, wanted)
    return go(request, f"{PATH}/{conversation_id}")


async def _refuse(
    request: Request,
    member: MemberCtx,
    conversation_id: ConversationId,
    wanted: Wanted,
    error: InvalidRequest,
    content: str,
) -> Response:
    if is_fragment(request):
        beside = {"HX-Retarget": "#reply-error", "HX-Reswap": "innerHTML"}
        return page(request, "conversations/error.html", status=error.status, headers=beside, error=error)
    return await _show(request, member, conversation_id, wanted, error=error, content=content)


# --- what is shown ---

_PARTS = {"conversations": "rows.html", "thread": "thread.html", "conversation": "open.html"}


async def _show(
    request: Request,
    member: MemberCtx,
    conversation_id: ConversationId,
    wanted: Wanted,
    *,
    error: InvalidRequest | None = None,
    content: str = "",
) -> Response:
    part = request.headers.get("hx-target", "") if is_fragment(request) else ""
    async with member.db.begin(member.organization_id) as tx:
        context = await _load_open(tx, member, conversation_id, wanted)
        if part != "thread":
            context |= await _load_list(tx, member, wanted, here=f"/{conversation_id}")
        if part not in {"thread", "conversations"}:
            context["card"] = await load_card(tx, member.caller, context["current"])
    template = f"conversations/{_PARTS.get(part, 'page.html')}"
    return page(request, template, status=error.status if error else 200, error=error, content=content, **context)


async def _load_open(tx: Tx, member: MemberCtx, conversation_id: ConversationId, wanted: Wanted) -> dict[str, Any]:
    conversation = await access_conversation(tx, member.caller, conversation_id, Right.CONVERSATIONS_VIEW)
    may_reply = _may_here(member, Right.CONVERSATIONS_REPLY, conversation)
    if may_reply:  # whoever cannot answer leaves it unread for those who can
        await actions.mark_read(tx, conversation)
    return {
        "current": conversation,
        "row": (await _describe(tx, [conversation]))[0],
        "thread": await load_thread(tx, conversation.id, shown=wanted.shown),
        "may_reply": may_reply,
        "may_replay": member.may(Right.KNOWLEDGE_VIEW) and _may_here(member, Right.ACCESS_VIEW_AS, conversation),
        "link": _links(wanted),
        "wanted": wanted,
        "step": STEP,
    }


def _may_here(member: MemberCtx, right: Right, conversation: Conversation) -> bool:
    limit = member.caller.inboxes_for(right)
    return limit is None or conversation.inbox_id in limit


async def _load_list(tx: Tx, member: MemberCtx, wanted: Wanted, *, here: str) -> dict[str, Any]:
    async def find(*, waiting_only: bool, limit: int) -> tuple[int, list[Conversation]]:
        return await list_conversations(
            tx,
            inbox_ids=member.caller.inboxes_for(Right.CONVERSATIONS_VIEW),
            inbox_id=wanted.inbox_id,
            keyword=wanted.q.replace("\x00", ""),
            waiting_only=waiting_only,
            limit=limit,
            offset=wanted.offset,
        )

    is_waiting = wanted.tab == "waiting"
    count, found = await find(waiting_only=is_waiting, limit=PAGE_SIZE)
    other, _ = await find(waiting_only=not is_waiting, limit=0)
    inboxes, _ = await list_visible_inboxes(tx, member.caller)
    return {
        "rows": await _describe(tx, found),
        "count": count,
        "counts": {"": other, "waiting": count} if is_waiting else {"": count, "waiting": other},
        "inboxes": inboxes,
        "link": _links(wanted),
        "address": partial(_links(wanted), here),
        "wanted": wanted,
        "limit": PAGE_SIZE,
    }


async def _describe(tx: Tx, conversations: list[Conversation]) -> list[Row]:
    shown = await find_labelled(tx, [conversation.id for conversation in conversations])
    profiles = await find_profile_names(tx, {conversation.contact_id for conversation in conversations})
    answering = await list_open_questions(tx, [conversation.id for conversation in conversations])
    return [Row(one, shown[one.id], profiles[one.contact_id], one.id in answering) for one in conversations]


def _links(wanted: Wanted) -> Callable[..., str]:
    """Return a function for templates: `link("/" ~ id)` is that conversation beside the same list."""
    said = {"tab": wanted.tab, "q": wanted.q, "inbox": wanted.inbox_id, "offset": wanted.offset}

    def link(place: str = "", **changes: object) -> str:
        return address_of(f"{PATH}{place}", said)(**changes)

    return link
