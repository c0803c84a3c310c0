"""Of which messages memory was made already: of each once, whatever becomes of what was learned."""

from datetime import datetime

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, MessageId


async def claim_learning(tx: Tx, message_id: MessageId, now: datetime) -> bool:
    """Note that memory is made of this message; False when it was before, or the message is gone."""
    sql = """
        UPDATE messages SET learned_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s AND learned_at IS NULL
    """
    return await tx.execute(sql, {"organization": tx.organization_id, "id": message_id, "now": now}) == 1


async def is_learned(tx: Tx, message_id: MessageId) -> bool:
    """Tell whether memory was made of this message."""
    sql = "SELECT learned_at IS NOT NULL FROM messages WHERE organization_id = %(organization)s AND id = %(id)s"
    return bool(await tx.fetch_value(sql, {"organization": tx.organization_id, "id": message_id}))


async def update_learned(tx: Tx, contact_id: ContactId, *, since: datetime, now: datetime) -> None:
    """Keep memory from being made of what this contact wrote from `since` until now."""
    await tx.execute(
        """
        UPDATE messages m SET learned_at = %(now)s FROM conversations c
         WHERE c.organization_id = %(organization)s AND c.contact_id = %(contact)s AND c.last_message_at >= %(since)s
           AND m.organization_id = c.organization_id AND m.conversation_id = c.id AND m.type = 'incoming'
           AND m.learned_at IS NULL AND m.created_at >= %(since)s
        """,
        {"organization": tx.organization_id, "contact": contact_id, "since": since, "now": now},
    )
