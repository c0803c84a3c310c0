"""What is done with knowledge bases and labels."""

from dataclasses import replace
from typing import Final

from frontdesk.access.queries import raise_scope_version
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import KnowledgeBaseId, LabelId, new_id
from frontdesk.core.inputs import clean_line, clean_name, clean_text
from frontdesk.core.jobs import enqueue
from frontdesk.core.text import utc_now
from frontdesk.knowledge import document_queries, queries
from frontdesk.knowledge.access import access_base, access_label
from frontdesk.knowledge.errors import DocumentBusy
from frontdesk.knowledge.model import BaseChanges, BaseSettings, KnowledgeBase, Label
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

MAX_DESCRIPTION: Final = 2_000
_MOST_CHUNKS: Final = 100


# --- knowledge bases ---


async def create_knowledge_base(tx: Tx, caller: Caller, changes: BaseChanges, *, embedding_model: str) -> KnowledgeBase:
    """Make an empty knowledge base; `embedding_model` is the name of the model that will read it.

    Right: knowledge.edit. Raises InvalidRequest.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    settings = _clean(replace(BaseSettings(""), **changes))
    base_id = KnowledgeBaseId(new_id())
    await queries.insert_base(tx, base_id, settings, embedding_model=embedding_model, now=utc_now())
    await audit.record(tx, caller, "knowledge_base.created", "knowledge_base", base_id, payload={"name": settings.name})
    return await access_base(tx, caller, base_id)


async def update_knowledge_base(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, changes: BaseChanges
) -> KnowledgeBase:
    """Change what is given. Right: knowledge.edit. Raises NotFound and InvalidRequest."""
    caller.require(Right.KNOWLEDGE_EDIT)
    old = await access_base(tx, caller, base_id)
    settings = _clean(replace(old.settings, **changes))
    if settings == old.settings:
        return old
    await queries.update_base(tx, base_id, settings, now=utc_now())
    names = {"before": old.settings.name, "after": settings.name}
    await audit.record(tx, caller, "knowledge_base.updated", "knowledge_base", base_id, payload={"name": names})
    return await access_base(tx, caller, base_id)


async def delete_knowledge_base(tx: Tx, caller: Caller, base_id: KnowledgeBaseId) -> None:
    """Delete the knowledge base with all that is in it: gone for every reader at once, removed by a job.

    Right: knowledge.edit. Raises NotFound, and DocumentBusy while one of its files is being read.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    base = await access_base(tx, caller, base_id)
    await queries.hide_base(tx, base_id, now=utc_now())
    busy = await document_queries.find_busy(tx, base_id)
    if busy is not None:
        raise DocumentBusy(facts={"id": str(busy)})
    await document_queries.hide_documents_of(tx, base_id, now=utc_now())
    await enqueue(tx, "knowledge.documents_removed", lock=f"removal:{base_id}", base_id=base_id)
    payload = {"name": base.settings.name, "files": base.files_count, "faqs": base.faqs_count}
    await audit.record(tx, caller, "knowledge_base.deleted", "knowledge_base", base_id, payload=payload)
    await raise_scope_version(tx)


def _clean(settings: BaseSettings) -> BaseSettings:
    if not 1 <= settings.number_of_retrieved_chunks <= _MOST_CHUNKS:
        raise InvalidRequest(f"From 1 to {_MOST_CHUNKS}.", pointer="/numberOfRetrievedChunks")
    if not 0 <= settings.similarity_cutoff <= 1:
        raise InvalidRequest("From 0 to 1.", pointer="/similarityCutoff")
    model = settings.reranker_model
    return replace(
        settings,
        name=clean_name(settings.name),
        description=clean_text(settings.description, pointer="/description", max_length=MAX_DESCRIPTION),
        reranker_model=None if model is None else clean_line(model, pointer="/rerankerModel"),
    )


# --- labels ---


async def create_label(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, name: str) -> Label:
    """Make a label that no document carries yet. Right: knowledge.edit. Raises NotFound and LabelNameTaken."""
    caller.require(Right.KNOWLEDGE_EDIT)
    await access_base(tx, caller, base_id)
    label = Label(LabelId(new_id()), base_id, clean_name(name), utc_now())
    await queries.insert_label(tx, label)
    await audit.record(tx, caller, "label.created", "label", label.id, payload={"name": label.name})
    return label


async def rename_label(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, label_id: LabelId, name: str) -> Label:
    """Give the label another name; conditions name it by id and mean what they meant.

    Right: knowledge.edit. Raises NotFound and LabelNameTaken.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    old = await access_label(tx, caller, base_id, label_id)
    label = replace(old, name=clean_name(name))
    await queries.update_label(tx, label)
    payload = {"name": {"before": old.name, "after": label.name}}
    await audit.record(tx, caller, "label.updated", "label", label_id, payload=payload)
    return label


async def delete_label(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, label_id: LabelId) -> None:
    """Take the label from all documents and delete it: what only it opened is closed.

    Right: knowledge.edit. Raises NotFound.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    label = await access_label(tx, caller, base_id, label_id)
    await queries.delete_label(tx, label_id)
    await audit.record(tx, caller, "label.deleted", "label", label_id, payload={"name": label.name})
    await raise_scope_version(tx)
