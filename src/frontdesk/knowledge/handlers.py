"""What the worker does for knowledge: reads files, removes what was deleted, forgets uploads that nobody used."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog

from frontdesk.core.db import Tx
from frontdesk.core.handlers import Handler
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, OrganizationId, UploadId
from frontdesk.core.live import Event, announce
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import delete_upload, find_unused
from frontdesk.knowledge import chunk_queries, document_queries, queries
from frontdesk.knowledge.ingest import prepare_passage
from frontdesk.knowledge.model import FileFacts, Passage
from frontdesk.knowledge.parsing import Limits, ParsedFile, ParseFailed, parse_file

LIMITS: Final = Limits()

_PARSED: Final = 20  # percent of the work; the rest is embedding
_STEP: Final = 5  # percent; smaller progress is not told
_MISSING: Final = "The file is missing in the store."
_BROKEN: Final = "Something went wrong while the file was read. Try again."
_log = structlog.get_logger(__name__)


async def on_document_added(services: Services, organization_id: OrganizationId, document_id: UUID) -> None:
    """Read a file and make it searchable. Safe to repeat: what an interrupted run did is done again.

    Nothing of the file changes in search before the one transaction at the end. A file that cannot be read becomes
    `failed`, with the reason.
    """
    document = DocumentId(document_id)
    async with services.db.begin(organization_id) as tx:
        file = await _claim(tx, document)
    if file is None:
        return
    try:
        await _read(services, organization_id, document, file)
    except ParseFailed as error:
        await _fail(services, organization_id, document, str(error))
    except Exception:
        await _fail(services, organization_id, document, _BROKEN)
        raise


async def _read(services: Services, organization_id: OrganizationId, document_id: DocumentId, file: FileFacts) -> None:
    parsed = await _parse(services, file)
    passages = await _prepare(services, organization_id, document_id, parsed)
    async with services.db.begin(organization_id) as tx:
        if await _is_ours(tx, document_id):
            pages = parsed.page_count
            await chunk_queries.replace_passages(tx, document_id, passages, page_count=pages, now=utc_now())
            await announce(tx, Event("document", document_id))


async def _claim(tx: Tx, document_id: DocumentId) -> FileFacts | None:
    """Take a file into work, one that a dead worker left in work, too; None when there is nothing to do."""
    states = await document_queries.lock_documents(tx, [document_id])
    file = await document_queries.find_file(tx, document_id)
    if file is None or states.get(document_id) not in {"initial", "processing"}:
        return None
    await document_queries.update_state(tx, document_id, "processing", now=utc_now())
    await announce(tx, Event("document", document_id))
    return file


async def _parse(services: Services, file: FileFacts) -> ParsedFile:
    try:
        content = await services.files.read(file.file_key)
    except FileNotFoundError as error:
        raise ParseFailed(_MISSING) from error
    return await parse_file(content, file.media_type, LIMITS)


async def _prepare(
    services: Services, organization_id: OrganizationId, document_id: DocumentId, parsed: ParsedFile
) -> Sequence[Passage]:
    """Embed each passage alone; tell how far it is."""
    passages: list[Passage] = []
    told = 0
    for index, raw in enumerate(parsed.passages):
        percent = _PARSED + (100 - _PARSED) * index // len(parsed.passages)
        if percent >= told + _STEP:
            told = percent
            async with services.db.begin(organization_id) as tx:
                await document_queries.update_progress(tx, document_id, percent)
                await announce(tx, Event("document", document_id))
        passages.append(await prepare_passage(services.embedder, raw))
    return passages


async def _fail(services: Services, organization_id: OrganizationId, document_id: DocumentId, reason: str) -> None:
    _log.info("document.failed", document_id=str(document_id), reason=reason)
    async with services.db.begin(organization_id) as tx:
        if await _is_ours(tx, document_id):
            await document_queries.update_state(tx, document_id, "failed", failure_reason=reason, now=utc_now())
            await announce(tx, Event("document", document_id))


async def _is_ours(tx: Tx, document_id: DocumentId) -> bool:
    return (await document_queries.lock_documents(tx, [document_id])).get(document_id) == "processing"


async def on_documents_removed(services: Services, organization_id: OrganizationId, base_id: UUID) -> None:
    """Remove the documents of a knowledge base that were deleted, each with its file; then the base, if it was too."""
    base = KnowledgeBaseId(base_id)
    while True:
        async with services.db.begin(organization_id) as tx:
            hidden = await document_queries.find_hidden(tx, base)
        if hidden is None:
            break
        document_id, file_key = hidden
        if file_key is not None:
            await services.files.delete(file_key)
        async with services.db.begin(organization_id) as tx:
            await document_queries.delete_hidden(tx, document_id)
    async with services.db.begin(organization_id) as tx:
        await queries.delete_hidden_base(tx, base)


async def on_upload_issued(services: Services, organization_id: OrganizationId, upload_id: UUID) -> None:
    """Remove an upload that nobody redeemed in time: its file first, so that a run cut short can be repeated."""
    async with services.db.begin(organization_id) as tx:
        key = await find_unused(tx, UploadId(upload_id))
    if key is None:
        return
    await services.files.delete(key)
    async with services.db.begin(organization_id) as tx:
        await delete_upload(tx, key)


HANDLERS: dict[str, Handler] = {
    "knowledge.document_added": on_document_added,
    "knowledge.documents_removed": on_documents_removed,
    "core.upload_issued": on_upload_issued,
}
