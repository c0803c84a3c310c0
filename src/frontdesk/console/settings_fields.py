"""Contact fields: attributes, labels of contacts, and from which assurance on the assistant is told what."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from phonenumbers import SUPPORTED_REGIONS
from pydantic import BaseModel, ConfigDict

from frontdesk.access.model import Assurance
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.languages import region_name
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.navigation import N_
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.settings_frame import PATH, settings_page
from frontdesk.contacts import configuring, labels
from frontdesk.contacts.attributes import AttributeDefinition, Kind
from frontdesk.contacts.bodies import MayKnowFrom, parse_may_know, render_may_know
from frontdesk.contacts.configuring import AttributeChanges, Misfits
from frontdesk.contacts.knowing import CardField
from frontdesk.contacts.label_queries import ContactLabel
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import AttributeId, ContactLabelId
from frontdesk.organizations.model import Right

router = screen_router()

FIELDS = f"{PATH}/contact-fields"
KINDS = {
    Kind.TEXT: N_("Text"),
    Kind.NUMBER: N_("Number"),
    Kind.DATE: N_("Date"),
    Kind.BOOLEAN: N_("Yes or no"),
    Kind.LIST: N_("List of texts"),
    Kind.URL: N_("Web address"),
}
CARD_FIELDS: dict[CardField, str] = {
    "name": N_("Name"),
    "language": N_("Language"),
    "time_zone": N_("Time zone"),
    "emails": N_("E-mail"),
    "phones": N_("Phone"),
}

Configurer = Annotated[MemberCtx, member_needs(Right.CONTACTS_CONFIGURE)]


class WrittenAttribute(BaseModel):
    """What stands in the fields of an attribute's form."""

    model_config = ConfigDict(frozen=True)

    key: str = ""
    name: str = ""
    kind: Kind = Kind.TEXT
    choices: str = ""  # one on each line
    is_required: bool = False
    is_unique: bool = False
    may_know_from: MayKnowFrom = "signed"

    def to_changes(self) -> AttributeChanges:
        """Return what is to be written."""
        choices = tuple(line.strip() for line in self.choices.splitlines() if line.strip())
        return AttributeChanges(
            name=self.name.strip() or self.key,
            kind=self.kind,
            choices=choices if choices and self.kind.has_choices else None,
            is_required=self.is_required,
            is_unique=self.is_unique and self.kind.may_be_unique,
            may_know_from=parse_may_know(self.may_know_from),
        )


class WrittenRules(BaseModel):
    """What stands in the form of the fixed fields."""

    model_config = ConfigDict(frozen=True)

    name: MayKnowFrom
    language: MayKnowFrom
    time_zone: MayKnowFrom
    emails: MayKnowFrom
    phones: MayKnowFrom
    phone_region: str = ""
    refused_source_ids: str = ""  # one on each line


@router.get("/settings/contact-fields")
async def show_fields(request: Request, member: Configurer) -> Response:
    """Show attributes, labels and rules."""
    async with member.db.begin(member.organization_id) as tx:
        definitions = await configuring.list_definitions(tx, member.caller)
        found, _ = await labels.list_labels(tx, member.caller)
        rules = await configuring.get_rules(tx, member.caller)
    language = look_of(request).language
    return settings_page(
        request,
        "settings/fields.html",
        definitions=definitions,
        labels=found,
        rules={field: render_may_know(value) for field, value in rules.may_know.items()},
        phone_region=rules.phone_region,
        refused_source_ids=rules.refused_source_ids,
        phone_regions=sorted(SUPPORTED_REGIONS, key=lambda code: region_name(code, shown_in=language)),
        kinds=KINDS,
        card_fields=CARD_FIELDS,
    )


@router.post("/settings/contact-fields/rules")
async def save_rules(request: Request, member: Configurer, written: Annotated[WrittenRules, Form()]) -> Response:
    """Set from which assurance on the fixed fields are told, and how national numbers are read."""
    rules: dict[CardField, Assurance | None] = {
        "name": parse_may_know(written.name),
        "language": parse_may_know(written.language),
        "time_zone": parse_may_know(written.time_zone),
        "emails": parse_may_know(written.emails),
        "phones": parse_may_know(written.phones),
    }
    async with member.db.begin(member.organization_id) as tx:
        await configuring.set_rules(tx, member.caller, rules)
        await configuring.set_phone_region(tx, member.caller, written.phone_region or None)
        await configuring.set_refused_source_ids(tx, member.caller, written.refused_source_ids.splitlines())
    return go(request, FIELDS, flash=look_of(request)._("The rules are saved."))


# --- attributes ---


@router.get("/settings/contact-fields/attributes/new")
async def show_new_attribute(request: Request, member: Configurer) -> Response:  # noqa: ARG001 -- the right
    """Show the empty form."""
    return _attribute_form(request, None, WrittenAttribute())


