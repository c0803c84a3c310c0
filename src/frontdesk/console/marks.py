"""Small signs for people: what stands in the circle, the letters that tell anonymous contacts apart, sizes of files."""

import unicodedata
from uuid import UUID

from babel.numbers import format_decimal

_SHOWN = 4
_UNITS = ("bytes", "KB", "MB", "GB")
_KILO = 1000

# The first sign that is found counts: each browser also names those that it imitates.
_BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def initials(name: str) -> str:
    """Return one Chinese, Japanese or Korean character, or up to two letters; empty when the name has none."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return ""
    first = words[0][0]
    if unicodedata.east_asian_width(first) in {"W", "F"}:
        return first
    last = words[-1][0] if len(words) > 1 and unicodedata.east_asian_width(words[-1][0]) not in {"W", "F"} else ""
    return (first + last).upper()


def short_id(contact_id: UUID) -> str:
    """Return the last letters of an id: the random ones."""
    return contact_id.hex[-_SHOWN:].upper()


def browser(user_agent: str) -> str:
    """Return which browser and system a browser says it is, such as "Firefox, Windows"; its own words otherwise."""
    name = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return ", ".join(filter(None, (name, system))) or user_agent


def file_size(size_bytes: int, *, language: str) -> str:
    """Return the size in the unit that keeps the number short, such as "3.4 MB"."""
    size, unit = float(size_bytes), 0
    while size >= _KILO and unit < len(_UNITS) - 1:
        size, unit = size / _KILO, unit + 1
    return f"{format_decimal(round(size, 1 if unit > 1 else 0), locale=language)} {_UNITS[unit]}"
