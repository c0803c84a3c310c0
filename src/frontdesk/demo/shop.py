"""The demo shop: a page at `/demo`, and its back end, which signs tokens as an enterprise would."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import BaseModel, Field

from frontdesk.core.errors import NotFound
from frontdesk.core.services import Services
from frontdesk.core.statics import static_address
from frontdesk.core.text import utc_now
from frontdesk.demo.departments import PEOPLE as DEPARTMENT_PEOPLE
from frontdesk.demo.organization import AGENT, ISSUER, LIN, OWNER, PASSWORD, ZHANG, Person, find_shop
from frontdesk.identities.keys import load_realm_keys
from frontdesk.webchat.greeting import choose_language

router = APIRouter(include_in_schema=False)

_PEOPLE: Final[Mapping[str, Person]] = {"zhang": ZHANG, "lin": LIN} | {
    key: Person(one.source_id, one.name, one.email, ()) for key, one in DEPARTMENT_PEOPLE.items()
}
_LIFETIME: Final = timedelta(minutes=5)
_TEMPLATES: Final = Environment(loader=PackageLoader("frontdesk.webchat"), autoescape=True)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'"
)


class TokenBody(BaseModel):
    """Who signed in at the shop, and the nonce that their chat asked for, if any."""

    person: Annotated[str, Field(alias="as", max_length=20)]
    nonce: Annotated[str | None, Field(max_length=100)] = None


@router.get("/demo")
async def show_shop(request: Request, lang: str = "") -> HTMLResponse:
    """Show the shop, in the language that `lang` or the browser asks for."""
    services: Services = request.app.state.services
    _, inbox = await find_shop(services)
    language = lang if lang in {"en", "zh-Hant"} else choose_language(request.headers.get("accept-language", ""))
    others = [(key, one.label_zh if language == "zh-Hant" else one.label) for key, one in DEPARTMENT_PEOPLE.items()]
    page = _TEMPLATES.get_template("demo.html").render(
        language=language, web_chat_id=inbox.public_id, static=static_address, others=others
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


@router.post("/demo/token")
async def sign_in(request: Request, body: TokenBody) -> dict[str, str]:
    """Sign a customer in, as the shop's member system would after its own sign-in."""
    if body.person not in _PEOPLE:
        raise NotFound
    return {"token": await sign_token(request.app.state.services, _PEOPLE[body.person], body.nonce)}


async def sign_token(services: Services, person: Person, nonce: str | None = None) -> str:
    """Return a fresh identity token for a customer of the shop; with `nonce` only the browser that asked can use it."""
    organization_id, inbox = await find_shop(services)
    async with services.db.begin(organization_id) as tx:
        key = next(key for key in await load_realm_keys(tx, services.cipher, inbox.realm_id) if key.secret)
    now = utc_now()
    claims = {
        "iss": ISSUER,
        "aud": inbox.public_id,
        "sub": person.source_id,
        "iat": int(now.timestamp()),
        "exp": int((now + _LIFETIME).timestamp()),
        "jti": secrets.token_urlsafe(16),
        "name": person.name,
        "email": person.email,
        "email_verified": True,
        "locale": "zh-Hant",
    }
    if nonce is not None:
        claims["nonce"] = nonce
    header = {"alg": "HS256", "kid": key.kid, "typ": "contact-identity+jwt"}
    return jwt.encode(header, claims, OctKey.import_key(key.secret or ""))


async def welcome(services: Services, *, program: str) -> str:
    """Return what the terminal shows when the demo is ready; `program` is how `frontdesk` is called there."""
    _, inbox = await find_shop(services)
    ask = f'ask --inbox {inbox.public_id} --as {ZHANG.source_id} "Are there any exclusive offers for me?"'
    return f"""
Frontdesk is running with the demo organization.

  Shop with the chat   {services.public_url}/demo
  Console              {services.public_url}/console
  Sign in as owner     {OWNER[0]}   {PASSWORD}
  Sign in as agent     {AGENT[0]}   {PASSWORD}
  In another terminal  {program} {ask}

Ctrl-C stops it. Everything is kept for the next start.
"""
