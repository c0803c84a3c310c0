"""The schema at work: what a write of attributes may say, and who holds the values that only one contact may have."""

from collections.abc import Iterable, Mapping
from typing import Any

from frontdesk.contacts import queries, schema_queries
from frontdesk.contacts.attributes import Schema, value_key
from frontdesk.contacts.errors import AttributeTaken
from frontdesk.contacts.model import Contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import AttributeId, ContactId
from frontdesk.organizations.model import Caller, Right


async def load_schema(tx: Tx) -> Schema:
    """Return the schema, for reading and for what is checked again when it is written."""
    return Schema({definition.key: definition for definition in await schema_queries.list_definitions(tx)})


async def hold_schema(tx: Tx) -> Schema:
    """Return the schema, which nobody changes before this transaction ends: for those who write attributes.

    Call it before a card is locked: whoever changes the schema has it alone, and then waits for cards.
    """
    await schema_queries.lock_schema_as_it_is(tx)
    return await load_schema(tx)


async def hold_values(tx: Tx, caller: Caller, schema: Schema, contact: Contact, keys: Iterable[str]) -> None:
    """Let the contact hold the unique ones of its values of `keys`, and let go of what it held of these before.

    Raises AttributeTaken, which names the holder to callers who may see that contact. A deleted contact holds nothing.
    """
    taken = await find_taken(tx, schema, contact.id, {key: contact.attributes.get(key) for key in keys})
    for key, holder in taken.items():
        visible = await queries.find_visible_contact(tx, holder, caller.inboxes_for(Right.CONTACTS_VIEW))
        facts = {"attribute": key}
        known = {"holder": {"id": str(holder), "name": visible.name}} if visible else {}
        raise AttributeTaken(pointer=f"/attributes/{key}", facts={**facts, **known})


async def find_taken(tx: Tx, schema: Schema, contact_id: ContactId, values: Mapping[str, Any]) -> dict[str, ContactId]:
    """Let the contact hold the unique ones of `values`; map each key whose value somebody else holds to that contact.

    Of these keys the contact keeps what it held before.
    """
    unique = schema.unique_among(values)
    if not unique:
        return {}
    wanted = {
        definition.id: value_key(values[definition.key])
        for definition in unique
        if values[definition.key] not in (None, "")
    }
    await schema_queries.insert_values(tx, contact_id, wanted)
    taken: dict[AttributeId, ContactId] = {}
    for attribute_id, (holder, is_deleted) in (await schema_queries.find_holders(tx, wanted)).items():
        is_free = is_deleted and holder != contact_id
        if is_free and await schema_queries.move_value(
            tx, attribute_id, wanted[attribute_id], old=holder, new=contact_id
        ):
            continue
        if holder != contact_id:
            taken[attribute_id] = holder
    freed = [definition.id for definition in unique if definition.id not in taken]
    await schema_queries.delete_other_values(tx, contact_id, freed, wanted)
    return {definition.key: taken[definition.id] for definition in unique if definition.id in taken}
