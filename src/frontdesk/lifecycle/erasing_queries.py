"""SQL of erasing: which rows of which table are a person's, and what of them is blanked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ConversationId, SessionId
from frontdesk.core.text import utc_now
from frontdesk.identities.model import IdentityKey
from frontdesk.lifecycle.personal_values import (
    MARK,
    PersonalValues,
    collect_texts,
    mark_out,
    replace_texts,
)
from frontdesk.lifecycle.tables import OnErase


@dataclass(frozen=True, slots=True)
class People:
    """Who is erased together: contacts, with those that were merged into them, and what is theirs."""

    contacts: tuple[ContactId, ...]
    conversations: tuple[ConversationId, ...]
    sessions: tuple[SessionId, ...]
    keys: tuple[IdentityKey, ...]
    values: PersonalValues
    file_keys: tuple[str, ...]  # of their attachments; while they are erased, of all files that go

    def params(self, tx: Tx, now: datetime) -> dict[str, Any]:
        """Return the parameters that every statement takes."""
        return {
            "organization": tx.organization_id,
            "contacts": list(self.contacts),
            "conversations": list(self.conversations),
            "sessions": list(self.sessions),
            "files": list(self.file_keys),
            "pattern": self.values.pattern or r"\A\Z.",  # matches nothing
            "mark": MARK,
            "now": now,
        }


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table that are a person's. `blank`: what is set when they stay."""

    table: str
    where: str
    blank: str = ""


_SKEW: Final = timedelta(minutes=5)  # more than clocks may differ
_CONTACT: Final = "contact_id = ANY(%(contacts)s)"
_CONVERSATION: Final = "conversation_id = ANY(%(conversations)s)"
_PAIR: Final = "(first_id = ANY(%(contacts)s) OR second_id = ANY(%(contacts)s))"
_ANSWER: Final = f"({_CONTACT} OR {_CONVERSATION})"
_SCRUBBED: Final = "regexp_replace({column}, %(pattern)s, %(mark)s, 'gi')"

# In the order in which they may go: what refers to a row goes before it.
ROWS: Final = (
    Rows("memory_facts", f"({_CONTACT} OR {_CONVERSATION})"),
    Rows("memory_summaries", f"({_CONTACT} OR conversation_ids && %(conversations)s::uuid[])"),
    Rows(
        "answer_chunks",
        f"answer_id IN (SELECT id FROM answers WHERE organization_id = %(organization)s AND {_ANSWER})",
    ),
    Rows("answers", _ANSWER, "session_id = NULL, scope = '[]', ways = '[]'"),
    Rows("attachments", _CONVERSATION),
    Rows("uploads", "key = ANY(%(files)s)"),
    Rows("answer_leases", _CONVERSATION),
    Rows(
        "messages",
        _CONVERSATION,
        f"content = {_SCRUBBED.format(column='content')}, client_id = NULL, session_id = NULL, query_metadata = NULL, "
        "content_payload = NULL, awaits_answer = false, "
        "learned_at = CASE WHEN learned_at IS NULL THEN %(now)s ELSE learned_at END",
    ),
    Rows(
        "conversations",
        "id = ANY(%(conversations)s)",
        f"title = {_SCRUBBED.format(column='title')}, session_id = NULL, session_key = NULL, state = 'closed', "
        "auto_reply = false, waits_for_member = false, updated_at = %(now)s",
    ),
    Rows("bulk_edit_rows", _CONTACT, "old_values = '{}', outcome = 'erased'"),
    Rows("import_keys", _CONTACT),
    Rows("import_rows", _CONTACT, "contact_id = NULL, old_values = NULL, detail = NULL"),
    Rows(
        "merge_moves",
        "(from_contact_id = ANY(%(contacts)s) OR merge_id IN (SELECT id FROM merges"
        " WHERE organization_id = %(organization)s AND survivor_id = ANY(%(contacts)s)))",
    ),
    Rows("merged_contacts", f"({_CONTACT} OR survivor_id = ANY(%(contacts)s))"),
    Rows(
        "merges",
        "survivor_id = ANY(%(contacts)s)",
        "choices = '{}', sealed_at = CASE WHEN sealed_at IS NULL THEN %(now)s ELSE sealed_at END",
    ),
    Rows("conflicts", _PAIR),
    Rows("duplicates", _PAIR),
    Rows("duplicate_keys", _CONTACT),
    Rows("identity_proofs", "session_id = ANY(%(sessions)s) AND expires_at < %(now)s - interval '5 minutes'"),
    Rows("chat_sessions", "id = ANY(%(sessions)s)"),
    Rows("identities", _CONTACT),
    Rows("released_identities", _CONTACT),
    Rows("profile_assignments", _CONTACT),
    Rows("rule_assignments", _CONTACT),
    Rows("labelled_contacts", _CONTACT),
    Rows("attribute_values", _CONTACT),
    Rows("notes", _CONTACT),
    Rows("contact_emails", _CONTACT),
    Rows("contact_phones", _CONTACT),
    Rows("contact_fields", _CONTACT),
    Rows("contact_inboxes", _CONTACT),
    Rows(
        "contacts",
        "id = ANY(%(contacts)s)",
        "name = '', avatar = NULL, language = NULL, time_zone = NULL, attributes = '{}', query_metadata = NULL, "
        "profiles_mode = 'replace', search_ids = '', search_personal = '', blocked_at = NULL, blocked_by = NULL, "
        "block_reason = NULL, version = version + 1, updated_at = %(now)s",
    ),
    Rows(
        "audit_log",
        _CONTACT,
        """payload = '{"erased": true}', actor_name = CASE WHEN actor_kind = 'contact' THEN '' ELSE actor_name END""",
    ),
)

