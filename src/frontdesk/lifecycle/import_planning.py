"""What rows of a file do to the card file: decided row by row, in their order, without a database.

A dry run and a run decide with the same code. A `Ledger` holds what the decisions rest on; each row sees what the rows
before it would have done.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from frontdesk.contacts.attributes import Schema, value_key
from frontdesk.contacts.card import MAX_ADDRESSES, MAX_ATTRIBUTES, MAX_ATTRIBUTES_BYTES, check_attributes
from frontdesk.contacts.model import Contact, FieldChange, FieldProvenance, Provenance, anybody, apply_changes
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import AttributeId, ContactId, ContactLabelId, InboxId, ProfileId
from frontdesk.core.sheets import Fault
from frontdesk.identities.model import IdentityKey
from frontdesk.lifecycle.import_holding import NotHeld
from frontdesk.lifecycle.import_mapping import ATTRIBUTE
from frontdesk.lifecycle.import_model import Draft, Outcome, RowResult
from frontdesk.organizations.model import Caller, Right

UniqueKey = tuple[AttributeId, str]

_LISTS: Final = frozenset({"emails", "phones"})


@dataclass(slots=True)
class CardState:
    """A card as the rows so far leave it, and what of it is to be written."""

    contact: Contact
    is_new: bool
    is_stored: bool = True  # False: an earlier batch of a dry run would have made it; nothing else of it is known
    by_this_import: bool = False  # made by it, in this batch or before
    is_touched: bool = False  # a row of this import was about it before
    provenance: Mapping[str, FieldProvenance] = field(default_factory=dict)
    said: Mapping[tuple[str, str], Provenance] = field(default_factory=dict)  # who said an address, by field and value
    inboxes: frozenset[InboxId] = frozenset()
    labels: frozenset[ContactLabelId] = frozenset()
    profiles: frozenset[ProfileId] = frozenset()
    keys: frozenset[IdentityKey] = frozenset()
    changes: dict[str, FieldChange] = field(default_factory=dict)  # all of this batch, by field
    new_inboxes: set[InboxId] = field(default_factory=set)
    new_labels: set[ContactLabelId] = field(default_factory=set)
    new_profiles: set[ProfileId] = field(default_factory=set)
    new_keys: set[IdentityKey] = field(default_factory=set)
    sets_access: bool = False
    old_query_metadata: Mapping[str, Any] | None = None

    @classmethod
    def not_stored(cls, contact_id: ContactId, now: datetime) -> "CardState":
        """Return the card that an earlier batch of a dry run would have made."""
        card = replace(anybody(now), id=contact_id)
        return cls(card, is_new=False, is_stored=False, by_this_import=True, is_touched=True)

    @property
    def is_changed(self) -> bool:
        """True when something is to be written."""
        return self.is_new or self.changes_card or bool(self.new_inboxes or self.new_labels or self.new_keys)

    @property
    def changes_card(self) -> bool:
        """True when the card itself, or what it may read, changes."""
        return bool(self.changes) or self.sets_access or bool(self.new_profiles)


@dataclass(slots=True)
class Ledger:
    """What decisions rest on: the owners of source ids and unique values, and the cards of those whom rows mean."""

    owners: dict[IdentityKey, ContactId]
    unique: dict[UniqueKey, ContactId]
    cards: dict[ContactId, CardState]
    merged_into: Mapping[ContactId, ContactId]  # of contact ids that rows name
    erased: frozenset[IdentityKey | str]
    shared_emails: frozenset[str]  # in lower case; held by contacts that this import did not make
    new_unique: dict[UniqueKey, ContactId] = field(default_factory=dict)
    not_held: NotHeld = field(default_factory=NotHeld)


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the caller may do what. None: everywhere."""

    edit: frozenset[InboxId] | None
    access: frozenset[InboxId] | None
    personal: frozenset[InboxId] | None
    vouch: frozenset[InboxId] | None

    @classmethod
    def of(cls, caller: Caller) -> "Limits":
        """Return those of `caller`: importing and editing are both needed to write a card."""
        importing, editing = caller.inboxes_for(Right.CONTACTS_IMPORT), caller.inboxes_for(Right.CONTACTS_EDIT)
        both = importing if editing is None else editing if importing is None else importing & editing
        return cls(
            both,
            caller.inboxes_for(Right.CONTACTS_EDIT_ACCESS),
            caller.inboxes_for(Right.CONTACTS_VIEW_PERSONAL),
            caller.inboxes_for(Right.CONTACTS_VOUCH),
        )


