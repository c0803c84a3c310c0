"""Writing FAQs and passages by hand. They are searchable when the call returns: reading one takes a few milliseconds.

The model reads before the transaction begins, so these functions open their own. (Files take longer: a job reads them.)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from frontdesk.access.queries import raise_scope_version
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import ChunkId, DocumentId, KnowledgeBaseId, new_id
from frontdesk.core.inputs import clean_text
from frontdesk.core.live import Event, announce
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.knowledge import chunk_queries, document_queries
from frontdesk.knowledge.access import access_base, access_chunk, access_document
from frontdesk.knowledge.document_actions import Warnings, record_labels, set_labels
from frontdesk.knowledge.document_queries import NewDocument
from frontdesk.knowledge.errors import DocumentBusy
from frontdesk.knowledge.ingest import prepare_faq, prepare_passage
from frontdesk.knowledge.model import Chunk, Document, FaqText, LabelWish, Passage
from frontdesk.knowledge.parsing import RawPassage
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

MAX_QUESTION: Final = 1_000
MAX_ANSWER: Final = 10_000
MAX_PASSAGE: Final = 4_000


@dataclass(frozen=True, slots=True)
class FaqChanges:
    """What is to be written of a FAQ; None stays as it is."""

    question: str | None = None
    answer: str | None = None
    labels: Sequence[LabelWish] | None = None

    def apply(self, faq: FaqText) -> FaqText:
        """Return what the FAQ says then."""
        return FaqText(
            faq.question if self.question is None else self.question, faq.answer if self.answer is None else self.answer
        )


async def create_faq(
    services: Services, caller: Caller, base_id: KnowledgeBaseId, faq: FaqText, labels: Sequence[LabelWish] = ()
) -> tuple[Document, Warnings]:
    """Make a FAQ; return it with remarks on unknown labels. Right: knowledge.edit. Raises NotFound, InvalidRequest."""
    caller.require(Right.KNOWLEDGE_EDIT)
    clean = _clean(faq)
    passage = await prepare_faq(services.embedder, clean)
    document_id = DocumentId(new_id())
    async with services.db.begin(caller.organization_id) as tx:
        await access_base(tx, caller, base_id)
        new = NewDocument(document_id, base_id, "faq", clean.question, "processing")
        await document_queries.insert_document(tx, new, now=utc_now())
        await document_queries.upsert_faq(tx, document_id, clean)
        await chunk_queries.replace_passages(tx, document_id, [passage], now=utc_now())
        warnings, _ = await set_labels(tx, base_id, document_id, labels, at="/labels")
        await audit.record(tx, caller, "document.created", "document", document_id, payload={"title": clean.question})
        await announce(tx, Event("document", document_id))
        return await access_document(tx, caller, base_id, document_id, "faq"), warnings


async def update_faq(
    services: Services, caller: Caller, base_id: KnowledgeBaseId, document_id: DocumentId, changes: FaqChanges
) -> tuple[Document, Warnings]:
    """Change what is given, labels included, at once. Right: knowledge.edit. Raises NotFound and InvalidRequest."""
    caller.require(Right.KNOWLEDGE_EDIT)
    async with services.db.begin(caller.organization_id) as tx:
        old = await access_document(tx, caller, base_id, document_id, "faq")
    while True:
        faq = _clean(changes.apply(_text_of(old)))
        passage = await prepare_faq(services.embedder, faq)
        async with services.db.begin(caller.organization_id) as tx:
            await document_queries.lock_documents(tx, [document_id])
            present = await access_document(tx, caller, base_id, document_id, "faq")
            if present.faq == old.faq:
                warnings = await _write(tx, caller, present, faq, passage, changes.labels)
                return await access_document(tx, caller, base_id, document_id, "faq"), warnings
        old = present  # somebody else wrote while the model read: begin again with that


async def edit_chunk(
    services: Services, caller: Caller, base_id: KnowledgeBaseId, chunk_id: ChunkId, text: str
) -> Chunk:
    """Replace the text of a file's passage, until the file is read again.

    Right: knowledge.edit. Raises NotFound, InvalidRequest, and DocumentBusy while the file is being read.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    clean = _require(clean_text(text, pointer="/text", max_length=MAX_PASSAGE), "/text")
    async with services.db.begin(caller.organization_id) as tx:
        page_number = (await access_chunk(tx, caller, base_id, chunk_id)).page_number
    passage = await prepare_passage(services.embedder, RawPassage(page_number, clean))
    async with services.db.begin(caller.organization_id) as tx:
        chunk = await _lock_chunk(tx, caller, base_id, chunk_id)
        await chunk_queries.update_chunk(tx, chunk, passage)
        await audit.record(tx, caller, "document.edited", "document", chunk.document_id)
        return await access_chunk(tx, caller, base_id, chunk_id)


async def delete_chunk(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, chunk_id: ChunkId) -> None:
    """Remove a file's passage, until the file is read again. Right, errors: as `edit_chunk`."""
    caller.require(Right.KNOWLEDGE_EDIT)
    chunk = await _lock_chunk(tx, caller, base_id, chunk_id)
    await chunk_queries.delete_chunk(tx, chunk)
    await audit.record(tx, caller, "document.edited", "document", chunk.document_id)
    await raise_scope_version(tx)


async def _lock_chunk(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, chunk_id: ChunkId) -> Chunk:
    chunk = await access_chunk(tx, caller, base_id, chunk_id)
    states = await document_queries.lock_documents(tx, [chunk.document_id])
    if states.get(chunk.document_id) in {"initial", "processing"}:
        raise DocumentBusy(facts={"id": str(chunk.document_id)})
    return await access_chunk(tx, caller, base_id, chunk_id)  # as it is now that nobody else writes


async def _write(
    tx: Tx, caller: Caller, old: Document, faq: FaqText, passage: Passage, labels: Sequence[LabelWish] | None
) -> Warnings:
    if faq != old.faq:
        await document_queries.update_title(tx, old.id, faq.question, now=utc_now())
        await document_queries.upsert_faq(tx, old.id, faq)
        await chunk_queries.replace_passages(tx, old.id, [passage], now=utc_now())
        await audit.record(tx, caller, "document.updated", "document", old.id, payload={"title": faq.question})
        await announce(tx, Event("document", old.id))
    warnings: Warnings = ()
    if labels is not None:
        warnings, is_relabelled = await set_labels(tx, old.knowledge_base_id, old.id, labels, at="/labels")
        if is_relabelled:
            await record_labels(tx, caller, old)
    await raise_scope_version(tx)
    return warnings


def _text_of(document: Document) -> FaqText:
    if document.faq is None:
        raise NotFound
    return document.faq


def _clean(faq: FaqText) -> FaqText:
    question = clean_text(faq.question, pointer="/question", max_length=MAX_QUESTION)
    answer = clean_text(faq.answer, pointer="/answer", max_length=MAX_ANSWER)
    return FaqText(_require(question, "/question"), _require(answer, "/answer"))


def _require(text: str, pointer: str) -> str:
    if not text:
        raise InvalidRequest("Write something here.", pointer=pointer)
    return text
