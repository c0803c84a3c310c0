"""Platforms: the list, connecting one, its settings and the code that a page embeds."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.model import Layer
from frontdesk.assistants.model import Assistant
from frontdesk.channels import actions
from frontdesk.channels.access import access_inbox, list_visible_assistants, list_visible_inboxes
from frontdesk.channels.errors import InboxOfAssistant
from frontdesk.channels.model import ChannelType, Inbox, InboxChanges, Realm
from frontdesk.channels.queries import find_own_inboxes, get_realm, list_realms
from frontdesk.console.conditions import Opened, tell
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.samples import render_embed
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import AssistantId, InboxId
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/platforms"

Viewer = Annotated[MemberCtx, member_needs(Right.INBOXES_VIEW)]
Editor = Annotated[MemberCtx, member_needs(Right.INBOXES_EDIT)]


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above every tab of a platform, and what the member may do there."""

    inbox: Inbox
    realm: Realm
    is_own: bool  # of its assistant: made with it, and deleted with it
    may_edit: bool
    may_keep: bool  # say how long contacts are kept


async def load_head(tx: Tx, member: MemberCtx, inbox_id: UUID, right: Right = Right.INBOXES_VIEW) -> Head:
    """Return the platform if the member holds `right` in it. Raises NotFound."""
    inbox = await access_inbox(tx, member.caller, InboxId(inbox_id), right)
    own = await find_own_inboxes(tx, [inbox.assistant_id])
    limit = member.caller.inboxes_for(Right.INBOXES_EDIT)
    return Head(
        inbox,
        await get_realm(tx, inbox.realm_id),
        is_own=own.get(inbox.assistant_id) == inbox,
        may_edit=limit is None or inbox.id in limit,
        may_keep=member.caller.inboxes_for(Right.CONTACTS_CONFIGURE) is None,
    )


# --- the list ---


@dataclass(frozen=True, slots=True)
class Row:
    """One platform in the list."""

    inbox: Inbox
    assistant: str
    realm: str
    visitors: list[Opened]
    members: list[Opened]


@router.get("/platforms")
async def show_platforms(
    request: Request, member: Viewer, offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0
) -> Response:
    """List the platforms with what visitors and members read on each."""
    async with member.db.begin(member.organization_id) as tx:
        inboxes, count = await list_visible_inboxes(tx, member.caller, limit=PAGE_SIZE, offset=offset)
        assistants = {one.id: one.name for one in await _assistants(tx, member)}
        realms = {realm.id: realm.name for realm in await list_realms(tx)}
        rows = [
            Row(
                inbox,
                assistants.get(inbox.assistant_id, ""),
                realms[inbox.realm_id],
                await tell(tx, inbox.visitor_scope, Layer.VISITOR_SCOPE),
                await tell(tx, inbox.member_scope, Layer.MEMBER_SCOPE),
            )
            for inbox in inboxes
        ]
    return page(
        request,
        "platforms/rows.html" if is_list_only(request) else "platforms/list.html",
        rows=rows,
        has_assistant=bool(assistants),
        count=count,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(PATH, {"offset": offset}),
    )


async def _assistants(tx: Tx, member: MemberCtx) -> list[Assistant]:
    assistants, _ = await list_visible_assistants(tx, member.caller)
    return assistants


# --- connect ---


