"""The schema of custom attributes: what an organization says about the keys that stand in `attributes`.

A key without a definition is a free attribute, whose value is any JSON. What a card held before a definition was made
or changed stays until it is written anew.
"""

import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from frontdesk.access.model import Assurance
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import AttributeId

MAX_TEXT: Final = 2000  # characters of one value
MAX_UNIQUE: Final = 500  # characters of a value that is unique
MAX_ITEMS: Final = 100  # of a list

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
_TRUE: Final = frozenset({"true", "yes", "1", "是"})
_FALSE: Final = frozenset({"false", "no", "0", "否"})


class Kind(StrEnum):
    """What values of an attribute look like."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"  # 2026-09-02
    BOOLEAN = "boolean"
    LIST = "list"  # of texts
    URL = "url"

    @property
    def has_choices(self) -> bool:
        """True when an organization may list the values."""
        return self in {Kind.TEXT, Kind.LIST}

    @property
    def may_be_unique(self) -> bool:
        """True when it makes sense that only one contact has a value."""
        return self in {Kind.TEXT, Kind.NUMBER, Kind.DATE, Kind.URL}


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """What an organization says about one attribute."""

    id: AttributeId
    key: str  # in the JSON of a card; it never changes
    name: str  # for people
    kind: Kind
    choices: tuple[str, ...] | None  # None: any value of that kind
    is_required: bool
    is_unique: bool
    may_know_from: Assurance | None  # from this assurance on the assistant is told the value; None: never
    position: int
    created_at: datetime
    updated_at: datetime

    def find_fault(self, value: Any) -> str | None:  # noqa: ANN401 -- JSON
        """Return what is wrong with `value`, for people; None when it fits."""
        return (
            _FAULTS[self.kind](value)
            or self._find_unlisted(value)
            or (self._find_too_long(value) if self.is_unique else None)
        )

    def _find_unlisted(self, value: Any) -> str | None:  # noqa: ANN401 -- JSON
        chosen = value if isinstance(value, list) else [value]
        if self.choices is None or all(one in self.choices for one in chosen):
            return None
        return "This is none of the choices."

    def _find_too_long(self, value: Any) -> str | None:  # noqa: ANN401 -- JSON
        if len(value_key(value)) > MAX_UNIQUE:
            return f"At most {MAX_UNIQUE} characters are accepted here."
        return None


@dataclass(frozen=True, slots=True)
class Schema:
    """All definitions of an organization, by key, in the order in which they are shown."""

    definitions: Mapping[str, AttributeDefinition]

    @property
    def required(self) -> frozenset[str]:
        """The keys that a card made by hand must have."""
        return frozenset(key for key, one in self.definitions.items() if one.is_required)

    def check(self, attributes: Mapping[str, Any], *, changed: Collection[str]) -> None:
        """Raise InvalidRequest, whose pointer is `/attributes/<key>`, unless the card may say `attributes` now.

        Only `changed` keys are looked at, removed ones included: what stood there before stays. That a unique value is
        free is not known here.
        """
        for key in sorted(set(changed) & self.definitions.keys()):
            definition, value = self.definitions[key], attributes.get(key)
            if _is_nothing(value) and definition.is_required:
                fault: str | None = "A value is needed here."
            else:
                fault = None if value is None else definition.find_fault(value)
            if fault:
                raise InvalidRequest(fault, pointer=f"/attributes/{_escape(key)}")

    def find_faults(self, attributes: Mapping[str, Any]) -> dict[str, str]:
        """Map each key whose value on a card does not fit, or is missing, to what is wrong with it."""
        faults = {
            key: definition.find_fault(attributes[key])
            for key, definition in self.definitions.items()
            if attributes.get(key) is not None
        }
        missing = {key: "A value is needed here." for key in self.required if _is_nothing(attributes.get(key))}
        return {key: fault for key, fault in faults.items() if fault} | missing

    def keep_fitting(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what fits of values that were said automatically; nothing is removed by them."""
        return {
            key: value
            for key, value in values.items()
            if key not in self.definitions or not (_is_nothing(value) or self.definitions[key].find_fault(value))
        }

    def parse_text(self, key: str, text: str) -> Any:  # noqa: ANN401 -- JSON
        """Return the value of attribute `key` that a cell of a sheet, or a field of a form, says; None: no value.

        Raises InvalidRequest. A free attribute is a text.
        """
        definition = self.definitions.get(key)
        if not text.strip():
            return None
        value = _PARSERS[definition.kind](text.strip()) if definition else text
        fault = definition.find_fault(value) if definition else None
        if fault:
            raise InvalidRequest(fault, pointer=f"/attributes/{_escape(key)}")
        return value

    def unique_among(self, keys: Iterable[str]) -> list[AttributeDefinition]:
        """Return the definitions of those of `keys` whose values only one contact may have."""
        return [
            self.definitions[key]
            for key in sorted(set(keys) & self.definitions.keys())
            if self.definitions[key].is_unique
        ]


def value_key(value: Any) -> str:  # noqa: ANN401 -- JSON
    """Return the text by which equal values of a unique attribute are found: `UNIQUE_KEY` in SQL says the same."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return format(Decimal(str(value)).normalize(), "f") if value else "0"


def _is_nothing(value: object) -> bool:
    return value is None or value in ("", [])


def _text_fault(value: object) -> str | None:
    if not isinstance(value, str):
        return "This is not a text."
    return None if len(value) <= MAX_TEXT else f"At most {MAX_TEXT} characters are accepted here."


def _number_fault(value: object) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return None
    return "This is not a number."


def _date_fault(value: object) -> str | None:
    fault = "This is not a date. Write it as in 2026-09-02."
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return fault
    try:
        date.fromisoformat(value)
    except ValueError:
        return fault
    return None


def _boolean_fault(value: object) -> str | None:
    return None if isinstance(value, bool) else "This is neither yes nor no."


def _list_fault(value: object) -> str | None:
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        return "This is not a list of texts."
    return next((fault for fault in map(_text_fault, value) if fault), None)


def _url_fault(value: object) -> str | None:
    fault = "This is not a web address. Write it as in https://example.com/ann."
    if not isinstance(value, str) or len(value) > MAX_TEXT or any(letter.isspace() for letter in value):
        return fault
    try:
        parts = urlsplit(value)
    except ValueError:
        return fault
    return None if parts.scheme in {"https", "http"} and parts.hostname else fault


def _parse_number(text: str) -> Any:  # noqa: ANN401 -- JSON
    if not _NUMBER.fullmatch(text):
        return text  # find_fault says so
    return float(text) if "." in text else int(text)


def _parse_boolean(text: str) -> Any:  # noqa: ANN401 -- JSON
    word = text.casefold()
    return True if word in _TRUE else False if word in _FALSE else text


def _parse_list(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;\n]", text) if part.strip()]


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")  # RFC 6901


_FAULTS: Final[Mapping[Kind, Callable[[Any], str | None]]] = {
    Kind.TEXT: _text_fault,
    Kind.NUMBER: _number_fault,
    Kind.DATE: _date_fault,
    Kind.BOOLEAN: _boolean_fault,
    Kind.LIST: _list_fault,
    Kind.URL: _url_fault,
}
_PARSERS: Final[Mapping[Kind, Callable[[str], Any]]] = {
    Kind.TEXT: str,
    Kind.NUMBER: _parse_number,
    Kind.DATE: str,
    Kind.BOOLEAN: _parse_boolean,
    Kind.LIST: _parse_list,
    Kind.URL: str,
}
