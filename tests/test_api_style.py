"""The rules that hold for every call: how answers look, how parts of lists are found, how failures are said."""

from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from tests.making import make_inbox

from frontdesk.core.db import Database
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.openapi import find_documented_slugs, list_problems
from frontdesk.organizations.model import system_caller
from frontdesk.web import API, create_app

JSON = {"Content-Type": "application/json"}
SCHEMA = create_app(None).openapi()
OPERATIONS = [
    (method, path, operation) for path, methods in SCHEMA["paths"].items() for method, operation in methods.items()
]


@pytest.fixture
async def inbox(db: Database, organization: OrganizationId) -> str:
    async with db.begin(organization) as tx:
        return str((await make_inbox(tx, system_caller(organization))).id)


async def create(client: httpx.AsyncClient, headers: dict[str, str], **body: Any) -> dict[str, Any]:
    response = await client.post("/api/v1/contacts", json={"name": "Ann", **body}, headers=headers)
    assert response.status_code == 201, response.text
    return response.json()


# --- answers ---


async def test_twins_and_times(client, api_key, inbox):
    """By default keys that clients read in snake_case stand twice and times are milliseconds; `camel` has neither."""
    made = await create(client, api_key, phoneNumber="+886912345678", inbox=inbox, attributes={"tier_level": 1})
    plain = (await client.get(f"/api/v1/contacts/{made['id']}", headers={**api_key, "X-Api-Style": "camel"})).json()
    assert made["phone_number"] == made["phoneNumber"] == plain["phoneNumber"] == "+886912345678"
    assert {key for key in made if "_" in key} == {
        "phone_number",
        "source_id",
        "query_metadata",
        "mcp_credentials",
        "created_at",
        "updated_at",
    }
    assert {key for key in plain if "_" in key} == set()
    assert made["createdAt"].isdecimal()
    assert plain["createdAt"].endswith("Z")
    assert plain["attributes"] == made["attributes"] == {"tier_level": 1}


async def test_free_json_comes_back_as_it_was_sent(client, api_key):
    """Inside query metadata and attributes no key is re-cased, whatever the style."""
    free = {"snake_key": {"camelKey": [{"Mixed_Key": None}]}, "數字": 1.5}
    for style in ({}, {"X-Api-Style": "camel"}):
        made = await create(client, {**api_key, **style}, attributes=free, queryMetadata={"some_key": free})
        assert (made["attributes"], made["queryMetadata"]) == (free, {"some_key": free})


async def test_pages_follow_each_other(client, api_key):
    """`next` and `previous` are absolute, keep the filters, and lead through every row once; null at the ends."""
    ids = [(await create(client, api_key, name=f"Ann {number}"))["id"] for number in range(5)]
    url: str | None = "/api/contacts/?page_size=2&query=Ann"
    found, pages = [], []
    while url:
        page = (await client.get(url, headers=api_key)).json()
        pages.append(page)
        found += [one["id"] for one in page["results"]]
        url = page["next"]
        assert url is None or url.startswith("http://desk.test/api/v1/contacts?")
        assert url is None or "query=Ann" in url
    assert sorted(found) == sorted(ids)
    assert [page["count"] for page in pages] == [5, 5, 5]
    assert (pages[0]["previous"], pages[-1]["next"]) == (None, None)
    back = (await client.get(pages[-1]["previous"], headers=api_key)).json()
    assert back["results"] == pages[1]["results"]
    by_page = (await client.get("/api/v1/contacts?page=2&pageSize=2&query=Ann", headers=api_key)).json()
    by_offset = (await client.get("/api/v1/contacts?limit=2&offset=2&query=Ann", headers=api_key)).json()
    assert by_page["results"] == by_offset["results"] == pages[1]["results"]


@pytest.mark.parametrize("query", ["page=0", "pageSize=1001", "page_size=x", "limit=-1", "offset=-1", "page=1.5"])
async def test_no_such_page(client, api_key, query: str):
    """What is no part of a list is a 400 that names the parameter."""
    answer = await client.get(f"/api/v1/contacts?{query}", headers=api_key)
    assert answer.status_code == 400
    assert set(answer.json()) >= {"errors", "detail"}


