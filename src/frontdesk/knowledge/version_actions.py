"""What is done with the versions of a file: a new one comes in, an old one is put back.

Its id, labels, metadata and all access stay. The version in service answers until the other one is read; then one
transaction changes them, and a version that cannot be read changes nothing.
"""

from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import DocumentId, KnowledgeBaseId
from frontdesk.knowledge import document_queries, version_queries
from frontdesk.knowledge.access import access_document
from frontdesk.knowledge.document_actions import await_reading, check_settings, redeem_version
from frontdesk.knowledge.model import Document, NewFile
from frontdesk.knowledge.reading import FileVersion
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right


async def add_version(
    tx: Tx,
    caller: Caller,
    base_id: KnowledgeBaseId,
    document_id: DocumentId,
    upload: NewFile,
) -> tuple[Document, FileVersion]:
    """Turn an upload of the caller into the newest version of a file, which a job then reads as the last one was.

    One that still waits to be read, or is being read, gives way. Labels and parser of `upload` are not looked at.

    Right: knowledge.edit. Raises NotFound, UploadSpent, UnsupportedFile and InvalidRequest.
    """
    number, document = await _lock(tx, caller, base_id, document_id)
    version = await redeem_version(
        tx, caller, document_id, upload.upload_key, filename=upload.filename, number=number + 1
    )
    await version_queries.insert_version(tx, version)
    await _read(tx, document, version)
    payload = {"title": version.filename, "version": version.number}
    await audit.record(tx, caller, "document.version_added", "document", document_id, payload=payload)
    return await access_document(tx, caller, base_id, document_id, "file"), version


async def restore_version(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, document_id: DocumentId, number: int
) -> Document:
    """Let a job read an older version, and put it in service instead of the one that is.

    Right: knowledge.edit. Raises NotFound for an unknown number, too.
    """
    _, document = await _lock(tx, caller, base_id, document_id)
    version = await version_queries.find_version(tx, document_id, number)
    if version is None:
        raise NotFound
    await _read(tx, document, version)
    payload = {"title": version.filename, "version": number}
    await audit.record(tx, caller, "document.version_restored", "document", document_id, payload=payload)
    return await access_document(tx, caller, base_id, document_id, "file")


async def access_version(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, document_id: DocumentId, number: int | None = None
) -> FileVersion:
    """Return a version of a file, the one in service if no number is given. Raises NotFound."""
    document = await access_document(tx, caller, base_id, document_id, "file")
    in_service = document.file.version if document.file else 1
    version = await version_queries.find_version(tx, document_id, in_service if number is None else number)
    if version is None:
        raise NotFound
    return version


async def _lock(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, document_id: DocumentId) -> tuple[int, Document]:
    """Return the highest number of a version, and the file as it is now that nobody else changes it."""
    caller.require(Right.KNOWLEDGE_EDIT)
    await access_document(tx, caller, base_id, document_id, "file")
    await document_queries.lock_documents(tx, [document_id])
    document = await access_document(tx, caller, base_id, document_id, "file")
    newest, _ = await version_queries.list_versions(tx, document_id, limit=1)
    return (newest[0].number if newest else 0), document


async def _read(tx: Tx, document: Document, version: FileVersion) -> None:
    if document.reading is None:
        raise NotFound
    await await_reading(tx, document.id, version.number, check_settings(document.reading.settings))
