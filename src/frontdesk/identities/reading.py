"""Query parameters of the list of contacts, and what they ask for."""

import json
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request

from frontdesk.contacts.filters import ATTRIBUTE, EVERYBODY, Group, Op, both, parse_filter
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import InboxId, SegmentId
from frontdesk.identities.listing import ContactFilters, Kind, Order
from frontdesk.identities.segments import narrow
from frontdesk.organizations.model import Caller

MAX_FILTER: Final = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Asked:
    """Which contacts are wanted, within which segment, and after which page."""

    filters: ContactFilters
    segment_id: SegmentId | None = None
    cursor: str | None = None  # empty: from the beginning, by cursor

    async def load_filters(self, tx: Tx, caller: Caller) -> ContactFilters:
        """Return the filters, within the segment. Raises NotFound."""
        return self.filters if self.segment_id is None else await narrow(tx, caller, self.filters, self.segment_id)


def read_filters(
    request: Request,
    *,
    query: Annotated[str, Query(max_length=200)] = "",
    search: Annotated[str, Query(max_length=200, description="The same as `query`.")] = "",
    kind: Kind | None = None,
    inbox: UUID | None = None,
    inboxes: Annotated[list[str] | None, Query(description="Ids, repeated or separated by commas.")] = None,
    source_id: Annotated[str | None, Query(alias="sourceId")] = None,
    label: Annotated[list[str] | None, Query(description="Ids or names, repeated: one of them.")] = None,
    segment: UUID | None = None,
    wanted: Annotated[
        str | None, Query(alias="filter", max_length=MAX_FILTER, description="A filter, as JSON.")
    ] = None,
    sort: Order = Order.LAST_SEEN,
    cursor: Annotated[str | None, Query(max_length=2000, description="Empty at first, then as in `next`.")] = None,
) -> Asked:
    """Read which contacts are wanted; `attributes.<key>=value` asks for those with that value."""
    listed = None if inbox is None else [InboxId(inbox)]
    if inboxes is not None:
        listed = [*(listed or ()), *(_read_id(part) for text in inboxes for part in text.split(",") if part.strip())]
    group = both(
        EVERYBODY if wanted is None else parse_filter(_read_json(wanted)),
        EVERYBODY if label is None else _parse({"field": "label", "op": Op.IN, "value": label}, "/label"),
        *_read_attributes(request),
    )
    filters = ContactFilters(
        query=query or search,
        kind=kind,
        inbox_ids=None if listed is None else tuple(listed),
        source_id=source_id,
        order=sort,
        filter=group,
    )
    return Asked(filters, None if segment is None else SegmentId(segment), cursor)


def _read_attributes(request: Request) -> list[Group]:
    return [
        _parse({"field": name, "op": Op.IN, "value": _readings(value)}, f"/{name}")
        for name, value in request.query_params.multi_items()
        if name.startswith(ATTRIBUTE)
    ]


def _readings(text: str) -> list[Any]:
    """Return what a text in an address may mean: itself, and the number or the truth value that it spells."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return [text, value] if isinstance(value, bool | int | float) else [text]


def _parse(condition: dict[str, Any], pointer: str) -> Group:
    return parse_filter({"operator": "and", "conditions": [condition]}, pointer)


def _read_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("This is no JSON.", pointer="/filter") from error


def _read_id(text: str) -> InboxId:
    try:
        return InboxId(UUID(text.strip()))
    except ValueError as error:
        raise InvalidRequest("An id is a UUID.", pointer="/inboxes") from error
