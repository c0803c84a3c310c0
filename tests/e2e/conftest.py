"""A real Chromium on a real server that runs the demo organization."""

import asyncio
import os
import re
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, FrameLocator, Page, async_playwright, expect

from frontdesk.bootstrap import open_database
from frontdesk.cli import open_app
from frontdesk.core.db import Addresses
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.demo.organization import OWNER, PASSWORD, find_shop
from frontdesk.settings import Settings

_CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Desk:
    """The running product."""

    url: str
    services: Services
    organization_id: OrganizationId
    public_id: str


@pytest.fixture(scope="session")
async def desk() -> AsyncIterator[Desk]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="frontdesk-desk-", ignore_cleanup_errors=True) as folder:
        settings = Settings(data=Path(folder), port=port, outgoing_allow=("127.0.0.0/8",))
        with open_database(settings) as addresses:
            async with _serving(settings, addresses, port) as desk:
                yield desk


@asynccontextmanager
async def _serving(settings: Settings, addresses: Addresses, port: int) -> AsyncIterator[Desk]:
    async with open_app(settings, addresses, with_worker=True, with_demo=True) as (app, services):
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical", lifespan="off"))
        serving = asyncio.create_task(server.serve())
        organization_id, inbox = await find_shop(services)
        await _wait_for_files(services, organization_id)
        yield Desk(f"http://127.0.0.1:{port}", services, organization_id, inbox.public_id)
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving


async def _wait_for_files(services: Services, organization_id: OrganizationId) -> None:
    """The worker reads the demo's files in the background."""
    async with asyncio.timeout(60):
        while True:
            async with services.db.begin(organization_id) as tx:
                if not await tx.fetch_value("SELECT count(*) FROM documents WHERE state IN ('initial', 'processing')"):
                    return
            await asyncio.sleep(0.2)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = os.environ.get("FRONTDESK_CHROMIUM", "/usr/bin/chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_CHROMIUM_FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def visitor(chromium: Browser) -> AsyncIterator[Page]:
    """A page of a browser that nobody has used before."""
    async with _fresh(chromium) as page:
        yield page


@pytest.fixture
async def staff(chromium: Browser, desk: Desk) -> AsyncIterator[Page]:
    """A page on which the demo's owner is signed in to the console."""
    async with _fresh(chromium) as page:
        await page.goto(f"{desk.url}/console/sign-in")
        await page.fill("input[name=email]", OWNER[0])
        await page.fill("input[name=password]", PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(re.compile("/console/(?!sign-in)"))
        yield page


def _fresh(chromium: Browser) -> "_Fresh":
    return _Fresh(chromium)


class _Fresh:
    """A browser context of its own, with a generous time limit for busy machines.

    Motion is reduced: what fades from light to dark has, for a moment, colours that nobody chose.
    """

    def __init__(self, chromium: Browser) -> None:
        self._chromium = chromium
        self._context: BrowserContext | None = None

    async def __aenter__(self) -> Page:
        self._context = await self._chromium.new_context(
            locale="en-GB", viewport={"width": 1280, "height": 860}, reduced_motion="reduce"
        )
        self._context.set_default_timeout(20_000)
        return await self._context.new_page()

    async def __aexit__(self, *_: object) -> None:
        if self._context is not None:
            await self._context.close()


expect.set_options(timeout=20_000)

__all__ = ["FrameLocator"]
