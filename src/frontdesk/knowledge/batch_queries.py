"""SQL of batches, of what became of their rows, and of the documents that they change."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.knowledge.batch_model import (
    Batch,
    BatchId,
    BatchOutcome,
    BatchRow,
    BatchState,
    Content,
    Present,
    Step,
    WrittenRow,
)
from frontdesk.knowledge.model import DocumentFilter, FaqText

_COLUMNS: Final = tuple(field.name for field in fields(Batch))
_BATCH: Final = ", ".join(_COLUMNS)
_JSON: Final = frozenset({"samples", "mapping", "options", "counts", "checked", "undone"})
_OF_BATCH: Final = "organization_id = %(organization)s AND batch_id = %(batch)s"


async def insert_batch(tx: Tx, batch: Batch) -> None:
    """Store a new batch."""
    places = ", ".join(f"%({column})s" for column in _COLUMNS)
    sql = f"INSERT INTO document_batches (organization_id, {_BATCH}) VALUES (%(organization)s, {places})"
    params = {column: _to_param(column, getattr(batch, column)) for column in _COLUMNS}
    await tx.execute(sql, params | {"organization": tx.organization_id})


async def get_batch(tx: Tx, batch_id: BatchId, *, lock: bool = False) -> Batch:
    """Return the batch, with `lock` alone until the end of this transaction; or raise NotFound."""
    sql = f"""
        SELECT {_BATCH} FROM document_batches WHERE organization_id = %(organization)s AND id = %(id)s
        {"FOR UPDATE" if lock else ""}
    """
    found = await tx.fetch_one_as(Batch, sql, {"organization": tx.organization_id, "id": batch_id})
    if found is None:
        raise NotFound
    return found


async def list_batches(tx: Tx, base_id: KnowledgeBaseId, *, limit: int, offset: int) -> tuple[list[Batch], int]:
    """Return one page of the batches of a knowledge base, the newest first, and how many there are."""
    where = "FROM document_batches WHERE organization_id = %(organization)s AND knowledge_base_id = %(base)s"
    params = {"organization": tx.organization_id, "base": base_id, "limit": limit, "offset": offset}
    sql = f"SELECT {_BATCH} {where} ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s"
    return await tx.fetch_as(Batch, sql, params), await tx.fetch_value(f"SELECT count(*) {where}", params)


async def update_batch(tx: Tx, batch_id: BatchId, now: datetime, **changes: object) -> None:
    """Store `changes`, which are named like the columns."""
    places = ", ".join(f"{column} = %({column})s" for column in changes if column in _COLUMNS)
    params = {column: _to_param(column, value) for column, value in changes.items()}
    sql = f"""
        UPDATE document_batches SET {places}, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    await tx.execute(sql, params | {"organization": tx.organization_id, "id": batch_id, "now": now})


async def count_working(tx: Tx) -> int:
    """Return how many batches are being checked, run or undone now."""
    sql = """
        SELECT count(*) FROM document_batches
         WHERE organization_id = %(organization)s AND state IN ('checking', 'running', 'undoing')
    """
    return int(await tx.fetch_value(sql, {"organization": tx.organization_id}))


async def list_old(tx: Tx, *, before: datetime, limit: int) -> list[tuple[BatchId, str | None]]:
    """Return batches that nothing happened to since `before`, with their files."""
    sql = """
        SELECT id, file_key FROM document_batches
         WHERE organization_id = %(organization)s AND updated_at < %(before)s
           AND state NOT IN ('checking', 'running', 'undoing')
         ORDER BY id LIMIT %(limit)s
    """
    return [
        (BatchId(batch_id), key)
        for batch_id, key in await tx.fetch(sql, {"organization": tx.organization_id, "before": before, "limit": limit})
    ]


async def list_files(tx: Tx, base_id: KnowledgeBaseId) -> list[str]:
    """Return the files that the batches of a knowledge base still keep."""
    sql = """
        SELECT file_key FROM document_batches
         WHERE organization_id = %(organization)s AND knowledge_base_id = %(base)s AND file_key IS NOT NULL
    """
    return [key for (key,) in await tx.fetch(sql, {"organization": tx.organization_id, "base": base_id})]


async def delete_batch(tx: Tx, batch_id: BatchId) -> None:
    """Remove the batch with its rows."""
    sql = "DELETE FROM document_batches WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": batch_id})


# --- rows ---


