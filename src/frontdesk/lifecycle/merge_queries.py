"""SQL of merging: the locks, the cards, and the rows that become the survivor's, each noted in the ledger."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from frontdesk.core.db import Tx, to_jsonb
from frontdesk.core.errors import Conflict
from frontdesk.core.ids import ContactId, SessionId
from frontdesk.lifecycle.ledger import MergeId
from frontdesk.lifecycle.model import PLAIN_FIELDS, Side

# What is locked, in this order, each by id: whoever proves, writes or edits takes some of it in the same order.
_IDENTITIES: Final = """
    SELECT id FROM identities WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)
     ORDER BY id FOR UPDATE
"""
_SESSIONS: Final = """
    SELECT id, contact_id IS NOT NULL FROM chat_sessions
     WHERE organization_id = %(organization)s AND ended_at IS NULL
       AND (contact_id = ANY(%(contacts)s)
            OR contact_id IS NULL AND id IN (
               SELECT session_id FROM conversations c
                WHERE c.organization_id = %(organization)s AND c.contact_id = ANY(%(contacts)s)))
     ORDER BY id FOR UPDATE
"""
_CONVERSATIONS: Final = """
    SELECT id FROM conversations WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)
     ORDER BY id FOR NO KEY UPDATE
"""
_CARDS: Final = """
    SELECT id FROM contacts WHERE organization_id = %(organization)s AND id = ANY(%(contacts)s)
     ORDER BY id FOR UPDATE
"""
_COUNTS: Final = """
    SELECT (SELECT count(*) FROM identities
             WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)),
           (SELECT count(*) FROM chat_sessions
             WHERE organization_id = %(organization)s AND ended_at IS NULL AND contact_id = ANY(%(contacts)s)),
           (SELECT count(*) FROM conversations
             WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s))
"""
_TRIES: Final = 10

# Tables whose rows have an id and one contact: they move as they are.
MOVED: Final = ("identities", "conversations", "notes", "memory_facts")
_KEPT_OF: Final = {"identities": "jsonb_build_object('realm_id', t.realm_id, 'source_id', t.source_id)"}


_OF_THEM: Final = "t.organization_id = %(organization)s AND t.contact_id = ANY(%(contacts)s)"


class _Grew(Exception):
    """Something of the contacts came in while they were being locked."""


async def lock_people(tx: Tx, contact_ids: Sequence[ContactId]) -> None:
    """Wait until nobody else can change these contacts, their identities, sessions or conversations.

    Nothing can come in between afterwards. Raises Conflict when they are written to without a pause.
    """
    for _ in range(_TRIES):
        try:
            async with tx.savepoint():  # going back to it lets go of what was locked
                await _lock(tx, contact_ids)
        except _Grew:
            continue
        return
    raise Conflict("These contacts are very busy. Please try again.")


async def _lock(tx: Tx, contact_ids: Sequence[ContactId]) -> None:
    params = {"organization": tx.organization_id, "contacts": list(contact_ids)}
    identities = await tx.execute(_IDENTITIES, params)
    sessions = [row[1] for row in await tx.fetch(_SESSIONS, params)]
    conversations = await tx.execute(_CONVERSATIONS, params)
    await tx.execute(_CARDS, params)
    if await tx.fetch_one(_COUNTS, params) != (identities, sum(sessions), conversations):
        raise _Grew


async def load_sides(tx: Tx, contact_ids: Sequence[ContactId]) -> list[Side]:
    """Return these cards, deleted ones too, in the order given; absent ones are left out."""
    plain = ", ".join(f"'{field}', c.{field}" for field in PLAIN_FIELDS)
    sql = f"""
        SELECT c.id, jsonb_build_object({plain}), c.attributes,
               ARRAY(SELECT email FROM contact_emails e
                      WHERE e.organization_id = c.organization_id AND e.contact_id = c.id ORDER BY position),
               ARRAY(SELECT phone FROM contact_phones p
                      WHERE p.organization_id = c.organization_id AND p.contact_id = c.id ORDER BY position),
               (SELECT coalesce(jsonb_object_agg(field, to_jsonb(f) - 'organization_id' - 'contact_id'), '{{}}')
                  FROM contact_fields f WHERE f.organization_id = c.organization_id AND f.contact_id = c.id),
               CASE WHEN c.blocked_at IS NOT NULL THEN jsonb_build_object(
                    'blocked_at', c.blocked_at, 'blocked_by', c.blocked_by, 'block_reason', c.block_reason) END,
               c.last_seen_at, c.deleted_at
          FROM contacts c WHERE c.organization_id = %(organization)s AND c.id = ANY(%(contacts)s)
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})
    sides = {row[0]: Side(row[0], row[1], row[2], tuple(row[3]), tuple(row[4]), *row[5:]) for row in rows}
    return [sides[contact_id] for contact_id in contact_ids if contact_id in sides]


