"""SQL of conversations, messages and the lease on answering."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.conversations.model import LEASE, Conversation, Incoming, Message, SenderKind
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, ConversationId, InboxId, MessageId, SessionId, new_id

_CONVERSATION = """c.id, c.contact_id, c.inbox_id, c.session_id, c.session_key, c.title, c.state, c.auto_reply,
    c.waits_for_member, c.unread_count, c.last_message_id, c.last_message_at, c.created_at"""
_MESSAGE = """m.id, m.conversation_id, m.type, m.sender_kind, m.sender_id, m.session_id, m.assurance, m.content,
    m.feedback, m.query_metadata, m.created_at"""


async def insert_conversation(
    tx: Tx,
    contact_id: ContactId,
    inbox_id: InboxId,
    *,
    now: datetime,
    session_id: SessionId | None = None,
    session_key: str | None = None,
) -> Conversation:
    """Insert an open conversation without messages."""
    found = await tx.fetch_one_as(
        Conversation,
        f"""
        INSERT INTO conversations AS c
               (organization_id, id, contact_id, inbox_id, session_id, session_key, created_at, updated_at)
        VALUES (%(organization)s, %(id)s, %(contact)s, %(inbox)s, %(session)s, %(key)s, %(now)s, %(now)s)
        RETURNING {_CONVERSATION}
        """,
        {
            "organization": tx.organization_id,
            "id": new_id(),
            "contact": contact_id,
            "inbox": inbox_id,
            "session": session_id,
            "key": session_key,
            "now": now,
        },
    )
    assert found is not None  # noqa: S101 -- INSERT … RETURNING gives its row
    return found


async def find_conversation(tx: Tx, conversation_id: ConversationId) -> Conversation | None:
    """Return the conversation, or None."""
    return await tx.fetch_one_as(
        Conversation,
        f"SELECT {_CONVERSATION} FROM conversations c WHERE c.organization_id = %(organization)s AND c.id = %(id)s",
        {"organization": tx.organization_id, "id": conversation_id},
    )


async def get_conversation(tx: Tx, conversation_id: ConversationId) -> Conversation:
    """Return the conversation. Raises NotFound."""
    found = await find_conversation(tx, conversation_id)
    if found is None:
        raise NotFound
    return found


async def lock_conversation(tx: Tx, conversation_id: ConversationId) -> None:
    """Wait until nobody else writes into the conversation. Who takes its messages or its lease, too, takes it first."""
    sql = "SELECT 1 FROM conversations WHERE organization_id = %(organization)s AND id = %(id)s FOR NO KEY UPDATE"
    await tx.execute(sql, {"organization": tx.organization_id, "id": conversation_id})


async def find_by_key(
    tx: Tx, session_key: str, *, inbox_id: InboxId, session_id: SessionId, contact_id: ContactId | None
) -> Conversation | None:
    """Return what this browser opened under the key: a proven contact's, also by an earlier session, or its own.

    What the organization opened for a contact has no key; there, its id is one.
    """
    return await tx.fetch_one_as(
        Conversation,
        f"""
        SELECT {_CONVERSATION} FROM conversations c
         WHERE c.organization_id = %(organization)s AND c.inbox_id = %(inbox)s
           AND coalesce(c.session_key, c.id::text) = %(key)s
           AND CASE WHEN %(contact)s::uuid IS NULL THEN c.session_id = %(session)s ELSE c.contact_id = %(contact)s END
         ORDER BY c.id DESC
         LIMIT 1
        """,
        {
            "organization": tx.organization_id,
            "key": session_key,
            "inbox": inbox_id,
            "session": session_id,
            "contact": contact_id,
        },
    )


async def list_readable_by_session(
    tx: Tx, inbox_id: InboxId, *, session_id: SessionId, contact_id: ContactId | None, limit: int = 50
) -> list[Conversation]:
    """List what a browser may read in this inbox: a proven contact's conversations, or those of this session."""
    return await tx.fetch_as(
        Conversation,
        f"""
        SELECT {_CONVERSATION} FROM conversations c
         WHERE c.organization_id = %(organization)s AND c.inbox_id = %(inbox)s AND c.last_message_id IS NOT NULL
           AND CASE WHEN %(contact)s::uuid IS NULL THEN c.session_id = %(session)s ELSE c.contact_id = %(contact)s END
         ORDER BY c.last_message_at DESC, c.id DESC
         LIMIT %(limit)s
        """,
        {
            "organization": tx.organization_id,
            "inbox": inbox_id,
            "session": session_id,
            "contact": contact_id,
            "limit": limit,
        },
    )


