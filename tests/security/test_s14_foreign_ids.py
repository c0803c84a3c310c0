"""Threat 14: no id of somebody else opens anything, at any endpoint, for any kind of caller (CVE-2022-40816)."""

import re
from uuid import UUID

import httpx
import pytest
from tests.api_examples import EXAMPLES, OPEN, PARAMETERS, body_of, path_of, send
from tests.conftest import new_organization
from tests.making import make_inbox
from tests.things import Things, make_things

from conftest_webchat import Browser
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.organizations.keys import create_api_key
from frontdesk.organizations.model import Right, system_caller
from frontdesk.web import API, create_app

BOUND = ("contact_id", "conversation_id", "message_id", "attachment_id", "inbox_id", "web_chat_id")  # to an inbox


def list_operations() -> list[str]:
    """Every operation that the OpenAPI description names, as the examples do."""
    paths = create_app(None).openapi()["paths"]
    found = [f"{method.upper()} {path.removeprefix(API)}" for path, methods in paths.items() for method in methods]
    return sorted(operation for operation in found if operation not in OPEN)


OPERATIONS = list_operations()
ABOUT_OBJECTS = [one for one in OPERATIONS if "{" in one and not EXAMPLES[one].makes_anew]


@pytest.fixture(scope="module")
async def ours(services: Services) -> Things:
    return await make_things(services, await new_organization(services.db, "Northlight"))


@pytest.fixture(scope="module")
async def theirs(services: Services) -> Things:
    return await make_things(services, await new_organization(services.db, "Southdark"))


@pytest.fixture(scope="module")
async def elsewhere(services: Services, ours: Things) -> dict[str, str]:
    """Headers of a key of our organization with every right, in another inbox."""
    organization = OrganizationId(UUID(ours.organization))
    caller = system_caller(organization)
    async with services.db.begin(organization) as tx:
        inbox = await make_inbox(tx, caller, "Elsewhere")
        _, secret = await create_api_key(
            tx, caller, name="elsewhere", rights=list(Right), inbox_ids=frozenset({inbox.id}), expires_at=None
        )
    return {"Authorization": f"Api-Key {secret}"}


def test_s14_the_description_names_every_example():
    """What follows is generated from the description, and forgets nothing."""
    assert set(OPERATIONS) == set(EXAMPLES)


async def test_s14_a_key_of_another_organization(client: httpx.AsyncClient, ours: Things, theirs: Things):
    """Every id of ours is 404 to them, in every place of a path, streams included."""
    wrong = []
    for operation in ABOUT_OBJECTS:
        body, query = await body_of(operation, theirs), EXAMPLES[operation].query(theirs)
        for name in re.findall(r"{(\w+)}", operation):
            kind = (PARAMETERS | dict(EXAMPLES[operation].parameters))[name]
            path = path_of(operation, theirs, **{name: getattr(ours, kind)})
            response = await send(client, operation, path=path, headers=theirs.headers, body=body, query=query)
            wrong += [] if response.status_code == 404 else [(operation, name, response.status_code)]
    assert wrong == []


async def test_s14_a_key_of_another_inbox(client: httpx.AsyncClient, ours: Things, elsewhere: dict[str, str]):
    """Within one organization the same: contacts, conversations, messages and files of other inboxes do not exist."""
    wrong = []
    for operation in ABOUT_OBJECTS:
        if any(f"{{{name}}}" in operation for name in BOUND):
            body, query = await body_of(operation, ours), EXAMPLES[operation].query(ours)
            path = path_of(operation, ours)
            response = await send(client, operation, path=path, headers=elsewhere, body=body, query=query)
            wrong += [] if response.status_code == 404 else [(operation, response.status_code, response.text[:90])]
    assert wrong == []


async def test_s14_a_visitor_is_nobody_to_the_api(client: httpx.AsyncClient, ours: Things):
    """The session of a browser in our own chat opens no endpoint of the API, whatever it names."""
    session = (await client.post(f"/webchat/{ours.web_chat}/sessions")).json()["sessionToken"]
    wrong = []
    for operation in OPERATIONS:
        path, body = path_of(operation, ours), await body_of(operation, ours)
        response = await send(client, operation, path=path, headers={"Authorization": f"Bearer {session}"}, body=body)
        wrong += [] if response.status_code == 401 else [(operation, response.status_code)]
    assert wrong == []


async def test_s14_a_visitor_and_a_key_in_the_chat(client: httpx.AsyncClient, theirs: Things, shop):
    """The chat's own streams: neither another organization's conversation nor a key opens one."""
    browser = Browser(client, shop.inbox)
    await browser.start()
    for part in ("messages", "events"):
        path = browser.url(f"conversations/{theirs.conversation}/{part}")
        assert (await client.get(path, headers=browser.headers)).status_code == 404
        abroad = f"/webchat/{theirs.web_chat}/conversations/{theirs.conversation}/{part}"
        assert (await client.get(abroad, headers=browser.headers)).status_code == 401
        assert (await client.get(abroad, headers=theirs.headers)).status_code == 401


async def test_s14_a_stream_with_a_foreign_conversation(client: httpx.AsyncClient, ours: Things, theirs: Things):
    """A completion that names their conversation, or their contact as the sender, is refused before the first byte."""
    for body in (
        {"conversation": theirs.conversation, "message": {"content": "Hello"}, "isStreaming": True},
        {"conversation": None, "message": {"content": "Hello", "sender": theirs.contact}, "isStreaming": True},
    ):
        path = f"/api/v1/chatbots/{ours.assistant}/completions"
        response = await client.post(path, json=body, headers=ours.headers)
        assert response.status_code == 404
        assert response.headers["content-type"].startswith("application/problem+json")
