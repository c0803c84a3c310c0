"""Cells of a file: text that spreadsheets cannot take for a formula, and lists in one cell.

Import removes exactly the escape that export adds. Source: OWASP, CSV Injection.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from frontdesk.core.text import dump_json

JSON_CELL: Final = "json:"  # begins the cell of an attribute whose text alone would not say it exactly

_BEGINS: Final = r"[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]"  # the wide ones in the Chinese and Japanese editions
_FORMULA: Final = re.compile(f"'*{_BEGINS}")  # also one that was escaped by somebody before
_ESCAPED: Final = re.compile(f"'+{_BEGINS}")


def escape_formula(text: str) -> str:
    """Return text that no spreadsheet runs: one apostrophe is put before what would begin a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_formula(text: str) -> str:
    """Return what `escape_formula` was given."""
    return text[1:] if text[:1] == "'" and _ESCAPED.match(text) else text


def to_text(cell: Any) -> str:  # noqa: ANN401 -- JSON, or a cell
    """Return a cell as text: true and false, numbers as JSON has them, JSON of what is nested; None is empty."""
    if isinstance(cell, str):
        return cell
    if cell is None:
        return ""
    return dump_json(cell)


def storable(text: str) -> str:
    """Return text that the database can keep, for people to read: what it cannot is left out or replaced."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def join_list(items: Iterable[str], separator: str = ";") -> str:
    """Return a list as one cell, which `split_list` reads."""
    return separator.join(_quote(item, separator) for item in items)


def split_list(text: str, separator: str = ";", *, also: str = "") -> Sequence[str]:
    """Return the entries of a list in one cell, without empty ones; `also` are further separators, if none is quoted.

    Raises ValueError when a quote is not closed.
    """
    if '"' not in text:
        parts = _splitter(separator + also).split(text) if also else text.split(separator)
        return [part for part in map(str.strip, parts) if part]
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
        return [part for row in rows for part in row if part]
    except csv.Error as error:
        raise ValueError(str(error)) from error


@cache
def _splitter(separators: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(separators)}]")


def _quote(item: str, separator: str) -> str:
    if item and item == item.strip() and not any(letter in item for letter in (separator, '"', "\n", "\r")):
        return item
    return '"' + item.replace('"', '""') + '"'