async def list_conversations(
    tx: Tx,
    *,
    inbox_ids: frozenset[InboxId] | None,
    inbox_id: InboxId | None = None,
    contact_id: ContactId | None = None,
    keyword: str = "",
    waiting_only: bool = False,
    limit: int = 20,
    offset: int = 0,
) -> tuple[int, list[Conversation]]:
    """Return how many conversations match and one page of them, the latest first. `inbox_ids` None: every inbox.

    `keyword` is part of a message or of the contact's name, in any case.
    """
    where = """
        c.organization_id = %(organization)s AND c.last_message_id IS NOT NULL
        AND (%(inboxes)s::uuid[] IS NULL OR c.inbox_id = ANY(%(inboxes)s))
        AND (%(inbox)s::uuid IS NULL OR c.inbox_id = %(inbox)s)
        AND (%(contact)s::uuid IS NULL OR c.contact_id = %(contact)s)
        AND (NOT %(waiting)s OR c.waits_for_member)
        AND (%(keyword)s = '' OR EXISTS (
            SELECT 1 FROM messages m
             WHERE m.organization_id = c.organization_id AND m.conversation_id = c.id AND m.content ILIKE %(pattern)s)
          OR EXISTS (
            SELECT 1 FROM contacts p
             WHERE p.organization_id = c.organization_id AND p.id = c.contact_id AND p.name ILIKE %(pattern)s))
    """
    escaped = keyword.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    params = {
        "organization": tx.organization_id,
        "inboxes": None if inbox_ids is None else list(inbox_ids),
        "inbox": inbox_id,
        "contact": contact_id,
        "waiting": waiting_only,
        "keyword": keyword,
        "pattern": f"%{escaped}%",
        "limit": limit,
        "offset": offset,
    }
    count = await tx.fetch_value(f"SELECT count(*) FROM conversations c WHERE {where}", params)
    rows = await tx.fetch_as(
        Conversation,
        f"""
        SELECT {_CONVERSATION} FROM conversations c WHERE {where}
         ORDER BY c.last_message_at DESC, c.id DESC LIMIT %(limit)s OFFSET %(offset)s
        """,
        params,
    )
    return count, rows


async def get_latest(tx: Tx, contact_id: ContactId, *, inbox_ids: frozenset[InboxId] | None) -> Conversation:
    """Return the contact's latest conversation in these inboxes (None: in all). Raises NotFound when there is none."""
    _, rows = await list_conversations(tx, inbox_ids=inbox_ids, contact_id=contact_id, limit=1)
    if not rows:
        raise NotFound
    return rows[0]


async def insert_incoming(
    tx: Tx, conversation_id: ConversationId, incoming: Incoming, *, awaits_answer: bool, now: datetime
) -> MessageId | None:
    """Insert the message; None when this conversation has one with its `client_id` already."""
    inserted: MessageId | None = await tx.fetch_value(
        """
        INSERT INTO messages (organization_id, id, conversation_id, client_id, type, sender_kind, sender_id, session_id,
                              assurance, content, awaits_answer, query_metadata, content_payload, created_at)
        VALUES (%(organization)s, %(id)s, %(conversation)s, %(client)s, 'incoming', 'contact', %(sender)s, %(session)s,
                %(assurance)s, %(content)s, %(awaits)s, %(query_metadata)s, %(payload)s, %(now)s)
        ON CONFLICT (organization_id, conversation_id, client_id) DO NOTHING
        RETURNING id
        """,
        {
            "organization": tx.organization_id,
            "id": new_id(),
            "conversation": conversation_id,
            "client": incoming.client_id,
            "sender": incoming.sender_id,
            "session": incoming.session_id,
            "assurance": int(incoming.assurance),
            "content": incoming.content,
            "awaits": awaits_answer,
            "query_metadata": _json(incoming.query_metadata),
            "payload": _json(incoming.content_payload),
            "now": now,
        },
    )
    return inserted