class Connection(BaseModel):
    """What stands in the fields of the form that connects a platform."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    kind: Literal["web", "api"] = "web"
    assistant: str = ""
    people: Literal["shared", "own"] = "shared"


@router.get("/platforms/new")
async def show_connect(request: Request, member: Editor) -> Response:
    """Show the empty form."""
    return await _show_connect(request, member, Connection())


@router.post("/platforms/new")
async def connect(request: Request, member: Editor, written: Annotated[Connection, Form()]) -> Response:
    """Connect an assistant, and go on to who reads what: a new platform opens nothing."""
    changes = InboxChanges(name=written.name, assistant_id=_assistant_id(written.assistant))
    try:
        async with member.db.begin(member.organization_id) as tx:
            inbox, _ = await actions.create_inbox(
                tx,
                member.caller,
                changes,
                channel_type=ChannelType(written.kind),
                has_own_realm=written.people == "own",
            )
    except FrontdeskError as error:
        return await _show_connect(request, member, written, error)
    flash = look_of(request)._("The platform is connected. Now say who reads what.")
    return go(request, f"{PATH}/{inbox.id}/access", flash=flash)


async def _show_connect(
    request: Request, member: MemberCtx, written: Connection, error: FrontdeskError | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        assistants = await _assistants(tx, member)
    return page(
        request,
        "platforms/connect.html",
        status=error.status if error else 200,
        written=written,
        assistants=assistants,
        errors=field_errors(error) if error else {},
    )


# --- settings ---


class Written(BaseModel):
    """What stands in the fields of a platform's settings."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    assistant: str = ""
    allowed_origins: tuple[str, ...] = ()
    greeting: str = ""
    starters: tuple[str, ...] = ()

    def to_changes(self, *, is_web: bool) -> InboxChanges:
        """Return what is to be written; empty rows are left out."""
        changes = InboxChanges(name=self.name, assistant_id=_assistant_id(self.assistant))
        if is_web:
            changes["allowed_origins"] = tuple(filter(str.strip, self.allowed_origins))
            changes["greeting"] = self.greeting
            changes["starters"] = tuple(filter(str.strip, self.starters))
        return changes


@router.get("/platforms/{inbox_id}")
async def show_platform(request: Request, inbox_id: UUID, member: Viewer) -> Response:
    """Show the code to embed, and the settings."""
    async with member.db.begin(member.organization_id) as tx:
        context = await _load(tx, member, inbox_id)
    return page(request, "platforms/settings.html", written=_written(context["head"].inbox), errors={}, **context)


@router.post("/platforms/{inbox_id}")
async def save(request: Request, inbox_id: UUID, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Write the settings; pages that have the chat open see them at the next opening."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            inbox = await access_inbox(tx, member.caller, InboxId(inbox_id), Right.INBOXES_EDIT)
            changes = written.to_changes(is_web=inbox.channel_type is ChannelType.WEB)
            await actions.update_inbox(tx, member.caller, inbox.id, changes)
    except NotFound:
        raise
    except FrontdeskError as error:
        async with member.db.begin(member.organization_id) as tx:
            context = await _load(tx, member, inbox_id)
        errors = field_errors(error)
        return page(request, "platforms/settings.html", status=error.status, written=written, errors=errors, **context)
    return go(request, f"{PATH}/{inbox_id}", flash=look_of(request)._("The platform is saved."))


async def _load(tx: Tx, member: MemberCtx, inbox_id: UUID) -> dict[str, Any]:
    head = await load_head(tx, member, inbox_id)
    return {
        "head": head,
        "tab": "settings",
        "assistants": await _assistants(tx, member),
        "embed": render_embed(member.services.public_url, head.inbox),
    }


def _written(inbox: Inbox) -> Written:
    return Written(
        name=inbox.name,
        assistant=str(inbox.assistant_id),
        allowed_origins=inbox.allowed_origins,
        greeting=inbox.greeting,
        starters=inbox.starters,
    )


def _assistant_id(text: str) -> AssistantId:
    """Return the id in a field; one that nobody has, when it is none."""
    try:
        return AssistantId(UUID(text))
    except ValueError:
        return AssistantId(UUID(int=0))


# --- delete ---


@router.get("/platforms/{inbox_id}/delete")
async def ask_delete(request: Request, inbox_id: UUID, member: Editor) -> Response:
    """Ask before a platform is disconnected."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
    return page(request, "platforms/delete.html", head=head, error=None)


@router.post("/platforms/{inbox_id}/delete")
async def delete(request: Request, inbox_id: UUID, member: Editor) -> Response:
    """Disconnect the platform; conversations stay."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
            await actions.delete_inbox(tx, member.caller, head.inbox.id)
    except InboxOfAssistant as error:
        return page(request, "platforms/delete.html", status=error.status, head=head, error=error)
    return go(request, PATH, flash=look_of(request)._("The platform is disconnected."))
