"""Takes back what an import wrote, the last row first: new contacts go, changed ones get their former values.

What somebody changed, used or added to since stays, and is counted; so does what the caller may not write now. Done in
batches, each of which says how far it is, so that it goes on where a process died.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

from frontdesk.access.queries import raise_scope_version
from frontdesk.contacts.attributes import Schema, value_key
from frontdesk.contacts.model import FieldChange, Provenance, apply_changes
from frontdesk.contacts.rules import apply_rules
from frontdesk.contacts.schema import hold_schema
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ContactLabelId, InboxId, ProfileId, RealmId
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import refresh_search_ids
from frontdesk.lifecycle import import_queries as queries
from frontdesk.lifecycle import import_undo_queries as undo_queries
from frontdesk.lifecycle.import_ledger import find_unique, load_cards, lock_contacts
from frontdesk.lifecycle.import_mapping import ATTRIBUTE
from frontdesk.lifecycle.import_model import Import, ImportState, Outcome
from frontdesk.lifecycle.import_planning import CardState, Limits, reaches
from frontdesk.lifecycle.import_running import NOT_ALLOWED, Work, find_importer, record_import
from frontdesk.lifecycle.import_undo_queries import WrittenRow
from frontdesk.lifecycle.import_writing import (
    Writing,
    announce_contacts,
    record_changes,
    update_contacts,
    write_addresses,
    write_unique,
)
from frontdesk.organizations.model import Caller

BATCH_SIZE: Final = 500
POSITION: Final = "position"  # in `undone`: rows of the file from here on are taken back

_LISTS: Final = frozenset({"emails", "phones"})

Restored: TypeAlias = dict[ContactId, dict[str, Any]]
"""The former provenance of restored fields: `[provenance, set_by, set_at]`, or None where nobody had said anything."""


@dataclass(slots=True)
class _Undoing:
    """What one batch takes back."""

    schema: Schema
    limits: Limits
    cards: Mapping[ContactId, CardState]
    restored: Restored
    links: dict[str, set[tuple[ContactId, UUID]]]
    keys: set[tuple[ContactId, IdentityKey]]
    touched: set[ContactId]
    kept: set[ContactId]


async def undo_rows(work: Work) -> None:
    """Take back the rows that are left. Safe to repeat."""
    while await _undo_batch(work):
        pass


async def _undo_batch(work: Work) -> bool:
    async with work.services.db.begin(work.organization_id) as tx:
        one = await queries.lock_import(tx, work.import_id)
        if one.state is not ImportState.UNDOING:
            return False
        caller, now = await find_importer(tx, one), utc_now()
        if caller is None:
            await queries.update_import(tx, one.id, now, state=ImportState.FAILED, failure=NOT_ALLOWED)
            await announce(tx, Event("import", one.id))
            return False
        rows = await undo_queries.list_written(tx, one.id, before=one.undone.get(POSITION), limit=BATCH_SIZE)
        if not rows:
            await _finish(tx, one, now)
            return False
        counts = await _take_back(tx, caller, one, rows, now)
        undone = queries.add_counts({key: n for key, n in one.undone.items() if key != POSITION}, counts)
        await queries.update_import(tx, one.id, now, undone=undone | {POSITION: rows[-1].row_number})
        await announce(tx, Event("import", one.id))
    return True


async def _finish(tx: Tx, one: Import, now: datetime) -> None:
    undone = {key: n for key, n in one.undone.items() if key != POSITION}
    await queries.update_import(tx, one.id, now, state=ImportState.UNDONE, undone=undone, finished_at=now)
    await record_import(tx, one, "import.undone")
    await announce(tx, Event("import", one.id))


async def _take_back(
    tx: Tx, caller: Caller, one: Import, rows: Sequence[WrittenRow], now: datetime
) -> Mapping[str, int]:
    limits = Limits.of(caller)
    made = {row.contact_id for row in rows if row.outcome is Outcome.CREATED}
    written = [row for row in rows if row.outcome is not Outcome.CREATED and set(row.old_values) > {"version"}]
    everybody = made | {row.contact_id for row in written}
    schema = await hold_schema(tx)
    await lock_contacts(tx, everybody)
    cards = await load_cards(tx, everybody)
    mine = {contact_id for contact_id in made & cards.keys() if reaches(limits.edit, cards[contact_id].inboxes)}
    removed = await _remove_made(tx, one, mine)
    undoing = _Undoing(
        schema=schema,
        limits=limits,
        cards={one: state for one, state in cards.items() if one not in removed},
        restored={},
        links={"inboxes": set(), "labels": set(), "profiles": set()},
        keys=set(),
        touched=set(),
        kept=set(made - removed),
    )
    for row in written:
        _restore(undoing, row)
    writing = Writing(caller, one.id, undoing.schema, now)
    await _write(tx, writing, undoing)
    await apply_rules(tx, caller, undoing.touched)
    await announce_contacts(tx, sorted(removed)[:1] + sorted(undoing.touched))
    return Counter(removed=len(removed), restored=len(undoing.touched), kept=len(undoing.kept))


async def _remove_made(tx: Tx, one: Import, made: Collection[ContactId]) -> set[ContactId]:
    """Delete those contacts whom nobody touched since the import made them; return them."""
    if not made:
        return set()
    unused = await undo_queries.find_unused(tx, one.id, made)
    await undo_queries.delete_contacts(tx, unused)
    return unused


# --- one row ---


def _restore(undoing: _Undoing, row: WrittenRow) -> None:
    """Give the card its former values where it still says what the row wrote."""
    state, old = undoing.cards.get(row.contact_id), row.old_values
    if state is None or not _may_write(undoing.limits, state, old):  # deleted, merged, erased or moved away since
        undoing.kept.add(row.contact_id)
        return
    for field, (before, after) in old.get("fields", {}).items():
        _restore_field(undoing, state, FieldChange(field, _value(field, after), _value(field, before)), old)
    if "queryMetadata" in old:
        before, after = old["queryMetadata"]
        if state.contact.query_metadata == after:
            state.old_query_metadata, state.sets_access = after, True
            state.contact = replace(state.contact, query_metadata=before)
        else:
            undoing.kept.add(row.contact_id)
    for name, links in undoing.links.items():
        links |= {(row.contact_id, UUID(one)) for one in old.get(name, ())}
    undoing.keys |= {
        (row.contact_id, IdentityKey(RealmId(UUID(realm)), source_id)) for realm, source_id in old.get("keys", ())
    }
    undoing.touched.add(row.contact_id)


def _may_write(limits: Limits, state: CardState, old: Mapping[str, Any]) -> bool:
    """Tell whether the caller may write what a row wrote: access, e-mails and phones have rights of their own."""
    needed = [limits.edit]
    if "queryMetadata" in old or "profiles" in old:
        needed.append(limits.access)
    if not _LISTS.isdisjoint(old.get("fields", {})):
        needed.append(limits.personal)
    return all(reaches(limit, state.inboxes) for limit in needed)


def _restore_field(undoing: _Undoing, state: CardState, change: FieldChange, old: Mapping[str, Any]) -> None:
    card = state.contact
    if change.is_attribute:
        present = card.attributes.get(change.field.removeprefix(ATTRIBUTE))
    else:
        present = getattr(card, change.field)
    if present != change.old:
        undoing.kept.add(card.id)
        return
    state.contact = apply_changes(card, [change])
    first = state.changes.get(change.field)
    state.changes[change.field] = change if first is None else replace(change, old=first.old)
    undoing.restored.setdefault(card.id, {})[change.field] = old["provenance"][change.field]
    if change.field in _LISTS:
        said = dict(zip(change.new, map(Provenance, old["said"][change.field]), strict=True))
        state.said = {**state.said, **{(change.field, value): who for value, who in said.items()}}


def _value(field: str, value: Any) -> Any:  # noqa: ANN401 -- what stands in a field
    return tuple(value) if field in _LISTS else value


# --- writing it ---


async def _write(tx: Tx, writing: Writing, undoing: _Undoing) -> None:
    states = [state for contact_id, state in undoing.cards.items() if contact_id in undoing.touched]
    if not states:
        return
    await _leave_taken_values(tx, undoing, states)
    await update_contacts(tx, writing, states)
    await write_unique(tx, writing.schema, states)
    await write_addresses(tx, states)
    await undo_queries.restore_provenance(tx, undoing.restored)
    await undo_queries.delete_inboxes(tx, {(contact, InboxId(one)) for contact, one in undoing.links["inboxes"]})
    await undo_queries.delete_labels(tx, {(contact, ContactLabelId(one)) for contact, one in undoing.links["labels"]})
    await undo_queries.delete_profiles(tx, {(contact, ProfileId(one)) for contact, one in undoing.links["profiles"]})
    if undoing.keys:
        await undo_queries.delete_identities(tx, undoing.keys)
        await refresh_search_ids(tx, sorted({contact_id for contact_id, _ in undoing.keys}))
    await record_changes(tx, writing, states, action="contact.import_undone")
    await raise_scope_version(tx)


async def _leave_taken_values(tx: Tx, undoing: _Undoing, states: Sequence[CardState]) -> None:
    """Keep a unique attribute as it is where somebody else took the former value meanwhile."""
    wanted = {
        (definition.id, value_key(change.new)): (state, change)
        for state in states
        for definition in undoing.schema.unique_among(field.removeprefix(ATTRIBUTE) for field in state.changes)
        if (change := state.changes[ATTRIBUTE + definition.key]).new is not None
    }
    for key, holder in (await find_unique(tx, list(wanted))).items():
        state, change = wanted[key]
        if holder != state.contact.id:
            state.contact = apply_changes(state.contact, [FieldChange(change.field, change.new, change.old)])
            del state.changes[change.field]
            undoing.restored[state.contact.id].pop(change.field, None)
            undoing.kept.add(state.contact.id)
