"""The list of contacts: searched, filtered, sorted and limited to what the caller may see, all in the statement."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from frontdesk.contacts.condition_sql import Parameters
from frontdesk.contacts.filters import EVERYBODY, Condition, Group, Op, both
from frontdesk.contacts.queries import CARD, to_contact
from frontdesk.core.db import Row, Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactId, InboxId, ProfileId
from frontdesk.core.inputs import clean_line
from frontdesk.core.text import utc_now
from frontdesk.core.wire import Paging
from frontdesk.identities.cards import ContactView, load_views
from frontdesk.identities.filter_sql import Compiler, is_personal, look_up
from frontdesk.identities.model import parse_source_id
from frontdesk.organizations.model import Caller, Right

EXACT_COUNT: Final = 10_000

Kind: TypeAlias = Literal["known", "anonymous"]


class Order(StrEnum):
    """How the list is sorted; a minus turns it round."""

    LAST_SEEN = "lastSeen"  # who was here last, or was made last, first
    LAST_SEEN_TURNED = "-lastSeen"
    NAME = "name"  # the nameless at the end
    NAME_TURNED = "-name"
    CREATED = "created"  # the newest first
    CREATED_TURNED = "-created"
    UPDATED = "updated"  # who was changed last, first
    UPDATED_TURNED = "-updated"


@dataclass(frozen=True, slots=True)
class ContactFilters:
    """Which contacts are wanted: all that match everything said."""

    query: str = ""  # words, all of which are in name, attributes, labels, source ids or addresses; or a contact's id
    kind: Kind | None = None
    inbox_ids: tuple[InboxId, ...] | None = None  # in one of them
    source_id: str | None = None  # exactly, in any realm
    order: Order = Order.LAST_SEEN
    profile_id: ProfileId | None = None  # who has this access profile
    filter: Group = field(default=EVERYBODY)

    def to_group(self) -> Group:
        """Return all of it as one filter. Raises InvalidRequest and InvalidSourceId."""
        conditions = []
        query = clean_line(self.query, pointer="/query")
        if query:
            conditions.append(Condition("search", Op.CONTAINS, query))
        if self.kind is not None:
            conditions.append(Condition("kind", Op.EQUALS, self.kind))
        if self.inbox_ids is not None:
            conditions.append(Condition("inbox", Op.IN, [str(inbox_id) for inbox_id in self.inbox_ids]))
        if self.source_id is not None:
            conditions.append(Condition("source_id", Op.EQUALS, parse_source_id(self.source_id)))
        if self.profile_id is not None:
            conditions.append(Condition("profile", Op.EQUALS, str(self.profile_id)))
        return both(Group("and", tuple(conditions)), self.filter)


@dataclass(frozen=True, slots=True)
class ContactPage:
    """One page. `count` is exact up to 10,000, above it is at least the number of rows up to here."""

    rows: tuple[ContactView, ...]
    count: int
    is_estimate: bool
    next_cursor: str | None = None  # where the page after this one begins; None: this is the last


@dataclass(frozen=True, slots=True)
class _Sorting:
    key: str  # a column of `contacts c`; ties are broken by the id
    cast: str
    is_descending: bool

    def order_by(self, key: str, contact_id: str) -> str:
        direction = "DESC" if self.is_descending else "ASC"
        return f"{key} {direction}, {contact_id} {direction}"

    def after(self, key: str, contact_id: str) -> str:
        sign = "<" if self.is_descending else ">"
        return f"({key}, {contact_id}) {sign} (%(after_key)s::{self.cast}, %(after_id)s::uuid)"


_SORTINGS: Final[Mapping[Order, _Sorting]] = {
    Order.LAST_SEEN: _Sorting("c.seen_at", "timestamptz", is_descending=True),
    Order.LAST_SEEN_TURNED: _Sorting("c.seen_at", "timestamptz", is_descending=False),
    Order.NAME: _Sorting("c.sort_name", "text", is_descending=False),
    Order.NAME_TURNED: _Sorting("c.sort_name", "text", is_descending=True),
    Order.CREATED: _Sorting("c.organization_id", "uuid", is_descending=True),  # ids are made in this order
    Order.CREATED_TURNED: _Sorting("c.organization_id", "uuid", is_descending=False),
    Order.UPDATED: _Sorting("c.updated_at", "timestamptz", is_descending=True),
    Order.UPDATED_TURNED: _Sorting("c.updated_at", "timestamptz", is_descending=False),
}


async def list_contacts(
    tx: Tx, caller: Caller, filters: ContactFilters, paging: Paging, *, cursor: str | None = None
) -> ContactPage:
    """Return one page of the contacts that the caller may view. Right: contacts.view.

    `cursor`, what an earlier page of the same order returned, begins after that page, however deep it is; `paging` then
    says its size only. Raises InvalidRequest, InvalidSourceId, and Forbidden for a filter by e-mail or phone without
    the right to see them.
    """
    caller.require(Right.CONTACTS_VIEW)
    where, params = await conditions_of(tx, caller, filters)
    params |= {"limit": paging.limit + 1, "offset": paging.offset, "counted": EXACT_COUNT + 1}
    if cursor:
        params |= _parse_cursor(cursor, filters.order) | {"offset": 0}
    sorting = _SORTINGS[filters.order]
    count, ids = await _match(tx, where, params, sorting, is_later=bool(cursor))
    rows = await _read_cards(tx, ids[: paging.limit], sorting)
    views = tuple(await load_views(tx, caller, [to_contact(row) for row in rows]))
    following = _render_cursor(filters.order, rows[-1]) if rows and len(ids) > paging.limit else None
    if count <= EXACT_COUNT:
        return ContactPage(views, count, is_estimate=False, next_cursor=following)
    at_least = max(count, params["offset"] + len(ids))
    return ContactPage(views, at_least, is_estimate=True, next_cursor=following)


async def _match(
    tx: Tx, where: str, params: dict[str, Any], sorting: _Sorting, *, is_later: bool
) -> tuple[int, list[ContactId]]:
    """Return how many match, at most 10,001, and the ids of the page.

    A few are found by what they match and then sorted; of many, the page is found by walking along the order. The
    planner cannot know which it will be, and either way is slow where the other is right.
    """
    later = sorting.after("m.key", "m.id") if is_later else "true"
    sql = f"""
        WITH matching AS MATERIALIZED (
            SELECT c.id, {sorting.key} AS key FROM contacts c WHERE {where} LIMIT %(counted)s)
        SELECT (SELECT count(*) FROM matching),
               ARRAY(SELECT m.id FROM matching m WHERE {later}
                      ORDER BY {sorting.order_by("m.key", "m.id")} LIMIT %(limit)s OFFSET %(offset)s)
    """
    ((count, ids),) = await tx.fetch_planned(sql, params)
    if count <= EXACT_COUNT:
        return count, ids
    later = sorting.after(sorting.key, "c.id") if is_later else "true"
    sql = f"""
        SELECT c.id FROM contacts c WHERE {where} AND {later}
         ORDER BY {sorting.order_by(sorting.key, "c.id")} LIMIT %(limit)s OFFSET %(offset)s
    """
    return count, [row[0] for row in await tx.fetch_planned(sql, params)]


async def _read_cards(tx: Tx, ids: Sequence[ContactId], sorting: _Sorting) -> list[Row]:
    sql = f"""
        SELECT {CARD}, {sorting.key} FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS wanted (id, place)
          JOIN contacts c ON c.organization_id = %(organization)s AND c.id = wanted.id ORDER BY wanted.place
    """
    return await tx.fetch(sql, {"organization": tx.organization_id, "ids": list(ids)})


async def conditions_of(tx: Tx, caller: Caller, filters: ContactFilters) -> tuple[str, dict[str, Any]]:
    """Return the condition on `contacts c` that says what is wanted and may be viewed, with its parameters.

    Raises what `list_contacts` raises.
    """
    group = filters.to_group()
    _require_personal(caller, group)
    params = Parameters({"organization": tx.organization_id})
    personal = caller.inboxes_for(Right.CONTACTS_VIEW_PERSONAL)
    compiler = Compiler(params, utc_now(), None if personal is None else list(personal), await look_up(tx, group))
    conditions = ["c.organization_id = %(organization)s", "c.deleted_at IS NULL"]
    visible = caller.inboxes_for(Right.CONTACTS_VIEW)
    if visible is not None:
        conditions.append(f"""
            EXISTS (SELECT 1 FROM contact_inboxes visible
                     WHERE visible.organization_id = c.organization_id AND visible.contact_id = c.id
                       AND visible.inbox_id = ANY({params.add(list(visible))}::uuid[]))
        """)
    conditions.append(compiler.compile(group))
    return " AND ".join(conditions), params.values


def _require_personal(caller: Caller, group: Group) -> None:
    if is_personal(group):
        caller.require(Right.CONTACTS_VIEW_PERSONAL)


# --- cursors ---


def _render_cursor(order: Order, row: Row) -> str:
    contact_id, key = row[0], row[-1]
    written = key.isoformat() if isinstance(key, datetime) else str(key)
    return base64.urlsafe_b64encode(json.dumps([order.value, written, str(contact_id)]).encode()).decode()


def _parse_cursor(cursor: str, order: Order) -> dict[str, Any]:
    try:
        said, key, contact_id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        known = {"after_key": _KEYS[_SORTINGS[Order(said)].cast](key), "after_id": UUID(contact_id)}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidRequest("This cursor is none of this list.", pointer="/cursor") from error
    if said != order:
        raise InvalidRequest("This cursor is of another order.", pointer="/cursor")
    return known


_KEYS: Final[Mapping[str, Any]] = {"timestamptz": datetime.fromisoformat, "text": str, "uuid": UUID}
