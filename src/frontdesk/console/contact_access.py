"""What a contact may read: the layers that narrow it, its profiles and own conditions, the documents that are left."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.layers import ProfilesMode
from frontdesk.access.model import Layer, all_of
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.profiles import AccessProfile, AssignedProfile
from frontdesk.access.queries import list_assigned, list_profiles
from frontdesk.access.warnings import AccessWarning
from frontdesk.channels.queries import list_inboxes
from frontdesk.console import conditions
from frontdesk.console.contact import Head, load_head
from frontdesk.console.contacts import PATH
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.query_builder import Asks, Offer, load_offer, show_preview, try_text
from frontdesk.console.reading import Reading, list_situations, load_reading
from frontdesk.contacts.access_actions import (
    assign_profile,
    check_access,
    list_access_warnings,
    set_access,
    unassign_profile,
)
from frontdesk.conversations.model import MAX_CONTENT
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ProfileId
from frontdesk.knowledge.search import PermittedDocument, count_permitted, list_permitted
from frontdesk.lifecycle.what_if import WhatIf, preview_contact
from frontdesk.organizations.model import Right

router = screen_router()

_DOCUMENTS_SHOWN = 15

Viewer = Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW)]
AccessEditor = Annotated[MemberCtx, member_needs(Right.CONTACTS_EDIT_ACCESS)]


@dataclass(frozen=True, slots=True)
class Held:
    """A profile of this contact, what it opens in the situation that is shown, and what is odd about it here."""

    assigned: AssignedProfile
    opens: int | None  # None: there is no situation to count in
    told: Sequence[conditions.Opened]
    warnings: tuple[AccessWarning, ...]


@router.get("/contacts/{contact_id}/access")
async def show_access(
    request: Request,
    contact_id: UUID,
    member: Viewer,
    situation: str = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """Show the path in one situation, the person's layer and the documents; htmx pages through these alone."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        situations = await list_situations(tx, member.caller, head.view)
        strongest = max(situations, key=lambda one: one.assurance, default=None)
        shown = next((one for one in situations if one.key == situation), strongest)
        reading = await load_reading(tx, head.view.contact, shown) if shown else None
        documents = await _load_documents(tx, member, reading, offset)
        person = {} if is_list_only(request, "documents") else await _load_person(tx, member, head, reading)
    path = f"{PATH}/{head.view.contact.id}/access"
    return page(
        request,
        "contact/documents.html" if is_list_only(request, "documents") else "contact/access.html",
        head=head,
        tab="access",
        situations=situations,
        reading=reading,
        offset=offset,
        limit=_DOCUMENTS_SHOWN,
        max_content=MAX_CONTENT,
        address=address_of(path, {"situation": shown.key if shown else "", "offset": offset}),
        **documents,
        **person,
    )


async def _load_documents(tx: Tx, member: MemberCtx, reading: Reading | None, offset: int) -> dict[str, Any]:
    documents: list[PermittedDocument] = []
    bases: Mapping[Any, str] = {}
    if reading is not None and member.may(Right.KNOWLEDGE_VIEW):
        documents, _ = await list_permitted(tx, reading.scope, limit=_DOCUMENTS_SHOWN, offset=offset)
        bases = await conditions.find_base_names(tx, {document.knowledge_base_id for document in documents})
    return {"documents": documents, "bases": bases}


async def _load_person(tx: Tx, member: MemberCtx, head: Head, reading: Reading | None) -> dict[str, Any]:
    contact = head.view.contact
    held = [await _look_at(tx, member, head, one, reading) for one in await list_assigned(tx, contact.id)]
    own = await list_access_warnings(tx, contact) if contact.query_metadata is not None else ()
    return {
        "held": held,
        "own_warnings": own,
        "own_lines": _lines(contact.query_metadata, own),
        "own_opens": await conditions.tell(tx, contact.query_metadata, Layer.CONTACT),
        "offered": await _load_offered(tx, head, held),
    }


async def _look_at(tx: Tx, member: MemberCtx, head: Head, assigned: AssignedProfile, reading: Reading | None) -> Held:
    raw = assigned.profile.query_metadata
    inbox_ids = [inbox.inbox_id for inbox in head.view.inboxes]
    try:
        reads_all = member.organization.vendor_faq_reading
        scope = parse_query_metadata(raw, layer=Layer.PROFILE, vendor_faq_reading=reads_all).scope
        warnings = await check_access(tx, replace(head.view.contact, query_metadata=raw), inbox_ids)
    except InvalidQueryMetadata:
        scope, warnings = None, ()
    told = await conditions.tell(tx, raw, Layer.PROFILE)
    if reading is None:
        return Held(assigned, None, told, warnings)
    opens = await count_permitted(tx, all_of(reading.before_person, scope)) if scope is not None else 0
    return Held(assigned, opens, told, warnings)


