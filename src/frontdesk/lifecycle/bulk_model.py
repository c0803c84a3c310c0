"""Edits of many contacts at once: what is changed, and how far it got."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import BulkEditId
from frontdesk.core.inputs import check_json, clean_line
from frontdesk.organizations.model import Right

_MAX_VALUE: Final = 20_000  # bytes of JSON


class BulkKind(StrEnum):
    """What is done with each contact."""

    ADD_LABEL = "add_label"
    REMOVE_LABEL = "remove_label"
    SET_ATTRIBUTE = "set_attribute"
    SET_LANGUAGE = "set_language"
    ASSIGN_PROFILE = "assign_profile"
    UNASSIGN_PROFILE = "unassign_profile"
    ADD_INBOX = "add_inbox"
    DELETE = "delete"

    @property
    def right(self) -> Right:
        """What the caller needs in an inbox of the contact."""
        return _RIGHTS.get(self, Right.CONTACTS_EDIT)


_RIGHTS: Final = {
    BulkKind.ASSIGN_PROFILE: Right.CONTACTS_EDIT_ACCESS,
    BulkKind.UNASSIGN_PROFILE: Right.CONTACTS_EDIT_ACCESS,
    BulkKind.DELETE: Right.CONTACTS_DELETE,
}
_NAMED: Final = {
    BulkKind.ADD_LABEL: "label",
    BulkKind.REMOVE_LABEL: "label",
    BulkKind.ASSIGN_PROFILE: "profile",
    BulkKind.UNASSIGN_PROFILE: "profile",
    BulkKind.ADD_INBOX: "inbox",
}


@dataclass(frozen=True, slots=True)
class BulkChange:
    """One change for every contact: `subject` is the label, profile or inbox, `key` an attribute.

    `value` is what is written into the attribute or language; None empties it.
    """

    kind: BulkKind
    subject: UUID | None = None
    key: str = ""
    value: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return what `parse_change` reads."""
        written: dict[str, Any] = {"kind": self.kind.value}
        if self.kind in _NAMED:
            written[_NAMED[self.kind]] = str(self.subject)
        if self.kind is BulkKind.SET_ATTRIBUTE:
            written["key"] = self.key
        if self.kind in {BulkKind.SET_ATTRIBUTE, BulkKind.SET_LANGUAGE}:
            written["value"] = self.value
        return written


def parse_change(raw: Mapping[str, Any], pointer: str = "/change") -> BulkChange:
    """Read a change; raises InvalidRequest, which points at what is wrong."""
    if raw.get("kind") not in tuple(BulkKind):
        raise InvalidRequest(f"One of: {', '.join(BulkKind)}.", pointer=f"{pointer}/kind")
    kind = BulkKind(raw["kind"])
    needed = {"kind", _NAMED[kind]} if kind in _NAMED else {"kind"}
    if kind in {BulkKind.SET_ATTRIBUTE, BulkKind.SET_LANGUAGE}:
        needed |= {"value", "key"} if kind is BulkKind.SET_ATTRIBUTE else {"value"}
    if set(raw) != needed:
        raise InvalidRequest(f"It has {', '.join(sorted(needed))}.", pointer=pointer)
    if kind in _NAMED:
        return BulkChange(kind, _parse_id(raw[_NAMED[kind]], f"{pointer}/{_NAMED[kind]}"))
    if kind is BulkKind.DELETE:
        return BulkChange(kind)
    value = raw["value"]
    check_json(value, pointer=f"{pointer}/value", max_bytes=_MAX_VALUE)
    if kind is BulkKind.SET_LANGUAGE:
        if value is not None and not isinstance(value, str):
            raise InvalidRequest("This is a text.", pointer=f"{pointer}/value")
        return BulkChange(kind, value=value)
    if not isinstance(raw["key"], str) or not raw["key"].strip():
        raise InvalidRequest("Name an attribute.", pointer=f"{pointer}/key")
    return BulkChange(kind, key=clean_line(raw["key"], pointer=f"{pointer}/key"), value=value)


def _parse_id(raw: object, pointer: str) -> UUID:
    try:
        return UUID(raw) if isinstance(raw, str) else UUID("")
    except ValueError as error:
        raise InvalidRequest("An id is a UUID.", pointer=pointer) from error


class BulkState(StrEnum):
    """How far an edit is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # whoever started it is no longer there
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class BulkEdit:
    """One edit. `outcomes` counts the contacts by what came of them, while it is undone by what came of that."""

    id: BulkEditId
    change: BulkChange
    state: BulkState
    total_count: int
    done_count: int
    outcomes: Mapping[str, int]
    actor_kind: str
    actor_id: UUID
    actor_name: str
    undoer_kind: str | None
    undoer_id: UUID | None
    created_at: datetime
    updated_at: datetime

    @property
    def is_working(self) -> bool:
        """True while a worker has something to do."""
        return self.state in {BulkState.RUNNING, BulkState.UNDOING}

    @property
    def changed_count(self) -> int:
        """How many contacts were changed, and could be changed back."""
        return self.outcomes.get(CHANGED, 0)


CHANGED: Final = "changed"
UNCHANGED: Final = "unchanged"
UNDONE: Final = "undone"
CHANGED_SINCE: Final = "changed-since"
