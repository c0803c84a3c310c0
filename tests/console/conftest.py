"""Members in front of a browser: a client that keeps cookies and sends what the console's script would send."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from frontdesk.core.db import Database
from frontdesk.core.ids import OrganizationId, new_id
from frontdesk.organizations.invitations import accept_invitation, invite_member
from frontdesk.organizations.model import system_caller
from frontdesk.organizations.roles import list_roles

PASSWORD = "correct horse battery"


class Browser:
    """What a member sees and does."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.csrf_token = ""

    async def sign_in(self, email: str, password: str = PASSWORD) -> httpx.Response:
        response = await self.client.post("/console/sign-in", data={"email": email, "password": password})
        if response.status_code == 303:
            self.csrf_token = re.findall(r'data-csrf="([^"]+)"', (await self.get("/console/")).text)[0]
        return response

    async def get(self, path: str, *, htmx: bool = False) -> httpx.Response:
        headers = {"HX-Request": "true"} if htmx else {}
        return await self.client.get(path, headers=headers, follow_redirects=not htmx)

    async def post(self, path: str, data: dict[str, Any] | None = None, *, htmx: bool = True) -> httpx.Response:
        headers = {"X-CSRF-Token": self.csrf_token, **({"HX-Request": "true"} if htmx else {})}
        return await self.client.post(path, data=data or {}, headers=headers)


@asynccontextmanager
async def open_browser(app: FastAPI) -> AsyncIterator[Browser]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        yield Browser(client)


@pytest.fixture
async def browser(app: FastAPI) -> AsyncIterator[Browser]:
    """A browser in which nobody is signed in."""
    async with open_browser(app) as browser:
        yield browser


Hire = Callable[..., Awaitable[str]]


async def hire_member(db: Database, organization: OrganizationId, role: str, *, name: str = "Mia Member") -> str:
    """Make somebody a member by invitation and return the e-mail."""
    caller = system_caller(organization)
    email = f"{role}-{new_id()}@example.com"
    async with db.begin(organization) as tx:
        role_id = next(one.id for one in await list_roles(tx, caller) if one.name == role)
        _, token = await invite_member(tx, caller, email=email, role_ids=[role_id])
    await accept_invitation(db, token, name=name, password=PASSWORD, address="192.0.2.1")
    return email


@pytest.fixture
def hire(db: Database) -> Hire:
    """Make somebody a member by invitation and return the e-mail."""
    return partial(hire_member, db)


@pytest.fixture
async def olga(browser: Browser, hire: Hire, organization: OrganizationId) -> Browser:
    """A browser in which an owner of `organization` is signed in."""
    await browser.sign_in(await hire(organization, "owner", name="Olga Owner"))
    return browser


@pytest.fixture
async def vera(browser: Browser, hire: Hire, organization: OrganizationId) -> Browser:
    """A browser in which a viewer of `organization` is signed in."""
    await browser.sign_in(await hire(organization, "viewer", name="Vera Viewer"))
    return browser
