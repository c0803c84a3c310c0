"""People with cards and conversations, and all that a merge could touch, as text that can be compared."""

from typing import Any

from frontdesk.access.model import Assurance
from frontdesk.channels.model import Inbox
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.queries import touch_inbox
from frontdesk.conversations import queries as conversations
from frontdesk.conversations.actions import receive_message
from frontdesk.conversations.model import Conversation, Incoming
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, SessionId, new_id
from frontdesk.core.text import utc_now
from frontdesk.identities.source_ids import set_source_id
from frontdesk.lifecycle.tables import TABLES, OnMerge
from frontdesk.organizations.model import Caller

UNCOMPARED = {"chat_sessions", "audit_log"}  # sessions end for good; the log grows
RISING = ("version", "updated_at")


async def make_person(
    tx: Tx,
    owner: Caller,
    inbox: Inbox,
    name: str,
    *,
    source_id: str | None = None,
    provenance: Provenance = Provenance.MEMBER,
    query_metadata: dict[str, Any] | None = None,
    **fields: Any,
) -> ContactId:
    contact = await create_contact(
        tx,
        owner,
        fields={"name": name, **fields},
        inbox_ids=[inbox.id],
        query_metadata=query_metadata,
        provenance=provenance,
    )
    if source_id is not None:
        await set_source_id(tx, owner, contact.id, source_id)
    return contact.id


async def talk(
    tx: Tx, inbox: Inbox, contact_id: ContactId, *texts: str, session_id: SessionId | None = None
) -> Conversation:
    """The contact opens a conversation and writes."""
    conversation = await conversations.insert_conversation(
        tx, contact_id, inbox.id, now=utc_now(), session_id=session_id, session_key=str(new_id())
    )
    for text in texts or ("Hello",):
        await write(tx, conversation, contact_id, text)
    return conversation


async def write(tx: Tx, conversation: Conversation, contact_id: ContactId, text: str = "Hello") -> None:
    await receive_message(tx, conversation, Incoming(text, contact_id, Assurance.ANONYMOUS), now=utc_now())
    await touch_inbox(tx, contact_id, conversation.inbox_id, utc_now())


async def owner_of(tx: Tx, conversation: Conversation) -> ContactId:
    return (await conversations.get_conversation(tx, conversation.id)).contact_id


async def snapshot(tx: Tx) -> dict[str, list[str]]:
    """All rows of the tables that a merge touches, without what only ever rises."""
    found: dict[str, list[str]] = {}
    for table in TABLES:
        if table.on_merge is not OnMerge.RECORD and table.name not in UNCOMPARED:
            sql = f"SELECT (to_jsonb(t) - %(rising)s::text[])::text FROM {table.name} t WHERE organization_id = %(id)s"
            rows = await tx.fetch(sql, {"id": tx.organization_id, "rising": list(RISING)})
            found[table.name] = sorted(row[0] for row in rows)
    return found


async def list_homeless(tx: Tx) -> list[tuple[str, Any]]:
    """What belongs to nobody who is there: it must always be empty."""
    params = {"organization": tx.organization_id}
    hidden = "(SELECT 1 FROM merged_contacts m WHERE m.organization_id = t.organization_id AND m.contact_id = {})"
    queries = {
        "conversation of a merged contact": f"SELECT id FROM conversations t WHERE EXISTS {hidden.format('t.contact_id')}",
        "identity of a merged contact": f"SELECT id FROM identities t WHERE EXISTS {hidden.format('t.contact_id')}",
        "note of a merged contact": f"SELECT id FROM notes t WHERE EXISTS {hidden.format('t.contact_id')}",
        "session of a merged contact": "SELECT id FROM chat_sessions t WHERE ended_at IS NULL AND EXISTS "
        + hidden.format("t.contact_id"),
        "merged and shown": f"SELECT id FROM contacts t WHERE deleted_at IS NULL AND EXISTS {hidden.format('t.id')}",
        "identity of a deleted contact": "SELECT t.id FROM identities t JOIN contacts c USING (organization_id)"
        " WHERE c.id = t.contact_id AND c.deleted_at IS NOT NULL",
    }
    found = []
    for name, sql in queries.items():
        where = " AND " if "WHERE" in sql else " WHERE "
        found += [(name, row[0]) for row in await tx.fetch(f"{sql}{where}t.organization_id = %(organization)s", params)]
    return found
