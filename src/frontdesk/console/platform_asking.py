"""How the enterprise of a platform is asked who somebody is: the settings of its mode `introspect`."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.platform_keys import list_claimable
from frontdesk.console.platforms import PATH, Editor, load_head
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import InboxId, ProfileId
from frontdesk.identities.introspection import Introspection, IntrospectionSpec, get_introspection, set_introspection
from frontdesk.organizations.model import Right

router = screen_router()


class Asking(BaseModel):
    """What stands in the fields of the form. The secret is never shown: empty, it stays as it is."""

    model_config = ConfigDict(frozen=True)

    endpoint: str = ""
    client_id: str = ""
    client_secret: str = ""
    audiences: tuple[str, ...] = ()
    profiles: frozenset[UUID] = frozenset()
    may_narrow: bool = False

    def to_spec(self, former: Introspection | None, *, may_allow: bool) -> IntrospectionSpec:
        """Return what the member decided; who may not say what may be claimed leaves that as it is."""
        allowed = tuple(map(ProfileId, self.profiles))
        narrows = self.may_narrow
        if not may_allow:
            allowed, narrows = (tuple(former.allowed_profiles), former.may_narrow) if former else ((), False)
        audiences = tuple(filter(str.strip, self.audiences))
        return IntrospectionSpec(
            self.endpoint, self.client_id, self.client_secret or None, audiences, allowed, may_narrow=narrows
        )


@router.get("/platforms/{inbox_id}/asking")
async def show_asking(request: Request, inbox_id: UUID, member: Editor) -> Response:
    """Show how the enterprise is asked, without the secret."""
    async with member.db.begin(member.organization_id) as tx:
        await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
        asked = await get_introspection(tx, member.caller, InboxId(inbox_id))
    written = Asking()
    if asked is not None:
        written = Asking(
            endpoint=asked.endpoint,
            client_id=asked.client_id,
            audiences=asked.audiences,
            profiles=frozenset(asked.allowed_profiles),
            may_narrow=asked.may_narrow,
        )
    return await _show(request, member, inbox_id, written)


@router.post("/platforms/{inbox_id}/asking")
async def save_asking(request: Request, inbox_id: UUID, member: Editor, written: Annotated[Asking, Form()]) -> Response:
    """Write how the enterprise is asked; sessions that rest on what was before end."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
            former = await get_introspection(tx, member.caller, head.inbox.id)
            spec = written.to_spec(former, may_allow=member.may(Right.PROFILES_EDIT))
            await set_introspection(tx, member.caller, member.services.cipher, head.inbox.id, spec)
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show(request, member, inbox_id, written, error)
    return go(request, f"{PATH}/{inbox_id}/identity", flash=look_of(request)._("The platform is saved."))


async def _show(
    request: Request, member: MemberCtx, inbox_id: UUID, written: Asking, error: FrontdeskError | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
        asked = await get_introspection(tx, member.caller, head.inbox.id)
        profiles = await list_claimable(tx, member)
    return page(
        request,
        "platforms/asking.html",
        status=error.status if error else 200,
        head=head,
        written=written,
        has_secret=asked is not None,
        profiles=profiles,
        errors=field_errors(error) if error else {},
    )
