"""SQL of receipts: what is kept about an answer, and every passage that the model was given for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb

from frontdesk.access.model import Scope
from frontdesk.access.sql import compile_predicate
from frontdesk.answers.model import Asker, Draft
from frontdesk.answers.receipts import GivenPassage, Receipt, render_steps, render_way
from frontdesk.core.db import Tx
from frontdesk.core.ids import AnswerId, ConversationId, MessageId, new_id
from frontdesk.knowledge.search import PermittedDocument

_SHOWN: Final = 20


async def insert_answer(
    tx: Tx,
    message_id: MessageId,
    conversation_id: ConversationId,
    asker: Asker,
    draft: Draft,
    *,
    questions: Sequence[MessageId],
    now: datetime,
) -> AnswerId:
    """Store the receipt of an answer to `questions`, and every passage that the model was given for it."""
    answer_id = AnswerId(new_id())
    await tx.execute(
        """
        INSERT INTO answers (organization_id, id, message_id, conversation_id, contact_id, session_id, assurance, scope,
                             scope_version, permitted_count, permitted_chunks, question_ids, ways, model, is_found,
                             timing, created_at)
        VALUES (%(organization)s, %(id)s, %(message)s, %(conversation)s, %(contact)s, %(session)s, %(assurance)s,
                %(scope)s, %(version)s, %(documents)s, %(chunks)s, %(questions)s, %(ways)s, %(model)s, %(found)s,
                %(timing)s, %(now)s)
        """,
        {
            "organization": tx.organization_id,
            "id": answer_id,
            "message": message_id,
            "conversation": conversation_id,
            "contact": asker.contact.id,
            "session": asker.session_id,
            "assurance": int(asker.assurance),
            "scope": Jsonb(render_steps([(step.name, step.scope) for step in asker.scope.steps])),
            "version": asker.scope_version,
            "documents": draft.permitted_count,
            "chunks": draft.permitted_chunks,
            "questions": list(questions),
            "ways": Jsonb([render_way(way) for way in asker.ways]),
            "model": draft.model,
            "found": draft.is_found,
            "timing": Jsonb(dict(draft.timing)),
            "now": now,
        },
    )
    await _insert_given(tx, answer_id, draft)
    return answer_id


async def _insert_given(tx: Tx, answer_id: AnswerId, draft: Draft) -> None:
    await tx.execute_many(
        """
        INSERT INTO answer_chunks
               (organization_id, answer_id, position, chunk_id, document_id, score, citation, content_key)
        VALUES (%(organization)s, %(answer)s, %(position)s, %(chunk)s, %(document)s, %(score)s, %(citation)s,
                (SELECT content_key FROM chunks WHERE organization_id = %(organization)s AND id = %(chunk)s))
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


async def list_receipts(tx: Tx, message_ids: Sequence[MessageId]) -> list[Receipt]:
    """List the receipts of these messages; messages of people have none."""
    return await tx.fetch_as(
        Receipt,
        """
        SELECT id, message_id, conversation_id, contact_id, session_id, assurance, scope AS steps, scope_version,
               permitted_count, permitted_chunks, question_ids, ways AS raw_ways, model, is_found, timing, created_at
          FROM answers WHERE organization_id = %(organization)s AND message_id = ANY(%(messages)s)
        """,
        {"organization": tx.organization_id, "messages": list(message_ids)},
    )


async def list_given(tx: Tx, message_ids: Sequence[MessageId]) -> list[GivenPassage]:
    """List all passages that were given for these messages, by message and number."""
    return await tx.fetch_as(
        GivenPassage,
        """
        SELECT a.message_id, k.position AS number, k.document_id, d.kind, d.title, c.page_number, k.score,
               k.citation IS NOT NULL AS is_cited, coalesce(c.content_key = k.content_key, false) AS is_unchanged
          FROM answers a
          JOIN answer_chunks k ON k.organization_id = a.organization_id AND k.answer_id = a.id
          LEFT JOIN documents d ON d.organization_id = k.organization_id AND d.id = k.document_id
          LEFT JOIN chunks c ON c.organization_id = k.organization_id AND c.id = k.chunk_id
         WHERE a.organization_id = %(organization)s AND a.message_id = ANY(%(messages)s)
         ORDER BY a.message_id, k.position
        """,
        {"organization": tx.organization_id, "messages": list(message_ids)},
    )


async def find_difference(tx: Tx, wide: Scope, narrow: Scope) -> tuple[int, list[PermittedDocument]]:
    """Return how many documents `wide` opens that `narrow` does not, and the first of them by title."""
    opened, params = compile_predicate(wide, prefix="wide")
    closed, more = compile_predicate(narrow, prefix="narrow")
    where = f"FROM documents d WHERE d.organization_id = %(organization)s AND {opened} AND NOT {closed}"
    params |= {**more, "organization": tx.organization_id, "limit": _SHOWN}
    count = int(await tx.fetch_value(f"SELECT count(*) {where}", params))
    first = f"SELECT d.id, d.knowledge_base_id, d.kind, d.title {where} ORDER BY d.title, d.id LIMIT %(limit)s"
    return count, await tx.fetch_as(PermittedDocument, first, params)
