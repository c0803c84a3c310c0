"""Promises about all routes of the console, whoever wrote them."""

import re
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from tests.conftest import new_organization
from tests.console.conftest import Browser, hire_member, open_browser

from frontdesk.console.members import MemberNeeds
from frontdesk.core.db import Database
from frontdesk.core.ids import OrganizationId
from frontdesk.organizations.model import BUILT_IN_ROLES, Right
from frontdesk.web import create_app

VIEWER = BUILT_IN_ROLES["viewer"]


def find_marker(dependant: Dependant) -> MemberNeeds | None:
    if isinstance(dependant.call, MemberNeeds):
        return dependant.call
    return next((found for inner in dependant.dependencies if (found := find_marker(inner))), None)


def list_routes() -> Iterator[tuple[str, str, Right | None]]:
    """Yield method, path and right of every route that is for members."""
    for route in iter_route_contexts(create_app(None).routes):
        if not isinstance(route.original_route, APIRoute) or not route.path_format.startswith("/console"):
            continue
        marker = find_marker(route.dependant)
        for method in route.methods or ():
            if marker is not None:
                yield method, route.path_format, marker.right


ROUTES = list(list_routes())
UNSAFE = [(method, path) for method, path, _ in ROUTES if method != "GET"]
STRONG = [(method, path) for method, path, right in ROUTES if right is not None and right not in VIEWER]
OF_OBJECTS = [(method, path) for method, path, _ in ROUTES if method == "GET" and "_id}" in path]


def fill(path: str) -> str:
    return re.sub(r"{[^}]+}", lambda _: str(uuid4()), path)


@pytest.fixture(scope="module")
async def everybody(db: Database) -> OrganizationId:
    """One organization for all routes: nothing here gets far enough to change it."""
    return await new_organization(db, "Northlight")


@pytest.fixture(scope="module")
async def olga(app: FastAPI, db: Database, everybody: OrganizationId) -> AsyncIterator[Browser]:
    async with open_browser(app) as browser:
        await browser.sign_in(await hire_member(db, everybody, "owner"))
        yield browser


@pytest.fixture(scope="module")
async def vera(app: FastAPI, db: Database, everybody: OrganizationId) -> AsyncIterator[Browser]:
    async with open_browser(app) as browser:
        await browser.sign_in(await hire_member(db, everybody, "viewer"))
        yield browser


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ROUTES])
async def test_a_stranger_is_sent_to_sign_in(browser, method, path):
    """No page and no change without a session."""
    response = await browser.client.request(method, fill(path))
    assert response.status_code == 303
    assert response.headers["location"].startswith("/console/sign-in")


@pytest.mark.parametrize(("method", "path"), UNSAFE)
async def test_every_change_needs_the_token(olga, method, path):
    """What another site can make a browser send is refused, whatever it aims at."""
    response = await olga.client.request(method, fill(path), headers={"HX-Request": "true"})
    assert response.status_code == 403
    assert "This page is too old" in response.text


@pytest.mark.parametrize(("method", "path"), STRONG)
async def test_a_viewer_may_only_view(vera, method, path):
    """A route whose right viewers lack refuses them before it looks at anything."""
    headers = {"HX-Request": "true", "X-CSRF-Token": vera.csrf_token}
    assert (await vera.client.request(method, fill(path), headers=headers)).status_code == 403


@pytest.mark.parametrize(("method", "path"), OF_OBJECTS)
async def test_an_id_that_nobody_has_is_not_found(olga, method, path):
    """404, as a page and as a part of one."""
    for headers in ({}, {"HX-Request": "true"}):
        response = await olga.client.request(method, fill(path), headers=headers)
        assert response.status_code == 404, headers
