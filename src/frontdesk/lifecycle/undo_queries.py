"""SQL of taking a merge back: rows return to whom they came from, as far as they are still as the merge left them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ProfileId
from frontdesk.lifecycle.ledger import Merge
from frontdesk.lifecycle.merge_queries import MOVED

_NOTED: Final = """
    n.organization_id = %(organization)s AND n.merge_id = %(merge)s AND n.table_name = '{table}'
"""
# Identities are found by what they say: one that was deleted with the survivor and restored has another id.
_RETURN_IDENTITIES: Final = f"""
    UPDATE identities t SET contact_id = n.from_contact_id FROM merge_moves n
     WHERE {_NOTED.format(table="identities")}
       AND t.organization_id = %(organization)s AND t.contact_id = %(survivor)s
       AND t.realm_id = (n.new_values ->> 'realm_id')::uuid AND t.source_id = n.new_values ->> 'source_id'
"""
# By one array and not by a join: the ledger was just written, and the planner knows nothing of it.
_RETURN: Final = """
    UPDATE {table} t SET contact_id = %(owner)s
     WHERE t.organization_id = %(organization)s AND t.contact_id = %(survivor)s
       AND t.id = ANY (ARRAY(SELECT n.row_key::uuid FROM merge_moves n
                              WHERE {noted} AND n.from_contact_id = %(owner)s))
"""
# Conversations that began since: through a session that one of the returned identities proved, or on a platform whose
# account is one of theirs and none of the survivor's.
_LATER_CONVERSATIONS: Final = """
    SELECT c.id, i.contact_id
      FROM conversations c
      JOIN chat_sessions s ON s.organization_id = c.organization_id AND s.id = c.session_id
      JOIN identities i ON i.organization_id = s.organization_id AND i.id = s.identity_id
     WHERE c.organization_id = %(organization)s AND c.contact_id = %(survivor)s AND i.contact_id = ANY(%(merged)s)
       AND c.created_at >= %(at)s
     UNION ALL
    SELECT c.id, (min(i.contact_id::text))::uuid
      FROM conversations c
      JOIN inboxes b ON b.organization_id = c.organization_id AND b.id = c.inbox_id
      JOIN realms r ON r.organization_id = b.organization_id AND r.id = b.realm_id AND r.kind = 'channel'
      JOIN identities i ON i.organization_id = r.organization_id AND i.realm_id = r.id
                       AND i.contact_id = ANY(%(merged)s || %(survivor)s::uuid)
     WHERE c.organization_id = %(organization)s AND c.contact_id = %(survivor)s AND c.session_id IS NULL
       AND c.created_at >= %(at)s
     GROUP BY c.id
    HAVING count(DISTINCT i.contact_id) = 1 AND bool_and(i.contact_id <> %(survivor)s)
"""
_ADDRESSES: Final = """
    DELETE FROM contact_{kind}s t USING merge_moves n
     WHERE {noted} AND t.organization_id = %(organization)s AND t.contact_id = %(survivor)s
       AND t.{kind} = n.new_values ->> '{kind}' AND t.provenance = n.new_values ->> 'provenance'
       AND t.learned_assurance IS NOT DISTINCT FROM (n.new_values ->> 'learned_assurance')::smallint
"""
_INBOXES_LEFT: Final = f"""
    DELETE FROM contact_inboxes t USING merge_moves n
     WHERE {_NOTED.format(table="contact_inboxes")} AND n.old_values = '{{}}'
       AND t.organization_id = %(organization)s AND t.contact_id = %(survivor)s AND t.inbox_id = n.row_key::uuid
       AND NOT EXISTS (SELECT 1 FROM conversations c
                        WHERE c.organization_id = t.organization_id AND c.contact_id = t.contact_id
                          AND c.inbox_id = t.inbox_id)
       AND NOT EXISTS (SELECT 1 FROM chat_sessions s
                         JOIN identities i ON i.organization_id = s.organization_id AND i.id = s.identity_id
                        WHERE s.organization_id = t.organization_id AND s.contact_id = t.contact_id
                          AND i.contact_id = t.contact_id AND s.inbox_id = t.inbox_id AND s.last_seen_at >= %(at)s)
"""
# Where the others were since, as their conversations tell.
_INBOXES_SINCE: Final = """
    INSERT INTO contact_inboxes AS t (organization_id, contact_id, inbox_id, first_seen_at, last_seen_at)
    SELECT organization_id, contact_id, inbox_id, min(created_at), max(last_message_at) FROM conversations
     WHERE organization_id = %(organization)s AND contact_id = ANY(%(merged)s) AND last_message_at >= %(at)s
     GROUP BY organization_id, contact_id, inbox_id
        ON CONFLICT (organization_id, contact_id, inbox_id) DO UPDATE
       SET last_seen_at = excluded.last_seen_at,
           first_seen_at = CASE WHEN t.first_seen_at IS NULL THEN excluded.first_seen_at ELSE t.first_seen_at END