async def find_names(tx: Tx, contact_ids: Sequence[ContactId]) -> dict[ContactId, str]:
    """Map each of these contacts, merged and deleted ones too, to the name on its card."""
    sql = "SELECT id, name FROM contacts WHERE organization_id = %(organization)s AND id = ANY(%(contacts)s)"
    return dict(await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)}))


async def list_foldable(tx: Tx, session_id: SessionId, *, active_since: datetime) -> list[ContactId]:
    """List the contacts of this visitor session that a sign-in may fold.

    They wrote since `active_since`, never had an identity, nobody gave them access of their own, or blocked them.
    """
    rows = await tx.fetch(
        """
        SELECT p.id FROM contacts p
         WHERE p.organization_id = %(organization)s AND p.deleted_at IS NULL AND p.query_metadata IS NULL
           AND p.blocked_at IS NULL
           AND EXISTS (SELECT 1 FROM conversations c
                        WHERE c.organization_id = p.organization_id AND c.contact_id = p.id
                          AND c.session_id = %(session)s AND c.last_message_at >= %(since)s)
           AND NOT EXISTS (SELECT 1 FROM identities i
                            WHERE i.organization_id = p.organization_id AND i.contact_id = p.id)
           AND NOT EXISTS (SELECT 1 FROM released_identities r
                            WHERE r.organization_id = p.organization_id AND r.contact_id = p.id)
           AND NOT EXISTS (SELECT 1 FROM profile_assignments a
                            WHERE a.organization_id = p.organization_id AND a.contact_id = p.id)
           AND NOT EXISTS (SELECT 1 FROM rule_assignments g
                            WHERE g.organization_id = p.organization_id AND g.contact_id = p.id)
         ORDER BY p.id
        """,
        {"organization": tx.organization_id, "session": session_id, "since": active_since},
    )
    return [ContactId(row[0]) for row in rows]


# --- rows that become the survivor's ---


async def move_rows(tx: Tx, merge_id: MergeId, table: str, merged: Sequence[ContactId], survivor: ContactId) -> int:
    """Give the rows of `table`, one of MOVED, to the survivor; return how many."""
    if table not in MOVED:
        raise ValueError(table)
    kept = _KEPT_OF.get(table, "'{}'::jsonb")
    sql = f"""
        WITH moved AS (
            UPDATE {table} t SET contact_id = %(survivor)s
             WHERE t.organization_id = %(organization)s AND t.contact_id = %(owner)s RETURNING t.id, {kept} AS kept)
        INSERT INTO merge_moves (organization_id, merge_id, table_name, row_key, from_contact_id, new_values)
        SELECT %(organization)s, %(merge)s, '{table}', id::text, %(owner)s, kept FROM moved
    """
    params = _params(tx, merge_id, merged, survivor)
    return sum([await tx.execute(sql, params | {"owner": owner}) for owner in merged])


