"""Contacts: the list, and a contact made in advance."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.profiles import AccessProfile
from frontdesk.access.queries import list_profiles
from frontdesk.channels.access import list_visible_inboxes
from frontdesk.channels.model import Inbox
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.model import CardFields
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError
from frontdesk.core.ids import InboxId, ProfileId
from frontdesk.core.wire import Paging
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.listing import ContactFilters, Kind, Order, list_contacts
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/contacts"
LANGUAGES = ("zh-Hant", "zh-Hans", "en", "ja", "ko", "vi", "th", "id", "fr", "de", "es", "pt", "it")


# --- the list ---


@router.get("/contacts")
async def show_contacts(
    request: Request,
    member: Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW)],
    q: str = "",
    kind: str = "",
    inbox: str = "",
    order: Order = Order.LAST_SEEN,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """Show one page of the contacts that match; htmx is given the rows alone."""
    wanted = _KINDS.get(kind)
    platform = _read_id(inbox)
    filters = ContactFilters(
        query=q, kind=wanted, inbox_ids=None if platform is None else (InboxId(platform),), order=order
    )
    async with member.db.begin(member.organization_id) as tx:
        found = await list_contacts(tx, member.caller, filters, Paging(PAGE_SIZE, offset))
        inboxes = await _inboxes(tx, member)
    said = {
        "q": q,
        "kind": wanted or "",
        "inbox": platform or "",
        "order": "" if order is Order.LAST_SEEN else order.value,
    }
    address = address_of(PATH, {**said, "offset": offset})
    return page(
        request,
        "contacts/rows.html" if is_list_only(request) else "contacts/list.html",
        headers={"HX-Push-Url": address()},  # shorter than what a form sends
        found=found,
        filters=said,
        order=order.value,
        offset=offset,
        limit=PAGE_SIZE,
        address=address,
        inboxes=inboxes,
    )


_KINDS: dict[str, Kind] = {"known": "known", "anonymous": "anonymous"}


# --- a contact made in advance ---


class NewContact(BaseModel):
    """What stands in the fields of the form, kept when it is refused."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    source_id: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    inboxes: frozenset[UUID] = frozenset()
    profiles: frozenset[UUID] = frozenset()

    def to_given(self) -> Given:
        """Return what is to be written; an empty field is not said."""
        fields = CardFields(name=self.name.strip(), language=self.language or None)
        if self.email.strip():
            fields["emails"] = (self.email,)
        if self.phone.strip():
            fields["phones"] = (self.phone,)
        return Given(fields=fields, inbox_ids=tuple(map(InboxId, self.inboxes)), source_id=self.source_id or None)


@router.get("/contacts/new")
async def show_new_contact(
    request: Request, member: Annotated[MemberCtx, member_needs(Right.CONTACTS_EDIT)]
) -> Response:
    """Show the empty form."""
    return await _show_form(request, member, NewContact(), {})


@router.post("/contacts/new")
async def add_contact(
    request: Request,
    member: Annotated[MemberCtx, member_needs(Right.CONTACTS_EDIT)],
    written: Annotated[NewContact, Form()],
) -> Response:
    """Make the contact, with its access, and show it."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            contact_id, _ = await create_card(tx, member.caller, written.to_given())
            for profile_id in written.profiles:
                await assign_profile(tx, member.caller, contact_id, ProfileId(profile_id))
    except FrontdeskError as error:
        return await _show_form(request, member, written, field_errors(error), error)
    return go(request, f"{PATH}/{contact_id}", flash=look_of(request)._("The contact is added."))


async def _show_form(
    request: Request,
    member: MemberCtx,
    written: NewContact,
    errors: dict[str, str],
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        inboxes, profiles = await _inboxes(tx, member), await _profiles(tx, member)
    return page(
        request,
        "contacts/new.html",
        status=error.status if error else 200,
        written=written,
        errors=errors,
        holder=error.facts.get("holder") if error else None,
        inboxes=inboxes,
        profiles=profiles,
        languages=LANGUAGES,
    )


# ---


async def _inboxes(tx: Tx, member: MemberCtx) -> list[Inbox]:
    inboxes, _ = await list_visible_inboxes(tx, member.caller)
    return inboxes


async def _profiles(tx: Tx, member: MemberCtx) -> list[AccessProfile]:
    if not member.may(Right.CONTACTS_EDIT_ACCESS):
        return []
    profiles, _ = await list_profiles(tx)
    return profiles


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
