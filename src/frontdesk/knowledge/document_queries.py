"""SQL on documents: files and FAQs, their labels and states. Those that are being deleted are absent everywhere."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.access.model import DocumentKind
from frontdesk.core.db import Row, Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.knowledge.model import Document, DocumentFilter, DocumentState, FaqText, FileFacts, Tag
from frontdesk.knowledge.reading import FileVersion, Reading, ReadingSettings

_DOCUMENT = """
    SELECT d.id, d.knowledge_base_id, d.kind, d.title, d.state, d.progress, d.failure_reason, d.language, d.metadata,
           (SELECT jsonb_agg(jsonb_build_array(l.id, l.name) ORDER BY l.name) FROM document_labels dl
              JOIN labels l ON l.organization_id = dl.organization_id AND l.id = dl.label_id
             WHERE dl.organization_id = d.organization_id AND dl.document_id = d.id),
           d.created_at, d.updated_at, q.question, q.answer,
           f.filename, f.file_key, f.media_type, f.size_bytes, f.parser, f.page_count, f.version, f.settings,
           r.id, r.version, r.settings, r.stage, r.passages_done, r.passages_total, r.failure_reason, r.attempts
      FROM documents d
      LEFT JOIN document_files f ON f.organization_id = d.organization_id AND f.document_id = d.id
      LEFT JOIN file_readings r ON r.organization_id = d.organization_id AND r.document_id = d.id
      LEFT JOIN faqs q ON q.organization_id = d.organization_id AND q.document_id = d.id
"""
_STATUS = """
    CASE r.stage WHEN 'waiting' THEN 'initial' WHEN 'parsing' THEN 'processing' WHEN 'embedding' THEN 'processing'
                 ELSE d.state END
"""
_IN_BASE = """
     WHERE d.organization_id = %(organization)s AND d.knowledge_base_id = %(base)s AND d.state <> 'deleting'
       AND d.kind = %(kind)s
"""


async def list_documents(
    tx: Tx, base_id: KnowledgeBaseId, wanted: DocumentFilter, *, limit: int, offset: int
) -> tuple[list[Document], int]:
    """Return a page of a knowledge base's documents, the newest first, and how many there are."""
    conditions = {
        "query": "AND strpos(lower(d.title), lower(%(query)s)) > 0",
        "state": f"AND %(state)s IN ({_STATUS}, CASE r.stage WHEN 'failed' THEN 'failed' END)",
        "label": """AND EXISTS (SELECT FROM document_labels dl WHERE dl.organization_id = d.organization_id
                                   AND dl.document_id = d.id AND dl.label_id = %(label)s)""",
    }
    params = {**asdict(wanted), "organization": tx.organization_id, "base": base_id, "limit": limit, "offset": offset}
    where = _IN_BASE + " ".join(sql for name, sql in conditions.items() if params[name] is not None)
    rows = await tx.fetch(f"{_DOCUMENT} {where} ORDER BY d.id DESC LIMIT %(limit)s OFFSET %(offset)s", params)
    readings = "LEFT JOIN file_readings r ON r.organization_id = d.organization_id AND r.document_id = d.id"
    count = await tx.fetch_value(f"SELECT count(*) FROM documents d {readings} {where}", params)
    return [_to_document(row) for row in rows], int(count)


async def list_document_ids(tx: Tx, base_id: KnowledgeBaseId, kind: DocumentKind, *, limit: int) -> list[DocumentId]:
    """Return the ids of the files or FAQs of a knowledge base, at most `limit`."""
    params = {"organization": tx.organization_id, "base": base_id, "kind": kind, "limit": limit}
    rows = await tx.fetch(f"SELECT d.id FROM documents d {_IN_BASE} ORDER BY d.id LIMIT %(limit)s", params)
    return [DocumentId(row[0]) for row in rows]


async def find_document(
    tx: Tx, base_id: KnowledgeBaseId, document_id: DocumentId, kind: DocumentKind
) -> Document | None:
    """Return the document; None when the knowledge base has no such file or FAQ."""
    found = await find_documents(tx, base_id, [document_id], kind)
    return found[0] if found else None


async def find_documents(
    tx: Tx, base_id: KnowledgeBaseId, document_ids: Sequence[DocumentId] | None, kind: DocumentKind
) -> list[Document]:
    """Return those of `document_ids` that the knowledge base has, in order of id; None asks for all."""
    listed = "AND d.id = ANY(%(ids)s::uuid[])" if document_ids is not None else ""
    params = {"organization": tx.organization_id, "base": base_id, "kind": kind, "ids": list(document_ids or ())}
    rows = await tx.fetch(f"{_DOCUMENT} {_IN_BASE} {listed} ORDER BY d.id", params)
    return [_to_document(row) for row in rows]


