"""The file of an import: looked at, and read as a table."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frontdesk.core.files import Files, fetch_file
from frontdesk.core.json_lines import NO_OBJECT, Record, read_lines, to_table
from frontdesk.core.sheet_files import LOOKS_AT, Writing, open_sheet, take_samples
from frontdesk.core.sheets import Fault, Table
from frontdesk.core.workbooks import MAX_ROWS, WorkbookLimits
from frontdesk.lifecycle.import_mapping import ATTRIBUTE
from frontdesk.lifecycle.import_model import Options
from frontdesk.lifecycle.import_vcards import open_vcards


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a look at a file tells."""

    columns: tuple[str, ...]
    samples: list[list[Any]]  # its first rows, as text


async def open_table(
    path: Path, file_format: str, options: Options, *, limits: WorkbookLimits | None = None, max_rows: int = MAX_ROWS
) -> Table:
    """Return the file as a table. `max_rows` is for workbooks, which are read as a whole. Raises UnreadableFile."""
    if file_format == "ndjson":
        return await asyncio.to_thread(_open_lines, path)
    if file_format == "vcard":
        return await asyncio.to_thread(open_vcards, path)
    writing = Writing(options.encoding, options.delimiter)
    return await open_sheet(path, file_format, writing, limits=limits, max_rows=max_rows)


async def inspect_file(files: Files, key: str, file_format: str, options: Options) -> Inspected:
    """Look at the columns and the first rows. Raises UnreadableFile."""
    async with fetch_file(files, key) as path:
        table = await open_table(path, file_format, options, max_rows=LOOKS_AT)
        return Inspected(table.columns, await take_samples(table))


def _open_lines(path: Path) -> Table:
    def read() -> Iterator[tuple[int, Record]]:
        return ((number, _spread_attributes(record)) for number, record in read_lines(path))

    return to_table(read, NO_OBJECT)


def _spread_attributes(record: Record) -> Record:
    """Return the record with a column for each attribute."""
    if isinstance(record, Fault) or record.get("attributes") is None:
        return record
    attributes = record["attributes"]
    if not isinstance(attributes, dict):
        return Fault("malformed", "attributes", "The attributes are an object.")
    rest = {key: value for key, value in record.items() if key != "attributes"}
    return rest | {ATTRIBUTE + key: one for key, one in attributes.items()}
