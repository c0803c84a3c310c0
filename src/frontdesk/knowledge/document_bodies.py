"""What the REST API of documents reads and writes: files, FAQs, and the passages of files."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator

from frontdesk.access.bodies import WarningBody, render_warnings
from frontdesk.access.warnings import AccessWarning
from frontdesk.core.ids import DocumentId
from frontdesk.core.media import EXTENSIONS
from frontdesk.core.wire import LenientModel, PageOf, Time, WireModel
from frontdesk.knowledge.document_actions import Reparse
from frontdesk.knowledge.model import Chunk, Document, FaqText, LabelWish, NewFile
from frontdesk.knowledge.version_bodies import ReadingBody, ReadingSettingsBody
from frontdesk.knowledge.writing import FaqChanges


class TagBody(WireModel):
    """A label as it stands on a document."""

    id: UUID
    name: str


def _to_wish(raw: object) -> object:
    """Read a label as clients write it: its id, its name, `{id}` or `{name}`."""
    if isinstance(raw, dict):
        label_id, name = raw.get("id"), raw.get("name")
        return LabelWish.parse(str(label_id)) if label_id else LabelWish(None, str(name or ""))
    return LabelWish.parse(raw) if isinstance(raw, str) else raw


LabelWishField = Annotated[LabelWish, BeforeValidator(_to_wish)]


# --- files ---


class FileBody(WireModel):
    """A file. `status` done: it can be found; failed: `failureReason` says why not.

    While it is read anew, `status` says so, and what it said before goes on answering: that is `version`, read as
    `settings` say. `reading` is the latest reading; if that failed, `reading.failureReason` says why.
    """

    twins: ClassVar[tuple[str, ...]] = ("created_at", "updated_at", "file_size", "file_type")

    id: UUID
    filename: str
    status: str
    progress: int
    failure_reason: str | None
    file_type: str
    size: int
    file_size: int
    page_count: int | None
    parser: str | None
    version: int
    settings: ReadingSettingsBody
    reading: ReadingBody | None
    language: str | None
    labels: Sequence[TagBody]
    raw_user_define_metadata: dict[str, Any]
    created_at: Time
    updated_at: Time
    warnings: Sequence[WarningBody] = ()

    @classmethod
    def of(cls, document: Document, warnings: Sequence[AccessWarning] = ()) -> Self:
        """Render a document that is a file."""
        file = document.file
        if file is None:
            raise ValueError(document.kind)
        return cls(
            id=document.id,
            filename=file.filename,
            status=document.status,
            progress=document.progress,
            failure_reason=document.failure_reason,
            file_type=EXTENSIONS.get(file.media_type, ""),
            size=file.size_bytes,
            file_size=file.size_bytes,
            page_count=file.page_count,
            parser=file.parser,
            version=file.version,
            settings=ReadingSettingsBody.of(file.settings),
            reading=ReadingBody.of(document.reading) if document.reading else None,
            language=document.language,
            labels=[TagBody(id=label.id, name=label.name) for label in document.labels],
            raw_user_define_metadata=dict(document.metadata),
            created_at=document.created_at,
            updated_at=document.updated_at,
            warnings=render_warnings(warnings),
        )


class FilePage(PageOf):
    """One page of files."""

    results: Sequence[FileBody]


class NewFileBody(LenientModel):
    """An uploaded file to be read: `file` is the key of its upload."""

    file: str
    filename: str | None = None
    parser: str | None = None
    labels: list[LabelWishField] = Field(default_factory=list, max_length=100)
    settings: ReadingSettingsBody = Field(default_factory=ReadingSettingsBody)

    def to_new_file(self) -> NewFile:
        """Return what the action takes."""
        return NewFile(self.file, self.filename, self.parser, self.labels, self.settings.to_settings())


class NewFilesBody(LenientModel):
    """Uploaded files to be read."""

    files: list[NewFileBody] = Field(min_length=1, max_length=100)


class ReparseBody(LenientModel):
    """A file to be read again. Without `settings` as it was read last."""

    id: UUID
    parser: str | None = None
    settings: ReadingSettingsBody | None = None

    def to_reparse(self) -> Reparse:
        """Return what the action takes."""
        return Reparse(DocumentId(self.id), self.parser, self.settings.to_settings() if self.settings else None)


class MetadataBody(LenientModel):
    """Labels and the caller's own metadata; absent keys stay as they are."""

    labels: list[LabelWishField] | None = Field(None, max_length=100)
    raw_user_define_metadata: dict[str, Any] | None = None


class IdsBody(LenientModel):
    """Which documents; `all` takes every one, and an empty list none."""

    ids: list[UUID] = Field(default_factory=list, max_length=10_000)
    all: bool = False

    def to_ids(self) -> list[DocumentId] | None:
        """Return the ids; None for all."""
        return None if self.all and not self.ids else [DocumentId(one) for one in self.ids]


# --- FAQs ---


class FaqBody(WireModel):
    """A FAQ."""

    id: UUID
    question: str
    answer: str
    language: str | None
    labels: Sequence[TagBody]
    raw_user_define_metadata: dict[str, Any]
    created_at: Time
    updated_at: Time
    warnings: Sequence[WarningBody] = ()

    @classmethod
    def of(cls, document: Document, warnings: Sequence[AccessWarning] = ()) -> Self:
        """Render a document that is a FAQ."""
        faq = document.faq
        if faq is None:
            raise ValueError(document.kind)
        return cls(
            id=document.id,
            question=faq.question,
            answer=faq.answer,
            language=document.language,
            labels=[TagBody(id=label.id, name=label.name) for label in document.labels],
            raw_user_define_metadata=dict(document.metadata),
            created_at=document.created_at,
            updated_at=document.updated_at,
            warnings=render_warnings(warnings),
        )


class FaqPage(PageOf):
    """One page of FAQs."""

    results: Sequence[FaqBody]


class NewFaqBody(LenientModel):
    """A new FAQ."""

    question: str
    answer: str
    labels: list[LabelWishField] = Field(default_factory=list, max_length=100)

    def to_text(self) -> FaqText:
        """Return what the FAQ says."""
        return FaqText(self.question, self.answer)


class ChangeFaqBody(LenientModel):
    """What to change of a FAQ; absent keys stay as they are."""

    question: str | None = None
    answer: str | None = None
    labels: list[LabelWishField] | None = Field(None, max_length=100)

    def to_changes(self) -> FaqChanges:
        """Return what the action takes."""
        return FaqChanges(self.question, self.answer, self.labels)


# --- passages ---


class SourceBody(WireModel):
    """The file or FAQ that a passage is of."""

    id: UUID
    filename: str


class ChunkBody(WireModel):
    """One passage of a file."""

    twins: ClassVar[tuple[str, ...]] = ("chatbot_file", "page_number")

    id: UUID
    text: str
    position: int
    page_number: int | None
    language: str
    chatbot_file: SourceBody

    @classmethod
    def of(cls, chunk: Chunk) -> Self:
        """Render a passage."""
        return cls(
            id=chunk.id,
            text=chunk.text,
            position=chunk.position,
            page_number=chunk.page_number,
            language=chunk.language,
            chatbot_file=SourceBody(id=chunk.document_id, filename=chunk.filename),
        )


class ChunkPage(PageOf):
    """One page of passages."""

    results: Sequence[ChunkBody]


class ChunkTextBody(LenientModel):
    """Another text for a passage; `content` is another name of `text`."""

    text: str = ""
    content: str = ""

    @model_validator(mode="after")
    def _take_content(self) -> Self:
        self.text = self.text or self.content
        return self
