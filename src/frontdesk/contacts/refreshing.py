"""What proofs and platforms say about a contact: the steps of `actions.refresh_card`."""

from collections.abc import Mapping, Sequence
from typing import Final

from frontdesk.contacts import queries
from frontdesk.contacts.addresses import add_said
from frontdesk.contacts.attributes import Schema
from frontdesk.contacts.card import MAX_ADDRESSES
from frontdesk.contacts.model import (
    Address,
    CardFields,
    Contact,
    FieldChange,
    FieldProvenance,
    Provenance,
    attribute_keys,
    may_overwrite,
    outranks,
)
from frontdesk.contacts.queries import AddressField
from frontdesk.contacts.schema import find_taken
from frontdesk.core.db import Tx
from frontdesk.core.text import utc_now

_ADDRESS_FIELDS: Final[tuple[AddressField, ...]] = ("emails", "phones")


async def add_addresses(
    tx: Tx, contact: Contact, said: CardFields, known: Mapping[str, Provenance], provenance: Provenance
) -> dict[AddressField, tuple[Address, ...]]:
    """Let `said` hold whole lists; return those of which not only the words change, but also who said them."""
    lists: dict[AddressField, tuple[Address, ...]] = {}
    fields: list[AddressField] = [field for field in _ADDRESS_FIELDS if said.get(field)]
    stored = await queries.find_addresses(tx, contact.id) if fields else {}
    for field in fields:
        present = tuple(stored[field])
        added = add_said(present, said[field] or (), provenance, listed_by=known.get(field))[:MAX_ADDRESSES]
        said[field] = tuple(one.value for one in added)
        if added != present:
            lists[field] = added
    return lists


def may_write(field: str, provenance: Provenance, known: Mapping[str, Provenance]) -> bool:
    """Say whether `provenance` may write the field; of e-mails and phones `add_addresses` has decided."""
    return field in _ADDRESS_FIELDS or may_overwrite(provenance, known.get(field))


async def leave_out_taken(
    tx: Tx, contact: Contact, schema: Schema, changes: Sequence[FieldChange]
) -> Sequence[FieldChange]:
    """Return `changes` without the unique values that somebody else has; hold the others."""
    values = {key: change.new for change in changes for key in attribute_keys([change])}
    taken = await find_taken(tx, schema, contact.id, values)
    return [change for change in changes if attribute_keys([change]).isdisjoint(taken)]


async def note_repeated(
    tx: Tx, contact: Contact, repeated: Sequence[str], known: Mapping[str, Provenance], provenance: Provenance
) -> None:
    """Note that what somebody less trustworthy had said was said again by `provenance`."""
    stronger = [field for field in repeated if field in known and outranks(provenance, known[field])]
    if stronger:
        await queries.upsert_provenance(tx, contact.id, stronger, FieldProvenance(provenance, provenance, utc_now()))
