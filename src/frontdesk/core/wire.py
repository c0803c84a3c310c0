"""How the REST API looks on the wire: key styles, times, pages.

Requests take camelCase and snake_case, answers are camelCase with snake_case twins where published clients read them.
Source: docs/reference/api.md, "Rules for every call".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel

from frontdesk.core.text import dump_json

Time = Annotated[
    datetime,
    WithJsonSchema({"type": "string", "description": "Epoch milliseconds; RFC 3339 with `X-Api-Style: camel`."}),
]


class WireModel(BaseModel):
    """A body of the API. Both key styles in, camelCase out; unknown keys are refused unless a model allows them."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")

    twins: ClassVar[tuple[str, ...]] = ()  # fields that are also written in snake_case


class LenientModel(WireModel):
    """A body in which published clients send keys that we do not use; they are ignored."""

    model_config = ConfigDict(extra="ignore")


class PageOf(WireModel):
    """One page of a list. `next` and `previous` are absolute addresses or null, always present."""

    count: int
    next: str | None
    previous: str | None
    results: Sequence[Any]


def reply(
    request: Request,
    model: WireModel | Sequence[WireModel],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render `model` as the caller's `X-Api-Style` asks; free JSON fields are never re-cased."""
    body = render(request, model) if isinstance(model, WireModel) else [render(request, item) for item in model]
    return Response(dump_json(body), status, headers=headers, media_type="application/json")


def render(request: Request, model: WireModel) -> dict[str, Any]:
    """Return the JSON of `model` in the style that the caller asks for."""
    return _render_model(model, request.headers.get("x-api-style") == "camel")


def _render_model(model: WireModel, plain: bool) -> dict[str, Any]:  # noqa: FBT001 -- private
    rendered: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        value = _render_value(getattr(model, name), plain)
        rendered[field.serialization_alias or to_camel(name)] = value
        if name in model.twins and not plain:
            rendered[name] = value
    return rendered


def _render_value(value: Any, plain: bool) -> Any:  # noqa: ANN401, FBT001 -- JSON
    if isinstance(value, WireModel):
        return _render_model(value, plain)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if plain else str(int(value.timestamp() * 1000))
    if isinstance(value, list | tuple):
        return [_render_value(item, plain) for item in value]
    if isinstance(value, dict):
        return value
    return value if isinstance(value, str | int | float | bool | None) else str(value)


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list is asked for: by page or by offset."""

    limit: int
    offset: int


def paging(
    page: Annotated[int | None, Query(ge=1, le=100_000)] = None,
    page_size: Annotated[int | None, Query(alias="pageSize", ge=1, le=1000)] = None,
    limit: Annotated[int | None, Query(ge=1, le=1000)] = None,
    offset: Annotated[int | None, Query(ge=0, le=10_000_000)] = None,
) -> Paging:
    """Read `page`/`pageSize` or `limit`/`offset`; 20 rows when nothing is said."""
    size = page_size or limit or 20
    return Paging(size, offset if offset is not None else ((page or 1) - 1) * size)


def page_of(request: Request, paging: Paging, count: int, results: Sequence[WireModel]) -> PageOf:
    """Return the page with the addresses of its neighbours."""
    after, before = paging.offset + paging.limit, max(paging.offset - paging.limit, 0)
    return PageOf(
        count=count,
        next=_address(request, paging.limit, after) if after < count else None,
        previous=_address(request, paging.limit, before) if paging.offset else None,
        results=results,
    )


def _address(request: Request, limit: int, offset: int) -> str:
    url = request.url.remove_query_params(["page", "pageSize", "limit", "offset"])
    return str(url.include_query_params(limit=limit, offset=offset))