async def insert_outgoing(
    tx: Tx, conversation_id: ConversationId, content: str, *, sender_kind: SenderKind, sender_id: UUID, now: datetime
) -> MessageId:
    """Insert a message to the contact."""
    message_id = MessageId(new_id())
    await tx.execute(
        """
        INSERT INTO messages (organization_id, id, conversation_id, type, sender_kind, sender_id, assurance, content,
                              created_at)
        VALUES (%(organization)s, %(id)s, %(conversation)s, 'outgoing', %(kind)s, %(sender)s, 3, %(content)s, %(now)s)
        """,
        {
            "organization": tx.organization_id,
            "id": message_id,
            "conversation": conversation_id,
            "kind": sender_kind,
            "sender": sender_id,
            "content": content,
            "now": now,
        },
    )
    return message_id


async def find_message_by_client_id(tx: Tx, conversation_id: ConversationId, client_id: str) -> MessageId | None:
    """Return the message that the sender calls `client_id`, or None."""
    found: MessageId | None = await tx.fetch_value(
        """
        SELECT id FROM messages
         WHERE organization_id = %(organization)s AND conversation_id = %(conversation)s AND client_id = %(client)s
        """,
        {"organization": tx.organization_id, "conversation": conversation_id, "client": client_id},
    )
    return found


async def find_message(tx: Tx, message_id: MessageId) -> Message | None:
    """Return the message, or None."""
    return await tx.fetch_one_as(
        Message,
        f"SELECT {_MESSAGE} FROM messages m WHERE m.organization_id = %(organization)s AND m.id = %(id)s",
        {"organization": tx.organization_id, "id": message_id},
    )


async def list_messages_by_id(tx: Tx, message_ids: Sequence[MessageId]) -> list[Message]:
    """List those of these messages that exist, oldest first."""
    sql = f"""
        SELECT {_MESSAGE} FROM messages m
         WHERE m.organization_id = %(organization)s AND m.id = ANY(%(ids)s::uuid[]) ORDER BY m.id
    """
    return await tx.fetch_as(Message, sql, {"organization": tx.organization_id, "ids": list(message_ids)})


async def list_messages(
    tx: Tx,
    conversation_id: ConversationId,
    *,
    after: MessageId | None = None,
    before: MessageId | None = None,
    limit: int = 200,
) -> list[Message]:
    """List the latest `limit` messages between `after` and `before`, both excluded, oldest first."""
    rows = await tx.fetch_as(
        Message,
        f"""
        SELECT {_MESSAGE} FROM messages m
         WHERE m.organization_id = %(organization)s AND m.conversation_id = %(conversation)s
           AND (%(after)s::uuid IS NULL OR m.id > %(after)s) AND (%(before)s::uuid IS NULL OR m.id < %(before)s)
         ORDER BY m.id DESC LIMIT %(limit)s
        """,
        {
            "organization": tx.organization_id,
            "conversation": conversation_id,
            "after": after,
            "before": before,
            "limit": limit,
        },
    )
    return rows[::-1]


