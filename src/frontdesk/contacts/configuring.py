"""What the organization says about cards: definitions of attributes, and what of a card the assistant may know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict

from phonenumbers import SUPPORTED_REGIONS

from frontdesk.access.model import Assurance
from frontdesk.contacts import queries, schema_queries
from frontdesk.contacts.access import require_configure
from frontdesk.contacts.attributes import AttributeDefinition, Kind
from frontdesk.contacts.errors import AttributeKeyTaken
from frontdesk.contacts.knowing import FREE_ATTRIBUTES_FROM, CardField, FieldRules, load_rules
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import AttributeId, ContactId, new_id
from frontdesk.core.inputs import clean_line, clean_name
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right
from frontdesk.organizations.queries.organizations import (
    find_phone_region,
    find_refused_source_ids,
    update_phone_region,
    update_refused_source_ids,
)

MAX_DEFINITIONS: Final = 100
MAX_CHOICES: Final = 200
_MAX_REFUSED: Final = 200
_PART: Final = 5_000  # cards that are looked at in one statement


class AttributeChanges(TypedDict, total=False):
    """What is written of a definition; what is absent stays as it is."""

    name: str
    kind: Kind
    choices: tuple[str, ...] | None
    is_required: bool
    is_unique: bool
    may_know_from: Assurance | None
    position: int


@dataclass(frozen=True, slots=True)
class Misfits:
    """How many cards do not fit a definition. They keep what they say until it is written anew."""

    unfitting: int = 0  # the value is of another kind, or none of the choices
    missing: int = 0  # a value is required, and there is none
    shared: int = 0  # an older card has the same value, which should be unique


async def list_definitions(tx: Tx, caller: Caller) -> list[AttributeDefinition]:
    """Return all definitions in the order in which they are shown. Right: contacts.view."""
    caller.require(Right.CONTACTS_VIEW)
    return await schema_queries.list_definitions(tx)


async def get_definition(tx: Tx, caller: Caller, attribute_id: AttributeId) -> AttributeDefinition:
    """Return one definition. Right: contacts.view. Raises NotFound."""
    caller.require(Right.CONTACTS_VIEW)
    definition = await schema_queries.find_definition(tx, attribute_id)
    if definition is None:
        raise NotFound
    return definition


async def create_definition(
    tx: Tx, caller: Caller, key: str, changes: AttributeChanges
) -> tuple[AttributeDefinition, Misfits]:
    """Define the attribute `key`, and count the cards that do not fit: they stay as they are.

    Right: contacts.configure, everywhere. Waits for writes of attributes that are under way. Raises Forbidden,
    InvalidRequest and AttributeKeyTaken.
    """
    require_configure(caller)
    await schema_queries.lock_schema(tx)
    present = await schema_queries.list_definitions(tx)
    if len(present) >= MAX_DEFINITIONS:
        raise InvalidRequest(f"At most {MAX_DEFINITIONS} attributes are defined.", pointer="/key")
    now, name = utc_now(), clean_name(key, pointer="/key", max_length=100)
    blank = AttributeDefinition(
        id=AttributeId(new_id()),
        key=name,
        name=name,
        kind=Kind.TEXT,
        choices=None,
        is_required=False,
        is_unique=False,
        may_know_from=FREE_ATTRIBUTES_FROM,
        position=len(present),
        created_at=now,
        updated_at=now,
    )
    definition = _apply(blank, changes)
    if not await schema_queries.insert_definition(tx, definition):
        raise AttributeKeyTaken(pointer="/key")
    await _record(tx, caller, "created", definition, {"after": _picture(definition)})
    return definition, await _fit(tx, definition)


async def update_definition(
    tx: Tx, caller: Caller, attribute_id: AttributeId, changes: AttributeChanges
) -> tuple[AttributeDefinition, Misfits]:
    """Change a definition, and count the cards that do not fit: they stay as they are.

    Right, locks and errors: as `create_definition`; raises NotFound, too.
    """
    require_configure(caller)
    await schema_queries.lock_schema(tx)
    old = await get_definition(tx, caller, attribute_id)
    new = _apply(old, changes)
    if new != old:
        new = replace(new, updated_at=utc_now())
        await schema_queries.update_definition(tx, new)
        await _record(tx, caller, "updated", new, {"before": _picture(old), "after": _picture(new)})
    return new, await _fit(tx, new)


async def delete_definition(tx: Tx, caller: Caller, attribute_id: AttributeId) -> None:
    """Forget a definition; the values on cards stay, as free attributes.

    Right: contacts.configure, everywhere. Raises Forbidden and NotFound.
    """
    require_configure(caller)
    await schema_queries.lock_schema(tx)
    definition = await get_definition(tx, caller, attribute_id)
    await schema_queries.delete_definition(tx, attribute_id)
    await _record(tx, caller, "deleted", definition, {"before": _picture(definition)})


async def count_misfits(tx: Tx, definition: AttributeDefinition) -> Misfits:
    """Look at every card that is not deleted, in parts."""
    unfitting = missing = 0
    after: ContactId | None = None
    while part := await schema_queries.list_values(tx, definition.key, after=after, limit=_PART):
        after = part[-1][0]
        said = [attributes.get(definition.key) for _, attributes in part]
        missing += sum(value in (None, "", []) for value in said) if definition.is_required else 0
        unfitting += sum(value is not None and definition.find_fault(value) is not None for value in said)
    shared = await schema_queries.count_shared_values(tx, definition) if definition.is_unique else 0
    return Misfits(unfitting, missing, shared)


# --- what the assistant may know ---


@dataclass(frozen=True, slots=True)
class CardRules:
    """What holds for every card of the organization."""

    may_know: FieldRules
    phone_region: str | None  # of phone numbers without a country code; None: they are refused
    refused_source_ids: list[str]  # nobody's, beside the fixed ones


async def get_rules(tx: Tx, caller: Caller) -> CardRules:
    """Return the rules of the organization. Right: contacts.view."""
    caller.require(Right.CONTACTS_VIEW)
    return CardRules(await load_rules(tx), await find_phone_region(tx), await find_refused_source_ids(tx))


async def set_rules(tx: Tx, caller: Caller, rules: Mapping[CardField, Assurance | None]) -> None:
    """Set from which assurance on these fields are told; others stay. Right: contacts.configure, everywhere."""
    require_configure(caller)
    old = await load_rules(tx)
    changed = {field: value for field, value in rules.items() if value != old[field]}
    for field, value in changed.items():
        await queries.upsert_field_rule(tx, field, value)
    if changed:
        payload = {field: {"before": _name(old[field]), "after": _name(value)} for field, value in changed.items()}
        await audit.record(tx, caller, "field_rule.updated", "field_rule", None, payload={"may_know_from": payload})


async def set_phone_region(tx: Tx, caller: Caller, region: str | None) -> None:
    """Say where phone numbers without a country code are from, such as TW; None: they are refused.

    Right: contacts.configure, everywhere. Raises InvalidRequest for what is no region with phone numbers.
    """
    require_configure(caller)
    old = await find_phone_region(tx)
    if region is not None and region not in SUPPORTED_REGIONS:
        raise InvalidRequest("This is no region with phone numbers.", pointer="/phoneRegion")
    if region != old:
        await update_phone_region(tx, region)
        payload = {"phone_region": {"before": old, "after": region}}
        await audit.record(tx, caller, "field_rule.updated", "field_rule", None, payload=payload)


async def set_refused_source_ids(tx: Tx, caller: Caller, words: Sequence[str]) -> None:
    """Say what is nobody's source id, in any case of its letters; whoever has one keeps it.

    Right: contacts.configure, everywhere. Raises InvalidRequest for too many words, and for one that is too long.
    """
    require_configure(caller)
    cleaned = [clean_line(word, pointer="/refusedSourceIds", max_length=255) for word in words]
    new = list(dict.fromkeys(word for word in cleaned if word))
    if len(new) > _MAX_REFUSED:
        raise InvalidRequest(f"At most {_MAX_REFUSED} are accepted.", pointer="/refusedSourceIds")
    old = await find_refused_source_ids(tx)
    if new != old:
        await update_refused_source_ids(tx, new)
        payload = {"refused_source_ids": {"before": old, "after": new}}
        await audit.record(tx, caller, "field_rule.updated", "field_rule", None, payload=payload)


# ---


async def _fit(tx: Tx, definition: AttributeDefinition) -> Misfits:
    await schema_queries.refill_values(tx, definition)
    return await count_misfits(tx, definition)


def _apply(old: AttributeDefinition, changes: AttributeChanges) -> AttributeDefinition:
    """Return the definition with `changes` made. Raises InvalidRequest when it would not make sense."""
    new = replace(old, **changes)
    new = replace(new, name=clean_name(new.name), choices=_clean_choices(new))
    if new.is_unique and not new.kind.may_be_unique:
        raise InvalidRequest("Values of this kind cannot be unique.", pointer="/isUnique")
    return new


def _clean_choices(definition: AttributeDefinition) -> tuple[str, ...] | None:
    if definition.choices is None:
        return None
    if not definition.kind.has_choices:
        raise InvalidRequest("Only texts and lists have choices.", pointer="/choices")
    choices = tuple(dict.fromkeys(clean_name(choice, pointer="/choices") for choice in definition.choices))
    if not 1 <= len(choices) <= MAX_CHOICES:
        raise InvalidRequest(f"From 1 to {MAX_CHOICES} choices are accepted.", pointer="/choices")
    return choices


def _picture(definition: AttributeDefinition) -> dict[str, Any]:
    """Return what the audit log shows of a definition."""
    return {
        "name": definition.name,
        "kind": definition.kind.value,
        "choices": None if definition.choices is None else list(definition.choices),
        "is_required": definition.is_required,
        "is_unique": definition.is_unique,
        "may_know_from": _name(definition.may_know_from),
    }


async def _record(
    tx: Tx, caller: Caller, verb: str, definition: AttributeDefinition, payload: Mapping[str, Any]
) -> None:
    payload = {"key": definition.key, **payload}
    await audit.record(tx, caller, f"attribute.{verb}", "attribute", definition.id, payload=payload)


def _name(assurance: Assurance | None) -> str:
    return "never" if assurance is None else assurance.name.lower()