async def _load_offered(tx: Tx, head: Head, held: Sequence[Held]) -> list[AccessProfile]:
    """Return the profiles that may be given to this contact: by hand also those that a rule gives."""
    if not head.may_edit_access:
        return []
    profiles, _ = await list_profiles(tx)
    known = {one.assigned.profile.id for one in held if one.assigned.rule_id is None}
    return [profile for profile in profiles if profile.id not in known]


# --- profiles ---


@router.post("/contacts/{contact_id}/access/profiles")
async def give_profile(
    request: Request, contact_id: UUID, member: AccessEditor, profile_id: Annotated[UUID, Form()]
) -> Response:
    """Give an access profile. It counts from the next message on."""
    async with member.db.begin(member.organization_id) as tx:
        await assign_profile(tx, member.caller, ContactId(contact_id), ProfileId(profile_id))
    return go(request, f"{PATH}/{contact_id}/access", flash=look_of(request)._("The profile is given."))


@router.post("/contacts/{contact_id}/access/profiles/{profile_id}/take")
async def take_profile(request: Request, contact_id: UUID, profile_id: UUID, member: AccessEditor) -> Response:
    """Take an access profile away. It counts from the next message on."""
    async with member.db.begin(member.organization_id) as tx:
        await unassign_profile(tx, member.caller, ContactId(contact_id), ProfileId(profile_id))
    return go(request, f"{PATH}/{contact_id}/access", flash=look_of(request)._("The profile is taken away."))


# --- own conditions ---


@router.get("/contacts/{contact_id}/access/conditions")
async def show_conditions(request: Request, contact_id: UUID, member: AccessEditor) -> Response:
    """Show the contact's own conditions as JSON."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
    contact = head.view.contact
    text = conditions.write_field(contact.query_metadata)
    return await _show_editor(request, member, head, text, contact.profiles_mode)


@router.post("/contacts/{contact_id}/access/conditions")
async def save_conditions(
    request: Request,
    contact_id: UUID,
    member: AccessEditor,
    text: Annotated[str, Form()] = "",
    mode: Annotated[ProfilesMode, Form()] = "replace",
) -> Response:
    """Set or remove the contact's own conditions; what is odd about them is shown on the page as long as it is so."""
    try:
        raw = conditions.read_field(text)
        async with member.db.begin(member.organization_id) as tx:
            await set_access(tx, member.caller, ContactId(contact_id), raw, mode)
    except InvalidQueryMetadata as error:
        async with member.db.begin(member.organization_id) as tx:
            head = await load_head(tx, member, contact_id)
        return await _show_editor(request, member, head, text, mode, status=error.status)
    return go(request, f"{PATH}/{contact_id}/access", flash=look_of(request)._("The access is saved."))


@router.post("/contacts/{contact_id}/access/conditions/check")
async def check_conditions(
    request: Request,
    contact_id: UUID,
    member: AccessEditor,
    text: Annotated[str, Form()] = "",
    mode: Annotated[ProfilesMode, Form()] = "replace",
) -> Response:
    """Say what the conditions would open, and what this contact would read more or less."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        offer = await _load_offer(tx, member, head)
    return await show_preview(request, member, text, Layer.CONTACT, offer, _ask(member, head, mode))


async def _load_offer(tx: Tx, member: MemberCtx, head: Head) -> Offer:
    """Offer what the assistants of the contact's platforms have; of a contact on none, everything."""
    ids = [one.inbox_id for one in head.view.inboxes]
    if not ids:
        return await load_offer(tx, member, None)
    inboxes, _ = await list_inboxes(tx, ids)
    return await load_offer(tx, member, inboxes)


def _ask(member: MemberCtx, head: Head, mode: ProfilesMode) -> Asks:
    async def ask(tx: Tx, raw: dict[str, Any] | None) -> WhatIf:
        return await preview_contact(tx, member.caller, head.view.contact.id, raw, mode)

    return ask


async def _show_editor(
    request: Request, member: MemberCtx, head: Head, text: str, mode: ProfilesMode, *, status: int = 200
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        offer = await _load_offer(tx, member, head)
        preview, unread = await try_text(tx, member, text, Layer.CONTACT, offer)
    return page(
        request,
        "contact/conditions.html",
        status=status,
        head=head,
        text=text,
        mode=mode,
        error=unread,
        offer=offer,
        preview=preview,
        lines=conditions.mark_refused(text, unread) if unread else (),
        vendor_faqs=member.organization.vendor_faq_reading,
    )


def _lines(raw: dict[str, Any] | None, warnings: Sequence[AccessWarning]) -> list[conditions.Line]:
    return [] if raw is None else conditions.mark_lines(raw, {one.pointer for one in warnings})
