"""SQL on which model reads a knowledge base, and on the vectors that passages have or lack."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from frontdesk.core.db import Tx
from frontdesk.core.ids import ChunkId, DocumentId, KnowledgeBaseId

_PASSAGES = """
      FROM documents d
      JOIN chunks c ON c.organization_id = d.organization_id AND c.document_number = d.number
     WHERE d.organization_id = %(organization)s AND d.knowledge_base_id = %(base)s AND d.state <> 'deleting'
"""
_LACKS = """
    NOT EXISTS (SELECT 1 FROM embeddings e
                 WHERE e.organization_id = c.organization_id AND e.model = %(model)s
                   AND e.document_number = c.document_number AND e.chunk_id = c.id)
"""


@dataclass(frozen=True, slots=True)
class Models:
    """Which model reads a knowledge base, and which one is to; `following` None: no other."""

    present: str
    following: str | None


@dataclass(frozen=True, slots=True)
class Unread:
    """A passage that a model has not read."""

    id: ChunkId
    document_number: int
    content_key: bytes  # of what it says now
    text: str


def render_vector(vector: NDArray[np.float32]) -> str:
    """Return the literal of a `halfvec`."""
    return f"[{','.join(map(str, vector.astype(np.float16).tolist()))}]"


async def find_models(tx: Tx, base_id: KnowledgeBaseId) -> Models | None:
    """Return the models of the knowledge base; None when it is gone."""
    sql = """
        SELECT embedding_model AS present, next_embedding_model AS following FROM knowledge_bases
         WHERE organization_id = %(organization)s AND id = %(base)s AND deleted_at IS NULL
    """
    return await tx.fetch_one_as(Models, sql, {"organization": tx.organization_id, "base": base_id})


async def find_reader(tx: Tx, document_id: DocumentId, *, has: str) -> KnowledgeBaseId | None:
    """Return the document's knowledge base if a model other than `has` reads it, or is to; else None."""
    sql = """
        SELECT b.id FROM documents d
          JOIN knowledge_bases b ON b.organization_id = d.organization_id AND b.id = d.knowledge_base_id
         WHERE d.organization_id = %(organization)s AND d.id = %(document)s
           AND (b.embedding_model <> %(has)s OR b.next_embedding_model <> %(has)s)
    """
    params = {"organization": tx.organization_id, "document": document_id, "has": has}
    found: KnowledgeBaseId | None = await tx.fetch_value(sql, params)
    return found


async def update_next_model(tx: Tx, base_id: KnowledgeBaseId, model: str | None, *, now: datetime) -> None:
    """Store which model is to read the knowledge base; None: the present one remains."""
    sql = """
        UPDATE knowledge_bases SET next_embedding_model = %(model)s, embedding_progress = 0, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(base)s
    """
    await tx.execute(sql, {"organization": tx.organization_id, "base": base_id, "model": model, "now": now})


async def list_unread(
    tx: Tx, base_id: KnowledgeBaseId, model: str, *, after: tuple[int, ChunkId] | None, limit: int
) -> list[Unread]:
    """Return the next passages without a vector of `model`, in the order of documents, behind `after`."""
    behind = "" if after is None else "AND (c.document_number, c.id) > (%(number)s, %(chunk)s)"
    sql = f"""
        SELECT c.id, c.document_number, c.content_key, c.text {_PASSAGES} AND {_LACKS} {behind}
         ORDER BY c.document_number, c.id LIMIT %(limit)s
    """
    number, chunk = after or (None, None)
    place = {"number": number, "chunk": chunk, "limit": limit}
    return await tx.fetch_as(
        Unread, sql, {"organization": tx.organization_id, "base": base_id, "model": model, **place}
    )


async def insert_vectors(tx: Tx, model: str, read: Sequence[tuple[Unread, NDArray[np.float32]]]) -> None:
    """Store vectors of passages that still say what was read; of the others, and of those that have one, none."""
    sql = """
        INSERT INTO embeddings (organization_id, model, document_number, chunk_id, content_key, embedding)
        SELECT c.organization_id, %(model)s, c.document_number, c.id, c.content_key, new.vector::halfvec
          FROM unnest(%(ids)s::uuid[], %(keys)s::bytea[], %(vectors)s::text[]) AS new (id, content_key, vector)
          JOIN chunks c ON c.organization_id = %(organization)s AND c.id = new.id AND c.content_key = new.content_key
            ON CONFLICT DO NOTHING
    """
    params = {
        "organization": tx.organization_id,
        "model": model,
        "ids": [one.id for one, _ in read],
        "keys": [one.content_key for one, _ in read],
        "vectors": [render_vector(vector) for _, vector in read],
    }
    await tx.execute(sql, params)


async def update_progress(tx: Tx, base_id: KnowledgeBaseId, model: str) -> None:
    """Store how many percent of the passages `model` has read, if it is the one that is to."""
    sql = f"""
        UPDATE knowledge_bases SET embedding_progress = (
               SELECT coalesce(100 * count(*) FILTER (WHERE NOT {_LACKS}) / nullif(count(*), 0), 0) {_PASSAGES})
         WHERE organization_id = %(organization)s AND id = %(base)s AND next_embedding_model = %(model)s
    """
    await tx.execute(sql, {"organization": tx.organization_id, "base": base_id, "model": model})


async def switch_model(tx: Tx, base_id: KnowledgeBaseId, model: str, *, now: datetime) -> bool:
    """Let `model` read the knowledge base from this commit on; False when a passage lacks its vector, or none asks."""
    sql = f"""
        UPDATE knowledge_bases SET embedding_model = %(model)s, next_embedding_model = NULL, embedding_progress = 0,
               updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(base)s AND next_embedding_model = %(model)s
           AND deleted_at IS NULL AND NOT EXISTS (SELECT 1 {_PASSAGES} AND {_LACKS})
    """
    params = {"organization": tx.organization_id, "base": base_id, "model": model, "now": now}
    return await tx.execute(sql, params) > 0


async def delete_unused_vectors(tx: Tx, base_id: KnowledgeBaseId) -> int:
    """Remove the vectors of models that neither read the knowledge base nor are to; return how many."""
    sql = """
        DELETE FROM embeddings e USING documents d, knowledge_bases b
         WHERE b.organization_id = %(organization)s AND b.id = %(base)s
           AND d.organization_id = b.organization_id AND d.knowledge_base_id = b.id
           AND e.organization_id = d.organization_id AND e.document_number = d.number
           AND e.model <> b.embedding_model AND e.model IS DISTINCT FROM b.next_embedding_model
    """
    return await tx.execute(sql, {"organization": tx.organization_id, "base": base_id})
