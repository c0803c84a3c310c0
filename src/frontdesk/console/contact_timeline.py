"""What happened with a contact, the newest first: conversations, and what was changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response

from frontdesk.channels.queries import list_inboxes
from frontdesk.console.audit import Story, name_ids, tell
from frontdesk.console.contact import Head, load_head
from frontdesk.console.contacts import PATH
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import page
from frontdesk.conversations.model import Conversation
from frontdesk.conversations.queries import list_conversations
from frontdesk.core.db import Tx
from frontdesk.organizations.audit import list_audit_of_contact
from frontdesk.organizations.model import Right

router = screen_router()

_DEEPEST = 5_000  # each page is cut from all that is newer


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry: a conversation, under the time of its last message, or a change."""

    at: datetime
    conversation: Conversation | None = None
    story: Story | None = None


@router.get("/contacts/{contact_id}/timeline")
async def show_timeline(
    request: Request,
    contact_id: UUID,
    member: Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW)],
    offset: Annotated[int, Query(ge=0, le=_DEEPEST)] = 0,
) -> Response:
    """Show one page; conversations and changes only to members who may see them."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        moments, count = await _load(tx, member, head, upto=offset + PAGE_SIZE)
        inboxes, _ = await list_inboxes(tx, [inbox.inbox_id for inbox in head.view.inboxes])
    return page(
        request,
        "contact/timeline_rows.html" if is_list_only(request) else "contact/timeline.html",
        head=head,
        tab="timeline",
        moments=moments[offset:],
        inboxes={inbox.id: inbox for inbox in inboxes},
        count=min(count, _DEEPEST + PAGE_SIZE),
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(f"{PATH}/{contact_id}/timeline", {"offset": offset}),
    )


async def _load(tx: Tx, member: MemberCtx, head: Head, *, upto: int) -> tuple[list[Moment], int]:
    """Return the newest `upto` moments and how many there are."""
    moments: list[Moment] = []
    count = 0
    contact_id = head.view.contact.id
    if member.may(Right.CONVERSATIONS_VIEW):
        count, found = await list_conversations(
            tx,
            inbox_ids=member.caller.inboxes_for(Right.CONVERSATIONS_VIEW),
            contact_id=contact_id,
            limit=upto,
        )
        moments += [Moment(one.last_message_at or one.created_at, conversation=one) for one in found]
    if head.may_see_audit:
        inbox_ids = frozenset(inbox.inbox_id for inbox in head.view.inboxes)
        log = await list_audit_of_contact(tx, member.caller, contact_id, inbox_ids, limit=upto)
        names = name_ids(head.view)
        moments += [Moment(entry.at, story=tell(entry, names)) for entry in log.entries]
        count += log.count
    moments.sort(key=lambda moment: moment.at, reverse=True)
    return moments[:upto], count
