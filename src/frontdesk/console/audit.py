"""Entries of the audit log as sentences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from frontdesk.console.navigation import N_
from frontdesk.core.text import dump_json
from frontdesk.organizations.records import AuditEntry

_ACTIONS = {
    "contact.created": N_("added the contact"),
    "contact.updated": N_("changed the card"),
    "contact.inboxes_changed": N_("changed the platforms"),
    "contact.access_changed": N_("changed the own conditions"),
    "contact.profile_assigned": N_("gave an access profile"),
    "contact.profile_unassigned": N_("took an access profile"),
    "contact.deleted": N_("deleted the contact"),
    "contact.restored": N_("restored the contact"),
    "contact.merged": N_("merged a contact into this one"),
    "identity.given": N_("gave a source ID"),
    "identity.corrected": N_("corrected the source ID"),
    "identity.linked": N_("linked an identity"),
    "identity.unlinked": N_("unlinked an identity"),
}
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Detail:
    """One value in an entry. `before` None: the entry says only what is so now."""

    field: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Story:
    """One entry. `text` is to be translated; it is the name of the action when nobody wrote a sentence for it."""

    at: datetime
    actor_kind: str
    actor_name: str
    text: str
    details: tuple[Detail, ...]


def tell(entry: AuditEntry) -> Story:
    """Return the entry as it is shown."""
    text = _ACTIONS.get(entry.action, entry.action)
    return Story(entry.at, entry.actor_kind, entry.actor_name, text, tuple(_details(entry.payload)))


def _details(payload: Mapping[str, Any]) -> Iterator[Detail]:
    for field, value in payload.items():
        if field in {"changes", "before", "after"} and isinstance(value, Mapping):
            yield from _details(value)
        elif isinstance(value, Mapping) and value.keys() == {"before", "after"}:
            yield Detail(field, _show(value["before"]), _show(value["after"]))
        elif value not in (None, "", [], {}):
            yield Detail(field, None, _show(value))


def _show(value: object) -> str:
    if value is None or value in ("", []):
        return "–"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)[:_LONGEST]
    text = value if isinstance(value, str) else dump_json(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
