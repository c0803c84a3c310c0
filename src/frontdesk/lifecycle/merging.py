"""Several contacts become one: the survivor. One transaction, and a ledger that can take it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from frontdesk.access.grants import may_open_all
from frontdesk.access.queries import list_assigned, raise_scope_version
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.access import sees_personal
from frontdesk.contacts.attributes import Schema
from frontdesk.contacts.holding import require_holding_access
from frontdesk.contacts.rules import apply_rules
from frontdesk.contacts.schema import hold_schema, hold_values
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import ContactId
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.identities.cards import ContactView, load_views
from frontdesk.identities.queries import refresh_search_ids, resolve_contact_id
from frontdesk.identities.source_ids import access_unmerged
from frontdesk.lifecycle import ledger, merge_queries
from frontdesk.lifecycle.errors import AccessWouldWiden, ContactDeleted, SelfMerge
from frontdesk.lifecycle.gains import find_gains, load_reach
from frontdesk.lifecycle.ledger import MergeId, Note
from frontdesk.lifecycle.model import ATTRIBUTE, MAX_MERGED, FieldPlan, Side, check_plan, plan_fields
from frontdesk.organizations import audit
from frontdesk.organizations.errors import GrantNotHeld
from frontdesk.organizations.model import Caller, CallerKind, Right


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What was done. `moved`: how many rows of each table became or changed the survivor's; absent: none."""

    merge_id: MergeId
    survivor_id: ContactId
    merged_ids: tuple[ContactId, ...]
    moved: Mapping[str, int]


async def merge_contacts(
    tx: Tx,
    caller: Caller,
    survivor_id: ContactId,
    from_ids: Sequence[ContactId],
    *,
    choices: Mapping[str, UUID],
    accept_wider_access: bool = False,
) -> MergeResult:
    """Merge `from_ids`, at most eight, into the survivor and return what was done.

    `choices` say of a field whose value stays. Conversations, identities, notes and memory become the survivor's, lists
    unite, and the merged ids lead to the survivor for ever. What the survivor may read stays as it is, unless
    `accept_wider_access`, which gives it the access profiles of the others, too. Proven sessions of the merged contacts
    end. Whoever is blocked stays blocked. Safe to repeat: who is the survivor already is passed over.

    Rights, in each of the contacts: contacts.merge; contacts.view_personal if a card has e-mails or phones;
    contacts.edit_access to accept wider access. Raises NotFound, Forbidden, SelfMerge, ContactMerged, ContactDeleted,
    InvalidRequest, MergeChoiceNeeded, MergeLosesData, AttributeTaken when a stranger has a unique value, and
    AccessWouldWiden when by a rule the united card reads more, and that is not accepted.
    """
    asked = list(dict.fromkeys(from_ids))
    wanted = await access_sides(tx, caller, survivor_id, asked)
    if not wanted:
        return await _repeat(tx, survivor_id, asked)
    schema = await hold_schema(tx)
    await merge_queries.lock_people(tx, sorted([survivor_id, *wanted]))
    wanted = await access_sides(tx, caller, survivor_id, asked)  # as it is now that nobody else can change it
    if not wanted:
        return await _repeat(tx, survivor_id, asked)
    everybody = [survivor_id, *wanted]
    await require_on_all(tx, caller, everybody, accept_wider_access=accept_wider_access)
    if accept_wider_access:
        await _require_holding(tx, caller, survivor_id, wanted)
    sides = await merge_queries.load_sides(tx, everybody)
    plans = plan_fields(sides, choices)
    for refusal in check_plan(sides, plans, unique=find_unique(schema, sides), chosen=choices):
        raise refusal
    before = await load_views(tx, caller, [await contacts.get_contact(tx, one) for one in everybody])
    now = utc_now()
    merge_id = await _open_ledger(tx, caller, survivor_id, wanted, choices, now)
    await _move(tx, merge_id, wanted, survivor_id, accept_wider_access=accept_wider_access)
    await merge_queries.note_unique_values(tx, merge_id, everybody)
    await _write_fields(tx, merge_id, sides, plans, now=now)
    await merge_queries.settle_conflicts(tx, merge_id, wanted, survivor_id, by=caller.name, now=now)
    await merge_queries.end_sessions(tx, wanted, "merged", now=now)
    await merge_queries.hide_cards(tx, merge_id, wanted, now=now)
    changed = [plan.field.removeprefix(ATTRIBUTE) for plan in plans if plan.changes_survivor]
    await hold_values(tx, caller, schema, await contacts.get_contact(tx, survivor_id), changed)  # the hidden let go
    await _apply_rules(tx, caller, survivor_id, accept_wider_access=accept_wider_access)
    await refresh_search_ids(tx, everybody)
    await contacts.refresh_search_personal(tx, everybody)
    moved = await ledger.count_moves(tx, merge_id)
    payload = {"merge": str(merge_id), "moved": moved, "accepted_wider_access": accept_wider_access or None}
    await record_on_all(tx, caller, "contact.merged", before, payload)
    return MergeResult(merge_id, survivor_id, tuple(wanted), moved)


