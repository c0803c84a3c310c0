"""The keys of a realm: made or uploaded here, limited, retired and revoked. Private halves are shown once."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.profiles import AccessProfile
from frontdesk.access.queries import list_profiles
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.platforms import PATH, Editor, load_head
from frontdesk.console.samples import SECRET_VARIABLE
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, InvalidRequest, NotFound
from frontdesk.core.ids import ProfileId, RealmId
from frontdesk.core.text import utc_now
from frontdesk.identities import keys
from frontdesk.identities.keys import KeySpec, set_key_limits, set_key_state
from frontdesk.identities.model import KeyState, RealmKey
from frontdesk.organizations.model import Right

router = screen_router()


class NewKey(BaseModel):
    """What stands in the fields of the form for a new key."""

    model_config = ConfigDict(frozen=True)

    how: Literal["pair", "upload", "secret"] = "pair"
    name: str = ""
    issuer: str = ""
    kid: str = ""
    public_key: str = ""
    profiles: frozenset[UUID] = frozenset()
    may_narrow: bool = False

    def to_spec(self) -> KeySpec:
        """Return what the member decided."""
        allowed = tuple(map(ProfileId, self.profiles))
        return KeySpec(self.name, self.issuer, self.kid.strip() or None, allowed, self.may_narrow)


@router.get("/platforms/{inbox_id}/keys/new")
async def show_new(request: Request, inbox_id: UUID, member: Editor) -> Response:
    """Show the empty form."""
    return await _show_new(request, member, inbox_id, NewKey())


@router.post("/platforms/{inbox_id}/keys/new")
async def create(request: Request, inbox_id: UUID, member: Editor, written: Annotated[NewKey, Form()]) -> Response:
    """Add a key; what only its owner may know is in this answer and nowhere else."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
            key, secret = await _add(tx, member, head.realm.id, written)
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_new(request, member, inbox_id, written, error)
    if not secret:
        return go(request, _address(inbox_id), flash=look_of(request)._("The key is added."))
    return page(request, "platforms/key_made.html", inbox_id=inbox_id, key=key, secret=secret, variable=SECRET_VARIABLE)


async def _add(tx: Tx, member: MemberCtx, realm_id: RealmId, written: NewKey) -> tuple[RealmKey, str]:
    spec = written.to_spec()
    if written.how == "upload":
        return await keys.upload_key(tx, member.caller, realm_id, spec, written.public_key), ""
    if written.how == "secret":
        return await keys.generate_secret(tx, member.caller, member.services.cipher, realm_id, spec)
    return await keys.generate_key(tx, member.caller, realm_id, spec)


