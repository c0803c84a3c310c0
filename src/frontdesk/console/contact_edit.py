"""The drawer that changes a card. What somebody else changed meanwhile is shown, never overwritten unseen."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from frontdesk.channels.access import list_visible_inboxes
from frontdesk.channels.queries import get_realm
from frontdesk.console import attributes
from frontdesk.console.contact import Head, load_head
from frontdesk.console.contacts import LANGUAGES, PATH
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.contacts.attributes import AttributeDefinition, Schema
from frontdesk.contacts.labels import LabelWish, list_labels
from frontdesk.contacts.model import CardFields
from frontdesk.contacts.queries import find_addresses, find_provenance
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, PreconditionFailed
from frontdesk.core.ids import ContactId, ContactLabelId, InboxId
from frontdesk.core.text import utc_now
from frontdesk.identities.cards import Given, change_card
from frontdesk.identities.queries import count_sessions_of_contact
from frontdesk.identities.source_ids import get_bare_realm
from frontdesk.organizations.model import Right

router = screen_router()

TIME_ZONES = (  # to choose from; any other is typed
    "Asia/Taipei", "Asia/Hong_Kong", "Asia/Shanghai", "Asia/Tokyo", "Asia/Seoul", "Asia/Singapore", "Asia/Kuala_Lumpur",
    "Asia/Bangkok", "Asia/Jakarta", "Asia/Ho_Chi_Minh", "Asia/Manila", "Asia/Kolkata", "Asia/Dubai", "Australia/Sydney",
    "Pacific/Auckland", "Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Madrid", "Europe/Rome",
    "Europe/Warsaw", "Africa/Johannesburg", "America/New_York", "America/Chicago", "America/Los_Angeles",
    "America/Sao_Paulo", "America/Mexico_City", "UTC",
)  # fmt: skip

Editor = Annotated[MemberCtx, member_needs(Right.CONTACTS_EDIT)]


async def read_defined(request: Request) -> dict[str, tuple[str, ...]]:
    """Return what the form says in the fields of defined attributes, whose names are the organization's."""
    return attributes.read_texts((await request.form()).multi_items())


Defined = Annotated[dict[str, tuple[str, ...]], Depends(read_defined)]


class Written(BaseModel):
    """What stands in the fields of the form."""

    model_config = ConfigDict(frozen=True)

    version: int
    name: str = ""
    language: str = ""
    time_zone: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    source_id: str = ""
    is_checked: bool = False  # the member looked a changed source id up
    inboxes: frozenset[UUID] = frozenset()
    labels: frozenset[UUID] = frozenset()
    keys: tuple[str, ...] = ()  # of the free attributes; with `values`, as text
    values: tuple[str, ...] = ()
    defined: dict[str, tuple[str, ...]] = {}  # of the attributes with a definition

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """Names and values as `attributes.py` reads them."""
        return tuple(zip(self.keys, self.values, strict=False))

    def to_given(self, head: Head, offered: set[InboxId], schema: Schema) -> Given:
        """Return what is to be written; inboxes that were not `offered` in the form stay. Raises InvalidRequest."""
        fields = CardFields(name=self.name, language=self.language or None, time_zone=self.time_zone or None)
        if head.sees_personal:
            fields["emails"] = _said(self.emails)
            fields["phones"] = _said(self.phones)
        defined, free = attributes.split(head.view.contact.attributes, schema)
        fields["attributes"] = {
            **attributes.changes(free, self.attributes, schema.definitions),
            **attributes.defined_changes(defined, self.defined, schema),
        }
        labels = {label.id for label in head.view.labels}
        old = {inbox.inbox_id for inbox in head.view.inboxes}
        new = (old - offered) | {InboxId(inbox_id) for inbox_id in self.inboxes}
        return Given(
            fields=fields,
            inbox_ids=tuple(new) if new != old else None,
            labels=tuple(LabelWish(ContactLabelId(one), None) for one in self.labels)
            if self.labels != labels
            else None,
            source_id=self.source_id if self.source_id != _source_id(head) else None,
        )


@router.get("/contacts/{contact_id}/edit")
async def show_edit(request: Request, contact_id: UUID, member: Editor) -> Response:
    """Show the card in a form."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        context = await _load_form(tx, member, head)
    written = _written(head, context["schema"])
    return page(request, "contact/edit.html", written=written, errors={}, error=None, differences=(), **context)


@router.get("/contacts/{contact_id}/edit/source-id")
async def show_notice(
    request: Request, contact_id: UUID, member: Editor, source_id: Annotated[str, Query()] = ""
) -> Response:
    """Say what a changed source id means, before it is saved."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        sessions = await count_sessions_of_contact(tx, head.view.contact.id, now=utc_now())
    return page(request, "contact/source_id.html", old=_source_id(head), new=source_id, sessions=sessions)


