"""Contacts: the list."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response

from frontdesk.channels.access import list_visible_inboxes
from frontdesk.channels.model import Inbox
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import page
from frontdesk.core.db import Tx
from frontdesk.core.ids import InboxId
from frontdesk.core.wire import Paging
from frontdesk.identities.listing import ContactFilters, Kind, Order, list_contacts
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/contacts"
LANGUAGES = ("zh-Hant", "zh-Hans", "en", "ja", "ko", "vi", "th", "id", "fr", "de", "es", "pt", "it")


# --- the list ---


@router.get("/contacts")
async def show_contacts(
    request: Request,
    member: Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW)],
    q: str = "",
    kind: str = "",
    inbox: str = "",
    order: Order = Order.LAST_SEEN,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """Show one page of the contacts that match; htmx is given the rows alone."""
    wanted = _KINDS.get(kind)
    platform = _read_id(inbox)
    filters = ContactFilters(
        query=q, kind=wanted, inbox_ids=None if platform is None else (InboxId(platform),), order=order
    )
    async with member.db.begin(member.organization_id) as tx:
        found = await list_contacts(tx, member.caller, filters, Paging(PAGE_SIZE, offset))
        inboxes = await _inboxes(tx, member)
    said = {
        "q": q,
        "kind": wanted or "",
        "inbox": platform or "",
        "order": "" if order is Order.LAST_SEEN else order.value,
    }
    address = address_of(PATH, {**said, "offset": offset})
    return page(
        request,
        "contacts/rows.html" if is_list_only(request) else "contacts/list.html",
        headers={"HX-Push-Url": address()},  # shorter than what a form sends
        found=found,
        filters=said,
        order=order.value,
        offset=offset,
        limit=PAGE_SIZE,
        address=address,
        inboxes=inboxes,
    )


_KINDS: dict[str, Kind] = {"known": "known", "anonymous": "anonymous"}


async def _inboxes(tx: Tx, member: MemberCtx) -> list[Inbox]:
    inboxes, _ = await list_visible_inboxes(tx, member.caller)
    return inboxes


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
