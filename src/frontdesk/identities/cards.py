"""Contacts as staff and the API write and see them: the card with its identities, inboxes and access."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from frontdesk.access.warnings import AccessWarning
from frontdesk.contacts import actions
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.access import access_contact, access_contact_alone, sees_personal
from frontdesk.contacts.access_actions import list_access_warnings, set_access
from frontdesk.contacts.label_queries import ContactLabel
from frontdesk.contacts.labels import LabelWish, add_labels, find_labels_of, resolve_labels, set_labels
from frontdesk.contacts.model import CardFields, Contact, ContactInbox, hide_personal
from frontdesk.contacts.schema import hold_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import PreconditionFailed
from frontdesk.core.ids import ContactId, InboxId, ProfileId, RealmId
from frontdesk.core.secrets import Cipher
from frontdesk.identities import queries
from frontdesk.identities.blocks import Block, find_blocks
from frontdesk.identities.model import Identity, IdentityKey, find_primary, parse_source_id
from frontdesk.identities.source_ids import (
    access_unmerged,
    get_bare_realm,
    link_identity,
    read_key,
    refuse_taken,
    right_to_give,
    set_source_id,
    take_identity,
)
from frontdesk.identities.tombstones import refuse_erased
from frontdesk.organizations.model import Caller, Right

Warnings: TypeAlias = tuple[AccessWarning, ...]
Address: TypeAlias = Literal["emails", "phones"]


@dataclass(frozen=True, slots=True)
class ContactView:
    """A contact with all that is shown beside its card. Personal fields are empty for callers who may not see them."""

    contact: Contact
    inboxes: tuple[ContactInbox, ...]
    identities: tuple[Identity, ...]
    primary: Identity | None  # whose source id the card shows; None: an anonymous contact
    profiles: tuple[tuple[ProfileId, str], ...]  # assigned access profiles with their names
    labels: tuple[ContactLabel, ...]  # by name, without counting
    block: Block | None = None  # None: its messages are accepted, but perhaps for single identities


@dataclass(frozen=True, slots=True)
class Given:
    """What a caller writes about a contact. None and empty: not said, and it stays as it is."""

    fields: CardFields = field(default_factory=CardFields)
    main: Mapping[Address, str | None] = field(default_factory=dict)  # the first e-mail or phone; None removes it
    inbox_ids: tuple[InboxId, ...] | None = None
    source_id: object = None  # as it was sent; it belongs to the realm of bare ones
    identities: tuple[tuple[RealmId, object], ...] = ()  # further ones, each with its realm
    labels: tuple[LabelWish, ...] | None = None
    sets_access: bool = False
    query_metadata: dict[str, Any] | None = None  # with `sets_access` only; None then removes it

    @property
    def is_descriptive(self) -> bool:
        """True when nothing is written that identifies the person, or that an access rule reads."""
        return self.inbox_ids is None and self.source_id is None and not self.identities and not self.sets_access

    def fields_for(self, card: Contact | None) -> CardFields:
        """Return the fields to write on `card` (None: a new one); further e-mails and phones stay behind the main."""
        fields = self.fields.copy()
        for name, value in self.main.items():
            further = getattr(card, name)[1:] if card else ()
            fields[name] = [*([value] if value else []), *further]
        return fields

    def source_ids(self) -> list[str]:
        """Return all source ids that are given. Raises InvalidSourceId."""
        raw = [self.source_id] if self.source_id is not None else []
        return [parse_source_id(one) for one in (*raw, *(source_id for _, source_id in self.identities))]


async def create_card(
    tx: Tx, caller: Caller, given: Given, *, key: IdentityKey | None = None, tombstones: Cipher | None = None
) -> tuple[ContactId, Warnings]:
    """Make a contact in advance, with its source ids and its access; `key` is one more identity.

    With `tombstones` nobody who was erased is made again; None: a member asks for exactly that. Rights: contacts.edit,
    contacts.vouch for a second source id, and contacts.edit_access to set access. Raises what `create_contact` raises,
    InvalidSourceId, SourceIdTaken, NotFound and Erased.
    """
    await hold_schema(tx)  # before source ids, like whoever proves one
    await queries.lock_source_ids(tx, given.source_ids())
    contact = await actions.create_contact(
        tx,
        caller,
        fields=given.fields_for(None),
        inbox_ids=given.inbox_ids or (),
        query_metadata=given.query_metadata,
        provenance=actions.provenance_of(caller),
    )
    if key is not None:
        await take_identity(tx, caller, contact.id, key)
    if given.source_id is not None:
        await set_source_id(tx, caller, contact.id, given.source_id)
    for realm, source_id in given.identities:
        right = await right_to_give(tx, contact.id)
        await take_identity(tx, caller, contact.id, await read_key(tx, source_id, realm), right)
    label_ids, remarks = await resolve_labels(tx, given.labels or ())
    if label_ids:
        await add_labels(tx, caller, contact.id, label_ids)
    if tombstones is not None:
        keys = [identity.key for identity in await queries.list_identities(tx, contact.id)]
        await refuse_erased(tx, tombstones, keys=keys, emails=contact.emails, phones=contact.phones)
    return contact.id, (*await list_access_warnings(tx, contact), *remarks)


async def change_card(
    tx: Tx, caller: Caller, contact_id: ContactId, given: Given, *, if_version: int | None = None
) -> tuple[ContactId, Warnings]:
    """Write on a contact what is given; return whom it reached, with warnings about the access.

    Of a contact that was merged, descriptive fields reach the survivor; all else raises ContactMerged. Rights:
    contacts.edit, contacts.vouch for further identities, contacts.edit_access for access. Raises NotFound,
    PreconditionFailed when `if_version` is not the present one, and what the single steps raise.
    """
    if given.is_descriptive:
        contact_id = await queries.resolve_contact_id(tx, contact_id)
    else:
        await access_unmerged(tx, caller, contact_id, Right.CONTACTS_EDIT)
        await queries.lock_source_ids(tx, given.source_ids())
        await queries.lock_sessions_of(tx, contact_id)
    if "attributes" in given.fields:
        await hold_schema(tx)
    contact = await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    if if_version not in {None, contact.version}:
        raise PreconditionFailed(facts={"version": contact.version})
    if fields := given.fields_for(contact):
        await actions.update_contact(tx, caller, contact_id, fields, provenance=actions.provenance_of(caller))
    if given.inbox_ids is not None:
        await actions.set_inboxes(tx, caller, contact_id, given.inbox_ids)
    if given.source_id is not None:
        await set_source_id(tx, caller, contact_id, given.source_id)
    remarks: Warnings = ()
    if given.labels is not None:
        label_ids, remarks = await resolve_labels(tx, given.labels)
        await set_labels(tx, caller, contact_id, label_ids)
    for realm, source_id in given.identities:
        await link_identity(tx, caller, contact_id, await read_key(tx, source_id, realm))
    if given.sets_access:
        await set_access(tx, caller, contact_id, given.query_metadata, contact.profiles_mode)
    warnings = await list_access_warnings(tx, await contacts.get_contact(tx, contact_id))
    return contact_id, (*warnings, *remarks)


async def upsert_card(
    tx: Tx,
    caller: Caller,
    key: IdentityKey,
    given: Given,
    *,
    if_version: int | None = None,
    tombstones: Cipher | None = None,
) -> tuple[ContactId, Warnings, bool]:
    """Write on the contact who has `key`, or make one; return whom, warnings, and whether it was made.

    Rights and errors are those of the two above; SourceIdTaken when the holder is none that the caller may edit.
    """
    await queries.lock_source_ids(tx, [key.source_id, *given.source_ids()])
    holder = (await queries.find_owners(tx, [key])).get(key)
    if holder is None:
        if if_version is not None:
            raise PreconditionFailed
        contact_id, warnings = await create_card(tx, caller, given, key=key, tombstones=tombstones)
        return contact_id, warnings, True
    if await contacts.find_visible_contact(tx, holder, caller.inboxes_for(Right.CONTACTS_EDIT)) is None:
        raise await refuse_taken(tx, caller, key)
    contact_id, warnings = await change_card(tx, caller, holder, given, if_version=if_version)
    return contact_id, warnings, False


async def load_views(tx: Tx, caller: Caller, cards: Sequence[Contact]) -> list[ContactView]:
    """Return `cards` with what is shown beside them, in a few statements for any number of them."""
    ids = [card.id for card in cards]
    inboxes = await contacts.find_inboxes_of(tx, ids)
    identities = await queries.find_identities(tx, ids)
    realms = await queries.find_shared_realms(tx, ids)
    profiles = await queries.find_profile_names(tx, ids)
    labels = await find_labels_of(tx, ids)
    default = await get_bare_realm(tx, None)
    blocks = await find_blocks(tx, ids)
    return [
        ContactView(
            contact=_shown(caller, card, inboxes[card.id]),
            inboxes=tuple(inboxes[card.id]),
            identities=tuple(identities[card.id]),
            primary=find_primary(identities[card.id], realms.get(card.id, default)),
            profiles=tuple(profiles[card.id]),
            labels=tuple(labels[card.id]),
            block=blocks.get(card.id),
        )
        for card in cards
    ]


async def get_view(tx: Tx, caller: Caller, contact_id: ContactId, right: Right = Right.CONTACTS_VIEW) -> ContactView:
    """Return the contact, or the one that it was merged into, to a caller who holds `right` there. Raises NotFound."""
    card = await access_contact(tx, caller, await queries.resolve_contact_id(tx, contact_id), right)
    return (await load_views(tx, caller, [card]))[0]


def _shown(caller: Caller, card: Contact, inboxes: Iterable[ContactInbox]) -> Contact:
    return card if sees_personal(caller, [inbox.inbox_id for inbox in inboxes]) else hide_personal(card)
