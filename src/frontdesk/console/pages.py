"""How a screen answers: `page` renders a template, `go` sends the browser elsewhere.

Templates get what every page needs (who is signed in, where they may go, language, theme); a screen adds its own. A
template that is asked for by htmx leaves the frame away: it extends `frame`, which is the layout or nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, unquote

from babel.numbers import format_decimal
from babel.support import NullTranslations
from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from frontdesk.console import marks, times
from frontdesk.console.formatting import render_answer
from frontdesk.console.languages import LANGUAGES, choose_language, language_name, region_name, translations
from frontdesk.console.members import MemberCtx
from frontdesk.console.navigation import places_for
from frontdesk.console.wording import WARNINGS
from frontdesk.core.services import Services
from frontdesk.core.statics import static_address
from frontdesk.core.text import dump_json, utc_now
from frontdesk.organizations.model import Right

HOME = "/console"
LANGUAGE_COOKIE = "fd_language"
THEMES = ("auto", "light", "dark")

_FLASH_COOKIE = "fd_flash"
_FLASH_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Look:
    """How pages look to this browser."""

    language: str  # a key of LANGUAGES
    theme: str

    @property
    def texts(self) -> NullTranslations:
        """The texts of the language."""
        return translations(self.language)

    def _(self, text: str) -> str:
        """Translate `text`."""
        return self.texts.gettext(text)


def look_of(request: Request) -> Look:
    """Return what the member chose, else what the browser was told or asks for."""
    member = member_of(request)
    language = choose_language(
        chosen=member.user.locale if member else None,
        cookie=request.cookies.get(LANGUAGE_COOKIE),
        accept_language=request.headers.get("accept-language", ""),
    )
    return Look(language, member.user.theme if member else "auto")


def member_of(request: Request) -> MemberCtx | None:
    """Return who is signed in, on a route that asked for it; else None."""
    member: MemberCtx | None = getattr(request.state, "member", None)
    return member


def is_fragment(request: Request) -> bool:
    """Tell whether htmx asks for a part of a page, not for a page."""
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


def page(
    request: Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **context: object
) -> Response:
    """Render `template` with `context` and what every template gets: see `_frame`."""
    look = look_of(request)
    text = _environment(look.language).get_template(template).render(**_frame(request, look), **context)
    response = HTMLResponse(text, status, headers={"Vary": "HX-Request, Cookie, Accept-Language", **(headers or {})})
    if not is_fragment(request) and _FLASH_COOKIE in request.cookies:
        response.delete_cookie(_FLASH_COOKIE, path=HOME)
    return response


def go(request: Request, path: str, *, flash: str = "", undo: str = "") -> Response:
    """Send the browser to `path` of the console, where `flash` is shown once, with a link to `undo` if it is given."""
    response: Response
    if is_fragment(request):
        response = Response(status_code=204, headers={"HX-Redirect": path})
    else:
        response = RedirectResponse(path, 303)
    if flash:
        set_cookie(request, response, _FLASH_COOKIE, quote(f"{flash}\n{undo}"), seconds=_FLASH_SECONDS)
    return response


def set_cookie(request: Request, response: Response, name: str, value: str, *, seconds: int) -> None:
    """Keep `value` in this browser, for the console only and out of reach of scripts."""
    secure = is_secure(request)
    response.set_cookie(name, value, seconds, path=HOME, httponly=True, samesite="lax", secure=secure)


def is_secure(request: Request) -> bool:
    """Tell whether cookies may be bound to HTTPS."""
    services: Services = request.app.state.services
    return request.url.scheme == "https" or services.public_url.startswith("https:")


def inside(path: str) -> str:
    """Return `path`, which came from outside, if it is one of the console; else the console's first page."""
    is_ours = path == HOME or path.startswith((f"{HOME}/", f"{HOME}?"))
    return path if is_ours and "\\" not in path and "//" not in path.partition("?")[0] and path.isprintable() else HOME


def _frame(request: Request, look: Look) -> dict[str, object]:
    member = member_of(request)
    fragment = is_fragment(request)
    flash, _, undo = ("" if fragment else unquote(request.cookies.get(_FLASH_COOKIE, ""))).partition("\n")
    return {
        "frame": "fragment.html" if fragment else "layout.html" if member else "outside.html",
        "fragment": fragment,
        "target": request.headers.get("hx-target", ""),
        "member": member,
        "places": places_for(member.caller) if member else (),
        "path": request.url.path,
        "address_here": f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
        "csrf_token": member.csrf_token if member else "",
        "language": look.language,
        "theme": look.theme,
        "flash": flash,
        "flash_undo": inside(undo) if undo else "",
        "request_id": request.scope.get("frontdesk.request_id", ""),
    }


@cache
def _environment(language: str) -> Environment:
    texts = translations(language)
    environment = Environment(
        loader=PackageLoader("frontdesk.console"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(texts, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        Right=Right, LANGUAGES=LANGUAGES, THEMES=THEMES, WARNINGS=WARNINGS, static=static_address
    )
    environment.filters.update(
        ago=lambda at: times.distance(at, now=utc_now(), texts=texts, language=language),
        brief=lambda at: times.brief(at, now=utc_now(), texts=texts, language=language),
        day=lambda at: times.day(at, now=utc_now(), language=language),
        exact=lambda at: times.exact(at, language=language),
        clock=times.clock,
        number=lambda value: format_decimal(value, locale=language),
        language_name=lambda tag: language_name(tag, shown_in=language),
        region_name=lambda code: region_name(code, shown_in=language),
        initials=marks.initials,
        short_id=marks.short_id,
        answer=render_answer,
        browser=marks.browser,
        size=lambda size_bytes: marks.file_size(size_bytes, language=language),
        tojson_plain=dump_json,
        pretty_json=lambda value: json.dumps(value, ensure_ascii=False, indent=2),
    )
    return environment
