"""SQL of answers, the chunks that the model was given, and citations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from frontdesk.answers.model import EXTRACTIVE, Asker, Citation, Draft, Receipt, Turn
from frontdesk.core.db import Tx
from frontdesk.core.ids import AnswerId, ConversationId, DocumentId, MessageId, new_id


async def insert_answer(
    tx: Tx, message_id: MessageId, conversation_id: ConversationId, asker: Asker, draft: Draft, now: datetime
) -> AnswerId:
    """Store the receipt of an answer and every chunk that the model was given for it."""
    answer_id = AnswerId(new_id())
    await tx.execute(
        """
        INSERT INTO answers (organization_id, id, message_id, conversation_id, contact_id, session_id, assurance, scope,
                             scope_version, permitted_count, model, is_found, timing, created_at)
        VALUES (%(organization)s, %(id)s, %(message)s, %(conversation)s, %(contact)s, %(session)s, %(assurance)s,
                %(scope)s, %(version)s, %(permitted)s, %(model)s, %(found)s, %(timing)s, %(now)s)
        """,
        {
            "organization": tx.organization_id,
            "id": answer_id,
            "message": message_id,
            "conversation": conversation_id,
            "contact": asker.contact.id,
            "session": asker.session_id,
            "assurance": int(asker.assurance),
            "scope": Jsonb([{"step": step.name, "scope": repr(step.scope)} for step in asker.scope.steps]),
            "version": asker.scope_version,
            "permitted": draft.permitted_count,
            "model": draft.model,
            "found": draft.is_found,
            "timing": Jsonb(dict(draft.timing)),
            "now": now,
        },
    )
    await tx.execute_many(
        """
        INSERT INTO answer_chunks (organization_id, answer_id, position, chunk_id, document_id, score, citation)
        VALUES (%(organization)s, %(answer)s, %(position)s, %(chunk)s, %(document)s, %(score)s, %(citation)s)
        """,
        [
            {
                "organization": tx.organization_id,
                "answer": answer_id,
                "position": source.number,
                "chunk": source.hit.chunk_id,
                "document": source.hit.document_id,
                "score": source.hit.score,
                "citation": source.number if source.number in draft.cited else None,
            }
            for source in draft.sources
        ],
    )
    return answer_id


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
class GivenPassage:
    """A passage that the model was given for an answer. `title` None: its document is gone."""

    message_id: MessageId
    number: int
    kind: str | None
    title: str | None
    page_number: int | None
    score: float
    is_cited: bool


async def list_given(tx: Tx, message_ids: Sequence[MessageId]) -> list[GivenPassage]:
    """List all passages that were given for these messages, by message and number."""
    return await tx.fetch_as(
        GivenPassage,
        """
        SELECT a.message_id, k.position AS number, d.kind, d.title, c.page_number, k.score,
               k.citation IS NOT NULL AS is_cited
          FROM answers a
          JOIN answer_chunks k ON k.organization_id = a.organization_id AND k.answer_id = a.id
          LEFT JOIN documents d ON d.organization_id = k.organization_id AND d.id = k.document_id
          LEFT JOIN chunks c ON c.organization_id = k.organization_id AND c.id = k.chunk_id
         WHERE a.organization_id = %(organization)s AND a.message_id = ANY(%(messages)s)
         ORDER BY a.message_id, k.position
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


async def list_receipts(tx: Tx, message_ids: Sequence[MessageId]) -> list[Receipt]:
    """List the receipts of these messages; messages of people have none."""
    return await tx.fetch_as(
        Receipt,
        """
        SELECT id, message_id, conversation_id, contact_id, session_id, assurance, scope, scope_version,
               permitted_count, model, is_found, timing, created_at
          FROM answers WHERE organization_id = %(organization)s AND message_id = ANY(%(messages)s)
        """,
        {"organization": tx.organization_id, "messages": list(message_ids)},
    )
