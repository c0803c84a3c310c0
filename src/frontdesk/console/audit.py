"""Entries of the audit log as sentences."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from frontdesk.console.marks import short_id
from frontdesk.console.navigation import N_
from frontdesk.core.text import dump_json
from frontdesk.identities.cards import ContactView
from frontdesk.organizations.records import AuditEntry

_ACTIONS = {
    "contact.created": N_("added the contact"),
    "contact.updated": N_("changed the card"),
    "contact.inboxes_changed": N_("changed the platforms"),
    "contact.labelled": N_("changed the labels"),
    "contact.note_written": N_("wrote a note"),
    "contact.note_edited": N_("changed a note"),
    "contact.note_deleted": N_("deleted a note"),
    "contact.access_changed": N_("changed the own conditions"),
    "contact.viewed_as": N_("asked as the contact, to see the answer"),
    "contact.profile_assigned": N_("gave an access profile"),
    "contact.profile_unassigned": N_("took an access profile"),
    "contact.profile_given_by_rule": N_("gave an access profile by a rule"),
    "contact.profile_taken_by_rule": N_("took an access profile that a rule had given"),
    "profile_rule.created": N_("made a rule of the access profile"),
    "profile_rule.updated": N_("changed a rule of the access profile"),
    "profile_rule.deleted": N_("deleted a rule of the access profile"),
    "contact.deleted": N_("deleted the contact"),
    "contact.restored": N_("restored the contact"),
    "contact.erased": N_("erased the person"),
    "contact.exported": N_("exported everything about the contact"),
    "contact.import_undone": N_("took back an import of the contact"),
    "import.created": N_("uploaded a file of contacts"),
    "import.started": N_("began an import of contacts"),
    "import.finished": N_("imported contacts"),
    "import.failed": N_("could not finish an import of contacts"),
    "import.cancelled": N_("stopped an import of contacts"),
    "import.undo_started": N_("began to undo an import of contacts"),
    "import.undone": N_("undid an import of contacts"),
    "export.started": N_("began an export of contacts"),
    "export.downloaded": N_("downloaded an export of contacts"),
    "bulk_edit.started": N_("began to edit many contacts"),
    "bulk_edit.undone": N_("undid an edit of many contacts"),
    "retention.changed": N_("changed how long anonymous contacts are kept"),
    "retention.applied": N_("erased anonymous contacts by the rule of a platform"),
    "contact.merged": N_("merged contacts"),
    "contact.kept_apart": N_("kept contacts apart"),
    "contact.unmerged": N_("undid a merge of contacts"),
    "memory.fact_added": N_("noted something to remember"),
    "memory.fact_corrected": N_("corrected what is remembered"),
    "memory.fact_deleted": N_("had something forgotten"),
    "memory.summary_corrected": N_("corrected the summary"),
    "memory.deleted": N_("had everything forgotten"),
    "identity.given": N_("gave a source ID"),
    "identity.corrected": N_("corrected the source ID"),
    "identity.linked": N_("linked an identity"),
    "identity.unlinked": N_("unlinked an identity"),
    "identity.blocked": N_("blocked an identity"),
    "identity.unblocked": N_("unblocked an identity"),
    "contact.blocked": N_("blocked the contact"),
    "contact.unblocked": N_("unblocked the contact"),
    "identity.conflict_settled": N_("settled a conflict"),
    "identity.identifier_ignored": N_("ignored a shared address"),
    "identity.identifier_regarded": N_("regarded a shared address again"),
    "attribute.created": N_("defined the attribute"),
    "attribute.updated": N_("changed the attribute"),
    "attribute.deleted": N_("deleted the attribute"),
    "contact_label.created": N_("made the label of contacts"),
    "contact_label.updated": N_("renamed a label of contacts"),
    "contact_label.deleted": N_("deleted the label of contacts"),
    "field_rule.updated": N_("changed what the assistant may know"),
    "conversation.replied": N_("replied in a conversation"),
    "answer.replayed": N_("replayed an answer"),
    "conversation.auto_reply_changed": N_("changed who answers a conversation"),
    "knowledge_base.created": N_("made the knowledge base"),
    "knowledge_base.updated": N_("changed the knowledge base"),
    "knowledge_base.deleted": N_("deleted the knowledge base"),
    "batch.started": N_("began to change many documents"),
    "batch.finished": N_("changed many documents"),
    "batch.undo_started": N_("began to take back a change of many documents"),
    "batch.undone": N_("took back a change of many documents"),
    "document.created": N_("added the document"),
    "document.updated": N_("changed the document"),
    "document.edited": N_("changed a passage of a document"),
    "document.labelled": N_("changed the labels of a document"),
    "document.reparsed": N_("let a file be read again"),
    "document.version_added": N_("brought a new version of a file"),
    "document.version_restored": N_("put an older version of a file back"),
    "document.deleted": N_("deleted the document"),
    "label.created": N_("made the label"),
    "label.updated": N_("renamed a label"),
    "label.deleted": N_("deleted the label"),
    "assistant.created": N_("made the assistant"),
    "assistant.updated": N_("changed the assistant"),
    "assistant.deleted": N_("deleted the assistant"),
    "inbox.created": N_("connected the platform"),
    "inbox.updated": N_("changed the platform"),
    "inbox.deleted": N_("disconnected the platform"),
    "realm_key.created": N_("added the key for tokens"),
    "realm_key.changed": N_("changed the key for tokens"),
    "realm_key_set.created": N_("added the address of keys for tokens"),
    "realm_key_set.changed": N_("changed the address of keys for tokens"),
    "introspection.changed": N_("changed how the enterprise is asked"),
    "profile.created": N_("made the access profile"),
    "profile.updated": N_("changed the access profile"),
    "profile.deleted": N_("deleted the access profile"),
    "api_key.created": N_("made the API key"),
    "api_key.revoked": N_("revoked the API key"),
    "member.invited": N_("invited somebody"),
    "member.joined": N_("joined"),
    "member.roles_changed": N_("changed the roles of a member"),
    "member.removed": N_("removed a member"),
    "member.reset_link_made": N_("made a password link for a member"),
    "invitation.revoked": N_("withdrew an invitation"),
    "role.created": N_("made the role"),
    "role.updated": N_("changed the role"),
    "role.deleted": N_("deleted the role"),
    "organization.created": N_("founded the organization"),
    "organization.updated": N_("changed the organization"),
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
    "memory": N_("Topic"),
    "fact": N_("Fact"),
    "facts": N_("Facts"),
    "summary": N_("Summary"),
    "assurance": N_("Used from"),
    "closed": N_("Access before"),
    "survivor": N_("Stays"),
    "merged": N_("Merged"),
    "kept": N_("Changed since, and stays"),
    "accepted_wider_access": N_("Wider access accepted"),
    "confirmed": N_("Access confirmed"),
    "enabled": N_("The assistant answers"),
    "labels": N_("Labels"),
    "files": N_("Files"),
    "faqs": N_("FAQs"),
    "kind": N_("Kind"),
    "key": N_("Key"),
    "author": N_("Written by"),
    "choices": N_("Choices"),
    "is_required": N_("Required"),
    "is_unique": N_("Unique"),
    "may_know_from": N_("The assistant may know it from"),
    "phone_region": N_("Numbers without a country code are from"),
    "refused_source_ids": N_("Source IDs that are nobody's"),
    "instructions": N_("Instructions"),
    "remembers": N_("Remembers what contacts tell"),
    "model": N_("Model"),
    "model_base_url": N_("Address"),
    "has_model_key": N_("Has a key"),
    "knowledge_bases": N_("Knowledge bases"),
    "embedding_model": N_("Embedding model"),
    "channel_type": N_("Kind"),
    "assistant_id": N_("Assistant"),
    "identity_mode": N_("Identity"),
    "on_login": N_("When a visitor signs in"),
    "allowed_origins": N_("Pages that may embed it"),
    "greeting": N_("Greeting"),
    "starters": N_("Questions to begin with"),
    "visitor_scope": N_("What visitors read"),
    "member_scope": N_("What proven members read"),
    "algorithm": N_("Algorithm"),
    "allowed_profiles": N_("Access profiles"),
    "may_narrow": N_("May narrow"),
    "minimum_assurance": N_("Needs at least"),
    "contacts": N_("Contacts"),
    "mode": N_("How much"),
    "erased": N_("Erased since"),
    "left_out": N_("Left out"),
    "retention": N_("Rule"),
    "after_days": N_("Days"),
    "roles": N_("Roles"),
    "rights": N_("Rights"),
    "inboxIds": N_("Platforms"),
    "email": N_("E-mail"),
    "profiles": N_("Access profiles"),
    "identities": N_("Further identities"),
    "filename": N_("File"),
    "format": N_("Format"),
    "rows": N_("Rows"),
    "counts": N_("Rows"),
    "columns": N_("Columns"),
    "filtered_by": N_("Filter"),
    "before": N_("Before"),
    "after": N_("After"),
    "vendor_faq_reading": N_("An empty list of FAQs means all"),
}
_PROFILE = N_("Profile")
_UNTOLD = frozenset(
    {
        "provenance",
        "profile",
        "realm",
        "merge",
        "moved",
        "returned",
        "note",
        "erasure",
        "import",
        "mapping",
        "size_bytes",
        "change",
    }
)  # ids, and what the actor says already


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


def name_ids(view: ContactView) -> dict[str, str]:
    """Return what the ids are called that entries of a contact mostly speak of."""
    inboxes = {str(inbox.inbox_id): inbox.name for inbox in view.inboxes}
    labels = {str(label.id): label.name for label in view.labels}
    return inboxes | labels | {str(profile_id): name for profile_id, name in view.profiles}


def _details(payload: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Detail]:
    if payload.keys() >= {"before", "after"} and isinstance(payload["before"], Mapping):
        yield from _compared(payload["before"], payload["after"], names)
        return
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


def _compared(before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Detail]:
    """Yield what differs between two pictures of one object."""
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old != new:
            yield Detail(_FIELDS.get(key, key), None if _is_empty(old) else _show(old, names), _show(new, names))


def _is_empty(value: object) -> bool:
    return value is None or value in ("", [])


def _show(value: object, names: Mapping[str, str]) -> str:
    if _is_empty(value):
        return "–"
    if isinstance(value, Mapping) and value.keys() >= {"id", "name"}:  # a card
        return str(value["name"] or f"· {short_id(UUID(value['id']))}")
    if isinstance(value, Mapping) and value.keys() == {"realm", "source_id"}:
        return str(value["source_id"])
    if isinstance(value, list) and value and all(isinstance(part, Mapping) for part in value):
        return ", ".join(_show(part, names) for part in value)[:_LONGEST]
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(names.get(part, part) for part in value)[:_LONGEST]
    text = value if isinstance(value, str) else dump_json(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
