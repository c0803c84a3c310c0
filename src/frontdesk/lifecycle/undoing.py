"""A merge is taken back: exactly while nothing changed since, else each row goes where it came through."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn
from uuid import UUID

from frontdesk.access import queries as access
from frontdesk.access.grants import may_open_all
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts import queries as contacts
from frontdesk.contacts import schema_queries
from frontdesk.contacts.access import access_contact
from frontdesk.contacts.attributes import Schema
from frontdesk.contacts.errors import AttributeTaken
from frontdesk.contacts.rules import apply_rules
from frontdesk.contacts.schema import hold_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.ids import AttributeId, ContactId
from frontdesk.core.text import utc_now
from frontdesk.identities.cards import load_views
from frontdesk.identities.queries import refresh_search_ids, resolve_contact_id
from frontdesk.lifecycle import ledger, merge_queries, undo_queries
from frontdesk.lifecycle.errors import AccessWouldWiden, ContactDeleted, LaterMerge, MergeSealed
from frontdesk.lifecycle.gains import Gains, find_gains, load_reach
from frontdesk.lifecycle.ledger import CARD, Merge, MergeId, Note
from frontdesk.lifecycle.merging import apply_notes, record_on_all, time_of
from frontdesk.lifecycle.model import ATTRIBUTE, Side
from frontdesk.lifecycle.previewing import name_for
from frontdesk.organizations.errors import GrantNotHeld
from frontdesk.organizations.model import Caller, Right

_LISTS = ("emails", "phones")


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back, or would be. Nothing at all when the merge had been undone before."""

    merge: Merge
    returned: Mapping[str, int]  # rows of each table that went back; `conversations_since` began after the merge
    staying: int  # conversations that began after the merge and stay with the survivor
    restored: tuple[str, ...]  # fields of the survivor that have their old value again
    kept: tuple[str, ...]  # fields that changed since, and stay as they are
    gains: tuple[tuple[ContactId, Gains], ...]  # who reads more than now


async def undo_merge(tx: Tx, caller: Caller, merge_id: MergeId, *, confirm_access: bool = False) -> Undone:
    """Take a merge back, one by login too: its contacts are themselves again.

    What is as the merge left it becomes what it was. A field that changed since stays with the survivor, and the others
    have what they had. Conversations that began since go with the identity that they came through, else they stay.
    Sessions that an identity of the others proved since end. Nobody reads more than now without `confirm_access`. Safe
    to repeat.

    Rights, in each of the contacts: contacts.merge, and contacts.edit_access to confirm. Raises NotFound, Forbidden,
    LaterMerge, MergeSealed, ContactDeleted when the survivor is deleted, AttributeTaken when somebody else has a unique
    value that would come back, and AccessWouldWiden.
    """
    merge = await access_merge(tx, caller, merge_id)
    if merge.undone_at is not None:
        return Undone(merge, {}, 0, (), (), ())
    schema = await hold_schema(tx)
    await merge_queries.lock_people(tx, merge.contacts)
    merge = await access_merge(tx, caller, merge_id)  # as it is now that nobody else can change it
    if merge.undone_at is not None:
        return Undone(merge, {}, 0, (), (), ())
    async with tx.savepoint():  # what is refused below leaves nothing behind
        undone = await _undo(tx, caller, merge, schema, now=utc_now())
        if undone.gains:
            if not confirm_access:
                raise AccessWouldWiden({contact: gains.count for contact, gains in undone.gains})
            await _require_access(tx, caller, merge)
            if not may_open_all(caller):
                raise GrantNotHeld(facts={"documents": max(gains.count for _, gains in undone.gains)})
    everybody = (merge.survivor_id, *merge.merged_ids)
    views = await load_views(tx, caller, [await contacts.get_contact(tx, one) for one in everybody])
    told = {
        "merge": str(merge.id),
        "returned": undone.returned,
        "kept": undone.kept,
        "confirmed": bool(undone.gains) or None,
    }
    await record_on_all(tx, caller, "contact.unmerged", views, told)
    return undone


