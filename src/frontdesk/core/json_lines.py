"""Reads a file of JSON objects as a table, whose columns are what the first of them name. Source: ndjson.org."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeAlias

from frontdesk.core.inputs import MAX_JSON_DEPTH
from frontdesk.core.sheets import MAX_COLUMNS, Fault, SourceRow, Table, UnreadableFile

Record: TypeAlias = Mapping[str, Any] | Fault

MAX_RECORD: Final = 1_000_000  # bytes of a JSON line, characters of a vCard
TOO_LARGE: Final = Fault("too-large", None, f"This record has more than {MAX_RECORD} bytes.")

MAX_ARRAY: Final = 20_000_000  # bytes; a list is read as a whole
TOO_LONG: Final = f"A list of more than {MAX_ARRAY // 1_000_000} MB is not read: put one object on each line."
NO_OBJECT: Final = "The file has no JSON object: one stands on each line."
NOT_JSON: Final = "The file is not JSON: {reason}."

_LOOKS_AT: Final = 1_000  # records, to know the columns


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


def open_lines(path: Path) -> Table:
    """Return the table of a file of JSON objects, one a line. Raises UnreadableFile when none of the first is one."""
    return to_table(lambda: read_lines(path), NO_OBJECT)


def open_array(path: Path) -> Table:
    """Return the table of a file that is one list of JSON objects, and not too large. Raises UnreadableFile."""
    if path.stat().st_size > MAX_ARRAY:
        raise UnreadableFile(TOO_LONG)
    try:
        values = json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(NOT_JSON.format(reason=error)) from error
    if not isinstance(values, list):
        raise UnreadableFile("The file is JSON, but not a list of objects.")
    records = [(number, _check(value)) for number, value in enumerate(values, 1)]
    return to_table(lambda: iter(records), "The list has no object.")


def to_table(read: Callable[[], Iterator[tuple[int, Record]]], failure: str) -> Table:
    """Return records as a table; what the first ones name are its columns. Raises UnreadableFile with `failure`."""
    first = [record for _, record in islice(read(), _LOOKS_AT)]
    columns = tuple(dict.fromkeys(key for record in first if not isinstance(record, Fault) for key in record))
    if not columns:
        raise UnreadableFile(failure)
    if len(columns) > MAX_COLUMNS:
        raise UnreadableFile(f"The file has more than {MAX_COLUMNS} columns.")
    return Table(columns, RecordTable(columns, read))


def read_lines(path: Path) -> Iterator[tuple[int, Record]]:
    """Yield each line that is not empty with its number, as an object or a fault."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_RECORD):
            number += 1
            if len(line) == MAX_RECORD and not line.endswith(b"\n"):
                while (rest := file.readline(MAX_RECORD)) and not rest.endswith(b"\n"):
                    pass
                yield number, TOO_LARGE
            elif stripped := line.removeprefix(b"\xef\xbb\xbf").strip():
                yield number, _parse_line(stripped)


def _parse_line(line: bytes) -> Record:
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        return Fault("encoding", None, "This line has bytes that are not UTF-8.")
    except (ValueError, RecursionError) as error:
        return Fault("malformed", None, f"This line is not JSON: {error}.")
    return _check(value)


def _check(value: Any) -> Record:  # noqa: ANN401 -- JSON
    if not isinstance(value, dict):
        return Fault("malformed", None, "This line is JSON, but not an object.")
    if _is_deep(value):
        return Fault("malformed", None, f"This line is nested more than {MAX_JSON_DEPTH} deep.")
    return value


def _is_deep(value: Any) -> bool:  # noqa: ANN401 -- JSON
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        if not level:
            return False
        lists = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level = [inner for inners in lists for inner in inners]
    return bool(level)
