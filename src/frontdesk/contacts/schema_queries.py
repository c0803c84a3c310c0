"""Definitions of attributes, and who holds which value of the unique ones."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from frontdesk.access.model import Assurance
from frontdesk.contacts.attributes import MAX_UNIQUE, AttributeDefinition, Kind
from frontdesk.core.db import Row, Tx
from frontdesk.core.ids import AttributeId, ContactId

_COLUMNS: Final = """
    id, key, name, kind, choices, is_required, is_unique, may_know_from, position, created_at, updated_at
"""
# `attributes.value_key` of the attribute with the parameter `key`, of `contacts c`.
_UNIQUE_KEY: Final = """
    CASE jsonb_typeof(c.attributes -> %(key)s)
         WHEN 'number' THEN trim_scale((c.attributes ->> %(key)s)::numeric)::text ELSE c.attributes ->> %(key)s END
"""


# What cards that are not deleted say there, as far as it can be unique.
_SAID: Final = f"""
    (SELECT c.id, {_UNIQUE_KEY} AS value_key FROM contacts c
      WHERE c.organization_id = %(organization)s AND c.deleted_at IS NULL
        AND jsonb_typeof(c.attributes -> %(key)s) IN ('string', 'number')) AS said
"""


async def lock_schema(tx: Tx) -> None:
    """Wait until nobody else changes the schema or writes attributes before this transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%(schema)s, 0))", _lock_name(tx))


async def lock_schema_as_it_is(tx: Tx) -> None:
    """Wait until nobody else can change the schema before this transaction ends; others who write may go on."""
    await tx.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%(schema)s, 0))", _lock_name(tx))


async def list_definitions(tx: Tx) -> list[AttributeDefinition]:
    """Return all definitions in the order in which they are shown."""
    sql = f"""
        SELECT {_COLUMNS} FROM attribute_definitions
         WHERE organization_id = %(organization)s ORDER BY position, key
    """
    return [_to_definition(row) for row in await tx.fetch(sql, {"organization": tx.organization_id})]


async def find_definition(tx: Tx, attribute_id: AttributeId) -> AttributeDefinition | None:
    """Return one definition; None when there is none."""
    sql = f"SELECT {_COLUMNS} FROM attribute_definitions WHERE organization_id = %(organization)s AND id = %(id)s"
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": attribute_id})
    return _to_definition(row) if row else None


async def insert_definition(tx: Tx, definition: AttributeDefinition) -> bool:
    """Store a new definition; False when another one has its key."""
    sql = f"""
        INSERT INTO attribute_definitions (organization_id, {_COLUMNS})
        VALUES (%(organization)s, %(id)s, %(key)s, %(name)s, %(kind)s, %(choices)s, %(is_required)s, %(is_unique)s,
                %(may_know_from)s, %(position)s, %(created_at)s, %(updated_at)s)
            ON CONFLICT (organization_id, key) DO NOTHING
    """
    return await tx.execute(sql, _params(tx, definition)) == 1


