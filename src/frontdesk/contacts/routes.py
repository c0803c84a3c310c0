"""`contact-attributes/`, `labels/`, `contact-field-rules/`: what cards are like. Cards themselves are in identities."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from frontdesk.contacts import configuring, labels
from frontdesk.contacts.bodies import (
    AttributeBody,
    AttributePage,
    ContactLabelNameBody,
    ContactLabelPage,
    CountedLabelBody,
    CreateAttributeBody,
    FieldRulesBody,
    WriteAttributeBody,
    WriteFieldRulesBody,
    render_attribute,
    render_rules,
)
from frontdesk.core.ids import AttributeId, ContactLabelId
from frontdesk.core.wire import Paging, page_of, paging, reply
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["contacts"])

View = Annotated[Ctx, needs(Right.CONTACTS_VIEW)]
Configure = Annotated[Ctx, needs(Right.CONTACTS_CONFIGURE)]
PageAsked = Annotated[Paging, Depends(paging)]


@router.get("/contact-attributes", response_model=AttributePage)
async def list_attributes(request: Request, ctx: View, paging: PageAsked) -> Response:
    """List the definitions of attributes, in the order in which they are shown."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await configuring.list_definitions(tx, ctx.caller)
    part = found[paging.offset : paging.offset + paging.limit]
    return reply(request, page_of(request, paging, len(found), [render_attribute(one) for one in part]))


@router.post("/contact-attributes", response_model=AttributeBody, status_code=201)
async def create_attribute(request: Request, ctx: Configure, body: CreateAttributeBody) -> Response:
    """Define an attribute. Warnings count the contacts that do not fit it. Problems: `attribute-key-taken`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        made, misfits = await configuring.create_definition(tx, ctx.caller, body.key, body.to_changes())
    return reply(request, render_attribute(made, misfits), status=201)


@router.get("/contact-attributes/{attribute_id}", response_model=AttributeBody)
async def get_attribute(request: Request, ctx: View, attribute_id: UUID) -> Response:
    """Return the definition of an attribute. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await configuring.get_definition(tx, ctx.caller, AttributeId(attribute_id))
    return reply(request, render_attribute(found))


@router.put("/contact-attributes/{attribute_id}", response_model=AttributeBody)
@router.patch("/contact-attributes/{attribute_id}", response_model=AttributeBody)
async def update_attribute(request: Request, ctx: Configure, attribute_id: UUID, body: WriteAttributeBody) -> Response:
    """Change what is sent. Warnings count the contacts that do not fit, which stay so. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        body.require_key((await configuring.get_definition(tx, ctx.caller, AttributeId(attribute_id))).key)
        changed, misfits = await configuring.update_definition(
            tx, ctx.caller, AttributeId(attribute_id), body.to_changes()
        )
    return reply(request, render_attribute(changed, misfits))


@router.delete("/contact-attributes/{attribute_id}", status_code=204)
async def delete_attribute(ctx: Configure, attribute_id: UUID) -> None:
    """Forget a definition; contacts keep their values. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await configuring.delete_definition(tx, ctx.caller, AttributeId(attribute_id))


@router.get("/contact-field-rules", response_model=FieldRulesBody)
async def get_field_rules(request: Request, ctx: View) -> Response:
    """Return what the assistant may know of each field, how phone numbers are read, and what is no source id."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        rules = await configuring.get_rules(tx, ctx.caller)
    return reply(request, render_rules(rules))


@router.put("/contact-field-rules", response_model=FieldRulesBody)
@router.patch("/contact-field-rules", response_model=FieldRulesBody)
async def update_field_rules(request: Request, ctx: Configure, body: WriteFieldRulesBody) -> Response:
    """Change what is sent. Problems: `invalid-request`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await configuring.set_rules(tx, ctx.caller, body.to_rules())
        if "phone_region" in body.model_fields_set:
            await configuring.set_phone_region(tx, ctx.caller, body.phone_region)
        if body.refused_source_ids is not None:
            await configuring.set_refused_source_ids(tx, ctx.caller, body.refused_source_ids)
        rules = await configuring.get_rules(tx, ctx.caller)
    return reply(request, render_rules(rules))


# --- labels ---


@router.get("/labels", response_model=ContactLabelPage)
async def list_contact_labels(request: Request, ctx: View, paging: PageAsked) -> Response:
    """List the labels of contacts by name."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found, count = await labels.list_labels(tx, ctx.caller, limit=paging.limit, offset=paging.offset)
    return reply(request, page_of(request, paging, count, [CountedLabelBody.of(label) for label in found]))


@router.post("/labels", response_model=CountedLabelBody, status_code=201)
async def create_contact_label(request: Request, ctx: Configure, body: ContactLabelNameBody) -> Response:
    """Make a label of contacts. Problems: `contact-label-taken`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        label = await labels.create_label(tx, ctx.caller, body.name)
    return reply(request, CountedLabelBody.of(label), status=201)


@router.get("/labels/{contact_label_id}", response_model=CountedLabelBody)
async def get_contact_label(request: Request, ctx: View, contact_label_id: UUID) -> Response:
    """Return one label of contacts. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        label = await labels.get_label(tx, ctx.caller, ContactLabelId(contact_label_id))
    return reply(request, CountedLabelBody.of(label))


@router.put("/labels/{contact_label_id}", response_model=CountedLabelBody)
@router.patch("/labels/{contact_label_id}", response_model=CountedLabelBody)
async def rename_contact_label(
    request: Request, ctx: Configure, contact_label_id: UUID, body: ContactLabelNameBody
) -> Response:
    """Give a label of contacts another name. Problems: `not-found`, `contact-label-taken`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        label = await labels.rename_label(tx, ctx.caller, ContactLabelId(contact_label_id), body.name)
    return reply(request, CountedLabelBody.of(label))


@router.delete("/labels/{contact_label_id}", status_code=204)
async def delete_contact_label(ctx: Configure, contact_label_id: UUID) -> None:
    """Take a label from all contacts and delete it. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await labels.delete_label(tx, ctx.caller, ContactLabelId(contact_label_id))
