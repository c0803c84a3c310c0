"""The card on a contact's page: who said what, what the assistant may know of it, and notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.access.model import Assurance
from frontdesk.contacts import note_queries, notes
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.attributes import AttributeDefinition
from frontdesk.contacts.knowing import FREE_ATTRIBUTES_FROM, load_rules
from frontdesk.contacts.model import Contact
from frontdesk.contacts.note_queries import Note
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.organizations.model import Caller

NOTES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class ShownAttribute:
    """An attribute as the card shows it. `definition` None: a free one."""

    key: str
    definition: AttributeDefinition | None
    value: Any
    fault: str  # why it does not fit its definition; empty when it does
    may_know_from: Assurance | None


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A note, and whether the member may change it."""

    note: Note
    may_change: bool


async def load_card(tx: Tx, caller: Caller, contact: Contact, *, may_edit: bool) -> Mapping[str, Any]:
    """Return what the template of the overview needs beside the contact itself."""
    schema = await load_schema(tx)
    found = await note_queries.list_notes(tx, contact.id, limit=NOTES_SHOWN)
    return {
        "provenance": await contacts.find_provenance(tx, contact.id),
        "addresses": await contacts.find_addresses(tx, contact.id),
        "rules": await load_rules(tx),
        "attributes": _attributes(contact, schema.definitions, schema.find_faults(contact.attributes)),
        "notes": [ShownNote(note, may_edit and notes.may_change(caller, note)) for note in found],
        "note_count": await note_queries.count_notes(tx, contact.id),
    }


def _attributes(
    contact: Contact, definitions: Mapping[str, AttributeDefinition], faults: Mapping[str, str]
) -> Sequence[ShownAttribute]:
    """Return the defined ones that have a value, or should have one, in their order; then the free ones by name."""
    shown = [
        ShownAttribute(key, one, contact.attributes.get(key), faults.get(key, ""), one.may_know_from)
        for key, one in definitions.items()
        if key in contact.attributes or key in faults
    ]
    free = {key: value for key, value in contact.attributes.items() if key not in definitions}
    return [*shown, *(ShownAttribute(key, None, free[key], "", FREE_ATTRIBUTES_FROM) for key in sorted(free))]