async def unite_addresses(
    tx: Tx, merge_id: MergeId, kind: str, merged: Sequence[ContactId], survivor: ContactId
) -> int:
    """Put the `kind` ("email" or "phone") addresses that the survivor has not got behind its own; return how many."""
    key = {"email": "email_key", "phone": "phone"}[kind]
    table = f"contact_{kind}s"
    sql = f"""
        WITH own AS (
            SELECT {key} AS key, position FROM {table}
             WHERE organization_id = %(organization)s AND contact_id = %(survivor)s),
        found AS (
            SELECT DISTINCT ON (t.{key}) t.contact_id, t.position, t.{kind}, t.provenance, t.learned_assurance,
                   array_position(%(merged)s::uuid[], t.contact_id) AS turn
              FROM {table} t
             WHERE t.organization_id = %(organization)s AND t.contact_id = ANY(%(merged)s)
               AND t.{key} NOT IN (SELECT key FROM own)
             ORDER BY t.{key}, turn, t.position),
        added AS (
            INSERT INTO {table} (organization_id, contact_id, position, {kind}, provenance, learned_assurance)
            SELECT %(organization)s, %(survivor)s,
                   (SELECT coalesce(max(position), 0) FROM own) + row_number() OVER (ORDER BY turn, position),
                   {kind}, provenance, learned_assurance
              FROM found)
        INSERT INTO merge_moves (organization_id, merge_id, table_name, row_key, from_contact_id, new_values)
        SELECT %(organization)s, %(merge)s, '{table}', position::text, contact_id, jsonb_build_object(
               '{kind}', {kind}, 'provenance', provenance, 'learned_assurance', learned_assurance)
          FROM found
    """
    return await tx.execute(sql, _params(tx, merge_id, merged, survivor))


async def unite_inboxes(tx: Tx, merge_id: MergeId, merged: Sequence[ContactId], survivor: ContactId) -> int:
    """Put the survivor into the inboxes of the others, first and last seen when any of them was; return how many."""
    sql = """
        WITH seen AS (
            SELECT o.inbox_id, least(min(o.first_seen_at), s.first_seen_at) AS first_seen_at,
                   greatest(max(o.last_seen_at), s.last_seen_at) AS last_seen_at,
                   (min(o.contact_id::text))::uuid AS source,
                   CASE WHEN s.inbox_id IS NULL THEN '{}'::jsonb ELSE jsonb_build_object(
                        'first_seen_at', s.first_seen_at, 'last_seen_at', s.last_seen_at) END AS old
              FROM contact_inboxes o
              LEFT JOIN contact_inboxes s ON s.organization_id = o.organization_id AND s.inbox_id = o.inbox_id
                                         AND s.contact_id = %(survivor)s
             WHERE o.organization_id = %(organization)s AND o.contact_id = ANY(%(merged)s)
             GROUP BY o.inbox_id, s.inbox_id, s.first_seen_at, s.last_seen_at),
        put AS (
            INSERT INTO contact_inboxes (organization_id, contact_id, inbox_id, first_seen_at, last_seen_at)
            SELECT %(organization)s, %(survivor)s, inbox_id, first_seen_at, last_seen_at FROM seen
                ON CONFLICT (organization_id, contact_id, inbox_id) DO UPDATE
               SET first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at)
        INSERT INTO merge_moves
               (organization_id, merge_id, table_name, row_key, from_contact_id, old_values, new_values)
        SELECT %(organization)s, %(merge)s, 'contact_inboxes', inbox_id::text, source, old, jsonb_build_object(
               'first_seen_at', first_seen_at, 'last_seen_at', last_seen_at)
          FROM seen
    """
    return await tx.execute(sql, _params(tx, merge_id, merged, survivor))


async def unite_labels(tx: Tx, merge_id: MergeId, merged: Sequence[ContactId], survivor: ContactId) -> int:
    """Put the labels of the others on the survivor; return how many are new."""
    return await _unite(
        tx, merge_id, merged, survivor, "labelled_contacts", ("label_id", "provenance", "set_by", "set_at")
    )


async def unite_profiles(tx: Tx, merge_id: MergeId, merged: Sequence[ContactId], survivor: ContactId) -> int:
    """Give the access profiles of the others to the survivor; return how many are new."""
    columns = ("profile_id", "provenance", "assigned_by", "assigned_at")
    return await _unite(tx, merge_id, merged, survivor, "profile_assignments", columns)