def reaches(limit: frozenset[InboxId] | None, inboxes: Iterable[InboxId]) -> bool:
    """Tell whether a right with this limit holds for somebody in `inboxes`."""
    return limit is None or not limit.isdisjoint(inboxes)


def hash_key(key: IdentityKey | UniqueKey) -> UUID:
    """Return what an import remembers of a key between batches of a dry run."""
    realm, text = (key.realm, key.source_id) if isinstance(key, IdentityKey) else key
    return UUID(bytes=hashlib.sha256(f"{realm}/{text}".encode()).digest()[:16])


class _Refused(Exception):
    """The row is not imported."""

    def __init__(self, outcome: Outcome, code: str, field_name: str | None, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.fault = Fault(code, field_name, detail)


class Planner:
    """Decides rows of one batch; what they do is in the ledger afterwards."""

    def __init__(self, ledger: Ledger, limits: Limits, schema: Schema, now: datetime) -> None:
        self._ledger = ledger
        self._limits = limits
        self._schema = schema
        self._now = now

    def decide(self, draft: Draft) -> RowResult:
        """Return what becomes of one row, and note it for those that follow."""
        try:
            self._refuse_erased(draft)
            state = self._find_card(draft)
            return self._create(draft) if state is None else self._write(draft, state)
        except _Refused as refused:
            return RowResult(draft.number, refused.outcome, fault=refused.fault)

    # --- who is meant ---

    def _refuse_erased(self, draft: Draft) -> None:
        erased = self._ledger.erased
        if not erased:
            return
        given = (*draft.keys, *draft.fields.get("emails", ()), *draft.fields.get("phones", ()))
        if any(one in erased for one in given):
            detail = "This person was erased. Allow erased people to let them back."
            raise _Refused(Outcome.ERROR, "erased", None, detail)

    def _find_card(self, draft: Draft) -> CardState | None:
        ledger = self._ledger
        owners = {ledger.owners[key] for key in draft.keys if key in ledger.owners}
        if len(owners) > 1:
            detail = "Its source ids belong to two contacts. Merge them first."
            raise _Refused(Outcome.CONFLICT, "source-ids-of-two-contacts", "sourceId", detail)
        owner = next(iter(owners), None)
        if draft.contact_id is not None:
            named = ledger.merged_into.get(draft.contact_id, draft.contact_id)
            state = ledger.cards.get(named)
            if state is None or not self._may_edit(state):
                raise _Refused(Outcome.ERROR, "not-found", "contactId", "There is no such contact, or it is not yours.")
            if owner not in {None, named}:
                raise _Refused(Outcome.CONFLICT, "source-id-taken", "sourceId", "Another contact has this source id.")
            return state
        if owner is None:
            return None
        state = ledger.cards.get(owner)
        if state is None or not self._may_edit(state):
            raise _Refused(Outcome.CONFLICT, "source-id-taken", "sourceId", "Another contact has this source id.")
        return state

    def _may_edit(self, state: CardState) -> bool:
        return not state.is_stored or reaches(self._limits.edit, state.inboxes | state.new_inboxes)

    # --- a new card ---

    def _create(self, draft: Draft) -> RowResult:
        if self._limits.edit is not None and not draft.inbox_ids:
            raise _Refused(Outcome.ERROR, "inbox-needed", "inboxes", "Choose at least one of your platforms.")
        state = CardState(anybody(self._now), is_new=True, by_this_import=True)
        self._require_access(draft, draft.inbox_ids)
        self._require_holding(draft, state)
        missing = next((key for key in sorted(self._schema.required) if ATTRIBUTE + key not in draft.fields), None)
        if missing is not None:
            raise _Refused(Outcome.ERROR, "required", ATTRIBUTE + missing, "A value is needed here.")
        changes = self._compare(draft, state)
        self._check_unique(state, changes)
        self._apply(draft, state, changes)
        self._ledger.cards[state.contact.id] = state
        state.is_touched = True
        old = {"version": state.contact.version}
        return RowResult(draft.number, Outcome.CREATED, state.contact.id, self._remark(changes), old)

    # --- a card that is there ---

    def _write(self, draft: Draft, state: CardState) -> RowResult:
        inboxes = state.inboxes | state.new_inboxes
        self._require_access(draft, inboxes | draft.inbox_ids, is_stored=state.is_stored)
        self._require_holding(draft, state)
        self._check_new_keys(draft, state, inboxes)
        changes = self._compare(draft, state)
        self._require_personal(draft, state, changes, inboxes)
        self._check_unique(state, changes)
        was_touched, old = state.is_touched, self._old_values(draft, state, changes)
        self._apply(draft, state, changes)
        state.is_touched = True
        outcome = Outcome.MERGED if was_touched else Outcome.UPDATED if old else Outcome.UNCHANGED
        version = state.contact.version if state.is_new else state.contact.version + 1  # after this batch
        kept = {"version": version} | ({} if state.by_this_import else old) if old else None
        return RowResult(draft.number, outcome, state.contact.id, self._remark(changes), kept)

    def _check_new_keys(self, draft: Draft, state: CardState, inboxes: frozenset[InboxId]) -> None:
        held = state.keys | state.new_keys
        new = [key for key in draft.keys if key not in held]
        if not new or not held or not state.is_stored or state.by_this_import:
            return
        if {key.realm for key in new} & {key.realm for key in held}:
            detail = "This contact has another source id. Correct it on the card."
            raise _Refused(Outcome.CONFLICT, "source-id-differs", "sourceId", detail)
        if not reaches(self._limits.vouch, inboxes):
            raise _Refused(Outcome.ERROR, "forbidden", "identities", "You may not give a contact a further identity.")

    # --- fields ---

    def _compare(self, draft: Draft, state: CardState) -> list[FieldChange]:
        contact, changes = state.contact, []
        for name, value in draft.fields.items():
            if name.startswith(ATTRIBUTE):
                change = FieldChange(name, contact.attributes.get(name.removeprefix(ATTRIBUTE)), value)
            elif name in _LISTS:
                change = FieldChange(name, getattr(contact, name), _put_first(value, getattr(contact, name)))
                if len(change.new) > MAX_ADDRESSES:
                    detail = f"At most {MAX_ADDRESSES} are accepted."
                    raise _Refused(Outcome.ERROR, "invalid-value", name, detail)
            else:
                change = FieldChange(name, getattr(contact, name), value)
            if change.is_real:
                changes.append(change)
        attributes = [change for change in changes if change.is_attribute]
        if attributes and not _surely_fits(contact, attributes):
            try:
                check_attributes(apply_changes(contact, changes).attributes)
            except InvalidRequest as error:
                raise _Refused(Outcome.ERROR, "invalid-value", "attributes", error.detail) from error
        return changes

    def _check_unique(self, state: CardState, changes: Sequence[FieldChange]) -> None:
        for definition_id, change in self._unique_of(changes):
            holder = self._ledger.unique.get((definition_id, value_key(change.new)))
            if holder not in {None, state.contact.id}:
                detail = "Another contact has this value, which only one may have."
                raise _Refused(Outcome.CONFLICT, "unique-value-taken", change.field, detail)

    def _unique_of(self, changes: Iterable[FieldChange]) -> list[tuple[AttributeId, FieldChange]]:
        by_key = {change.field.removeprefix(ATTRIBUTE): change for change in changes if change.is_attribute}
        return [(one.id, by_key[one.key]) for one in self._schema.unique_among(by_key)] if by_key else []

    def _require_access(self, draft: Draft, inboxes: Iterable[InboxId], *, is_stored: bool = True) -> None:
        if draft.sets_access and is_stored and not reaches(self._limits.access, inboxes):
            raise _Refused(Outcome.ERROR, "forbidden", "accessProfiles", "You may not say what this contact may read.")

    def _require_holding(self, draft: Draft, state: CardState) -> None:
        given = draft.query_metadata if self._sets_metadata(draft, state) else None
        profiles = draft.profile_ids - state.profiles - state.new_profiles
        if self._ledger.not_held.has(profiles=profiles, query_metadata=given):
            field_name = "accessProfiles" if given is None else "queryMetadata"
            raise _Refused(Outcome.ERROR, "grant-not-held", field_name, "This opens documents that you do not hold.")

    def _require_personal(
        self, draft: Draft, state: CardState, changes: Sequence[FieldChange], inboxes: frozenset[InboxId]
    ) -> None:
        """Refuse addresses for a card whose own may not be seen; equal ones too, else they could be guessed."""
        is_own = not state.is_stored or (state.by_this_import and not any(one.field in _LISTS for one in changes))
        given = next((name for name in sorted(_LISTS) if name in draft.fields), None)
        if given is not None and not is_own and not reaches(self._limits.personal, inboxes):
            detail = "You may not see e-mails and phones of this contact."
            raise _Refused(Outcome.ERROR, "forbidden", given, detail)

    # --- writing it down ---

    def _apply(self, draft: Draft, state: CardState, changes: Sequence[FieldChange]) -> None:
        state.contact = apply_changes(state.contact, changes)
        for change in changes:
            first = state.changes.get(change.field)
            state.changes[change.field] = change if first is None else replace(change, old=first.old)
        state.new_inboxes |= draft.inbox_ids - state.inboxes
        state.new_labels |= draft.label_ids - state.labels
        state.new_profiles |= draft.profile_ids - state.profiles
        for key in set(draft.keys) - state.keys - state.new_keys:
            state.new_keys.add(key)
            self._ledger.owners[key] = state.contact.id
        if self._sets_metadata(draft, state):
            if not state.sets_access:
                state.old_query_metadata = state.contact.query_metadata
            state.sets_access = True
            state.contact = replace(state.contact, query_metadata=dict(draft.query_metadata or {}))
        for definition_id, change in self._unique_of(changes):
            if change.old is not None:
                self._ledger.unique.pop((definition_id, value_key(change.old)), None)
            self._ledger.unique[definition_id, value_key(change.new)] = state.contact.id
            self._ledger.new_unique[definition_id, value_key(change.new)] = state.contact.id

    def _sets_metadata(self, draft: Draft, state: CardState) -> bool:
        return draft.query_metadata is not None and draft.query_metadata != state.contact.query_metadata

    def _old_values(self, draft: Draft, state: CardState, changes: Sequence[FieldChange]) -> dict[str, Any]:
        """Return what undoing this row needs; empty when it changes nothing."""
        old: dict[str, Any] = {}
        if changes:
            old["fields"] = {change.field: [change.old, change.new] for change in changes}
            old["provenance"] = {change.field: _provenance(state.provenance.get(change.field)) for change in changes}
            old["said"] = {
                change.field: [state.said.get((change.field, value), Provenance.IMPORT).value for value in change.old]
                for change in changes
                if change.field in _LISTS
            }
        added = {
            "inboxes": draft.inbox_ids - state.inboxes - state.new_inboxes,
            "labels": draft.label_ids - state.labels - state.new_labels,
            "profiles": draft.profile_ids - state.profiles - state.new_profiles,
        }
        old |= {name: sorted(map(str, ids)) for name, ids in added.items() if ids}
        keys = set(draft.keys) - state.keys - state.new_keys
        if keys:
            old["keys"] = [[str(key.realm), key.source_id] for key in sorted(keys)]
        if self._sets_metadata(draft, state):
            old["queryMetadata"] = [state.contact.query_metadata, draft.query_metadata]
        return old

    def _remark(self, changes: Sequence[FieldChange]) -> Fault | None:
        emails = next((change for change in changes if change.field == "emails"), None)
        added = set(emails.new) - set(emails.old) if emails else set()
        if not any(one.lower() in self._ledger.shared_emails for one in added):
            return None
        return Fault("shared-email", "emails", "Another contact has this e-mail. Equal e-mails never merge contacts.")


def _surely_fits(contact: Contact, changes: Sequence[FieldChange]) -> bool:
    """Tell, without a closer look, that few short texts are written on a card with few attributes or none."""
    return (
        len(contact.attributes) == 0
        and len(changes) <= MAX_ATTRIBUTES
        and all(isinstance(change.new, str) for change in changes)
        and sum(len(change.field) + len(change.new) for change in changes) < MAX_ATTRIBUTES_BYTES // 8
    )


def _put_first(given: Sequence[str], present: Sequence[str]) -> tuple[str, ...]:
    """Return `given`, and behind them what the card has beside: an import never loses an address."""
    if tuple(present[: len(given)]) == tuple(given):
        return tuple(present)
    if set(given) <= set(present):
        return tuple(present)
    return tuple(dict.fromkeys((*given, *present)))


def _provenance(said: FieldProvenance | None) -> list[Any] | None:
    if said is None:
        return None
    return [said.provenance.value, said.set_by, said.set_at.isoformat(), said.provenance.assurance]