async def lock_documents(tx: Tx, document_ids: Sequence[DocumentId]) -> dict[DocumentId, DocumentState]:
    """Wait until nobody else changes these documents; return the status of each that exists, as it is shown."""
    params = {"organization": tx.organization_id, "ids": list(document_ids)}
    lock = """
        SELECT id FROM documents
         WHERE organization_id = %(organization)s AND id = ANY(%(ids)s::uuid[]) AND state <> 'deleting'
         ORDER BY id FOR UPDATE
    """
    await tx.execute(lock, params)
    sql = f"""
        SELECT d.id, {_STATUS} FROM documents d
          LEFT JOIN file_readings r ON r.organization_id = d.organization_id AND r.document_id = d.id
         WHERE d.organization_id = %(organization)s AND d.id = ANY(%(ids)s::uuid[]) AND d.state <> 'deleting'
    """  # read after the wait: a join in the first statement could show what was before it
    return dict(await tx.fetch(sql, params))


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document about to be stored."""

    id: DocumentId
    knowledge_base_id: KnowledgeBaseId
    kind: DocumentKind
    title: str
    state: DocumentState


async def insert_document(tx: Tx, document: NewDocument, *, now: datetime) -> None:
    """Store a document without its content. Raises NotFound when its knowledge base is being deleted."""
    is_stored = await tx.execute(
        """
        INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, created_at, updated_at)
        SELECT b.organization_id, %(id)s, b.id, %(kind)s, %(title)s, %(state)s, %(now)s, %(now)s
          FROM knowledge_bases b
         WHERE b.organization_id = %(organization)s AND b.id = %(knowledge_base_id)s AND b.deleted_at IS NULL
           FOR SHARE
        """,
        {**asdict(document), "organization": tx.organization_id, "now": now},
    )
    if not is_stored:
        raise NotFound


async def upsert_file(tx: Tx, document_id: DocumentId, version: FileVersion, settings: ReadingSettings) -> None:
    """Store which version of a file is in service, and how it was, or is to be, read."""
    await tx.execute(
        """
        INSERT INTO document_files
               (organization_id, document_id, filename, file_key, media_type, size_bytes, sha256, version, settings)
        VALUES (%(organization)s, %(document)s, %(filename)s, %(file_key)s, %(media_type)s, %(size_bytes)s, %(sha256)s,
                %(number)s, %(settings)s)
            ON CONFLICT (organization_id, document_id) DO UPDATE
           SET filename = excluded.filename, file_key = excluded.file_key, media_type = excluded.media_type,
               size_bytes = excluded.size_bytes, sha256 = excluded.sha256, version = excluded.version,
               settings = excluded.settings
        """,
        {
            **asdict(version),
            "organization": tx.organization_id,
            "document": document_id,
            "settings": Jsonb(settings.to_json()),
        },
    )


async def upsert_faq(tx: Tx, document_id: DocumentId, faq: FaqText) -> None:
    """Store what a FAQ says."""
    await tx.execute(
        """
        INSERT INTO faqs (organization_id, document_id, question, answer)
        VALUES (%(organization)s, %(document)s, %(question)s, %(answer)s)
            ON CONFLICT (organization_id, document_id) DO UPDATE
           SET question = excluded.question, answer = excluded.answer
        """,
        {**asdict(faq), "organization": tx.organization_id, "document": document_id},
    )


async def update_title(tx: Tx, document_id: DocumentId, title: str, *, now: datetime) -> None:
    """Store another title."""
    await _update(tx, document_id, "title = %(title)s, updated_at = %(now)s", title=title, now=now)


async def update_metadata(tx: Tx, document_id: DocumentId, metadata: dict[str, Any], *, now: datetime) -> None:
    """Store the caller's own metadata."""
    await _update(tx, document_id, "metadata = %(metadata)s, updated_at = %(now)s", metadata=Jsonb(metadata), now=now)


async def update_parser(tx: Tx, document_id: DocumentId, parser: str) -> None:
    """Store which parser an existing client named."""
    sql = """
        UPDATE document_files SET parser = %(parser)s
         WHERE organization_id = %(organization)s AND document_id = %(document)s
    """
    await tx.execute(sql, {"organization": tx.organization_id, "document": document_id, "parser": parser})


async def update_unread(
    tx: Tx, document_id: DocumentId, state: DocumentState, *, now: datetime, failure_reason: str | None = None
) -> None:
    """Move a document to another state that nobody has read yet; one that is in service stays so."""
    sql = """
        UPDATE documents SET state = %(state)s, failure_reason = %(reason)s, progress = 0, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(document)s AND state IN ('initial', 'processing', 'failed')
    """
    params = {"organization": tx.organization_id, "document": document_id, "state": state, "now": now}
    await tx.execute(sql, {**params, "reason": failure_reason})


