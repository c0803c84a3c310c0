"""The program that reads one foreign workbook, in a process of its own. Started by `workbooks`, never by people.

The file comes in on standard input; out goes a line of JSON for each row that is not empty, `[number, [text, …]]`, or
`{"failure": reason}`.
"""

import io
import json
import re
import sys
import zipfile
from datetime import date, datetime, time
from typing import Any, Final

from frontdesk.core.sandbox import become_nobody, leave_network, limit
from frontdesk.core.text import dump_json

UNREADABLE: Final = "The file could not be read as an Excel workbook."
TOO_MUCH_PACKED: Final = "The file unpacks to more than is accepted."
UNPACKED_LIMIT: Final = 2_000_000_000  # bytes of all that the file packs
UNPACKED_RATIO: Final = 200  # times its own size; honest workbooks stay far below
SMALL: Final = 10_000_000  # bytes; less than this cannot hurt, whatever the ratio
MAX_CELLS: Final = 1_000  # of one row

_ESCAPED: Final = re.compile("_x([0-9A-Fa-f]{4})_")


def main(max_rows: str, cpu_seconds: str, memory_bytes: str, output_bytes: str) -> None:
    """Read standard input and write the rows of the first sheet, or the first of them."""
    leave_network()
    content = sys.stdin.buffer.read()
    limit(cpu_seconds=int(cpu_seconds), memory_bytes=int(memory_bytes), output_bytes=int(output_bytes))
    failure = _find_bomb(content)
    if failure is None:
        failure = _write_rows(content, int(max_rows))
    if failure is not None:
        sys.stdout.write(json.dumps({"failure": failure}))


def _find_bomb(content: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return UNREADABLE
    if unpacked > UNPACKED_LIMIT or unpacked > max(SMALL, UNPACKED_RATIO * len(content)):
        return TOO_MUCH_PACKED
    return None


def _write_rows(content: bytes, max_rows: int) -> str | None:
    import openpyxl  # noqa: PLC0415 -- after the limits

    become_nobody()
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its size may be wrong
        for number, cells in enumerate(sheet.iter_rows(max_row=max_rows, values_only=True), 1):
            texts = [to_text(cell) for cell in cells[:MAX_CELLS]]
            while texts and not texts[-1]:
                texts.pop()
            if texts:
                sys.stdout.write(dump_json([number, texts]) + "\n")
    except MemoryError:
        return TOO_MUCH_PACKED
    except Exception:  # noqa: BLE001 -- the library fails in many ways on foreign files, and this process is for that
        return UNREADABLE
    return None


def to_text(cell: Any) -> str:  # noqa: ANN401 -- what a cell may hold
    """Return a cell as a CSV file would have it: whole numbers without a point, dates as ISO 8601, true and false."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)  # noqa: PLR2004 -- exact below
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
    if isinstance(cell, date | time):
        return cell.isoformat()
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), str(cell))


if __name__ == "__main__":
    main(*sys.argv[1:])
