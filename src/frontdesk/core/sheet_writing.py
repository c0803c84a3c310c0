"""Writes a table into a file, a part at a time, so that no cell of it is ever run. Sources: RFC 4180, ECMA-376."""

import csv
import io
import re
from collections.abc import Sequence
from typing import IO, Final, Protocol

import openpyxl

from frontdesk.core.cells import escape_formula

MAX_CELL: Final = 32_767  # characters of a cell of a workbook, in the format itself

_CONTROL: Final = re.compile("[\x01-\x1f]|_x(?=[0-9A-Fa-f]{4}_)")


class DoesNotFit(Exception):
    """The format cannot hold a value; the message says which, for people."""


class SheetWriter(Protocol):
    """Writes rows of text into a file."""

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Write some rows, each with a text for every column. Raises DoesNotFit."""
        ...

    def finish(self) -> None:
        """Write what ends the file, which is complete after this."""
        ...

    def abandon(self) -> None:
        """Let go of everything but the file; nothing is written after this."""
        ...


def open_sheet_writer(file_format: str, file: IO[bytes], columns: Sequence[str], *, title: str) -> SheetWriter:
    """Return what writes these columns into an empty file: `xlsx`, with a sheet of this title, else `csv`."""
    return WorkbookWriter(file, columns, title) if file_format == "xlsx" else CsvWriter(file, columns)


class CsvWriter:
    """A table in UTF-8, with the mark by which spreadsheets know it."""

    def __init__(self, file: IO[bytes], columns: Sequence[str]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        self._writer = csv.writer(self._text)
        self.write([columns])

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Write some rows."""
        self._writer.writerows([escape_formula(text) for text in row] for row in rows)

    def finish(self) -> None:
        """Leave the file to whoever opened it."""
        self._text.detach()

    def abandon(self) -> None:
        """Leave the file to whoever opened it."""
        self._text.detach()


class WorkbookWriter:
    """A workbook with one sheet, all of whose cells are text: nothing of it is ever run."""

    def __init__(self, file: IO[bytes], columns: Sequence[str], title: str) -> None:
        self._file = file
        self._book = openpyxl.Workbook(write_only=True)
        self._sheet = self._book.create_sheet(title)
        self._columns = columns
        self.write([columns])

    def write(self, rows: Sequence[Sequence[str]]) -> None:
        """Write some rows. Raises DoesNotFit for a value that is longer than a cell may be."""
        for row in rows:
            self._sheet.append([_to_cell(column, text) for column, text in zip(self._columns, row, strict=True)])

    def finish(self) -> None:
        """Put the workbook together."""
        self._book.save(self._file)

    def abandon(self) -> None:
        """Remove what was gathered for the workbook."""
        self._sheet.close()
        self._sheet._writer.cleanup()  # noqa: SLF001 -- the library removes its temporary file only when it saves


def _to_cell(column: str, text: str) -> str:
    escaped = _CONTROL.sub(_escape_control, escape_formula(text))
    if len(escaped) > MAX_CELL:
        raise DoesNotFit(f"What stands in {column} is longer than a workbook allows. Export it as CSV.")
    return escaped


def _escape_control(found: re.Match[str]) -> str:
    """Return a character, or the beginning of what looks like one that is escaped, as the format escapes it."""
    return f"_x{ord(found[0]):04X}_" if len(found[0]) == 1 else "_x005F_x"
