"""Promises about all routes of the app, whoever wrote them: nobody unknown, nobody weak, nobody foreign gets in."""

import inspect
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic.alias_generators import to_snake
from tests.api_examples import EXAMPLES, OPEN, PARAMETERS, body_of, path_of, send
from tests.conftest import make_key, new_organization
from tests.things import Things, make_things

from frontdesk.console.members import MemberNeeds
from frontdesk.core.db import Database
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.openapi import find_needs
from frontdesk.organizations.model import Right
from frontdesk.web import API, create_app

# pages that people see before they are known, and the widget, which has sessions of its own
PUBLIC = {
    "GET /",
    "GET /api/v1/docs",
    "GET /chat/{public_id}",
    "GET /console/forgotten-password",
    "GET /console/join",
    "GET /console/new-password",
    "GET /console/set-up",
    "GET /console/sign-in",
    "GET /js/embed.min.js",
    "GET /metrics",
    "GET /webchat/{public_id}/conversations/{conversation_id}/events",
    "GET /webchat/{public_id}/conversations/{conversation_id}/messages",
    "GET /widget.js",
    "POST /console/forgotten-password",
    "POST /console/join",
    "POST /console/language",
    "POST /console/new-password",
    "POST /console/set-up",
    "POST /console/sign-in",
    "POST /webchat/{public_id}/logout",
    "POST /webchat/{public_id}/messages",
    "POST /webchat/{public_id}/open",
    "POST /webchat/{public_id}/sessions",
}
# told to every caller about itself; the last one chooses the right by what is to be uploaded
NO_RIGHT = {"GET /organizations", "GET /users/current", "GET /permissions", "POST /upload-presigned-url"}
FREE_JSON = {"queryMetadata", "visitorScope", "memberScope", "attributes", "rawUserDefineMetadata", "contentPayload"}


def list_routes() -> Iterator[tuple[str, RouteContext]]:
    for route in iter_route_contexts(create_app(None).routes):
        if isinstance(route.original_route, APIRoute):
            for method in route.methods or ():
                yield f"{method} {route.path_format}", route


ROUTES = dict(list_routes())
OPERATIONS = sorted(
    operation.replace(API, "", 1)
    for operation, route in ROUTES.items()
    if route.path_format.startswith(API) and route.include_in_schema
)
CLOSED = [operation for operation in OPERATIONS if operation not in OPEN]
CALLS = [operation for operation in CLOSED if operation in EXAMPLES]


def route_of(operation: str) -> RouteContext:
    method, _, path = operation.partition(" ")
    return ROUTES[f"{method} {API}{path}"]


def names_of(operation: str) -> list[str]:
    return list(route_of(operation).param_convertors)


def names_objects(maker: Callable[[Things], Any] | None) -> bool:
    """Tell whether a body or a query names an object: it asks the things for something."""
    asked: list[str] = []

    class Watched:
        def __getattr__(self, name: str) -> str:
            asked.append(name)
            return name

    made = maker(Watched()) if maker else None  # type: ignore[arg-type]
    if inspect.iscoroutine(made):  # what needs an upload
        made.close()
        return True
    return bool(asked)


@pytest.fixture(scope="module")
async def ours(services: Services) -> Things:
    return await make_things(services, await new_organization(services.db, "Northlight"))


@pytest.fixture(scope="module")
async def theirs(services: Services) -> Things:
    return await make_things(services, await new_organization(services.db, "Southdark"))


@pytest.fixture(scope="module")
async def weak_keys(db: Database, ours: Things) -> dict[Right, dict[str, str]]:
    """For each right a key that has every other one."""
    organization = OrganizationId(UUID(ours.organization))
    return {right: await make_key(db, organization, *(set(Right) - {right})) for right in Right}


def list_markers(dependant: Dependant) -> Iterator[MemberNeeds]:
    if isinstance(dependant.call, MemberNeeds):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from list_markers(inner)


def test_every_route_says_who_may_call_it():
    """A route declares a right of keys or of members, or it stands on a short list of those that need none."""
    unmarked = {
        operation
        for operation, route in ROUTES.items()
        if find_needs(route.dependant) is None and not list(list_markers(route.dependant))
    }
    opened = {operation.replace(" ", f" {API}", 1) for operation in OPEN}
    assert unmarked == PUBLIC | opened
    without_right = {
        operation for operation in CLOSED if (needs := find_needs(route_of(operation).dependant)) and not needs.right
    }
    assert without_right == NO_RIGHT


