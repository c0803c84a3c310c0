"""A contact made in advance, by hand."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.access.profiles import AccessProfile
from frontdesk.access.queries import list_profiles
from frontdesk.channels.access import list_visible_inboxes
from frontdesk.console import attributes
from frontdesk.console.contact_edit import Defined, attribute_errors
from frontdesk.console.contacts import LANGUAGES, PATH
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.attributes import Schema
from frontdesk.contacts.labels import LabelWish, list_labels
from frontdesk.contacts.model import CardFields
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError
from frontdesk.core.ids import ContactLabelId, InboxId, ProfileId
from frontdesk.identities.cards import Given, create_card
from frontdesk.organizations.model import Right

router = screen_router()


class NewContact(BaseModel):
    """What stands in the fields of the form, kept when it is refused."""

    model_config = ConfigDict(frozen=True)

    name: str = ""
    source_id: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    labels: frozenset[UUID] = frozenset()
    inboxes: frozenset[UUID] = frozenset()
    profiles: frozenset[UUID] = frozenset()
    defined: dict[str, tuple[str, ...]] = {}  # of the attributes with a definition

    def to_given(self, schema: Schema) -> Given:
        """Return what is to be written; an empty field is not said. Raises InvalidRequest."""
        fields = CardFields(name=self.name.strip(), language=self.language or None)
        fields["attributes"] = attributes.defined_changes({}, self.defined, schema)
        if self.email.strip():
            fields["emails"] = (self.email,)
        if self.phone.strip():
            fields["phones"] = (self.phone,)
        return Given(
            fields=fields,
            inbox_ids=tuple(map(InboxId, self.inboxes)),
            source_id=self.source_id or None,
            labels=tuple(LabelWish(ContactLabelId(label), None) for label in self.labels),
        )


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
    defined: Defined,
) -> Response:
    """Make the contact, with its access, and show it."""
    written = written.model_copy(update={"defined": defined})
    try:
        async with member.db.begin(member.organization_id) as tx:
            contact_id, _ = await create_card(tx, member.caller, written.to_given(await load_schema(tx)))
            for profile_id in written.profiles:
                await assign_profile(tx, member.caller, contact_id, ProfileId(profile_id))
    except FrontdeskError as error:
        return await _show_form(request, member, written, {**field_errors(error), **attribute_errors(error)}, error)
    return go(request, f"{PATH}/{contact_id}", flash=look_of(request)._("The contact is added."))


async def _show_form(
    request: Request,
    member: MemberCtx,
    written: NewContact,
    errors: dict[str, str],
    error: FrontdeskError | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
        profiles, schema = await _profiles(tx, member), await load_schema(tx)
        labels, _ = await list_labels(tx, member.caller)
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
        schema=schema,
        labels=labels,
    )


async def _profiles(tx: Tx, member: MemberCtx) -> list[AccessProfile]:
    if not member.may(Right.CONTACTS_EDIT_ACCESS):
        return []
    profiles, _ = await list_profiles(tx)
    return profiles