async def insert_waiting(tx: Tx, batch_id: BatchId, base_id: KnowledgeBaseId, wanted: DocumentFilter) -> int:
    """Note all documents that match, as rows that wait; return how many. Those that are being deleted do not match."""
    sql = """
        INSERT INTO document_batch_rows (organization_id, batch_id, is_dry, row_number, outcome, document_id)
        SELECT d.organization_id, %(batch)s, false, row_number() OVER (ORDER BY d.id), 'waiting', d.id
          FROM documents d
         WHERE d.organization_id = %(organization)s AND d.knowledge_base_id = %(base)s AND d.state <> 'deleting'
           AND d.kind = %(kind)s
           AND (%(query)s::text IS NULL OR strpos(lower(d.title), lower(%(query)s)) > 0)
           AND (%(state)s::text IS NULL OR d.state = %(state)s)
           AND (%(label)s::uuid IS NULL OR EXISTS (
                SELECT FROM document_labels dl WHERE dl.organization_id = d.organization_id
                   AND dl.document_id = d.id AND dl.label_id = %(label)s))
    """
    params = {
        "organization": tx.organization_id,
        "batch": batch_id,
        "base": base_id,
        "kind": wanted.kind,
        "query": wanted.query,
        "state": wanted.state,
        "label": wanted.label,
    }
    return await tx.execute(sql, params)


async def list_waiting(tx: Tx, batch_id: BatchId, *, limit: int) -> list[tuple[int, DocumentId]]:
    """Return the first rows that wait, in order."""
    sql = f"""
        SELECT row_number, document_id FROM document_batch_rows
         WHERE {_OF_BATCH} AND NOT is_dry AND outcome = 'waiting' ORDER BY row_number LIMIT %(limit)s
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "batch": batch_id, "limit": limit})
    return [(number, DocumentId(document_id)) for number, document_id in rows]


async def upsert_rows(tx: Tx, batch_id: BatchId, steps: Sequence[Step], *, is_dry: bool) -> None:
    """Note what became of rows."""
    sql = """
        INSERT INTO document_batch_rows (organization_id, batch_id, is_dry, row_number, outcome, code, field, detail,
                                         document_id, old_values, new_values)
        VALUES (%(organization)s, %(batch)s, %(dry)s, %(number)s, %(outcome)s, %(code)s, %(field)s, %(detail)s,
                %(document)s, %(old)s, %(new)s)
            ON CONFLICT (organization_id, batch_id, is_dry, row_number) DO UPDATE
           SET outcome = excluded.outcome, code = excluded.code, field = excluded.field, detail = excluded.detail,
               old_values = excluded.old_values, new_values = excluded.new_values
    """
    await tx.execute_many(
        sql,
        [
            {
                "organization": tx.organization_id,
                "batch": batch_id,
                "dry": is_dry,
                "number": step.number,
                "outcome": step.outcome.value,
                "code": step.fault and step.fault.code,
                "field": step.fault and step.fault.field,
                "detail": step.fault and step.fault.detail,
                "document": step.document_id,
                "old": None if is_dry or step.old is None else Jsonb(step.old.to_json()),
                "new": None if is_dry or step.new is None else Jsonb(step.new.to_json()),
            }
            for step in steps
        ],
    )


async def delete_dry_rows(tx: Tx, batch_id: BatchId) -> None:
    """Forget what a check found."""
    sql = f"DELETE FROM document_batch_rows WHERE {_OF_BATCH} AND is_dry"
    await tx.execute(sql, {"organization": tx.organization_id, "batch": batch_id})


async def list_rows(
    tx: Tx, batch_id: BatchId, *, is_dry: bool, outcomes: Collection[BatchOutcome], after: int, limit: int
) -> list[BatchRow]:
    """Return rows with these outcomes beyond row `after`, in order."""
    sql = """
        SELECT r.row_number, r.outcome, r.code, r.field, r.detail, r.document_id, d.title
          FROM document_batch_rows r
          LEFT JOIN documents d
            ON d.organization_id = r.organization_id AND d.id = r.document_id AND d.state <> 'deleting'
         WHERE r.organization_id = %(organization)s AND r.batch_id = %(batch)s AND r.is_dry = %(dry)s
           AND r.row_number > %(after)s AND r.outcome = ANY(%(outcomes)s)
         ORDER BY r.row_number LIMIT %(limit)s
    """
    params = {
        "organization": tx.organization_id,
        "batch": batch_id,
        "dry": is_dry,
        "after": after,
        "outcomes": [outcome.value for outcome in outcomes],
        "limit": limit,
    }
    return await tx.fetch_as(BatchRow, sql, params)


async def list_written(tx: Tx, batch_id: BatchId, *, limit: int) -> list[WrittenRow]:
    """Return the last rows that wrote something and are not undone, the last one first."""
    sql = f"""
        SELECT row_number, document_id, old_values, new_values FROM document_batch_rows
         WHERE {_OF_BATCH} AND NOT is_dry AND (old_values IS NOT NULL OR new_values IS NOT NULL)
         ORDER BY row_number DESC LIMIT %(limit)s
    """
    params = {"organization": tx.organization_id, "batch": batch_id, "limit": limit}
    return await tx.fetch_as(WrittenRow, sql, params)


async def forget_values(tx: Tx, batch_id: BatchId, numbers: Sequence[int]) -> None:
    """Note that these rows are undone."""
    sql = f"""
        UPDATE document_batch_rows SET old_values = NULL, new_values = NULL
         WHERE {_OF_BATCH} AND NOT is_dry AND row_number = ANY(%(numbers)s::bigint[])
    """
    await tx.execute(sql, {"organization": tx.organization_id, "batch": batch_id, "numbers": list(numbers)})


# --- documents ---


async def lock_base(tx: Tx, base_id: KnowledgeBaseId) -> bool:
    """Wait until no other batch writes into this knowledge base; return False when it is gone."""
    sql = """
        SELECT true FROM knowledge_bases
         WHERE organization_id = %(organization)s AND id = %(base)s AND deleted_at IS NULL FOR NO KEY UPDATE
    """
    return await tx.fetch_value(sql, {"organization": tx.organization_id, "base": base_id}) is not None


async def find_by_questions(
    tx: Tx, base_id: KnowledgeBaseId, questions: Collection[str]
) -> dict[str, list[DocumentId]]:
    """Map each question that FAQs of the knowledge base ask, letter for letter, to these FAQs."""
    sql = """
        SELECT q.question, array_agg(d.id ORDER BY d.id) FROM faqs q
          JOIN documents d ON d.organization_id = q.organization_id AND d.id = q.document_id
         WHERE q.organization_id = %(organization)s AND d.knowledge_base_id = %(base)s AND d.state <> 'deleting'
           AND md5(q.question) IN (SELECT md5(wanted) FROM unnest(%(questions)s::text[]) AS wanted)
         GROUP BY q.question
    """
    params = {"organization": tx.organization_id, "base": base_id, "questions": list(questions)}
    return dict(await tx.fetch(sql, params))


async def find_present(
    tx: Tx, base_id: KnowledgeBaseId, document_ids: Collection[DocumentId]
) -> dict[DocumentId, Present]:
    """Map those of the documents that the knowledge base has to what they are now."""
    sql = """
        SELECT d.id, d.kind, d.state IN ('initial', 'processing'), q.question, q.answer, d.metadata,
               ARRAY(SELECT dl.label_id FROM document_labels dl
                      WHERE dl.organization_id = d.organization_id AND dl.document_id = d.id)
          FROM documents d
          LEFT JOIN faqs q ON q.organization_id = d.organization_id AND q.document_id = d.id
         WHERE d.organization_id = %(organization)s AND d.knowledge_base_id = %(base)s AND d.state <> 'deleting'
           AND d.id = ANY(%(ids)s::uuid[])
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "base": base_id, "ids": list(document_ids)})
    return {
        DocumentId(document_id): Present(
            DocumentId(document_id),
            kind,
            is_busy and kind == "file",
            Content(
                FaqText(question, answer) if kind == "faq" else None,
                frozenset(LabelId(label) for label in labels),
                metadata,
            ),
        )
        for document_id, kind, is_busy, question, answer, metadata, labels in rows
    }


