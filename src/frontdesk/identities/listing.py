"""The list of contacts: searched, filtered, sorted and limited to what the caller may see, all in the statement."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from frontdesk.contacts.queries import CARD, to_contact
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import InboxId, ProfileId
from frontdesk.core.inputs import clean_line
from frontdesk.core.text import utc_now
from frontdesk.core.wire import Paging
from frontdesk.identities.cards import ContactView, load_views
from frontdesk.identities.filter_sql import PERSONAL_FIELDS, Compiler, Parameters, look_up
from frontdesk.identities.filters import EVERYBODY, Condition, Group, Op, both
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
    key: str  # of `contacts c`; ties are broken by the id
    cast: str
    is_descending: bool

    def order_by(self) -> str:
        direction = "DESC" if self.is_descending else "ASC"
        return f"{self.key} {direction}, c.id {direction}"

    def after(self) -> str:
        sign = "<" if self.is_descending else ">"
        return f"({self.key}, c.id) {sign} (%(after_key)s::{self.cast}, %(after_id)s::uuid)"


_SEEN: Final = "coalesce(c.last_seen_at, c.created_at)"
_SORTINGS: Final[Mapping[Order, _Sorting]] = {
    Order.LAST_SEEN: _Sorting(_SEEN, "timestamptz", is_descending=True),
    Order.LAST_SEEN_TURNED: _Sorting(_SEEN, "timestamptz", is_descending=False),
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
    sorting = _SORTINGS[filters.order]
    page, offset = where, paging.offset
    if cursor:
        page, offset = f"{where} AND {sorting.after()}", 0
        params |= _parse_cursor(cursor, filters.order)
    counted = f"SELECT count(*) FROM (SELECT 1 FROM contacts c WHERE {where} LIMIT {EXACT_COUNT + 1}) AS counted"
    count = await tx.fetch_planned(counted, params)
    sql = f"""
        SELECT {CARD}, {sorting.key} FROM contacts c WHERE {page}
         ORDER BY {sorting.order_by()} LIMIT %(limit)s + 1 OFFSET %(offset)s
    """
    rows = await tx.fetch_planned(sql, params | {"limit": paging.limit, "offset": offset})
    views = await load_views(tx, caller, [to_contact(row) for row in rows[: paging.limit]])
    following = _render_cursor(filters.order, rows[paging.limit - 1]) if len(rows) > paging.limit else None
    return _to_page(tuple(views), count[0][0], offset + len(rows), following)


def _to_page(views: tuple[ContactView, ...], count: int, at_least: int, following: str | None) -> ContactPage:
    if count <= EXACT_COUNT:
        return ContactPage(views, count, is_estimate=False, next_cursor=following)
    return ContactPage(views, max(count, at_least), is_estimate=True, next_cursor=following)


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
    if any(one.field in PERSONAL_FIELDS for one in group.walk()):
        caller.require(Right.CONTACTS_VIEW_PERSONAL)


# --- cursors ---


def _render_cursor(order: Order, row: tuple[Any, ...]) -> str:
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
