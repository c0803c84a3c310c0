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


_FIELDS = {
    "name": N_("Name"),
    "language": N_("Language"),
    "time_zone": N_("Time zone"),
    "avatar": N_("Picture"),
    "emails": N_("E-mail"),
    "phones": N_("Phone"),
    "source_id": N_("Source ID"),
    "inboxes": N_("Platforms"),
    "query_metadata": N_("Own conditions"),
    "profiles_mode": N_("Own conditions and profiles"),
    "released": N_("Freed source IDs"),
    "ended_sessions": N_("Ended sessions"),
    "conversations": N_("Conversations"),
    "closed": N_("Access before"),
}
_PROFILE = N_("Profile")
_UNTOLD = frozenset({"provenance", "profile", "realm", "merge", "merged"})  # ids, and what the actor says already


@dataclass(frozen=True, slots=True)
class Detail:
    """One value in an entry. `before` None: the entry says only what is so now."""

    field: str  # to be translated; the name in the entry when nobody wrote a word for it
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


def tell(entry: AuditEntry, names: Mapping[str, str]) -> Story:
    """Return the entry as it is shown; `names` are those of ids that may stand in it."""
    text = _ACTIONS.get(entry.action, entry.action)
    return Story(entry.at, entry.actor_kind, entry.actor_name, text, tuple(_details(entry.payload, names)))


def _details(payload: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Detail]:
    for key, value in payload.items():
        field = (
            _PROFILE if key == "name" and "profile" in payload else _FIELDS.get(key, key.removeprefix("attributes."))
        )
        if key == "changes" and isinstance(value, Mapping):
            yield from _details(value, names)
        elif key in _UNTOLD or value in (None, "", [], {}):
            continue
        elif isinstance(value, Mapping) and value.keys() == {"before", "after"}:
            if value["before"] == value["after"]:
                continue
            before = None if _is_empty(value["before"]) else _show(value["before"], names)
            yield Detail(field, before, _show(value["after"], names))
        else:
            yield Detail(field, None, _show(value, names))


def _is_empty(value: object) -> bool:
    return value is None or value in ("", [])


def _show(value: object, names: Mapping[str, str]) -> str:
    if _is_empty(value):
        return "–"
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(names.get(part, part) for part in value)[:_LONGEST]
    text = value if isinstance(value, str) else dump_json(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
