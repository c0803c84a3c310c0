"""From a row of a file to what it says, cleaned and with everything that it names looked up. Needs no database."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar
from uuid import UUID

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.contacts.attributes import Kind, Schema
from frontdesk.contacts.card import MAX_ATTRIBUTES_BYTES, clean_card
from frontdesk.core.cells import JSON_CELL, split_list, to_text, unescape_formula
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactId, ContactLabelId, InboxId, ProfileId, RealmId
from frontdesk.core.inputs import check_json
from frontdesk.core.sheets import Fault, SourceRow
from frontdesk.identities.errors import InvalidSourceId
from frontdesk.identities.model import IdentityKey, parse_source_id
from frontdesk.lifecycle.import_mapping import ATTRIBUTE, IGNORE, ColumnUse
from frontdesk.lifecycle.import_model import Draft, Options

_SHEETS: Final = frozenset({"csv", "xlsx"})  # the formats whose export escapes formulas
_SURELY_KEPT: Final = 1_000  # characters
MAX_QUERY_METADATA: Final = 900_000  # bytes

_FIELDS: Final = {"name": "name", "language": "language", "timeZone": "time_zone", "avatar": "avatar"}
_ADDRESSES: Final = {"emails": "emails", "phones": "phones"}
_FURTHER_SEPARATORS: Final = ",，、；\n\t|"  # of addresses, which have none of them inside

Found = TypeVar("Found", bound=UUID)
Names: TypeAlias = Mapping[str, Found]
"""What an id or a name, in lower case, leads to. A name that two have leads nowhere."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """All that rows may name, as far as the caller may name it."""

    realms: Names[RealmId]
    member_realm: RealmId
    inboxes: Names[InboxId]
    labels: Names[ContactLabelId]
    profiles: Names[ProfileId]
    reserved: Sequence[str]  # what the organization adds to the words that are nobody's source id
    schema: Schema
    region: str | None  # where phone numbers without a country code are from


def to_names(things: Sequence[tuple[Found, str]]) -> dict[str, Found]:
    """Return what `Lookup` holds of things with these ids and names."""
    named: dict[str, Found] = {}
    ambiguous: set[str] = set()
    for thing, name in things:
        word = name.strip().casefold()
        if word in named:
            ambiguous.add(word)
        named[word] = thing
    for word in ambiguous:
        del named[word]
    return named | {str(thing): thing for thing, _ in things}


class _Broken(Exception):
    """The row says something that cannot be kept."""

    def __init__(self, code: str, field: str | None, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(code, field, detail)


class _Parts:
    """What a row says, as far as its cells are read."""

    __slots__ = ("attributes", "contact_id", "fields", "inboxes", "keys", "labels", "profiles", "query_metadata")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        self.keys: list[IdentityKey] = []
        self.contact_id: ContactId | None = None
        self.inboxes: list[InboxId] = []
        self.labels: list[ContactLabelId] = []
        self.profiles: list[ProfileId] = []
        self.query_metadata: Mapping[str, Any] | None = None


class RowParser:
    """Reads rows of one file. A cell that is empty says nothing."""

    def __init__(self, uses: Sequence[ColumnUse], lookup: Lookup, options: Options, *, file_format: str) -> None:
        self._lookup = lookup
        self._separator = options.separator
        self._unescapes = file_format in _SHEETS
        self._is_typed = file_format == "ndjson"  # what is text there is text
        self._metadata: dict[str, Mapping[str, Any]] = {}  # what was read before, by its text
        self._readers = [(index, use, self._reader_of(use)) for index, use in enumerate(uses) if use.target != IGNORE]

    def parse(self, row: SourceRow) -> Draft | Fault:
        """Return what the row says, or why it cannot be kept."""
        if row.fault is not None:
            return row.fault
        parts, cells = _Parts(), row.cells
        try:
            for index, use, read in self._readers:
                cell = cells[index]
                if cell is None or (cell in ("", []) and not (self._is_typed and use.attribute)):
                    continue
                if self._unescapes and isinstance(cell, str):
                    cell = unescape_formula(cell)
                read(parts, use, cell)
            return self._finish(row.number, parts)
        except _Broken as broken:
            return broken.fault

    def _finish(self, number: int, parts: _Parts) -> Draft:
        try:
            fields = dict(clean_card(parts.fields, region=self._lookup.region)) if parts.fields else {}  # type: ignore[arg-type] # as CardFields has them
        except InvalidRequest as error:
            raise _Broken("invalid-value", _field_of(error), error.detail) from error
        fields |= {ATTRIBUTE + key: value for key, value in parts.attributes.items()}
        return Draft(
            number=number,
            keys=tuple(dict.fromkeys(parts.keys)),
            contact_id=parts.contact_id,
            fields=fields,
            inbox_ids=frozenset(parts.inboxes),
            label_ids=frozenset(parts.labels),
            profile_ids=frozenset(parts.profiles),
            query_metadata=parts.query_metadata,
        )

    def _reader_of(self, use: ColumnUse) -> Callable[[_Parts, ColumnUse, Any], None]:
        if use.attribute is not None:
            return self._read_attribute
        if use.target in _FIELDS:
            return self._read_field
        return {
            "emails": self._read_addresses,
            "phones": self._read_addresses,
            "sourceId": self._read_source_id,
            "identities": self._read_identities,
            "contactId": self._read_contact_id,
            "inboxes": self._read_inboxes,
            "labels": self._read_labels,
            "accessProfiles": self._read_profiles,
            "queryMetadata": self._read_query_metadata,
        }[use.target]

    def _read_field(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        parts.fields[_FIELDS[use.target]] = to_text(cell)

    def _read_addresses(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        given = self._list(use, cell, also=_FURTHER_SEPARATORS)
        parts.fields[use.target] = [*parts.fields.get(use.target, ()), *given]

    def _read_attribute(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        key = use.attribute or ""
        try:
            value = self._parse_attribute(use, key, cell) if isinstance(cell, str) else cell
            if not (isinstance(value, str) and value.isprintable() and len(value) <= _SURELY_KEPT):
                check_json(value, pointer="", max_bytes=MAX_ATTRIBUTES_BYTES)
            if value is not None:
                self._lookup.schema.check({key: value}, changed={key})
                parts.attributes[key] = value
        except InvalidRequest as error:
            raise _Broken("invalid-value", use.target, error.detail) from error
        except (ValueError, RecursionError) as error:
            raise _Broken("invalid-value", use.target, "This is not JSON.") from error

    def _parse_attribute(self, use: ColumnUse, key: str, cell: str) -> Any:  # noqa: ANN401 -- JSON
        definition = self._lookup.schema.definitions.get(key)
        if self._is_typed and (definition is None or definition.kind in {Kind.TEXT, Kind.URL}):
            return cell
        if cell.startswith(JSON_CELL) and not self._is_typed:
            return json.loads(cell.removeprefix(JSON_CELL))
        if definition is not None and definition.kind is Kind.LIST:
            return list(self._list(use, cell, also="\n"))
        return self._lookup.schema.parse_text(key, cell)

    def _read_source_id(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        realm = use.realm or self._lookup.member_realm
        if str(realm) not in self._lookup.realms:
            raise _Broken("unknown-realm", use.target, "There is no such realm, or it is not yours.")
        parts.keys.append(self._key(realm, cell, use.target))

    def _read_identities(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        try:
            given = json.loads(cell) if isinstance(cell, str) else cell
            for one in given if isinstance(given, list) else [given]:
                realm = self._lookup.realms.get(str(one["realm"]).casefold())
                if realm is None:
                    raise _Broken("unknown-realm", use.target, "There is no such realm, or it is not yours.")
                parts.keys.append(self._key(realm, one["sourceId"], use.target))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            detail = 'Write identities as [{"realm": …, "sourceId": …}].'
            raise _Broken("invalid-value", use.target, detail) from error

    def _key(self, realm: RealmId, source_id: object, field: str) -> IdentityKey:
        is_number = isinstance(source_id, int) and not isinstance(source_id, bool)  # as JSON files have them
        given = str(source_id) if is_number else source_id
        try:
            return IdentityKey(realm, parse_source_id(given, self._lookup.reserved))
        except InvalidSourceId as error:
            raise _Broken("invalid-source-id", field, error.detail) from error

    def _read_contact_id(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        try:
            parts.contact_id = ContactId(UUID(to_text(cell).strip()))
        except ValueError as error:
            raise _Broken("invalid-value", use.target, "A contact id is a UUID.") from error

    def _read_inboxes(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        parts.inboxes += self._find(use, cell, self._lookup.inboxes, "unknown-inbox", "There is no such platform.")

    def _read_labels(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        parts.labels += self._find(use, cell, self._lookup.labels, "unknown-label", "There is no such label.")

    def _read_profiles(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        detail = "There is no such access profile."
        parts.profiles += self._find(use, cell, self._lookup.profiles, "unknown-profile", detail)

    def _read_query_metadata(self, parts: _Parts, use: ColumnUse, cell: Any) -> None:  # noqa: ANN401 -- a cell
        text = to_text(cell)
        if text not in self._metadata:
            try:
                raw = json.loads(text)
                check_json(raw, pointer="", max_bytes=MAX_QUERY_METADATA)
                parse_query_metadata(raw, layer=Layer.CONTACT)
            except (InvalidQueryMetadata, InvalidRequest) as error:
                raise _Broken("invalid-query-metadata", use.target, error.detail) from error
            except (ValueError, RecursionError) as error:
                raise _Broken("invalid-query-metadata", use.target, "This is not JSON.") from error
            self._metadata = {text: raw}  # the same for many rows, one after the other
        parts.query_metadata = self._metadata[text]

    def _find(
        self,
        use: ColumnUse,
        cell: Any,  # noqa: ANN401 -- a cell
        names: Names[Found],
        code: str,
        detail: str,
    ) -> Iterator[Found]:
        for name in self._list(use, cell):
            found = names.get(name.strip().casefold())
            if found is None:
                raise _Broken(code, use.target, f"{detail} {name[:100]}")
            yield found

    def _list(self, use: ColumnUse, cell: Any, *, also: str = "") -> Sequence[str]:  # noqa: ANN401 -- a cell
        if isinstance(cell, list):
            return [text for one in cell if (text := to_text(one).strip())]
        try:
            return split_list(to_text(cell), self._separator, also=also)
        except ValueError as error:
            raise _Broken("invalid-value", use.target, "A quotation mark in this list is not closed.") from error


def _field_of(error: InvalidRequest) -> str | None:
    return (error.pointer or "").strip("/").partition("/")[0] or None
