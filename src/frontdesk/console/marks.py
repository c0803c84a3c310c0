"""Small signs for people: what stands in the circle, and the few letters that tell anonymous contacts apart."""

import unicodedata
from uuid import UUID

_SHOWN = 4


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
