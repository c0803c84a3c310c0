"""What may be written on an inbox: pure, and refused with a pointer."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from frontdesk.channels.model import ChannelType, IdentityMode, Inbox, InboxChanges
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.inputs import clean_line, clean_name, clean_text

MAX_GREETING: Final = 2000  # characters
MAX_STARTERS: Final = 10
MAX_ORIGINS: Final = 50

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN: Final = re.compile(rf"(https?)://((?:{_LABEL}\.)*{_LABEL}|\[::1\])(?::([0-9]{{1,5}}))?", re.ASCII)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_LARGEST_PORT: Final = 65535


def change_inbox(inbox: Inbox, changes: InboxChanges) -> Inbox:
    """Return the inbox as it shall be; scopes are taken as they are. Raises InvalidRequest."""
    new = replace(inbox, **changes)  # what follows replaces the written by the checked
    new = replace(
        new,
        name=clean_name(new.name),
        greeting=clean_text(new.greeting, pointer="/greeting", max_length=MAX_GREETING),
        starters=_check_starters(new.starters),
        allowed_origins=check_origins(new.allowed_origins),
    )
    if new.identity_mode is not IdentityMode.NONE and new.channel_type is not ChannelType.WEB:
        raise InvalidRequest("Only a web inbox can ask for proofs of identity.", pointer="/identityMode")
    return new


def check_origins(texts: Sequence[str]) -> tuple[str, ...]:
    """Return each origin once, as browsers write it: lower case, no default port. Raises InvalidRequest.

    An origin is `https://host[:port]`; `http` is accepted for this very machine. They end up in a response header, so
    nothing else passes. Source: RFC 6454, section 6.2.
    """
    if len(texts) > MAX_ORIGINS:
        raise InvalidRequest(f"At most {MAX_ORIGINS} origins are accepted.", pointer="/allowedOrigins")
    return tuple(dict.fromkeys(_check_origin(text, index) for index, text in enumerate(texts)))


def _check_origin(text: str, index: int) -> str:
    found = _ORIGIN.fullmatch(text.strip().lower().removesuffix("/"))
    scheme, host, port = found.groups() if found else ("", "", None)
    is_accepted = scheme == "https" or (scheme == "http" and host in _LOOPBACK)
    if not is_accepted or (port and not 0 < int(port) <= _LARGEST_PORT):
        detail = "Write an origin such as https://shop.example.com, without a path; other letters in their xn-- form."
        raise InvalidRequest(detail, pointer=f"/allowedOrigins/{index}")
    return f"{scheme}://{host}" + (f":{int(port)}" if port and int(port) != _DEFAULT_PORTS[scheme] else "")


def _check_starters(texts: Sequence[str]) -> tuple[str, ...]:
    if len(texts) > MAX_STARTERS:
        raise InvalidRequest(f"At most {MAX_STARTERS} starters are accepted.", pointer="/starters")
    lines = [clean_line(text, pointer=f"/starters/{index}") for index, text in enumerate(texts)]
    return tuple(line for line in lines if line)
