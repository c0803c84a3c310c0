"""Folding: a visitor who signs in keeps the conversation, as the member they are."""

from datetime import datetime, timedelta

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, SessionId
from frontdesk.core.live import Event, announce
from frontdesk.lifecycle import queries
from frontdesk.organizations import audit
from frontdesk.organizations.model import system_caller

_ACTIVE = timedelta(hours=24)


async def fold_visitor(tx: Tx, session_id: SessionId, survivor_id: ContactId, *, now: datetime) -> int:
    """Fold the anonymous contacts of a visitor session into the contact who was just proven; returns how many.

    Only contacts that were active in the last 24 hours, never proven and never given access. Conversations move; no
    card field and nothing that an access rule reads is copied. Safe to repeat.
    """
    merged = await queries.list_foldable(tx, session_id, active_since=now - _ACTIVE)
    if not merged:
        return 0
    merge_id = await queries.insert_merge(tx, survivor_id, "login", actor_id=None, now=now)
    moved = await queries.move_conversations(tx, merge_id, merged, survivor_id)
    await queries.hide_merged(tx, merge_id, merged, survivor_id, now=now)
    payload = {"merge": str(merge_id), "merged": [str(contact) for contact in merged], "conversations": moved}
    caller = system_caller(tx.organization_id)
    await audit.record(tx, caller, "contact.merged", "contact", survivor_id, contact_id=survivor_id, payload=payload)
    for contact_id in (*merged, survivor_id):
        await announce(tx, Event("contact", contact_id))
    return len(merged)
