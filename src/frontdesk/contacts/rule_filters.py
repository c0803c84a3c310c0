"""Conditions of rules that give access profiles: filters of contacts, over what nobody can say of themselves.

A rule reads attributes, the language and labels, and of these only what a member, the API, an import or a signed proof
said: what a page or a platform said counts like nothing. It says what a contact must have, never what it must not have:
whoever says nothing gets nothing, and no value can be lost to gain access.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from frontdesk.contacts.condition_sql import Parameters, compile_attribute, values_of
from frontdesk.contacts.filters import Condition, FieldKind, Group, Op, parse_filter
from frontdesk.contacts.model import Provenance
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactLabelId

TRUSTED: Final = (Provenance.MEMBER, Provenance.API, Provenance.IMPORT, Provenance.SIGNED)
FIELDS: Final = ("language", "label")  # beside `attributes.<key>`
OPS: Final[Mapping[str, tuple[Op, ...]]] = {
    "attributes": (Op.EQUALS, Op.IN, Op.GREATER, Op.LESS, Op.BEFORE, Op.AFTER, Op.IS_SET),
    "language": (Op.EQUALS, Op.IN),
    "label": (Op.EQUALS, Op.IN),
}


def parse_rule_filter(raw: object, pointer: str = "/filter") -> Group:
    """Read the condition of a rule; raises InvalidRequest, which points at what is wrong."""
    group = parse_filter(raw, pointer)
    _check(group, pointer)
    return group


def named_labels(group: Group) -> set[str]:
    """Return how the condition calls labels: by id or name."""
    return {text for one in group.walk() if one.kind is FieldKind.LABEL for text in values_of(one)}


def name_labels_by_id(group: Group, ids: Mapping[str, ContactLabelId]) -> Group:
    """Return the condition with the ids of labels, so that it means the same when these are renamed."""

    def named(one: Condition | Group) -> Condition | Group:
        if isinstance(one, Group):
            return name_labels_by_id(one, ids)
        if one.kind is not FieldKind.LABEL:
            return one
        found = [str(ids.get(text, text)) for text in values_of(one)]
        return Condition(one.field, one.op, found if one.op is Op.IN else found[0])

    return Group(group.operator, tuple(named(one) for one in group.conditions))


def compile_rule(params: Parameters, group: Group, *, now: datetime) -> str:
    """Return the condition on `contacts c`, true for whom the rule gives its profile. It is never NULL."""
    parts = [
        compile_rule(params, one, now=now) if isinstance(one, Group) else _compile_condition(params, one, now)
        for one in group.conditions
    ]
    return "(" + f" {group.operator.upper()} ".join(parts) + ")"


def _check(group: Group, pointer: str) -> None:
    if not group.conditions:
        raise InvalidRequest("A rule needs at least one condition here.", pointer=f"{pointer}/conditions")
    for place, one in enumerate(group.conditions):
        here = f"{pointer}/conditions/{place}"
        if isinstance(one, Group):
            _check(one, here)
            continue
        name = "attributes" if one.kind is FieldKind.ATTRIBUTE else one.field
        if name not in OPS:
            raise InvalidRequest("Rules read attributes, the language and labels only.", pointer=f"{here}/field")
        if one.op not in OPS[name]:
            raise InvalidRequest(f"In a rule one of: {', '.join(OPS[name])}.", pointer=f"{here}/op")


def _compile_condition(params: Parameters, one: Condition, now: datetime) -> str:
    trusted = params.add([who.value for who in TRUSTED])
    if one.kind is FieldKind.LABEL:
        labels = params.add(list(values_of(one)))
        return _exists("labelled_contacts", f"v.label_id::text = ANY({labels}::text[])", trusted)
    said = _exists("contact_fields", f"v.field = {params.add(one.field)}::text", trusted)
    if one.kind is FieldKind.ATTRIBUTE:
        value = f"(c.attributes -> {params.add(one.key)}::text)"
        return f"({compile_attribute(params, one, value, now=now)} AND {said})"
    return f"(coalesce(c.language, '') = ANY({params.add(list(_texts(one)))}::text[]) AND {said})"


def _texts(one: Condition) -> Sequence[Any]:
    return [text for text in values_of(one) if text]


def _exists(table: str, condition: str, trusted: str) -> str:
    """Return that there is such a row: asked of one card after the other, never by looking through all rows first."""
    return (
        f"coalesce((SELECT true FROM {table} v WHERE v.organization_id = c.organization_id AND v.contact_id = c.id"
        f" AND {condition} AND v.provenance = ANY({trusted}::text[]) LIMIT 1), false)"
    )
