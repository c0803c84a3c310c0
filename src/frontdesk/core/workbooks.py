"""Workbooks (XLSX): read by a program of their own, which leaves the rows of the first sheet in a file of lines."""

import asyncio
import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from frontdesk.core.sandbox import run_confined
from frontdesk.core.sheets import MAX_COLUMNS, SourceRow, Table, UnreadableFile, name_columns, shape_row
from frontdesk.core.workbook_process import UNREADABLE

MAX_ROWS: Final = 1_048_576  # of a sheet, in the format itself

_OUTPUT_BYTES: Final = 2_000_000_000
_TOO_LONG: Final = "Reading the file took longer than {seconds} s."


@dataclass(frozen=True, slots=True)
class WorkbookLimits:
    """What reading one workbook may cost. `memory_bytes` is address space."""

    seconds: int = 900  # of processor time, and as many by the clock
    memory_bytes: int = 1_500_000_000


@dataclass(frozen=True, slots=True)
class _Lines:
    path: Path
    width: int

    def __iter__(self) -> Iterator[SourceRow]:
        with self.path.open(encoding="utf-8") as lines:
            next(lines, None)
            for line in lines:
                number, cells = json.loads(line)
                yield shape_row(number, cells, self.width)


async def open_workbook(path: Path, limits: WorkbookLimits, *, max_rows: int = MAX_ROWS) -> Table:
    """Return the table on the first sheet of a workbook, or the first rows of it.

    Raises UnreadableFile, and CancelledError when all is told to stop.
    """
    rows = path.with_suffix(".rows")
    with path.open("rb") as given, rows.open("wb") as answered:
        try:
            status = await run_confined(
                "frontdesk.core.workbook_process",
                *(str(max_rows), str(limits.seconds), str(limits.memory_bytes), str(_OUTPUT_BYTES)),
                given=given,
                answered=answered,
                seconds=limits.seconds,
            )
        except TimeoutError as error:
            raise UnreadableFile(_TOO_LONG.format(seconds=limits.seconds)) from error
    if status == -signal.SIGXCPU:
        raise UnreadableFile(_TOO_LONG.format(seconds=limits.seconds))
    if status == -signal.SIGTERM:  # a stopping system reaches what we run, too
        raise asyncio.CancelledError
    if status != 0 or (failure := _find_failure(rows)) == "":
        raise UnreadableFile(UNREADABLE)
    if failure is not None:
        raise UnreadableFile(failure)
    with rows.open(encoding="utf-8") as lines:
        _, header = json.loads(lines.readline())
    if len(header) > MAX_COLUMNS:
        raise UnreadableFile(f"The file has more than {MAX_COLUMNS} columns.")
    return Table(name_columns(header), _Lines(rows, len(header)))


def _find_failure(rows: Path) -> str | None:
    """Return what the program says went wrong, in its last line; empty when it says nothing at all."""
    with rows.open("rb") as lines:
        size = lines.seek(0, 2)
        lines.seek(max(0, size - 1000))
        last = lines.read().rstrip().rpartition(b"\n")[2]
    if not last:
        return ""
    return str(json.loads(last)["failure"]) if last.startswith(b'{"failure"') else None
