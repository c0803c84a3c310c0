"""What the worker does for knowledge: reads files, removes what was deleted, forgets uploads that nobody used."""

import errno
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import structlog

from frontdesk.access.queries import raise_scope_version
from frontdesk.core.db import Tx
from frontdesk.core.files import StoreAway
from frontdesk.core.handlers import Handler
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, OrganizationId, UploadId
from frontdesk.core.live import Event, announce
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import delete_upload, find_unused
from frontdesk.knowledge import (
    batch_handlers,
    batch_queries,
    chunk_queries,
    document_queries,
    queries,
    reembedding,
    version_queries,
)
from frontdesk.knowledge.ingest import prepare_passage
from frontdesk.knowledge.model import Passage
from frontdesk.knowledge.parsing import Limits, ParsedFile, ParseFailed, parse_file
from frontdesk.knowledge.reading import Stage
from frontdesk.knowledge.version_queries import Claimed

LIMITS: Final = Limits()
MAX_ATTEMPTS: Final = 7  # about twenty minutes, as the worker waits in between; fewer than it would try

_STEP: Final = 5  # percent; smaller progress is not told
_MISSING: Final = "The file is missing in the store. Upload it again."
_STORE_AWAY: Final = "The store of files does not answer. Try again later."
_DISK_FULL: Final = "There is no space left on the server. Tell whoever runs it, then try again."
_BROKEN: Final = "Something went wrong while the file was read. Try again."
_INTERRUPTED: Final = "Reading the file was interrupted too often. Try again."
_log = structlog.get_logger(__name__)


async def on_document_added(services: Services, organization_id: OrganizationId, document_id: UUID) -> None:
    """Read the version of a file that is wanted, and put it in service. Safe to repeat, also after it was cut short.

    Nothing of the file changes in search before the one transaction at the end. A file that cannot be read becomes
    `failed`, with the reason, unless another version is in service. What is no fault of the file is raised, so that the
    worker tries again later; after `MAX_ATTEMPTS` it is a failure, too.
    """
    async with services.db.begin(organization_id) as tx:
        claimed = await _claim(tx, DocumentId(document_id))
    if claimed is None:
        return
    try:
        parsed = await _parse(services, claimed)
        passages = await _prepare(services, organization_id, claimed, parsed)
    except _Superseded:
        return
    except ParseFailed as error:
        await _stop(services, organization_id, claimed, "failed", str(error))
        return
    except Exception as error:
        is_last = claimed.attempts >= MAX_ATTEMPTS
        await _stop(services, organization_id, claimed, "failed" if is_last else "waiting", _excuse(error))
        raise
    async with services.db.begin(organization_id) as tx:
        await _serve(tx, claimed, passages, parsed.page_count)


class _Superseded(Exception):
    """Another version is wanted by now, or the file is gone."""


async def _claim(tx: Tx, document_id: DocumentId) -> Claimed | None:
    """Take a reading into work, one that a dead worker left in work, too; None when there is nothing to do."""
    if not await document_queries.lock_documents(tx, [document_id]):
        return None
    claimed = await version_queries.claim_reading(tx, document_id, now=utc_now())
    if claimed is None:
        return None
    if claimed.attempts > MAX_ATTEMPTS:
        await _note(tx, claimed, "failed", _INTERRUPTED)
        return None
    await document_queries.update_unread(tx, document_id, "processing", now=utc_now())
    await announce(tx, Event("document", document_id))
    return claimed


async def _parse(services: Services, claimed: Claimed) -> ParsedFile:
    try:
        content = await services.files.read(claimed.version.file_key)
    except FileNotFoundError as error:
        raise ParseFailed(_MISSING) from error
    return await parse_file(content, claimed.version.media_type, LIMITS, claimed.settings)