async def preview_undo(tx: Tx, caller: Caller, merge_id: MergeId) -> Undone:
    """Return what `undo_merge` would do if access were confirmed: it is done, and rolled back.

    Right and errors are those of `undo_merge`, without AccessWouldWiden.
    """
    merge = await access_merge(tx, caller, merge_id)
    if merge.undone_at is not None:
        return Undone(merge, {}, 0, (), (), ())
    try:
        async with tx.savepoint():
            await _try(tx, caller, merge)
    except _OnlyTried as tried:
        return tried.undone


async def access_merge(tx: Tx, caller: Caller, merge_id: MergeId) -> Merge:
    """Return a merge that the caller may undo, or that is undone.

    Right: contacts.merge, in the survivor and each of the others. Raises NotFound, LaterMerge, MergeSealed and
    ContactDeleted.
    """
    merge = await ledger.get_merge(tx, merge_id)
    for contact_id in merge.contacts:
        await _require_merge(tx, caller, contact_id)
    if merge.undone_at is not None:
        return merge
    if merge.sealed_at is not None:
        raise MergeSealed
    if later := await ledger.list_later(tx, merge):
        raise LaterMerge(later)
    survivor = await contacts.get_contact(tx, merge.survivor_id)
    if survivor.deleted_at is not None:
        raise ContactDeleted(facts={"contact": str(survivor.id)})
    return merge


async def list_merges(
    tx: Tx, caller: Caller, contact_id: ContactId, *, limit: int, offset: int = 0
) -> tuple[int, list[Merge]]:
    """Return how many merges the contact, or the one it was merged into, survived, and a page, the latest first.

    Right: contacts.view. Raises NotFound.
    """
    contact = await access_contact(tx, caller, await resolve_contact_id(tx, contact_id), Right.CONTACTS_VIEW)
    return await ledger.list_merges(tx, contact.id, limit=limit, offset=offset)


class _OnlyTried(Exception):
    """Leaves the savepoint of a dry run with its result."""

    def __init__(self, undone: Undone) -> None:
        super().__init__()
        self.undone = undone


async def _try(tx: Tx, caller: Caller, merge: Merge) -> NoReturn:
    schema = await hold_schema(tx)
    await merge_queries.lock_people(tx, merge.contacts)
    raise _OnlyTried(await _undo(tx, caller, merge, schema, now=utc_now()))


async def _require_merge(tx: Tx, caller: Caller, contact_id: ContactId) -> None:
    inboxes = await contacts.list_inboxes_of(tx, contact_id)
    if not caller.may(Right.CONTACTS_MERGE):
        raise NotFound
    caller.require_in(Right.CONTACTS_MERGE, [inbox.inbox_id for inbox in inboxes])


async def _require_access(tx: Tx, caller: Caller, merge: Merge) -> None:
    limit = caller.inboxes_for(Right.CONTACTS_EDIT_ACCESS)
    for inboxes in (await contacts.find_inboxes_of(tx, merge.contacts)).values():
        if limit is not None and limit.isdisjoint(inbox.inbox_id for inbox in inboxes):
            raise Forbidden(facts={"right": Right.CONTACTS_EDIT_ACCESS.value})


