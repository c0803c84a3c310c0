"""Counters for Prometheus: closed unless the operator sets a token, and then open to whoever sends it."""

import httpx
import pytest

from frontdesk.core.services import Services
from frontdesk.web import create_app


def open_app(services: Services, token: str | None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(services, metrics_token=token), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://desk.test")


async def test_the_token_opens_them(services):
    """The alarm of the second gate is among them, at nought."""
    async with open_app(services, "scraper") as client:
        shown = await client.get("/metrics", headers={"Authorization": "Bearer scraper"})
    assert shown.status_code == 200
    assert shown.headers["content-type"].startswith("text/plain")
    assert "frontdesk_scope_leaks_total" in shown.text


@pytest.mark.parametrize("token", [None, "", "scraper"])
@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer None", "Bearer scrapes", "scraper"])
async def test_there_is_no_such_page_for_others(services, token, sent):
    """Neither without a setting nor with another token."""
    async with open_app(services, token) as client:
        assert (await client.get("/metrics", headers={"Authorization": sent})).status_code == 404
