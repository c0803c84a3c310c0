"""SQL on the versions of files and on their readings. Whoever writes here holds the document (`lock_documents`)."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.core.db import Tx
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, new_id
from frontdesk.knowledge.reading import FileVersion, ReadingSettings, Stage

_VERSION: Final = "document_id, number, filename, file_key, media_type, size_bytes, sha256, added_by, added_at"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A reading that somebody took into work. `attempts` counts this one."""

    id: UUID
    document_id: DocumentId
    version: FileVersion
    settings: ReadingSettings
    attempts: int


# --- versions ---


async def list_versions(
    tx: Tx, document_id: DocumentId, *, limit: int | None = None, offset: int = 0
) -> tuple[list[FileVersion], int]:
    """Return a page of the versions of a file, the newest first, and how many there are; all without a limit."""
    params = {"organization": tx.organization_id, "document": document_id, "limit": limit, "offset": offset}
    where = "FROM file_versions WHERE organization_id = %(organization)s AND document_id = %(document)s"
    page = f"SELECT {_VERSION} {where} ORDER BY number DESC LIMIT %(limit)s OFFSET %(offset)s"
    return await tx.fetch_as(FileVersion, page, params), int(await tx.fetch_value(f"SELECT count(*) {where}", params))


async def find_version(tx: Tx, document_id: DocumentId, number: int) -> FileVersion | None:
    """Return the version; None when the file has no such one."""
    sql = f"""
        SELECT {_VERSION} FROM file_versions
         WHERE organization_id = %(organization)s AND document_id = %(document)s AND number = %(number)s
    """
    params = {"organization": tx.organization_id, "document": document_id, "number": number}
    return await tx.fetch_one_as(FileVersion, sql, params)


async def insert_version(tx: Tx, version: FileVersion) -> None:
    """Store a version. Its number must be free: the caller holds the document."""
    await tx.execute(
        f"""
        INSERT INTO file_versions (organization_id, {_VERSION})
        VALUES (%(organization)s, %(document_id)s, %(number)s, %(filename)s, %(file_key)s, %(media_type)s,
                %(size_bytes)s, %(sha256)s, %(added_by)s, %(added_at)s)
        """,
        {**asdict(version), "organization": tx.organization_id},
    )


async def find_twin(
    tx: Tx, base_id: KnowledgeBaseId, sha256: bytes, *, but: DocumentId | None = None
) -> tuple[DocumentId, str] | None:
    """Return id and title of a file of the knowledge base, other than `but`, that has this content in service."""
    sql = """
        SELECT d.id, d.title FROM file_versions v
          JOIN document_files f ON f.organization_id = v.organization_id AND f.document_id = v.document_id
           AND f.version = v.number
          JOIN documents d ON d.organization_id = v.organization_id AND d.id = v.document_id
         WHERE v.organization_id = %(organization)s AND v.sha256 = %(sha256)s AND d.knowledge_base_id = %(base)s
           AND d.state <> 'deleting' AND d.id IS DISTINCT FROM %(but)s
         ORDER BY d.id LIMIT 1
    """
    params = {"organization": tx.organization_id, "base": base_id, "sha256": sha256, "but": but}
    row = await tx.fetch_one(sql, params)
    return (DocumentId(row[0]), row[1]) if row else None


# --- readings ---


async def begin_reading(
    tx: Tx, document_id: DocumentId, version: int, settings: ReadingSettings, *, now: datetime
) -> None:
    """Let this version be read next, instead of whatever was to be read; what is in service goes on answering."""
    await tx.execute(
        """
        INSERT INTO file_readings (organization_id, document_id, id, version, settings, stage, updated_at)
        VALUES (%(organization)s, %(document)s, %(id)s, %(version)s, %(settings)s, 'waiting', %(now)s)
            ON CONFLICT (organization_id, document_id) DO UPDATE
           SET id = excluded.id, version = excluded.version, settings = excluded.settings, stage = excluded.stage,
               passages_done = 0, passages_total = 0, failure_reason = NULL, attempts = 0,
               updated_at = excluded.updated_at
        """,
        {
            "organization": tx.organization_id,
            "document": document_id,
            "id": new_id(),
            "version": version,
            "settings": Jsonb(settings.to_json()),
            "now": now,
        },
    )


async def find_wanted(tx: Tx, document_id: DocumentId) -> tuple[int, ReadingSettings] | None:
    """Return the version and the settings of the latest reading; None when the document is no file."""
    sql = """
        SELECT version, settings FROM file_readings
         WHERE organization_id = %(organization)s AND document_id = %(document)s
    """
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "document": document_id})
    return (row[0], ReadingSettings.of(row[1])) if row else None


async def claim_reading(tx: Tx, document_id: DocumentId, *, now: datetime) -> Claimed | None:
    """Take a reading into work that waits, or that a dead worker left; None when there is none."""
    row = await tx.fetch_one(
        """
        UPDATE file_readings SET stage = 'parsing', attempts = attempts + 1, passages_done = 0, passages_total = 0,
               failure_reason = NULL, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND document_id = %(document)s
           AND stage IN ('waiting', 'parsing', 'embedding')
        RETURNING id, version, settings, attempts
        """,
        {"organization": tx.organization_id, "document": document_id, "now": now},
    )
    if row is None:
        return None
    reading_id, number, settings, attempts = row
    version = await find_version(tx, document_id, number)
    return Claimed(reading_id, document_id, version, ReadingSettings.of(settings), attempts) if version else None


async def is_current(tx: Tx, document_id: DocumentId, reading_id: UUID) -> bool:
    """Tell whether this reading is in work and still the one that is wanted."""
    sql = """
        SELECT id = %(id)s AND stage IN ('parsing', 'embedding') FROM file_readings
         WHERE organization_id = %(organization)s AND document_id = %(document)s
    """
    params = {"organization": tx.organization_id, "document": document_id, "id": reading_id}
    return bool(await tx.fetch_value(sql, params))


async def update_reading(
    tx: Tx,
    document_id: DocumentId,
    reading_id: UUID,
    stage: Stage,
    *,
    now: datetime,
    passages: tuple[int, int] = (0, 0),
    failure_reason: str | None = None,
) -> bool:
    """Store how far the reading is: its stage, passages done and in all; False when another one took its place."""
    sql = """
        UPDATE file_readings SET stage = %(stage)s, passages_done = %(done)s, passages_total = %(total)s,
               failure_reason = %(reason)s, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND document_id = %(document)s AND id = %(id)s
    """
    params = {
        "organization": tx.organization_id,
        "document": document_id,
        "id": reading_id,
        "stage": stage,
        "done": passages[0],
        "total": passages[1],
        "reason": failure_reason,
        "now": now,
    }
    return await tx.execute(sql, params) == 1
