"""Folding: a visitor who signs in keeps the conversation, as the member they are."""

from datetime import datetime, timedelta
from typing import Final

from frontdesk.contacts.queries import get_contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, SessionId
from frontdesk.identities.cards import load_views
from frontdesk.lifecycle import ledger, merge_queries
from frontdesk.lifecycle.merging import record_on_all
from frontdesk.organizations.model import system_caller

_ACTIVE: Final = timedelta(hours=24)
_FOLDED: Final = ("conversations", "notes", "memory_facts")  # nothing that an access rule reads


async def fold_visitor(tx: Tx, session_id: SessionId, survivor_id: ContactId, *, now: datetime) -> int:
    """Fold the anonymous contacts of a visitor session into the contact who was just proven; returns how many.

    Only contacts that were active in the last 24 hours, never proven and never given access. Conversations, notes and
    memory move; no card field and nothing that an access rule reads is copied. Safe to repeat.
    """
    since = now - _ACTIVE
    if not await merge_queries.list_foldable(tx, session_id, active_since=since):
        return 0
    await merge_queries.lock_people(tx, await merge_queries.list_foldable(tx, session_id, active_since=since))
    merged = await merge_queries.list_foldable(tx, session_id, active_since=since)
    if not merged:
        return 0
    caller = system_caller(tx.organization_id)
    cards = [await get_contact(tx, one) for one in (survivor_id, *merged)]
    before = await load_views(tx, caller, cards)
    merge_id = await ledger.insert_merge(
        tx, survivor_id, merged, "login", actor=(None, caller.name), choices={}, now=now
    )
    moved = {table: await merge_queries.move_rows(tx, merge_id, table, merged, survivor_id) for table in _FOLDED}
    await merge_queries.hide_cards(tx, merge_id, merged, now=now)
    await record_on_all(tx, caller, "contact.merged", before, {"merge": str(merge_id), "moved": moved})
    return len(merged)
