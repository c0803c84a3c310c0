"""A selection of contacts: some by their ids, or all that match filters. It can be kept as JSON and read again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast, get_args
from uuid import UUID

from frontdesk.contacts.filters import EVERYBODY, parse_filter
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactId, InboxId, ProfileId
from frontdesk.identities.listing import ContactFilters, Kind, Order, conditions_of
from frontdesk.organizations.model import Caller, Right

MAX_IDS = 10_000

_KEYS = frozenset({"query", "kind", "inboxes", "sourceId", "sort", "profile", "filter"})


@dataclass(frozen=True, slots=True)
class Selection:
    """Contacts that are meant: `ids` when they are not None, else all that match `filters`, whenever it is asked."""

    ids: tuple[ContactId, ...] | None = None
    filters: ContactFilters = field(default_factory=ContactFilters)

    def to_json(self) -> dict[str, Any]:
        """Return what `parse_selection` reads."""
        if self.ids is not None:
            return {"ids": [str(contact_id) for contact_id in self.ids]}
        wanted = self.filters
        written: dict[str, Any] = {
            "query": wanted.query or None,
            "kind": wanted.kind,
            "inboxes": None if wanted.inbox_ids is None else [str(inbox_id) for inbox_id in wanted.inbox_ids],
            "sourceId": wanted.source_id,
            "sort": wanted.order.value,
            "profile": None if wanted.profile_id is None else str(wanted.profile_id),
            "filter": None if wanted.filter == EVERYBODY else wanted.filter.to_json(),
        }
        return {"filters": {key: value for key, value in written.items() if value is not None}}


def parse_selection(raw: Mapping[str, Any]) -> Selection:
    """Read `{"ids": [...]}` or `{"filters": {...}}`; raises InvalidRequest, which points at what is wrong."""
    if set(raw) == {"ids"}:
        ids = [ContactId(one) for one in _read_ids(raw["ids"], "/ids")]
        if len(ids) > MAX_IDS:
            raise InvalidRequest(f"At most {MAX_IDS} ids; more are selected by filters.", pointer="/ids")
        return Selection(tuple(dict.fromkeys(ids)))
    if set(raw) != {"filters"} or not isinstance(raw["filters"], Mapping):
        raise InvalidRequest("A selection has either ids or filters.", pointer="")
    return Selection(None, _parse_filters(raw["filters"]))


async def count_selected(tx: Tx, caller: Caller, selection: Selection) -> int:
    """Return how many contacts are meant that the caller may view. Right: contacts.view."""
    where, params = await where_selected(tx, caller, selection)
    ((count,),) = await tx.fetch_planned(f"SELECT count(*) FROM contacts c WHERE {where}", params)
    return int(count)


async def list_selected(
    tx: Tx, caller: Caller, selection: Selection, *, after: ContactId | None, limit: int
) -> list[ContactId]:
    """Return the next `limit` contacts that are meant and that the caller may view, by id. Right: contacts.view."""
    where, params = await where_selected(tx, caller, selection)
    if after is not None:
        where, params = f"{where} AND c.id > %(after)s", params | {"after": after}
    sql = f"SELECT c.id FROM contacts c WHERE {where} ORDER BY c.id LIMIT %(limit)s"
    return [ContactId(row[0]) for row in await tx.fetch_planned(sql, params | {"limit": limit})]


async def where_selected(tx: Tx, caller: Caller, selection: Selection) -> tuple[str, dict[str, Any]]:
    """Return the condition on `contacts c` that says who is meant, with its parameters. Right: contacts.view."""
    caller.require(Right.CONTACTS_VIEW)
    if selection.ids is None:
        return await conditions_of(tx, caller, selection.filters)
    where, params = await conditions_of(tx, caller, ContactFilters())
    return f"{where} AND c.id = ANY(%(selected)s)", params | {"selected": list(selection.ids)}


def _parse_filters(raw: Mapping[str, Any]) -> ContactFilters:
    for key in raw:
        if key not in _KEYS:
            raise InvalidRequest("There is no such filter.", pointer=f"/filters/{key}")
    kind, sort = raw.get("kind"), raw.get("sort", Order.LAST_SEEN.value)
    if kind is not None and kind not in get_args(Kind):
        raise InvalidRequest("A contact is known or anonymous.", pointer="/filters/kind")
    if sort not in tuple(Order):
        raise InvalidRequest("There is no such order.", pointer="/filters/sort")
    inboxes = _read_ids(raw["inboxes"], "/filters/inboxes") if "inboxes" in raw else None
    profile = _read_ids([raw["profile"]], "/filters/profile")[0] if "profile" in raw else None
    return ContactFilters(
        query=_read_text(raw.get("query", ""), "/filters/query"),
        kind=cast("Kind | None", kind),
        inbox_ids=None if inboxes is None else tuple(map(InboxId, inboxes)),
        source_id=_read_text(raw["sourceId"], "/filters/sourceId") if "sourceId" in raw else None,
        order=Order(sort),
        profile_id=None if profile is None else ProfileId(profile),
        filter=parse_filter(raw["filter"], "/filters/filter") if "filter" in raw else EVERYBODY,
    )


def _read_text(value: object, pointer: str) -> str:
    if not isinstance(value, str):
        raise InvalidRequest("This is a text.", pointer=pointer)
    return value


def _read_ids(values: object, pointer: str) -> list[UUID]:
    if not isinstance(values, list):
        raise InvalidRequest("This is a list of ids.", pointer=pointer)
    try:
        return [UUID(value) for value in values]
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidRequest("An id is a UUID.", pointer=pointer) from error
