"""SQL of answers as their readers see them, and of what a model may know of earlier ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.answers.model import EXTRACTIVE, Citation, Turn
from frontdesk.core.db import Tx
from frontdesk.core.ids import ConversationId, DocumentId, MessageId


async def list_citations(tx: Tx, message_ids: Sequence[MessageId]) -> list[Citation]:
    """List what these messages cite, by message and number; documents that are gone are left out."""
    return await tx.fetch_as(
        Citation,
        """
        SELECT a.message_id, k.citation AS number, d.id AS document_id, d.kind, d.title, c.page_number
          FROM answers a
          JOIN answer_chunks k ON k.organization_id = a.organization_id AND k.answer_id = a.id
          JOIN documents d ON d.organization_id = k.organization_id AND d.id = k.document_id
          LEFT JOIN chunks c ON c.organization_id = k.organization_id AND c.id = k.chunk_id
         WHERE a.organization_id = %(organization)s AND a.message_id = ANY(%(messages)s) AND k.citation IS NOT NULL
         ORDER BY a.message_id, k.citation
        """,
        {"organization": tx.organization_id, "messages": list(message_ids)},
    )


@dataclass(frozen=True, slots=True)
class EarlierMessage:
    """A message before the question, with all documents that were given to the model for it."""

    id: MessageId
    is_question: bool
    text: str
    document_ids: frozenset[DocumentId]
    is_composed: bool  # by a model, which knew the turns before it

    def as_turn(self) -> Turn:
        """Return it as the model may know it."""
        return Turn(self.is_question, self.text)


async def find_first_given(tx: Tx, conversation_id: ConversationId) -> dict[DocumentId, MessageId]:
    """Map each document that was ever given to the model in this conversation to the first answer that had it."""
    rows = await tx.fetch(
        """
        SELECT DISTINCT ON (k.document_id) k.document_id, a.message_id
          FROM answers a
          JOIN answer_chunks k ON k.organization_id = a.organization_id AND k.answer_id = a.id
         WHERE a.organization_id = %(organization)s AND a.conversation_id = %(conversation)s
         ORDER BY k.document_id, a.message_id
        """,
        {"organization": tx.organization_id, "conversation": conversation_id},
    )
    return {DocumentId(row[0]): MessageId(row[1]) for row in rows}


async def list_earlier(
    tx: Tx, conversation_id: ConversationId, before: MessageId, *, limit: int = 12
) -> list[EarlierMessage]:
    """List the latest messages before `before`, oldest first."""
    rows = await tx.fetch(
        """
        SELECT m.id, m.type = 'incoming', m.content,
               coalesce(array_agg(k.document_id) FILTER (WHERE k.document_id IS NOT NULL), '{}'),
               coalesce(bool_or(a.model <> %(extractive)s), false)
          FROM messages m
          LEFT JOIN answers a ON a.organization_id = m.organization_id AND a.message_id = m.id
          LEFT JOIN answer_chunks k ON k.organization_id = a.organization_id AND k.answer_id = a.id
         WHERE m.organization_id = %(organization)s AND m.conversation_id = %(conversation)s AND m.id < %(before)s
         GROUP BY m.organization_id, m.id
         ORDER BY m.id DESC LIMIT %(limit)s
        """,
        {"organization": tx.organization_id, "conversation": conversation_id, "before": before, "limit": limit}
        | {"extractive": EXTRACTIVE},
    )
    return [EarlierMessage(row[0], row[1], row[2], frozenset(row[3]), row[4]) for row in reversed(rows)]


async def find_outcomes(tx: Tx, message_ids: Sequence[MessageId]) -> dict[MessageId, bool]:
    """Map each of these messages that is an answer of the assistant to whether it found something."""
    sql = """
        SELECT message_id, is_found FROM answers
         WHERE organization_id = %(organization)s AND message_id = ANY(%(messages)s)
    """
    return dict(await tx.fetch(sql, {"organization": tx.organization_id, "messages": list(message_ids)}))
