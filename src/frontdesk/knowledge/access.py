"""The only way to a knowledge base, label, document or passage on behalf of a caller: seen, or NotFound."""

from frontdesk.access.model import DocumentKind
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ChunkId, DocumentId, KnowledgeBaseId, LabelId
from frontdesk.knowledge import chunk_queries, document_queries, queries
from frontdesk.knowledge.model import Chunk, Document, KnowledgeBase, Label
from frontdesk.organizations.model import Caller, Right


async def access_base(tx: Tx, caller: Caller, base_id: KnowledgeBaseId) -> KnowledgeBase:
    """Return the knowledge base. Whoever may view or edit knowledge sees all of the organization's."""
    if not caller.may(Right.KNOWLEDGE_VIEW) and not caller.may(Right.KNOWLEDGE_EDIT):
        raise NotFound
    base = await queries.find_base(tx, base_id)
    if base is None:
        raise NotFound
    return base


async def access_label(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, label_id: LabelId) -> Label:
    """Return a label of this knowledge base."""
    await access_base(tx, caller, base_id)
    label = await queries.find_label(tx, base_id, label_id)
    if label is None:
        raise NotFound
    return label


async def access_document(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, document_id: DocumentId, kind: DocumentKind
) -> Document:
    """Return a file or FAQ of this knowledge base."""
    await access_base(tx, caller, base_id)
    document = await document_queries.find_document(tx, base_id, document_id, kind)
    if document is None:
        raise NotFound
    return document


async def access_chunk(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, chunk_id: ChunkId) -> Chunk:
    """Return a passage of a file of this knowledge base."""
    await access_base(tx, caller, base_id)
    chunk = await chunk_queries.find_chunk(tx, base_id, chunk_id)
    if chunk is None:
        raise NotFound
    return chunk
