"""A POST with an Idempotency-Key is done once, whatever is sent again, and when."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter, Response
from tests.conftest import make_key

from frontdesk.core.db import Database
from frontdesk.core.errors import TooManyRequests
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import dump_json
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right
from frontdesk.web import create_app

ANN = {"name": "Ann"}


@pytest.fixture
def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4())}


async def create(client: httpx.AsyncClient, headers: dict[str, str], body: Any = None) -> httpx.Response:
    sent = {**headers, "Content-Type": "application/json"}
    return await client.post("/api/v1/contacts", content=dump_json(body or ANN), headers=sent)


async def count_contacts(db: Database, organization: OrganizationId) -> int:
    async with db.begin(organization) as tx:
        return await tx.fetch_value("SELECT count(*) FROM contacts")


async def move_back(db: Database, organization: OrganizationId, age: timedelta, *, unanswered: bool = False) -> None:
    """Make the organization's keys older, as if nobody had answered them if that is asked for."""
    async with db.begin(organization) as tx:
        sql = "UPDATE idempotency_keys SET created_at = created_at - %(age)s"
        await tx.execute(sql + (", status = NULL" if unanswered else ""), {"age": age})


async def test_the_second_answer_is_the_first(client, db, organization, api_key, key):
    """Sent again, also by another spelling of the path, nothing is made; status, body and ETag are those of before."""
    first = await create(client, {**api_key, **key})
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False)
    again = await create(client, {**api_key, **key})
    spelled = await client.post(
        "/api/contacts/", content=dump_json(ANN), headers={**api_key, **key, "Content-Type": "application/json"}
    )
    for answer in (again, spelled):
        assert (answer.status_code, answer.content) == (201, first.content)
        assert (answer.headers["etag"], answer.headers["content-type"]) == (first.headers["etag"], "application/json")
        assert answer.headers["idempotent-replayed"] == "true"
        assert answer.headers["x-request-id"] != first.headers["x-request-id"]
    assert await count_contacts(db, organization) == 1


async def test_refusals_are_repeated_too(client, api_key, key):
    """A 400 stays a 400 under its key, as a problem document."""
    first = await create(client, {**api_key, **key}, {"name": 7})
    again = await create(client, {**api_key, **key}, {"name": 7})
    assert (first.status_code, again.status_code, again.content) == (400, 400, first.content)
    assert again.headers["content-type"] == "application/problem+json"


async def test_a_key_belongs_to_one_request(client, db, organization, api_key, key):
    """Another body under the same key is 422; without the key, or with another one, it is a new request."""
    await create(client, {**api_key, **key})
    other = await create(client, {**api_key, **key}, {"name": "Bob"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert (await create(client, {**api_key, "Idempotency-Key": str(uuid4())})).status_code == 201
    assert (await create(client, api_key)).status_code == 201
    assert await count_contacts(db, organization) == 3


async def test_keys_of_two_callers_and_two_paths_are_two_keys(client, db, organization, other_key, api_key, key):
    """The same text sent by another API key, or to another path, means another request."""
    sibling = await make_key(db, organization)
    made = [await create(client, {**headers, **key}) for headers in (api_key, sibling, other_key)]
    assert [answer.status_code for answer in made] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in made}) == 3
    elsewhere = await client.post("/api/v1/access-profiles", json={"name": "VIP"}, headers={**api_key, **key})
    assert elsewhere.status_code == 201


