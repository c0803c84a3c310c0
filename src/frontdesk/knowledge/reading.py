"""How a file is read, how far that is, and the versions of a file. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from frontdesk.core.ids import DocumentId
from frontdesk.core.media import CSV, HTML, MARKDOWN, PDF, PLAIN, PPTX

Stage: TypeAlias = Literal["waiting", "parsing", "embedding", "done", "failed"]

PASSAGE_LENGTH: Final = {"en": 400, "zh": 200}  # characters, about a paragraph; a Chinese one says as much as two
SHORTEST_PASSAGE, LONGEST_PASSAGE = 100, 2_000  # characters
HIGHEST_NUMBER: Final = 2**31 - 1  # of a version
CHARSETS: Final = {  # as people call them, and as Python does
    "utf-8": "utf-8-sig",
    "utf-16": "utf-16",
    "big5": "big5hkscs",
    "gb18030": "gb18030",
    "shift_jis": "cp932",
    "euc-kr": "cp949",
    "windows-1252": "windows-1252",
}
PAGED: Final = frozenset({PDF, PPTX})  # of the others, what the parser calls pages is not what a reader sees
OF_TEXT: Final = frozenset({HTML, MARKDOWN, CSV, PLAIN})  # whose bytes mean nothing without a charset
UNSTRUCTURED: Final = frozenset({PDF, PLAIN})  # of which the parser gives text alone

_PARSED: Final = 20  # percent of the work; the rest is embedding


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """How a file is cut into passages. What does not fit its kind has no effect."""

    passage_length: int | None = None  # characters; None: as `PASSAGE_LENGTH` has it for the language
    overlap: int = 0  # characters that a passage repeats of the one before it
    keep_structure: bool = False  # headings and tables stay recognisable, as Markdown; else plain text
    split_by_page: bool = True  # no passage goes beyond its page
    charset: str | None = None  # a key of `CHARSETS`; None: told by the content

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "ReadingSettings":
        """Read what `to_json` wrote, or an earlier release; what is missing is the default."""
        return cls(**stored)

    def to_json(self) -> dict[str, Any]:
        """Return what is to be stored."""
        return asdict(self)

    def length_for(self, language: str) -> int:
        """Return how long a passage may be."""
        return self.passage_length or PASSAGE_LENGTH[language]


USUAL: Final = ReadingSettings()


@dataclass(frozen=True, slots=True)
class Reading:
    """The latest reading of a file, under way or over; what is in service may be older."""

    id: UUID
    version: int
    settings: ReadingSettings
    stage: Stage
    passages_done: int
    passages_total: int  # 0: not known yet
    failure_reason: str | None  # for people. Failed: why; waiting: why it is tried again
    attempts: int

    @property
    def is_under_way(self) -> bool:
        """Whether it will still come to an end by itself."""
        return self.stage in {"waiting", "parsing", "embedding"}

    @property
    def percent(self) -> int:
        """How far it is."""
        if self.stage in {"waiting", "failed"}:
            return 0
        if self.stage == "parsing":
            return _PARSED // 4
        return _PARSED + (100 - _PARSED) * self.passages_done // max(self.passages_total, 1)


@dataclass(frozen=True, slots=True)
class FileVersion:
    """One content of a file; the first has number 1. It never changes."""

    document_id: DocumentId
    number: int
    filename: str
    file_key: str
    media_type: str
    size_bytes: int
    sha256: bytes
    added_by: str | None  # the caller's reference; None: nobody noted it
    added_at: datetime
