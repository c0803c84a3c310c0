"""What a merge would do: whose value stays, what moves, and who could then read what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn
from uuid import UUID

from frontdesk.access.rule_queries import list_rules
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.access import sees_personal
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError
from frontdesk.core.ids import ContactId
from frontdesk.identities.cards import ContactView, load_views
from frontdesk.lifecycle import merge_queries
from frontdesk.lifecycle.errors import AccessWouldWiden
from frontdesk.lifecycle.gains import Gains, Reach, find_gains, load_reach, unite
from frontdesk.lifecycle.merging import access_sides, find_unique, merge_contacts
from frontdesk.lifecycle.model import FieldPlan, check_plan, plan_fields
from frontdesk.organizations.model import Caller, Right


@dataclass(frozen=True, slots=True)
class AccessChange:
    """What people of one of the cards could read after the merge, and cannot now."""

    contact_id: ContactId
    gains: Gains  # if access stays the survivor's
    wider: Gains  # if the wider access is accepted


@dataclass(frozen=True, slots=True)
class MergePreview:
    """What a merge would do. Documents are named only to a caller who may see them."""

    survivor: ContactView
    merged: tuple[ContactView, ...]
    fields: tuple[FieldPlan, ...]
    added: Mapping[str, Sequence[str]]  # e-mails, phones, labels, inboxes and profiles that the survivor has not got
    counts: Mapping[str, int]  # rows of the merged contacts that would move
    access: tuple[AccessChange, ...]  # the survivor first
    refusals: tuple[FrontdeskError, ...]  # why the merge would be refused, as things are
    rule_gains: int  # documents that the survivor could newly read by rules; the merge needs that to be accepted

    @property
    def widens(self) -> bool:
        """True when accepting wider access would change anything."""
        return bool(self.added["profiles"]) or self.rule_gains > 0


async def preview_merge(
    tx: Tx,
    caller: Caller,
    survivor_id: ContactId,
    from_ids: Sequence[ContactId],
    choices: Mapping[str, UUID],
) -> MergePreview:
    """Return what `merge_contacts` would do; writes nothing. Where there are rules it is done, and rolled back.

    Right: contacts.merge, in each of the contacts. Raises NotFound, SelfMerge, ContactMerged, ContactDeleted and
    InvalidRequest; what else would refuse the merge is part of the preview.
    """
    wanted = await access_sides(tx, caller, survivor_id, list(dict.fromkeys(from_ids)))
    everybody = [survivor_id, *wanted]
    cards = [await contacts.get_contact(tx, one) for one in everybody]
    survivor, *merged = await load_views(tx, caller, cards)
    sides = await merge_queries.load_sides(tx, everybody)
    plans = plan_fields(sides, choices)
    unique = find_unique(await load_schema(tx), sides)
    added = await merge_queries.find_new(tx, survivor_id, wanted)
    if not all(_sees(caller, view) for view in (survivor, *merged)):
        added = {**added, "emails": [], "phones": []}
    return MergePreview(
        survivor,
        tuple(merged),
        plans,
        added,
        await merge_queries.count_rows(tx, wanted),
        await _compare_access(tx, caller, [survivor, *merged]),
        tuple(check_plan(sides, plans, unique=unique, chosen=choices)),
        await _count_rule_gains(tx, caller, survivor_id, wanted, choices),
    )


class _OnlyTried(Exception):
    """Leaves the savepoint of a merge that was only tried."""


async def _try(
    tx: Tx, caller: Caller, survivor_id: ContactId, from_ids: Sequence[ContactId], choices: Mapping[str, UUID]
) -> NoReturn:
    await merge_contacts(tx, caller, survivor_id, from_ids, choices=choices)
    raise _OnlyTried


async def _count_rule_gains(
    tx: Tx, caller: Caller, survivor_id: ContactId, from_ids: Sequence[ContactId], choices: Mapping[str, UUID]
) -> int:
    """Return how many documents the survivor could newly read because rules give it something for the united card."""
    if not from_ids or not await list_rules(tx):
        return 0
    try:
        async with tx.savepoint():
            await _try(tx, caller, survivor_id, from_ids, choices)
    except AccessWouldWiden as refused:
        return refused.count
    except (_OnlyTried, FrontdeskError):  # other refusals are told apart
        return 0


async def _compare_access(tx: Tx, caller: Caller, views: Sequence[ContactView]) -> tuple[AccessChange, ...]:
    theirs = {inbox.inbox_id for view in views for inbox in view.inboxes}
    inboxes, _ = await list_inboxes(tx, theirs or None)  # who is in none yet may come through any
    own, *others = [await load_reach(tx, view.contact.id, inboxes) for view in views]
    narrow, wide = unite(own, others, profiles=False), unite(own, others, profiles=True)
    return tuple(
        [
            await _change(tx, caller, view, reach, narrow, wide)
            for view, reach in zip(views, (own, *others), strict=True)
        ]
    )


async def _change(tx: Tx, caller: Caller, view: ContactView, before: Reach, narrow: Reach, wide: Reach) -> AccessChange:
    gains = [await find_gains(tx, before, after.access) for after in (narrow, wide)]
    return AccessChange(view.contact.id, *(name_for(caller, one) for one in gains))


def name_for(caller: Caller, gains: Gains) -> Gains:
    """Return `gains` without the titles of documents, unless the caller may see documents."""
    return gains if caller.may(Right.KNOWLEDGE_VIEW) else replace(gains, documents=())


def _sees(caller: Caller, view: ContactView) -> bool:
    return sees_personal(caller, [inbox.inbox_id for inbox in view.inboxes])


def said_by(offer: Mapping[str, Any] | None) -> str | None:
    """Return the provenance of an offer's row; None: nobody ever wrote it."""
    return None if offer is None else str(offer["provenance"])
