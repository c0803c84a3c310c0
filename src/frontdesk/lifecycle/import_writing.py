"""Writes what one batch of rows decided: one statement per table, whatever the size of the batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from frontdesk.access.queries import raise_scope_version
from frontdesk.contacts.attributes import Schema, value_key
from frontdesk.contacts.model import PERSONAL_FIELDS, Provenance
from frontdesk.core.cells import storable
from frontdesk.core.db import Tx, to_jsonb
from frontdesk.core.ids import ContactId, new_id
from frontdesk.core.live import Event, announce_all
from frontdesk.identities.queries import refresh_search_ids
from frontdesk.lifecycle.import_mapping import ATTRIBUTE
from frontdesk.lifecycle.import_model import ImportId, RowResult
from frontdesk.lifecycle.import_planning import CardState
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller

_ADDRESSES: Final = (("emails", "contact_emails", "email"), ("phones", "contact_phones", "phone"))
_LINKS: Final = {
    "new_inboxes": """
        contact_inboxes (organization_id, contact_id, inbox_id)
        SELECT %(organization)s, contact_id, id
    """,
    "new_labels": """
        labelled_contacts (organization_id, contact_id, label_id, provenance, set_by, set_at)
        SELECT %(organization)s, contact_id, id, 'import', %(by)s, %(now)s
    """,
    "new_profiles": """
        profile_assignments (organization_id, contact_id, profile_id, provenance, assigned_by, assigned_at)
        SELECT %(organization)s, contact_id, id, 'import', %(by)s, %(now)s
    """,
}


class OvertakenByOthers(Exception):
    """Somebody else took a source id or a unique value meanwhile: decide the batch anew."""


@dataclass(frozen=True, slots=True)
class Writing:
    """On whose behalf a batch is written, and when."""

    caller: Caller
    import_id: ImportId
    schema: Schema
    now: datetime


async def write_cards(tx: Tx, writing: Writing, states: Sequence[CardState]) -> None:
    """Store what is new in `states`, whose cards are locked. Raises OvertakenByOthers: roll back then."""
    changed = sorted((state for state in states if state.is_changed), key=lambda state: state.contact.id)
    if not changed:
        return
    new = [state for state in changed if state.is_new]
    old = [state for state in changed if not state.is_new]
    await _insert_contacts(tx, writing, new)
    await update_contacts(tx, writing, old)
    await _insert_identities(tx, writing, changed)
    await write_unique(tx, writing.schema, changed)
    await write_addresses(tx, changed)
    await _upsert_fields(tx, writing, changed)
    await _insert_links(tx, writing, changed)
    if known_anew := [state.contact.id for state in old if state.new_keys]:
        await refresh_search_ids(tx, known_anew)
    await record_changes(tx, writing, changed)
    if any(state.sets_access or state.new_profiles or state.new_inboxes or state.new_keys for state in old):
        await raise_scope_version(tx)
    await announce_contacts(tx, [state.contact.id for state in (*new[:1], *old)])  # one new one stands for all


async def insert_rows(tx: Tx, import_id: ImportId, results: Sequence[RowResult], *, is_dry: bool) -> None:
    """Store what became of rows."""
    sql = """
        INSERT INTO import_rows (organization_id, import_id, is_dry, row_number, outcome, contact_id,
                                 code, field, detail, old_values)
        SELECT %(organization)s, %(import)s, %(dry)s, number, outcome, contact_id, code, field, detail, old_values
          FROM unnest(%(numbers)s::bigint[], %(outcomes)s::text[], %(contacts)s::uuid[], %(codes)s::text[],
                      %(fields)s::text[], %(details)s::text[], %(old_values)s::jsonb[])
            AS given (number, outcome, contact_id, code, field, detail, old_values)
    """
    params = {
        "organization": tx.organization_id,
        "import": import_id,
        "dry": is_dry,
        "numbers": [result.number for result in results],
        "outcomes": [result.outcome.value for result in results],
        "contacts": [result.contact_id for result in results],
        "codes": [result.fault and result.fault.code for result in results],
        "fields": [result.fault and result.fault.field and storable(result.fault.field) for result in results],
        "details": [result.fault and storable(result.fault.detail) for result in results],
        "old_values": [None if is_dry else to_jsonb(result.old_values) for result in results],
    }
    await tx.execute(sql, params)


# --- cards ---


async def _insert_contacts(tx: Tx, writing: Writing, states: Sequence[CardState]) -> None:
    if not states:
        return
    cards = [state.contact for state in states]
    sql = """
        INSERT INTO contacts (organization_id, id, name, avatar, language, time_zone, attributes, query_metadata,
                              search_ids, search_personal, created_at, updated_at)
        SELECT %(organization)s, id, name, avatar, language, time_zone, attributes, query_metadata,
               search_form(ids), search_form(personal), %(now)s, %(now)s
          FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(avatars)s::text[], %(languages)s::text[],
                      %(time_zones)s::text[], %(attributes)s::jsonb[], %(metadata)s::jsonb[], %(source_ids)s::text[],
                      %(personal)s::text[])
            AS given (id, name, avatar, language, time_zone, attributes, query_metadata, ids, personal)
    """
    params = {
        "organization": tx.organization_id,
        "now": writing.now,
        "ids": [card.id for card in cards],
        "names": [card.name for card in cards],
        "avatars": [card.avatar for card in cards],
        "languages": [card.language for card in cards],
        "time_zones": [card.time_zone for card in cards],
        "attributes": [Jsonb(card.attributes) for card in cards],
        "metadata": [to_jsonb(card.query_metadata) for card in cards],
        "source_ids": ["".join(f" {key.source_id}" for key in sorted(state.new_keys)) for state in states],
        "personal": ["".join(f" {one}" for one in (*card.emails, *card.phones)) for card in cards],
    }
    await tx.execute(sql, params)


async def update_contacts(tx: Tx, writing: Writing, states: Sequence[CardState]) -> None:
    """Store what stands on cards that are there."""
    if not states:
        return
    cards = [state.contact for state in states]
    sql = """
        UPDATE contacts c
           SET name = g.name, avatar = g.avatar, language = g.language, time_zone = g.time_zone,
               attributes = g.attributes, query_metadata = g.query_metadata, updated_at = %(now)s,
               version = c.version + 1,
               search_personal = coalesce(search_form(g.personal), c.search_personal)
          FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(avatars)s::text[], %(languages)s::text[],
                      %(time_zones)s::text[], %(attributes)s::jsonb[], %(metadata)s::jsonb[], %(personal)s::text[])
            AS g (id, name, avatar, language, time_zone, attributes, query_metadata, personal)
         WHERE c.organization_id = %(organization)s AND c.id = g.id
    """
    params = {
        "organization": tx.organization_id,
        "now": writing.now,
        "ids": [card.id for card in cards],
        "names": [card.name for card in cards],
        "avatars": [card.avatar for card in cards],
        "languages": [card.language for card in cards],
        "time_zones": [card.time_zone for card in cards],
        "attributes": [Jsonb(card.attributes) for card in cards],
        "metadata": [to_jsonb(card.query_metadata) for card in cards],
        "personal": [
            "".join(f" {one}" for one in (*card.emails, *card.phones))
            if not PERSONAL_FIELDS.isdisjoint(state.changes)
            else None
            for state, card in zip(states, cards, strict=True)
        ],
    }
    await tx.execute(sql, params)


async def _insert_identities(tx: Tx, writing: Writing, states: Iterable[CardState]) -> None:
    given = sorted((key, state.contact.id) for state in states for key in state.new_keys)
    if not given:
        return
    sql = """
        INSERT INTO identities (organization_id, id, realm_id, source_id, contact_id, created_at)
        SELECT %(organization)s, id, realm_id, source_id, contact_id, %(now)s
          FROM unnest(%(ids)s::uuid[], %(realms)s::uuid[], %(source_ids)s::text[], %(contacts)s::uuid[])
            AS given (id, realm_id, source_id, contact_id)
            ON CONFLICT (organization_id, realm_id, source_id) DO NOTHING
    """
    params = {
        "organization": tx.organization_id,
        "now": writing.now,
        "ids": [new_id() for _ in given],
        "realms": [key.realm for key, _ in given],
        "source_ids": [key.source_id for key, _ in given],
        "contacts": [contact_id for _, contact_id in given],
    }
    if await tx.execute(sql, params) != len(given):
        raise OvertakenByOthers


async def write_unique(tx: Tx, schema: Schema, states: Iterable[CardState]) -> None:
    """Hold the changed values of unique attributes. Raises OvertakenByOthers when somebody holds one."""
    removed, added = [], []
    for state in states:
        for definition in schema.unique_among(field.removeprefix(ATTRIBUTE) for field in state.changes):
            change = state.changes[ATTRIBUTE + definition.key]
            removed.append((definition.id, state.contact.id))
            if change.new is not None:
                added.append((definition.id, value_key(change.new), state.contact.id))
    if removed:
        sql = """
            DELETE FROM attribute_values v
             USING unnest(%(definitions)s::uuid[], %(contacts)s::uuid[]) AS given (definition_id, contact_id)
             WHERE v.organization_id = %(organization)s AND v.definition_id = given.definition_id
               AND v.contact_id = given.contact_id
        """
        definitions, contacts = zip(*removed, strict=True)
        params = {"definitions": list(definitions), "contacts": list(contacts)}
        await tx.execute(sql, params | {"organization": tx.organization_id})
    if added:
        definitions, values, contacts = zip(*sorted(added), strict=True)
        params = {"definitions": list(definitions), "values": list(values), "contacts": list(contacts)}
        sql = """
            DELETE FROM attribute_values v
             USING unnest(%(definitions)s::uuid[], %(values)s::text[]) AS given (definition_id, value_key), contacts c
             WHERE v.organization_id = %(organization)s AND v.definition_id = given.definition_id
               AND v.value_key = given.value_key
               AND c.organization_id = v.organization_id AND c.id = v.contact_id AND c.deleted_at IS NOT NULL
        """
        await tx.execute(sql, params | {"organization": tx.organization_id})
        sql = """
            INSERT INTO attribute_values (organization_id, definition_id, value_key, contact_id)
            SELECT %(organization)s, definition_id, value_key, contact_id
              FROM unnest(%(definitions)s::uuid[], %(values)s::text[], %(contacts)s::uuid[])
                AS given (definition_id, value_key, contact_id)
                ON CONFLICT (organization_id, definition_id, value_key) DO NOTHING
        """
        if await tx.execute(sql, params | {"organization": tx.organization_id}) != len(added):
            raise OvertakenByOthers


async def write_addresses(tx: Tx, states: Sequence[CardState]) -> None:
    """Store changed e-mails and phones, each with who said it."""
    for field, table, column in _ADDRESSES:
        changed = [state for state in states if field in state.changes]
        stored = [state.contact.id for state in changed if not state.is_new]
        if stored:
            sql = f"DELETE FROM {table} WHERE organization_id = %(organization)s AND contact_id = ANY(%(ids)s)"
            await tx.execute(sql, {"organization": tx.organization_id, "ids": stored})
        rows = [
            (state.contact.id, position, value, state.said.get((field, value), Provenance.IMPORT))
            for state in changed
            for position, value in enumerate(getattr(state.contact, field), 1)
        ]
        if rows:
            await _insert_addresses(tx, table, column, rows)


async def _insert_addresses(
    tx: Tx, table: str, column: str, rows: Sequence[tuple[ContactId, int, str, Provenance]]
) -> None:
    sql = f"""
        INSERT INTO {table} (organization_id, contact_id, position, {column}, provenance, learned_assurance)
        SELECT %(organization)s, contact_id, position, value, provenance, learned
          FROM unnest(%(contacts)s::uuid[], %(positions)s::smallint[], %(values)s::text[], %(provenances)s::text[],
                      %(learned)s::smallint[]) AS given (contact_id, position, value, provenance, learned)
    """
    contacts, positions, values, provenances = zip(*rows, strict=True)
    params = {
        "organization": tx.organization_id,
        "contacts": list(contacts),
        "positions": list(positions),
        "values": list(values),
        "provenances": [one.value for one in provenances],
        "learned": [one.assurance for one in provenances],
    }
    await tx.execute(sql, params)


async def _upsert_fields(tx: Tx, writing: Writing, states: Iterable[CardState]) -> None:
    given = [(state.contact.id, field) for state in states for field in state.changes]
    if not given:
        return
    sql = """
        INSERT INTO contact_fields (organization_id, contact_id, field, provenance, learned_assurance, set_by, set_at)
        SELECT %(organization)s, contact_id, field, 'import', NULL, %(set_by)s, %(now)s
          FROM unnest(%(contacts)s::uuid[], %(fields)s::text[]) AS given (contact_id, field)
            ON CONFLICT (organization_id, contact_id, field) DO UPDATE
           SET provenance = excluded.provenance, learned_assurance = excluded.learned_assurance,
               set_by = excluded.set_by, set_at = excluded.set_at
    """
    contacts, fields = zip(*given, strict=True)
    params = {"contacts": list(contacts), "fields": list(fields), "set_by": writing.caller.name, "now": writing.now}
    await tx.execute(sql, params | {"organization": tx.organization_id})


async def _insert_links(tx: Tx, writing: Writing, states: Sequence[CardState]) -> None:
    for attribute, target in _LINKS.items():
        given = [(state.contact.id, one) for state in states for one in getattr(state, attribute)]
        if given:
            contacts, ids = zip(*given, strict=True)
            params = {"contacts": list(contacts), "ids": list(ids), "by": writing.caller.name, "now": writing.now}
            sql = f"""
                INSERT INTO {target}
                  FROM unnest(%(contacts)s::uuid[], %(ids)s::uuid[]) AS given (contact_id, id)
                    ON CONFLICT DO NOTHING
            """
            await tx.execute(sql, params | {"organization": tx.organization_id})


# --- what is told of it ---


async def record_changes(
    tx: Tx, writing: Writing, states: Sequence[CardState], *, action: str = "contact.updated"
) -> None:
    """Write an entry of the audit log for each contact; `action` is for those that are not new."""
    entries = [
        ("contact.created" if state.is_new else action, state.contact.id, _payload(state, writing.import_id))
        for state in states
    ]
    await audit.record_on_contacts(tx, writing.caller, entries, writing.now)


def _payload(state: CardState, import_id: ImportId) -> Mapping[str, Any]:
    payload: dict[str, Any] = {
        "changes": {change.field: {"before": change.old, "after": change.new} for change in state.changes.values()},
        "provenance": Provenance.IMPORT,
        "import": str(import_id),
    }
    for name, ids in (("inboxes", state.new_inboxes), ("labels", state.new_labels), ("profiles", state.new_profiles)):
        if ids:
            payload[name] = sorted(map(str, ids))
    if state.new_keys:
        payload["identities"] = [
            {"realm": str(key.realm), "source_id": key.source_id} for key in sorted(state.new_keys)
        ]
    if state.sets_access:
        payload["query_metadata"] = {"before": state.old_query_metadata, "after": state.contact.query_metadata}
    return payload


async def announce_contacts(tx: Tx, contact_ids: Iterable[ContactId]) -> None:
    """Tell open windows that these cards changed."""
    await announce_all(tx, [Event("contact", contact_id) for contact_id in contact_ids])
