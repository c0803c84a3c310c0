"""Custom attributes as text in a form, and back, so that what nobody touched stays what it was.

A value is read as JSON if it is some, else as plain text: `12` is a number, `12 pieces` a text, `"12"` the text of two
digits.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.text import dump_json


def as_text(attributes: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return names and values as they are shown in the form, by name."""
    return tuple((key, _write(value)) for key, value in sorted(attributes.items()))


def changes(old: Mapping[str, Any], written: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return what to write on the card so that it has exactly `written`; None removes. An empty name is a free row.

    Raises InvalidRequest when a name stands there twice.
    """
    new: dict[str, Any] = {}
    for name, value in written:
        key = name.strip()
        if not key:
            continue
        if key in new:
            raise InvalidRequest("This attribute is there twice.", pointer="/attributes")
        new[key] = _read(value)
    return {**dict.fromkeys(old.keys() - new.keys()), **new}


def _write(value: object) -> str:
    if isinstance(value, str) and _read(value) == value and isinstance(_read(value), str):
        return value
    return dump_json(value)


def _read(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text


def _refuse(text: str) -> object:
    raise ValueError(text)  # NaN and Infinity are words here, not numbers
