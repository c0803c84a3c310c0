"""Errors of console requests, as people read them: a page, or a toast when htmx asked for a part of a page."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from frontdesk.console.members import COOKIE, NoOrganization
from frontdesk.console.navigation import N_
from frontdesk.console.pages import HOME, is_fragment, is_secure, look_of, page
from frontdesk.core.errors import FrontdeskError, InvalidRequest, NotFound, Unauthenticated

SIGN_IN = "/console/sign-in"

_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_BUG_STATUS = 500
_BUG = N_("Something went wrong")
_BUG_DETAIL = N_("Nothing was saved. Try again; if it stays like this, tell your operator the number below.")
_log = structlog.get_logger(__name__)


class ConsoleRoute(APIRoute):
    """A route whose errors are shown as pages, and whose answers carry the console's security headers."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler around the endpoint."""
        handle = super().get_route_handler()

        async def handle_for_people(request: Request) -> Response:
            try:
                response = await handle(request)
            except (FrontdeskError, RequestValidationError, HTTPException) as error:
                response = render_fault(request, _to_fault(error))
            except Exception:  # noqa: BLE001 -- a bug; this is the entry point, where it is logged once
                _log.exception("console.bug", request_id=request.scope.get("frontdesk.request_id"))
                response = _render(request, _BUG_STATUS, _BUG, _BUG_DETAIL)
            _protect(request, response)
            return response

        return handle_for_people


def screen_router() -> APIRouter:
    """Return the router of one screen; its paths begin after `/console`."""
    return APIRouter(route_class=ConsoleRoute, default_response_class=Response)


def render_fault(request: Request, error: FrontdeskError) -> Response:
    """Return what the browser shows for an expected failure; its status is kept."""
    if isinstance(error, Unauthenticated):
        return _to_sign_in(request)
    if isinstance(error, NoOrganization):
        response = page(request, "outside/no_organization.html", status=error.status)
        response.delete_cookie(COOKIE, path=HOME)  # there is no page from which they could sign out
        return response
    return _render(request, error.status, error.title, error.detail)


def field_errors(error: FrontdeskError) -> dict[str, str]:
    """Return the failure by the name of its field, for the form that is shown again; under "" when it names none."""
    name = (error.pointer or "").strip("/").partition("/")[0]
    return {name: error.detail}


def _render(request: Request, status: int, title: str, detail: str) -> Response:
    _ = look_of(request)._
    told: dict[str, Any] = {"title": _(title), "detail": "" if detail == title else _(detail), "status_code": status}
    if not is_fragment(request):
        return page(request, "fault.html", status=status, **told)
    if request.method == "GET" and status >= _BUG_STATUS:
        return page(request, "failed.html", status=status, **told)  # where the part would be
    headers = {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"}
    return page(request, "toast.html", status=status, headers=headers, **told)


def _to_fault(error: FrontdeskError | RequestValidationError | HTTPException) -> FrontdeskError:
    if isinstance(error, FrontdeskError):
        return error
    if isinstance(error, RequestValidationError):
        is_address = any(item["loc"][0] == "path" for item in error.errors())
        return NotFound() if is_address else InvalidRequest()
    return NotFound() if error.status_code == NotFound.status else InvalidRequest(str(error.detail))


def _to_sign_in(request: Request) -> Response:
    here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    if is_fragment(request):  # what is open in the browser, not the part of it that was asked for
        return Response(status_code=401, headers={"HX-Redirect": SIGN_IN})
    address = f"{SIGN_IN}?next={quote(here)}" if request.method == "GET" else SIGN_IN
    return RedirectResponse(address, 303)


def _protect(request: Request, response: Response) -> None:
    response.headers["Content-Security-Policy"] = _CONTENT_POLICY
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    # "no-referrer" would make browsers hide the origin of our own forms, too
    response.headers["Referrer-Policy"] = "same-origin"
    if is_secure(request):
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
