"""Knowledge bases, their labels and documents, and the passages that search finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from frontdesk.access.model import DocumentKind
from frontdesk.core.ids import ChunkId, DocumentId, KnowledgeBaseId, LabelId
from frontdesk.knowledge.reading import USUAL, Reading, ReadingSettings
from frontdesk.knowledge.text import Language

DocumentState: TypeAlias = Literal["initial", "processing", "done", "failed", "deleting"]


@dataclass(frozen=True, slots=True)
class BaseSettings:
    """What a member decides about a knowledge base. The last six are kept for existing clients.

    Of these, search reads `number_of_retrieved_chunks` and `similarity_cutoff`; the others change nothing.
    """

    name: str
    description: str = ""
    reranker_model: str | None = None
    number_of_retrieved_chunks: int = 12
    sentence_window_size: int = 2
    enable_hyde: bool = False
    similarity_cutoff: float = 0.0
    enable_rerank: bool = True


class BaseChanges(TypedDict, total=False):
    """The fields of `BaseSettings` that are to be changed."""

    name: str
    description: str
    reranker_model: str | None
    number_of_retrieved_chunks: int
    sentence_window_size: int
    enable_hyde: bool
    similarity_cutoff: float
    enable_rerank: bool


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """Files, FAQs and labels, attached to assistants."""

    id: KnowledgeBaseId
    settings: BaseSettings
    embedding_model: str  # that reads it
    next_embedding_model: str | None  # that is to, once it has read every passage; None: no other
    embedding_progress: int  # percent of the passages that the next one has read
    files_count: int
    faqs_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Label:
    """A tag on documents, unique by name in its knowledge base."""

    id: LabelId
    knowledge_base_id: KnowledgeBaseId
    name: str
    created_at: datetime


class Tag(NamedTuple):
    """A label as it stands on a document."""

    id: LabelId
    name: str


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a document that is a file, as it is in service. `page_count` None: no pages, or not read yet."""

    filename: str
    file_key: str
    media_type: str
    size_bytes: int
    parser: str | None  # as an existing client named it; kept, never used
    page_count: int | None
    version: int = 1
    settings: ReadingSettings = USUAL


@dataclass(frozen=True, slots=True)
class FaqText:
    """What a document that is a FAQ says."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Document:
    """One file or one FAQ: the unit of permission. Exactly one of `file` and `faq` is there, as `kind` says."""

    id: DocumentId
    knowledge_base_id: KnowledgeBaseId
    kind: DocumentKind
    title: str  # the file's name, or the question
    state: DocumentState  # done: it can be found, though it may be read anew
    progress: int  # percent
    failure_reason: str | None  # for people; only when failed
    language: Language | None  # None until it was read
    metadata: Mapping[str, Any]
    labels: tuple[Tag, ...]  # by name
    file: FileFacts | None
    faq: FaqText | None
    created_at: datetime
    updated_at: datetime
    reading: Reading | None = None  # of a file: the latest

    @property
    def status(self) -> DocumentState:
        """What is shown: while it is read anew that, although what was in service before still answers."""
        if self.reading is None or not self.reading.is_under_way:
            return self.state
        return "initial" if self.reading.stage == "waiting" else "processing"


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file about to become a document: the key of its upload, and what the caller says about it."""

    upload_key: str
    filename: str | None = None  # None: as it was uploaded
    parser: str | None = None
    labels: Sequence["LabelWish"] = ()
    settings: ReadingSettings = USUAL


@dataclass(frozen=True, slots=True)
class LabelWish:
    """A label as a caller names it: by id, or by name."""

    id: LabelId | None
    name: str | None

    @classmethod
    def parse(cls, text: str) -> "LabelWish":
        """Read a bare text: an id if it looks like one, else a name."""
        try:
            return cls(LabelId(UUID(text)), None)
        except ValueError:
            return cls(None, text)


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Which documents of a base to list; None does not filter. `query` is part of the title, in any case."""

    kind: DocumentKind
    query: str | None = None
    label: LabelId | None = None
    state: DocumentState | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage of a file: the unit of search."""

    id: ChunkId
    document_id: DocumentId
    filename: str
    position: int
    text: str
    page_number: int | None
    language: Language


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage made ready for search, not stored yet."""

    text: str
    page_number: int | None
    language: Language
    terms: Mapping[str, int]  # how often each term counts
    vector: NDArray[np.float32]
    model: str  # that made the vector

    @property
    def term_count(self) -> int:
        """The length of the passage as the text leg sees it."""
        return sum(self.terms.values())
