"""Batches: one change of many documents, out of a file or for all that match, which can be checked and taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal, NewType, Self, TypeAlias
from uuid import UUID

from frontdesk.access.model import DocumentKind
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.core.sheets import Fault
from frontdesk.knowledge.model import FaqText, LabelWish

BatchId = NewType("BatchId", UUID)
SheetFormat: TypeAlias = Literal["csv", "xlsx", "ndjson", "json"]
LabelHow: TypeAlias = Literal["set", "add", "remove"]
MetadataHow: TypeAlias = Literal["set", "merge", "remove"]


class BatchKind(StrEnum):
    """Where a batch comes from."""

    FAQS = "faqs"  # a file of questions and answers
    LABELS = "labels"  # a file of documents with their labels and metadata
    EDIT = "edit"  # all documents that matched


class BatchState(StrEnum):
    """Where a batch stands."""

    UPLOADED = "uploaded"
    CHECKING = "checking"  # a dry run
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"  # what was written until then stays, and can be undone
    UNDOING = "undoing"
    UNDONE = "undone"


WORKING: Final = frozenset({BatchState.CHECKING, BatchState.RUNNING, BatchState.UNDOING})


class BatchOutcome(StrEnum):
    """What becomes of a row."""

    WAITING = "waiting"
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is stored. `done_count` rows are dealt with; `counts` say how, and add up to it."""

    id: BatchId
    knowledge_base_id: KnowledgeBaseId
    kind: BatchKind
    filename: str
    format: str
    file_key: str | None  # None: there is none, or not any more
    columns: list[str]
    samples: list[list[Any]]
    mapping: dict[str, str]  # column: target
    options: dict[str, Any]
    state: BatchState
    total_count: int | None
    done_count: int
    counts: dict[str, int]
    checked: dict[str, int] | None
    undone: dict[str, int]
    failure: str | None
    actor_kind: str
    actor_id: UUID
    actor_name: str
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", BatchKind(self.kind))
        object.__setattr__(self, "state", BatchState(self.state))


# --- what a row says ---


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Which labels a document shall have, get or lose."""

    how: LabelHow
    labels: tuple[LabelWish, ...]


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """What the metadata of a document shall be, which keys it gets, or (the keys of `values`) loses."""

    how: MetadataHow
    values: Mapping[str, Any]

    def apply(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return the metadata as it is then."""
        if self.how == "set":
            return dict(self.values)
        if self.how == "merge":
            return {**metadata, **self.values}
        return {key: value for key, value in metadata.items() if key not in self.values}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one document; None is not said. Without an id: the FAQ with this question, or a new one."""

    number: int
    document_id: DocumentId | None = None
    question: str | None = None
    answer: str | None = None
    labels: LabelChange | None = None
    metadata: MetadataChange | None = None
    deletes: bool = False

    def for_row(self, number: int, document_id: DocumentId) -> Self:
        """Return the same of another document."""
        return replace(self, number=number, document_id=document_id)


# --- what becomes of it ---


@dataclass(frozen=True, slots=True)
class Content:
    """All of a document that batches change. `faq` None: it is a file."""

    faq: FaqText | None
    labels: frozenset[LabelId]
    metadata: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return what `of` reads."""
        labels = sorted(str(label) for label in self.labels)
        return {"faq": self.faq and asdict(self.faq), "labels": labels, "metadata": dict(self.metadata)}

    @classmethod
    def of(cls, raw: Mapping[str, Any] | None) -> Self | None:
        """Return what `to_json` was asked of; None for None."""
        if raw is None:
            return None
        faq = FaqText(**raw["faq"]) if raw["faq"] else None
        return cls(faq, frozenset(LabelId(UUID(label)) for label in raw["labels"]), raw["metadata"])


@dataclass(frozen=True, slots=True)
class Present:
    """A document as it is now."""

    id: DocumentId
    kind: DocumentKind
    is_busy: bool  # it is being read
    content: Content


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a row: `old` None is created, `new` None deleted. `fault` of a row that is done is a remark."""

    number: int
    outcome: BatchOutcome
    document_id: DocumentId | None = None
    old: Content | None = None
    new: Content | None = None
    fault: Fault | None = None

    @property
    def new_text(self) -> FaqText | None:
        """The question and answer that are to be read by the model; None when there are none, or the same."""
        if self.new is None or self.outcome not in {BatchOutcome.CREATED, BatchOutcome.UPDATED}:
            return None
        return None if self.old is not None and self.old.faq == self.new.faq else self.new.faq


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What became of one row; `title` None: there is no such document, or not any more."""

    row_number: int
    outcome: BatchOutcome
    code: str | None
    field: str | None
    detail: str | None
    document_id: DocumentId | None
    title: str | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", BatchOutcome(self.outcome))


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """What undoing knows of one row."""

    row_number: int
    document_id: DocumentId
    old_values: dict[str, Any] | None
    new_values: dict[str, Any] | None


def add_counts(counts: Mapping[str, int], more: Sequence[str]) -> dict[str, int]:
    """Return the counts with one more for each of `more`."""
    total = dict(counts)
    for key in more:
        total[key] = total.get(key, 0) + 1
    return total
