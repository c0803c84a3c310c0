"""The one client for foreign addresses: public hosts only, resolved once and pinned, no proxy, no redirect."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import urlsplit

import httpx
from ssrfguard import BlockedURLError, Policy, SSRFGuardError
from ssrfguard.httpx import AsyncClient

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.inputs import clean_line

_ANY_PORT = frozenset(range(1, 65536))
_LONGEST_ADDRESS = 2000


def outgoing_policy(allow: Sequence[str]) -> Policy:
    """Return what may be called: https at public addresses; with `allow`, also http and any port, there included."""
    if not allow:
        return Policy(allowed_schemes=frozenset({"https"}), allowed_ports=frozenset({443}))
    return Policy(allowed_networks=tuple(ip_network(network) for network in allow), allowed_ports=_ANY_PORT)


@asynccontextmanager
async def open_guarded_client(allow: Sequence[str]) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client bound by `outgoing_policy`. A refusal raises `ssrfguard.SSRFGuardError` before any connection."""
    async with AsyncClient(
        policy=outgoing_policy(allow), timeout=30, follow_redirects=False, trust_env=False
    ) as client:
        yield client


class CallFailed(Exception):
    """A foreign address gave no usable answer. `reason` tells nothing about what stands behind it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reply:
    """What a foreign address answered; redirects are answers like any other."""

    status: int
    content: bytes


async def call(
    client: httpx.AsyncClient,
    method: str,
    address: str,
    *,
    seconds: float,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> Reply:
    """Call an address that somebody typed; never within a transaction.

    All of it, from the name to the last byte, takes at most `seconds`. Raises CallFailed when it does not, when more
    than `max_bytes` come, and when the address is not one that may be called.
    """
    sent = {"Accept": "application/json", "Accept-Encoding": "identity"} | dict(headers or {})
    try:
        async with asyncio.timeout(seconds):
            return await _call(client, client.build_request(method, address, headers=sent, data=form), max_bytes)
    except TimeoutError as error:
        raise CallFailed(f"no answer within {seconds:g} s") from error
    except BlockedURLError as error:
        raise CallFailed("the address may not be called") from error
    except (SSRFGuardError, httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
        raise CallFailed("no connection, or a broken one") from error  # the same for a name of our own network


async def _call(client: httpx.AsyncClient, request: httpx.Request, max_bytes: int) -> Reply:
    response = await client.send(request, stream=True)
    try:
        content = b""
        async for piece in response.aiter_raw():
            content += piece
            if len(content) > max_bytes:
                raise CallFailed(f"more than {max_bytes} bytes")
        return Reply(response.status_code, content)
    finally:
        await response.aclose()


def check_address(text: str, *, pointer: str) -> str:
    """Return an address that somebody typed, if it can be one to call at all. Raises InvalidRequest."""
    address = clean_line(text, pointer=pointer, max_length=_LONGEST_ADDRESS)
    try:
        parts = urlsplit(address)
        is_good = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good or parts.username is not None or parts.fragment:
        raise InvalidRequest("Write an address such as https://id.example.com/keys.", pointer=pointer)
    return address