# Columns of the organization's own rows in which somebody may have written a person's values; text, or JSON. Of the
# audit log only what tells of these rows.
MENTIONS: Final = (
    ("proof_failures", "detail"),
    ("import_rows", "detail"),
    ("imports", "filename"),
    ("imports", "failure"),
    ("imports", "mapping"),
    ("imports", "options"),
    ("exports", "selection"),
    ("bulk_edits", "selection"),
    ("bulk_edits", "change"),
    ("segments", "name"),
    ("segments", "filter"),
    ("audit_log", "payload"),
)
_MENTIONING: Final = {
    "audit_log": "t.contact_id IS NULL AND t.object_kind IN ('bulk_edit', 'export', 'import', 'segment')"
}


async def find_merged_into(tx: Tx, contact_ids: Sequence[ContactId]) -> list[ContactId]:
    """Return `contact_ids` with every contact that was merged into one of them, over any number of merges; sorted."""
    sql = """
        WITH RECURSIVE tree (id) AS (
            SELECT unnest(%(contacts)s::uuid[])
             UNION
            SELECT m.contact_id FROM tree t
              JOIN merged_contacts m ON m.organization_id = %(organization)s AND m.survivor_id = t.id)
        SELECT id FROM tree ORDER BY id
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})
    return [ContactId(row[0]) for row in rows]


async def count_of(tx: Tx, contact_ids: Sequence[ContactId]) -> tuple[int, int]:
    """Return how many conversations these contacts have, and how many files in them."""
    sql = """
        SELECT count(*), coalesce(sum((SELECT count(*) FROM attachments a
                                        WHERE a.organization_id = c.organization_id AND a.conversation_id = c.id)), 0)
          FROM conversations c
         WHERE c.organization_id = %(organization)s AND c.contact_id = ANY(%(contacts)s)
    """
    ((conversations, files),) = await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})
    return conversations, int(files)


async def lock_conversations_of(tx: Tx, contact_ids: Sequence[ContactId]) -> list[ConversationId]:
    """Wait until nobody else writes into the conversations of these contacts; return them."""
    sql = """
        SELECT id FROM conversations
         WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s) ORDER BY id FOR UPDATE
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})
    return [ConversationId(row[0]) for row in rows]


async def list_sessions_of(
    tx: Tx, contact_ids: Sequence[ContactId], conversation_ids: Sequence[ConversationId], *, sparing_others: bool
) -> list[SessionId]:
    """Return the sessions that were proven to be these contacts, and the visitor sessions that wrote as them.

    `sparing_others`: without those that wrote as somebody else, too.
    """
    sql = """
        SELECT s.id FROM chat_sessions s
         WHERE s.organization_id = %(organization)s
           AND (s.contact_id = ANY(%(contacts)s)
                OR s.contact_id IS NULL AND s.id IN (
                    SELECT c.session_id FROM conversations c
                     WHERE c.organization_id = %(organization)s AND c.id = ANY(%(conversations)s)))
           AND NOT (%(sparing)s AND EXISTS (
                    SELECT 1 FROM conversations o
                     WHERE o.organization_id = s.organization_id AND o.session_id = s.id
                       AND o.id <> ALL(%(conversations)s)))
         ORDER BY s.id
    """
    params = {
        "organization": tx.organization_id,
        "contacts": list(contact_ids),
        "conversations": list(conversation_ids),
        "sparing": sparing_others,
    }
    return [SessionId(row[0]) for row in await tx.fetch(sql, params)]


