"""Reads files that are records instead of tables: JSON lines and vCards. What the first records name are the columns.

Sources: ndjson.org; RFC 2426 and RFC 6350 (vCard 3.0 and 4.0).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

import vobject
from vobject.base import VObjectError

from frontdesk.core.charset import guess_encoding
from frontdesk.core.inputs import MAX_JSON_DEPTH
from frontdesk.core.text import dump_json
from frontdesk.lifecycle.import_cells import JSON_CELL
from frontdesk.lifecycle.import_formats import MAX_COLUMNS, SourceRow, Table, UnreadableFile
from frontdesk.lifecycle.import_model import Fault

Record: TypeAlias = Mapping[str, Any] | Fault

MAX_RECORD: Final = 1_000_000  # bytes of a JSON line, characters of a vCard
_LOOKS_AT: Final = 1_000  # records, to know the columns
_CHARACTER_ERRORS: Final = "surrogateescape"
_MINE: Final = "x-frontdesk-"
_NAME: Final = "[A-Za-z0-9_-]++"
_LINE: Final = re.compile(  # of a vCard; the library takes for ever to find out that a line is none
    rf"""(?:{_NAME}\.)?{_NAME}(?:;(?=[;:]))?(?:;{_NAME}(?:[=,](?:"[^"]*+"|[^";:,]*+))*+)*+:"""
)
_IGNORED: Final = frozenset({"version", "prodid", "rev", "photo", "logo", "sound", "key"})
_TOO_LARGE: Final = Fault("too-large", None, f"This record has more than {MAX_RECORD} bytes.")


@dataclass(frozen=True, slots=True)
class RecordTable:
    """Records of a file as rows of a table; a record with anything beside the columns is a fault."""

    columns: tuple[str, ...]
    read: Callable[[], Iterator[tuple[int, Record]]]

    def __iter__(self) -> Iterator[SourceRow]:
        """Yield a row for each record."""
        known, nothing = frozenset(self.columns), [None] * len(self.columns)
        for number, record in self.read():
            if isinstance(record, Fault):
                yield SourceRow(number, nothing, record)
                continue
            unknown = next((key for key in record if key not in known), None)
            fault = unknown and Fault("unknown-column", unknown, "None of the first rows has this field.")
            yield SourceRow(number, [record.get(column) for column in self.columns], fault or None)


def open_ndjson(path: Path) -> Table:
    """Return the table of a file of JSON objects, one a line. Raises UnreadableFile when none of the first is one."""
    return _to_table(lambda: _read_lines(path), "The file has no JSON object: one stands on each line.")


def open_vcards(path: Path) -> Table:
    """Return the table of a file of vCards. Raises UnreadableFile when there is none."""
    with path.open("rb") as file:
        encoding = guess_encoding(file)
    return _to_table(lambda: _read_vcards(path, encoding), "The file has no vCard.")


def _to_table(read: Callable[[], Iterator[tuple[int, Record]]], failure: str) -> Table:
    first = [record for _, record in islice(read(), _LOOKS_AT)]
    columns = tuple(dict.fromkeys(key for record in first if not isinstance(record, Fault) for key in record))
    if not columns:
        raise UnreadableFile(failure)
    if len(columns) > MAX_COLUMNS:
        raise UnreadableFile(f"The file has more than {MAX_COLUMNS} columns.")
    return Table(columns, RecordTable(columns, read))


# --- JSON lines ---


def _read_lines(path: Path) -> Iterator[tuple[int, Record]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_RECORD):
            number += 1
            if len(line) == MAX_RECORD and not line.endswith(b"\n"):
                while (rest := file.readline(MAX_RECORD)) and not rest.endswith(b"\n"):
                    pass
                yield number, _TOO_LARGE
            elif stripped := line.removeprefix(b"\xef\xbb\xbf").strip():
                yield number, _parse_line(stripped)


def _parse_line(line: bytes) -> Record:
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        return Fault("encoding", None, "This line has bytes that are not UTF-8.")
    except (ValueError, RecursionError) as error:
        return Fault("malformed", None, f"This line is not JSON: {error}.")
    if not isinstance(value, dict):
        return Fault("malformed", None, "This line is JSON, but not an object.")
    if line.count(b"[") + line.count(b"{") > MAX_JSON_DEPTH and _is_deep(value):
        return Fault("malformed", None, f"This line is nested more than {MAX_JSON_DEPTH} deep.")
    attributes = value.pop("attributes", None)
    if isinstance(attributes, dict):
        value |= {f"attributes.{key}": one for key, one in attributes.items()}
    elif attributes is not None:
        return Fault("malformed", "attributes", "The attributes are an object.")
    return value


def _is_deep(value: Any) -> bool:  # noqa: ANN401 -- JSON
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        lists = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level = [inner for inners in lists for inner in inners]
    return bool(level)


# --- vCards ---


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
                yield number, _parse_vcard("".join(card)) if size <= MAX_RECORD else _TOO_LARGE
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
