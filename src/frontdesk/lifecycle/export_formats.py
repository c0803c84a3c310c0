"""Writes contacts into a file, a part at a time, in a form that an import reads back.

Sources: RFC 4180 (CSV), ECMA-376 (XLSX), ndjson.org, RFC 2426 (vCard 3.0).
"""

from collections.abc import Mapping, Sequence
from typing import IO, Any, Final, Protocol

from frontdesk.contacts.attributes import Schema
from frontdesk.core.sheet_writing import SheetWriter, open_sheet_writer
from frontdesk.core.text import dump_json
from frontdesk.lifecycle.export_cells import to_cell
from frontdesk.lifecycle.import_mapping import ATTRIBUTE

MEDIA_TYPES: Final = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ndjson": "application/x-ndjson",
    "vcard": "text/vcard; charset=utf-8",
}
EXTENSIONS: Final = {"csv": "csv", "xlsx": "xlsx", "ndjson": "ndjson", "vcard": "vcf"}

_FOLDED_AT: Final = 70  # bytes of a line of a vCard
_VCARD_LINES: Final = {
    "emails": "EMAIL",
    "phones": "TEL",
    "language": "LANG",
    "timeZone": "TZ",
    "sourceId": "X-FRONTDESK-SOURCE-ID",
    "identities": "X-FRONTDESK-IDENTITIES",
    "inboxes": "X-FRONTDESK-INBOXES",
    "accessProfiles": "X-FRONTDESK-ACCESS-PROFILES",
    "queryMetadata": "X-FRONTDESK-QUERY-METADATA",
    "avatar": "X-FRONTDESK-AVATAR",
    "id": "X-FRONTDESK-ID",
}


class Writer(Protocol):
    """Writes rows into a file. Each row has a value, or None, for every column."""

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write some rows. Raises DoesNotFit."""
        ...

    def finish(self) -> None:
        """Write what ends the file, which is complete after this."""
        ...

    def abandon(self) -> None:
        """Let go of everything but the file; nothing is written after this."""
        ...


def open_writer(file_format: str, file: IO[bytes], columns: Sequence[str], schema: Schema) -> Writer:
    """Return what writes `columns` into an empty file."""
    if file_format == "ndjson":
        return LinesWriter(file, columns)
    if file_format == "vcard":
        return VcardWriter(file, columns)
    return TableWriter(open_sheet_writer(file_format, file, columns, title="Contacts"), columns, schema)


class TableWriter:
    """A table of texts."""

    def __init__(self, sheet: SheetWriter, columns: Sequence[str], schema: Schema) -> None:
        self._sheet = sheet
        self._columns = columns
        self._schema = schema

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write some rows. Raises DoesNotFit for a value that is longer than a cell may be."""
        self._sheet.write([[to_cell(column, row[column], self._schema) for column in self._columns] for row in rows])

    def finish(self) -> None:
        """Write what ends the file."""
        self._sheet.finish()

    def abandon(self) -> None:
        """Let go of what was gathered."""
        self._sheet.abandon()


class LinesWriter:
    """A JSON object on each line."""

    def __init__(self, file: IO[bytes], columns: Sequence[str]) -> None:
        self._file = file
        self._columns = columns

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write some rows; attributes stand in an object of their own."""
        for row in rows:
            written: dict[str, Any] = {}
            for column in self._columns:
                if column.startswith(ATTRIBUTE):
                    if row[column] is not None:
                        written.setdefault("attributes", {})[column.removeprefix(ATTRIBUTE)] = row[column]
                else:
                    written[column] = row[column]
            self._file.write(dump_json(written).encode() + b"\n")

    def finish(self) -> None:
        """Nothing ends the file."""

    def abandon(self) -> None:
        """Nothing else is held."""


class VcardWriter:
    """One vCard after the other."""

    def __init__(self, file: IO[bytes], columns: Sequence[str]) -> None:
        self._file = file
        self._columns = columns

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write some cards. What a vCard has no word for stands in lines of ours."""
        for row in rows:
            lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{_vcard_text(row.get('name') or '')}", "N:;;;;"]
            for column in self._columns:
                lines += _vcard_lines(column, row[column])
            lines.append("END:VCARD")
            self._file.write("".join(_fold(line) for line in lines).encode())

    def finish(self) -> None:
        """Nothing ends the file."""

    def abandon(self) -> None:
        """Nothing else is held."""


def _vcard_lines(column: str, value: Any) -> list[str]:  # noqa: ANN401 -- JSON
    if value is None or (value in ([], "") and not column.startswith(ATTRIBUTE)):
        return []
    if column.startswith(ATTRIBUTE):
        said = dump_json({"key": column.removeprefix(ATTRIBUTE), "value": value})
        return [f"X-FRONTDESK-ATTRIBUTE:{_vcard_text(said)}"]
    if column == "labels":
        return ["CATEGORIES:" + ",".join(map(_vcard_text, value))]
    if column in {"emails", "phones"}:
        return [f"{_VCARD_LINES[column]}:{_vcard_text(one)}" for one in value]
    if column not in _VCARD_LINES:
        return []
    text = value if isinstance(value, str) else to_cell(column, value, Schema({}))
    return [f"{_VCARD_LINES[column]}:{_vcard_text(text)}"]


def _vcard_text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    return escaped.replace("\r\n", "\\n").replace("\r", "\\n").replace("\n", "\\n")


def _fold(line: str) -> str:
    """Return a line in pieces of no more than 75 bytes, as the format wants it; no character is cut."""
    pieces, size = [""], 0
    for letter in line:
        width = len(letter.encode())
        if size + width > _FOLDED_AT:
            pieces.append("")
            size = 0
        pieces[-1] += letter
        size += width
    return "\r\n ".join(pieces) + "\r\n"
