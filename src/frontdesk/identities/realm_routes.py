"""`realms/`: name spaces of source ids, and by what their people are proven; how an inbox's enterprise is asked."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from frontdesk.channels.model import Realm, RealmKind
from frontdesk.channels.queries import get_realm, list_inboxes, list_realms
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import InboxId, ProfileId, RealmId
from frontdesk.core.text import utc_now
from frontdesk.core.wire import PageOf, Paging, Time, WireModel, page_of, paging, reply
from frontdesk.identities import key_sets, keys
from frontdesk.identities.introspection import Introspection, IntrospectionSpec, get_introspection, set_introspection
from frontdesk.identities.key_sets import KeySet, KeySetSpec
from frontdesk.identities.keys import KeySpec
from frontdesk.identities.model import Algorithm, Allowance, KeyState, RealmKey, RealmKeyId, RealmKeySetId
from frontdesk.identities.proving import Prover
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["platforms"])

View = Annotated[Ctx, needs(Right.INBOXES_VIEW)]
Edit = Annotated[Ctx, needs(Right.INBOXES_EDIT)]
Once = Annotated[Ctx, needs(Right.INBOXES_EDIT, keeps_answer=False)]  # its answer has a secret: it is not kept
Paged = Annotated[Paging, Depends(paging)]


class RealmBody(WireModel):
    """A name space of source ids. The default one is the member realm that web and API inboxes share."""

    id: UUID
    name: str
    kind: RealmKind
    is_default: bool
    created_at: Time


class RealmPage(PageOf):
    """One page of realms."""

    results: Sequence[RealmBody]


class AllowedProfileBody(WireModel):
    """An access profile that may be claimed."""

    id: UUID
    name: str


class LimitsBody(WireModel):
    """What proofs may claim beside the person; needs profiles.edit."""

    allowed_profiles: Annotated[Sequence[UUID], Field(max_length=100)] = ()
    may_narrow: bool = False

    def to_profiles(self) -> tuple[ProfileId, ...]:
        """Return the profiles."""
        return tuple(map(ProfileId, self.allowed_profiles))


class CreateKeyBody(LimitsBody):
    """A key. `public_key` (PEM or JWK) is uploaded; without it a pair is made, or a shared secret with `HS256`."""

    name: str
    issuer: str
    kid: str | None = None
    public_key: str | None = None
    algorithm: Literal["EdDSA", "HS256"] = "EdDSA"


class ChangeKeyBody(WireModel):
    """What to change of a key: its state (`verify_only` with a date, `revoked` for good), or what it may claim."""

    state: KeyState | None = None
    verify_until: datetime | None = None
    allowed_profiles: Annotated[list[UUID] | None, Field(max_length=100)] = None
    may_narrow: bool | None = None


class KeyBody(WireModel):
    """A key of a realm. `secret` is shown once, to whoever made it: the private half, or the shared secret."""

    id: UUID
    realm: UUID
    kid: str
    name: str
    issuer: str
    algorithm: Algorithm
    state: KeyState
    verify_until: Time | None
    allowed_profiles: Sequence[AllowedProfileBody]
    may_narrow: bool
    created_at: Time
    secret: str | None = None


class KeyPage(PageOf):
    """One page of keys, the newest first."""

    results: Sequence[KeyBody]


class CreateKeySetBody(LimitsBody):
    """An address at which keys are published."""

    name: str
    issuer: str
    address: str


class ChangeKeySetBody(WireModel):
    """What to change of a set: `revoked` for good, or what its keys may claim."""

    state: Literal["revoked"] | None = None
    allowed_profiles: Annotated[list[UUID] | None, Field(max_length=100)] = None
    may_narrow: bool | None = None


class PublishedKeyBody(WireModel):
    """A key that stood at the address when it was last fetched."""

    kid: str
    algorithm: Algorithm


class KeySetBody(WireModel):
    """An address with its keys; `failure` says why the last try brought nothing."""

    id: UUID
    realm: UUID
    name: str
    issuer: str
    address: str
    state: KeyState
    keys: Sequence[PublishedKeyBody]
    allowed_profiles: Sequence[AllowedProfileBody]
    may_narrow: bool
    fetched_at: Time | None
    tried_at: Time | None
    failure: str | None
    created_at: Time


class KeySetPage(PageOf):
    """One page of key sets, the newest first."""

    results: Sequence[KeySetBody]


class IntrospectionWish(LimitsBody):
    """How the enterprise is asked. The secret is written only; absent or null, it stays."""

    endpoint: str
    client_id: str
    client_secret: str | None = None
    audiences: Annotated[list[str], Field(max_length=20)]


class IntrospectionBody(WireModel):
    """How the enterprise of an inbox is asked, but for the secret."""

    endpoint: str
    client_id: str
    audiences: Sequence[str]
    allowed_profiles: Sequence[AllowedProfileBody]
    may_narrow: bool
    updated_at: Time


@router.get("/realms", response_model=RealmPage)
async def list_all_realms(request: Request, ctx: View, paged: Paged) -> Response:
    """List the realms of the caller's inboxes, the member realm first."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        limit = ctx.caller.inboxes_for(Right.INBOXES_VIEW)
        realms = await list_realms(tx)
        if limit is not None:
            inboxes, _ = await list_inboxes(tx, limit)
            own = {inbox.realm_id for inbox in inboxes}
            realms = [realm for realm in realms if realm.id in own]
    part = realms[paged.offset : paged.offset + paged.limit]
    return reply(request, page_of(request, paged, len(realms), [_realm(realm) for realm in part]))


