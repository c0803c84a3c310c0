"""What the REST API of knowledge bases, labels and search reads and writes."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import Field, Json

from frontdesk.core.wire import LenientModel, PageOf, Time, WireModel
from frontdesk.knowledge.document_bodies import SourceBody
from frontdesk.knowledge.model import BaseChanges, KnowledgeBase, Label
from frontdesk.knowledge.search import Hit

_SETTINGS = tuple(BaseChanges.__annotations__)


# --- knowledge bases ---


class KnowledgeBaseBody(WireModel):
    """A knowledge base."""

    twins: ClassVar[tuple[str, ...]] = ("created_at", "updated_at", "files_count")

    id: UUID
    name: str
    description: str
    embedding_model: str
    next_embedding_model: str | None
    embedding_progress: int
    reranker_model: str | None
    number_of_retrieved_chunks: int
    sentence_window_size: int
    enable_hyde: bool
    similarity_cutoff: float
    enable_rerank: bool
    files_count: int
    faqs_count: int
    created_at: Time
    updated_at: Time

    @classmethod
    def of(cls, base: KnowledgeBase) -> Self:
        """Render a knowledge base."""
        return cls(
            id=base.id,
            embedding_model=base.embedding_model,
            next_embedding_model=base.next_embedding_model,
            embedding_progress=base.embedding_progress,
            files_count=base.files_count,
            faqs_count=base.faqs_count,
            created_at=base.created_at,
            updated_at=base.updated_at,
            **{name: getattr(base.settings, name) for name in _SETTINGS},
        )


class KnowledgeBasePage(PageOf):
    """One page of knowledge bases."""

    results: Sequence[KnowledgeBaseBody]


class ChangeKnowledgeBaseBody(LenientModel):
    """What to change of a knowledge base; absent keys stay as they are.

    `embeddingModel` is one of those installed. It reads the knowledge base once it has read every passage
    (`nextEmbeddingModel`, `embeddingProgress`); naming the present one stops that.
    """

    name: str = ""
    description: str = ""
    embedding_model: str | None = None
    reranker_model: str | None = None
    number_of_retrieved_chunks: int = Field(12, ge=1, le=100)
    sentence_window_size: int = Field(2, ge=0, le=100)
    enable_hyde: bool = False
    similarity_cutoff: float = Field(0.0, ge=0, le=1)
    enable_rerank: bool = True

    def to_changes(self) -> BaseChanges:
        """Return only what was sent."""
        changes = BaseChanges()
        changes.update({name: getattr(self, name) for name in _SETTINGS if name in self.model_fields_set})  # type: ignore[typeddict-item]
        return changes


# --- labels ---


class LabelBody(WireModel):
    """A label of a knowledge base."""

    id: UUID
    name: str
    created_at: Time

    @classmethod
    def of(cls, label: Label) -> Self:
        """Render a label."""
        return cls(id=label.id, name=label.name, created_at=label.created_at)


class LabelPage(PageOf):
    """One page of labels."""

    results: Sequence[LabelBody]


class LabelNameBody(LenientModel):
    """The name of a label."""

    name: str


# --- search ---


class SearchBody(WireModel):
    """A question to passages. `queryMetadata` can only narrow what is searched; with `contact`, only what it may read.

    Strict, unlike the other bodies: a condition that is ignored would show more than was asked for.
    """

    query: str = Field(min_length=1, max_length=10_000)
    top_k: int | None = Field(None, ge=1, le=100)
    contact: UUID | None = None
    query_metadata: dict[str, Any] | None = None


class SearchQuery(SearchBody):
    """The same as query parameters; `queryMetadata` is JSON."""

    query_metadata: Json[dict[str, Any]] | None = None


class HitBody(WireModel):
    """A passage that was found. `chatbotFile` is never null: a FAQ stands there under its question."""

    twins: ClassVar[tuple[str, ...]] = ("chatbot_file", "page_number")

    text: str
    score: float
    chatbot_file: SourceBody
    page_number: int | None

    @classmethod
    def of(cls, hit: Hit) -> Self:
        """Render a hit."""
        return cls(
            text=hit.text,
            score=hit.score,
            chatbot_file=SourceBody(id=hit.document_id, filename=hit.title),
            page_number=hit.page_number,
        )
