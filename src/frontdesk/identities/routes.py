"""`contacts/`: the card file, and the identities of a contact."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from frontdesk.access.warnings import AccessWarning
from frontdesk.channels import queries as channels
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, PreconditionFailed
from frontdesk.core.ids import ContactId, RealmId
from frontdesk.core.secrets import Cipher
from frontdesk.core.wire import Paging, page_of, paging, render, reply
from frontdesk.identities import cards, deletion, listing, queries, source_ids
from frontdesk.identities.blocks import find_blocked
from frontdesk.identities.bodies import (
    ContactBody,
    ContactPageBody,
    CreateContactBody,
    GivenIdentityBody,
    IdentityBody,
    IdentityPage,
    RestoreBody,
    WriteContactBody,
    render_contact,
    render_identity,
)
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.reading import Asked, read_filters
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["contacts"])

View = Annotated[Ctx, needs(Right.CONTACTS_VIEW)]
Edit = Annotated[Ctx, needs(Right.CONTACTS_EDIT)]
Delete = Annotated[Ctx, needs(Right.CONTACTS_DELETE)]
Vouch = Annotated[Ctx, needs(Right.CONTACTS_VOUCH)]
MADE: dict[int | str, dict[str, Any]] = {201: {"model": ContactBody, "description": "The contact was made."}}
SourceIdQuery = Annotated[str, Query(alias="sourceId")]


def expected_version(if_match: Annotated[str | None, Header()] = None) -> int | None:
    """Return the version that the caller read; None when any will do. What is not ours is a version that never was."""
    tag = (if_match or "*").strip().removeprefix("W/").strip('"')
    if tag == "*":
        return None
    return int(tag) if tag.isdecimal() and tag.isascii() else 0


Version = Annotated[int | None, Depends(expected_version)]


@router.get("/contacts", response_model=ContactPageBody)
async def list_contacts(
    request: Request,
    ctx: View,
    paging: Annotated[Paging, Depends(paging)],
    asked: Annotated[Asked, Depends(read_filters)],
) -> Response:
    """List contacts, who was here last first. With `cursor` pages follow each other at any depth, whatever is added.

    Problems: `invalid-request`, `invalid-source-id`, `not-found` (of a segment).
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        filters = await asked.load_filters(tx, ctx.caller)
        page = await listing.list_contacts(tx, ctx.caller, filters, paging, cursor=asked.cursor)
        blocked = await _find_blocked(tx, ctx, *page.rows)
    results = [render_contact(view, blocked) for view in page.rows]
    if asked.cursor is None:
        plain = page_of(request, paging, page.count, results)
        body = ContactPageBody(**dict(plain), count_is_estimate=page.is_estimate)
    else:
        following = None if page.next_cursor is None else request.url.include_query_params(cursor=page.next_cursor)
        body = ContactPageBody(
            count=page.count,
            next=following and str(following),
            previous=None,
            results=results,
            count_is_estimate=page.is_estimate,
        )
    return reply(request, body)


