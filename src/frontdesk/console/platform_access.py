"""Who reads what on a platform: visitors, proven members, and a limit for everybody; counted before it is saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import KnowledgeBase, Layer, Scope, all_of, any_of
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.warnings import AccessWarning
from frontdesk.assistants.queries import find_base_names, get_assistant
from frontdesk.channels.actions import review_inbox, update_inbox
from frontdesk.channels.model import Inbox, InboxChanges
from frontdesk.console import conditions
from frontdesk.console.conditions import Opened
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.platforms import PATH, Editor, Viewer, load_head
from frontdesk.console.query_builder import Asks, load_offer, show_preview, try_text
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.knowledge.search import count_permitted
from frontdesk.lifecycle.what_if import WhatIf, preview_inbox
from frontdesk.organizations.model import Right

router = screen_router()

Which = Literal["visitors", "members", "everybody"]


@dataclass(frozen=True, slots=True)
class _Field:
    name: Literal["visitor_scope", "member_scope", "query_metadata"]
    pointer: str
    layer: Layer


_FIELDS: Mapping[Which, _Field] = {
    "visitors": _Field("visitor_scope", "/visitorScope", Layer.VISITOR_SCOPE),
    "members": _Field("member_scope", "/memberScope", Layer.MEMBER_SCOPE),
    "everybody": _Field("query_metadata", "/queryMetadata", Layer.INBOX),
}


@dataclass(frozen=True, slots=True)
class ScopeView:
    """One of the three, as it is shown: what it says, how much it opens, and what in it is probably not meant."""

    which: Which
    raw: dict[str, Any] | None
    told: Sequence[Opened]
    readable: int  # documents of the assistant; for everybody: those that are left
    whole: int
    warnings: Sequence[AccessWarning]


@router.get("/platforms/{inbox_id}/access")
async def show_access(request: Request, inbox_id: UUID, member: Viewer) -> Response:
    """Show what visitors and members read, and what nobody reads more than."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id)
        views = [await _look(tx, member, head.inbox, which) for which in _FIELDS]
        assistant = await get_assistant(tx, head.inbox.assistant_id)
    return page(request, "platforms/access.html", head=head, tab="access", views=views, assistant=assistant)


@router.get("/platforms/{inbox_id}/access/{which}")
async def show_edit(request: Request, inbox_id: UUID, which: Which, member: Editor) -> Response:
    """Show one of the three in a form."""
    async with member.db.begin(member.organization_id) as tx:
        inbox = (await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)).inbox
    raw = getattr(inbox, _FIELDS[which].name)
    text = "" if raw is None else conditions.write_field(raw)
    return await _show_form(request, member, inbox_id, which, text)


@router.post("/platforms/{inbox_id}/access/{which}")
async def save(
    request: Request, inbox_id: UUID, which: Which, member: Editor, text: Annotated[str, Form()] = ""
) -> Response:
    """Write one of the three; it counts from the next message on."""
    try:
        raw = conditions.read_field(text)
        async with member.db.begin(member.organization_id) as tx:
            inbox = (await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)).inbox
            await update_inbox(tx, member.caller, inbox.id, _changes(which, raw))
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_form(request, member, inbox_id, which, text, error)
    return go(
        request, f"{PATH}/{inbox_id}/access", flash=look_of(request)._("Saved. It counts from the next message on.")
    )


@router.post("/platforms/{inbox_id}/access/{which}/check")
async def check(
    request: Request, inbox_id: UUID, which: Which, member: Editor, text: Annotated[str, Form()] = ""
) -> Response:
    """Say what the text would open, and who would read what, before it is saved."""
    async with member.db.begin(member.organization_id) as tx:
        inbox = (await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)).inbox
        offer = await load_offer(tx, member, [inbox])
    return await show_preview(request, member, text, _FIELDS[which].layer, offer, _ask(member, inbox, which))


def _ask(member: MemberCtx, inbox: Inbox, which: Which) -> Asks:
    async def ask(tx: Tx, raw: dict[str, Any] | None) -> WhatIf:
        return await preview_inbox(tx, member.caller, inbox.id, _changes(which, raw))

    return ask


async def _show_form(
    request: Request, member: MemberCtx, inbox_id: UUID, which: Which, text: str, error: FrontdeskError | None = None
) -> Response:
    layer = _FIELDS[which].layer
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
        offer = await load_offer(tx, member, [head.inbox])
        preview, unread = await try_text(tx, member, text, layer, offer)
    return page(
        request,
        "platforms/scope_form.html",
        status=error.status if error else 200,
        head=head,
        which=which,
        text=text,
        layer=layer.name,
        offer=offer,
        preview=preview,
        unread=unread,
        error=None if isinstance(error, InvalidQueryMetadata) else error,
        lines=conditions.mark_refused(text, unread) if unread else (),
        vendor_faqs=member.organization.vendor_faq_reading,
    )


async def _look(tx: Tx, member: MemberCtx, inbox: Inbox, which: Which) -> ScopeView:
    """Raise InvalidQueryMetadata when it cannot be read."""
    field = _FIELDS[which]
    raw = getattr(inbox, field.name)
    warnings = [one for one in await review_inbox(tx, inbox) if one.pointer.startswith(field.pointer)]
    whole = await _whole(tx, inbox)
    read = parse_query_metadata(raw, layer=field.layer, vendor_faq_reading=member.organization.vendor_faq_reading).scope
    closed = read is None and which != "everybody"
    readable = 0 if closed else await count_permitted(tx, whole if read is None else all_of(whole, read))
    told = await conditions.tell(tx, raw, field.layer)
    shown = [replace(one, pointer=one.pointer.removeprefix(field.pointer)) for one in warnings]
    return ScopeView(which, raw, told, readable, await count_permitted(tx, whole), shown)


async def _whole(tx: Tx, inbox: Inbox) -> Scope:
    bases = (await find_base_names(tx, [inbox.assistant_id]))[inbox.assistant_id]
    return any_of(*(KnowledgeBase(base.id) for base in bases))


def _changes(which: Which, raw: dict[str, Any] | None) -> InboxChanges:
    changes: dict[Which, InboxChanges] = {
        "visitors": {"visitor_scope": raw},
        "members": {"member_scope": raw},
        "everybody": {"query_metadata": raw},
    }
    return changes[which]
