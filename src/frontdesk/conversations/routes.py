"""REST: conversations. Messages and completions are in `answers/routes.py`, which sees citations."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from frontdesk.channels import access as inboxes
from frontdesk.contacts import access as contacts
from frontdesk.contacts import actions as cards
from frontdesk.conversations import actions, queries
from frontdesk.conversations.access import access_conversation
from frontdesk.conversations.bodies import ConversationOut, ConversationPage, conversation_out
from frontdesk.conversations.listing import find_labelled
from frontdesk.conversations.model import Conversation
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden
from frontdesk.core.ids import ContactId, ConversationId, InboxId
from frontdesk.core.text import utc_now
from frontdesk.core.wire import LenientModel, Paging, WireModel, page_of, paging, reply
from frontdesk.identities.queries import resolve_contact_id
from frontdesk.identities.source_ids import keep_survivor
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["conversations"])

View = Annotated[Ctx, needs(Right.CONVERSATIONS_VIEW)]
Reply = Annotated[Ctx, needs(Right.CONVERSATIONS_REPLY)]
Paged = Annotated[Paging, Depends(paging)]


class OpenConversationBody(LenientModel):
    """Open a conversation in a web chat, for a contact or for a new anonymous one."""

    web_chat: str
    contact: ContactId | None = None


class AutoReplyBody(WireModel):
    """Whether the assistant answers."""

    auto_reply_enabled: bool


@router.post("/conversations", status_code=201, response_model=ConversationOut)
async def open_conversation(request: Request, ctx: Reply, body: OpenConversationBody) -> Response:
    """Open a conversation. For a given contact the key needs `act-as`. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        inbox = await inboxes.access_inbox_by_public_id(tx, ctx.caller, body.web_chat, Right.CONVERSATIONS_REPLY)
        now = utc_now()
        if body.contact is None:
            contact_id = await cards.create_anonymous(tx, inbox.id, now=now)
        else:
            if not ctx.caller.may(Right.ACT_AS):
                raise Forbidden(facts={"right": Right.ACT_AS.value})
            contact = await contacts.access_contact(
                tx, ctx.caller, await keep_survivor(tx, body.contact), Right.CONTACTS_VIEW
            )
            contact_id = contact.id
        conversation = await queries.insert_conversation(tx, contact_id, inbox.id, now=now)
        return reply(request, (await render(tx, [conversation]))[0], status=201)


@router.get("/conversations", response_model=ConversationPage)
async def list_conversations(
    request: Request,
    ctx: View,
    paged: Paged,
    inbox: InboxId | None = None,
    contact: ContactId | None = None,
    keyword: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """List the conversations of the caller's inboxes, the latest first."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        count, rows = await queries.list_conversations(
            tx,
            inbox_ids=ctx.caller.inboxes_for(Right.CONVERSATIONS_VIEW),
            inbox_id=inbox,
            contact_id=await resolve_contact_id(tx, contact) if contact else None,
            keyword=keyword,
            limit=paged.limit,
            offset=paged.offset,
        )
        return reply(request, page_of(request, paged, count, await render(tx, rows)))


@router.get("/conversations/{conversation_id}", response_model=ConversationOut)
async def get_conversation(request: Request, ctx: View, conversation_id: ConversationId) -> Response:
    """Return one conversation. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        conversation = await access_conversation(tx, ctx.caller, conversation_id, Right.CONVERSATIONS_VIEW)
        return reply(request, (await render(tx, [conversation]))[0])


@router.patch("/conversations/{conversation_id}/update-auto-reply", response_model=ConversationOut)
async def update_auto_reply(
    request: Request, ctx: Reply, conversation_id: ConversationId, body: AutoReplyBody
) -> Response:
    """Let the assistant answer, or take over. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_conversation(tx, ctx.caller, conversation_id, Right.CONVERSATIONS_REPLY)
        await actions.set_auto_reply(tx, ctx.caller, conversation_id, enabled=body.auto_reply_enabled)
        return reply(request, (await render(tx, [await queries.get_conversation(tx, conversation_id)]))[0])


@router.get("/contacts/{contact_id}/conversations", response_model=ConversationPage)
async def list_conversations_of(
    request: Request,
    ctx: View,
    paged: Paged,
    contact_id: ContactId,
    keyword: Annotated[str, Query(max_length=200)] = "",
    inboxes: InboxId | None = None,
) -> Response:
    """List a contact's conversations, the latest first. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        survivor = await resolve_contact_id(tx, contact_id)
        await contacts.access_contact(tx, ctx.caller, survivor, Right.CONVERSATIONS_VIEW)
        count, rows = await queries.list_conversations(
            tx,
            inbox_ids=ctx.caller.inboxes_for(Right.CONVERSATIONS_VIEW),
            inbox_id=inboxes,
            contact_id=survivor,
            keyword=keyword,
            limit=paged.limit,
            offset=paged.offset,
        )
        return reply(request, page_of(request, paged, count, await render(tx, rows)))


@router.get("/contacts/{contact_id}/conversations/latest", response_model=ConversationOut)
async def get_latest_conversation(request: Request, ctx: View, contact_id: ContactId) -> Response:
    """Return a contact's latest conversation. Problems: `not-found`, also when there is none."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        survivor = await resolve_contact_id(tx, contact_id)
        await contacts.access_contact(tx, ctx.caller, survivor, Right.CONVERSATIONS_VIEW)
        conversation = await queries.get_latest(
            tx, survivor, inbox_ids=ctx.caller.inboxes_for(Right.CONVERSATIONS_VIEW)
        )
        return reply(request, (await render(tx, [conversation]))[0])


async def render(tx: Tx, rows: list[Conversation]) -> list[ConversationOut]:
    """Return conversations as the API shows them."""
    labelled = await find_labelled(tx, [row.id for row in rows])
    return [
        conversation_out(
            row,
            contact_name=labelled[row.id].contact_name,
            inbox_name=labelled[row.id].inbox_name,
            last_content=labelled[row.id].last_content,
        )
        for row in rows
    ]