async def _undo(tx: Tx, caller: Caller, merge: Merge, schema: Schema, *, now: datetime) -> Undone:
    inboxes, _ = await list_inboxes(tx, None)  # wherever they may come through
    before = await load_reach(tx, merge.survivor_id, inboxes)
    later = await undo_queries.count_later(tx, merge)
    restored, kept = await _restore_fields(tx, merge, now=now)
    returned = await undo_queries.return_rows(tx, merge)
    await undo_queries.part_lists(tx, merge)
    for profile_id in await undo_queries.list_accepted_profiles(tx, merge):
        await access.delete_assignment(tx, merge.survivor_id, profile_id)
    await undo_queries.end_sessions_of_others(tx, merge, now=now)
    await undo_queries.show_cards(tx, merge.merged_ids, now=now)
    await _return_unique_values(tx, merge, schema, restored)
    await apply_rules(tx, caller, merge.contacts)
    await ledger.close_merge(tx, merge.id, undone_by=caller.name, now=now)
    await refresh_search_ids(tx, merge.contacts)
    await contacts.refresh_search_personal(tx, merge.contacts)
    gains: list[tuple[ContactId, Gains]] = []
    for contact_id in (merge.survivor_id, *merge.merged_ids):
        found = await find_gains(tx, before, (await load_reach(tx, contact_id, inboxes)).access)
        if found.count:
            gains.append((contact_id, name_for(caller, found)))
    staying = later - returned["conversations_since"]
    return Undone(merge, returned, staying, restored, kept, tuple(gains))


async def _restore_fields(tx: Tx, merge: Merge, *, now: datetime) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the survivor its old values back where the merge's still stand; return which fields, and which changed."""
    (side,) = await merge_queries.load_sides(tx, [merge.survivor_id])
    notes = [note for note in await ledger.list_notes(tx, merge.id, "contacts") if note.row_key != CARD]
    same = [note for note in notes if _is_as_merged(side, note)]
    for note in same:
        if note.row_key in _LISTS or "said" in note.old_values:
            await merge_queries.write_said(tx, side.id, note.row_key, note.old_values["said"])
    await merge_queries.write_card(tx, _as_before(side, same), now=now)
    kept = [note.row_key for note in notes if note not in same]
    return tuple(note.row_key for note in same), tuple(kept)


async def _return_unique_values(tx: Tx, merge: Merge, schema: Schema, restored: Sequence[str]) -> None:
    """Let each contact hold what it held of unique attributes, but the survivor of those that changed since.

    Raises AttributeTaken when somebody else holds one by now.
    """
    unique = {one.id: one.key for one in schema.definitions.values() if one.is_unique}
    held: dict[ContactId, dict[AttributeId, str]] = {contact_id: {} for contact_id in merge.contacts}
    for note in await ledger.list_notes(tx, merge.id, "attribute_values"):
        attribute_id = AttributeId(UUID(note.row_key))
        is_back = note.from_contact_id != merge.survivor_id or ATTRIBUTE + unique.get(attribute_id, "") in restored
        if attribute_id in unique and is_back:
            held[note.from_contact_id][attribute_id] = note.old_values["value_key"]
    freed = [attribute_id for attribute_id, key in unique.items() if ATTRIBUTE + key in restored]
    await schema_queries.delete_other_values(tx, merge.survivor_id, freed, held[merge.survivor_id])
    for contact_id, values in held.items():
        await schema_queries.insert_values(tx, contact_id, values)
        for attribute_id, (holder, _) in (await schema_queries.find_holders(tx, values)).items():
            if holder != contact_id:
                key = unique[attribute_id]
                raise AttributeTaken(pointer=f"/attributes/{key}", facts={"attribute": key})


def _is_as_merged(side: Side, note: Note) -> bool:
    """Say whether what the merge wrote still stands, and nobody has said it anew."""
    new = note.new_values
    if note.row_key == "block":
        return bool(side.block == new["value"])
    if note.row_key == "last_seen_at":
        return bool(time_of(side) == new["value"])
    is_said_so = side.said.get(note.row_key) == new["said"]
    return is_said_so and (note.row_key in _LISTS or side.value(note.row_key) == new["value"])


def _as_before(side: Side, notes: Sequence[Note]) -> Side:
    old = {note.row_key: note.old_values.get("value") for note in notes}
    if "block" in old:
        side = replace(side, block=old["block"])
    if "last_seen_at" in old:
        seen = old["last_seen_at"]
        side = replace(side, last_seen_at=datetime.fromisoformat(seen) if seen else None)
    return apply_notes(side, notes, "old_values")
