"""What is said about how a file is read, parsed once and kept as JSON."""

import codecs
from collections.abc import Mapping
from typing import Any, Final

from frontdesk.core.errors import InvalidRequest
from frontdesk.lifecycle.import_model import Options

_KEYS: Final = frozenset({"encoding", "delimiter", "separator", "allowErased"})


def parse_options(raw: Mapping[str, Any]) -> Options:
    """Return the options. Raises InvalidRequest, which points into `/options`."""
    for key in raw:
        if key not in _KEYS:
            raise InvalidRequest("There is no such option.", pointer=f"/options/{key}")
    encoding = raw.get("encoding")
    if encoding is not None:
        _check_encoding(encoding)
    allow_erased = raw.get("allowErased", False)
    if not isinstance(allow_erased, bool):
        raise InvalidRequest("This is true or false.", pointer="/options/allowErased")
    return Options(
        encoding=encoding,
        delimiter=_read_letter(raw, "delimiter"),
        separator=_read_letter(raw, "separator") or ";",
        allow_erased=allow_erased,
    )


def _read_letter(raw: Mapping[str, Any], key: str) -> str | None:
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) != 1 or value.isalnum() or value in "\r\n\"'\x00":
        raise InvalidRequest("This is one character that separates.", pointer=f"/options/{key}")
    return value


def _check_encoding(encoding: object) -> None:
    try:
        if isinstance(encoding, str) and "a\n".encode(encoding).decode(encoding) == "a\n":
            codecs.getincrementaldecoder(encoding)
            return
    except (LookupError, UnicodeError, TypeError):
        pass
    raise InvalidRequest("There is no such encoding.", pointer="/options/encoding")
