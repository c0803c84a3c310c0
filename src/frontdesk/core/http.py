"""The one client for foreign addresses: public hosts only, resolved once and pinned, no proxy, no redirect."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network

import httpx
from ssrfguard import Policy
from ssrfguard.httpx import AsyncClient

_ANY_PORT = frozenset(range(1, 65536))


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
