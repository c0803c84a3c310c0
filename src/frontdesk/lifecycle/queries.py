"""SQL of merges and their ledger."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, SessionId, new_id


async def list_foldable(tx: Tx, session_id: SessionId, *, active_since: datetime) -> list[ContactId]:
    """List, locked, the contacts of this visitor session that a sign-in may fold.

    They wrote since `active_since`, never had an identity, and nobody gave them access of their own.
    """
    rows = await tx.fetch(
        """
        SELECT p.id FROM contacts p
         WHERE p.organization_id = %(organization)s AND p.deleted_at IS NULL AND p.query_metadata IS NULL
           AND EXISTS (SELECT 1 FROM conversations c
                        WHERE c.organization_id = p.organization_id AND c.contact_id = p.id
                          AND c.session_id = %(session)s AND c.last_message_at >= %(since)s)
           AND NOT EXISTS (SELECT 1 FROM identities i
                            WHERE i.organization_id = p.organization_id AND i.contact_id = p.id)
           AND NOT EXISTS (SELECT 1 FROM released_identities r
                            WHERE r.organization_id = p.organization_id AND r.contact_id = p.id)
           AND NOT EXISTS (SELECT 1 FROM profile_assignments a
                            WHERE a.organization_id = p.organization_id AND a.contact_id = p.id)
         ORDER BY p.id FOR UPDATE OF p
        """,
        {"organization": tx.organization_id, "session": session_id, "since": active_since},
    )
    return [ContactId(row[0]) for row in rows]


async def insert_merge(tx: Tx, survivor_id: ContactId, reason: str, *, actor_id: UUID | None, now: datetime) -> UUID:
    """Open a ledger entry."""
    merge_id = new_id()
    await tx.execute(
        """
        INSERT INTO merges (organization_id, id, survivor_id, reason, actor_id, merged_at)
        VALUES (%(organization)s, %(id)s, %(survivor)s, %(reason)s, %(actor)s, %(now)s)
        """,
        {
            "organization": tx.organization_id,
            "id": merge_id,
            "survivor": survivor_id,
            "reason": reason,
            "actor": actor_id,
            "now": now,
        },
    )
    return merge_id


async def move_conversations(tx: Tx, merge_id: UUID, merged_ids: Sequence[ContactId], survivor_id: ContactId) -> int:
    """Give the conversations to the survivor and note each in the ledger; returns how many."""
    moved: int = await tx.fetch_value(
        """
        WITH owners AS (
            SELECT id, contact_id FROM conversations
             WHERE organization_id = %(organization)s AND contact_id = ANY(%(merged)s)),
        moved AS (
            UPDATE conversations c SET contact_id = %(survivor)s FROM owners o
             WHERE c.organization_id = %(organization)s AND c.id = o.id),
        noted AS (
            INSERT INTO merge_moves (organization_id, merge_id, table_name, row_key, from_contact_id)
            SELECT %(organization)s, %(merge)s, 'conversations', id::text, contact_id FROM owners RETURNING 1)
        SELECT count(*) FROM noted
        """,
        {
            "organization": tx.organization_id,
            "merge": merge_id,
            "merged": list(merged_ids),
            "survivor": survivor_id,
        },
    )
    return moved


async def hide_merged(
    tx: Tx, merge_id: UUID, merged_ids: Sequence[ContactId], survivor_id: ContactId, *, now: datetime
) -> None:
    """Hide the merged cards and let their ids, and those that led to them, lead to the survivor."""
    params = {
        "organization": tx.organization_id,
        "merge": merge_id,
        "merged": list(merged_ids),
        "survivor": survivor_id,
        "now": now,
    }
    await tx.execute(
        """
        INSERT INTO merged_contacts (organization_id, contact_id, survivor_id, merge_id)
        SELECT %(organization)s, merged, %(survivor)s, %(merge)s FROM unnest(%(merged)s::uuid[]) AS merged
        """,
        params,
    )
    await tx.execute(
        """
        UPDATE contacts SET deleted_at = %(now)s, updated_at = %(now)s, version = version + 1
         WHERE organization_id = %(organization)s AND id = ANY(%(merged)s)
        """,
        params,
    )
