"""What the REST API of readings and versions of files reads and writes."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from frontdesk.core.media import EXTENSIONS
from frontdesk.core.wire import LenientModel, PageOf, Time, WireModel
from frontdesk.knowledge.model import NewFile
from frontdesk.knowledge.reading import (
    HIGHEST_NUMBER,
    LONGEST_PASSAGE,
    SHORTEST_PASSAGE,
    FileVersion,
    Reading,
    ReadingSettings,
)


class ReadingSettingsBody(WireModel):
    """How a file is cut into passages; what does not fit its kind has no effect. Null: as is usual for its language.

    Strict: a misspelt setting would be one without effect.
    """

    passage_length: int | None = Field(None, ge=SHORTEST_PASSAGE, le=LONGEST_PASSAGE)
    overlap: int = Field(0, ge=0, le=LONGEST_PASSAGE // 2)
    keep_structure: bool = False
    split_by_page: bool = True
    charset: str | None = None

    @classmethod
    def of(cls, settings: ReadingSettings) -> Self:
        """Render settings."""
        return cls.model_validate(settings.to_json())

    def to_settings(self) -> ReadingSettings:
        """Return what the action takes."""
        return ReadingSettings.of(self.model_dump())


class ReadingBody(WireModel):
    """The latest reading of a file. `stage`: waiting, parsing, embedding, done, failed.

    `failureReason` says why it failed, or, while it is waiting, why it will be tried again.
    """

    version: int
    settings: ReadingSettingsBody
    stage: str
    passages_done: int
    passages_total: int
    failure_reason: str | None

    @classmethod
    def of(cls, reading: Reading) -> Self:
        """Render a reading."""
        return cls(
            version=reading.version,
            settings=ReadingSettingsBody.of(reading.settings),
            stage=reading.stage,
            passages_done=reading.passages_done,
            passages_total=reading.passages_total,
            failure_reason=reading.failure_reason,
        )


class NewVersionBody(LenientModel):
    """Another content for a file: `file` is the key of its upload."""

    file: str
    filename: str | None = None

    def to_new_file(self) -> NewFile:
        """Return what the action takes."""
        return NewFile(self.file, self.filename)


class RestoreVersionBody(LenientModel):
    """Which version is to be in service again."""

    number: int = Field(ge=1, le=HIGHEST_NUMBER)


class VersionBody(WireModel):
    """A version of a file. `isInService`: answers are given from it."""

    number: int
    filename: str
    file_type: str
    size: int
    sha256: str
    added_by: str | None
    added_at: Time
    is_in_service: bool

    @classmethod
    def of(cls, version: FileVersion, *, in_service: int | None) -> Self:
        """Render a version; `in_service` None: no version of the file is."""
        return cls(
            number=version.number,
            filename=version.filename,
            file_type=EXTENSIONS.get(version.media_type, ""),
            size=version.size_bytes,
            sha256=version.sha256.hex(),
            added_by=version.added_by,
            added_at=version.added_at,
            is_in_service=version.number == in_service,
        )


class VersionPage(PageOf):
    """One page of versions."""

    results: Sequence[VersionBody]
