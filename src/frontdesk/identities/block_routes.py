"""`contacts/{id}/block` and `unblock`, of the contact as a whole or of one identity."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, RealmId
from frontdesk.core.wire import LenientModel, Time, WireModel, reply
from frontdesk.identities import blocks
from frontdesk.identities.blocks import find_blocked, find_blocks
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import list_identities, resolve_contact_id
from frontdesk.identities.source_ids import get_bare_realm, read_key
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["contacts"])

Edit = Annotated[Ctx, needs(Right.CONTACTS_EDIT)]


class UnblockBody(LenientModel):
    """Which identity; without a source id the contact as a whole. `realm`: that of bare source ids unless said."""

    source_id: str | None = None
    realm: UUID | None = None


class BlockBody(UnblockBody):
    """Why, for the organization; the person is told a polite sentence only."""

    reason: Annotated[str, Field(max_length=500)] = ""


class BlockedIdentityBody(WireModel):
    """A source id under which no message is accepted."""

    realm: UUID
    source_id: str


class BlockStateBody(WireModel):
    """Whether messages of a contact are refused, as a whole or under some of its identities."""

    contact: UUID
    is_blocked: bool
    blocked_at: Time | None
    blocked_by: str | None
    reason: str | None
    blocked_identities: list[BlockedIdentityBody]


@router.post("/contacts/{contact_id}/block", response_model=BlockStateBody)
async def block(request: Request, ctx: Edit, contact_id: UUID, body: BlockBody | None = None) -> Response:
    """Refuse messages of a contact, or of one of its identities. Problems: `not-found`, `contact-merged`."""
    body, contact = body or BlockBody(), ContactId(contact_id)
    async with ctx.db.begin(ctx.organization_id) as tx:
        if body.source_id is None:
            await blocks.block_contact(tx, ctx.caller, ctx.services.cipher, contact, body.reason)
        else:
            key = await _read_key(tx, contact, body)
            await blocks.block_identity(tx, ctx.caller, ctx.services.cipher, contact, key, body.reason)
        return reply(request, await _read_state(tx, ctx, contact))


@router.post("/contacts/{contact_id}/unblock", response_model=BlockStateBody)
async def unblock(request: Request, ctx: Edit, contact_id: UUID, body: UnblockBody | None = None) -> Response:
    """Accept messages of a contact, or of one of its identities, again. Problems: `not-found`, `contact-merged`."""
    body, contact = body or UnblockBody(), ContactId(contact_id)
    async with ctx.db.begin(ctx.organization_id) as tx:
        if body.source_id is None:
            await blocks.unblock_contact(tx, ctx.caller, ctx.services.cipher, contact)
        else:
            key = await _read_key(tx, contact, body)
            await blocks.unblock_identity(tx, ctx.caller, ctx.services.cipher, contact, key)
        return reply(request, await _read_state(tx, ctx, contact))


async def _read_key(tx: Tx, contact_id: ContactId, body: UnblockBody) -> IdentityKey:
    realm = RealmId(body.realm) if body.realm else await get_bare_realm(tx, contact_id)
    return await read_key(tx, body.source_id, realm)


async def _read_state(tx: Tx, ctx: Ctx, contact_id: ContactId) -> BlockStateBody:
    survivor = await resolve_contact_id(tx, contact_id)
    found = (await find_blocks(tx, [survivor])).get(survivor)
    keys = [identity.key for identity in await list_identities(tx, survivor)]
    blocked = await find_blocked(tx, ctx.services.cipher, keys)
    return BlockStateBody(
        contact=survivor,
        is_blocked=found is not None or bool(blocked),
        blocked_at=found.blocked_at if found else None,
        blocked_by=found.blocked_by if found else None,
        reason=found.reason if found else None,
        blocked_identities=[
            BlockedIdentityBody(realm=key.realm, source_id=key.source_id) for key in keys if key in blocked
        ],
    )
