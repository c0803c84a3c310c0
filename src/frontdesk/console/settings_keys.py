"""API keys: made with rights and inboxes, shown once, revoked."""

from datetime import UTC, date, datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.channels.access import list_visible_inboxes
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.rights import GROUPS, RIGHTS
from frontdesk.console.settings_frame import PATH, settings_page
from frontdesk.core.errors import FrontdeskError, InvalidRequest
from frontdesk.core.ids import ApiKeyId, InboxId
from frontdesk.organizations.access import access_api_key
from frontdesk.organizations.keys import create_api_key, list_api_keys, revoke_api_key
from frontdesk.organizations.model import Right

router = screen_router()

Editor = Annotated[MemberCtx, member_needs(Right.KEYS_EDIT)]


class Written(BaseModel):
    """What stands in the fields of the form for a new key."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    rights: frozenset[str] = frozenset()
    where: str = "all"  # or "some": the inboxes that are ticked
    inboxes: frozenset[UUID] = frozenset()
    until: str = ""  # a day; empty: it does not expire

    @property
    def known_rights(self) -> frozenset[Right]:
        """The rights that are ticked."""
        return frozenset(right for right in Right if right in self.rights)

    @property
    def inbox_ids(self) -> frozenset[InboxId] | None:
        """The limit; None: every inbox."""
        return None if self.where == "all" else frozenset(map(InboxId, self.inboxes))

    @property
    def expires_at(self) -> datetime | None:
        """The end of the day, in UTC. Raises InvalidRequest."""
        if not self.until:
            return None
        try:
            return datetime.combine(date.fromisoformat(self.until), time.max, UTC)
        except ValueError as error:
            raise InvalidRequest("Choose a day.", pointer="/expiresAt") from error


@router.get("/settings/keys")
async def show_keys(request: Request, member: Editor) -> Response:
    """List the keys that are not revoked."""
    async with member.db.begin(member.organization_id) as tx:
        keys = await list_api_keys(tx, member.caller)
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
    names = {inbox.id: inbox.name for inbox in inboxes}
    return settings_page(request, "settings/keys.html", keys=keys, inbox_names=names, right_names=RIGHTS)


@router.get("/settings/keys/new")
async def show_new(request: Request, member: Editor) -> Response:
    """Show the empty form."""
    return await _show_new(request, member, Written())


@router.post("/settings/keys/new")
async def create(request: Request, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Make a key; its secret is in this answer and nowhere else."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            key, secret = await create_api_key(
                tx,
                member.caller,
                name=written.name,
                rights=written.known_rights,
                inbox_ids=written.inbox_ids,
                expires_at=written.expires_at,
            )
    except FrontdeskError as error:
        return await _show_new(request, member, written, error)
    return page(request, "settings/key_made.html", key=key, secret=secret)


async def _show_new(
    request: Request, member: MemberCtx, written: Written, error: FrontdeskError | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
    return page(
        request,
        "settings/key_form.html",
        status=error.status if error else 200,
        written=written,
        inboxes=inboxes,
        groups=GROUPS,
        right_names=RIGHTS,
        offered={right for right in Right if member.may(right) or right is Right.ACT_AS},
        errors=field_errors(error) if error else {},
    )


@router.get("/settings/keys/{key_id}/revoke")
async def ask_revoke(request: Request, key_id: UUID, member: Editor) -> Response:
    """Ask before a key opens nothing any more."""
    async with member.db.begin(member.organization_id) as tx:
        key = await access_api_key(tx, member.caller, ApiKeyId(key_id))
    return page(request, "settings/key_revoke.html", key=key)


@router.post("/settings/keys/{key_id}/revoke")
async def revoke(request: Request, key_id: UUID, member: Editor) -> Response:
    """Revoke a key."""
    async with member.db.begin(member.organization_id) as tx:
        await revoke_api_key(tx, member.caller, ApiKeyId(key_id))
    return go(request, f"{PATH}/keys", flash=look_of(request)._("The API key is revoked."))