async def replace_labels(
    tx: Tx, base_id: KnowledgeBaseId, document_id: DocumentId, label_ids: Sequence[LabelId]
) -> bool:
    """Give the document exactly these labels of its knowledge base; return whether anything changed."""
    params = {"organization": tx.organization_id, "base": base_id, "document": document_id, "labels": list(label_ids)}
    removed = await tx.execute(
        """
        DELETE FROM document_labels
         WHERE organization_id = %(organization)s AND document_id = %(document)s AND label_id <> ALL(%(labels)s::uuid[])
        """,
        params,
    )
    added = await tx.execute(
        """
        INSERT INTO document_labels (organization_id, document_id, label_id, knowledge_base_id)
        SELECT %(organization)s, %(document)s, wanted, %(base)s FROM unnest(%(labels)s::uuid[]) AS wanted
            ON CONFLICT DO NOTHING
        """,
        params,
    )
    return bool(removed or added)


async def find_busy(tx: Tx, base_id: KnowledgeBaseId) -> DocumentId | None:
    """Return a document of the knowledge base that is being read; None when there is none."""
    sql = f"""
        SELECT d.id FROM documents d
          LEFT JOIN file_readings r ON r.organization_id = d.organization_id AND r.document_id = d.id
         WHERE d.organization_id = %(organization)s AND d.knowledge_base_id = %(base)s AND d.state <> 'deleting'
           AND {_STATUS} = 'processing'
         LIMIT 1
    """
    busy: DocumentId | None = await tx.fetch_value(sql, {"organization": tx.organization_id, "base": base_id})
    return busy


async def hide_documents_of(tx: Tx, base_id: KnowledgeBaseId, *, now: datetime) -> None:
    """Take all documents of the knowledge base away from every reader; a job removes them."""
    sql = """
        UPDATE documents SET state = 'deleting', updated_at = %(now)s
         WHERE organization_id = %(organization)s AND knowledge_base_id = %(base)s AND state <> 'deleting'
    """
    await tx.execute(sql, {"organization": tx.organization_id, "base": base_id, "now": now})


async def hide_documents(tx: Tx, document_ids: Sequence[DocumentId], *, now: datetime) -> None:
    """Take the documents away from every reader; a job removes them."""
    sql = """
        UPDATE documents SET state = 'deleting', updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = ANY(%(ids)s::uuid[])
    """
    await tx.execute(sql, {"organization": tx.organization_id, "ids": list(document_ids), "now": now})


async def find_hidden(tx: Tx, base_id: KnowledgeBaseId) -> tuple[DocumentId, list[str]] | None:
    """Return a document of the knowledge base that waits to be removed, and the keys of its files: of a FAQ none."""
    sql = """
        SELECT d.id, ARRAY(SELECT v.file_key FROM file_versions v
                            WHERE v.organization_id = d.organization_id AND v.document_id = d.id)
          FROM documents d
         WHERE d.organization_id = %(organization)s AND d.knowledge_base_id = %(base)s AND d.state = 'deleting'
         LIMIT 1
    """
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "base": base_id})
    return (DocumentId(row[0]), row[1]) if row else None


async def delete_hidden(tx: Tx, document_id: DocumentId) -> None:
    """Remove a document that waits for it, with its passages."""
    sql = """
        DELETE FROM documents
         WHERE organization_id = %(organization)s AND id = %(document)s AND state = 'deleting'
    """
    await tx.execute(sql, {"organization": tx.organization_id, "document": document_id})


async def _update(tx: Tx, document_id: DocumentId, change: str, **values: object) -> None:
    sql = f"UPDATE documents SET {change} WHERE organization_id = %(organization)s AND id = %(document)s"
    await tx.execute(sql, {**values, "organization": tx.organization_id, "document": document_id})


def _to_document(row: Row) -> Document:
    document_id, base_id, kind, title, state, progress, reason, language, metadata, labels, *rest = row
    created_at, updated_at, question, answer, *facts = rest
    reading = _to_reading(facts[8:]) if kind == "file" else None
    return Document(
        id=document_id,
        knowledge_base_id=base_id,
        kind=kind,
        title=title,
        state=state,
        progress=reading.percent if reading and reading.is_under_way else progress,
        failure_reason=reason,
        language=language,
        metadata=metadata,
        labels=tuple(Tag(LabelId(UUID(label_id)), name) for label_id, name in labels or ()),
        file=_to_file(facts[:8]) if kind == "file" else None,
        faq=FaqText(question, answer) if kind == "faq" else None,
        created_at=created_at,
        updated_at=updated_at,
        reading=reading,
    )


def _to_file(row: Sequence[Any]) -> FileFacts:
    name, key, media_type, size, parser, page_count, version, settings = row
    return FileFacts(name, key, media_type, size, parser, page_count, version, ReadingSettings.of(settings))


def _to_reading(row: Sequence[Any]) -> Reading:
    reading_id, version, settings, *rest = row
    return Reading(reading_id, version, ReadingSettings.of(settings), *rest)
