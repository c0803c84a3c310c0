"""SQL of the export of one person: rows as JSON, as they are kept, without what is technical or secret."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from frontdesk.core.db import Database, Tx
from frontdesk.core.ids import ContactId, ConversationId, InboxId, OrganizationId

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a table that belong to a person's export under a name of its own."""

    name: str
    table: str
    where: str
    without: tuple[str, ...] = ()
    order: str = "created_at"


_CONTACT: Final = "t.contact_id = ANY(%(contacts)s)"

# Small ones; what may be long is streamed.
PARTS: Final = (
    Part("cards", "contacts", "t.id = ANY(%(contacts)s)", ("search", "search_ids", "search_personal", "sort_name")),
    Part("emails", "contact_emails", _CONTACT, ("email_key",), "position"),
    Part("phones", "contact_phones", _CONTACT, (), "position"),
    Part("fields", "contact_fields", _CONTACT, (), "field"),
    Part("inboxes", "contact_inboxes", _CONTACT, (), "inbox_id"),
    Part("labels", "labelled_contacts", _CONTACT, (), "set_at"),
    Part("notes", "notes", _CONTACT),
    Part("accessProfiles", "profile_assignments", _CONTACT, (), "assigned_at"),
    Part("accessProfilesByRule", "rule_assignments", _CONTACT, (), "assigned_at"),
    Part("identities", "identities", _CONTACT),
    Part("releasedIdentities", "released_identities", _CONTACT, (), "released_at"),
    Part("sessions", "chat_sessions", _CONTACT, ("token_hash",)),
    Part("memoryFacts", "memory_facts", _CONTACT, (), "learned_at"),
    Part("memorySummaries", "memory_summaries", _CONTACT, (), "updated_at"),
    Part("mergedContacts", "merged_contacts", "t.survivor_id = ANY(%(contacts)s)", (), "contact_id"),
)


@dataclass(frozen=True, slots=True)
class Names:
    """What ids in the export are called."""

    inboxes: Mapping[str, str]
    realms: Mapping[str, str]
    labels: Mapping[str, str]
    profiles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation in the export."""

    id: ConversationId
    inbox_id: InboxId
    row: Mapping[str, Any]


async def list_part(tx: Tx, part: Part, contact_ids: Sequence[ContactId]) -> list[dict[str, Any]]:
    """Return the rows of a part as JSON."""
    sql = f"""
        SELECT to_jsonb(t) - %(without)s::text[] FROM {part.table} t
         WHERE t.organization_id = %(organization)s AND {part.where} ORDER BY t.{part.order}
    """
    params = {
        "organization": tx.organization_id,
        "contacts": list(contact_ids),
        "without": ["organization_id", *part.without],
    }
    return [row[0] for row in await tx.fetch(sql, params)]


async def load_names(tx: Tx) -> Names:
    """Return what inboxes, realms, labels and profiles of the organization are called."""
    return Names(*[await _names(tx, table) for table in ("inboxes", "realms", "contact_labels", "access_profiles")])


async def list_threads(
    tx: Tx, contact_ids: Sequence[ContactId], inbox_ids: frozenset[InboxId] | None
) -> tuple[list[Thread], int]:
    """Return the conversations in these inboxes (None: in all), the oldest first, and how many are in others."""
    sql = """
        SELECT t.id, t.inbox_id, to_jsonb(t) - '{organization_id,session_key}'::text[],
               %(inboxes)s::uuid[] IS NULL OR t.inbox_id = ANY(%(inboxes)s)
          FROM conversations t
         WHERE t.organization_id = %(organization)s AND t.contact_id = ANY(%(contacts)s) ORDER BY t.id
    """
    params = {
        "organization": tx.organization_id,
        "contacts": list(contact_ids),
        "inboxes": None if inbox_ids is None else list(inbox_ids),
    }
    rows = await tx.fetch(sql, params)
    return [Thread(*row[:3]) for row in rows if row[3]], sum(not row[3] for row in rows)


async def stream_messages(
    db: Database, organization_id: OrganizationId, conversation_id: ConversationId
) -> AsyncIterator[dict[str, Any]]:
    """Yield the messages of a conversation as JSON with their attachments, the oldest first, a batch at a time."""
    sql = """
        SELECT to_jsonb(t) - '{organization_id,client_id}'::text[] || jsonb_build_object('attachments', (
                   SELECT coalesce(jsonb_agg(to_jsonb(a) - '{organization_id,caller}'::text[] ORDER BY a.id), '[]')
                     FROM attachments a WHERE a.organization_id = t.organization_id AND a.message_id = t.id)), t.id
          FROM messages t
         WHERE t.organization_id = %(organization)s AND t.conversation_id = %(conversation)s
           AND (%(after)s::uuid IS NULL OR t.id > %(after)s) ORDER BY t.id LIMIT %(limit)s
    """
    async for row in _stream(db, organization_id, sql, {"conversation": conversation_id}):
        yield row


async def stream_audit(
    db: Database, organization_id: OrganizationId, contact_ids: Sequence[ContactId]
) -> AsyncIterator[dict[str, Any]]:
    """Yield what was done about these contacts, the oldest first."""
    sql = """
        SELECT to_jsonb(t) - 'organization_id', t.id FROM audit_log t
         WHERE t.organization_id = %(organization)s AND t.contact_id = ANY(%(contacts)s)
           AND (%(after)s::uuid IS NULL OR t.id > %(after)s) ORDER BY t.id LIMIT %(limit)s
    """
    async for row in _stream(db, organization_id, sql, {"contacts": list(contact_ids)}):
        yield row


async def stream_answers(
    db: Database, organization_id: OrganizationId, conversation_ids: Sequence[ConversationId]
) -> AsyncIterator[dict[str, Any]]:
    """Yield the receipts of answers in these conversations, the oldest first."""
    sql = """
        SELECT to_jsonb(t) - 'organization_id', t.id FROM answers t
         WHERE t.organization_id = %(organization)s AND t.conversation_id = ANY(%(conversations)s)
           AND (%(after)s::uuid IS NULL OR t.id > %(after)s) ORDER BY t.id LIMIT %(limit)s
    """
    async for row in _stream(db, organization_id, sql, {"conversations": list(conversation_ids)}):
        yield row


async def _stream(
    db: Database, organization_id: OrganizationId, sql: str, params: Mapping[str, Any]
) -> AsyncIterator[dict[str, Any]]:
    after: UUID | None = None
    while True:
        async with db.begin(organization_id) as tx:
            said = {**params, "organization": organization_id, "after": after, "limit": _BATCH}
            rows = await tx.fetch(sql, said)
        for row, _ in rows:
            yield row
        if len(rows) < _BATCH:
            return
        after = rows[-1][1]


async def _names(tx: Tx, table: str) -> dict[str, str]:
    sql = f"SELECT id::text, name FROM {table} WHERE organization_id = %(organization)s"
    return dict(await tx.fetch(sql, {"organization": tx.organization_id}))