@router.post("/contacts", response_model=ContactBody, status_code=201)
async def create_contact(request: Request, ctx: Edit, body: CreateContactBody) -> Response:
    """Make a contact in advance.

    Problems: `invalid-source-id`, `source-id-taken`, `attribute-taken`, `erased`, `invalid-query-metadata`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        contact_id, warnings = await cards.create_card(
            tx, ctx.caller, body.to_given(), tombstones=_tombstones(ctx, body)
        )
        return await _answer(request, ctx, tx, contact_id, Right.CONTACTS_EDIT, warnings, status=201)


@router.put("/contacts/by-source-id", response_model=ContactBody, responses=MADE)
async def upsert_contact(
    request: Request,
    ctx: Edit,
    body: WriteContactBody,
    source_id: SourceIdQuery,
    version: Version,
    realm: UUID | None = None,
) -> Response:
    """Write on the contact with this source id, or make one (201).

    Problems: `precondition-failed`, `invalid-source-id`, `source-id-taken`, `attribute-taken`, `erased`,
    `invalid-query-metadata`.
    """
    return await _upsert(request, ctx, body, source_id, realm, version)


@router.put("/contacts/by-source-id/{source_id}", response_model=ContactBody, responses=MADE)
async def upsert_contact_at(
    request: Request, ctx: Edit, body: WriteContactBody, source_id: str, version: Version, realm: UUID | None = None
) -> Response:
    """Write on the contact with this source id, which has no slash, or make one (201).

    Problems: `precondition-failed`, `invalid-source-id`, `source-id-taken`, `attribute-taken`, `erased`,
    `invalid-query-metadata`.
    """
    if "%2f" in request.scope["raw_path"].decode("latin-1").lower():
        raise InvalidRequest("Send a source id with a slash as `?sourceId=`.", pointer="/sourceId")
    return await _upsert(request, ctx, body, source_id, realm, version)


@router.get("/contacts/{contact_id}", response_model=ContactBody)
async def get_contact(request: Request, ctx: View, contact_id: UUID) -> Response:
    """Return a contact; under a merged id the survivor. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        return await _answer(request, ctx, tx, ContactId(contact_id), Right.CONTACTS_VIEW)


@router.put("/contacts/{contact_id}", response_model=ContactBody)
@router.patch("/contacts/{contact_id}", response_model=ContactBody)
async def update_contact(
    request: Request, ctx: Edit, contact_id: UUID, body: WriteContactBody, version: Version
) -> Response:
    """Write what is sent.

    Problems: `not-found`, `precondition-failed`, `contact-merged`, `invalid-source-id`, `source-id-taken`,
    `attribute-taken`, `invalid-query-metadata`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        given = body.to_given()
        try:
            _, warnings = await cards.change_card(tx, ctx.caller, ContactId(contact_id), given, if_version=version)
        except PreconditionFailed as error:
            raise await _show_present(request, ctx, tx, ContactId(contact_id), error) from error
        return await _answer(request, ctx, tx, ContactId(contact_id), Right.CONTACTS_EDIT, warnings)


@router.delete("/contacts/{contact_id}", status_code=204)
async def delete_contact(ctx: Delete, contact_id: UUID) -> None:
    """Hide a contact, free its source ids, keep its conversations. Problems: `not-found`, `contact-merged`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await deletion.delete_contact(tx, ctx.caller, ContactId(contact_id))


@router.post("/contacts/{contact_id}/restore", response_model=ContactBody)
async def restore_contact(request: Request, ctx: Delete, contact_id: UUID, body: RestoreBody | None = None) -> Response:
    """Show a deleted contact again. Problems: `not-found`, `source-id-taken`, `attribute-taken`, `contact-merged`."""
    confirmed = body is not None and body.confirm_access
    async with ctx.db.begin(ctx.organization_id) as tx:
        await deletion.restore_contact(tx, ctx.caller, ContactId(contact_id), confirm_access=confirmed)
        return await _answer(request, ctx, tx, ContactId(contact_id), Right.CONTACTS_DELETE)


@router.get("/contacts/{contact_id}/identities", response_model=IdentityPage)
async def list_identities(
    request: Request, ctx: View, contact_id: UUID, paging: Annotated[Paging, Depends(paging)]
) -> Response:
    """List the identities of a contact. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await source_ids.list_identities(tx, ctx.caller, ContactId(contact_id))
        blocked = await find_blocked(tx, ctx.services.cipher, [identity.key for identity in found])
    part = found[paging.offset : paging.offset + paging.limit]
    return reply(
        request, page_of(request, paging, len(found), [render_identity(identity, blocked) for identity in part])
    )


@router.post("/contacts/{contact_id}/identities", response_model=IdentityBody, status_code=201)
async def link_identity(request: Request, ctx: Vouch, contact_id: UUID, body: GivenIdentityBody) -> Response:
    """Link a further identity to a contact. Problems: `not-found`, `source-id-taken`, `contact-merged`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        realm = await _choose_realm(tx, ContactId(contact_id), body.realm)
        key = await source_ids.read_key(tx, body.source_id, realm)
        await source_ids.link_identity(tx, ctx.caller, ContactId(contact_id), key)
        linked = await queries.list_identities(tx, ContactId(contact_id))
        blocked = await find_blocked(tx, ctx.services.cipher, [key])
    return reply(request, next(render_identity(one, blocked) for one in linked if one.key == key), status=201)


