"""Another organization's object is to every screen as if it did not exist."""

from collections.abc import Iterator
from itertools import product

from fastapi.routing import APIRoute, iter_route_contexts
from tests.api_examples import PARAMETERS
from tests.console.conftest import Browser, Hire
from tests.things import Things, make_things

from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.web import create_app

IDS = {**PARAMETERS, "key_id": "realm_key"}
LISTS = {"files": "file_id", "faqs": "faq_id"}  # these share some screens, which are told the ids of what is chosen
WORDS = {
    "place": tuple(LISTS),
    "listed": tuple(LISTS),
    "which": ("visitors", "members"),
    "assurance": ("signed",),
    "kind": ("file", "faq"),
}  # parameters that are no ids


def list_screens() -> Iterator[tuple[str, str]]:
    """Every screen about an object: method and path, with words for what is no id."""
    for route in iter_route_contexts(create_app(None).routes):
        if isinstance(route.original_route, APIRoute) and route.path_format.startswith("/console"):
            names = [name for name in WORDS if f"{{{name}}}" in route.path_format]
            for words in product(*(WORDS[name] for name in names)):
                path = route.path_format
                for name, word in zip(names, words, strict=True):
                    path = path.replace(f"{{{name}}}", word) + (f"?ids={{{LISTS[word]}}}" if name == "place" else "")
                yield from ((method, path) for method in route.methods or () if names_of(path))


def names_of(path: str) -> list[str]:
    return [name for name in IDS if f"{{{name}}}" in path]


def fill(path: str, ours: Things, theirs: Things, foreign: tuple[str, ...]) -> str:
    """The path with our ids, and theirs for the parameters in `foreign`."""
    for name in names_of(path):
        path = path.replace(f"{{{name}}}", getattr(theirs if name in foreign else ours, IDS[name]))
    assert "{" not in path, f"add the parameter of {path} to IDS or WORDS"
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
    for method, path in list_screens():
        names = names_of(path)
        for foreign in dict.fromkeys([*((name,) for name in names), tuple(names)]):
            for htmx in (True, False):
                status = await call(browser, method, fill(path, ours, theirs, foreign), htmx=htmx)
                expected = {404} if method == "GET" else {400, 404}  # an empty form may be refused before
                wrong += [] if status in expected else [(method, path, foreign, status)]
    assert wrong == []
