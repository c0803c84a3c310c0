"""Reads a file of vCards as a table. Sources: RFC 2426 and RFC 6350 (vCard 3.0 and 4.0)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import vobject
from vobject.base import VObjectError

from frontdesk.core.cells import JSON_CELL
from frontdesk.core.charset import guess_encoding
from frontdesk.core.json_lines import MAX_RECORD, TOO_LARGE, Record, to_table
from frontdesk.core.sheets import Fault, Table
from frontdesk.core.text import dump_json

_CHARACTER_ERRORS: Final = "surrogateescape"
_MINE: Final = "x-frontdesk-"
_NAME: Final = "[A-Za-z0-9_-]++"
_LINE: Final = re.compile(  # of a vCard; the library takes for ever to find out that a line is none
    rf"""(?:{_NAME}\.)?{_NAME}(?:;(?=[;:]))?(?:;{_NAME}(?:[=,](?:"[^"]*+"|[^";:,]*+))*+)*+:"""
)
_IGNORED: Final = frozenset({"version", "prodid", "rev", "photo", "logo", "sound", "key"})


def open_vcards(path: Path) -> Table:
    """Return the table of a file of vCards. Raises UnreadableFile when there is none."""
    with path.open("rb") as file:
        encoding = guess_encoding(file)
    return to_table(lambda: _read_vcards(path, encoding), "The file has no vCard.")


def _read_vcards(path: Path, encoding: str) -> Iterator[tuple[int, Record]]:
    with path.open(encoding=encoding, errors="replace" if encoding == "utf-16" else _CHARACTER_ERRORS) as text:
        card: list[str] = []
        size = number = 0
        while line := text.readline(MAX_RECORD):
            word = line.strip().upper()
            if word == "BEGIN:VCARD":
                if card:  # the one before was never ended
                    number += 1
                    yield number, Fault("malformed", None, "This vCard has no end.")
                card, size = [], 0
            elif not card:
                continue
            size += len(line)
            if size <= MAX_RECORD:
                card.append(line if line.endswith("\n") else f"{line}\n")
            if word == "END:VCARD" and card:
                number += 1
                yield number, _parse_vcard("".join(card)) if size <= MAX_RECORD else TOO_LARGE
                card = []
        if card:
            yield number + 1, Fault("malformed", None, "This vCard has no end.")


def _parse_vcard(text: str) -> Record:
    if re.search("[\ud800-\udfff]", text):
        return Fault("encoding", None, "This vCard has bytes that are not text.")
    if not all(_LINE.match(line) for line in re.sub("\n[\t ]", "", text).split("\n") if line):
        return Fault("malformed", None, "This vCard has a line without a name and a colon.")
    try:
        card = vobject.readOne(text)
    except (VObjectError, ValueError, UnicodeError, LookupError, AttributeError, RecursionError) as error:
        return Fault("malformed", None, f"This vCard cannot be read: {' '.join(str(error).split())[:200]}.")
    found: dict[str, Any] = {}
    try:
        for kind, lines in card.contents.items() if card is not None else ():
            if kind not in _IGNORED:
                for line in lines:
                    _take_line(found, kind, line)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):  # a card inside of a card has no value
        return Fault("malformed", "attributes", "An attribute of this vCard cannot be read.")
    if "FN" not in found and "N" in found:
        found["FN"] = found["N"]
    found.pop("N", None)
    return found


def _take_line(found: dict[str, Any], kind: str, line: Any) -> None:  # noqa: ANN401 -- vobject has no types
    value = line.value
    if kind == "n":
        found["N"] = _join_name(value)
    elif kind == f"{_MINE}attribute":
        said = json.loads(value)
        found[f"attributes.{said['key']}"] = JSON_CELL + dump_json(said["value"])
    elif kind.startswith(_MINE):
        found[kind.removeprefix(_MINE).upper()] = value
    elif kind in {"email", "tel", "categories"}:
        values = value if isinstance(value, list) else [value]
        found.setdefault(kind.upper(), []).extend(one.removeprefix("tel:") for one in values if isinstance(one, str))
    else:
        text = ";".join(map(str, value)) if isinstance(value, list) else str(value)
        found[kind.upper()] = text if kind.upper() not in found else f"{found[kind.upper()]}\n{text}"


def _join_name(name: Any) -> str:  # noqa: ANN401 -- vobject has no types
    """Return a name as people write it: a Chinese one has the family name first and no spaces."""
    if not isinstance(name, vobject.vcard.Name):
        return str(name)
    family, given = (" ".join(part) if isinstance(part, list) else part for part in (name.family, name.given))
    if re.fullmatch("[\u3400-\u9fff\uf900-\ufaff]+", family + given):
        return f"{family}{given}"
    return " ".join(part for part in (given, family) if part)