# --- who may, and what ---


async def access_sides(
    tx: Tx, caller: Caller, survivor_id: ContactId, from_ids: Sequence[ContactId]
) -> list[ContactId]:
    """Return those of `from_ids`, sorted, that are not the survivor already; the caller may merge each of them.

    Right: contacts.merge. Raises NotFound, SelfMerge, ContactMerged, ContactDeleted, and InvalidRequest for none or too
    many.
    """
    caller.require(Right.CONTACTS_MERGE)
    if not 1 <= len(from_ids) <= MAX_MERGED:
        raise InvalidRequest(f"Name between 1 and {MAX_MERGED} contacts.", pointer="/from")
    if survivor_id in from_ids:
        raise SelfMerge(pointer="/from")
    await _access_side(tx, caller, survivor_id)
    wanted = [one for one in from_ids if await resolve_contact_id(tx, one) != survivor_id]
    for one in wanted:
        await _access_side(tx, caller, one)
    return sorted(wanted)


async def require_on_all(
    tx: Tx, caller: Caller, contact_ids: Sequence[ContactId], *, accept_wider_access: bool
) -> None:
    """Raise Forbidden unless the caller may see the personal fields that meet, and widen access where that is asked."""
    inboxes = await contacts.find_inboxes_of(tx, contact_ids)
    for contact_id in contact_ids:
        contact = await contacts.get_contact(tx, contact_id)
        own = [inbox.inbox_id for inbox in inboxes[contact_id]]
        if (contact.emails or contact.phones) and not sees_personal(caller, own):
            raise Forbidden(facts={"right": Right.CONTACTS_VIEW_PERSONAL.value})
        limit = caller.inboxes_for(Right.CONTACTS_EDIT_ACCESS)
        if accept_wider_access and limit is not None and limit.isdisjoint(own):
            raise Forbidden(facts={"right": Right.CONTACTS_EDIT_ACCESS.value})


async def _require_holding(tx: Tx, caller: Caller, survivor_id: ContactId, merged: Sequence[ContactId]) -> None:
    """Refuse to give the survivor profiles of the others that open documents which the caller does not hold."""
    survivor = await contacts.get_contact(tx, survivor_id)
    own, *others = [[one.profile for one in await list_assigned(tx, side)] for side in (survivor_id, *merged)]
    inboxes = await contacts.find_inboxes_of(tx, [survivor_id, *merged])
    inbox_ids = {inbox.inbox_id for some in inboxes.values() for inbox in some}
    united = {profile.id: profile for some in (own, *others) for profile in some}
    after = survivor, list(united.values())
    await require_holding_access(tx, caller, inbox_ids, before=(survivor, own), after=after)


async def _apply_rules(tx: Tx, caller: Caller, survivor_id: ContactId, *, accept_wider_access: bool) -> None:
    """Apply the rules of access profiles to what the survivor's card says now. Raises what `merge_contacts` raises."""
    inboxes, _ = await list_inboxes(tx, None)
    before = await load_reach(tx, survivor_id, inboxes)
    if not any(effect.is_given for effect in await apply_rules(tx, caller, [survivor_id])):
        return
    gains = await find_gains(tx, before, (await load_reach(tx, survivor_id, inboxes)).access)
    if gains.count and not accept_wider_access:
        raise AccessWouldWiden({survivor_id: gains.count}, pointer="/acceptWiderAccess")
    if gains.count and not may_open_all(caller):
        raise GrantNotHeld(facts={"documents": gains.count})


async def _access_side(tx: Tx, caller: Caller, contact_id: ContactId) -> None:
    try:
        await access_unmerged(tx, caller, contact_id, Right.CONTACTS_MERGE)
    except NotFound:
        contact = await contacts.find_contact(tx, contact_id)
        if contact is None or contact.deleted_at is None:
            raise
        inboxes = await contacts.list_inboxes_of(tx, contact_id)
        caller.require_in(Right.CONTACTS_MERGE, [inbox.inbox_id for inbox in inboxes])
        raise ContactDeleted(facts={"contact": str(contact_id)}) from None


async def _open_ledger(
    tx: Tx,
    caller: Caller,
    survivor_id: ContactId,
    merged: Sequence[ContactId],
    choices: Mapping[str, UUID],
    now: datetime,
) -> MergeId:
    return await ledger.insert_merge(
        tx,
        survivor_id,
        merged,
        "api" if caller.kind is CallerKind.API_KEY else "member",
        actor=(None if caller.kind is CallerKind.SYSTEM else caller.id, caller.name),
        choices={field: str(chosen) for field, chosen in choices.items()},
        now=now,
    )


