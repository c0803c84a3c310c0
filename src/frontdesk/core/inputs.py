"""What people and programs write, made safe to keep: lines, texts and free JSON."""

import math
import unicodedata
from collections.abc import Mapping
from typing import Final

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.text import dump_json

MAX_LINE: Final = 200
MAX_JSON_DEPTH: Final = 64  # far below what a JSON parser or the database refuses by itself

_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line ends
_DIRECTION_CONTROLS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # they disguise names


def clean_line(text: str, *, pointer: str, max_length: int = MAX_LINE) -> str:
    """Return one line without outer white space; it may be empty.

    Raises InvalidRequest when it has control characters or more than `max_length` characters.
    """
    line = text.strip()
    if not line.isprintable() and any(
        unicodedata.category(letter) in _REFUSED_CATEGORIES or letter in _DIRECTION_CONTROLS for letter in line
    ):
        raise InvalidRequest("Control characters are not accepted here.", pointer=pointer)
    return _check_length(line, pointer, max_length)


def clean_name(text: str, *, pointer: str = "/name", max_length: int = MAX_LINE) -> str:
    """Return a line that says something. Raises InvalidRequest as `clean_line`, and when it is empty."""
    name = clean_line(text, pointer=pointer, max_length=max_length)
    if not name:
        raise InvalidRequest("Write a name.", pointer=pointer)
    return name


def clean_text(text: str, *, pointer: str, max_length: int) -> str:
    """Return text of several lines, each ended by a line feed, without outer white space; it may be empty.

    Raises InvalidRequest when the database could not keep it or it has more than `max_length` characters.
    """
    plain = text.replace("\r\n", "\n").strip()
    if _is_unstorable(plain):
        raise InvalidRequest("This text has characters that cannot be kept.", pointer=pointer)
    return _check_length(plain, pointer, max_length)


def check_json(value: object, *, pointer: str, max_bytes: int) -> None:
    """Raise InvalidRequest unless the database can keep `value`, as JSON of at most `max_bytes`."""
    pending = [(value, 1)]
    while pending:
        part, depth = pending.pop()
        if depth > MAX_JSON_DEPTH:
            raise InvalidRequest(f"Nested more than {MAX_JSON_DEPTH} deep.", pointer=pointer)
        if isinstance(part, Mapping):
            pending += [(inner, depth + 1) for pair in part.items() for inner in pair]
        elif isinstance(part, list | tuple):
            pending += [(inner, depth + 1) for inner in part]
        elif isinstance(part, str) and _is_unstorable(part):
            raise InvalidRequest("A text in it has characters that cannot be kept.", pointer=pointer)
        elif isinstance(part, float) and not math.isfinite(part):
            raise InvalidRequest("A number in it is not finite.", pointer=pointer)
    if len(dump_json(value).encode()) > max_bytes:
        raise InvalidRequest(f"More than {max_bytes} bytes of JSON.", pointer=pointer)


def _is_unstorable(text: str) -> bool:
    return "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text)


def _check_length(text: str, pointer: str, max_length: int) -> str:
    if len(text) > max_length:
        raise InvalidRequest(f"At most {max_length} characters are accepted here.", pointer=pointer)
    return text
