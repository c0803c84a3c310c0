"""One person of whom something stands in every table that may hold it, marked, so that what is left can be found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from psycopg import errors
from psycopg.types.json import Jsonb
from tests.making import make_inbox

from frontdesk.channels.model import Inbox
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, new_id
from frontdesk.core.text import utc_now
from frontdesk.lifecycle.tables import TABLES
from frontdesk.organizations.model import Caller

# What a column of this name holds, where its type alone does not tell; checks of the schema decide.
_SAYS: Mapping[str, Any] = {
    "provenance": "member",
    "sender_kind": "contact",
    "type": "incoming",
    "feedback": "",
    "actor_kind": "contact",
    "profiles_mode": "replace",
    "purpose": "attachment",
    "assurance": 0,
    "learned_assurance": 3,
    "columns": [],
    "evidence": Jsonb({}),
    "status": 201,
    "undone_at": None,
    "sealed_at": None,
    "deleted_at": None,
    "ended_at": None,
    "row_number": 1,
    "actor_name": "Mia Member",
    "blocked_by": "Mia Member",
    "undone_by": "Mia Member",
    "undoer_kind": None,
    "undo_outcome": None,
    "model": "extractive",
    "timing": Jsonb({}),
    "request_id": "r1",
    "sort": "name",
    "code": "invalid-request",
    "field": "email",
    "counts": Jsonb({}),
    "checked": Jsonb({}),
    "undone": Jsonb({}),
}
_SAYS_IN: Mapping[tuple[str, str], Any] = {
    ("audit_log", "action"): "contact.updated",
    ("audit_log", "object_kind"): "contact",
    ("contact_fields", "field"): "attributes.tier",
    ("proof_failures", "reason"): "expired",
    ("exports", "failure"): None,
    ("conversations", "state"): "open",
    ("conflicts", "kind"): "shared_email",
    ("conflicts", "state"): "open",
    ("conflicts", "resolution"): None,
    ("duplicates", "state"): "open",
    ("imports", "state"): "done",
    ("imports", "format"): "csv",
    ("import_rows", "outcome"): "updated",
    ("exports", "state"): "done",
    ("exports", "format"): "csv",
    ("bulk_edits", "state"): "done",
    ("erasures", "state"): "done",
    ("erasures", "mode"): "personal",
    ("erasures", "inbox_id"): None,
    ("identity_tombstones", "kind"): "email",
    ("identity_tombstones", "realm_id"): UUID(int=0),
    ("merges", "reason"): "member",
    ("chat_sessions", "proven_until"): None,
    ("answers", "scope"): Jsonb([]),
    ("idempotency_keys", "headers"): Jsonb({}),
}
_NOT_PERSONAL = {  # tables whose rows are the organization's; they are filled where they mention somebody
    "identity_blocks",
    "identity_tombstones",
    "erasures",
}


@dataclass
class Marked:
    """The person, and one who was merged into them; `word` stands wherever a text is free."""

    word: str
    contact: ContactId
    merged: ContactId
    stranger: ContactId
    inbox: Inbox
    owner: Caller
    ids: dict[str, UUID] = field(default_factory=dict)  # of the row in each table
    filled: set[str] = field(default_factory=set)

    @property
    def email(self) -> str:
        return f"{self.word}@example.com"


async def make_marked(tx: Tx, owner: Caller, body: bytes, files: Mapping[str, str]) -> Marked:
    """Fill every table of the registry; `body` is a stored answer, `files` keys by table."""
    inbox = await make_inbox(tx, owner, f"Web {new_id()}")
    first, second, third = (ContactId(new_id()) for _ in range(3))
    marked = Marked("canary7f3a", first, second, third, inbox, owner)
    for contact_id, name in ((first, marked.word), (second, f"{marked.word} former"), (third, "Ben")):
        await _insert(tx, "contacts", marked, {"id": contact_id, "name": name})
    blank = "avatar = NULL, language = NULL, time_zone = NULL, attributes = '{}', search_ids = '', search_personal = ''"
    sql = f"UPDATE contacts SET {blank}, block_reason = NULL, query_metadata = NULL WHERE id = %(stranger)s"
    await tx.execute(sql, {"stranger": third})
    await _fill_shared(tx, marked)
    said = {**files, "body": body}
    waiting = [table.name for table in TABLES if table.name not in _NOT_PERSONAL | {"contacts"}]
    while waiting:
        left = [name for name in waiting if not await _fill(tx, name, marked, said)]
        assert len(left) < len(waiting), left
        waiting = left
    return marked


async def _fill_shared(tx: Tx, marked: Marked) -> None:
    """Make what rows of the person refer to: a label, an attribute, a profile with a rule."""
    for table, more in (
        ("contact_labels", {"name": "VIP"}),
        ("attribute_definitions", {"key": "tier", "name": "Tier", "kind": "text", "choices": None}),
        ("access_profiles", {"name": "Gold", "query_metadata": None}),
        ("profile_rules", {"filter": Jsonb({}), "made_by": "Olga"}),
    ):
        marked.ids[table] = new_id()
        await _insert(tx, table, marked, {"id": marked.ids[table], **more})


async def _fill(tx: Tx, table: str, marked: Marked, said: Mapping[str, Any]) -> bool:
    """Insert a row of the person, and one of the merged contact where it has its own; False: something is missing yet."""
    try:
        async with tx.savepoint():
            marked.ids[table] = new_id()
            more = {"id": marked.ids[table]}
            if table in said:
                more |= {"file_key": said[table], "key": said[table]}
            if table == "idempotency_keys":
                more |= {"body": said["body"]}
            await _insert(tx, table, marked, more)
            if table in {"contact_emails", "contact_phones", "contact_fields", "notes", "audit_log"}:
                await _insert(tx, table, marked, {"contact_id": marked.merged})
    except errors.ForeignKeyViolation:
        return False
    marked.filled.add(table)
    return True


async def _insert(tx: Tx, table: str, marked: Marked, more: Mapping[str, Any]) -> None:
    columns = await tx.fetch(
        """
        SELECT column_name, udt_name FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name = %(table)s AND is_generated = 'NEVER'
        """,
        {"table": table},
    )
    row = {name: more.get(name, _value(table, name, kind, marked, tx)) for name, kind in columns}
    names = ", ".join(row)
    await tx.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join(f'%({name})s' for name in row)})", row)


def _value(table: str, name: str, kind: str, marked: Marked, tx: Tx) -> Any:
    if (table, name) in _SAYS_IN:
        return _SAYS_IN[table, name]
    if name in _SAYS:
        return _SAYS[name]
    if kind == "uuid":
        return _id(table, name, marked, tx)
    word = marked.email if name == "email" else "+886912345678" if name == "phone" else marked.word
    return {
        "text": word,
        "_text": [word],
        "_uuid": [],
        "jsonb": Jsonb({"said": f'my "{word}"'}),
        "bytea": new_id().bytes,
        "timestamptz": utc_now() - timedelta(hours=1),
        "bool": False,
        "float4": 0.5,
        "float8": 0.5,
    }.get(kind, 1)


def _id(table: str, name: str, marked: Marked, tx: Tx) -> UUID | None:
    pair = sorted((marked.contact, marked.stranger))
    known: dict[str, UUID | None] = {
        "organization_id": tx.organization_id,
        "contact_id": marked.merged if table == "merged_contacts" else marked.contact,
        "survivor_id": marked.contact,
        "from_contact_id": marked.merged,
        "sender_id": marked.contact,
        "first_id": pair[0],
        "second_id": pair[1],
        "inbox_id": marked.inbox.id,
        "realm_id": marked.inbox.realm_id,
        "assistant_id": marked.inbox.assistant_id,
        "label_id": marked.ids.get("contact_labels"),
        "definition_id": marked.ids.get("attribute_definitions"),
        "profile_id": marked.ids.get("access_profiles"),
        "rule_id": marked.ids.get("profile_rules"),
        "session_id": marked.ids.get("chat_sessions"),
        "last_message_id": None,
    }
    if table == "chat_sessions":  # a visitor's
        known["contact_id"] = None
    if name in known:
        return known[name]
    return marked.ids.get({"bulk_edit_id": "bulk_edits"}.get(name, f"{name.removesuffix('_id')}s"), new_id())


async def find_left(tx: Tx, word: str) -> list[tuple[str, str]]:
    """Return every row of the organization, in any table, in which `word` can be read in any case."""
    tables = await tx.fetch(
        """
        SELECT table_name FROM information_schema.columns
         WHERE table_schema = 'public' AND column_name = 'organization_id'
        """
    )
    found = []
    for (table,) in tables:
        rows = await tx.fetch(
            f"SELECT t::text FROM {table} t WHERE organization_id = %(organization)s AND t::text ILIKE %(word)s",
            {"organization": tx.organization_id, "word": f"%{word}%"},
        )
        found += [(table, row[0]) for row in rows]
    return found
