"""SQL on passages: chunks with their terms and vectors, written together and never apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from frontdesk.core.db import Tx
from frontdesk.core.ids import ChunkId, DocumentId, KnowledgeBaseId, new_id
from frontdesk.knowledge.embedding_queries import render_vector
from frontdesk.knowledge.ingest import content_key
from frontdesk.knowledge.model import Chunk, Passage
from frontdesk.knowledge.text import guess_language
from frontdesk.knowledge.wanting import ask_for_other_vectors

_BATCH: Final = 200  # passages of one statement
_CHUNK: Final = """
    SELECT c.id, c.document_id, d.title AS filename, c.position, c.text, c.page_number, c.language
      FROM chunks c
      JOIN documents d ON d.organization_id = c.organization_id AND d.id = c.document_id
     WHERE c.organization_id = %(organization)s AND d.knowledge_base_id = %(base)s AND d.kind = 'file'
       AND d.state <> 'deleting'
"""


@dataclass(frozen=True, slots=True)
class _Row:
    """A passage at its place in a document."""

    id: ChunkId
    position: int
    passage: Passage


async def list_chunks(
    tx: Tx, base_id: KnowledgeBaseId, document_id: DocumentId | None, *, limit: int, offset: int
) -> tuple[list[Chunk], int]:
    """Return a page of the passages of one file, or of all files of the knowledge base, and how many there are."""
    params = {
        "organization": tx.organization_id,
        "base": base_id,
        "document": document_id,
        "limit": limit,
        "offset": offset,
    }
    where = _CHUNK + ("AND d.id = %(document)s" if document_id is not None else "")
    page = f"{where} ORDER BY d.id, c.position LIMIT %(limit)s OFFSET %(offset)s"
    return await tx.fetch_as(Chunk, page, params), int(
        await tx.fetch_value(f"SELECT count(*) FROM ({where}) x", params)
    )


async def find_chunk(tx: Tx, base_id: KnowledgeBaseId, chunk_id: ChunkId) -> Chunk | None:
    """Return the passage; None when no file of the knowledge base has it."""
    params = {"organization": tx.organization_id, "base": base_id, "chunk": chunk_id}
    return await tx.fetch_one_as(Chunk, f"{_CHUNK} AND c.id = %(chunk)s", params)


async def replace_passages(
    tx: Tx, document_id: DocumentId, passages: Sequence[Passage], *, page_count: int | None = None, now: datetime
) -> bool:
    """Give the document exactly these passages, in this order, and make it readable; tell whether it had others.

    Readers see the old ones until this transaction commits, then the new ones, never some of both. If there were
    others, the caller raises the scope version: a search in between must look again.
    """
    params: dict[str, Any] = {"organization": tx.organization_id, "document": document_id}
    where = "WHERE organization_id = %(organization)s AND document_id = %(document)s"
    removed = await tx.execute(f"DELETE FROM chunks {where}", params)
    for first in range(0, len(passages), _BATCH):
        batch = passages[first : first + _BATCH]
        rows = [_Row(ChunkId(new_id()), first + offset, passage) for offset, passage in enumerate(batch)]
        await _insert_chunks(tx, document_id, rows)
        await _insert_index(tx, rows)
    await tx.execute(
        """
        UPDATE documents SET state = 'done', progress = 100, failure_reason = NULL, language = %(language)s,
               updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(document)s
        """,
        {**params, "now": now, "language": guess_language(" ".join(passage.text for passage in passages))},
    )
    await tx.execute(f"UPDATE document_files SET page_count = %(pages)s {where}", {**params, "pages": page_count})
    await _count_again(tx, document_id)
    for model in {passage.model for passage in passages}:
        await ask_for_other_vectors(tx, document_id, has=model)
    return removed > 0


async def update_chunk(tx: Tx, chunk: Chunk, passage: Passage) -> None:
    """Replace the text of one passage; it keeps its id and its place."""
    params: dict[str, Any] = {"organization": tx.organization_id, "chunk": chunk.id}
    for table in ("chunk_terms", "embeddings"):
        await tx.execute(
            f"DELETE FROM {table} WHERE organization_id = %(organization)s AND chunk_id = %(chunk)s", params
        )
    await tx.execute(
        """
        UPDATE chunks SET text = %(text)s, content_key = %(key)s, language = %(language)s, term_count = %(terms)s
         WHERE organization_id = %(organization)s AND id = %(chunk)s
        """,
        {
            **params,
            "text": passage.text,
            "key": content_key(chunk.filename, chunk.position, passage.text),
            "language": passage.language,
            "terms": passage.term_count,
        },
    )
    await _insert_index(tx, [_Row(chunk.id, chunk.position, passage)])
    await _count_again(tx, chunk.document_id)
    await ask_for_other_vectors(tx, chunk.document_id, has=passage.model)


async def delete_chunk(tx: Tx, chunk: Chunk) -> None:
    """Remove one passage."""
    params = {"organization": tx.organization_id, "chunk": chunk.id}
    await tx.execute("DELETE FROM chunks WHERE organization_id = %(organization)s AND id = %(chunk)s", params)
    await _count_again(tx, chunk.document_id)


async def _insert_chunks(tx: Tx, document_id: DocumentId, rows: Sequence[_Row]) -> None:
    title = await tx.fetch_value(
        "SELECT title FROM documents WHERE organization_id = %(organization)s AND id = %(document)s",
        {"organization": tx.organization_id, "document": document_id},
    )
    await tx.execute(
        """
        INSERT INTO chunks (organization_id, id, document_id, document_number, position, text, content_key, page_number,
                            language, term_count)
        SELECT d.organization_id, new.id, d.id, d.number, new.position, new.text, new.content_key, new.page_number,
               new.language, new.term_count
          FROM documents d,
               unnest(%(ids)s::uuid[], %(positions)s::int[], %(texts)s::text[], %(keys)s::bytea[], %(pages)s::int[],
                      %(languages)s::text[], %(counts)s::int[])
               AS new (id, position, text, content_key, page_number, language, term_count)
         WHERE d.organization_id = %(organization)s AND d.id = %(document)s
        """,
        {
            "organization": tx.organization_id,
            "document": document_id,
            "ids": [row.id for row in rows],
            "positions": [row.position for row in rows],
            "texts": [row.passage.text for row in rows],
            "keys": [content_key(title, row.position, row.passage.text) for row in rows],
            "pages": [row.passage.page_number for row in rows],
            "languages": [row.passage.language for row in rows],
            "counts": [row.passage.term_count for row in rows],
        },
    )


async def _insert_index(tx: Tx, rows: Sequence[_Row]) -> None:
    postings = [(term, row.id, frequency) for row in rows for term, frequency in row.passage.terms.items()]
    await tx.execute(
        """
        INSERT INTO chunk_terms (organization_id, term, document_number, chunk_id, frequency, term_count)
        SELECT c.organization_id, new.term, c.document_number, c.id, new.frequency, c.term_count
          FROM unnest(%(terms)s::text[], %(chunks)s::uuid[], %(frequencies)s::int[]) AS new (term, chunk_id, frequency)
          JOIN chunks c ON c.organization_id = %(organization)s AND c.id = new.chunk_id
        """,
        {
            "organization": tx.organization_id,
            "terms": [posting[0] for posting in postings],
            "chunks": [posting[1] for posting in postings],
            "frequencies": [posting[2] for posting in postings],
        },
    )
    await tx.execute(
        """
        INSERT INTO embeddings (organization_id, model, document_number, chunk_id, content_key, embedding)
        SELECT c.organization_id, new.model, c.document_number, c.id, c.content_key, new.vector::halfvec
          FROM unnest(%(chunks)s::uuid[], %(models)s::text[], %(vectors)s::text[]) AS new (chunk_id, model, vector)
          JOIN chunks c ON c.organization_id = %(organization)s AND c.id = new.chunk_id
        """,
        {
            "organization": tx.organization_id,
            "chunks": [row.id for row in rows],
            "models": [row.passage.model for row in rows],
            "vectors": [render_vector(row.passage.vector) for row in rows],
        },
    )


async def _count_again(tx: Tx, document_id: DocumentId) -> None:
    sql = """
        UPDATE documents SET (chunk_count, term_count) = (
               SELECT count(*), coalesce(sum(c.term_count), 0) FROM chunks c
                WHERE c.organization_id = %(organization)s AND c.document_id = %(document)s)
         WHERE organization_id = %(organization)s AND id = %(document)s
    """
    await tx.execute(sql, {"organization": tx.organization_id, "document": document_id})
