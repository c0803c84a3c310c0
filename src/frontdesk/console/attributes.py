"""Custom attributes as text in a form, and back, so that what nobody touched stays what it was.

Attributes with a definition have fields of their kind. A free one is read as JSON if it is some, else as plain text:
`12` is a number, `12 pieces` a text, `"12"` the text of two digits.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from frontdesk.contacts.attributes import AttributeDefinition, Kind, Schema
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.text import dump_json

FIELD = "attribute."  # what the name of a defined attribute's field begins with
_DEFINED = "/attributes"

Texts = Mapping[str, tuple[str, ...]]  # of defined attributes; several of a list, else one


def as_text(attributes: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return names and values as they are shown in the form, by name."""
    return tuple((key, _write(value)) for key, value in sorted(attributes.items()))


def split(attributes: Mapping[str, Any], schema: Schema) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes that have a definition, and the free ones."""
    defined = {key: value for key, value in attributes.items() if key in schema.definitions}
    return defined, {key: value for key, value in attributes.items() if key not in defined}


def to_texts(definition: AttributeDefinition, value: object) -> tuple[str, ...]:
    """Return what stands in the fields of a defined attribute; a value that does not fit is shown, too."""
    if value is None:
        return ()
    if definition.kind is Kind.LIST and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    return (value if isinstance(value, str) else dump_json(value),)


def read_texts(pairs: Iterable[tuple[str, object]]) -> dict[str, tuple[str, ...]]:
    """Return what a form says in the fields of defined attributes; those in the form are named by `shown`."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if name == "shown":
            found.setdefault(str(value), [])
        elif name.startswith(FIELD):
            found.setdefault(name.removeprefix(FIELD), []).append(str(value))
    return {key: tuple(text for text in texts if text.strip()) for key, texts in found.items()}


def defined_changes(old: Mapping[str, Any], written: Texts, schema: Schema) -> dict[str, Any]:
    """Return what to write of the defined attributes; what the form says as the card does is not written.

    Raises InvalidRequest, whose pointer names the attribute.
    """
    changed: dict[str, Any] = {}
    for key, texts in written.items():
        definition = schema.definitions.get(key)
        if definition is None or _lines(texts) == _lines(to_texts(definition, old.get(key))):
            continue
        if definition.kind is Kind.LIST:
            changed[key] = list(_lines(texts)) or None
        else:
            changed[key] = schema.parse_text(key, texts[0] if texts else "")
    return changed


def changes(old: Mapping[str, Any], written: Iterable[tuple[str, str]], taken: Iterable[str] = ()) -> dict[str, Any]:
    """Return what to write on the card so that its free attributes are `written`; None removes.

    A row without a name is left out. Raises InvalidRequest when a name stands there twice, or is one of `taken`.
    """
    new: dict[str, Any] = {}
    for name, value in written:
        key = name.strip()
        if not key:
            continue
        if key in new or key in taken:
            raise InvalidRequest("This attribute is there twice.", pointer=_DEFINED)
        new[key] = _read(value)
    return {**dict.fromkeys(old.keys() - new.keys()), **new}


def _lines(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(line.strip() for text in texts for line in text.splitlines() if line.strip())


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
