"""Labels of contacts: which there are, and putting them on cards."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from frontdesk.access.warnings import AccessWarning
from frontdesk.contacts import label_queries
from frontdesk.contacts.access import access_contact_alone, require_configure
from frontdesk.contacts.errors import ContactLabelTaken
from frontdesk.contacts.label_queries import ContactLabel
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.queries import raise_version
from frontdesk.contacts.rules import apply_rules, hold_rules, reapply_label_rules
from frontdesk.contacts.schema_queries import lock_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, ContactLabelId, new_id
from frontdesk.core.inputs import clean_name
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, CallerKind, Right


@dataclass(frozen=True, slots=True)
class LabelWish:
    """A label as a caller names it: by id, or by name."""

    id: ContactLabelId | None
    name: str | None

    @classmethod
    def parse(cls, text: str) -> "LabelWish":
        """Read a bare text: an id if it looks like one, else a name."""
        try:
            return cls(ContactLabelId(UUID(text)), None)
        except ValueError:
            return cls(None, text.strip())


async def list_labels(tx: Tx, caller: Caller, *, limit: int = 1000, offset: int = 0) -> tuple[list[ContactLabel], int]:
    """Return a part of the labels by name, and how many there are. Right: contacts.view."""
    caller.require(Right.CONTACTS_VIEW)
    return await label_queries.list_labels(tx, limit=limit, offset=offset)


async def get_label(tx: Tx, caller: Caller, label_id: ContactLabelId) -> ContactLabel:
    """Return one label. Right: contacts.view. Raises NotFound."""
    caller.require(Right.CONTACTS_VIEW)
    label = await label_queries.find_label(tx, label_id)
    if label is None:
        raise NotFound
    return label


async def create_label(tx: Tx, caller: Caller, name: str) -> ContactLabel:
    """Make a label. Right: contacts.configure, everywhere. Raises Forbidden, InvalidRequest and ContactLabelTaken."""
    require_configure(caller)
    await label_queries.lock_labels(tx)
    label = ContactLabel(ContactLabelId(new_id()), clean_name(name), utc_now())
    if not await label_queries.insert_label(tx, label):
        raise ContactLabelTaken(pointer="/name")
    await _record_label(tx, caller, "created", label, {"name": label.name})
    return label


async def rename_label(tx: Tx, caller: Caller, label_id: ContactLabelId, name: str) -> ContactLabel:
    """Give a label another name. Right and errors: as `create_label`; raises NotFound, too."""
    require_configure(caller)
    await label_queries.lock_labels(tx)
    old, new_name = await get_label(tx, caller, label_id), clean_name(name)
    if any(other.id != label_id for other in await label_queries.find_labels(tx, ids=[], names=[new_name])):
        raise ContactLabelTaken(pointer="/name")
    if new_name != old.name:
        await label_queries.update_label(tx, label_id, new_name)
        await _record_label(tx, caller, "updated", old, {"name": {"before": old.name, "after": new_name}})
    return replace(old, name=new_name)


async def delete_label(tx: Tx, caller: Caller, label_id: ContactLabelId) -> None:
    """Take a label from all contacts and delete it. Right: contacts.configure, everywhere. Raises NotFound."""
    require_configure(caller)
    await lock_schema(tx)  # writes of cards end before, and come to know afterwards
    label = await get_label(tx, caller, label_id)
    await label_queries.delete_label(tx, label_id)
    await reapply_label_rules(tx, caller, label_id)
    await _record_label(tx, caller, "deleted", label, {"name": label.name})


async def find_labels_of(tx: Tx, contact_ids: Sequence[ContactId]) -> dict[ContactId, list[ContactLabel]]:
    """Map each contact to its labels, by name; every one of `contact_ids` is a key."""
    return await label_queries.find_labels_of(tx, contact_ids)


async def resolve_labels(
    tx: Tx, wishes: Sequence[LabelWish], *, at: str = "/labels"
) -> tuple[list[ContactLabelId], tuple[AccessWarning, ...]]:
    """Return the labels that are wished for, and a remark for each that there is not: it is ignored."""
    names = [wish.name for wish in wishes if wish.name]
    known = await label_queries.find_labels(tx, ids=[wish.id for wish in wishes if wish.id], names=names)
    by_id, by_name = {label.id for label in known}, {label.name: label.id for label in known}
    found: list[ContactLabelId] = []
    warnings: list[AccessWarning] = []
    for index, wish in enumerate(wishes):
        label_id = wish.id if wish.id in by_id else by_name.get(wish.name or "")
        if label_id is not None:
            found.append(label_id)
        else:
            facts = {"label": str(wish.id or wish.name)}
            warnings.append(AccessWarning("unknown-label", f"{at}/{index}", "There is no such label.", facts))
    return list(dict.fromkeys(found)), tuple(warnings)


async def add_labels(
    tx: Tx,
    caller: Caller,
    contact_id: ContactId,
    label_ids: Collection[ContactLabelId],
    *,
    provenance: Provenance | None = None,
) -> bool:
    """Put labels on a contact; return whether that changed anything. Ids of no label are passed over.

    `provenance` None: the caller's own. Right: contacts.edit. Raises NotFound.
    """
    return await _change(tx, caller, contact_id, added=label_ids, removed=(), provenance=provenance)


async def remove_labels(tx: Tx, caller: Caller, contact_id: ContactId, label_ids: Collection[ContactLabelId]) -> bool:
    """Take labels from a contact; return whether that changed anything. Right: contacts.edit. Raises NotFound."""
    return await _change(tx, caller, contact_id, added=(), removed=label_ids)


async def set_labels(
    tx: Tx,
    caller: Caller,
    contact_id: ContactId,
    label_ids: Collection[ContactLabelId],
    *,
    provenance: Provenance | None = None,
) -> bool:
    """Give a contact exactly these labels; return whether that changed anything. Right, errors: as `add_labels`."""
    await hold_rules(tx)
    await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    present = [label.id for label in (await find_labels_of(tx, [contact_id]))[contact_id]]
    removed = set(present) - set(label_ids)
    return await _change(tx, caller, contact_id, added=label_ids, removed=removed, provenance=provenance)


async def _change(
    tx: Tx,
    caller: Caller,
    contact_id: ContactId,
    *,
    added: Iterable[ContactLabelId],
    removed: Iterable[ContactLabelId],
    provenance: Provenance | None = None,
) -> bool:
    await hold_rules(tx)
    await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT)
    before, now = await _names(tx, contact_id), utc_now()
    said_by = provenance or (Provenance.API if caller.kind is CallerKind.API_KEY else Provenance.MEMBER)
    count = await label_queries.insert_labels_of(tx, contact_id, added, provenance=said_by, set_by=caller.name, now=now)
    count += await label_queries.delete_labels_of(tx, contact_id, removed)
    if not count:
        return False
    await raise_version(tx, contact_id, now)
    payload = {"labels": {"before": before, "after": await _names(tx, contact_id)}}
    await audit.record(tx, caller, "contact.labelled", "contact", contact_id, contact_id=contact_id, payload=payload)
    await announce(tx, Event("contact", contact_id))
    await apply_rules(tx, caller, [contact_id])
    return True


async def _names(tx: Tx, contact_id: ContactId) -> list[str]:
    return [label.name for label in (await find_labels_of(tx, [contact_id]))[contact_id]]


async def _record_label(tx: Tx, caller: Caller, verb: str, label: ContactLabel, payload: dict[str, Any]) -> None:
    await audit.record(tx, caller, f"contact_label.{verb}", "contact_label", label.id, payload=payload)
