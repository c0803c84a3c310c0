"""Writes what was decided of the rows of a batch, all within the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from frontdesk.access.queries import raise_scope_version
from frontdesk.core.db import Tx
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId, new_id
from frontdesk.core.jobs import enqueue
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.knowledge import chunk_queries, document_queries, queries
from frontdesk.knowledge.batch_model import BatchOutcome, Content, Step
from frontdesk.knowledge.document_queries import NewDocument
from frontdesk.knowledge.model import FaqText, Passage
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller


async def write_steps(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, steps: Sequence[Step], passages: Mapping[FaqText, Passage]
) -> list[Step]:
    """Create, change and delete as decided; return the steps, those that create with the id of the new document."""
    written = []
    names = await _name_labels(tx, base_id, steps)
    for step in steps:
        done = step
        if step.outcome is BatchOutcome.CREATED and step.new is not None:
            done = await _create(tx, caller, base_id, step, step.new, passages)
        elif step.outcome is BatchOutcome.UPDATED and step.document_id is not None and step.new is not None:
            await _update(tx, caller, base_id, step, passages)
            await _record_update(tx, caller, step, names)
        elif step.outcome is BatchOutcome.DELETED and step.document_id is not None and step.old is not None:
            payload = {"kind": "faq" if step.old.faq else "file"}
            await audit.record(tx, caller, "document.deleted", "document", step.document_id, payload=payload)
        written.append(done)
    gone = [step.document_id for step in steps if step.outcome is BatchOutcome.DELETED and step.document_id is not None]
    if gone:
        await document_queries.hide_documents(tx, gone, now=utc_now())
        await enqueue(tx, "knowledge.documents_removed", lock=f"removal:{base_id}", base_id=base_id)
    changed = [step for step in written if step.outcome not in {BatchOutcome.UNCHANGED, BatchOutcome.ERROR}]
    if changed:
        await raise_scope_version(tx)
        await announce(tx, Event("document", base_id))
    return written


async def _create(
    tx: Tx,
    caller: Caller,
    base_id: KnowledgeBaseId,
    step: Step,
    new: Content,
    passages: Mapping[FaqText, Passage],
) -> Step:
    if new.faq is None:
        raise ValueError(step)
    document_id = step.document_id or DocumentId(new_id())
    await document_queries.delete_hidden(tx, document_id)  # one that comes back before a job removed it
    document = NewDocument(document_id, base_id, "faq", new.faq.question, "processing")
    await document_queries.insert_document(tx, document, now=utc_now())
    await document_queries.upsert_faq(tx, document_id, new.faq)
    await chunk_queries.replace_passages(tx, document_id, [passages[new.faq]], now=utc_now())
    if new.labels:
        await document_queries.replace_labels(tx, base_id, document_id, sorted(new.labels))
    if new.metadata:
        await document_queries.update_metadata(tx, document_id, dict(new.metadata), now=utc_now())
    payload = {"title": new.faq.question}
    await audit.record(tx, caller, "document.created", "document", document_id, payload=payload)
    return replace(step, document_id=document_id)


async def _update(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, step: Step, passages: Mapping[FaqText, Passage]
) -> None:
    document_id, old, new = step.document_id, step.old, step.new
    if document_id is None or old is None or new is None:
        raise ValueError(step)
    if step.new_text is not None:
        await document_queries.update_title(tx, document_id, step.new_text.question, now=utc_now())
        await document_queries.upsert_faq(tx, document_id, step.new_text)
        await chunk_queries.replace_passages(tx, document_id, [passages[step.new_text]], now=utc_now())
        payload = {"title": step.new_text.question}
        await audit.record(tx, caller, "document.updated", "document", document_id, payload=payload)
    if new.metadata != old.metadata:
        await document_queries.update_metadata(tx, document_id, dict(new.metadata), now=utc_now())
    if new.labels != old.labels:
        await document_queries.replace_labels(tx, base_id, document_id, sorted(new.labels))


async def _record_update(tx: Tx, caller: Caller, step: Step, names: Mapping[LabelId, str]) -> None:
    if step.old is None or step.new is None or step.old.labels == step.new.labels:
        return
    before, after = (sorted(names.get(label, "") for label in one.labels) for one in (step.old, step.new))
    payload = {"labels": {"before": before, "after": after}}
    await audit.record(tx, caller, "document.labelled", "document", step.document_id, payload=payload)


async def _name_labels(tx: Tx, base_id: KnowledgeBaseId, steps: Sequence[Step]) -> dict[LabelId, str]:
    contents = [content for step in steps for content in (step.old, step.new) if content is not None]
    ids = sorted({label for content in contents for label in content.labels})
    return {label.id: label.name for label in await queries.find_labels(tx, base_id, ids=ids, names=[])}
