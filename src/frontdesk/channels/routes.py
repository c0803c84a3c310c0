"""`inboxes/` and `web-chats/`: platforms, and the web ones as pages see them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from frontdesk.channels import actions
from frontdesk.channels.access import access_inbox, access_web_chat, list_visible_inboxes
from frontdesk.channels.bodies import (
    ChangeInboxBody,
    ChangeWebChatBody,
    CreateInboxBody,
    CreateWebChatBody,
    InboxBody,
    InboxPage,
    WebChatBody,
    WebChatPage,
    render_inbox,
    render_web_chat,
    within_channel,
)
from frontdesk.channels.model import ChannelType
from frontdesk.core.ids import AssistantId, InboxId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["platforms"])


@router.get("/inboxes", response_model=InboxPage)
async def list_inboxes(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.INBOXES_VIEW)],
    paging: Annotated[Paging, Depends(paging)],
    channel_type: Annotated[ChannelType | None, Query(alias="channelType")] = None,
    chatbot: Annotated[UUID | None, Query()] = None,
) -> Response:
    """List the caller's inboxes by name."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        inboxes, count = await list_visible_inboxes(
            tx,
            ctx.caller,
            channel_type=channel_type,
            assistant_id=AssistantId(chatbot) if chatbot else None,
            limit=paging.limit,
            offset=paging.offset,
        )
    return reply(request, page_of(request, paging, count, [render_inbox(inbox) for inbox in inboxes]))


@router.post("/inboxes", response_model=InboxBody, status_code=201)
async def create_inbox(
    request: Request, body: CreateInboxBody, ctx: Annotated[Ctx, needs(Right.INBOXES_EDIT)]
) -> Response:
    """Connect an assistant to a channel. Problems: `invalid-query-metadata`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        with within_channel():
            inbox, warnings = await actions.create_inbox(
                tx,
                ctx.caller,
                body.to_changes(),
                channel_type=ChannelType(body.channel_type),
                has_own_realm=body.own_realm,
            )
    return reply(request, render_inbox(inbox, warnings), status=201)


@router.get("/inboxes/{inbox_id}", response_model=InboxBody)
async def get_inbox(request: Request, inbox_id: UUID, ctx: Annotated[Ctx, needs(Right.INBOXES_VIEW)]) -> Response:
    """Return one inbox. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        inbox = await access_inbox(tx, ctx.caller, InboxId(inbox_id), Right.INBOXES_VIEW)
    return reply(request, render_inbox(inbox))


@router.put("/inboxes/{inbox_id}", response_model=InboxBody)
@router.patch("/inboxes/{inbox_id}", response_model=InboxBody)
async def update_inbox(
    request: Request, inbox_id: UUID, body: ChangeInboxBody, ctx: Annotated[Ctx, needs(Right.INBOXES_EDIT)]
) -> Response:
    """Change what is sent. Problems: `not-found`, `invalid-query-metadata`, `inbox-of-assistant`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        with within_channel():
            inbox, warnings = await actions.update_inbox(tx, ctx.caller, InboxId(inbox_id), body.to_changes())
    return reply(request, render_inbox(inbox, warnings))


@router.delete("/inboxes/{inbox_id}", status_code=204)
async def delete_inbox(inbox_id: UUID, ctx: Annotated[Ctx, needs(Right.INBOXES_EDIT)]) -> None:
    """Disconnect the inbox; its conversations stay. Problems: `not-found`, `inbox-of-assistant`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await actions.delete_inbox(tx, ctx.caller, InboxId(inbox_id))


@router.get("/web-chats", response_model=WebChatPage)
async def list_web_chats(
    request: Request, ctx: Annotated[Ctx, needs(Right.INBOXES_VIEW)], paging: Annotated[Paging, Depends(paging)]
) -> Response:
    """List the caller's web chats by name."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        inboxes, count = await list_visible_inboxes(
            tx, ctx.caller, channel_type=ChannelType.WEB, limit=paging.limit, offset=paging.offset
        )
    return reply(request, page_of(request, paging, count, [render_web_chat(inbox) for inbox in inboxes]))


@router.post("/web-chats", response_model=WebChatBody, status_code=201)
async def create_web_chat(
    request: Request, body: CreateWebChatBody, ctx: Annotated[Ctx, needs(Right.INBOXES_EDIT)]
) -> Response:
    """Connect an assistant to a website. Problems: `invalid-query-metadata`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        inbox, warnings = await actions.create_inbox(
            tx, ctx.caller, body.to_changes(), channel_type=ChannelType.WEB, has_own_realm=body.own_realm
        )
    return reply(request, render_web_chat(inbox, warnings), status=201)


@router.get("/web-chats/{web_chat_id}", response_model=WebChatBody)
async def get_web_chat(request: Request, web_chat_id: UUID, ctx: Annotated[Ctx, needs(Right.INBOXES_VIEW)]) -> Response:
    """Return one web chat. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        inbox = await access_web_chat(tx, ctx.caller, web_chat_id, Right.INBOXES_VIEW)
    return reply(request, render_web_chat(inbox))


@router.put("/web-chats/{web_chat_id}", response_model=WebChatBody)
@router.patch("/web-chats/{web_chat_id}", response_model=WebChatBody)
async def update_web_chat(
    request: Request, web_chat_id: UUID, body: ChangeWebChatBody, ctx: Annotated[Ctx, needs(Right.INBOXES_EDIT)]
) -> Response:
    """Change what is sent. Problems: `not-found`, `invalid-query-metadata`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await access_web_chat(tx, ctx.caller, web_chat_id, Right.INBOXES_EDIT)
        inbox, warnings = await actions.update_inbox(tx, ctx.caller, found.id, body.to_changes())
    return reply(request, render_web_chat(inbox, warnings))


@router.delete("/web-chats/{web_chat_id}", status_code=204)
async def delete_web_chat(web_chat_id: UUID, ctx: Annotated[Ctx, needs(Right.INBOXES_EDIT)]) -> None:
    """Disconnect the web chat; its conversations stay. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await access_web_chat(tx, ctx.caller, web_chat_id, Right.INBOXES_EDIT)
        await actions.delete_inbox(tx, ctx.caller, found.id)