def test_every_operation_has_an_example():
    """A new route is tested by everything below as soon as it has an example, and this fails until then."""
    assert set(EXAMPLES) == set(CLOSED)
    assert {name for operation in OPERATIONS for name in names_of(operation)} <= set(PARAMETERS)
    assert set(PARAMETERS.values()) <= {one.name for one in fields(Things)}


@pytest.mark.parametrize("operation", CALLS)
async def test_nobody_unknown_gets_in(client: httpx.AsyncClient, ours: Things, operation: str):
    """Without a key, with an invented one, with another scheme: 401, and nothing is told."""
    path, body = path_of(operation, ours), await body_of(operation, ours)
    invented = f"fd_key_{ours.organization.replace('-', '')}_{uuid4().hex}"
    for headers in ({}, {"Authorization": f"Api-Key {invented}"}, {"Authorization": "Basic eDp5"}):
        response = await send(client, operation, path=path, headers=headers, body=body)
        assert (response.status_code, response.json()["type"]) == (401, "/problems/unauthenticated")
        assert response.headers["www-authenticate"] == "Api-Key"


@pytest.mark.parametrize("operation", [one for one in CALLS if one not in NO_RIGHT])
async def test_a_key_without_the_right_gets_nothing(client, ours: Things, weak_keys, operation: str):
    """Every right but the declared one is not enough."""
    needs = find_needs(route_of(operation).dependant)
    assert needs is not None
    body = await body_of(operation, ours)
    response = await send(client, operation, path=path_of(operation, ours), headers=weak_keys[needs.right], body=body)
    assert (response.status_code, response.json()["right"]) == (403, needs.right)


@pytest.mark.parametrize("operation", [one for one in CALLS if names_of(one) and not EXAMPLES[one].makes_anew])
async def test_what_is_foreign_does_not_exist(client, ours: Things, theirs: Things, operation: str):
    """An id of another organization is 404 in every place of a path, alone and among own ones; streams included."""
    query, body = EXAMPLES[operation].query(ours), await body_of(operation, ours)
    for name in names_of(operation):
        kind = (PARAMETERS | dict(EXAMPLES[operation].parameters))[name]
        path = path_of(operation, ours, **{name: getattr(theirs, kind)})
        response = await send(client, operation, path=path, headers=ours.headers, body=body, query=query)
        assert response.status_code == 404, (name, response.text)
    path = path_of(operation, theirs)
    response = await send(client, operation, path=path, headers=ours.headers, body=body, query=query)
    assert (response.status_code, response.json()["type"]) == (404, "/problems/not-found")


def mentions(body: Any, ids: set[str]) -> bool:
    return any(one in str(body) for one in ids)


def ids_of(things: Things) -> set[str]:
    """The ids of a thing's objects, and nothing else."""
    values = (getattr(things, one.name) for one in fields(things))
    return {value for value in values if isinstance(value, str)} - {things.source_id}


@pytest.mark.parametrize("operation", [one for one in CALLS if names_objects(EXAMPLES[one].body)])
async def test_foreign_ids_in_a_body_do_nothing(client, ours: Things, theirs: Things, operation: str):
    """A body with ids of another organization is refused, or what it names is passed over and never shown."""
    body = await body_of(operation, theirs)
    response = await send(client, operation, path=path_of(operation, ours), headers=ours.headers, body=body)
    if EXAMPLES[operation].ignores_foreign:
        assert response.is_success
        shown = response.json() if response.content else {}
        assert not mentions({**shown, "warnings": []}, ids_of(theirs))
    else:
        assert response.status_code in {400, 403, 404}, response.text


@pytest.mark.parametrize(
    "operation", [one for one in CALLS if one.startswith("GET ") and names_objects(EXAMPLES[one].query)]
)
async def test_foreign_ids_in_a_query_find_nothing(client, ours: Things, theirs: Things, operation: str):
    """A list that is filtered by an id of another organization is empty, or that id does not exist."""
    query = EXAMPLES[operation].query(theirs)
    response = await send(client, operation, path=path_of(operation, ours), headers=ours.headers, query=query)
    assert response.status_code == 404 or response.json()["results"] == [], response.text


