"""A contact as one row of an export: what stands in each column, written so that an import reads it back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from frontdesk.contacts.attributes import Kind, Schema
from frontdesk.core.cells import JSON_CELL, join_list, split_list, to_text
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import InboxId, RealmId
from frontdesk.core.text import dump_json
from frontdesk.identities.cards import ContactView
from frontdesk.lifecycle.import_mapping import ATTRIBUTE

ALL_ATTRIBUTES: Final = "attributes"  # as a column: one for each attribute that somebody has
PERSONAL_COLUMNS: Final = frozenset({"emails", "phones"})
LIST_COLUMNS: Final = frozenset({"emails", "phones", "inboxes", "labels", "accessProfiles"})


@dataclass(frozen=True, slots=True)
class Names:
    """What things are called in an export: by name, or by id where two have the same name."""

    member_realm: RealmId
    realms: Mapping[RealmId, str]
    inboxes: Mapping[InboxId, str]


def _identities(one: ContactView, names: Names) -> list[dict[str, str]]:
    first = _first_of_member_realm(one, names)
    return [
        {"realm": names.realms.get(identity.realm_id, str(identity.realm_id)), "sourceId": identity.source_id}
        for identity in one.identities
        if identity is not first
    ]


def _first_of_member_realm(one: ContactView, names: Names) -> Any:  # noqa: ANN401 -- an identity, or None
    return next((identity for identity in one.identities if identity.realm_id == names.member_realm), None)


def _source_id(one: ContactView, names: Names) -> str | None:
    first = _first_of_member_realm(one, names)
    return first.source_id if first else None


COLUMNS: Final[Mapping[str, Callable[[ContactView, Names], Any]]] = {
    "id": lambda one, _: str(one.contact.id),
    "name": lambda one, _: one.contact.name,
    "emails": lambda one, _: list(one.contact.emails),
    "phones": lambda one, _: list(one.contact.phones),
    "sourceId": _source_id,
    "identities": _identities,
    "language": lambda one, _: one.contact.language,
    "timeZone": lambda one, _: one.contact.time_zone,
    "avatar": lambda one, _: one.contact.avatar,
    "inboxes": lambda one, names: [names.inboxes.get(inbox.inbox_id, str(inbox.inbox_id)) for inbox in one.inboxes],
    "labels": lambda one, _: [label.name for label in one.labels],
    "accessProfiles": lambda one, _: [name for _, name in one.profiles],
    "queryMetadata": lambda one, _: one.contact.query_metadata,
    "createdAt": lambda one, _: one.contact.created_at.isoformat(),
    "lastSeenAt": lambda one, _: one.contact.last_seen_at and one.contact.last_seen_at.isoformat(),
}


def read_column(one: ContactView, column: str, names: Names) -> Any:  # noqa: ANN401 -- JSON
    """Return what a contact has in a column; None: nothing."""
    if column.startswith(ATTRIBUTE):
        return one.contact.attributes.get(column.removeprefix(ATTRIBUTE))
    return COLUMNS[column](one, names)


def to_cell(column: str, value: Any, schema: Schema) -> str:  # noqa: ANN401 -- JSON
    """Return the cell of a sheet, not escaped yet. What text alone would not say exactly is JSON, and marked so."""
    if value is None or (value in ([], "") and not column.startswith(ATTRIBUTE)):
        return ""
    if column.startswith(ATTRIBUTE):
        return attribute_cell(column.removeprefix(ATTRIBUTE), value, schema)
    if column in LIST_COLUMNS:
        return join_list(value)
    return to_text(value)


def attribute_cell(key: str, value: Any, schema: Schema) -> str:  # noqa: ANN401 -- JSON
    """Return the text that the import reads as exactly this value."""
    definition = schema.definitions.get(key)
    if definition is not None and definition.kind is Kind.LIST:
        is_plain = isinstance(value, list) and value != [] and all(isinstance(one, str) and one for one in value)
        text = join_list(value) if is_plain else ""
        is_read = is_plain and list(split_list(text, also="\n")) == value
    else:
        text = to_text(value)
        is_read = _reads(key, text, value, schema)
    return text if is_read and not text.startswith(JSON_CELL) else JSON_CELL + dump_json(value)


def _reads(key: str, text: str, value: Any, schema: Schema) -> bool:  # noqa: ANN401 -- JSON
    try:
        read = schema.parse_text(key, text)
    except InvalidRequest:
        return False
    return type(read) is type(value) and bool(read == value)


def choose_columns(wanted: Sequence[str] | None, *, sees_personal: bool) -> tuple[str, ...]:
    """Return the columns of an export, in order; None: all. Raises InvalidRequest, which points into `/columns`."""
    if wanted is None:
        return tuple(column for column in (*COLUMNS, ALL_ATTRIBUTES) if sees_personal or column not in PERSONAL_COLUMNS)
    for index, column in enumerate(wanted):
        is_attribute = column.startswith(ATTRIBUTE) and column != ATTRIBUTE
        if column not in COLUMNS and column != ALL_ATTRIBUTES and not is_attribute:
            raise InvalidRequest("There is no such column.", pointer=f"/columns/{index}")
    if not wanted:
        raise InvalidRequest("Choose at least one column.", pointer="/columns")
    return tuple(dict.fromkeys(wanted))
