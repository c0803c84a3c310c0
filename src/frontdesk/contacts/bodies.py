"""Bodies of the API about what cards are like: attributes, labels, field rules; and notes."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self, TypeAlias
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema

from frontdesk.access.bodies import WarningBody, render_assurance
from frontdesk.access.model import Assurance
from frontdesk.contacts.attributes import AttributeDefinition, Kind
from frontdesk.contacts.configuring import AttributeChanges, CardRules, Misfits
from frontdesk.contacts.knowing import CardField
from frontdesk.contacts.label_queries import ContactLabel
from frontdesk.contacts.labels import LabelWish
from frontdesk.contacts.note_queries import Note
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.wire import LenientModel, PageOf, Time, WireModel

MayKnowFrom: TypeAlias = Literal["anonymous", "claimed", "channel", "signed", "never"]

_MISFITS = {
    "unfitting": ("values-do-not-fit", "Some contacts have values that do not fit. They stay until they are written."),
    "missing": ("values-missing", "Some contacts have no value. They stay without one until they are written."),
    "shared": ("values-shared", "Some contacts share a value. The oldest one keeps it for itself."),
}


def _to_wish(raw: Any) -> Any:  # noqa: ANN401 -- what a client sent
    """Read `id`, `{"id": …}` or `{"name": …}`."""
    if isinstance(raw, dict):
        label_id, name = raw.get("id"), raw.get("name")
        return LabelWish.parse(str(label_id)) if label_id else LabelWish(None, str(name or "").strip())
    return LabelWish.parse(raw) if isinstance(raw, str) else raw


LabelWishField: TypeAlias = Annotated[
    LabelWish,
    BeforeValidator(_to_wish),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "description": "Its id, or its name."},
                {"type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}},
            ]
        }
    ),
]


class ContactLabelBody(WireModel):
    """A label of contacts."""

    id: UUID
    name: str

    @classmethod
    def of(cls, label: ContactLabel) -> Self:
        """Return the body of a label."""
        return cls(id=label.id, name=label.name)


class CountedLabelBody(ContactLabelBody):
    """A label of contacts, and how many have it."""

    contacts_count: int
    created_at: Time

    @classmethod
    def of(cls, label: ContactLabel) -> Self:
        """Return the body of a label."""
        return cls(id=label.id, name=label.name, contacts_count=label.contacts_count, created_at=label.created_at)


class ContactLabelPage(PageOf):
    """Labels of contacts, by name."""

    results: Sequence[CountedLabelBody]


class ContactLabelNameBody(WireModel):
    """What a label of contacts is called."""

    name: str


class AttributeBody(WireModel):
    """The definition of an attribute; `warnings` count the contacts that do not fit, after a write."""

    id: UUID
    key: str
    name: str
    kind: Kind
    choices: Sequence[str] | None
    is_required: bool
    is_unique: bool
    may_know_from: MayKnowFrom
    position: int
    created_at: Time
    updated_at: Time
    warnings: Sequence[WarningBody] = ()


class AttributePage(PageOf):
    """Definitions of attributes, in the order in which they are shown."""

    results: Sequence[AttributeBody]


class WriteAttributeBody(LenientModel):
    """What is written of a definition; absent keys stay as they are."""

    key: str | None = None
    name: str | None = None
    kind: Kind | None = None
    choices: Annotated[list[str] | None, Field(description="Null: any value of that kind.")] = None
    is_required: bool | None = None
    is_unique: bool | None = None
    may_know_from: MayKnowFrom | None = None
    position: Annotated[int | None, Field(ge=0, le=10_000)] = None

    def to_changes(self) -> AttributeChanges:
        """Return what was sent, and only that."""
        changes = AttributeChanges()
        if self.name is not None:
            changes["name"] = self.name
        if self.kind is not None:
            changes["kind"] = self.kind
        if "choices" in self.model_fields_set:
            changes["choices"] = None if self.choices is None else tuple(self.choices)
        if self.is_required is not None:
            changes["is_required"] = self.is_required
        if self.is_unique is not None:
            changes["is_unique"] = self.is_unique
        if self.may_know_from is not None:
            changes["may_know_from"] = parse_may_know(self.may_know_from)
        if self.position is not None:
            changes["position"] = self.position
        return changes

    def require_key(self, key: str) -> None:
        """Raise InvalidRequest when another key than the present one was sent."""
        if self.key not in {None, key}:
            raise InvalidRequest("The key of an attribute stays as it is.", pointer="/key")


class CreateAttributeBody(WriteAttributeBody):
    """A new definition."""

    key: Annotated[str, Field(description="The name in the JSON of a contact.")]
    kind: Kind


class FieldRulesBody(WireModel):
    """From which assurance on the assistant is told each field of a card, and how national phone numbers are read."""

    name: MayKnowFrom
    language: MayKnowFrom
    time_zone: MayKnowFrom
    emails: MayKnowFrom
    phones: MayKnowFrom
    phone_region: Annotated[
        str | None, Field(description="Where numbers without a country code are from; null: they are refused.")
    ]
    refused_source_ids: Annotated[
        Sequence[str], Field(description="Nobody's source ids, in any case, beside those that are always refused.")
    ]


class WriteFieldRulesBody(LenientModel):
    """What is written; absent keys stay as they are."""

    name: MayKnowFrom | None = None
    language: MayKnowFrom | None = None
    time_zone: MayKnowFrom | None = None
    emails: MayKnowFrom | None = None
    phones: MayKnowFrom | None = None
    phone_region: str | None = None
    refused_source_ids: Sequence[str] | None = None

    def to_rules(self) -> dict[CardField, Assurance | None]:
        """Return the rules that were sent."""
        sent: dict[CardField, MayKnowFrom | None] = {
            "name": self.name,
            "language": self.language,
            "time_zone": self.time_zone,
            "emails": self.emails,
            "phones": self.phones,
        }
        return {field: parse_may_know(value) for field, value in sent.items() if value is not None}


class NoteBody(WireModel):
    """A note about a contact."""

    id: UUID
    body: str
    author_name: str
    version: int
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, note: Note) -> Self:
        """Return the body of a note."""
        return cls(
            id=note.id,
            body=note.body,
            author_name=note.author_name,
            version=note.version,
            created_at=note.created_at,
            updated_at=note.updated_at,
        )


class NotePage(PageOf):
    """Notes about a contact, the newest first."""

    results: Sequence[NoteBody]


class WriteNoteBody(WireModel):
    """The text of a note."""

    body: str


def parse_may_know(name: MayKnowFrom) -> Assurance | None:
    """Return the assurance that `name` is of; None: never."""
    return None if name == "never" else Assurance[name.upper()]


def render_may_know(assurance: Assurance | None) -> MayKnowFrom:
    """Return the name of an assurance in rules; None is `never`."""
    return "never" if assurance is None else render_assurance(assurance)


def render_attribute(definition: AttributeDefinition, misfits: Misfits | None = None) -> AttributeBody:
    """Return the body of a definition, with what it counted."""
    counts = {"unfitting": misfits.unfitting, "missing": misfits.missing, "shared": misfits.shared} if misfits else {}
    return AttributeBody(
        id=definition.id,
        key=definition.key,
        name=definition.name,
        kind=definition.kind,
        choices=definition.choices,
        is_required=definition.is_required,
        is_unique=definition.is_unique,
        may_know_from=render_may_know(definition.may_know_from),
        position=definition.position,
        created_at=definition.created_at,
        updated_at=definition.updated_at,
        warnings=[
            WarningBody(code=_MISFITS[kind][0], pointer="/kind", detail=_MISFITS[kind][1], facts={"count": count})
            for kind, count in counts.items()
            if count
        ],
    )


def render_rules(rules: CardRules) -> FieldRulesBody:
    """Return the body of the rules."""
    names = {field: render_may_know(value) for field, value in rules.may_know.items()}
    return FieldRulesBody(
        name=names["name"],
        language=names["language"],
        time_zone=names["time_zone"],
        emails=names["emails"],
        phones=names["phones"],
        phone_region=rules.phone_region,
        refused_source_ids=rules.refused_source_ids,
    )