@router.get("/realms/{realm_id}/keys", response_model=KeyPage)
async def list_keys(request: Request, ctx: View, realm_id: UUID, paged: Paged) -> Response:
    """List the keys of a realm, without secrets. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await keys.list_realm_keys(tx, ctx.caller, RealmId(realm_id))
    part = found[paged.offset : paged.offset + paged.limit]
    return reply(request, page_of(request, paged, len(found), [_key(key) for key in part]))


@router.post("/realms/{realm_id}/keys", response_model=KeyBody, status_code=201)
async def add_key(request: Request, ctx: Once, realm_id: UUID, body: CreateKeyBody) -> Response:
    """Add a key; a secret that we make is in this answer only. Problems: `not-found`, `key-id-taken`."""
    spec = KeySpec(body.name, body.issuer, body.kid, body.to_profiles(), body.may_narrow)
    realm, secret = RealmId(realm_id), None
    async with ctx.db.begin(ctx.organization_id) as tx:
        if body.public_key is not None:
            key = await keys.upload_key(tx, ctx.caller, realm, spec, body.public_key)
        elif body.algorithm == "HS256":
            key, secret = await keys.generate_secret(tx, ctx.caller, ctx.services.cipher, realm, spec)
        else:
            key, secret = await keys.generate_key(tx, ctx.caller, realm, spec)
    return reply(request, _key(key).model_copy(update={"secret": secret}), status=201)


@router.get("/realms/{realm_id}/keys/{realm_key_id}", response_model=KeyBody)
async def get_key(request: Request, ctx: View, realm_id: UUID, realm_key_id: UUID) -> Response:
    """Return a key, without its secret. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        return reply(request, _key(await _find_key(tx, ctx, realm_id, realm_key_id)))


@router.patch("/realms/{realm_id}/keys/{realm_key_id}", response_model=KeyBody)
async def change_key(request: Request, ctx: Edit, realm_id: UUID, realm_key_id: UUID, body: ChangeKeyBody) -> Response:
    """Retire or revoke a key, or say what it may claim; sessions that rest on it end. Problems: `key-revoked`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        key = await _find_key(tx, ctx, realm_id, realm_key_id)
        if limits := _limits(key, body.allowed_profiles, body.may_narrow):
            key = await keys.set_key_limits(tx, ctx.caller, key.id, **limits)
        if body.state is not None:
            until = body.verify_until
            if until is not None and until.tzinfo is None:
                raise InvalidRequest("Say in which time zone.", pointer="/verifyUntil")
            key = await keys.set_key_state(tx, ctx.caller, key.id, body.state, verify_until=until)
    return reply(request, _key(key))


@router.get("/realms/{realm_id}/key-sets", response_model=KeySetPage)
async def list_sets(request: Request, ctx: View, realm_id: UUID, paged: Paged) -> Response:
    """List the addresses at which keys of a realm are published. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await key_sets.list_key_sets(tx, ctx.caller, RealmId(realm_id))
    part = found[paged.offset : paged.offset + paged.limit]
    return reply(request, page_of(request, paged, len(found), [_key_set(one) for one in part]))


@router.post("/realms/{realm_id}/key-sets", response_model=KeySetBody, status_code=201)
async def add_set(request: Request, ctx: Edit, realm_id: UUID, body: CreateKeySetBody) -> Response:
    """Let the keys at an address count, and fetch them. Problems: `not-found`."""
    spec = KeySetSpec(body.name, body.issuer, body.address, body.to_profiles(), body.may_narrow)
    async with ctx.db.begin(ctx.organization_id) as tx:
        made = await key_sets.add_key_set(tx, ctx.caller, RealmId(realm_id), spec)
    prover: Prover = request.app.state.prover
    await prover.fetch_key_sets(ctx.organization_id, made.realm_id, age=timedelta(0), now=utc_now())
    async with ctx.db.begin(ctx.organization_id) as tx:
        return reply(request, _key_set(await key_sets.get_key_set(tx, ctx.caller, made.id)), status=201)


