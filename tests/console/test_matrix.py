"""Promises about all screens: nobody who is not signed in, and nobody of another organization, sees or changes anything."""

from collections.abc import Iterator
from uuid import uuid4

from fastapi.routing import APIRoute, iter_route_contexts
from tests.api_examples import PARAMETERS
from tests.console.conftest import Browser, Hire
from tests.things import Things, make_things

from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.web import create_app

PLACES = {
    "files": "file_id",
    "faqs": "faq_id",
}  # two lists share some screens, which are told the ids of what is chosen


def list_screens() -> Iterator[tuple[str, str, list[str]]]:
    """Every screen about an object: method, path, the names of the ids in it."""
    for route in iter_route_contexts(create_app(None).routes):
        if isinstance(route.original_route, APIRoute) and route.path_format.startswith("/console"):
            names = [name for name in route.param_convertors if name in PARAMETERS]
            for method in route.methods or ():
                if "{place}" in route.path_format:
                    for place, name in PLACES.items():
                        yield method, f"{route.path_format}?ids={{{name}}}".replace("{place}", place), [*names, name]
                elif names:
                    yield method, route.path_format, names


SCREENS = list(list_screens())


def fill(path: str, things: Things, other: Things | None = None, *names: str) -> str:
    """The path of a screen on these things; the parameters in `names` are those of `other`."""
    for name, kind in PARAMETERS.items():
        path = path.replace(f"{{{name}}}", getattr(other if other and name in names else things, kind))
    assert "{" not in path, f"add the parameter of {path} to PARAMETERS"
    return path


async def call(browser: Browser, method: str, path: str, *, htmx: bool) -> int:
    if method == "GET":
        return (await browser.get(path, htmx=htmx)).status_code
    return (await browser.post(path, {}, htmx=htmx)).status_code


async def test_what_is_foreign_does_not_exist(
    services: Services, browser: Browser, hire: Hire, organization: OrganizationId, other_organization: OrganizationId
):
    """An owner who asks for an object of another organization, alone or among own ones, is told that there is none."""
    ours, theirs = await make_things(services, organization), await make_things(services, other_organization)
    await browser.sign_in(await hire(organization, "owner"))
    wrong = []
    for method, path, names in SCREENS:
        tried = [*[(name,) for name in names], tuple(names)]
        for chosen in dict.fromkeys(tried):
            for htmx in (True, False):
                status = await call(browser, method, fill(path, ours, theirs, *chosen), htmx=htmx)
                expected = {404} if method == "GET" else {400, 404}  # an empty form may be refused before
                wrong += [] if status in expected else [(method, path, chosen, status)]
    assert wrong == []


async def test_nobody_unknown_sees_anything(services: Services, browser: Browser, organization: OrganizationId):
    """Without a session every screen about an object sends to the sign-in, whether the object exists or not."""
    ours = await make_things(services, organization)
    for method, path, names in SCREENS:
        for address in (fill(path, ours), path.replace("{", "").replace("}", "")):
            response = await browser.client.request(method, address)
            assert (response.status_code, response.headers["location"].partition("?")[0]) == (303, "/console/sign-in")
            part = await browser.client.request(method, address, headers={"HX-Request": "true"})
            assert part.status_code == 401
        assert names


async def test_no_post_is_taken_without_the_page_that_made_it(
    services: Services, browser: Browser, hire: Hire, organization: OrganizationId
):
    """A member's browser that is sent here by another page changes nothing: every POST needs the session's token."""
    ours = await make_things(services, organization)
    await browser.sign_in(await hire(organization, "owner"))
    for method, path, _ in SCREENS:
        if method == "POST":
            for token in ({}, {"X-CSRF-Token": str(uuid4())}):
                response = await browser.client.post(fill(path, ours), headers=token)
                assert response.status_code == 403, path
