"""SQL on knowledge bases and labels."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, fields
from datetime import datetime

from psycopg.errors import UniqueViolation

from frontdesk.core.db import Row, Tx
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.knowledge.errors import LabelNameTaken
from frontdesk.knowledge.model import BaseSettings, KnowledgeBase, Label

_SETTINGS = """name, description, reranker_model, number_of_retrieved_chunks, sentence_window_size, enable_hyde,
               similarity_cutoff, enable_rerank"""
_BASE = f"""
    SELECT b.id, {", ".join(f"b.{column.strip()}" for column in _SETTINGS.split(","))}, b.embedding_model,
           b.next_embedding_model, b.embedding_progress,
           count(d.id) FILTER (WHERE d.kind = 'file'), count(d.id) FILTER (WHERE d.kind = 'faq'),
           b.created_at, b.updated_at
      FROM knowledge_bases b
      LEFT JOIN documents d
        ON d.organization_id = b.organization_id AND d.knowledge_base_id = b.id AND d.state <> 'deleting'
     WHERE b.organization_id = %(organization)s AND b.deleted_at IS NULL
"""


# --- knowledge bases ---


async def list_bases(tx: Tx, *, limit: int, offset: int) -> tuple[list[KnowledgeBase], int]:
    """Return a page of the knowledge bases by name, and how many there are."""
    params = {"organization": tx.organization_id, "limit": limit, "offset": offset}
    sql = f"{_BASE} GROUP BY b.organization_id, b.id ORDER BY b.name, b.id LIMIT %(limit)s OFFSET %(offset)s"
    count = "SELECT count(*) FROM knowledge_bases WHERE organization_id = %(organization)s AND deleted_at IS NULL"
    return [_to_base(row) for row in await tx.fetch(sql, params)], int(await tx.fetch_value(count, params))


async def find_base(tx: Tx, base_id: KnowledgeBaseId) -> KnowledgeBase | None:
    """Return the knowledge base; None when there is none, or when it is being deleted."""
    sql = f"{_BASE} AND b.id = %(id)s GROUP BY b.organization_id, b.id"
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": base_id})
    return _to_base(row) if row else None


async def insert_base(
    tx: Tx, base_id: KnowledgeBaseId, settings: BaseSettings, *, embedding_model: str, now: datetime
) -> None:
    """Store a new knowledge base."""
    await tx.execute(
        f"""
        INSERT INTO knowledge_bases (organization_id, id, {_SETTINGS}, embedding_model, created_at, updated_at)
        VALUES (%(organization)s, %(id)s, %(name)s, %(description)s, %(reranker_model)s,
                %(number_of_retrieved_chunks)s, %(sentence_window_size)s, %(enable_hyde)s, %(similarity_cutoff)s,
                %(enable_rerank)s, %(embedding_model)s, %(now)s, %(now)s)
        """,
        {
            **asdict(settings),
            "organization": tx.organization_id,
            "id": base_id,
            "embedding_model": embedding_model,
            "now": now,
        },
    )


async def update_base(tx: Tx, base_id: KnowledgeBaseId, settings: BaseSettings, *, now: datetime) -> None:
    """Store all of `settings`."""
    await tx.execute(
        """
        UPDATE knowledge_bases
           SET name = %(name)s, description = %(description)s, reranker_model = %(reranker_model)s,
               number_of_retrieved_chunks = %(number_of_retrieved_chunks)s,
               sentence_window_size = %(sentence_window_size)s, enable_hyde = %(enable_hyde)s,
               similarity_cutoff = %(similarity_cutoff)s, enable_rerank = %(enable_rerank)s, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s
        """,
        {**asdict(settings), "organization": tx.organization_id, "id": base_id, "now": now},
    )


async def hide_base(tx: Tx, base_id: KnowledgeBaseId, *, now: datetime) -> None:
    """Take the knowledge base itself away from every reader; nobody can put anything into it any more."""
    sql = "UPDATE knowledge_bases SET deleted_at = %(now)s WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": base_id, "now": now})


async def delete_hidden_base(tx: Tx, base_id: KnowledgeBaseId) -> int:
    """Remove a hidden knowledge base with its labels and what is left of its documents; return 0 when it is gone."""
    sql = """
        DELETE FROM knowledge_bases
         WHERE organization_id = %(organization)s AND id = %(id)s AND deleted_at IS NOT NULL
    """
    return await tx.execute(sql, {"organization": tx.organization_id, "id": base_id})


# --- labels ---


async def list_labels(
    tx: Tx, base_id: KnowledgeBaseId, *, limit: int | None = None, offset: int = 0
) -> tuple[list[Label], int]:
    """Return a page of the labels of a knowledge base by name, and how many there are; all without a limit."""
    params = {"organization": tx.organization_id, "base": base_id, "limit": limit, "offset": offset}
    where = "FROM labels WHERE organization_id = %(organization)s AND knowledge_base_id = %(base)s"
    columns = "id, knowledge_base_id, name, created_at"
    page = f"SELECT {columns} {where} ORDER BY name, id LIMIT %(limit)s OFFSET %(offset)s"
    return await tx.fetch_as(Label, page, params), int(await tx.fetch_value(f"SELECT count(*) {where}", params))


async def find_names(
    tx: Tx, *, base_ids: Collection[KnowledgeBaseId], label_ids: Collection[LabelId]
) -> tuple[dict[KnowledgeBaseId, str], dict[LabelId, str]]:
    """Map those knowledge bases and labels that exist to their names."""
    params = {"organization": tx.organization_id, "bases": list(base_ids), "labels": list(label_ids)}
    bases = await tx.fetch(
        """
        SELECT id, name FROM knowledge_bases
         WHERE organization_id = %(organization)s AND id = ANY(%(bases)s::uuid[]) AND deleted_at IS NULL
        """,
        params,
    )
    labels = await tx.fetch(
        "SELECT id, name FROM labels WHERE organization_id = %(organization)s AND id = ANY(%(labels)s::uuid[])", params
    )
    return dict(bases), dict(labels)


async def find_label(tx: Tx, base_id: KnowledgeBaseId, label_id: LabelId) -> Label | None:
    """Return the label; None when the knowledge base has no such label."""
    sql = """
        SELECT id, knowledge_base_id, name, created_at FROM labels
         WHERE organization_id = %(organization)s AND knowledge_base_id = %(base)s AND id = %(id)s
    """
    return await tx.fetch_one_as(Label, sql, {"organization": tx.organization_id, "base": base_id, "id": label_id})


async def find_labels(tx: Tx, base_id: KnowledgeBaseId, *, ids: Sequence[LabelId], names: Sequence[str]) -> list[Label]:
    """Return the labels of the knowledge base that have one of `ids` or one of `names`."""
    sql = """
        SELECT id, knowledge_base_id, name, created_at FROM labels
         WHERE organization_id = %(organization)s AND knowledge_base_id = %(base)s
           AND (id = ANY(%(ids)s::uuid[]) OR name = ANY(%(names)s::text[]))
    """
    params = {"organization": tx.organization_id, "base": base_id, "ids": list(ids), "names": list(names)}
    return await tx.fetch_as(Label, sql, params)


async def count_labelled(tx: Tx, base_id: KnowledgeBaseId) -> dict[LabelId, int]:
    """Map each label of the knowledge base that documents carry to how many do."""
    sql = """
        SELECT dl.label_id, count(*) FROM document_labels dl
          JOIN documents d ON d.organization_id = dl.organization_id AND d.id = dl.document_id AND d.state <> 'deleting'
         WHERE dl.organization_id = %(organization)s AND dl.knowledge_base_id = %(base)s
         GROUP BY dl.label_id
    """
    return dict(await tx.fetch(sql, {"organization": tx.organization_id, "base": base_id}))


async def insert_label(tx: Tx, label: Label) -> None:
    """Store a new label. Raises LabelNameTaken."""
    sql = """
        INSERT INTO labels (organization_id, id, knowledge_base_id, name, created_at)
        VALUES (%(organization)s, %(id)s, %(knowledge_base_id)s, %(name)s, %(created_at)s)
    """
    async with _unless_name_taken(tx):
        await tx.execute(sql, {**asdict(label), "organization": tx.organization_id})


async def update_label(tx: Tx, label: Label) -> None:
    """Store the label's name. Raises LabelNameTaken."""
    sql = "UPDATE labels SET name = %(name)s WHERE organization_id = %(organization)s AND id = %(id)s"
    async with _unless_name_taken(tx):
        await tx.execute(sql, {"organization": tx.organization_id, "id": label.id, "name": label.name})


async def delete_label(tx: Tx, label_id: LabelId) -> None:
    """Take the label from all documents and delete it."""
    sql = "DELETE FROM labels WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": label_id})


# ---


def _to_base(row: Row) -> KnowledgeBase:
    settings = 1 + len(fields(BaseSettings))
    return KnowledgeBase(row[0], BaseSettings(*row[1:settings]), *row[settings:])


@asynccontextmanager
async def _unless_name_taken(tx: Tx) -> AsyncIterator[None]:
    try:
        async with tx.savepoint():
            yield
    except UniqueViolation as error:
        raise LabelNameTaken(pointer="/name") from error
