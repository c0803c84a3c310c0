"""What a proof says that does not fit: an address of somebody else, a name that a member wrote otherwise.

It is recorded for a member to settle. Neither card is touched, and nobody is merged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from frontdesk.contacts.access import access_contact
from frontdesk.contacts.actions import update_contact
from frontdesk.contacts.card import keep_valid
from frontdesk.contacts.model import CardFields, Contact, Provenance, compare_fields
from frontdesk.contacts.queries import find_provenance, lock_contact
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import ConflictId, ContactId, InboxId
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.core.wire import Paging
from frontdesk.identities import conflict_queries as queries
from frontdesk.identities.cards import ContactView
from frontdesk.identities.conflict_queries import ConflictKind, Resolution, State, Stated, StoredConflict
from frontdesk.identities.duplicate_queries import list_ignored, lock_cards
from frontdesk.identities.duplicates import keep_apart
from frontdesk.identities.errors import ConflictSettled
from frontdesk.identities.matching import hash_identifier
from frontdesk.identities.pairs import find_views, rights_of
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right
from frontdesk.organizations.queries.organizations import find_phone_region

SHARED_BY_MOST: Final = 5  # others; an address that stands on more cards is a shared one, and no conflict

_KINDS: Final = {"emails": ConflictKind.SHARED_EMAIL, "phones": ConflictKind.SHARED_PHONE}
_DISPUTABLE: Final = ("name", "attributes")  # what says who somebody is; a picture or a language may differ
_CHOICES: Final = {
    ConflictKind.SHARED_EMAIL: (Resolution.KEPT_APART, Resolution.DISMISSED),
    ConflictKind.SHARED_PHONE: (Resolution.KEPT_APART, Resolution.DISMISSED),
    ConflictKind.PROFILE_DISAGREES: (Resolution.ACCEPTED, Resolution.DISMISSED),
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """What a member has to settle, or has settled. `second` is None when a profile disagrees with its own card."""

    id: ConflictId
    stated: Stated
    first: ContactView
    second: ContactView | None
    state: State
    resolution: Resolution | None
    created_at: datetime
    settled_at: datetime | None
    settled_by: str | None

    @property
    def choices(self) -> tuple[Resolution, ...]:
        """How it can be settled, beside merging the two."""
        return _CHOICES[self.stated.kind]


# --- noting ---


async def find_shared(tx: Tx, contact_id: ContactId, fields: CardFields) -> list[Stated]:
    """Return what of a proof's e-mails and phones others have, and was not noted before; lock all of them in order.

    Comes before anything else locks the card: two who share an address may sign in at once.
    """
    said = await _clean(tx, fields)
    emails, phones = said.get("emails") or (), said.get("phones") or ()
    if not emails and not phones:
        return []
    holders = await queries.find_holders(tx, contact_id, emails=emails, phones=phones, limit=SHARED_BY_MOST + 1)
    if not holders or len(holders) > SHARED_BY_MOST:
        return []
    ignored = await list_ignored(tx)
    stated = [
        Stated(_KINDS[field], min(contact_id, holder), max(contact_id, holder), field, value)
        for field, value, holder in holders
        if hash_identifier(value) not in ignored
    ]
    noted = await queries.find_noted(tx, stated)
    new = [one for one in stated if (one.kind, one.first_id, one.second_id, one.value_hash) not in noted]
    for one_id in sorted({contact_id, *(one for pair in new for one in (pair.first_id, pair.second_id))}):
        await (lock_contact(tx, one_id) if one_id == contact_id else lock_cards(tx, [one_id]))
    return new


async def note_conflicts(
    tx: Tx, card: Contact, fields: CardFields, provenance: Provenance, shared: Sequence[Stated], *, now: datetime
) -> int:
    """Record what of `fields` the card does not say, because a member, the API or an import wrote otherwise.

    `card` is as the fields left it; `shared` is what `find_shared` returned before. The same conflict is recorded once;
    a settled one is open again when the card says something else than then. Returns how many are new.
    """
    said = await _clean(tx, fields)
    disputed = cast("CardFields", {field: said[field] for field in _DISPUTABLE if field in said})
    compared = compare_fields(card, disputed)
    stated = [*shared, *await _find_disagreements(tx, card, disputed, provenance)]
    standing = [one.value_hash for one in stated]
    if compared:
        names = [change.field for change in compared]
        await queries.delete_past_disagreements(tx, card.id, provenance, names, standing)
    noted = [one for one in stated if await queries.upsert_conflict(tx, one, now=now)]
    for contact_id in sorted({one for conflict in noted for one in (conflict.first_id, conflict.second_id)}):
        await announce(tx, Event("contact", contact_id))
    return len(noted)


async def _find_disagreements(tx: Tx, card: Contact, said: CardFields, provenance: Provenance) -> list[Stated]:
    changes = [change for change in compare_fields(card, said) if change.is_real and change.new not in {None, ""}]
    known = await find_provenance(tx, card.id) if changes else {}
    return [
        Stated(ConflictKind.PROFILE_DISAGREES, card.id, card.id, change.field, change.new, change.old, provenance)
        for change in changes
        if change.field in known and known[change.field].provenance.is_deliberate
    ]


async def _clean(tx: Tx, fields: CardFields) -> CardFields:
    return keep_valid(fields, region=await find_phone_region(tx) if "phones" in fields else None)


# --- settling ---


async def list_conflicts(
    tx: Tx,
    caller: Caller,
    paging: Paging,
    *,
    state: State = "open",
    inbox_id: InboxId | None = None,
    contact_id: ContactId | None = None,
) -> tuple[list[Conflict], int]:
    """Return conflicts, the oldest first, and how many there are, of contacts whom the caller may view all.

    One about e-mails or phones is shown only to who may see these of both. Those of contacts that became one are gone.
    Right: contacts.view.
    """
    caller.require(Right.CONTACTS_VIEW)
    stored, count = await queries.list_conflicts(
        tx,
        rights_of(caller),
        state=state,
        inbox_ids=None if inbox_id is None else [inbox_id],
        contact_id=contact_id,
        limit=paging.limit,
        offset=paging.offset,
    )
    return await _load(tx, caller, stored), count


async def get_conflict(tx: Tx, caller: Caller, conflict_id: ConflictId) -> Conflict:
    """Return a conflict that the caller may read, as `list_conflicts` does. Raises NotFound."""
    caller.require(Right.CONTACTS_VIEW)
    stored = await queries.find_conflict(tx, rights_of(caller), conflict_id)
    if stored is None:
        raise NotFound
    return (await _load(tx, caller, [stored]))[0]


async def settle_conflict(tx: Tx, caller: Caller, conflict_id: ConflictId, resolution: Resolution) -> Conflict:
    """Decide on a conflict, and return it: keep two contacts apart, take what the proof says, or leave all as it is.

    Merging the two is a call of its own, after which there is nothing to settle. Right: contacts.merge over all its
    contacts; to take a value also contacts.edit. Safe to repeat. Raises NotFound, InvalidRequest for a decision that
    does not fit, and ConflictSettled when it was decided otherwise meanwhile.
    """
    conflict = await get_conflict(tx, caller, conflict_id)
    stated = conflict.stated
    for contact_id in sorted({stated.first_id, stated.second_id}):
        await access_contact(tx, caller, contact_id, Right.CONTACTS_MERGE)
    if resolution not in conflict.choices:
        raise InvalidRequest("This conflict cannot be settled so.", pointer="/resolution")
    if conflict.resolution is resolution:
        return conflict
    if resolution is Resolution.ACCEPTED and conflict.state == "open":
        await update_contact(tx, caller, stated.first_id, _fields_of(stated), provenance=Provenance.MEMBER)
    if not await queries.settle_conflict(tx, conflict_id, resolution, settled_by=caller.name, now=utc_now()):
        settled = await get_conflict(tx, caller, conflict_id)
        if settled.resolution is resolution:
            return settled
        raise ConflictSettled
    if resolution is Resolution.KEPT_APART:
        await keep_apart(tx, caller, stated.first_id, stated.second_id)
    await _record(tx, caller, stated, resolution)
    return await get_conflict(tx, caller, conflict_id)


async def _record(tx: Tx, caller: Caller, stated: Stated, resolution: Resolution) -> None:
    value = {"said": stated.said, "kept": stated.kept}
    for contact_id in sorted({stated.first_id, stated.second_id}):
        payload: dict[str, Any] = {"kind": stated.kind, "resolution": resolution, stated.field: value}
        await audit.record(
            tx, caller, "identity.conflict_settled", "contact", contact_id, contact_id=contact_id, payload=payload
        )
        await announce(tx, Event("contact", contact_id))


def _fields_of(stated: Stated) -> CardFields:
    field, _, key = stated.field.partition(".")
    return cast("CardFields", {field: {key: stated.said} if key else stated.said})


async def _load(tx: Tx, caller: Caller, stored: Sequence[StoredConflict]) -> list[Conflict]:
    ids = [one for conflict in stored for one in (conflict.stated.first_id, conflict.stated.second_id)]
    views = await find_views(tx, caller, ids)
    return [
        Conflict(
            id=one.id,
            stated=one.stated,
            first=views[one.stated.first_id],
            second=views[one.stated.second_id] if one.stated.second_id != one.stated.first_id else None,
            state=one.state,
            resolution=one.resolution,
            created_at=one.created_at,
            settled_at=one.settled_at,
            settled_by=one.settled_by,
        )
        for one in stored
    ]