@router.post("/contacts/{contact_id}/edit")
async def save(
    request: Request, contact_id: UUID, member: Editor, written: Annotated[Written, Form()], defined: Defined
) -> Response:
    """Write the card. A corrected source id must be confirmed; a lost update shows both versions."""
    written = written.model_copy(update={"defined": defined})
    try:
        async with member.db.begin(member.organization_id) as tx:
            head = await load_head(tx, member, contact_id)
            offered, _ = await list_visible_inboxes(tx, member.caller)
            given = written.to_given(head, {inbox.id for inbox in offered}, await load_schema(tx))
            if given.source_id is not None and _source_id(head) and not written.is_checked:
                raise SourceIdUnchecked(pointer="/isChecked")
            await change_card(tx, member.caller, ContactId(contact_id), given, if_version=written.version)
    except FrontdeskError as error:
        return await _show_again(request, member, contact_id, written, error)
    return go(request, f"{PATH}/{contact_id}", flash=look_of(request)._("The contact is saved."))


class SourceIdUnchecked(PreconditionFailed):
    """A source id was to be corrected, and nobody said that it was looked up."""

    title = "Confirm the changed source ID"


async def _show_again(
    request: Request, member: MemberCtx, contact_id: UUID, written: Written, error: FrontdeskError
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        context = await _load_form(tx, member, head)
    is_lost = isinstance(error, PreconditionFailed) and "version" in error.facts
    return page(
        request,
        "contact/edit.html",
        status=error.status,
        written=written,
        errors={} if is_lost else {**field_errors(error), **attribute_errors(error)},
        error=error,
        differences=tuple(_differences(_written(head, context["schema"]), written, context)) if is_lost else (),
        **context,
    )


async def _load_form(tx: Tx, member: MemberCtx, head: Head) -> dict[str, Any]:
    contact = head.view.contact
    realm_id = head.view.primary.realm_id if head.view.primary else await get_bare_realm(tx, contact.id)
    inboxes, _ = await list_visible_inboxes(tx, member.caller)
    schema = await load_schema(tx)
    return {
        "head": head,
        "realm": (await get_realm(tx, realm_id)).name,
        "provenance": await find_provenance(tx, contact.id),
        "addresses": await find_addresses(tx, contact.id),
        "schema": schema,
        "faults": schema.find_faults(contact.attributes),
        "labels": (await list_labels(tx, member.caller))[0],
        "time_zones": TIME_ZONES,
        "inboxes": inboxes,
        "languages": LANGUAGES,
        "old_source_id": _source_id(head),
        "sessions": await count_sessions_of_contact(tx, contact.id, now=utc_now()),
    }


def attribute_errors(error: FrontdeskError) -> dict[str, str]:
    """Return the failure under `attributes.<key>` if it is one of a single attribute."""
    prefix, _, key = (error.pointer or "").removeprefix("/").partition("/")
    return {f"attributes.{key.replace('~1', '/').replace('~0', '~')}": error.detail} if prefix == "attributes" else {}


def _written(head: Head, schema: Schema) -> Written:
    contact = head.view.contact
    defined, free = attributes.split(contact.attributes, schema)
    pairs = attributes.as_text(free)
    return Written(
        version=contact.version,
        name=contact.name,
        language=contact.language or "",
        time_zone=contact.time_zone or "",
        emails=contact.emails,
        phones=contact.phones,
        source_id=_source_id(head),
        inboxes=frozenset(inbox.inbox_id for inbox in head.view.inboxes),
        labels=frozenset(label.id for label in head.view.labels),
        defined={key: attributes.to_texts(one, defined.get(key)) for key, one in schema.definitions.items()},
        keys=tuple(key for key, _ in pairs),
        values=tuple(value for _, value in pairs),
    )


def _differences(stored: Written, written: Written, context: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the name of a field, what is stored now, and what this member wrote, where the two differ."""
    label_names = {label.id: label.name for label in context["labels"]}
    inbox_names = {inbox.id: inbox.name for inbox in context["inboxes"]}
    definitions: Mapping[str, AttributeDefinition] = context["schema"].definitions
    pairs = [
        ("name", stored.name, written.name),
        ("language", stored.language, written.language),
        ("time_zone", stored.time_zone, written.time_zone),
        ("emails", ", ".join(stored.emails), ", ".join(_said(written.emails))),
        ("phones", ", ".join(stored.phones), ", ".join(_said(written.phones))),
        ("source_id", stored.source_id, written.source_id),
        ("inboxes", _names(stored.inboxes, inbox_names), _names(written.inboxes, inbox_names)),
        ("labels", _names(stored.labels, label_names), _names(written.labels, label_names)),
        *(
            (definition.name, ", ".join(stored.defined[key]), ", ".join(written.defined[key]))
            for key, definition in definitions.items()
            if key in written.defined
        ),
        *_free_pairs(stored, written),
    ]
    if not context["head"].sees_personal:
        pairs = [pair for pair in pairs if pair[0] not in {"emails", "phones"}]
    yield from (pair for pair in pairs if pair[1] != pair[2])


def _free_pairs(stored: Written, written: Written) -> Iterator[tuple[str, str, str]]:
    old, new = dict(stored.attributes), {key.strip(): value for key, value in written.attributes if key.strip()}
    for key in sorted(old.keys() | new.keys()):
        yield key, old.get(key, ""), new.get(key, "")


def _names(ids: frozenset[UUID], names: Mapping[UUID, str]) -> str:
    return ", ".join(sorted(names[one] for one in ids if one in names))


def _source_id(head: Head) -> str:
    return head.view.primary.source_id if head.view.primary else ""


def _said(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(value.strip() for value in values if value.strip())
