"""Addresses at which the enterprise publishes its keys: added, limited, looked at again and revoked."""

from datetime import timedelta
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
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import ProfileId
from frontdesk.core.text import utc_now
from frontdesk.identities import key_sets
from frontdesk.identities.key_sets import KeySet, KeySetSpec
from frontdesk.identities.proving import Prover
from frontdesk.organizations.model import Right

router = screen_router()


class NewKeySet(BaseModel):
    """What stands in the fields of the form for a new address."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    issuer: str = ""
    address: str = ""
    profiles: frozenset[UUID] = frozenset()
    may_narrow: bool = False

    def to_spec(self) -> KeySetSpec:
        """Return what the member decided."""
        return KeySetSpec(self.name, self.issuer, self.address, tuple(map(ProfileId, self.profiles)), self.may_narrow)


@router.get("/platforms/{inbox_id}/key-sets/new")
async def show_new(request: Request, inbox_id: UUID, member: Editor) -> Response:
    """Show the empty form."""
    return await _show_new(request, member, inbox_id, NewKeySet())


@router.post("/platforms/{inbox_id}/key-sets/new")
async def create(request: Request, inbox_id: UUID, member: Editor, written: Annotated[NewKeySet, Form()]) -> Response:
    """Add an address, and fetch what stands there."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
            await key_sets.add_key_set(tx, member.caller, head.realm.id, written.to_spec())
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_new(request, member, inbox_id, written, error)
    await _fetch(request, member, inbox_id)
    return go(request, _address(inbox_id), flash=look_of(request)._("The address is added."))


async def _show_new(
    request: Request, member: MemberCtx, inbox_id: UUID, written: NewKeySet, error: FrontdeskError | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
        profiles = await list_claimable(tx, member)
    return page(
        request,
        "platforms/key_set_form.html",
        status=error.status if error else 200,
        head=head,
        written=written,
        profiles=profiles,
        errors=field_errors(error) if error else {},
    )


@router.get("/platforms/{inbox_id}/key-sets/{key_set_id}/limits")
async def show_limits(request: Request, inbox_id: UUID, key_set_id: UUID, member: Editor) -> Response:
    """Show which profiles proofs of these keys may claim."""
    async with member.db.begin(member.organization_id) as tx:
        key_set = await _find(tx, member, inbox_id, key_set_id)
        profiles = await list_claimable(tx, member)
    return page(
        request,
        "platforms/key_limits.html",
        inbox_id=inbox_id,
        name=key_set.name,
        limits=key_set,
        action=f"{PATH}/{inbox_id}/key-sets/{key_set.id}/limits",
        profiles=profiles,
    )


@router.post("/platforms/{inbox_id}/key-sets/{key_set_id}/limits")
async def save_limits(
    request: Request,
    inbox_id: UUID,
    key_set_id: UUID,
    member: Editor,
    profiles: Annotated[frozenset[UUID], Form()] = frozenset(),
    may_narrow: Annotated[bool, Form()] = False,  # noqa: FBT002 -- a box of the form
) -> Response:
    """Write what proofs of these keys may claim; sessions that claim what is taken away end."""
    async with member.db.begin(member.organization_id) as tx:
        key_set = await _find(tx, member, inbox_id, key_set_id)
        allowed = {ProfileId(profile) for profile in profiles}
        await key_sets.set_set_limits(tx, member.caller, key_set.id, allowed_profiles=allowed, may_narrow=may_narrow)
    return go(request, _address(inbox_id), flash=look_of(request)._("The keys are saved."))


@router.post("/platforms/{inbox_id}/key-sets/{key_set_id}/fetch")
async def fetch(request: Request, inbox_id: UUID, key_set_id: UUID, member: Editor) -> Response:
    """Look now what stands at the address; at most once a minute."""
    async with member.db.begin(member.organization_id) as tx:
        await _find(tx, member, inbox_id, key_set_id)
    has_looked = await _fetch(request, member, inbox_id)
    say = look_of(request)._
    flash = say("The keys are fetched.") if has_looked else say("They were fetched less than a minute ago.")
    return go(request, _address(inbox_id), flash=flash)


@router.get("/platforms/{inbox_id}/key-sets/{key_set_id}/revoke")
async def ask_revoke(request: Request, inbox_id: UUID, key_set_id: UUID, member: Editor) -> Response:
    """Ask before no key of an address counts any more."""
    async with member.db.begin(member.organization_id) as tx:
        key_set = await _find(tx, member, inbox_id, key_set_id)
    return page(request, "platforms/key_set_revoke.html", inbox_id=inbox_id, key_set=key_set)


@router.post("/platforms/{inbox_id}/key-sets/{key_set_id}/revoke")
async def revoke(request: Request, inbox_id: UUID, key_set_id: UUID, member: Editor) -> Response:
    """Revoke the keys of an address, and end the sessions that they proved."""
    async with member.db.begin(member.organization_id) as tx:
        key_set = await _find(tx, member, inbox_id, key_set_id)
        await key_sets.revoke_key_set(tx, member.caller, key_set.id)
    return go(request, _address(inbox_id), flash=look_of(request)._("The keys are revoked. Their sessions have ended."))


async def _fetch(request: Request, member: MemberCtx, inbox_id: UUID) -> bool:
    prover: Prover = request.app.state.prover
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
    return await prover.fetch_key_sets(member.organization_id, head.realm.id, age=timedelta(0), now=utc_now())


async def _find(tx: Tx, member: MemberCtx, inbox_id: UUID, key_set_id: UUID) -> KeySet:
    """Return a set of this platform's people. Raises NotFound."""
    head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
    found = await key_sets.list_key_sets(tx, member.caller, head.inbox.realm_id)
    key_set = next((one for one in found if one.id == key_set_id), None)
    if key_set is None:
        raise NotFound
    return key_set


def _address(inbox_id: UUID) -> str:
    return f"{PATH}/{inbox_id}/identity"
