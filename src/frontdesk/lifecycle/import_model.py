"""What an import is: its states, what becomes of each row, and what a row says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NewType
from uuid import UUID

from frontdesk.core.ids import ContactId, ContactLabelId, InboxId, ProfileId
from frontdesk.core.sheets import Fault
from frontdesk.identities.model import IdentityKey

ImportId = NewType("ImportId", UUID)


class ImportState(StrEnum):
    """Where an import stands."""

    UPLOADED = "uploaded"
    CHECKING = "checking"  # a dry run
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"  # what was imported until then stays, and can be undone
    UNDOING = "undoing"
    UNDONE = "undone"


WORKING: Final = frozenset({ImportState.CHECKING, ImportState.RUNNING, ImportState.UNDOING})


class Outcome(StrEnum):
    """What becomes of a row."""

    CREATED = "created"
    UPDATED = "updated"
    MERGED = "merged"  # an earlier row of the file is about the same person
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"  # it cannot be done without deciding about two contacts
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Draft:
    """What one row says, cleaned. Empty and None: not said."""

    number: int
    keys: tuple[IdentityKey, ...] = ()
    contact_id: ContactId | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)  # `name`, `emails`, `attributes.level`, …
    inbox_ids: frozenset[InboxId] = frozenset()
    label_ids: frozenset[ContactLabelId] = frozenset()
    profile_ids: frozenset[ProfileId] = frozenset()
    query_metadata: Mapping[str, Any] | None = None

    @property
    def sets_access(self) -> bool:
        """True when it says what the contact may read."""
        return bool(self.profile_ids) or self.query_metadata is not None


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row. `code` of a row that was imported is a remark."""

    number: int
    outcome: Outcome
    contact_id: ContactId | None = None
    fault: Fault | None = None
    old_values: Mapping[str, Any] | None = None  # what undoing needs


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is read and what is let through."""

    encoding: str | None = None  # None: found out
    delimiter: str | None = None  # None: found out
    separator: str = ";"  # between the entries of a list in one cell
    allow_erased: bool = False  # let people come back who were erased


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it is stored. `done_count` rows of the file are dealt with; `counts` say how."""

    id: ImportId
    filename: str
    format: str
    file_key: str | None
    size_bytes: int
    columns: list[str]
    samples: list[list[Any]]
    mapping: list[dict[str, Any]]
    options: dict[str, Any]
    state: ImportState
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
        object.__setattr__(self, "state", ImportState(self.state))
