"""Reads a foreign file as a table, row by row, and never holds more of it than a row.

What cannot be read is a row with a fault, and reading goes on after it. Tables (CSV) are here; JSON is made one by
`json_lines`, and a workbook, which can do harm, by `workbooks` in a process of its own.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from frontdesk.core.charset import guess_encoding

MAX_COLUMNS: Final = 500
MAX_ROW: Final = 100_000  # characters of one row
MAX_ROW_LINES: Final = 1_000  # a quote that is never closed swallows no more than this
MAX_REREAD: Final = 500_000  # lines of a file that are read again after a row that swallowed them

_DELIMITERS: Final = (",", ";", "\t", "|")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")

MALFORMED: Final = "This row cannot be read: {reason}."
UNDECODABLE: Final = "This row has bytes that are not text in {encoding}."
TOO_MANY_CELLS: Final = "This row has more cells than the header has columns."


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is not imported. `code` is for programs, `detail` for people; `field` None: the whole row."""

    code: str
    field: str | None
    detail: str


class UnreadableFile(Exception):
    """Nothing can be read of the file; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A row as the file has it. `number` is what people count, the header included; `cells` follow the columns."""

    number: int
    cells: Sequence[Any]
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a file, and its rows, which can be read any number of times."""

    columns: tuple[str, ...]
    rows: Iterable[SourceRow]


def name_columns(header: Iterable[object]) -> tuple[str, ...]:
    """Return the names of columns, each once: nameless ones are numbered, and so are repeated ones."""
    names: list[str] = []
    for position, cell in enumerate(header, 1):
        name = " ".join(str(cell or "").split())[:200] or f"Column {position}"
        names.append(name if name not in names else f"{name} ({position})")
    return tuple(names)


def shape_row(number: int, cells: Sequence[Any], width: int) -> SourceRow:
    """Return the row with as many cells as there are columns; more of them, unless empty, are a fault."""
    if len(cells) == width:
        return SourceRow(number, cells)
    if any(cell not in {"", None} for cell in cells[width:]):
        return SourceRow(number, cells[:width], Fault("malformed", None, TOO_MANY_CELLS))
    return SourceRow(number, [*cells[:width], *[""] * (width - len(cells))])


# --- CSV ---


@dataclass(frozen=True, slots=True)
class CsvTable:
    """How a file of separated values is written."""

    path: Path
    encoding: str
    delimiter: str

    def __iter__(self) -> Iterator[SourceRow]:
        """Yield the rows below the header; lines without any cell are no rows."""
        width = 0
        for number, record in enumerate(self.records(), 1):
            if isinstance(record, Fault):
                if width:
                    yield SourceRow(number, [""] * width, record)
            elif not width:
                width = len(record)
            elif any(record):
                yield shape_row(number, record, width)

    def records(self) -> Iterator[list[str] | Fault]:
        """Yield every record, the header too, or what is wrong with it. An empty line is a record without cells."""
        errors = "replace" if self.encoding == "utf-16" else "surrogateescape"
        with self.path.open(encoding=self.encoding, errors=errors, newline="") as text:
            yield from _read_records(_Lines(text), self.delimiter, self.encoding)


def open_csv(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> Table:
    """Return the table of a CSV file, whose encoding and delimiter are found out unless they are said.

    Raises UnreadableFile when it has no header, or too many columns.
    """
    if encoding is None:
        with path.open("rb") as file:
            encoding = guess_encoding(file)
    guesses = [CsvTable(path, encoding, one) for one in ([delimiter] if delimiter else _DELIMITERS)]
    headers = [_find_header(guess) for guess in guesses]
    best = max(range(len(guesses)), key=lambda index: len(headers[index]))
    if not headers[best]:
        raise UnreadableFile("The file has no header: its first row names the columns.")
    if len(headers[best]) > MAX_COLUMNS:
        raise UnreadableFile(f"The file has more than {MAX_COLUMNS} columns.")
    return Table(name_columns(headers[best]), guesses[best])


def _find_header(table: CsvTable) -> list[str]:
    for record in table.records():
        if isinstance(record, Fault):
            return []
        if any(record):
            return record
    return []


class _RowTooLarge(Exception):
    """A row goes on for longer than is accepted."""


class _Lines(Iterator[str]):
    """The lines of a text, some of which can be given back."""

    def __init__(self, text: Any) -> None:  # noqa: ANN401 -- a text file
        self._text = text
        self._returned: list[str] = []  # the next one is last
        self._row: list[str] = []
        self._size = 0
        self._rereads = 0
        self.is_decoded = True  # since `begin`

    def begin(self) -> None:
        self._row, self._size, self.is_decoded = [], 0, True

    def give_back(self) -> None:
        """Give back all lines since `begin` but the first one, as long as these are not too many in the file."""
        self._rereads += len(self._row) - 1
        if self._rereads <= MAX_REREAD:
            self._returned += reversed(self._row[1:])

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else self._text.readline(MAX_ROW)
        if not line:
            raise StopIteration
        if len(line) >= MAX_ROW and line[-1] not in "\r\n":
            self._skip_line()
            raise _RowTooLarge
        self._size += len(line)
        self._row.append(line)
        if self._size > MAX_ROW or len(self._row) > MAX_ROW_LINES:
            raise _RowTooLarge
        if not line.isascii() and _SURROGATE.search(line):
            self.is_decoded = False
        return line

    def _skip_line(self) -> None:
        while (rest := self._text.readline(MAX_ROW)) and rest[-1] not in "\r\n":
            pass


def _read_records(lines: _Lines, delimiter: str, encoding: str) -> Iterator[list[str] | Fault]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.begin()
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.give_back()
            yield Fault("malformed", None, MALFORMED.format(reason=error))
        except _RowTooLarge:
            lines.give_back()
            yield Fault("too-large", None, f"This row has more than {MAX_ROW} characters or {MAX_ROW_LINES} lines.")
        else:
            is_whole = lines.is_decoded
            yield record if is_whole else Fault("encoding", None, UNDECODABLE.format(encoding=encoding))