async def find_keys_of(tx: Tx, contact_ids: Sequence[ContactId]) -> list[IdentityKey]:
    """Return the identities of these contacts, those that deletion freed included."""
    sql = """
        SELECT realm_id, source_id FROM identities
         WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)
         UNION
        SELECT realm_id, source_id FROM released_identities
         WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})
    return [IdentityKey(*row) for row in rows]


async def list_file_keys(tx: Tx, conversation_ids: Sequence[ConversationId]) -> list[str]:
    """Return the keys of the files that these conversations carry."""
    sql = """
        SELECT file_key FROM attachments
         WHERE organization_id = %(organization)s AND conversation_id = ANY(%(conversations)s) ORDER BY file_key
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "conversations": list(conversation_ids)})
    return [row[0] for row in rows]


async def find_values(tx: Tx, contact_ids: Sequence[ContactId], keys: Sequence[IdentityKey]) -> PersonalValues:
    """Return what is known of these contacts, now and, as the audit log tells, before."""
    params = {"organization": tx.organization_id, "contacts": list(contact_ids)}
    of_contacts = "WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)"
    cards = await tx.fetch(
        """
        SELECT name, avatar, attributes FROM contacts
         WHERE organization_id = %(organization)s AND id = ANY(%(contacts)s)
        """,
        params,
    )
    emails = await tx.fetch(f"SELECT email FROM contact_emails {of_contacts}", params)
    phones = await tx.fetch(f"SELECT phone FROM contact_phones {of_contacts}", params)
    former = await tx.fetch(
        f"""
        SELECT coalesce(payload -> 'changes', '{{}}'), coalesce(payload -> 'source_id', '{{}}')
          FROM audit_log {of_contacts} AND (payload ? 'changes' OR payload ? 'source_id')
        """,
        params,
    )
    texts = [avatar for _, avatar, _ in cards if avatar]
    texts += [text for _, _, attributes in cards for text in collect_texts(attributes)]
    texts += [text for change in former for text in collect_texts(change)]
    return PersonalValues(
        names=tuple({name for name, _, _ in cards if name}),
        emails=tuple({row[0] for row in emails}),
        phones=tuple({row[0] for row in phones}),
        source_ids=tuple({key.source_id for key in keys}),
        texts=tuple({text for text in texts if text.strip()}),
    )


async def erase_rows(tx: Tx, people: People, rows: Rows, action: OnErase, now: datetime) -> int:
    """Delete or blank rows of one table; return how many."""
    where = f"organization_id = %(organization)s AND {rows.where}"
    statements: Mapping[OnErase, str] = {
        OnErase.DELETE: f"DELETE FROM {rows.table} WHERE {where}",
        OnErase.BLANK: f"UPDATE {rows.table} SET {rows.blank} WHERE {where}",
    }
    return await tx.execute(statements[action], people.params(tx, now)) if action in statements else 0


async def count_left(tx: Tx, people: People, table: str) -> int:
    """Return how many rows of a table are still these people's."""
    (rows,) = (one for one in ROWS if one.table == table)
    sql = f"SELECT count(*) FROM {table} WHERE organization_id = %(organization)s AND {rows.where}"
    return int(await tx.fetch_value(sql, people.params(tx, utc_now())))


async def count_words(tx: Tx, people: People) -> int:
    """Return in how many messages and titles of these people a value of theirs still stands."""
    sql = """
        SELECT (SELECT count(*) FROM messages
                 WHERE organization_id = %(organization)s AND conversation_id = ANY(%(conversations)s)
                   AND content ~* %(pattern)s)
             + (SELECT count(*) FROM conversations
                 WHERE organization_id = %(organization)s AND id = ANY(%(conversations)s) AND title ~* %(pattern)s)
    """
    return int(await tx.fetch_value(sql, people.params(tx, utc_now())))


async def seal_other_merges(tx: Tx, people: People, now: datetime) -> None:
    """Let nobody undo or repeat a merge of these contacts into somebody who stays."""
    sql = """
        UPDATE merges SET choices = '{}', sealed_at = %(now)s
         WHERE organization_id = %(organization)s AND sealed_at IS NULL AND id IN (
               SELECT merge_id FROM merge_moves
                WHERE organization_id = %(organization)s AND from_contact_id = ANY(%(contacts)s))
    """
    await tx.execute(sql, people.params(tx, now))


