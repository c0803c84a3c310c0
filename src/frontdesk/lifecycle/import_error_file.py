"""The rows of a file that were not imported, as a file to be mended and imported again."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Final

from frontdesk.core.cells import escape_formula, join_list, to_text, unescape_formula
from frontdesk.core.files import fetch_file
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.sheets import SourceRow, UnreadableFile
from frontdesk.lifecycle import import_queries as queries
from frontdesk.lifecycle.import_files import open_table
from frontdesk.lifecycle.import_model import Import, Outcome
from frontdesk.lifecycle.import_options import parse_options
from frontdesk.lifecycle.import_queries import ImportRow

ADDED: Final = ("Row", "Code", "Field", "Detail")

_FAILED: Final = (Outcome.CONFLICT, Outcome.ERROR)
_PAGE: Final = 1_000  # rows


async def stream_errors(
    services: Services, organization_id: OrganizationId, one: Import, *, is_dry: bool
) -> AsyncIterator[bytes]:
    """Yield a CSV file: the columns as they were, and in front of them row, code, field and detail.

    Without the original columns once the file of the import is gone.
    """
    columns = one.columns if one.file_key else []
    yield "\ufeff".encode() + _write([[*ADDED, *columns]])
    failed = _list_failed(services, organization_id, one, is_dry=is_dry)
    if one.file_key is None:
        async for page in failed:
            yield _write([_describe(row) for row in page])
        return
    try:
        async with fetch_file(services.files, one.file_key) as path:
            table = await open_table(path, one.format, parse_options(one.options))
            source = iter(table.rows)
            async for page in failed:
                by_number = {row.row_number: row for row in page}
                lines = await asyncio.to_thread(_join, source, by_number, page[-1].row_number)
                yield _write(lines)
    except (FileNotFoundError, UnreadableFile):
        async for page in failed:
            yield _write([_describe(row) for row in page])


async def _list_failed(
    services: Services, organization_id: OrganizationId, one: Import, *, is_dry: bool
) -> AsyncIterator[list[ImportRow]]:
    after = -1
    while True:
        async with services.db.begin(organization_id) as tx:
            page = await queries.list_rows(tx, one.id, is_dry=is_dry, outcomes=_FAILED, after=after, limit=_PAGE)
        if not page:
            return
        yield page
        after = page[-1].row_number


def _join(source: Iterator[SourceRow], failed: Mapping[int, ImportRow], last: int) -> list[list[str]]:
    """Return the failed rows with their cells, up to row `last` of the file."""
    lines = []
    for row in source:
        if row.number in failed:
            lines.append([*_describe(failed[row.number]), *map(_to_cell, row.cells)])
        if row.number >= last:
            break
    return lines


def _describe(row: ImportRow) -> list[str]:
    return [str(row.row_number), row.code or "", row.field or "", escape_formula(row.detail or "")]


def _to_cell(cell: object) -> str:
    text = join_list(map(to_text, cell)) if isinstance(cell, list) else to_text(cell)
    return escape_formula(unescape_formula(text)).encode("utf-8", "replace").decode()


def _write(lines: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()
