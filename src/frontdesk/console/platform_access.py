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
from frontdesk.console.labelling import list_all_labels
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.platforms import PATH, Editor, Viewer, load_head
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.knowledge.search import count_permitted
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


@dataclass(frozen=True, slots=True)
class Choice:
    """A knowledge base of the assistant with its labels, to be ticked."""

    id: KnowledgeBaseId
    name: str
    labels: Sequence[tuple[LabelId, str]]


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
    """Say what the text would open, before it is saved."""
    view, error = await _try(member, inbox_id, which, text)
    lines = conditions.mark_refused(text, error) if error else ()
    return page(request, "platforms/scope_preview.html", view=view, unread=error, lines=lines)


async def _show_form(
    request: Request, member: MemberCtx, inbox_id: UUID, which: Which, text: str, error: FrontdeskError | None = None
) -> Response:
    view, unread = await _try(member, inbox_id, which, text)
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
        choices = await _list_choices(tx, head.inbox)
    return page(
        request,
        "platforms/scope_form.html",
        status=error.status if error else 200,
        head=head,
        which=which,
        text=text,
        choices=choices,
        view=view,
        unread=unread or (error if isinstance(error, InvalidQueryMetadata) else None),
        error=None if isinstance(error, InvalidQueryMetadata) else error,
        lines=conditions.mark_refused(text, unread) if unread else (),
    )


async def _try(
    member: MemberCtx, inbox_id: UUID, which: Which, text: str
) -> tuple[ScopeView | None, InvalidQueryMetadata | None]:
    """Return what the text would be, or why it cannot be read. Raises NotFound."""
    async with member.db.begin(member.organization_id) as tx:
        inbox = (await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)).inbox
        try:
            changed = replace(inbox, **_changes(which, conditions.read_field(text)))
            return await _look(tx, member, changed, which), None
        except InvalidQueryMetadata as error:
            error.pointer = (error.pointer or "").removeprefix(_FIELDS[which].pointer) or None
            return None, error


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


async def _list_choices(tx: Tx, inbox: Inbox) -> list[Choice]:
    bases = (await find_base_names(tx, [inbox.assistant_id]))[inbox.assistant_id]
    return [
        Choice(base.id, base.name, [(label.id, label.name) for label in await list_all_labels(tx, base.id)])
        for base in bases
    ]


def _changes(which: Which, raw: dict[str, Any] | None) -> InboxChanges:
    changes: dict[Which, InboxChanges] = {
        "visitors": {"visitor_scope": raw},
        "members": {"member_scope": raw},
        "everybody": {"query_metadata": raw},
    }
    return changes[which]