async def update_definition(tx: Tx, definition: AttributeDefinition) -> None:
    """Store all of `definition` under its id, but for its key."""
    sql = """
        UPDATE attribute_definitions
           SET name = %(name)s, kind = %(kind)s, choices = %(choices)s, is_required = %(is_required)s,
               is_unique = %(is_unique)s, may_know_from = %(may_know_from)s, position = %(position)s,
               updated_at = %(updated_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    await tx.execute(sql, _params(tx, definition))


async def delete_definition(tx: Tx, attribute_id: AttributeId) -> None:
    """Delete a definition. The values on cards stay, as free attributes."""
    sql = "DELETE FROM attribute_definitions WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": attribute_id})


async def list_values(
    tx: Tx, key: str, *, after: ContactId | None, limit: int
) -> list[tuple[ContactId, dict[str, Any]]]:
    """Return a part of the cards that are not deleted, by id, each with the attribute `key` alone, if it has it."""
    sql = """
        SELECT c.id, CASE WHEN c.attributes ? %(key)s THEN jsonb_build_object(%(key)s::text, c.attributes -> %(key)s)
                          ELSE '{}' END
          FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.deleted_at IS NULL
           AND (%(after)s::uuid IS NULL OR c.id > %(after)s)
         ORDER BY c.id LIMIT %(limit)s
    """
    params = {"organization": tx.organization_id, "key": key, "after": after, "limit": limit}
    return [(contact_id, attributes) for contact_id, attributes in await tx.fetch(sql, params)]


# --- unique values ---


async def insert_values(tx: Tx, contact_id: ContactId, values: Mapping[AttributeId, str]) -> None:
    """Hold each value for the contact, unless somebody holds it. Waits for others who are about to."""
    sql = """
        INSERT INTO attribute_values (organization_id, definition_id, value_key, contact_id)
        SELECT %(organization)s, definition_id, value_key, %(contact)s
          FROM unnest(%(definitions)s::uuid[], %(keys)s::text[]) AS wanted (definition_id, value_key)
         ORDER BY definition_id, value_key
            ON CONFLICT (organization_id, definition_id, value_key) DO NOTHING
    """
    await tx.execute(sql, _value_params(tx, contact_id, values))


async def find_holders(tx: Tx, values: Mapping[AttributeId, str]) -> dict[AttributeId, tuple[ContactId, bool]]:
    """Map each attribute to who holds its value, and whether that contact is deleted."""
    sql = """
        SELECT held.definition_id, c.id, c.deleted_at IS NOT NULL
          FROM unnest(%(definitions)s::uuid[], %(keys)s::text[]) AS wanted (definition_id, value_key)
          JOIN attribute_values held ON held.organization_id = %(organization)s
           AND held.definition_id = wanted.definition_id AND held.value_key = wanted.value_key
          JOIN contacts c ON c.organization_id = held.organization_id AND c.id = held.contact_id
    """
    rows = await tx.fetch(sql, _value_params(tx, None, values))
    return {attribute_id: (contact_id, is_deleted) for attribute_id, contact_id, is_deleted in rows}


async def move_value(tx: Tx, attribute_id: AttributeId, key: str, *, old: ContactId, new: ContactId) -> bool:
    """Let `new` hold what `old` holds; False when `old` holds it no more."""
    sql = """
        UPDATE attribute_values SET contact_id = %(new)s
         WHERE organization_id = %(organization)s AND definition_id = %(id)s AND value_key = %(key)s
           AND contact_id = %(old)s
    """
    params = {"organization": tx.organization_id, "id": attribute_id, "key": key, "old": old, "new": new}
    return await tx.execute(sql, params) == 1


async def delete_other_values(
    tx: Tx, contact_id: ContactId, attribute_ids: Collection[AttributeId], values: Mapping[AttributeId, str]
) -> None:
    """Let go of what the contact holds of `attribute_ids`, except for `values`."""
    sql = """
        DELETE FROM attribute_values held
         WHERE held.organization_id = %(organization)s AND held.contact_id = %(contact)s
           AND held.definition_id = ANY(%(attributes)s)
           AND (held.definition_id, held.value_key) NOT IN (
                SELECT * FROM unnest(%(definitions)s::uuid[], %(keys)s::text[]))
    """
    await tx.execute(sql, {**_value_params(tx, contact_id, values), "attributes": list(attribute_ids)})


async def refill_values(tx: Tx, definition: AttributeDefinition) -> None:
    """Note anew who holds which value of the attribute: nobody when it is not unique, of several the oldest card."""
    params = {"organization": tx.organization_id, "id": definition.id, "key": definition.key}
    await tx.execute(
        "DELETE FROM attribute_values WHERE organization_id = %(organization)s AND definition_id = %(id)s", params
    )
    if definition.is_unique:
        await tx.execute(
            f"""
            INSERT INTO attribute_values (organization_id, definition_id, value_key, contact_id)
            SELECT DISTINCT ON (value_key) %(organization)s, %(id)s, value_key, id
              FROM {_SAID}
             WHERE value_key <> '' AND char_length(value_key) <= %(longest)s
             ORDER BY value_key, id
            """,
            {**params, "longest": MAX_UNIQUE},
        )


async def count_shared_values(tx: Tx, definition: AttributeDefinition) -> int:
    """Count the cards that have a value of a unique attribute which an older card holds, just after `refill_values`."""
    sql = f"""
        SELECT (SELECT count(*) FROM {_SAID} WHERE value_key <> '' AND char_length(value_key) <= %(longest)s)
             - (SELECT count(*) FROM attribute_values
                 WHERE organization_id = %(organization)s AND definition_id = %(id)s)
    """
    params = {"organization": tx.organization_id, "id": definition.id, "key": definition.key, "longest": MAX_UNIQUE}
    return int(await tx.fetch_value(sql, params))


def _lock_name(tx: Tx) -> dict[str, str]:
    return {"schema": f"{tx.organization_id}/contact attributes"}


def _value_params(tx: Tx, contact_id: ContactId | None, values: Mapping[AttributeId, str]) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "contact": contact_id,
        "definitions": list(values),
        "keys": list(values.values()),
    }


def _to_definition(row: Row) -> AttributeDefinition:
    attribute_id, key, name, kind, choices, is_required, is_unique, may_know_from, *rest = row
    return AttributeDefinition(
        attribute_id,
        key,
        name,
        Kind(kind),
        None if choices is None else tuple(choices),
        is_required,
        is_unique,
        None if may_know_from is None else Assurance(may_know_from),
        *rest,
    )


def _params(tx: Tx, definition: AttributeDefinition) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "id": definition.id,
        "key": definition.key,
        "name": definition.name,
        "kind": definition.kind.value,
        "choices": None if definition.choices is None else list(definition.choices),
        "is_required": definition.is_required,
        "is_unique": definition.is_unique,
        "may_know_from": definition.may_know_from,
        "position": definition.position,
        "created_at": definition.created_at,
        "updated_at": definition.updated_at,
    }
