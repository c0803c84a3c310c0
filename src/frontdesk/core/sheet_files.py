"""Opens a file as a table by its format, and takes samples of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from frontdesk.core.cells import storable, to_text
from frontdesk.core.json_lines import open_array, open_lines
from frontdesk.core.sheets import Table, UnreadableFile, open_csv
from frontdesk.core.workbooks import MAX_ROWS, WorkbookLimits, open_workbook

LOOKS_AT: Final = 1_000  # rows of a workbook
SAMPLES: Final = 5  # rows that are shown beside the columns

_MAX_SAMPLE: Final = 200  # characters of a cell


@dataclass(frozen=True, slots=True)
class Writing:
    """How a file of separated values is written; None: found out."""

    encoding: str | None = None
    delimiter: str | None = None


async def open_sheet(
    path: Path,
    file_format: str,
    writing: Writing = Writing(),
    *,
    limits: WorkbookLimits | None = None,
    max_rows: int = MAX_ROWS,
) -> Table:
    """Return the table of an `xlsx`, `ndjson` or `json` file, else of separated values. Raises UnreadableFile.

    `max_rows` is for workbooks, which are read as a whole.
    """
    if file_format == "xlsx":
        return await open_workbook(path, limits or WorkbookLimits(), max_rows=max_rows)
    if file_format == "ndjson":
        return await asyncio.to_thread(open_lines, path)
    if file_format == "json":
        return await asyncio.to_thread(open_array, path)
    try:
        return await asyncio.to_thread(open_csv, path, encoding=writing.encoding, delimiter=writing.delimiter)
    except (LookupError, UnicodeError) as error:
        raise UnreadableFile("The file is not in this encoding.") from error


async def take_samples(table: Table) -> list[list[Any]]:
    """Return the first rows that can be read, as short texts that can be stored."""
    first: Sequence[Any] = await asyncio.to_thread(lambda: list(islice(table.rows, SAMPLES)))
    return [[storable(to_text(cell)[:_MAX_SAMPLE]) for cell in row.cells] for row in first if row.fault is None]