async def list_message_page(
    tx: Tx, conversation_id: ConversationId, *, limit: int, offset: int
) -> tuple[int, list[Message]]:
    """Return how many messages there are and one page of them, the latest first."""
    params = {
        "organization": tx.organization_id,
        "conversation": conversation_id,
        "limit": limit,
        "offset": offset,
    }
    where = "m.organization_id = %(organization)s AND m.conversation_id = %(conversation)s"
    count = await tx.fetch_value(f"SELECT count(*) FROM messages m WHERE {where}", params)
    page = f"SELECT {_MESSAGE} FROM messages m WHERE {where} ORDER BY m.id DESC LIMIT %(limit)s OFFSET %(offset)s"
    return count, await tx.fetch_as(Message, page, params)


async def find_sender_names(tx: Tx, message_ids: Sequence[MessageId]) -> dict[MessageId, str]:
    """Return who wrote each message, by the name of the contact (whoever that is now), assistant, member or key."""
    rows = await tx.fetch(
        """
        SELECT m.id, coalesce(p.name, a.name, u.name, k.name, '')
          FROM messages m
          LEFT JOIN conversations c ON c.organization_id = m.organization_id AND c.id = m.conversation_id
          LEFT JOIN contacts p ON p.organization_id = m.organization_id AND p.id = c.contact_id
                              AND m.sender_kind = 'contact'
          LEFT JOIN assistants a ON a.organization_id = m.organization_id AND a.id = m.sender_id
          LEFT JOIN users u ON u.id = m.sender_id AND m.sender_kind = 'member'
          LEFT JOIN api_keys k ON k.organization_id = m.organization_id AND k.id = m.sender_id
         WHERE m.organization_id = %(organization)s AND m.id = ANY(%(ids)s)
        """,
        {"organization": tx.organization_id, "ids": list(message_ids)},
    )
    return {MessageId(row[0]): row[1] for row in rows}


async def find_nth_latest_incoming(tx: Tx, conversation_id: ConversationId, number: int) -> datetime | None:
    """Return when the contact's `number`th latest message came; None when there are fewer."""
    at: datetime | None = await tx.fetch_value(
        """
        SELECT created_at FROM messages
         WHERE organization_id = %(organization)s AND conversation_id = %(conversation)s AND type = 'incoming'
         ORDER BY id DESC OFFSET %(others)s LIMIT 1
        """,
        {"organization": tx.organization_id, "conversation": conversation_id, "others": number - 1},
    )
    return at


async def list_awaiting_answer(tx: Tx, conversation_id: ConversationId) -> list[Message]:
    """List the contact's messages that nobody has answered yet, oldest first."""
    return await tx.fetch_as(
        Message,
        f"""
        SELECT {_MESSAGE} FROM messages m
         WHERE m.organization_id = %(organization)s AND m.conversation_id = %(conversation)s AND m.awaits_answer
         ORDER BY m.id
        """,
        {"organization": tx.organization_id, "conversation": conversation_id},
    )


async def is_awaiting_answer(tx: Tx, message_id: MessageId) -> bool:
    """Tell whether nobody has answered this message yet, and somebody is to."""
    sql = "SELECT awaits_answer FROM messages WHERE organization_id = %(organization)s AND id = %(id)s"
    return bool(await tx.fetch_value(sql, {"organization": tx.organization_id, "id": message_id}))


async def update_answered(tx: Tx, conversation_id: ConversationId, message_ids: Sequence[MessageId]) -> None:
    """Note that these messages have their answer."""
    await tx.execute(
        """
        UPDATE messages SET awaits_answer = false
         WHERE organization_id = %(organization)s AND conversation_id = %(conversation)s AND awaits_answer
           AND id = ANY(%(ids)s)
        """,
        {"organization": tx.organization_id, "conversation": conversation_id, "ids": list(message_ids)},
    )


async def update_last_message(
    tx: Tx, conversation_id: ConversationId, message_id: MessageId, *, title: str, unread: int, now: datetime
) -> None:
    """Note the newest message. An empty title is filled, never replaced; `unread` is added, or cleared when it is 0."""
    await tx.execute(
        """
        UPDATE conversations
           SET last_message_id = %(message)s, last_message_at = %(now)s, updated_at = %(now)s, state = 'open',
               title = CASE WHEN title = '' THEN %(title)s ELSE title END,
               unread_count = CASE WHEN %(unread)s = 0 THEN 0 ELSE unread_count + %(unread)s END
         WHERE organization_id = %(organization)s AND id = %(id)s
        """,
        {
            "organization": tx.organization_id,
            "id": conversation_id,
            "message": message_id,
            "title": title,
            "unread": unread,
            "now": now,
        },
    )


