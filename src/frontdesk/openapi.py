"""The OpenAPI description: what the framework reads off the routes, completed by what only we know.

Which problems a call may answer with stands in its docstring (after "Problems:"), which right it needs on its route.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from pydantic.alias_generators import to_camel

from frontdesk.core.errors import Forbidden, FrontdeskError, InvalidRequest, NotFound, TooLarge, Unauthenticated
from frontdesk.core.idempotency import HEADER, REPLAYED, IdempotencyKeyReused, RequestInProgress
from frontdesk.core.problems import MEDIA_TYPE
from frontdesk.organizations.callers import Needs

DESCRIPTION: Final = f"""\
Everything that the console does with contacts, conversations, knowledge and access, for programs.

**Addresses.** Every path answers at `/api/v1/…` and at `/api/…`, with and without a slash at its end, never by a
redirect.

**Keys.** Send `Authorization: Api-Key <key>` or `Authorization: Bearer <key>`. A key belongs to one organization and
holds some rights; what another organization owns looks to it as if it did not exist.

**Names.** Keys of bodies and of query parameters are read in camelCase and in snake_case. Answers are in camelCase;
some keys are repeated in snake_case, and times are epoch milliseconds as text. With `X-Api-Style: camel` nothing is
repeated and times are RFC 3339. Inside free JSON (`queryMetadata`, `attributes`, `rawUserDefineMetadata`,
`contentPayload`) no key is ever touched.

**Lists** are `{{count, next, previous, results}}`; ask for a part with `page` and `pageSize`, or `limit` and `offset`.

**Failures** are problem documents (RFC 9457). `type` names the kind and never changes its meaning; `detail` is for
people. A failed field is named in `errors` as a JSON pointer, and once more as a key with a list of messages.

**Sending again.** A POST with an `{HEADER}` header is done once: for 24 hours the same request with the same key is
answered as the first time, with `{REPLAYED}: true`. Answers to try again (429 and 5xx) are not kept.

**Requests** have an id: send `X-Request-Id` or find ours in the answer; in a problem it is `instance`.
"""

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "A failure. Members beside these are facts about it. Source: RFC 9457.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "description": "`/problems/<slug>`; the slug never changes its meaning."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "For people."},
        "instance": {"type": "string", "description": "The id of the request."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "Names the field. Source: RFC 6901."},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
_SECURITY: Final = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The word `Api-Key`, a space, and the key.",
    },
    "Bearer": {"type": "http", "scheme": "bearer", "description": "The key."},
}
_PARAMETERS: Final = {
    "ApiStyle": {
        "name": "X-Api-Style",
        "in": "header",
        "description": "`camel`: no repeated keys in snake_case, and times in RFC 3339.",
        "schema": {"type": "string", "enum": ["camel"]},
    },
    "IdempotencyKey": {
        "name": HEADER,
        "in": "header",
        "description": "Text of your choice, new for each request that is not a repetition.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
}
_SLUGS: Final = re.compile(r"`([a-z][a-z-]*)`")


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description of `app`; the same object each time."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes)
        taken: set[str] = set()
        for route, method in _list_operations(app):
            _complete(schema["paths"][route.path_format][method.lower()], route, method, taken)
        _complete_components(schema)
        app.openapi_schema = schema
    return app.openapi_schema


def find_needs(dependant: Dependant) -> Needs | None:
    """Return what a route requires of its caller; None: it is open to everybody."""
    if isinstance(dependant.call, Needs):
        return dependant.call
    return next(filter(None, map(find_needs, dependant.dependencies)), None)


def find_documented_slugs(docstring: str) -> list[str]:
    """Return the slugs that a docstring lists after "Problems:", in its order."""
    return _SLUGS.findall(docstring.partition("Problems:")[2])


@cache
def list_problems() -> Mapping[str, type[FrontdeskError]]:
    """Return every expected failure of the loaded code by its slug; of those that share one, the most general."""
    found: dict[str, type[FrontdeskError]] = {}
    for error in _list_subclasses(FrontdeskError):
        if hasattr(error, "slug"):
            found.setdefault(error.slug, error)
    return found


def _list_subclasses(error: type[FrontdeskError]) -> Iterator[type[FrontdeskError]]:
    for child in error.__subclasses__():
        yield child
        yield from _list_subclasses(child)


def _list_operations(app: FastAPI) -> Iterator[tuple[RouteContext, str]]:
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and route.include_in_schema:
            for method in sorted(route.methods or ()):
                yield route, method


def _complete(operation: dict[str, Any], route: RouteContext, method: str, taken: set[str]) -> None:
    needs = find_needs(route.dependant)
    text = " ".join(operation.get("description", "").partition("Problems:")[0].split())
    summary, _, rest = text.partition(". ")
    operation["summary"], operation["description"] = summary.removesuffix("."), rest  # the problems are responses
    operation["operationId"] = _choose_id(to_camel(route.name or "").rstrip("_"), method, taken)
    if needs is None:
        operation["security"] = []
    elif needs.right is not None:
        operation["x-right"] = needs.right.value
    responses, parameters = operation["responses"], operation.setdefault("parameters", [])
    responses.pop("422", None)
    problems = _list_expected(operation, route, needs)
    if any("application/json" in response.get("content", {}) for response in responses.values()):
        parameters.append({"$ref": "#/components/parameters/ApiStyle"})
    if method == "POST" and needs is not None and needs.keeps_answer:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
        problems += [RequestInProgress, IdempotencyKeyReused]
    responses |= _render_problems(problems)


def _choose_id(name: str, method: str, taken: set[str]) -> str:
    """Two methods may share one function: the second is told apart by its method."""
    chosen = f"{name}By{method.title()}" if name in taken else name
    taken.add(chosen)
    return chosen


def _list_expected(
    operation: Mapping[str, Any], route: RouteContext, needs: Needs | None
) -> list[type[FrontdeskError]]:
    expected: list[type[FrontdeskError]] = []
    if "requestBody" in operation or operation["parameters"]:
        expected.append(InvalidRequest)
    if needs is not None:
        expected.append(Unauthenticated)
        expected += [Forbidden] if needs.right is not None else []
    if "{" in (route.path_format or ""):
        expected.append(NotFound)
    if "requestBody" in operation:
        expected.append(TooLarge)
    return expected + [list_problems()[slug] for slug in find_documented_slugs(route.description)]


def _render_problems(problems: Iterable[type[FrontdeskError]]) -> dict[str, Any]:
    by_status: dict[int, dict[str, str]] = {}
    for error in problems:
        by_status.setdefault(error.status, {})[error.slug] = error.title
    return {
        str(status): {
            "description": "; ".join(f"`{slug}`: {title}" for slug, title in titles.items()),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, titles in sorted(by_status.items())
    }


def _complete_components(schema: dict[str, Any]) -> None:
    schemas = schema["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = _PROBLEM
    schema["components"] |= {"securitySchemes": _SECURITY, "parameters": _PARAMETERS}
    schema["security"] = [{name: []} for name in _SECURITY]