@router.post("/settings/contact-fields/attributes/new")
async def create_attribute(
    request: Request, member: Configurer, written: Annotated[WrittenAttribute, Form()]
) -> Response:
    """Define an attribute, and tell how many contacts do not fit."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            _, misfits = await configuring.create_definition(tx, member.caller, written.key, written.to_changes())
    except FrontdeskError as error:
        return _attribute_form(request, None, written, error)
    return go(request, FIELDS, flash=_tell(request, misfits))


@router.get("/settings/contact-fields/attributes/{attribute_id}")
async def show_attribute(request: Request, attribute_id: UUID, member: Configurer) -> Response:
    """Show a definition in a form."""
    async with member.db.begin(member.organization_id) as tx:
        definition = await configuring.get_definition(tx, member.caller, AttributeId(attribute_id))
    written = WrittenAttribute(
        key=definition.key,
        name=definition.name,
        kind=definition.kind,
        choices="\n".join(definition.choices or ()),
        is_required=definition.is_required,
        is_unique=definition.is_unique,
        may_know_from=render_may_know(definition.may_know_from),
    )
    return _attribute_form(request, definition, written)


@router.post("/settings/contact-fields/attributes/{attribute_id}")
async def save_attribute(
    request: Request, attribute_id: UUID, member: Configurer, written: Annotated[WrittenAttribute, Form()]
) -> Response:
    """Change a definition, and tell how many contacts do not fit."""
    async with member.db.begin(member.organization_id) as tx:
        definition = await configuring.get_definition(tx, member.caller, AttributeId(attribute_id))
    try:
        async with member.db.begin(member.organization_id) as tx:
            _, misfits = await configuring.update_definition(tx, member.caller, definition.id, written.to_changes())
    except FrontdeskError as error:
        return _attribute_form(request, definition, written, error)
    return go(request, FIELDS, flash=_tell(request, misfits))


@router.get("/settings/contact-fields/attributes/{attribute_id}/delete")
async def ask_delete_attribute(request: Request, attribute_id: UUID, member: Configurer) -> Response:
    """Ask before a definition goes."""
    async with member.db.begin(member.organization_id) as tx:
        definition = await configuring.get_definition(tx, member.caller, AttributeId(attribute_id))
    return page(request, "settings/attribute_delete.html", definition=definition)


@router.post("/settings/contact-fields/attributes/{attribute_id}/delete")
async def delete_attribute(request: Request, attribute_id: UUID, member: Configurer) -> Response:
    """Forget a definition."""
    async with member.db.begin(member.organization_id) as tx:
        await configuring.delete_definition(tx, member.caller, AttributeId(attribute_id))
    return go(request, FIELDS, flash=look_of(request)._("The attribute is deleted; contacts keep their values."))


def _attribute_form(
    request: Request,
    definition: AttributeDefinition | None,
    written: WrittenAttribute,
    error: FrontdeskError | None = None,
) -> Response:
    return page(
        request,
        "settings/attribute_form.html",
        status=error.status if error else 200,
        definition=definition,
        written=written,
        kinds=KINDS,
        errors=field_errors(error) if error else {},
    )


def _tell(request: Request, misfits: Misfits) -> str:
    """Return that it is saved, and how many contacts do not fit."""
    texts = look_of(request).texts
    counted = (
        (
            misfits.unfitting,
            texts.ngettext("%d contact has another value.", "%d contacts have another value.", misfits.unfitting),
        ),
        (misfits.missing, texts.ngettext("%d contact has no value.", "%d contacts have no value.", misfits.missing)),
        (misfits.shared, texts.ngettext("%d contact shares a value.", "%d contacts share a value.", misfits.shared)),
    )
    told = [text % count for count, text in counted if count]
    kept = [texts.gettext("They keep it until it is changed.")] if told else []
    return " ".join([texts.gettext("The attribute is saved."), *told, *kept])


# --- labels ---


@router.get("/settings/contact-fields/labels/new")
async def show_new_label(request: Request, member: Configurer) -> Response:  # noqa: ARG001 -- the right
    """Show the empty form."""
    return _label_form(request, None, "")


@router.post("/settings/contact-fields/labels/new")
async def create_label(request: Request, member: Configurer, name: Annotated[str, Form()] = "") -> Response:
    """Make a label."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await labels.create_label(tx, member.caller, name)
    except FrontdeskError as error:
        return _label_form(request, None, name, error)
    return go(request, FIELDS, flash=look_of(request)._("The label is made."))


@router.get("/settings/contact-fields/labels/{contact_label_id}")
async def show_label(request: Request, contact_label_id: UUID, member: Configurer) -> Response:
    """Show a label in a form."""
    async with member.db.begin(member.organization_id) as tx:
        label = await labels.get_label(tx, member.caller, ContactLabelId(contact_label_id))
    return _label_form(request, label, label.name)


@router.post("/settings/contact-fields/labels/{contact_label_id}")
async def save_label(
    request: Request, contact_label_id: UUID, member: Configurer, name: Annotated[str, Form()] = ""
) -> Response:
    """Give a label another name."""
    async with member.db.begin(member.organization_id) as tx:
        label = await labels.get_label(tx, member.caller, ContactLabelId(contact_label_id))
    try:
        async with member.db.begin(member.organization_id) as tx:
            await labels.rename_label(tx, member.caller, label.id, name)
    except NotFound:
        raise
    except FrontdeskError as error:
        return _label_form(request, label, name, error)
    return go(request, FIELDS, flash=look_of(request)._("The label is saved."))


@router.get("/settings/contact-fields/labels/{contact_label_id}/delete")
async def ask_delete_label(request: Request, contact_label_id: UUID, member: Configurer) -> Response:
    """Ask before a label goes."""
    async with member.db.begin(member.organization_id) as tx:
        label = await labels.get_label(tx, member.caller, ContactLabelId(contact_label_id))
    return page(request, "settings/contact_label_delete.html", label=label)


@router.post("/settings/contact-fields/labels/{contact_label_id}/delete")
async def delete_label(request: Request, contact_label_id: UUID, member: Configurer) -> Response:
    """Take a label from all contacts."""
    async with member.db.begin(member.organization_id) as tx:
        await labels.delete_label(tx, member.caller, ContactLabelId(contact_label_id))
    return go(request, FIELDS, flash=look_of(request)._("The label is deleted."))


def _label_form(
    request: Request, label: ContactLabel | None, name: str, error: FrontdeskError | None = None
) -> Response:
    return page(
        request,
        "settings/contact_label_form.html",
        status=error.status if error else 200,
        label=label,
        name=name,
        errors=field_errors(error) if error else {},
    )