async def test_two_at_once_make_one(client, db, organization, api_key, key):
    """Of many that arrive together one is done; the others are told to wait, or get its answer."""
    answers = await asyncio.gather(*(create(client, {**api_key, **key}) for _ in range(12)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert await count_contacts(db, organization) == 1


async def test_what_is_still_running_is_409_until_its_process_is_dead(client, db, organization, api_key, key):
    """While nobody knows the answer, the key is refused with Retry-After; two minutes later the request may run."""
    await create(client, {**api_key, **key})
    await move_back(db, organization, timedelta(0), unanswered=True)
    running = await create(client, {**api_key, **key})
    assert (running.status_code, running.json()["type"]) == (409, "/problems/request-in-progress")
    assert int(running.headers["retry-after"]) >= 1
    await move_back(db, organization, timedelta(minutes=3))
    other = await create(client, {**api_key, **key}, {"name": "Bob"})
    assert other.status_code == 422
    assert (await create(client, {**api_key, **key})).status_code == 201
    assert await count_contacts(db, organization) == 2


async def test_a_key_is_forgotten_after_24_hours(client, db, organization, api_key, key):
    """Then it is free for any request, and what was kept is gone with the next key."""
    await create(client, {**api_key, **key})
    await create(client, {**api_key, "Idempotency-Key": "another"})
    await move_back(db, organization, timedelta(hours=23))
    assert "idempotent-replayed" in (await create(client, {**api_key, **key})).headers
    await move_back(db, organization, timedelta(hours=2))
    assert (await create(client, {**api_key, **key}, {"name": "Bob"})).status_code == 201
    async with db.begin(organization) as tx:
        assert await tx.fetch_value("SELECT count(*) FROM idempotency_keys") == 1


async def test_what_is_shown_once_is_kept_encrypted(client, db, organization, api_key, key):
    """A new key's secret is in the repeated answer, and nowhere in the database."""
    body = {"name": "shop", "rights": ["contacts.view"]}
    first = await client.post("/api/v1/api-keys", json=body, headers={**api_key, **key})
    again = await client.post("/api/v1/api-keys", json=body, headers={**api_key, **key})
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    async with db.begin(organization) as tx:
        stored = await tx.fetch("SELECT body, headers::text FROM idempotency_keys")
    assert first.json()["secret"].encode() not in b"".join(bytes(row[0]) for row in stored)
    assert first.json()["secret"] not in str(stored)


@pytest.mark.parametrize("text", ["", "x" * 256, "two words", "é"])
async def test_a_key_is_visible_ascii(client, db, organization, api_key, text: str):
    """What is no key is a 400 that makes nothing."""
    answer = await create(client, {**api_key, "Idempotency-Key": text.encode("latin-1")})
    assert (answer.status_code, answer.json()["header"]) == (400, "Idempotency-Key")
    assert await count_contacts(db, organization) == 0


async def test_reading_needs_no_key(client, api_key, key):
    """Search is a POST that changes nothing: it is never answered from the past. A GET ignores the header."""
    body = {"name": "Shop"}
    base = (await client.post("/api/v1/knowledge-bases", json=body, headers=api_key)).json()["id"]
    for _ in range(2):
        found = await client.post(
            f"/api/v1/knowledge-bases/{base}/search", json={"query": "opening hours"}, headers={**api_key, **key}
        )
        listed = await client.get("/api/v1/contacts", headers={**api_key, **key})
        assert (found.status_code, listed.status_code) == (200, 200)
        assert "idempotent-replayed" not in {*found.headers, *listed.headers}


async def test_an_unknown_caller_leaves_nothing(client, db, organization, api_key, key):
    """A key is claimed after the caller is known and may do it: a 401 or 403 is not what a later one is told."""
    weak = await make_key(db, organization, Right.CONTACTS_VIEW)
    assert (await create(client, {**weak, **key})).status_code == 403
    assert (await create(client, key)).status_code == 401
    async with db.begin(organization) as tx:
        assert await tx.fetch_value("SELECT count(*) FROM idempotency_keys") == 0


@pytest.fixture
async def moody(services: Services):
    """A client of an app with a route that fails as it is told, and then works."""
    router, failures = APIRouter(), [RuntimeError("a bug"), TooManyRequests(facts={"retry_after": 7})]

    @router.post("/moody")
    async def be_moody(ctx: "Ctx" = needs(Right.CONTACTS_EDIT)) -> Response:
        if failures:
            raise failures.pop(0)
        return Response(status_code=204)

    app = create_app(services, extra=[router])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        yield client


async def test_what_is_worth_another_try_is_not_kept(moody, api_key, key):
    """After a bug of ours, or too many requests, the same key runs again; the first real answer stays."""
    answers = [await moody.post("/moody", headers={**api_key, **key}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 429, 204, 204]
    assert answers[1].headers["retry-after"] == "7"
    assert ["idempotent-replayed" in answer.headers for answer in answers] == [False, False, False, True]


async def test_the_query_is_part_of_the_request(client, api_key, key):
    """The same body with another query is another request."""
    await create(client, {**api_key, **key})
    sent = {**api_key, **key, "Content-Type": "application/json"}
    other = await client.post("/api/v1/contacts?a=1", content=dump_json(ANN), headers=sent)
    assert other.status_code == 422
