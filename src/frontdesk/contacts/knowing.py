"""What of a card the assistant is told: each field from some assurance on, never below the one it was learned at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, get_args

from frontdesk.access.model import Assurance
from frontdesk.contacts import queries
from frontdesk.contacts.attributes import Schema
from frontdesk.contacts.model import Contact, Provenance
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx

CardField: TypeAlias = Literal["name", "language", "time_zone", "emails", "phones"]
FieldRules: TypeAlias = Mapping[CardField, Assurance | None]  # from which assurance on; None: never

CARD_FIELDS: Final[tuple[CardField, ...]] = get_args(CardField)
DEFAULT_RULES: Final[FieldRules] = {
    "name": Assurance.CHANNEL,
    "language": Assurance.CHANNEL,
    "time_zone": Assurance.CHANNEL,
    "emails": Assurance.SIGNED,
    "phones": Assurance.SIGNED,
}
FREE_ATTRIBUTES_FROM: Final = Assurance.SIGNED

_LABELS: Final[Mapping[CardField, str]] = {
    "name": "name",
    "language": "language",
    "time_zone": "time zone",
    "emails": "e-mail",
    "phones": "phone",
}


@dataclass(frozen=True, slots=True)
class _Said:
    """One value as it would be told. `by` None: nobody knows who said it, as of cards that are not stored."""

    label: str
    value: object
    by: Provenance | None
    may_know_from: Assurance | None

    def is_for(self, assurance: Assurance) -> bool:
        """Say whether it may be told in a session of this assurance."""
        learned = self.by.assurance if self.by else None
        return self.may_know_from is not None and assurance >= max(self.may_know_from, learned or Assurance.ANONYMOUS)

    @property
    def title(self) -> str:
        """The label, which says so when only the visitor or a platform said it."""
        learned = self.by.assurance if self.by else None
        return self.label if learned in {None, Assurance.SIGNED} else f"{self.label}, as the visitor says"


async def load_known(tx: Tx, contact: Contact, assurance: Assurance) -> tuple[tuple[str, object], ...]:
    """Return labels and values of what the assistant may know of the contact in a session of this assurance.

    What was said below `signed` has a label that says so. Values are texts, numbers, booleans or lists of texts.
    """
    if _is_blank(contact):
        return ()
    rules, schema = await load_rules(tx), await load_schema(tx)
    said = {field: one.provenance for field, one in (await queries.find_provenance(tx, contact.id)).items()}
    addresses = await queries.find_addresses(tx, contact.id)
    parts = [
        *_plain(contact, rules, said),
        *(
            _Said(_LABELS[field], address.value, address.provenance, rules[field])
            for field, listed in addresses.items()
            for address in listed
        ),
        *_attributes(contact, schema, said),
    ]
    return tuple((one.title, one.value) for one in parts if one.is_for(assurance))


async def load_rules(tx: Tx) -> FieldRules:
    """Return from which assurance on each field of the card is told."""
    return {**DEFAULT_RULES, **await queries.find_field_rules(tx)}


def _plain(contact: Contact, rules: FieldRules, said: Mapping[str, Provenance]) -> Iterator[_Said]:
    values: tuple[tuple[CardField, str | None], ...] = (
        ("name", contact.name),
        ("language", contact.language),
        ("time_zone", contact.time_zone),
    )
    for field, value in values:
        if value:
            yield _Said(_LABELS[field], value, said.get(field), rules[field])


def _attributes(contact: Contact, schema: Schema, said: Mapping[str, Provenance]) -> Iterator[_Said]:
    for key, value in contact.attributes.items():
        definition = schema.definitions.get(key)
        if _is_told(value):
            label = definition.name if definition else key
            may_know_from = definition.may_know_from if definition else FREE_ATTRIBUTES_FROM
            yield _Said(label, value, said.get(f"attributes.{key}"), may_know_from)


def _is_told(value: Any) -> bool:  # noqa: ANN401 -- JSON
    if isinstance(value, list):
        return bool(value) and all(isinstance(part, str) for part in value)
    return isinstance(value, str | int | float) and value != ""


def _is_blank(contact: Contact) -> bool:
    return not (
        contact.name or contact.language or contact.time_zone or contact.emails or contact.phones or contact.attributes
    )
