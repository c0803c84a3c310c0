"""The list of contacts: searched, filtered and limited to what the caller may see, all in the statement itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from frontdesk.contacts.queries import CARD, IS_VISIBLE, to_contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import InboxId, ProfileId
from frontdesk.core.inputs import clean_line
from frontdesk.core.wire import Paging
from frontdesk.identities.cards import ContactView, load_views
from frontdesk.identities.model import parse_source_id
from frontdesk.organizations.model import Caller, Right

EXACT_COUNT: Final = 10_000

Kind: TypeAlias = Literal["known", "anonymous"]


class Order(StrEnum):
    """How the list is sorted."""

    LAST_SEEN = "lastSeen"  # who was here last, or was made last, first
    NAME = "name"
    CREATED = "created"  # the newest first


@dataclass(frozen=True, slots=True)
class ContactFilters:
    """Which contacts are wanted: all that match everything said."""

    query: str = ""  # a part of name, e-mail, phone or source id, in any case; or a whole contact id
    kind: Kind | None = None
    inbox_ids: tuple[InboxId, ...] | None = None  # in one of them
    source_id: str | None = None  # exactly, in any realm
    order: Order = Order.LAST_SEEN
    profile_id: ProfileId | None = None  # who has this access profile


@dataclass(frozen=True, slots=True)
class ContactPage:
    """One page. `count` is exact up to 10,000, above it is at least the number of rows up to here."""

    rows: tuple[ContactView, ...]
    count: int
    is_estimate: bool


_ORDERS: Final[Mapping[Order, str]] = {
    Order.LAST_SEEN: "coalesce(c.last_seen_at, c.created_at) DESC, c.id DESC",
    Order.NAME: "c.name = '', lower(c.name), c.id",
    Order.CREATED: "c.id DESC",
}
_IDENTITY_OF: Final = "SELECT 1 FROM identities i WHERE i.organization_id = c.organization_id AND i.contact_id = c.id"
_KINDS: Final[Mapping[Kind, str]] = {"known": f"EXISTS ({_IDENTITY_OF})", "anonymous": f"NOT EXISTS ({_IDENTITY_OF})"}
_IN_INBOXES: Final = """
    EXISTS (SELECT 1 FROM contact_inboxes wanted
             WHERE wanted.organization_id = c.organization_id AND wanted.contact_id = c.id
               AND wanted.inbox_id = ANY(%(wanted)s))
"""
_HAS_PROFILE: Final = """
    EXISTS (SELECT 1 FROM profile_assignments held
             WHERE held.organization_id = c.organization_id AND held.contact_id = c.id
               AND held.profile_id = %(profile)s)
"""
# Searched once, before anything is joined, whatever the planner knows of the tables. Who may not see e-mails and phones
# must not find contacts by them either.
_MATCHES: Final = """
    c.id = ANY (ARRAY(
        SELECT id FROM contacts WHERE organization_id = %(organization)s AND name ILIKE %(pattern)s
         UNION ALL
        SELECT contact_id FROM identities WHERE organization_id = %(organization)s AND source_id ILIKE %(pattern)s
         UNION ALL
        SELECT addressed.contact_id
          FROM (SELECT organization_id, contact_id, email FROM contact_emails
                 WHERE organization_id = %(organization)s AND email ILIKE %(pattern)s
                 UNION ALL
                SELECT organization_id, contact_id, phone FROM contact_phones
                 WHERE organization_id = %(organization)s AND phone ILIKE %(phone_pattern)s) AS addressed
         WHERE %(personal)s::uuid[] IS NULL OR EXISTS (
               SELECT 1 FROM contact_inboxes own
                WHERE own.organization_id = addressed.organization_id AND own.contact_id = addressed.contact_id
                  AND own.inbox_id = ANY(%(personal)s))
         UNION ALL
        SELECT %(id)s::uuid))
"""


async def list_contacts(tx: Tx, caller: Caller, filters: ContactFilters, paging: Paging) -> ContactPage:
    """Return one page of the contacts that the caller may view. Right: contacts.view.

    Raises InvalidRequest and InvalidSourceId for filters that can match nothing.
    """
    caller.require(Right.CONTACTS_VIEW)
    where, params = conditions_of(tx, caller, filters)
    counted = f"SELECT 1 FROM contacts c WHERE {where} LIMIT {EXACT_COUNT + 1}"
    sql = f"""
        SELECT {CARD}, (SELECT count(*) FROM ({counted}) AS counted)
          FROM contacts c WHERE {where}
         ORDER BY {_ORDERS[filters.order]} LIMIT %(limit)s + 1 OFFSET %(offset)s
    """
    rows = await tx.fetch(sql, params | {"limit": paging.limit, "offset": paging.offset})
    if not rows and paging.offset:
        rows_before = await tx.fetch(sql, params | {"limit": 0, "offset": 0})
        return ContactPage((), rows_before[0][-1] if rows_before else 0, is_estimate=False)
    count = rows[0][-1] if rows else 0
    views = await load_views(tx, caller, [to_contact(row) for row in rows[: paging.limit]])
    if count <= EXACT_COUNT:
        return ContactPage(tuple(views), count, is_estimate=False)
    return ContactPage(tuple(views), max(count, paging.offset + len(rows)), is_estimate=True)


def conditions_of(tx: Tx, caller: Caller, filters: ContactFilters) -> tuple[str, dict[str, Any]]:
    """Return the condition on `contacts c` that says what is wanted and may be viewed, with its parameters.

    Raises InvalidRequest and InvalidSourceId.
    """
    conditions = ["c.organization_id = %(organization)s", "c.deleted_at IS NULL", IS_VISIBLE]
    visible = caller.inboxes_for(Right.CONTACTS_VIEW)
    params: dict[str, Any] = {"organization": tx.organization_id, "inboxes": _listed(visible)}
    if filters.kind is not None:
        conditions.append(_KINDS[filters.kind])
    if filters.inbox_ids is not None:
        conditions.append(_IN_INBOXES)
        params["wanted"] = list(filters.inbox_ids)
    if filters.source_id is not None:
        conditions.append(f"EXISTS ({_IDENTITY_OF} AND i.source_id = %(source_id)s)")
        params["source_id"] = parse_source_id(filters.source_id)
    if filters.profile_id is not None:
        conditions.append(_HAS_PROFILE)
        params["profile"] = filters.profile_id
    query = clean_line(filters.query, pointer="/query")
    if query:
        conditions.append(_MATCHES)
        params |= _search(query)
        params["personal"] = _listed(caller.inboxes_for(Right.CONTACTS_VIEW_PERSONAL))
    return " AND ".join(conditions), params


def _search(text: str) -> dict[str, Any]:
    return {"pattern": _pattern(text), "phone_pattern": _pattern(_digits(text) or text), "id": _find_id(text)}


def _pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _digits(text: str) -> str:
    """Return a phone number as it is kept, without what people write between the digits."""
    plain = "".join(letter for letter in text if letter not in " ().-/")
    return plain if plain.removeprefix("+").isdecimal() else ""


def _find_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _listed(inbox_ids: frozenset[InboxId] | None) -> list[InboxId] | None:
    return None if inbox_ids is None else list(inbox_ids)