async def test_nothing_of_theirs_has_changed(client, theirs: Things):
    """After all of the above every object of the other organization is still there, and reads as before."""
    for operation in CALLS:
        if operation.startswith("GET ") and names_of(operation):
            response = await send(
                client,
                operation,
                path=path_of(operation, theirs),
                headers=theirs.headers,
                query=EXAMPLES[operation].query(theirs),
            )
            assert response.status_code == 200, (operation, response.text)


@pytest.mark.parametrize("operation", [one for one in CALLS if one.startswith("GET ") and not EXAMPLES[one].destroys])
async def test_four_spellings_of_a_path_answer_alike(client, ours: Things, operation: str):
    """Both mounts, with and without a slash at the end, give the same answer without a redirect."""
    path, query = path_of(operation, ours), EXAMPLES[operation].query(ours)
    answers = [
        await send(client, operation, path=spelling, headers=ours.headers, query=query) for spelling in spell(path)
    ]
    assert {answer.status_code for answer in answers} == {200}
    assert len({stable(answer) for answer in answers}) == 1


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if not one.startswith("GET ")])
async def test_four_spellings_reach_the_same_route(client, ours: Things, operation: str):
    """So do writes: each spelling is refused in the same way, and never sent elsewhere."""
    path = path_of(operation, ours) if operation in EXAMPLES else f"{API}{operation.partition(' ')[2]}"
    answers = [await send(client, operation, path=spelling, headers={}) for spelling in spell(path)]
    assert {answer.status_code for answer in answers} == {400 if operation in OPEN else 401}


def spell(path: str) -> list[str]:
    short = path.replace(API, "/api", 1)
    return [path, f"{path}/", short, f"{short}/"]


def stable(answer: httpx.Response) -> str:
    """What an answer says, but for addresses that are signed anew each time; of an archive, what is in it."""
    if answer.headers["content-type"] == "application/zip":
        return str(zipfile.ZipFile(io.BytesIO(answer.content)).namelist())
    if answer.headers["content-type"].startswith(("text/csv", "application/octet-stream")):
        return answer.text
    body = answer.json()
    return str({**body, "file": ""} if isinstance(body, dict) else body)


def to_snake_keys(value: Any) -> Any:
    if isinstance(value, list):
        return [to_snake_keys(one) for one in value]
    if isinstance(value, dict):
        return {to_snake(key): inner if key in FREE_JSON else to_snake_keys(inner) for key, inner in value.items()}
    return value


@pytest.mark.parametrize("style", ["camel", "snake"])
@pytest.mark.parametrize("operation", CALLS)
async def test_every_example_is_answered(client, services: Services, ours: Things, operation: str, style: str):
    """Each example is valid, so that the refusals above mean something, and so is its twin with keys in snake_case."""
    example = EXAMPLES[operation]
    things = ours
    if example.destroys:
        things = await make_things(services, OrganizationId(UUID(ours.organization)))
    query, body = example.query(things), await body_of(operation, things)
    if style == "snake":
        query, body = {to_snake(key): value for key, value in query.items()}, to_snake_keys(body)
    response = await send(
        client, operation, path=path_of(operation, things), headers=things.headers, body=body, query=query
    )
    assert response.status_code == example.status, response.text
    if response.status_code == 204:
        assert response.content == b""
    if example.streams:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.text.startswith("data: {")


@pytest.fixture
async def widget(client: httpx.AsyncClient, theirs: Things) -> dict[str, str]:
    """The session of a visitor of the other organization's web chat."""
    response = await client.post(f"/webchat/{theirs.web_chat}/sessions")
    return {"Authorization": f"Bearer {response.json()['sessionToken']}"}


@pytest.mark.parametrize("part", ["messages", "events"])
async def test_a_visitor_reads_nothing_elsewhere(client, ours: Things, theirs: Things, widget, part: str):
    """A session opens no conversation of another inbox, of another contact, or in another organization's chat."""
    own = await client.get(f"/webchat/{theirs.web_chat}/conversations/{ours.conversation}/{part}", headers=widget)
    other = await client.get(f"/webchat/{theirs.web_chat}/conversations/{theirs.conversation}/{part}", headers=widget)
    assert (own.status_code, other.status_code) == (404, 404)
    abroad = await client.get(f"/webchat/{ours.web_chat}/conversations/{ours.conversation}/{part}", headers=widget)
    key = await client.get(f"/webchat/{ours.web_chat}/conversations/{ours.conversation}/{part}", headers=ours.headers)
    assert (abroad.status_code, key.status_code) == (401, 401)
