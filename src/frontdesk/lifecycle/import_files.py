"""The file of an import: brought here from the store, looked at, and read as a table."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from frontdesk.core.files import Files
from frontdesk.lifecycle.import_cells import storable, to_text
from frontdesk.lifecycle.import_formats import Table, UnreadableFile, open_csv
from frontdesk.lifecycle.import_model import Options
from frontdesk.lifecycle.import_records import open_ndjson, open_vcards
from frontdesk.lifecycle.import_workbooks import MAX_ROWS, WorkbookLimits, open_workbook

SAMPLES: Final = 5  # rows that are shown beside the columns

_LOOKS_AT: Final = 1_000  # rows of a workbook
_MAX_SAMPLE: Final = 200  # characters of a cell


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a look at a file tells."""

    columns: tuple[str, ...]
    samples: list[list[Any]]  # its first rows, as text


@asynccontextmanager
async def fetch_file(files: Files, key: str) -> AsyncIterator[Path]:
    """Yield a copy of the file in a folder of its own, which is removed afterwards. Raises FileNotFoundError."""
    with TemporaryDirectory(prefix="frontdesk-import-") as folder:
        path = Path(folder) / "file"
        with path.open("wb") as target:
            async for piece in files.stream(key):
                await asyncio.to_thread(target.write, piece)
        yield path


async def open_table(
    path: Path, file_format: str, options: Options, *, limits: WorkbookLimits | None = None, max_rows: int = MAX_ROWS
) -> Table:
    """Return the file as a table. `max_rows` is for workbooks, which are read as a whole. Raises UnreadableFile."""
    if file_format == "xlsx":
        return await open_workbook(path, limits or WorkbookLimits(), max_rows=max_rows)
    if file_format == "ndjson":
        return await asyncio.to_thread(open_ndjson, path)
    if file_format == "vcard":
        return await asyncio.to_thread(open_vcards, path)
    try:
        return await asyncio.to_thread(open_csv, path, encoding=options.encoding, delimiter=options.delimiter)
    except (LookupError, UnicodeError) as error:
        raise UnreadableFile("The file is not in this encoding.") from error


async def inspect_file(files: Files, key: str, file_format: str, options: Options) -> Inspected:
    """Look at the columns and the first rows. Raises UnreadableFile."""
    async with fetch_file(files, key) as path:
        table = await open_table(path, file_format, options, max_rows=_LOOKS_AT)
        first = await asyncio.to_thread(lambda: list(islice(table.rows, SAMPLES)))
    samples = [[to_text(cell)[:_MAX_SAMPLE] for cell in row.cells] for row in first if row.fault is None]
    return Inspected(table.columns, [[storable(cell) for cell in cells] for cells in samples])