"""
_INBOXES_AS_BEFORE: Final = f"""
    UPDATE contact_inboxes t
       SET first_seen_at = (n.old_values ->> 'first_seen_at')::timestamptz,
           last_seen_at = (n.old_values ->> 'last_seen_at')::timestamptz
      FROM merge_moves n
     WHERE {_NOTED.format(table="contact_inboxes")} AND n.old_values <> '{{}}'
       AND t.organization_id = %(organization)s AND t.contact_id = %(survivor)s AND t.inbox_id = n.row_key::uuid
       AND t.first_seen_at IS NOT DISTINCT FROM (n.new_values ->> 'first_seen_at')::timestamptz
       AND t.last_seen_at IS NOT DISTINCT FROM (n.new_values ->> 'last_seen_at')::timestamptz
"""
_LABELS: Final = f"""
    DELETE FROM labelled_contacts t USING merge_moves n
     WHERE {_NOTED.format(table="labelled_contacts")}
       AND t.organization_id = %(organization)s AND t.contact_id = %(survivor)s AND t.label_id = n.row_key::uuid
       AND t.set_at = (n.new_values ->> 'set_at')::timestamptz
"""
_PROFILES: Final = f"""
    FROM profile_assignments t JOIN merge_moves n ON t.profile_id = n.row_key::uuid
     WHERE {_NOTED.format(table="profile_assignments")}
       AND t.organization_id = %(organization)s AND t.contact_id = %(survivor)s
       AND t.assigned_at = (n.new_values ->> 'assigned_at')::timestamptz
"""
_CONFLICTS: Final = f"""
    UPDATE conflicts t SET state = 'open', resolution = NULL, settled_at = NULL, settled_by = NULL FROM merge_moves n
     WHERE {_NOTED.format(table="conflicts")}
       AND t.organization_id = %(organization)s AND t.id = n.row_key::uuid AND t.resolution = 'merged'
"""


async def count_later(tx: Tx, merge: Merge) -> int:
    """Return how many conversations of the survivor began since the merge."""
    sql = """
        SELECT count(*) FROM conversations
         WHERE organization_id = %(organization)s AND contact_id = %(survivor)s AND created_at >= %(at)s
    """
    return int(await tx.fetch_value(sql, _params(tx, merge)))


async def return_rows(tx: Tx, merge: Merge) -> dict[str, int]:
    """Give rows back to whom they came from, and what came since through a returned identity; return how many."""
    params = _params(tx, merge)
    returned = {"identities": await tx.execute(_RETURN_IDENTITIES, params)}
    for table in MOVED:
        if table != "identities":
            sql = _RETURN.format(table=table, noted=_NOTED.format(table=table))
            returned[table] = sum([await tx.execute(sql, params | {"owner": owner}) for owner in merge.merged_ids])
    later = f"""
        UPDATE conversations t SET contact_id = l.contact_id FROM ({_LATER_CONVERSATIONS}) AS l
         WHERE t.organization_id = %(organization)s AND t.id = l.id
    """
    returned["conversations_since"] = await tx.execute(later, params)
    await tx.execute(
        """
        UPDATE memory_facts t
           SET contact_id = (SELECT c.contact_id FROM conversations c
                              WHERE c.organization_id = t.organization_id AND c.id = t.conversation_id)
         WHERE t.organization_id = %(organization)s AND t.contact_id = %(survivor)s
           AND (SELECT c.contact_id FROM conversations c
                 WHERE c.organization_id = t.organization_id AND c.id = t.conversation_id) = ANY(%(merged)s)
        """,
        params,
    )
    return returned


async def part_lists(tx: Tx, merge: Merge) -> None:
    """Take from the survivor what it got of the others' lists, except inboxes that it has conversations in."""
    params = _params(tx, merge)
    for kind in ("email", "phone"):
        noted = _NOTED.format(table=f"contact_{kind}s")
        await tx.execute(_ADDRESSES.format(kind=kind, noted=noted), params)
    for sql in (_INBOXES_LEFT, _INBOXES_AS_BEFORE, _INBOXES_SINCE, _LABELS, _CONFLICTS):
        await tx.execute(sql, params)


async def list_accepted_profiles(tx: Tx, merge: Merge) -> list[ProfileId]:
    """Return the access profiles that the survivor has through this merge only."""
    rows = await tx.fetch(f"SELECT t.profile_id {_PROFILES}", _params(tx, merge))
    return [ProfileId(row[0]) for row in rows]


async def end_sessions_of_others(tx: Tx, merge: Merge, *, now: datetime) -> int:
    """End the survivor's sessions that the returned identities proved; return how many."""
    sql = """
        UPDATE chat_sessions t SET ended_at = %(now)s, end_reason = 'unmerged'
          FROM identities i
         WHERE t.organization_id = %(organization)s AND t.contact_id = %(survivor)s AND t.ended_at IS NULL
           AND i.organization_id = t.organization_id AND i.id = t.identity_id AND i.contact_id = ANY(%(merged)s)
    """
    return await tx.execute(sql, _params(tx, merge) | {"now": now})


async def show_cards(tx: Tx, contact_ids: Sequence[ContactId], *, now: datetime) -> None:
    """Show the merged cards again as they were."""
    sql = """
        UPDATE contacts SET deleted_at = NULL, updated_at = %(now)s, version = version + 1
         WHERE organization_id = %(organization)s AND id = ANY(%(contacts)s)
    """
    await tx.execute(sql, {"organization": tx.organization_id, "contacts": list(contact_ids), "now": now})


def _params(tx: Tx, merge: Merge) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "merge": merge.id,
        "survivor": merge.survivor_id,
        "merged": merge.merged_ids,
        "at": merge.merged_at,
    }