async def _repeat(tx: Tx, survivor_id: ContactId, from_ids: Sequence[ContactId]) -> MergeResult:
    """Return what was done when these went into the survivor, the latest time."""
    merge = await ledger.get_latest_of(tx, from_ids)
    return MergeResult(merge.id, survivor_id, tuple(merge.merged_ids), await ledger.count_moves(tx, merge.id))


def find_unique(schema: Schema, sides: Sequence[Side]) -> frozenset[str]:
    """Return the keys of the attributes on these cards whose values one contact only may have."""
    return frozenset(one.key for one in schema.unique_among({key for side in sides for key in side.attributes}))


# --- the rows ---


async def _move(
    tx: Tx, merge_id: MergeId, merged: Sequence[ContactId], survivor: ContactId, *, accept_wider_access: bool
) -> None:
    for table in merge_queries.MOVED:
        await merge_queries.move_rows(tx, merge_id, table, merged, survivor)
    for kind in ("email", "phone"):
        await merge_queries.unite_addresses(tx, merge_id, kind, merged, survivor)
    await merge_queries.unite_inboxes(tx, merge_id, merged, survivor)
    await merge_queries.unite_labels(tx, merge_id, merged, survivor)
    if accept_wider_access:
        await merge_queries.unite_profiles(tx, merge_id, merged, survivor)


async def _write_fields(
    tx: Tx,
    merge_id: MergeId,
    sides: Sequence[Side],
    plans: Sequence[FieldPlan],
    *,
    now: datetime,
) -> None:
    """Write the winning values on the survivor's card, each noted with what it overwrote and who had said that."""
    survivor, *others = sides
    notes = [_note(plan) for plan in plans if plan.changes_survivor]
    for field in ("emails", "phones"):  # that of a list follows the card whose addresses came first
        source = next((side for side in others if field in side.said), None)
        if field not in survivor.said and source is not None:
            notes.append(Note(field, source.id, {"said": None}, {"said": source.said[field]}))
    for note in notes:
        await merge_queries.write_said(tx, survivor.id, note.row_key, note.new_values["said"])
    written = apply_notes(survivor, notes)
    blocked = next((side for side in sides if side.block), survivor)
    last = max(sides, key=lambda side: side.last_seen_at.timestamp() if side.last_seen_at else 0)
    if blocked.id != survivor.id:
        notes.append(Note("block", blocked.id, {"value": None}, {"value": blocked.block}))
    if last.last_seen_at != survivor.last_seen_at:
        notes.append(Note("last_seen_at", last.id, *({"value": time_of(side)} for side in (survivor, last))))
    await merge_queries.write_card(tx, replace(written, block=blocked.block, last_seen_at=last.last_seen_at), now=now)
    await ledger.insert_notes(tx, merge_id, "contacts", notes)


def _note(plan: FieldPlan) -> Note:
    own, kept = plan.offers[0], plan.kept
    return Note(
        plan.field, plan.winner, {"value": own.value, "said": own.said}, {"value": kept.value, "said": kept.said}
    )


def apply_notes(side: Side, notes: Sequence[Note], which: str = "new_values") -> Side:
    """Return the card with the new values of `notes` written, or the old ones."""
    plain, attributes = dict(side.plain), dict(side.attributes)
    for note in notes:
        values: Mapping[str, Any] = getattr(note, which)
        if note.row_key in plain:
            plain[note.row_key] = values["value"]
        elif note.row_key.startswith(ATTRIBUTE):
            key = note.row_key.removeprefix(ATTRIBUTE)
            attributes.pop(key, None)
            if values["value"] is not None:
                attributes[key] = values["value"]
    return replace(side, plain=plain, attributes=attributes)


def time_of(side: Side) -> str | None:
    """Return when the contact was last seen, as the ledger keeps it."""
    return None if side.last_seen_at is None else side.last_seen_at.astimezone(UTC).isoformat()


# --- what is told ---


async def record_on_all(
    tx: Tx, caller: Caller, action: str, views: Sequence[ContactView], payload: Mapping[str, Any]
) -> None:
    """Write into the log of each of the cards what became of them, the survivor's first, and tell open windows."""
    survivor, *merged = [_describe(view) for view in views]
    told = {**payload, "survivor": survivor, "merged": merged}
    for view in views:
        contact_id = view.contact.id
        await audit.record(tx, caller, action, "contact", contact_id, contact_id=contact_id, payload=told)
        await announce(tx, Event("contact", contact_id))
    await raise_scope_version(tx)


def _describe(view: ContactView) -> dict[str, Any]:
    contact = view.contact
    return {
        "id": str(contact.id),
        "name": contact.name,
        "emails": list(contact.emails),
        "phones": list(contact.phones),
        "attributes": contact.attributes,
        "source_ids": [{"realm": str(one.realm_id), "source_id": one.source_id} for one in view.identities],
        "inboxes": [str(inbox.inbox_id) for inbox in view.inboxes],
        "query_metadata": contact.query_metadata,
        "access_profiles": [name for _, name in view.profiles],
    }