@router.get("/realms/{realm_id}/key-sets/{key_set_id}", response_model=KeySetBody)
async def get_set(request: Request, ctx: View, realm_id: UUID, key_set_id: UUID) -> Response:
    """Return an address with its keys. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        return reply(request, _key_set(await _find_set(tx, ctx, realm_id, key_set_id)))


@router.patch("/realms/{realm_id}/key-sets/{key_set_id}", response_model=KeySetBody)
async def change_set(request: Request, ctx: Edit, realm_id: UUID, key_set_id: UUID, body: ChangeKeySetBody) -> Response:
    """Revoke an address, or say what its keys may claim; sessions that rest on it end. Problems: `key-revoked`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await _find_set(tx, ctx, realm_id, key_set_id)
        if limits := _limits(found, body.allowed_profiles, body.may_narrow):
            found = await key_sets.set_set_limits(tx, ctx.caller, found.id, **limits)
        if body.state is not None:
            found = await key_sets.revoke_key_set(tx, ctx.caller, found.id)
    return reply(request, _key_set(found))


@router.get("/inboxes/{inbox_id}/introspection", response_model=IntrospectionBody)
async def read_introspection(request: Request, ctx: View, inbox_id: UUID) -> Response:
    """Return how the enterprise of an inbox is asked. Problems: `not-found`, also when nobody said."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await get_introspection(tx, ctx.caller, InboxId(inbox_id))
    if found is None:
        raise NotFound
    return reply(request, _introspection(found))


@router.put("/inboxes/{inbox_id}/introspection", response_model=IntrospectionBody)
async def write_introspection(request: Request, ctx: Edit, inbox_id: UUID, body: IntrospectionWish) -> Response:
    """Say how the enterprise of an inbox is asked; sessions that rest on something else end. Problems: `not-found`."""
    spec = IntrospectionSpec(
        body.endpoint,
        body.client_id,
        body.client_secret,
        tuple(body.audiences),
        body.to_profiles(),
        body.may_narrow,
    )
    async with ctx.db.begin(ctx.organization_id) as tx:
        written = await set_introspection(tx, ctx.caller, ctx.services.cipher, InboxId(inbox_id), spec)
    return reply(request, _introspection(written))


async def _find_key(tx: Tx, ctx: Ctx, realm_id: UUID, key_id: UUID) -> RealmKey:
    found = await keys.list_realm_keys(tx, ctx.caller, (await get_realm(tx, RealmId(realm_id))).id)
    for key in found:
        if key.id == RealmKeyId(key_id):
            return key
    raise NotFound


async def _find_set(tx: Tx, ctx: Ctx, realm_id: UUID, key_set_id: UUID) -> KeySet:
    found = await key_sets.get_key_set(tx, ctx.caller, RealmKeySetId(key_set_id))
    if found.realm_id != realm_id:
        raise NotFound
    return found


def _limits(present: Allowance, profiles: list[UUID] | None, may_narrow: bool | None) -> dict[str, Any]:  # noqa: FBT001
    """Return what may be claimed from now on; empty when nothing was said about it."""
    if profiles is None and may_narrow is None:
        return {}
    allowed = present.allowed_profiles if profiles is None else [ProfileId(one) for one in profiles]
    narrows = present.may_narrow if may_narrow is None else may_narrow
    return {"allowed_profiles": list(allowed), "may_narrow": narrows}


def _realm(realm: Realm) -> RealmBody:
    return RealmBody(
        id=realm.id, name=realm.name, kind=realm.kind, is_default=realm.is_default, created_at=realm.created_at
    )


def _profiles(allowance: Allowance) -> list[AllowedProfileBody]:
    return [AllowedProfileBody(id=one, name=name) for one, name in allowance.allowed_profiles.items()]


def _key(key: RealmKey) -> KeyBody:
    return KeyBody(
        id=key.id,
        realm=key.realm_id,
        kid=key.kid,
        name=key.name,
        issuer=key.issuer,
        algorithm=key.algorithm,
        state=key.state,
        verify_until=key.verify_until,
        allowed_profiles=_profiles(key),
        may_narrow=key.may_narrow,
        created_at=key.created_at,
    )


def _key_set(key_set: KeySet) -> KeySetBody:
    return KeySetBody(
        id=key_set.id,
        realm=key_set.realm_id,
        name=key_set.name,
        issuer=key_set.issuer,
        address=key_set.address,
        state=key_set.state,
        keys=[PublishedKeyBody(kid=key.kid, algorithm=key.algorithm) for key in key_set.keys],
        allowed_profiles=_profiles(key_set),
        may_narrow=key_set.may_narrow,
        fetched_at=key_set.fetched_at,
        tried_at=key_set.tried_at,
        failure=key_set.failure,
        created_at=key_set.created_at,
    )


def _introspection(found: Introspection) -> IntrospectionBody:
    return IntrospectionBody(
        endpoint=found.endpoint,
        client_id=found.client_id,
        audiences=found.audiences,
        allowed_profiles=_profiles(found),
        may_narrow=found.may_narrow,
        updated_at=found.updated_at,
    )
