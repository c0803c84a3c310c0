"""One contact of an edit of many: changing it, and changing it back as long as it is as it was left."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from frontdesk.access.queries import list_assigned
from frontdesk.contacts import actions, queries
from frontdesk.contacts.access import access_contact_alone
from frontdesk.contacts.access_actions import assign_profile, unassign_profile
from frontdesk.contacts.labels import add_labels, find_labels_of, remove_labels
from frontdesk.contacts.model import CardFields, Contact
from frontdesk.contacts.schema import hold_schema
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ContactLabelId, InboxId, ProfileId
from frontdesk.identities.deletion import delete_contact, restore_contact
from frontdesk.lifecycle.bulk_model import CHANGED, CHANGED_SINCE, UNCHANGED, UNDONE, BulkChange, BulkKind
from frontdesk.organizations.model import Caller, Right

Old: TypeAlias = Mapping[str, Any]


async def apply_change(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange) -> tuple[str, Old]:
    """Change one contact; return whether that changed anything, and what undoing it needs.

    Raises what the single actions raise, as for one contact: NotFound, Forbidden, ContactMerged, InvalidRequest…
    """
    return await _APPLIED[change.kind](tx, caller, contact_id, change)


async def undo_change(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange, old: Old) -> str:
    """Give one contact back what it had, unless what was changed was changed again since; return which of both.

    Raises what `apply_change` raises.
    """
    return await _UNDONE[change.kind](tx, caller, contact_id, change, old)


# --- labels ---


async def _label(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange) -> tuple[str, Old]:
    work = add_labels if change.kind is BulkKind.ADD_LABEL else remove_labels
    is_changed = await work(tx, caller, contact_id, [_label_id(change)])
    return CHANGED if is_changed else UNCHANGED, {}


async def _undo_label(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange, _: Old) -> str:
    await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    held = {label.id for label in (await find_labels_of(tx, [contact_id]))[contact_id]}
    added = change.kind is BulkKind.ADD_LABEL
    if (_label_id(change) in held) is not added:
        return CHANGED_SINCE
    await (remove_labels if added else add_labels)(tx, caller, contact_id, [_label_id(change)])
    return UNDONE


def _label_id(change: BulkChange) -> ContactLabelId:
    return ContactLabelId(_subject(change))


# --- fields ---


async def _field(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange) -> tuple[str, Old]:
    await hold_schema(tx)
    before = await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    after = await _write(tx, caller, contact_id, change, change.value)
    if after.version == before.version:
        return UNCHANGED, {}
    return CHANGED, {"before": _read(before, change), "after": _read(after, change)}


async def _undo_field(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange, old: Old) -> str:
    await hold_schema(tx)
    present = await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    if not old or _read(present, change) != old["after"]:  # without old values the person was erased
        return CHANGED_SINCE
    await _write(tx, caller, contact_id, change, old["before"])
    return UNDONE


async def _write(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange, value: object) -> Contact:
    fields = CardFields(attributes={change.key: value})
    if change.kind is BulkKind.SET_LANGUAGE:
        fields = CardFields(language=None if value is None else str(value))
    return await actions.update_contact(tx, caller, contact_id, fields, provenance=actions.provenance_of(caller))


def _read(contact: Contact, change: BulkChange) -> object:
    return contact.language if change.kind is BulkKind.SET_LANGUAGE else contact.attributes.get(change.key)


# --- access ---


async def _profile(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange) -> tuple[str, Old]:
    had = await _has_profile(tx, caller, contact_id, change)
    wanted = change.kind is BulkKind.ASSIGN_PROFILE
    if had is wanted:
        return UNCHANGED, {}
    await _set_profile(tx, caller, contact_id, change, wanted=wanted)
    return CHANGED, {}


async def _undo_profile(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange, _: Old) -> str:
    wanted = change.kind is BulkKind.ASSIGN_PROFILE
    if await _has_profile(tx, caller, contact_id, change) is not wanted:
        return CHANGED_SINCE
    await _set_profile(tx, caller, contact_id, change, wanted=not wanted)
    return UNDONE


async def _has_profile(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange) -> bool:
    await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT_ACCESS)
    given = {one.profile.id for one in await list_assigned(tx, contact_id) if one.rule_id is None}  # by hand
    return _subject(change) in given


async def _set_profile(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange, *, wanted: bool) -> None:
    profile_id = ProfileId(_subject(change))
    await (assign_profile if wanted else unassign_profile)(tx, caller, contact_id, profile_id)


# --- inboxes ---


async def _inbox(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange) -> tuple[str, Old]:
    await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    present = {one.inbox_id for one in await queries.list_inboxes_of(tx, contact_id)}
    inbox_id = InboxId(_subject(change))
    if inbox_id in present:
        return UNCHANGED, {}
    await actions.set_inboxes(tx, caller, contact_id, present | {inbox_id})
    return CHANGED, {}


async def _undo_inbox(tx: Tx, caller: Caller, contact_id: ContactId, change: BulkChange, _: Old) -> str:
    await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    present = {one.inbox_id: one for one in await queries.list_inboxes_of(tx, contact_id)}
    added = present.pop(InboxId(_subject(change)), None)
    if added is None or added.first_seen_at is not None:  # the person came through it since
        return CHANGED_SINCE
    await actions.set_inboxes(tx, caller, contact_id, present)
    return UNDONE


# --- deleting ---


async def _delete(tx: Tx, caller: Caller, contact_id: ContactId, _: BulkChange) -> tuple[str, Old]:
    await delete_contact(tx, caller, contact_id)
    return CHANGED, {}


async def _undo_delete(tx: Tx, caller: Caller, contact_id: ContactId, _: BulkChange, __: Old) -> str:
    if (await queries.get_contact(tx, contact_id)).deleted_at is None:
        return CHANGED_SINCE
    confirmed = caller.may(Right.CONTACTS_EDIT_ACCESS)
    await restore_contact(tx, caller, contact_id, confirm_access=confirmed)
    return UNDONE


# ---


def _subject(change: BulkChange) -> Any:  # noqa: ANN401 -- the kind says which id it is
    return change.subject


_APPLIED: Final[Mapping[BulkKind, Callable[[Tx, Caller, ContactId, BulkChange], Awaitable[tuple[str, Old]]]]] = {
    BulkKind.ADD_LABEL: _label,
    BulkKind.REMOVE_LABEL: _label,
    BulkKind.SET_ATTRIBUTE: _field,
    BulkKind.SET_LANGUAGE: _field,
    BulkKind.ASSIGN_PROFILE: _profile,
    BulkKind.UNASSIGN_PROFILE: _profile,
    BulkKind.ADD_INBOX: _inbox,
    BulkKind.DELETE: _delete,
}
_UNDONE: Final[Mapping[BulkKind, Callable[[Tx, Caller, ContactId, BulkChange, Old], Awaitable[str]]]] = {
    BulkKind.ADD_LABEL: _undo_label,
    BulkKind.REMOVE_LABEL: _undo_label,
    BulkKind.SET_ATTRIBUTE: _undo_field,
    BulkKind.SET_LANGUAGE: _undo_field,
    BulkKind.ASSIGN_PROFILE: _undo_profile,
    BulkKind.UNASSIGN_PROFILE: _undo_profile,
    BulkKind.ADD_INBOX: _undo_inbox,
    BulkKind.DELETE: _undo_delete,
}
