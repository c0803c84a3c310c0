"""Asking the worker for vectors that passages lack."""

from frontdesk.core.db import Tx
from frontdesk.core.ids import DocumentId, KnowledgeBaseId
from frontdesk.core.jobs import enqueue
from frontdesk.knowledge.embedding_queries import find_reader


async def ask_for_vectors(tx: Tx, base_id: KnowledgeBaseId) -> None:
    """Have every passage of the knowledge base read by the models that it wants, by one job after the other."""
    await enqueue(tx, "knowledge.vectors_wanted", lock=f"embedding:{base_id}", base_id=base_id)


async def ask_for_other_vectors(tx: Tx, document_id: DocumentId, *, has: str) -> None:
    """Ask if the document's knowledge base wants vectors of a model other than `has`, which its passages come with."""
    base_id = await find_reader(tx, document_id, has=has)
    if base_id is not None:
        await ask_for_vectors(tx, base_id)
