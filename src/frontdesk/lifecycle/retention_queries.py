"""SQL of retention: rules, and which contacts they reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, InboxId

# A condition on `contacts c`: nobody who was ever proven, whom anybody of the organization had to do with, or who is
# expected to come back.
_FORGETTABLE: Final = """
    c.query_metadata IS NULL AND c.blocked_at IS NULL
    AND coalesce(c.last_seen_at, c.created_at) < %(before)s
    AND EXISTS (SELECT 1 FROM contact_inboxes i
                 WHERE i.organization_id = c.organization_id AND i.contact_id = c.id AND i.inbox_id = %(inbox)s)
    AND NOT EXISTS (SELECT 1 FROM contact_inboxes i
                     WHERE i.organization_id = c.organization_id AND i.contact_id = c.id AND i.inbox_id <> %(inbox)s)
    AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.organization_id = c.organization_id AND i.contact_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM released_identities r
                     WHERE r.organization_id = c.organization_id AND r.contact_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM profile_assignments a
                     WHERE a.organization_id = c.organization_id AND a.contact_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM labelled_contacts l
                     WHERE l.organization_id = c.organization_id AND l.contact_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM notes n WHERE n.organization_id = c.organization_id AND n.contact_id = c.id)
    AND NOT EXISTS (SELECT 1 FROM contact_fields f
                     WHERE f.organization_id = c.organization_id AND f.contact_id = c.id
                       AND f.provenance IN ('member', 'api', 'import'))
    AND NOT EXISTS (SELECT 1 FROM merged_contacts m
                     WHERE m.organization_id = c.organization_id AND c.id IN (m.contact_id, m.survivor_id))
    AND NOT EXISTS (SELECT 1 FROM conversations t
                     WHERE t.organization_id = c.organization_id AND t.contact_id = c.id
                       AND (t.inbox_id <> %(inbox)s OR t.waits_for_member OR t.last_message_at >= %(before)s))
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """How long anonymous contacts of an inbox are kept after they were last seen."""

    inbox_id: InboxId
    after_days: int
    is_enabled: bool
    last_run_at: datetime | None
    last_count: int | None  # how many went at the last run
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Leaving:
    """A contact that would go."""

    id: ContactId
    last_seen_at: datetime
    messages: int


_RULE: Final = "inbox_id, after_days, is_enabled, last_run_at, last_count, updated_at"


async def find_rule(tx: Tx, inbox_id: InboxId) -> Rule | None:
    """Return the rule of an inbox, or None."""
    sql = f"SELECT {_RULE} FROM retention_rules WHERE organization_id = %(organization)s AND inbox_id = %(inbox)s"
    return await tx.fetch_one_as(Rule, sql, {"organization": tx.organization_id, "inbox": inbox_id})


async def list_enabled(tx: Tx) -> list[Rule]:
    """Return the rules that run at night; those of deleted inboxes, too."""
    sql = (
        f"SELECT {_RULE} FROM retention_rules WHERE organization_id = %(organization)s AND is_enabled ORDER BY inbox_id"
    )
    return await tx.fetch_as(Rule, sql, {"organization": tx.organization_id})


async def upsert_rule(tx: Tx, inbox_id: InboxId, *, after_days: int, is_enabled: bool, now: datetime) -> None:
    """Store the rule of an inbox."""
    sql = """
        INSERT INTO retention_rules (organization_id, inbox_id, after_days, is_enabled, updated_at)
        VALUES (%(organization)s, %(inbox)s, %(days)s, %(enabled)s, %(now)s)
            ON CONFLICT (organization_id, inbox_id) DO UPDATE
           SET after_days = excluded.after_days, is_enabled = excluded.is_enabled, updated_at = excluded.updated_at
    """
    params = {"organization": tx.organization_id, "inbox": inbox_id, "days": after_days, "enabled": is_enabled}
    await tx.execute(sql, params | {"now": now})


async def delete_rule(tx: Tx, inbox_id: InboxId) -> int:
    """Forget the rule of an inbox; return how many there were."""
    sql = "DELETE FROM retention_rules WHERE organization_id = %(organization)s AND inbox_id = %(inbox)s"
    return await tx.execute(sql, {"organization": tx.organization_id, "inbox": inbox_id})


async def update_run(tx: Tx, inbox_id: InboxId, *, count: int, now: datetime) -> None:
    """Note what the last run did."""
    sql = """
        UPDATE retention_rules SET last_run_at = %(now)s, last_count = %(count)s
         WHERE organization_id = %(organization)s AND inbox_id = %(inbox)s
    """
    await tx.execute(sql, {"organization": tx.organization_id, "inbox": inbox_id, "count": count, "now": now})


async def count_leaving(tx: Tx, inbox_id: InboxId, *, before: datetime) -> tuple[int, int]:
    """Return how many contacts were last seen before `before` and would go, and how many of these wait for a member."""
    sql = f"""
        SELECT count(*), count(*) FILTER (WHERE EXISTS (
               SELECT 1 FROM conversations t
                WHERE t.organization_id = c.organization_id AND t.contact_id = c.id AND t.waits_for_member))
          FROM contacts c WHERE c.organization_id = %(organization)s AND {_FORGETTABLE}
    """
    params = {"organization": tx.organization_id, "inbox": inbox_id, "before": before}
    ((count, waiting),) = await tx.fetch(sql, params)
    return count, waiting


async def list_leaving(tx: Tx, inbox_id: InboxId, *, before: datetime, limit: int) -> list[Leaving]:
    """Return some of the contacts that would go, who was seen longest ago first."""
    sql = f"""
        SELECT c.id, coalesce(c.last_seen_at, c.created_at) AS last_seen_at,
               (SELECT count(*) FROM messages m
                  JOIN conversations t ON t.organization_id = m.organization_id AND t.id = m.conversation_id
                 WHERE t.organization_id = c.organization_id AND t.contact_id = c.id) AS messages
          FROM contacts c WHERE c.organization_id = %(organization)s AND {_FORGETTABLE}
         ORDER BY 2, c.id LIMIT %(limit)s
    """
    params = {"organization": tx.organization_id, "inbox": inbox_id, "before": before, "limit": limit}
    return await tx.fetch_as(Leaving, sql, params)


async def find_still_leaving(
    tx: Tx, inbox_id: InboxId, contact_ids: Sequence[ContactId], *, before: datetime
) -> list[ContactId]:
    """Return those of `contact_ids`, which are locked, who would still go."""
    sql = f"""
        SELECT c.id FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.id = ANY(%(ids)s) AND {_FORGETTABLE} ORDER BY c.id
    """
    params = {"organization": tx.organization_id, "inbox": inbox_id, "before": before, "ids": list(contact_ids)}
    return [ContactId(row[0]) for row in await tx.fetch(sql, params)]