async def _unite(
    tx: Tx, merge_id: MergeId, merged: Sequence[ContactId], survivor: ContactId, table: str, columns: tuple[str, ...]
) -> int:
    key, listed = columns[0], ", ".join(columns)
    values = ", ".join(f"'{column}', {column}" for column in columns)
    sql = f"""
        WITH found AS (
            SELECT DISTINCT ON ({key}) contact_id, {listed} FROM {table} t
             WHERE organization_id = %(organization)s AND contact_id = ANY(%(merged)s)
               AND {key} NOT IN (SELECT {key} FROM {table}
                                  WHERE organization_id = %(organization)s AND contact_id = %(survivor)s)
             ORDER BY {key}, array_position(%(merged)s::uuid[], contact_id)),
        added AS (
            INSERT INTO {table} (organization_id, contact_id, {listed})
            SELECT %(organization)s, %(survivor)s, {listed} FROM found)
        INSERT INTO merge_moves (organization_id, merge_id, table_name, row_key, from_contact_id, new_values)
        SELECT %(organization)s, %(merge)s, '{table}', {key}::text, contact_id, jsonb_build_object({values}) FROM found
    """
    return await tx.execute(sql, _params(tx, merge_id, merged, survivor))


async def note_unique_values(tx: Tx, merge_id: MergeId, contact_ids: Sequence[ContactId]) -> None:
    """Note which values of unique attributes these contacts hold, before any of them changes hands."""
    sql = """
        INSERT INTO merge_moves (organization_id, merge_id, table_name, row_key, from_contact_id, old_values)
        SELECT organization_id, %(merge)s, 'attribute_values', definition_id::text, contact_id,
               jsonb_build_object('value_key', value_key)
          FROM attribute_values WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)
    """
    params = {"organization": tx.organization_id, "merge": merge_id, "contacts": list(contact_ids)}
    await tx.execute(sql, params)


async def settle_conflicts(
    tx: Tx, merge_id: MergeId, merged: Sequence[ContactId], survivor: ContactId, *, by: str, now: datetime
) -> int:
    """Settle what is open between these contacts: they are one person now. Returns how many."""
    sql = """
        WITH settled AS (
            UPDATE conflicts SET state = 'settled', resolution = 'merged', settled_at = %(now)s, settled_by = %(by)s
             WHERE organization_id = %(organization)s AND state = 'open' AND first_id <> second_id
               AND first_id = ANY(%(everybody)s) AND second_id = ANY(%(everybody)s)
         RETURNING id, CASE WHEN first_id = %(survivor)s THEN second_id ELSE first_id END AS source)
        INSERT INTO merge_moves (organization_id, merge_id, table_name, row_key, from_contact_id)
        SELECT %(organization)s, %(merge)s, 'conflicts', id::text, source FROM settled
    """
    params = _params(tx, merge_id, merged, survivor)
    return await tx.execute(sql, {**params, "everybody": [survivor, *merged], "by": by, "now": now})


async def end_sessions(tx: Tx, contact_ids: Sequence[ContactId], reason: str, *, now: datetime) -> int:
    """End the sessions that were proven to be one of these contacts; return how many."""
    sql = """
        UPDATE chat_sessions SET ended_at = %(now)s, end_reason = %(reason)s
         WHERE organization_id = %(organization)s AND ended_at IS NULL AND contact_id = ANY(%(contacts)s)
    """
    params = {"organization": tx.organization_id, "contacts": list(contact_ids), "reason": reason, "now": now}
    return await tx.execute(sql, params)


async def count_rows(tx: Tx, contact_ids: Sequence[ContactId]) -> dict[str, int]:
    """Map what these contacts have to how much of it: rows that would move, conversations' messages, and sessions."""
    sql = f"""
        SELECT {", ".join(f"(SELECT count(*) FROM {table} t WHERE {_OF_THEM})" for table in MOVED)},
               (SELECT coalesce(sum((SELECT count(*) FROM messages m
                                      WHERE m.organization_id = t.organization_id AND m.conversation_id = t.id)), 0)
                  FROM conversations t WHERE {_OF_THEM})::bigint,
               (SELECT count(*) FROM chat_sessions t WHERE {_OF_THEM} AND t.ended_at IS NULL)
    """
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})
    return dict(zip((*MOVED, "messages", "sessions"), row or (), strict=True))


