"""Access profiles: what each opens, who has it, and how it is changed for everybody at once."""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access import actions, queries
from frontdesk.access.bodies import AssuranceName, render_assurance
from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import Assurance, Layer, Nothing, Scope
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.profiles import AccessProfile, HeldThrough, ProfileChanges
from frontdesk.access.warnings import AccessWarning
from frontdesk.console import conditions
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.navigation import N_
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.profile_rules import tell_rules
from frontdesk.console.query_builder import Asks, load_offer, show_preview, try_text
from frontdesk.contacts.holders import list_holders
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, PreconditionFailed
from frontdesk.core.ids import ProfileId
from frontdesk.knowledge.search import count_permitted, list_permitted
from frontdesk.lifecycle.what_if import WhatIf, preview_profile
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/access-profiles"
_DOCUMENTS_SHOWN = 15

_WAYS: Final[dict[HeldThrough, str]] = {
    "member": N_("by a member"),
    "api": N_("by the API"),
    "import": N_("by an import"),
    "rule": N_("by a rule"),
}

Viewer = Annotated[MemberCtx, member_needs(Right.PROFILES_VIEW)]
Editor = Annotated[MemberCtx, member_needs(Right.PROFILES_EDIT)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


class Written(BaseModel):
    """What stands in the fields of the form."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    minimum_assurance: AssuranceName = "channel"
    text: str = ""
    version: int = 0  # of the profile as the member saw it; 0: a new one

    def to_changes(self) -> ProfileChanges:
        """Return what is to be written. Raises InvalidQueryMetadata."""
        return ProfileChanges(
            name=self.name,
            minimum_assurance=Assurance[self.minimum_assurance.upper()],
            query_metadata=conditions.read_field(self.text),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One profile in the list."""

    profile: AccessProfile
    told: list[conditions.Opened]
    documents: int  # in all knowledge bases, before any assistant or inbox narrows
    holders: int
    warnings: tuple[AccessWarning, ...]


@router.get("/access-profiles")
async def show_profiles(request: Request, member: Viewer) -> Response:
    """List the profiles with what they open and how many have them."""
    async with member.db.begin(member.organization_id) as tx:
        profiles, _ = await queries.list_profiles(tx)
        holders = await queries.count_holders(tx)
        rows = [await _load_row(tx, member, profile, holders.get(profile.id, 0)) for profile in profiles]
    return page(request, "profiles/list.html", rows=rows)


@router.get("/access-profiles/new")
async def show_new_profile(request: Request, member: Editor) -> Response:
    """Show the empty form."""
    return await _show_form(request, member, Written(), None)


@router.post("/access-profiles/new")
async def add_profile(request: Request, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Make a profile that nobody has yet."""
    try:
        changes = written.to_changes()
        async with member.db.begin(member.organization_id) as tx:
            profile, _ = await actions.create_profile(tx, member.caller, changes)
    except FrontdeskError as error:
        return await _show_form(request, member, written, None, error)
    return go(request, f"{PATH}/{profile.id}", flash=look_of(request)._("The profile is added."))


@router.get("/access-profiles/{profile_id}")
async def show_profile(
    request: Request,
    profile_id: UUID,
    member: Viewer,
    documents_from: Offset = 0,
    contacts_from: Offset = 0,
    through: HeldThrough | None = None,
) -> Response:
    """Show what the profile opens, its rules, and who has it; htmx pages through one of the two lists alone."""
    template = "profiles/profile.html"
    for target, part in (("documents", "profiles/documents.html"), ("holders", "profiles/holders.html")):
        template = part if is_list_only(request, target) else template
    async with member.db.begin(member.organization_id) as tx:
        profile = await queries.get_profile(tx, ProfileId(profile_id))
        row = await _load_row(tx, member, profile, 0)
        told = await tell_rules(tx, profile)
        lists = await _load_lists(tx, member, profile, documents_from, contacts_from, through)
    return page(
        request,
        template,
        row=row,
        profile=profile,
        rules=told,
        ways=_WAYS,
        through=through,
        lines=_lines(row),
        limit=PAGE_SIZE,
        documents_limit=_DOCUMENTS_SHOWN,
        documents_from=documents_from,
        contacts_from=contacts_from,
        address=address_of(
            f"{PATH}/{profile_id}",
            {"documents_from": documents_from, "contacts_from": contacts_from, "through": through},
        ),
        **lists,
    )


@router.get("/access-profiles/{profile_id}/edit")
async def show_edit(request: Request, profile_id: UUID, member: Editor) -> Response:
    """Show the profile in a form."""
    async with member.db.begin(member.organization_id) as tx:
        profile = await queries.get_profile(tx, ProfileId(profile_id))
    return await _show_form(request, member, _written(profile), profile)


@router.post("/access-profiles/{profile_id}/edit")
async def save(request: Request, profile_id: UUID, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Change the profile for everybody who has it. A lost update shows what is stored now."""
    try:
        changes = written.to_changes()
        async with member.db.begin(member.organization_id) as tx:
            await actions.update_profile(
                tx, member.caller, ProfileId(profile_id), changes, if_version=written.version or None
            )
    except FrontdeskError as error:
        async with member.db.begin(member.organization_id) as tx:
            profile = await queries.get_profile(tx, ProfileId(profile_id))
        return await _show_form(request, member, written, profile, error)
    return go(request, f"{PATH}/{profile_id}", flash=look_of(request)._("The profile is saved."))


@router.get("/access-profiles/{profile_id}/delete")
async def ask_delete(request: Request, profile_id: UUID, member: Editor) -> Response:
    """Ask before a profile is taken from everybody."""
    async with member.db.begin(member.organization_id) as tx:
        profile = await queries.get_profile(tx, ProfileId(profile_id))
        holders = (await queries.count_holders(tx)).get(profile.id, 0)
    return page(request, "profiles/delete.html", profile=profile, holders=holders)


@router.post("/access-profiles/{profile_id}/delete")
async def delete(request: Request, profile_id: UUID, member: Editor) -> Response:
    """Take the profile from everybody and delete it."""
    async with member.db.begin(member.organization_id) as tx:
        await actions.delete_profile(tx, member.caller, ProfileId(profile_id))
    return go(request, PATH, flash=look_of(request)._("The profile is deleted."))


# --- the form ---


def _written(profile: AccessProfile) -> Written:
    return Written(
        name=profile.name,
        minimum_assurance=render_assurance(profile.minimum_assurance),
        text=conditions.write_field(profile.query_metadata),
        version=profile.version,
    )


@router.post("/access-profiles/new/check")
async def check_new(request: Request, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Say what the conditions of a profile that is not there yet would open."""
    async with member.db.begin(member.organization_id) as tx:
        offer = await load_offer(tx, member, None)
    return await show_preview(request, member, written.text, Layer.PROFILE, offer)


@router.post("/access-profiles/{profile_id}/check")
async def check(request: Request, profile_id: UUID, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Say what the conditions would open, and who would read what then."""
    async with member.db.begin(member.organization_id) as tx:
        profile = await queries.get_profile(tx, ProfileId(profile_id))
        offer = await load_offer(tx, member, None)
    return await show_preview(request, member, written.text, Layer.PROFILE, offer, _ask(member, profile, written))


def _ask(member: MemberCtx, profile: AccessProfile, written: Written) -> Asks:
    least = Assurance[written.minimum_assurance.upper()]

    async def ask(tx: Tx, raw: dict[str, Any] | None) -> WhatIf:
        return await preview_profile(tx, member.caller, profile.id, raw, minimum_assurance=least)

    return ask


async def _show_form(
    request: Request,
    member: MemberCtx,
    written: Written,
    profile: AccessProfile | None,
    error: FrontdeskError | None = None,
) -> Response:
    is_lost = isinstance(error, PreconditionFailed)
    async with member.db.begin(member.organization_id) as tx:
        offer = await load_offer(tx, member, None)
        preview, unread = await try_text(tx, member, written.text, Layer.PROFILE, offer)
    is_unread = isinstance(error, InvalidQueryMetadata)
    return page(
        request,
        "profiles/edit.html",
        status=error.status if error else 200,
        written=written,
        profile=profile,
        stored=_written(profile) if profile and is_lost else None,
        errors=field_errors(error) if error and not is_unread and not is_lost else {},
        offer=offer,
        preview=preview,
        unread=unread,
        lines=conditions.mark_refused(written.text, unread) if unread else (),
        vendor_faqs=member.organization.vendor_faq_reading,
        assurances=[one.name.lower() for one in Assurance],
    )


# ---


async def _load_row(tx: Tx, member: MemberCtx, profile: AccessProfile, holders: int) -> Row:
    try:
        warnings = await actions.review_query_metadata(
            tx, profile.query_metadata, layer=Layer.PROFILE, at="/queryMetadata"
        )
    except InvalidQueryMetadata:
        warnings = ()
    return Row(
        profile,
        await conditions.tell(tx, profile.query_metadata, Layer.PROFILE),
        await count_permitted(tx, _scope(member, profile)),
        holders,
        warnings,
    )


async def _load_lists(
    tx: Tx,
    member: MemberCtx,
    profile: AccessProfile,
    documents_from: int,
    contacts_from: int,
    through: HeldThrough | None,
) -> dict[str, Any]:
    found: dict[str, Any] = {"documents": [], "document_count": 0, "bases": {}, "holders": None, "holder_count": 0}
    if member.may(Right.KNOWLEDGE_VIEW):
        documents, count = await list_permitted(
            tx, _scope(member, profile), limit=_DOCUMENTS_SHOWN, offset=documents_from
        )
        bases = await conditions.find_base_names(tx, {document.knowledge_base_id for document in documents})
        found |= {"documents": documents, "document_count": count, "bases": bases}
    if member.may(Right.CONTACTS_VIEW):
        holders, count = await list_holders(
            tx, member.caller, profile.id, through=through, limit=PAGE_SIZE, offset=contacts_from
        )
        found |= {"holders": holders, "holder_count": count}
    return found


def _scope(member: MemberCtx, profile: AccessProfile) -> Scope:
    reads_all = member.organization.vendor_faq_reading
    try:
        parsed = parse_query_metadata(profile.query_metadata, layer=Layer.PROFILE, vendor_faq_reading=reads_all)
    except InvalidQueryMetadata:
        return Nothing()
    return parsed.scope or Nothing()


def _lines(row: Row) -> list[conditions.Line]:
    raw = row.profile.query_metadata
    return [] if raw is None else conditions.mark_lines(raw, {one.pointer for one in row.warnings})