async def _prepare(
    services: Services, organization_id: OrganizationId, claimed: Claimed, parsed: ParsedFile
) -> Sequence[Passage]:
    """Embed each passage alone; tell how far it is. Raises _Superseded."""
    passages: list[Passage] = []
    total, told = len(parsed.passages), -_STEP
    for index, raw in enumerate(parsed.passages):
        percent = 100 * index // total
        if percent >= told + _STEP:
            told = percent
            async with services.db.begin(organization_id) as tx:
                await _advance(tx, claimed, index, total)
        passages.append(await prepare_passage(services.embedder, raw))
    return passages


async def _advance(tx: Tx, claimed: Claimed, done: int, total: int) -> None:
    passages = (done, total)
    if not await version_queries.update_reading(
        tx, claimed.document_id, claimed.id, "embedding", passages=passages, now=utc_now()
    ):
        raise _Superseded
    await announce(tx, Event("document", claimed.document_id))


async def _serve(tx: Tx, claimed: Claimed, passages: Sequence[Passage], page_count: int | None) -> None:
    """Put what was read in service, unless another version is wanted by now; nobody sees some of both."""
    document_id, count, now = claimed.document_id, len(passages), utc_now()
    await document_queries.lock_documents(tx, [document_id])
    if not await version_queries.is_current(tx, document_id, claimed.id):
        return
    await document_queries.update_title(tx, document_id, claimed.version.filename, now=now)
    await document_queries.upsert_file(tx, document_id, claimed.version, claimed.settings)
    had_others = await chunk_queries.replace_passages(tx, document_id, passages, page_count=page_count, now=now)
    await version_queries.update_reading(tx, document_id, claimed.id, "done", passages=(count, count), now=now)
    await announce(tx, Event("document", document_id))
    if had_others:
        await raise_scope_version(tx)


async def _stop(
    services: Services, organization_id: OrganizationId, claimed: Claimed, stage: Stage, reason: str
) -> None:
    """Note that the reading came to no end, for good (`failed`) or until it is tried again (`waiting`)."""
    async with services.db.begin(organization_id) as tx:
        await document_queries.lock_documents(tx, [claimed.document_id])
        if await version_queries.is_current(tx, claimed.document_id, claimed.id):
            await _note(tx, claimed, stage, reason)


async def _note(tx: Tx, claimed: Claimed, stage: Stage, reason: str) -> None:
    document_id, now = claimed.document_id, utc_now()
    _log.info("document.unread", document_id=str(document_id), stage=stage, reason=reason, attempts=claimed.attempts)
    await version_queries.update_reading(tx, document_id, claimed.id, stage, failure_reason=reason, now=now)
    if stage == "failed":
        await document_queries.update_unread(tx, document_id, "failed", failure_reason=reason, now=now)
    else:
        await document_queries.update_unread(tx, document_id, "initial", now=now)
    await announce(tx, Event("document", document_id))


def _excuse(error: Exception) -> str:
    """Say for people what came between."""
    if isinstance(error, StoreAway):
        return _STORE_AWAY
    return _DISK_FULL if isinstance(error, OSError) and error.errno == errno.ENOSPC else _BROKEN


async def on_documents_removed(services: Services, organization_id: OrganizationId, base_id: UUID) -> None:
    """Remove the documents of a knowledge base that were deleted, each with its file; then the base, if it was too."""
    base = KnowledgeBaseId(base_id)
    while True:
        async with services.db.begin(organization_id) as tx:
            hidden = await document_queries.find_hidden(tx, base)
        if hidden is None:
            break
        document_id, file_keys = hidden
        for file_key in file_keys:
            await services.files.delete(file_key)
        async with services.db.begin(organization_id) as tx:
            await document_queries.delete_hidden(tx, document_id)
    async with services.db.begin(organization_id) as tx:
        kept = await batch_queries.list_files(tx, base) if await queries.find_base(tx, base) is None else []
    for file_key in kept:
        await services.files.delete(file_key)
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
    **batch_handlers.HANDLERS,
    **reembedding.HANDLERS,
    "knowledge.document_added": on_document_added,
    "knowledge.documents_removed": on_documents_removed,
    "core.upload_issued": on_upload_issued,
}