async def find_new(tx: Tx, survivor: ContactId, merged: Sequence[ContactId]) -> dict[str, list[str]]:
    """Map e-mails, phones, labels, inboxes and access profiles to the names that would be new on the survivor."""
    queries = {
        "emails": "SELECT contact_id, email_key AS key, email AS name FROM contact_emails t",
        "phones": "SELECT contact_id, phone AS key, phone AS name FROM contact_phones t",
        "labels": "SELECT t.contact_id, t.label_id::text AS key, n.name FROM labelled_contacts t JOIN contact_labels n"
        " ON n.organization_id = t.organization_id AND n.id = t.label_id",
        "inboxes": "SELECT t.contact_id, t.inbox_id::text AS key, n.name FROM contact_inboxes t JOIN inboxes n"
        " ON n.organization_id = t.organization_id AND n.id = t.inbox_id AND n.deleted_at IS NULL",
        "profiles": "SELECT t.contact_id, t.profile_id::text AS key, n.name FROM profile_assignments t"
        " JOIN access_profiles n ON n.organization_id = t.organization_id AND n.id = t.profile_id",
    }
    found: dict[str, list[str]] = {}
    params = {"organization": tx.organization_id, "contacts": [survivor, *merged], "survivor": survivor}
    for name, query in queries.items():
        sql = f"""
            SELECT DISTINCT ON (key) name FROM ({query} WHERE {_OF_THEM}) AS held
             WHERE key NOT IN (SELECT key FROM ({query} WHERE {_OF_THEM}) AS own WHERE contact_id = %(survivor)s)
             ORDER BY key, name
        """
        found[name] = sorted(row[0] for row in await tx.fetch(sql, params))
    return found


# --- cards ---


async def hide_cards(tx: Tx, merge_id: MergeId, merged: Sequence[ContactId], *, now: datetime) -> None:
    """Hide the merged cards as they are."""
    sql = """
        WITH hidden AS (
            UPDATE contacts SET deleted_at = %(now)s, updated_at = %(now)s, version = version + 1
             WHERE organization_id = %(organization)s AND id = ANY(%(merged)s) RETURNING id)
        INSERT INTO merge_moves (organization_id, merge_id, table_name, row_key, from_contact_id)
        SELECT %(organization)s, %(merge)s, 'contacts', 'card', id FROM hidden
    """
    await tx.execute(sql, {"organization": tx.organization_id, "merge": merge_id, "merged": list(merged), "now": now})


async def write_card(tx: Tx, side: Side, *, now: datetime) -> None:
    """Store plain fields, attributes, block and last visit of a card; its version rises."""
    columns = ", ".join(f"{field} = %({field})s" for field in PLAIN_FIELDS)
    sql = f"""
        UPDATE contacts
           SET {columns}, attributes = %(attributes)s, blocked_at = (%(block)s::jsonb ->> 'blocked_at')::timestamptz,
               blocked_by = %(block)s::jsonb ->> 'blocked_by', block_reason = %(block)s::jsonb ->> 'block_reason',
               last_seen_at = %(last_seen)s, version = version + 1, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    params: dict[str, Any] = {
        **side.plain,
        "organization": tx.organization_id,
        "id": side.id,
        "attributes": to_jsonb(dict(side.attributes)),
        "block": to_jsonb(dict(side.block) if side.block else None),
        "last_seen": side.last_seen_at,
        "now": now,
    }
    await tx.execute(sql, params)


async def write_said(tx: Tx, contact_id: ContactId, field: str, said: Any | None) -> None:  # noqa: ANN401 -- a row
    """Note who said what stands in a field, by the row of another card; None: nobody ever wrote it."""
    params = {"organization": tx.organization_id, "contact": contact_id, "field": field, "said": to_jsonb(said)}
    await tx.execute(
        """
        DELETE FROM contact_fields
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s AND field = %(field)s
        """,
        params,
    )
    if said is not None:
        await tx.execute(
            """
            INSERT INTO contact_fields SELECT (jsonb_populate_record(NULL::contact_fields, %(said)s::jsonb
                || jsonb_build_object('organization_id', %(organization)s::uuid, 'contact_id', %(contact)s::uuid))).*
            """,
            params,
        )


def _params(tx: Tx, merge_id: MergeId, merged: Sequence[ContactId], survivor: ContactId) -> dict[str, Any]:
    return {"organization": tx.organization_id, "merge": merge_id, "merged": list(merged), "survivor": survivor}
