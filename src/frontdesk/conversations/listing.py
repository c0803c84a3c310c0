"""What lists show beside a conversation."""

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.access.model import Assurance
from frontdesk.conversations.model import SenderKind
from frontdesk.core.db import Tx
from frontdesk.core.ids import ConversationId


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a list shows beside a conversation."""

    contact_name: str
    contact_is_known: bool
    inbox_name: str
    channel_type: str
    last_content: str | None
    last_sender_kind: SenderKind | None
    assurance: Assurance  # of the contact's latest message

    def __post_init__(self) -> None:
        object.__setattr__(self, "assurance", Assurance(self.assurance))
        if self.last_sender_kind is not None:
            object.__setattr__(self, "last_sender_kind", SenderKind(self.last_sender_kind))


async def find_labelled(tx: Tx, ids: Sequence[ConversationId]) -> dict[ConversationId, Labelled]:
    """Return names and the last message of these conversations, by id."""
    rows = await tx.fetch(
        """
        SELECT c.id, p.name,
               EXISTS (SELECT 1 FROM identities i WHERE i.organization_id = c.organization_id AND i.contact_id = p.id),
               b.name, b.channel_type, m.content, m.sender_kind,
               coalesce((SELECT i.assurance FROM messages i
                          WHERE i.organization_id = c.organization_id AND i.conversation_id = c.id
                            AND i.type = 'incoming'
                          ORDER BY i.id DESC LIMIT 1), 0)
          FROM conversations c
          JOIN contacts p ON p.organization_id = c.organization_id AND p.id = c.contact_id
          JOIN inboxes b ON b.organization_id = c.organization_id AND b.id = c.inbox_id
          LEFT JOIN messages m ON m.organization_id = c.organization_id AND m.id = c.last_message_id
         WHERE c.organization_id = %(organization)s AND c.id = ANY(%(ids)s)
        """,
        {"organization": tx.organization_id, "ids": list(ids)},
    )
    return {ConversationId(row[0]): Labelled(*row[1:]) for row in rows}