async def mark_mentions(tx: Tx, values: PersonalValues, table: str, column: str) -> int:
    """Take a person's values out of a column of the organization's own rows; return in how many rows they stood."""
    mark = mark_out(values.telling)
    sql = f"""
        SELECT t.ctid, to_jsonb(t.{column}) FROM {table} t
         WHERE t.organization_id = %(organization)s AND {_MENTIONING.get(table, "true")}
           AND t.{column}::text ILIKE ANY(%(patterns)s) FOR UPDATE
    """
    params = {"organization": tx.organization_id, "patterns": [_contains(value) for value in values.telling]}
    marked = 0
    for row, old in await tx.fetch(sql, params) if values.telling else ():
        new = replace_texts(old, mark)
        if new != old:
            update = (
                f"UPDATE {table} SET {column} = %(new)s WHERE organization_id = %(organization)s AND ctid = %(row)s"
            )
            written = new if isinstance(old, str) else Jsonb(new)
            marked += await tx.execute(update, {"organization": tx.organization_id, "row": row, "new": written})
    return marked


def _contains(value: str) -> str:
    r"""Return a pattern for LIKE that finds `value` in text and in the text of JSON, where quotes and \ are escaped."""
    escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return "%" + escaped.replace('"', "%").replace("\\\\", "%") + "%"


async def lock_work_on(tx: Tx, contact_ids: Sequence[ContactId]) -> None:
    """Wait until no import that wrote these contacts, and no edit of many, is at work before this transaction ends."""
    params = {"organization": tx.organization_id, "contacts": list(contact_ids)}
    sql = """
        SELECT 1 FROM imports i
         WHERE organization_id = %(organization)s
           AND EXISTS (SELECT 1 FROM import_rows r WHERE r.organization_id = i.organization_id AND r.import_id = i.id
                                                     AND r.contact_id = ANY(%(contacts)s))
         ORDER BY id FOR UPDATE
    """
    await tx.execute(sql, params)
    sql = """
        SELECT 1 FROM bulk_edit_rows WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)
         ORDER BY bulk_edit_id, contact_id FOR UPDATE
    """
    await tx.execute(sql, params)


async def take_import_files(tx: Tx, contact_ids: Sequence[ContactId]) -> list[str]:
    """Take away the files of imports that wrote these contacts; return their keys.

    An import that runs goes on as far as it has read its file; if it must begin again, it fails.
    """
    sql = """
        WITH taken AS (
            SELECT id, file_key FROM imports i
             WHERE organization_id = %(organization)s AND file_key IS NOT NULL
               AND EXISTS (SELECT 1 FROM import_rows r
                            WHERE r.organization_id = i.organization_id AND r.import_id = i.id
                              AND r.contact_id = ANY(%(contacts)s))
               FOR UPDATE),
        emptied AS (
            UPDATE imports i SET file_key = NULL, samples = '[]' FROM taken t
             WHERE i.organization_id = %(organization)s AND i.id = t.id)
        SELECT file_key FROM taken
    """
    return [row[0] for row in await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})]


async def take_export_files(tx: Tx, now: datetime) -> list[str]:
    """Take away all files of exports, and their links; return their keys. An export that runs has failed."""
    sql = """
        WITH taken AS (
            SELECT id, file_key, state FROM exports
             WHERE organization_id = %(organization)s AND (file_key IS NOT NULL OR state = 'running') FOR UPDATE),
        emptied AS (
            UPDATE exports e
               SET file_key = NULL, token_hash = NULL, link_expires_at = NULL, updated_at = %(now)s,
                   state = CASE t.state WHEN 'running' THEN 'failed' WHEN 'done' THEN 'gone' ELSE t.state END,
                   failure = CASE t.state WHEN 'running' THEN %(failure)s ELSE e.failure END
              FROM taken t WHERE e.organization_id = %(organization)s AND e.id = t.id)
        SELECT file_key FROM taken WHERE file_key IS NOT NULL
    """
    params = {"organization": tx.organization_id, "now": now, "failure": "A person was erased meanwhile."}
    return [row[0] for row in await tx.fetch(sql, params)]


async def delete_spent_proofs(tx: Tx, now: datetime) -> int:
    """Forget all tokens that nobody can use any more; return how many."""
    sql = "DELETE FROM identity_proofs WHERE organization_id = %(organization)s AND expires_at < %(before)s"
    return await tx.execute(sql, {"organization": tx.organization_id, "before": now - _SKEW})
