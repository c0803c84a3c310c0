"""The ASGI app: mounts every `routes.py` and renders every error."""

import re
from collections.abc import Mapping, MutableMapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from pydantic.alias_generators import to_camel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontdesk.core.errors import Forbidden, FrontdeskError, InvalidRequest, TooManyRequests
from frontdesk.core.ids import new_id
from frontdesk.core.services import Services
from frontdesk.core.text import dump_json
from frontdesk.webchat.answering import Answering

API = "/api/v1"
_PROBLEM = "application/problem+json"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HTTP_SLUGS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}
_log = structlog.get_logger(__name__)

STATIC = Path(str(resources.files("frontdesk") / "static"))


def create_app(
    services: Services | None, *, max_body_bytes: int = 1_000_000, extra: Sequence[APIRouter] = ()
) -> FastAPI:
    """Return the app over `services`, which the caller opens and closes; without them it can only describe itself."""
    app = FastAPI(
        title="Frontdesk API",
        version="1",
        openapi_url=f"{API}/schema",
        docs_url=None,
        redoc_url=None,
        max_body_size=max_body_bytes,
        redirect_slashes=False,
    )
    if services is not None:
        app.state.services = services
        app.state.answering = Answering(services)
    for router in _api_routers():
        app.include_router(router, prefix=API)
    for router in (*_page_routers(), *extra):
        app.include_router(router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC, check_dir=False), name="static")
    app.add_exception_handler(FrontdeskError, _render_expected)
    app.add_exception_handler(RequestValidationError, _render_invalid)
    app.add_exception_handler(HTTPException, _render_http)
    app.add_exception_handler(Exception, _render_bug)
    app.add_middleware(_OwnOriginOnly)
    app.add_middleware(_Canonical)
    app.add_middleware(_Traced)
    return app


# --- errors ---------------------------------------------------------------------------------------------------------


def problem(
    request: Request, status: int, slug: str, title: str, detail: str, facts: Mapping[str, object] | None = None
) -> Response:
    """Return a problem document; `facts` become members beside the standard ones. Source: RFC 9457, section 3."""
    body = {**(facts or {}), "type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}
    body["instance"] = request.scope.get("frontdesk.request_id", "")
    return Response(dump_json(body), status, media_type=_PROBLEM)


async def _render_expected(request: Request, error: Exception) -> Response:
    if not isinstance(error, FrontdeskError):
        raise error
    facts = {"errors": [{"pointer": error.pointer, "detail": error.detail}]} if error.pointer else {}
    response = problem(request, error.status, error.slug, error.title, error.detail, {**facts, **error.facts})
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.facts.get("retry_after", 60))
    if error.status == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = "Api-Key"
    return response


async def _render_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [("/".join(["", *(str(part) for part in item["loc"][1:])]), str(item["msg"])) for item in error.errors()]
    fields: dict[str, list[str]] = {}
    for pointer, message in found:
        fields.setdefault(pointer.split("/")[1] if "/" in pointer else "nonFieldErrors", []).append(message)
    clash = fields.keys() & {"type", "title", "status", "detail", "instance"}
    facts = {"errors": [{"pointer": pointer, "detail": message} for pointer, message in found]}
    facts |= {name: messages for name, messages in fields.items() if name not in clash}  # type: ignore[misc]
    summary = "; ".join(f"{pointer or '/'}: {message}" for pointer, message in found[:5])
    return problem(request, 400, InvalidRequest.slug, InvalidRequest.title, summary, facts)


async def _render_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    slug = _HTTP_SLUGS.get(error.status_code, "http-error")
    response = problem(request, error.status_code, slug, str(error.detail), str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _render_bug(request: Request, error: Exception) -> Response:
    _log.error("web.bug", request_id=request.scope.get("frontdesk.request_id"), exc_info=error)
    return problem(request, 500, "internal-error", "Something went wrong", "The request could not be finished.")


# --- what happens to every request ------------------------------------------------------------------------------------


class _Traced:
    """Gives each request an id (the caller's, if it is well formed) and each answer the headers of a safe default."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = _header(scope, b"x-request-id")
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


class _Canonical:
    """Answers `/api/…` like `/api/v1/…`, with or without a slash at the end, and takes query keys in both styles."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            scope = dict(scope)
            raw_path = scope["raw_path"].decode("latin-1") if scope.get("raw_path") else scope["path"]
            scope["path"], scope["raw_path"] = _canonical(scope["path"]), _canonical(raw_path).encode("latin-1")
            pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            if any("_" in key for key, _ in pairs):
                scope["query_string"] = urlencode([(_camel(key), value) for key, value in pairs]).encode()
        await self._app(scope, receive, send)


def _canonical(path: str) -> str:
    mounted = path if path.startswith(f"{API}/") else f"{API}{path.removeprefix('/api')}"
    return mounted.removesuffix("/")  # one only: what follows a second slash could be part of an id


def _camel(key: str) -> str:
    return key if key.startswith("attributes.") else to_camel(key)


class _OwnOriginOnly:
    """Refuses a request that a page of another origin makes: nothing of ours is meant to be called from there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = _header(scope, b"origin") if scope["type"] == "http" else ""
        if origin and origin.partition("://")[2] != _header(scope, b"host"):
            error = Forbidden("Calls from pages of another origin are not accepted.")
            await (await _render_expected(Request(scope), error))(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _routers(names):
    import importlib

    found = []
    for name in names:
        try:
            found.append(importlib.import_module(f"frontdesk.{name}").router)
        except ModuleNotFoundError:
            pass
    return found


def _api_routers():
    return _routers(
        [
            "organizations.routes",
            "access.routes",
            "knowledge.routes",
            "channels.routes",
            "channels.assistant_routes",
            "assistants.knowledge_routes",
            "identities.routes",
            "conversations.routes",
            "answers.routes",
            "lifecycle.routes",
        ]
    )


def _page_routers():
    return _routers(["webchat.routes", "webchat.pages", "console.routes"])
