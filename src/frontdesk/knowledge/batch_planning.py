"""Decides what becomes of each row of a batch, given the documents as they are now. Writes nothing but new labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from frontdesk.core.db import Tx
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.core.sheets import Fault
from frontdesk.knowledge import batch_queries, queries
from frontdesk.knowledge.batch_model import (
    BatchOutcome,
    Content,
    LabelChange,
    Present,
    Step,
    Wish,
    WrittenRow,
)
from frontdesk.knowledge.model import FaqText

UNKNOWN_DOCUMENT = "The knowledge base has no such document."
AMBIGUOUS = "Several FAQs ask exactly this: name one by its id."
TAKEN = "Another FAQ asks exactly this."
BUSY = "The file is being read."
NOT_A_FAQ = "This document is a file: it has no question."


@dataclass(frozen=True, slots=True)
class _Known:
    """What rows may name, as it is now."""

    present: dict[DocumentId, Present]
    by_question: dict[str, list[DocumentId]]
    by_label: dict[str, LabelId]  # by id and by name
    makes_labels: bool  # those that are missing will be made: they are no remark


async def plan(tx: Tx, base_id: KnowledgeBaseId, wishes: Sequence[Wish], *, makes_labels: bool) -> list[Step]:
    """Return what becomes of each row. `makes_labels`: unknown labels will be made before anything is written."""
    by_question = await batch_queries.find_by_questions(
        tx, base_id, {wish.question for wish in wishes if wish.question is not None}
    )
    named = {wish.document_id for wish in wishes if wish.document_id is not None}
    present = await batch_queries.find_present(tx, base_id, named.union(*by_question.values()))
    known = _Known(present, by_question, await _find_labels(tx, base_id, wishes), makes_labels)
    return [_decide(known, wish) for wish in wishes]


def list_label_names(wishes: Sequence[Wish]) -> list[str]:
    """Return the names of all labels that documents shall get."""
    changes = [wish.labels for wish in wishes if wish.labels is not None and wish.labels.how != "remove"]
    return sorted({label.name.strip() for change in changes for label in change.labels if label.name is not None})


async def _find_labels(tx: Tx, base_id: KnowledgeBaseId, wishes: Sequence[Wish]) -> dict[str, LabelId]:
    wanted = {label for wish in wishes if wish.labels is not None for label in wish.labels.labels}
    ids = [label.id for label in wanted if label.id is not None]
    names = [label.name.strip() for label in wanted if label.name is not None]
    found = await queries.find_labels(tx, base_id, ids=ids, names=names)
    return {label.name: label.id for label in found} | {str(label.id): label.id for label in found}


def _decide(known: _Known, wish: Wish) -> Step:
    document_id = wish.document_id
    asking = known.by_question.get(wish.question, []) if wish.question is not None else []
    if document_id is None:
        if len(asking) > 1:
            return _refuse(wish, "ambiguous-question", "question", AMBIGUOUS)
        document_id = asking[0] if asking else None
    elif any(other != document_id for other in asking):
        return _refuse(wish, "question-taken", "question", TAKEN)
    if document_id is None:
        new, remark = _apply(known, wish, Content(FaqText(wish.question or "", wish.answer or ""), frozenset(), {}))
        return Step(wish.number, BatchOutcome.CREATED, None, None, new, remark)
    present = known.present.get(document_id)
    if present is None:
        return _refuse(wish, "unknown-document", "id", UNKNOWN_DOCUMENT)
    return _change(known, wish, present)


def _change(known: _Known, wish: Wish, present: Present) -> Step:
    old = present.content
    if wish.deletes:
        if present.is_busy:
            return _refuse(wish, "document-busy", None, BUSY)
        return Step(wish.number, BatchOutcome.DELETED, present.id, old, None)
    if old.faq is None and (wish.question is not None or wish.answer is not None):
        return _refuse(wish, "not-a-faq", "id", NOT_A_FAQ)
    new, remark = _apply(known, wish, old)
    outcome = BatchOutcome.UNCHANGED if new == old and not _makes(known, wish) else BatchOutcome.UPDATED
    return Step(wish.number, outcome, present.id, old, new, remark)


def _apply(known: _Known, wish: Wish, content: Content) -> tuple[Content, Fault | None]:
    faq = content.faq
    if faq is not None:
        faq = FaqText(wish.question or faq.question, wish.answer or faq.answer)
    metadata = content.metadata if wish.metadata is None else wish.metadata.apply(content.metadata)
    labels, remark = content.labels, None
    if wish.labels is not None:
        labels, remark = _apply_labels(known, wish.labels, labels)
    return Content(faq, labels, metadata), remark


def _apply_labels(
    known: _Known, change: LabelChange, own: frozenset[LabelId]
) -> tuple[frozenset[LabelId], Fault | None]:
    names = [str(label.id) if label.id is not None else (label.name or "").strip() for label in change.labels]
    chosen = frozenset(known.by_label[name] for name in names if name in known.by_label)
    unknown = next((name for name in names if name not in known.by_label), None)
    labels = {"set": chosen, "add": own | chosen, "remove": own - chosen}[change.how]
    if unknown is None or (known.makes_labels and change.how != "remove"):
        return labels, None
    return labels, Fault("unknown-label", "labels", f"There is no such label. {unknown[:100]}")


def _makes(known: _Known, wish: Wish) -> bool:
    return known.makes_labels and any(name not in known.by_label for name in list_label_names([wish]))


def _refuse(wish: Wish, code: str, field: str | None, detail: str) -> Step:
    return Step(wish.number, BatchOutcome.ERROR, wish.document_id, fault=Fault(code, field, detail))


# --- taking back ---


async def plan_undo(tx: Tx, base_id: KnowledgeBaseId, rows: Sequence[WrittenRow]) -> list[Step]:
    """Return what takes these rows back; what was changed since stays: such a row is `unchanged`."""
    present = await batch_queries.find_present(tx, base_id, [row.document_id for row in rows])
    olds = [Content.of(row.old_values) for row in rows]
    questions = {old.faq.question for old in olds if old is not None and old.faq is not None}
    by_question = await batch_queries.find_by_questions(tx, base_id, questions)
    labels = {label for old in olds if old is not None for label in old.labels}
    found = await queries.find_labels(tx, base_id, ids=sorted(labels), names=[])
    kept = frozenset(label.id for label in found)
    return [_take_back(row, present.get(row.document_id), by_question, kept) for row in rows]


def _take_back(
    row: WrittenRow, now: Present | None, by_question: dict[str, list[DocumentId]], kept: frozenset[LabelId]
) -> Step:
    old, new = Content.of(row.old_values), Content.of(row.new_values)
    nothing = Step(row.row_number, BatchOutcome.UNCHANGED, row.document_id)
    if old is not None:
        old = replace(old, labels=old.labels & kept)  # a label that is gone since does not come back
    if (
        old is not None
        and old.faq is not None
        and any(x != row.document_id for x in by_question.get(old.faq.question, []))
    ):
        return nothing
    if now is None:
        is_lost = new is None and old is not None and old.faq is not None
        return Step(row.row_number, BatchOutcome.CREATED, row.document_id, None, old) if is_lost else nothing
    if new is None or (old is None and now.content != new):
        return nothing
    if old is None:
        return Step(row.row_number, BatchOutcome.DELETED, row.document_id, now.content, None)
    back = Content(
        old.faq if now.content.faq == new.faq else now.content.faq,
        old.labels if now.content.labels == new.labels else now.content.labels,
        old.metadata if now.content.metadata == new.metadata else now.content.metadata,
    )
    outcome = BatchOutcome.UNCHANGED if back == now.content else BatchOutcome.UPDATED
    return Step(row.row_number, outcome, row.document_id, now.content, back)
