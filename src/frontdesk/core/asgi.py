"""What happens to every request before a route sees it, and to every answer after."""

import re
from collections.abc import MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontdesk.core.errors import Forbidden, TooLarge
from frontdesk.core.ids import new_id
from frontdesk.core.problems import render_problem

_ENDLESS_DIGITS = 19  # a length that no counter holds; what really comes is counted anyway
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Traced:
    """Gives each request an id (the caller's, if it is well formed) and each answer the headers of a safe default."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(new_id())
        scope["frontdesk.request_id"] = request_id

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *_safe_headers(request_id, message)]
            await send(message)

        await self._app(scope, receive, send_traced)


def _safe_headers(request_id: str, message: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in message.get("headers", [])}
    wanted = {
        b"x-request-id": request_id.encode(),
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
        b"cache-control": b"no-store",
    }
    return [(name, value) for name, value in wanted.items() if name not in present]


class Canonical:
    """Answers `/api/…` like `/api/v1/…`, with or without a slash at the end, and takes query keys in both styles.

    A query key that begins with one of `verbatim` is left as it is.
    """

    def __init__(self, app: ASGIApp, mount: str, verbatim: tuple[str, ...] = ()) -> None:
        self._app, self._mount, self._verbatim = app, mount, verbatim

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            scope = dict(scope)
            raw_path = scope["raw_path"].decode("latin-1") if scope.get("raw_path") else scope["path"]
            scope["path"], scope["raw_path"] = self._path(scope["path"]), self._path(raw_path).encode("latin-1")
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            if any("_" in key for key, _ in pairs):
                scope["query_string"] = urlencode([(self._key(key), value) for key, value in pairs]).encode()
        await self._app(scope, receive, send)

    def _path(self, path: str) -> str:
        mounted = path if path.startswith(f"{self._mount}/") else f"{self._mount}{path.removeprefix('/api')}"
        return mounted.removesuffix("/")  # one only: what follows a second slash could be part of an id

    def _key(self, key: str) -> str:
        return key if key.startswith(self._verbatim) else to_camel(key)


class OwnOriginOnly:
    """Refuses a request that a page of another origin makes: nothing of ours is meant to be called from there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        origin = header(scope, b"origin") if scope["type"] == "http" else ""
        if origin and origin.partition("://")[2] != header(scope, b"host"):
            refusal = Forbidden("Calls from pages of another origin are not accepted.")
            await render_problem(Request(scope), refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class LimitedBody:
    """Refuses a body of more than `max_bytes`; on an `exempt` path the route itself reads it under a limit of its own.

    The framework's limit cannot be used: it answers in plain text.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, exempt: Sequence[re.Pattern[str]] = ()) -> None:
        self._app, self._max_bytes, self._exempt = app, max_bytes, exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or any(pattern.match(scope["path"]) for pattern in self._exempt):
            await self._app(scope, receive, send)
            return
        if _announced_bytes(scope) > self._max_bytes:
            refusal = TooLarge(facts={"max_bytes": self._max_bytes})
            await render_problem(Request(scope), refusal)(scope, receive, send)
            return
        seen = 0

        async def receive_limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise HTTPException(TooLarge.status, TooLarge.title)  # the one kind that the framework lets through
            return message

        await self._app(scope, receive_limited, send)


def _announced_bytes(scope: Scope) -> int:
    given = header(scope, b"content-length")
    return int(given) if given.isdecimal() and len(given) < _ENDLESS_DIGITS else 0


def header(scope: Scope, name: bytes) -> str:
    """Return the first value of a request header, its name in lower case; empty without one."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