async def test_a_lost_update_is_refused(client, api_key):
    """A write with If-Match is done for the version that was read; for an older one it is 412 and changes nothing."""
    made = await create(client, api_key)
    path = f"/api/v1/contacts/{made['id']}"
    tag = (await client.get(path, headers=api_key)).headers["etag"]
    first = await client.patch(path, json={"name": "Bob"}, headers={**api_key, "If-Match": tag})
    second = await client.patch(path, json={"name": "Eve"}, headers={**api_key, "If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert second.json()["type"] == "/problems/precondition-failed"
    read = await client.get(path, headers=api_key)
    assert (read.json()["name"], read.headers["etag"]) == ("Bob", first.headers["etag"])
    assert (await client.put(path, json={"name": "Eve"}, headers={**api_key, "If-Match": "*"})).status_code == 200


async def test_a_request_has_an_id(client, api_key):
    """A well-formed id is taken over and stands in the problem, too; anything else is replaced."""
    mine = await client.get("/api/v1/nothing", headers={**api_key, "X-Request-Id": "job-7.a_B"})
    assert mine.headers["x-request-id"] == mine.json()["instance"] == "job-7.a_B"
    for text in ("", "x" * 65, "a b", "a\tb", "é"):
        other = await client.get("/api/v1/users/current", headers={**api_key, "X-Request-Id": text.encode("latin-1")})
        assert other.status_code == 200
        assert other.headers["x-request-id"] not in {text, ""}


async def test_answers_carry_the_headers_of_a_safe_default(client, api_key):
    """Nothing of the API is cached, sniffed, framed or told to other sites; failures included."""
    for path in ("/api/v1/users/current", "/api/v1/nothing"):
        headers = (await client.get(path, headers=api_key)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


# --- failures ---


async def test_a_failed_field_is_named_twice(client, api_key):
    """As a JSON pointer, and as the key with messages that existing clients show; never over a standard member."""
    body = {"name": ["x"], "phoneNumber": 7, "inboxes": [{"id": "no"}], "status": 1}
    found = (await client.post("/api/v1/contacts", json=body, headers=api_key)).json()
    assert {one["pointer"] for one in found["errors"]} == {"/name", "/phoneNumber", "/inboxes/0"}
    assert all(isinstance(found[name], list) for name in ("name", "phoneNumber", "inboxes"))
    assert (found["status"], found["type"], found["title"]) == (
        400,
        "/problems/invalid-request",
        "The request is not valid",
    )


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/api/v1/nothing", 404, "not-found"),
        ("GET", "/api/nothing/", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("PATCH", "/api/v1/contacts", 405, "method-not-allowed"),
        ("GET", "/api/v1/contacts//", 404, "not-found"),
        ("GET", "/api/v1//contacts", 404, "not-found"),
    ],
)
async def test_what_is_not_there(client, api_key, method: str, path: str, status: int, slug: str):
    """An address or a method that does not exist is a problem document as well."""
    answer = await client.request(method, path, headers=api_key)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("content", [b"{", b'{"name": "Ann",}', b"\xff", b'{"name": "Ann"} x', b'"' + b"[" * 100])
async def test_malformed_json(client, api_key, content: bytes):
    """Text that is no JSON is a 400 that says so."""
    answer = await client.post("/api/v1/contacts", content=content, headers={**api_key, **JSON})
    assert (answer.status_code, answer.json()["status"]) == (400, 400)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_json_must_say_that_it_is_json(client, api_key, kind: str):
    """A body under another content type is not read as JSON: no page can make a browser send it."""
    answer = await client.post(
        "/api/v1/contacts", content=b'{"name": "Ann"}', headers={**api_key, "Content-Type": kind}
    )
    assert answer.status_code == 400


@pytest.fixture
async def narrow(services: Services):
    """A client of an app that takes bodies of 1,000 bytes at most."""
    app = create_app(services, max_body_bytes=1000)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        yield client


@pytest.mark.parametrize("path", ["/api/v1/contacts", "/api/contacts/", "/console/sign-in", "/nothing"])
async def test_too_much_is_a_problem_document(narrow, api_key, path: str):
    """More than the limit is refused with 413 before anything is done."""
    answer = await narrow.post(path, content=b"x" * 1001, headers={**api_key, **JSON})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_too_much_is_noticed_while_it_comes(narrow, api_key):
    """A body whose length was not announced is counted."""

    async def pieces():
        for _ in range(3):
            yield b'{"name": "' + b"x" * 500

    answer = await narrow.post("/api/v1/contacts", content=pieces(), headers={**api_key, **JSON})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


async def test_a_page_of_another_origin_may_not_call(client, api_key):
    """A request that a browser sends for a foreign page is refused, even with a key."""
    for origin in ("https://evil.example", "null", "http://desk.test.evil.example"):
        answer = await client.get("/api/v1/users/current", headers={**api_key, "Origin": origin})
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert (await client.get("/api/v1/users/current", headers={**api_key, "Origin": "http://desk.test"})).is_success


# --- the description ---


async def test_the_description_is_served_to_everybody(client):
    """`/api/schema/` is the OpenAPI document, and the page for people loads only what is ours."""
    for path in ("/api/schema/", "/api/v1/schema"):
        assert (await client.get(path)).json() == SCHEMA
    page = await client.get("/api/docs")
    assert page.status_code == 200
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "<script>" not in page.text
    assert "http" not in page.text


def test_operations_have_readable_and_unique_names():
    """Names of operations are what generated clients call their functions."""
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(name.isalpha() and name[0].islower() and len(name) < 40 for name in names)
    assert all(operation["summary"] and operation["tags"] for _, _, operation in OPERATIONS)
    assert not [name for name in SCHEMA["components"]["schemas"] if "__" in name or "Validation" in name]


def test_every_call_describes_its_failures():
    """Who must be known, what may be missing and what may be refused stands beside each call, as a problem."""
    for method, path, operation in OPERATIONS:
        responses, is_open = operation["responses"], operation.get("security") == []
        assert ("401" in responses) is not is_open, path
        assert ("404" in responses) or "{" not in path, path
        assert ("403" in responses) or "x-right" not in operation, path
        assert ("413" in responses) or "requestBody" not in operation, path
        keys = [one for one in operation["parameters"] if one.get("$ref", "").endswith("/IdempotencyKey")]
        assert bool(keys) <= (method == "post" and {"409", "422"} <= responses.keys()), path
        for status, response in responses.items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"]


def test_docstrings_name_problems_that_exist():
    """What a docstring lists after "Problems:" are slugs of failures."""
    for route in iter_route_contexts(create_app(None).routes):
        if isinstance(route.original_route, APIRoute) and route.path_format.startswith(API):
            text = route.endpoint.__doc__ or ""
            named = find_documented_slugs(text)
            assert set(named) <= set(list_problems()), route.path_format
            assert bool(named) is ("Problems:" in text), route.path_format


def test_references_in_the_description_lead_somewhere():
    """Every `$ref` names a component that is there."""

    def walk(value: Any):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    for reference in set(walk(SCHEMA)):
        _, _, kind, name = reference.split("/")
        assert name in SCHEMA["components"][kind]
