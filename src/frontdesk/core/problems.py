"""Problem documents: how every failure of a request is written. Source: RFC 9457."""

from collections.abc import Mapping

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from frontdesk.core.errors import FrontdeskError, InvalidRequest, NotFound, TooLarge
from frontdesk.core.text import dump_json

MEDIA_TYPE = "application/problem+json"
HTTP_SLUGS = {
    404: NotFound.slug,
    405: "method-not-allowed",
    413: TooLarge.slug,
}  # of failures that the framework finds; all others are `http-error`
BUG = "internal-error"
BUG_DETAIL = "The request could not be finished."

_STANDARD = frozenset({"type", "title", "status", "detail", "instance"})
_SHOWN = 5  # failed fields that the summary for people names
_log = structlog.get_logger(__name__)


def add_problem_handlers(app: FastAPI) -> None:
    """Let `app` answer every failure with a problem document."""
    app.add_exception_handler(FrontdeskError, _render_expected)
    app.add_exception_handler(RequestValidationError, _render_invalid)
    app.add_exception_handler(HTTPException, _render_http)
    app.add_exception_handler(Exception, _render_bug)


def render_problem(request: Request, error: FrontdeskError) -> Response:
    """Return the problem document of an expected failure."""
    facts = {"errors": [{"pointer": error.pointer, "detail": error.detail}]} if error.pointer else {}
    response = _problem(request, error.status, error.slug, error.title, error.detail, {**facts, **error.facts})
    if "retry_after" in error.facts:
        response.headers["Retry-After"] = str(error.facts["retry_after"])
    if error.status == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = "Api-Key"
    return response


def _problem(
    request: Request, status: int, slug: str, title: str, detail: str, facts: Mapping[str, object] | None = None
) -> Response:
    """Return a problem document; `facts` become members beside the standard ones. Source: RFC 9457, section 3."""
    body = {**(facts or {}), "type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}
    body["instance"] = request.scope.get("frontdesk.request_id", "")
    # half a surrogate pair, sent as a key, is no UTF-8; written with a backslash it is JSON
    return Response(dump_json(body).encode("utf-8", "backslashreplace"), status, media_type=MEDIA_TYPE)


async def _render_expected(request: Request, error: Exception) -> Response:
    if not isinstance(error, FrontdeskError):
        raise error
    return render_problem(request, error)


async def _render_invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    found = [("/".join(["", *(str(part) for part in item["loc"][1:])]), str(item["msg"])) for item in error.errors()]
    fields: dict[str, object] = {}
    for pointer, message in found:
        name = pointer.split("/")[1] if "/" in pointer else "nonFieldErrors"
        if name not in _STANDARD:
            fields[name] = [*_as_list(fields.get(name)), message]
    facts = {**fields, "errors": [{"pointer": pointer, "detail": message} for pointer, message in found]}
    summary = "; ".join(f"{pointer or '/'}: {message}" for pointer, message in found[:_SHOWN])
    return _problem(request, InvalidRequest.status, InvalidRequest.slug, InvalidRequest.title, summary, facts)


async def _render_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    slug = HTTP_SLUGS.get(error.status_code, "http-error")
    response = _problem(request, error.status_code, slug, str(error.detail), str(error.detail))
    response.headers.update(error.headers or {})
    return response


async def _render_bug(request: Request, error: Exception) -> Response:
    _log.error("web.bug", request_id=request.scope.get("frontdesk.request_id"), exc_info=error)
    return _problem(request, 500, BUG, "Something went wrong", BUG_DETAIL)


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
