"""Whatever is sent to whatever route, it is never a fault of ours: a 4xx that can be read, and no 5xx."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.api_examples import EXAMPLES, OPEN, PARAMETERS, body_of, path_of
from tests.conftest import new_organization
from tests.things import Things, make_things

from frontdesk.core.ids import OrganizationId
from frontdesk.core.problems import MEDIA_TYPE
from frontdesk.core.services import Services
from frontdesk.core.text import dump_json
from frontdesk.web import create_app

DEEP = "[" * 5_000 + "]" * 5_000
BODIES = {
    "nothing": b"",
    "null": b"null",
    "true": b"true",
    "a number": b"7",
    "an endless number": b"1e999",
    "a long number": b"9" * 5_000,
    "NaN": b"NaN",
    "a text": b'"x"',
    "a list": b"[]",
    "a list of lists": b"[[[]]]",
    "a list of nothing": b"[null, null]",
    "an object": b"{}",
    "half an object": b'{"name": ',
    "no UTF-8": b'{"name": "\xff\xfe"}',
    "half a character as a key": b'{"\\ud800": 1}',
    "deep": DEEP.encode(),
    "deep inside": f'{{"queryMetadata": {DEEP}, "attributes": {DEEP}}}'.encode(),
}
VALUES: Mapping[str, Any] = {
    "null": None,
    "false": False,
    "a number": 7,
    "a huge number": 10**30,
    "a negative number": -1,
    "a fraction": 0.5,
    "infinity": float("inf"),
    "nothing": "",
    "NUL": "a\0b",
    "half a character": "a\ud800b",
    "a long text": "x" * 20_000,
    "a list": [],
    "a list of lists": [[["x"]]],
    "an object": {},
    "an object of objects": {"id": {"id": {"id": "x\0"}}},
    "NUL inside": {"a\0b": ["a\0b"], "knowledge_bases": [{"knowledge_base_id": "a\0b"}]},
    "half a character inside": {"a\ud800b": "a\ud800b"},
}
TEXTS = [
    "",
    "\0",
    "a\0b",
    "0",
    "-1",
    "null",
    "9" * 40,
    "9" * 5_000,
    "é",
    "\uff11",  # a digit of full width
    "%",
    "'",
    "x" * 5_000,
    "[]",
    "{}",
    "a,b,,",
    "1e999",
]


@pytest.fixture(scope="module")
async def client(services: Services):
    """A client of an app that logs no bug: the test tells of it."""
    transport = httpx.ASGITransport(create_app(services), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        yield client


@pytest.fixture(scope="module")
async def things(services: Services) -> Things:
    return await make_things(services, await new_organization(services.db, "Northlight"))


def require_readable(response: httpx.Response) -> None:
    """Not ours, and said in the one way in which we say what is wrong."""
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert response.headers["content-type"] == MEDIA_TYPE
        found = response.json()
        assert {"type", "title", "status", "detail", "instance"} <= found.keys()
        assert found["status"] == response.status_code


SCHEMA = create_app(None).openapi()
WRITES = [operation for operation in sorted(EXAMPLES) if EXAMPLES[operation].body]


@pytest.mark.parametrize("operation", [*WRITES, *OPEN])
async def test_bodies_of_any_kind(client, things: Things, operation: str):
    """Wrong JSON, wrong shapes, no JSON at all, under the right and under wrong content types."""
    method, _, path = operation.partition(" ")
    address = (
        path_of(operation, things)
        if operation in EXAMPLES
        else f"/api/v1{path.replace('{attachment_id}', things.attachment)}"
    )
    for number, body in enumerate(BODIES.values(), len(operation)):
        for kind in ("application/json", ("text/plain", "multipart/form-data", "")[number % 3]):
            headers = {**things.headers, **({"Content-Type": kind} if kind else {})}
            require_readable(await client.request(method, address, content=body, headers=headers))


@pytest.mark.parametrize("operation", WRITES)
async def test_values_of_any_kind_in_any_place(client, services: Services, things: Things, operation: str):
    """Each value of a valid body is replaced by values that it should not be: every second one, which differs by key."""
    example = EXAMPLES[operation]
    if example.destroys or example.streams:
        things = await make_things(services, OrganizationId(UUID(things.organization)))
    method, path = operation.partition(" ")[0], path_of(operation, things)
    headers = {**things.headers, "Content-Type": "application/json"}
    body = await body_of(operation, things)
    for wrong in list_wrong(body):
        sent = {"content": encode(wrong), "headers": headers, "params": example.query(things)}
        require_readable(await client.request(method, path, **sent))


def list_wrong(body: Any) -> Iterator[Any]:
    """Each value in turn, at any depth, is another one."""
    if isinstance(body, list):
        yield from (
            [*body[:index], wrong, *body[index + 1 :]]
            for index in range(len(body))
            for wrong in list_wrong(body[index])
        )
    elif isinstance(body, dict):
        for key, inner in body.items():
            yield from ({**body, key: value} for value in list(VALUES.values())[len(key) % 2 :: 2])
            yield from ({**body, key: wrong} for wrong in list_wrong(inner))


def encode(body: Any) -> bytes:
    """JSON as a careless client writes it: half a character as its escape."""
    return dump_json(body).encode("utf-8", "backslashreplace").replace(b"\x00", b"\\u0000")


def query_names(operation: str) -> list[str]:
    method, _, path = operation.partition(" ")
    described = SCHEMA["paths"][f"/api/v1{path}"][method.lower()]["parameters"]
    return [one["name"] for one in described if one.get("in") == "query"]


@pytest.mark.parametrize("operation", [one for one in sorted(EXAMPLES) if not one.startswith("DELETE ")])
async def test_texts_of_any_kind_in_an_address(client, things: Things, operation: str):
    """Each id in a path and each query parameter is replaced by texts that it should not be: every second one."""
    method, path = operation.partition(" ")[0], path_of(operation, things)
    query, body = EXAMPLES[operation].query(things), await body_of(operation, things)
    for text in TEXTS[len(operation) % 2 :: 2]:
        for name in query_names(operation):
            sent = {**query, name: text}
            require_readable(await client.request(method, path, params=sent, json=body, headers=things.headers))
        if "{" in operation:
            names = [name for name in PARAMETERS if f"{{{name}}}" in operation]
            strange = path_of(operation, things, **dict.fromkeys(names, quoted(text)))
            require_readable(await client.request(method, strange, params=query, json=body, headers=things.headers))


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())