@router.delete("/contacts/{contact_id}/identities", status_code=204)
async def unlink_identity(ctx: Vouch, contact_id: UUID, source_id: SourceIdQuery, realm: UUID | None = None) -> None:
    """Unlink an identity; sessions that it proved end. Problems: `not-found`, `contact-merged`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        chosen = await _choose_realm(tx, ContactId(contact_id), realm)
        key = await source_ids.read_key(tx, source_id, chosen)
        await source_ids.unlink_identity(tx, ctx.caller, ContactId(contact_id), key)


async def _upsert(
    request: Request, ctx: Ctx, body: WriteContactBody, source_id: str, realm: UUID | None, version: int | None
) -> Response:
    if body.source_id is not None and body.source_id != source_id:
        raise InvalidRequest("The source id in the body is another one.", pointer="/sourceId")
    given = body.model_copy(update={"source_id": None}).to_given()
    async with ctx.db.begin(ctx.organization_id) as tx:
        chosen = RealmId(realm) if realm else (await channels.get_default_realm(tx)).id
        key = await source_ids.read_key(tx, source_id, chosen)
        contact_id, warnings, is_new = await cards.upsert_card(
            tx, ctx.caller, key, given, if_version=version, tombstones=_tombstones(ctx, body)
        )
        status = 201 if is_new else 200
        return await _answer(request, ctx, tx, contact_id, Right.CONTACTS_EDIT, warnings, status=status)


def _tombstones(ctx: Ctx, body: WriteContactBody) -> Cipher | None:
    return None if body.allow_erased else ctx.services.cipher


async def _show_present(
    request: Request, ctx: Ctx, tx: Tx, contact_id: ContactId, lost: PreconditionFailed
) -> PreconditionFailed:
    """Return the refusal of a lost update with what the contact says now."""
    view = await cards.get_view(tx, ctx.caller, contact_id, Right.CONTACTS_EDIT)
    return PreconditionFailed(
        facts={**lost.facts, "current": render(request, render_contact(view, await _find_blocked(tx, ctx, view)))}
    )


async def _choose_realm(tx: Tx, contact_id: ContactId, realm: UUID | None) -> RealmId:
    return RealmId(realm) if realm else await source_ids.get_bare_realm(tx, contact_id)


async def _answer(
    request: Request,
    ctx: Ctx,
    tx: Tx,
    contact_id: ContactId,
    right: Right,
    warnings: Sequence[AccessWarning] = (),
    *,
    status: int = 200,
) -> Response:
    """Return the contact with its version; under a merged id the survivor, saying where it is."""
    view = await cards.get_view(tx, ctx.caller, contact_id, right)
    headers = {"ETag": f'"{view.contact.version}"'}
    if view.contact.id != contact_id:
        headers["Content-Location"] = f"/api/v1/contacts/{view.contact.id}"
    return reply(
        request,
        render_contact(view, await _find_blocked(tx, ctx, view), warnings, asked_for=contact_id),
        status=status,
        headers=headers,
    )


async def _find_blocked(tx: Tx, ctx: Ctx, *views: cards.ContactView) -> frozenset[IdentityKey]:
    keys = [identity.key for view in views for identity in view.identities]
    return await find_blocked(tx, ctx.services.cipher, keys)