async def list_contents(
    tx: Tx, base_id: KnowledgeBaseId, *, kinds: Sequence[str], after: UUID | None, limit: int
) -> list[tuple[DocumentId, str, str, FaqText | None, list[str], Mapping[str, Any]]]:
    """Return documents beyond `after`, in order of id: id, kind, title, text of a FAQ, label names, metadata."""
    sql = """
        SELECT d.id, d.kind, d.title, q.question, q.answer,
               ARRAY(SELECT l.name FROM document_labels dl
                       JOIN labels l ON l.organization_id = dl.organization_id AND l.id = dl.label_id
                      WHERE dl.organization_id = d.organization_id AND dl.document_id = d.id ORDER BY l.name),
               d.metadata
          FROM documents d
          LEFT JOIN faqs q ON q.organization_id = d.organization_id AND q.document_id = d.id
         WHERE d.organization_id = %(organization)s AND d.knowledge_base_id = %(base)s AND d.state <> 'deleting'
           AND d.kind = ANY(%(kinds)s) AND (%(after)s::uuid IS NULL OR d.id > %(after)s)
         ORDER BY d.id LIMIT %(limit)s
    """
    params = {
        "organization": tx.organization_id,
        "base": base_id,
        "kinds": list(kinds),
        "after": after,
        "limit": limit,
    }
    return [
        (document_id, kind, title, FaqText(question, answer) if question else None, labels, metadata)
        for document_id, kind, title, question, answer, labels, metadata in await tx.fetch(sql, params)
    ]


def _to_param(column: str, value: Any) -> Any:  # noqa: ANN401 -- a column
    if isinstance(value, BatchState):
        return value.value
    return Jsonb(value) if column in _JSON and value is not None else value