async def update_conversation(tx: Tx, conversation_id: ConversationId, **columns: bool | int | str) -> None:
    """Set some of auto_reply, waits_for_member, unread_count, state."""
    unknown = columns.keys() - {"auto_reply", "waits_for_member", "unread_count", "state"}
    if unknown:
        raise ValueError(unknown)
    settings = ", ".join(f"{column} = %({column})s" for column in columns)
    await tx.execute(
        f"UPDATE conversations SET {settings} WHERE organization_id = %(organization)s AND id = %(id)s",
        {**columns, "organization": tx.organization_id, "id": conversation_id},
    )


async def update_feedback(tx: Tx, message_id: MessageId, feedback: str) -> None:
    """Set how the reader liked a message."""
    await tx.execute(
        "UPDATE messages SET feedback = %(feedback)s WHERE organization_id = %(organization)s AND id = %(id)s",
        {"organization": tx.organization_id, "id": message_id, "feedback": feedback},
    )


# --- the lease on answering -------------------------------------------------------------------------------------------


async def claim_lease(tx: Tx, conversation_id: ConversationId, holder: UUID, now: datetime) -> bool:
    """Become the one who answers this conversation, or stay it; False while somebody else is.

    It waits for a holder who is just finishing, so that a message is either seen by the old holder or by the new one.
    """
    claimed = await tx.fetch_value(
        """
        INSERT INTO answer_leases AS l (organization_id, conversation_id, holder, expires_at)
        VALUES (%(organization)s, %(conversation)s, %(holder)s, %(until)s)
        ON CONFLICT (organization_id, conversation_id) DO UPDATE
           SET holder = excluded.holder, expires_at = excluded.expires_at
         WHERE l.holder = excluded.holder OR l.expires_at <= %(now)s
        RETURNING true
        """,
        {
            "organization": tx.organization_id,
            "conversation": conversation_id,
            "holder": holder,
            "now": now,
            "until": now + LEASE,
        },
    )
    return bool(claimed)


async def lock_lease(tx: Tx, conversation_id: ConversationId, holder: UUID) -> bool:
    """Wait until this transaction is alone with the lease; False when `holder` lost it."""
    found = await tx.fetch_value(
        """
        SELECT holder = %(holder)s FROM answer_leases
         WHERE organization_id = %(organization)s AND conversation_id = %(conversation)s FOR UPDATE
        """,
        {"organization": tx.organization_id, "conversation": conversation_id, "holder": holder},
    )
    return bool(found)


async def release_lease(tx: Tx, conversation_id: ConversationId, holder: UUID) -> None:
    """Let somebody else answer; nothing happens when `holder` lost the lease."""
    await tx.execute(
        """
        DELETE FROM answer_leases
         WHERE organization_id = %(organization)s AND conversation_id = %(conversation)s AND holder = %(holder)s
        """,
        {"organization": tx.organization_id, "conversation": conversation_id, "holder": holder},
    )


async def list_open_questions(tx: Tx, conversation_ids: Sequence[ConversationId]) -> frozenset[ConversationId]:
    """Return those of the conversations that somebody is answering right now."""
    rows = await tx.fetch(
        """
        SELECT conversation_id FROM answer_leases
         WHERE organization_id = %(organization)s AND conversation_id = ANY(%(ids)s) AND expires_at > now()
        """,
        {"organization": tx.organization_id, "ids": list(conversation_ids)},
    )
    return frozenset(ConversationId(row[0]) for row in rows)


def _json(value: dict[str, Any] | None) -> Jsonb | None:
    return None if value is None else Jsonb(value)
