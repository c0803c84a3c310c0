"""What the list of contacts is asked for, as its address says it: every screen around the list reads and writes it."""

import json
from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from fastapi import Query

from frontdesk.contacts.filters import EVERYBODY, Group, parse_filter
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import InboxId, ProfileId, SegmentId
from frontdesk.core.text import dump_json
from frontdesk.identities.listing import ContactFilters, Kind, Order
from frontdesk.identities.segments import narrow
from frontdesk.organizations.model import Caller

PATH = "/console/contacts"

_KINDS: dict[str, Kind] = {"known": "known", "anonymous": "anonymous"}


@dataclass(frozen=True, slots=True)
class AskedList:
    """What stands in the search box, the choices, the chips and the heads of the columns."""

    q: str = ""
    kind: Kind | None = None
    inbox: UUID | None = None
    profile: UUID | None = None
    order: Order | None = None  # None: the segment's, or the usual one
    segment: UUID | None = None
    filter: Group = EVERYBODY

    def said(self) -> dict[str, object]:
        """Return what of it the address says; empty values are left out there."""
        return {
            "q": self.q,
            "kind": self.kind or "",
            "inbox": self.inbox or "",
            "profile": self.profile or "",
            "order": self.order.value if self.order else "",
            "segment": self.segment or "",
            "filter": "" if self.filter == EVERYBODY else dump_json(self.filter.to_json()),
        }

    @property
    def narrows(self) -> bool:
        """True when a filter is set beside the segment."""
        return replace(self, order=None, segment=None) != AskedList()

    async def load_filters(self, tx: Tx, caller: Caller) -> ContactFilters:
        """Return all of it, within the segment. Raises NotFound."""
        filters = ContactFilters(
            query=self.q,
            kind=self.kind,
            inbox_ids=None if self.inbox is None else (InboxId(self.inbox),),
            order=self.order or Order.LAST_SEEN,
            profile_id=None if self.profile is None else ProfileId(self.profile),
            filter=self.filter,
        )
        return filters if self.segment is None else await narrow(tx, caller, filters, SegmentId(self.segment))


def read_list(
    *,
    q: str = "",
    kind: str = "",
    inbox: str = "",
    profile: str = "",
    order: str = "",
    segment: str = "",
    written: Annotated[str, Query(alias="filter")] = "",
) -> AskedList:
    """Read the address of a list. Raises InvalidRequest for a filter that is none."""
    return AskedList(
        q=q,
        kind=_KINDS.get(kind),
        inbox=_read_id(inbox),
        profile=_read_id(profile),
        order=Order(order) if order in set(Order) else None,
        segment=_read_id(segment),
        filter=parse_filter(_read_json(written)) if written else EVERYBODY,
    )


def _read_json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("This is no filter.", pointer="/filter") from error


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