async def _show_new(
    request: Request, member: MemberCtx, inbox_id: UUID, written: NewKey, error: FrontdeskError | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
        profiles = await list_claimable(tx, member)
    return page(
        request,
        "platforms/key_form.html",
        status=error.status if error else 200,
        head=head,
        written=written,
        profiles=profiles,
        errors=field_errors(error) if error else {},
    )


# --- what a key may say ---


@router.get("/platforms/{inbox_id}/keys/{key_id}/limits")
async def show_limits(request: Request, inbox_id: UUID, key_id: UUID, member: Editor) -> Response:
    """Show which profiles proofs of this key may claim."""
    async with member.db.begin(member.organization_id) as tx:
        key = await _find(tx, member, inbox_id, key_id)
        profiles = await list_claimable(tx, member)
    return page(
        request,
        "platforms/key_limits.html",
        inbox_id=inbox_id,
        name=key.kid,
        limits=key,
        action=f"{PATH}/{inbox_id}/keys/{key.id}/limits",
        profiles=profiles,
    )


@router.post("/platforms/{inbox_id}/keys/{key_id}/limits")
async def save_limits(
    request: Request,
    inbox_id: UUID,
    key_id: UUID,
    member: Editor,
    profiles: Annotated[frozenset[UUID], Form()] = frozenset(),
    may_narrow: Annotated[bool, Form()] = False,  # noqa: FBT002 -- a box of the form
) -> Response:
    """Write what proofs of a key may claim; sessions that claim what is taken away end."""
    async with member.db.begin(member.organization_id) as tx:
        key = await _find(tx, member, inbox_id, key_id)
        allowed = {ProfileId(profile) for profile in profiles}
        await set_key_limits(tx, member.caller, key.id, allowed_profiles=allowed, may_narrow=may_narrow)
    return go(request, _address(inbox_id), flash=look_of(request)._("The key is saved."))


# --- until when it counts ---


@router.get("/platforms/{inbox_id}/keys/{key_id}/retire")
async def show_retire(request: Request, inbox_id: UUID, key_id: UUID, member: Editor) -> Response:
    """Ask until when a key shall still verify."""
    async with member.db.begin(member.organization_id) as tx:
        key = await _find(tx, member, inbox_id, key_id)
    until = (utc_now() + timedelta(days=7)).date().isoformat()
    return page(request, "platforms/key_retire.html", inbox_id=inbox_id, key=key, until=until, errors={})


@router.post("/platforms/{inbox_id}/keys/{key_id}/retire")
async def retire(
    request: Request, inbox_id: UUID, key_id: UUID, member: Editor, until: Annotated[str, Form()] = ""
) -> Response:
    """Let a key verify to the end of a day, in UTC, and no longer."""
    try:
        verify_until = _end_of_day(until)
        async with member.db.begin(member.organization_id) as tx:
            key = await _find(tx, member, inbox_id, key_id)
            await set_key_state(tx, member.caller, key.id, KeyState.VERIFY_ONLY, verify_until=verify_until)
    except InvalidRequest as error:
        async with member.db.begin(member.organization_id) as tx:
            key = await _find(tx, member, inbox_id, key_id)
        return page(
            request,
            "platforms/key_retire.html",
            status=error.status,
            inbox_id=inbox_id,
            key=key,
            until=until,
            errors=field_errors(error),
        )
    return go(request, _address(inbox_id), flash=look_of(request)._("The key is saved."))


@router.post("/platforms/{inbox_id}/keys/{key_id}/activate")
async def activate(request: Request, inbox_id: UUID, key_id: UUID, member: Editor) -> Response:
    """Let a key count without an end again."""
    async with member.db.begin(member.organization_id) as tx:
        key = await _find(tx, member, inbox_id, key_id)
        await set_key_state(tx, member.caller, key.id, KeyState.ACTIVE)
    return go(request, _address(inbox_id), flash=look_of(request)._("The key is active again."))


@router.get("/platforms/{inbox_id}/keys/{key_id}/revoke")
async def ask_revoke(request: Request, inbox_id: UUID, key_id: UUID, member: Editor) -> Response:
    """Ask before a key counts never again."""
    async with member.db.begin(member.organization_id) as tx:
        key = await _find(tx, member, inbox_id, key_id)
    return page(request, "platforms/key_revoke.html", inbox_id=inbox_id, key=key)


@router.post("/platforms/{inbox_id}/keys/{key_id}/revoke")
async def revoke(request: Request, inbox_id: UUID, key_id: UUID, member: Editor) -> Response:
    """Revoke a key, and end the sessions that it proved."""
    async with member.db.begin(member.organization_id) as tx:
        key = await _find(tx, member, inbox_id, key_id)
        await set_key_state(tx, member.caller, key.id, KeyState.REVOKED)
    return go(request, _address(inbox_id), flash=look_of(request)._("The key is revoked. Its sessions have ended."))


# ---


async def _find(tx: Tx, member: MemberCtx, inbox_id: UUID, key_id: UUID) -> RealmKey:
    """Return a key of this platform's people. Raises NotFound."""
    head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
    found = await keys.list_realm_keys(tx, member.caller, head.inbox.realm_id)
    key = next((one for one in found if one.id == key_id), None)
    if key is None:
        raise NotFound
    return key


async def list_claimable(tx: Tx, member: MemberCtx) -> list[AccessProfile]:
    """Return the profiles that the member may let a proof claim."""
    if not member.may(Right.PROFILES_EDIT):
        return []
    profiles, _ = await list_profiles(tx)
    return profiles


def _end_of_day(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest("Choose a day.", pointer="/until") from error
    end = datetime.combine(day, time.max, UTC)
    if end <= utc_now():
        raise InvalidRequest("Choose a day that is not over.", pointer="/until")
    return end


def _address(inbox_id: UUID) -> str:
    return f"{PATH}/{inbox_id}/identity"
