"""The demo shop's web chat, and a browser that talks to it over HTTP."""

import json
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from frontdesk.channels.model import Inbox
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.demo.organization import Person, make_organization
from frontdesk.demo.shop import sign_token


@dataclass
class Shop:
    """The demo organization and its web chat."""

    services: Services
    organization_id: OrganizationId
    inbox: Inbox

    async def sign(self, person: Person) -> str:
        return await sign_token(self.services, person)


@dataclass
class Browser:
    """What the widget's frame does, without a screen."""

    client: httpx.AsyncClient
    inbox: Inbox
    token: str | None = None
    opened: dict[str, Any] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def url(self, path: str) -> str:
        return f"/webchat/{self.inbox.public_id}/{path}"

    async def open(self, identity_token: str | None = None) -> httpx.Response:
        response = await self.client.post(
            self.url("open"), json={"identityToken": identity_token}, headers=self.headers
        )
        if response.status_code == 200:
            self.opened = response.json()
            self.token = self.opened["sessionToken"]
        return response

    async def start(self) -> None:
        response = await self.client.post(self.url("sessions"))
        self.token = response.json()["sessionToken"]

    async def post(self, text: str, *, key: str, message: str | None = None) -> httpx.Response:
        body = {"conversationKey": key, "messageId": message or str(uuid4()), "text": text}
        return await self.client.post(self.url("messages"), json=body, headers=self.headers, timeout=60)

    async def ask(self, text: str, *, key: str = "conversation-1") -> dict[str, Any]:
        """Send and return the answer."""
        if self.token is None:
            await self.start()
        events = read_events(await self.post(text, key=key))
        return next(data["message"] for name, data in events if name == "answer")


def read_events(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """Parse a finished stream."""
    assert response.status_code == 200, response.text
    found = []
    for block in response.text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def open_demo_shop(services: Services) -> Shop:
    """Return the demo organization's shop, made at the first call."""
    organization_id, inbox = await make_organization(services)
    return Shop(services, organization_id, inbox)


@pytest.fixture(scope="session")
async def shop(services: Services) -> Shop:
    return await open_demo_shop(services)


@pytest.fixture
def browser(client: httpx.AsyncClient, shop: Shop) -> Browser:
    return Browser(client, shop.inbox)


@pytest.fixture
def other_browser(client: httpx.AsyncClient, shop: Shop) -> Browser:
    return Browser(client, shop.inbox)
