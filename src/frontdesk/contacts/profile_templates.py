"""Templates of access: levels of members, departments, or editions of a product, set up in one step.

Each level becomes a choice of an attribute of contacts, a label in the chosen knowledge bases, an access profile that
opens what carries the label, and a rule that gives the profile to whom the attribute says so. What is there is left as
it is: a template can be applied again, with more levels or more knowledge bases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from frontdesk.access import queries as profiles
from frontdesk.access import rule_queries
from frontdesk.access.actions import create_profile, update_profile
from frontdesk.access.model import Assurance
from frontdesk.access.profiles import AccessProfile
from frontdesk.contacts import rules, schema_queries
from frontdesk.contacts.access import require_configure
from frontdesk.contacts.attributes import AttributeDefinition, Kind
from frontdesk.contacts.configuring import create_definition, update_definition
from frontdesk.contacts.filters import ATTRIBUTE
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.core.inputs import clean_line, clean_name
from frontdesk.knowledge import queries as knowledge
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.actions import create_label
from frontdesk.organizations.model import Caller, Right

TemplateKind: TypeAlias = Literal["membership", "department", "edition"]
PartKind: TypeAlias = Literal["attribute", "choice", "label", "profile", "opened", "rule"]

MAX_LEVELS: Final = 20


@dataclass(frozen=True, slots=True)
class Level:
    """One level: the value that stands on cards, and what its label and its profile are called."""

    value: str
    name: str


@dataclass(frozen=True, slots=True)
class Template:
    """What is to be set up. `levels` begin with the lowest; with `is_cumulative` each reads what those before read."""

    attribute: str  # the key
    attribute_name: str
    levels: tuple[Level, ...]
    is_cumulative: bool
    base_ids: tuple[KnowledgeBaseId, ...] = ()
    common_label: str = "Everybody"  # of documents that each level reads; empty: none


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that a template sets up; what is there already is not `is_new`."""

    kind: PartKind
    name: str
    is_new: bool
    base: str = ""  # the knowledge base of a label, or what is opened of one


TEMPLATES: Final[Mapping[TemplateKind, Template]] = {
    "membership": Template(
        "level",
        "Membership level",
        (Level("regular", "Regular member"), Level("silver", "Silver member"), Level("gold", "Gold member")),
        is_cumulative=True,
    ),
    "department": Template(
        "department",
        "Department",
        (Level("customer", "Customer"), Level("distributor", "Distributor"), Level("employee", "Employee")),
        is_cumulative=False,
    ),
    "edition": Template(
        "edition",
        "Product edition",
        (
            Level("trial", "Trial edition"),
            Level("personal", "Personal edition"),
            Level("enterprise", "Enterprise edition"),
        ),
        is_cumulative=True,
    ),
}


async def apply_template(tx: Tx, caller: Caller, template: Template, *, dry_run: bool = False) -> list[Part]:
    """Set up what `template` says, and return its parts; with `dry_run` nothing is written.

    Safe to repeat. Rights: profiles.edit, knowledge.edit, and contacts.configure everywhere. Waits for writes of cards
    that are under way. Raises Forbidden, NotFound for a knowledge base, and InvalidRequest.
    """
    caller.require(Right.PROFILES_EDIT)
    caller.require(Right.KNOWLEDGE_EDIT)
    require_configure(caller)
    template = clean_template(template)
    if not dry_run:
        await schema_queries.lock_schema(tx)
    work = _Work(tx, None if dry_run else caller, template)
    for base_id in template.base_ids:
        work.bases[base_id] = (await access_base(tx, caller, base_id)).settings.name
    await _set_attribute(work)
    for base_id in template.base_ids:
        await _set_labels(work, base_id)
    known = {profile.name: profile for profile in (await profiles.list_profiles(tx))[0]}
    for place, level in enumerate(template.levels):
        await _set_profile(work, known.get(level.name), place)
    return work.parts


def clean_template(template: Template) -> Template:
    """Return the template as it is kept. Raises InvalidRequest, which points at what is wrong."""
    levels = tuple(
        Level(
            clean_line(level.value, pointer=f"/levels/{place}/value", max_length=100),
            clean_name(level.name, pointer=f"/levels/{place}/name"),
        )
        for place, level in enumerate(template.levels)
    )
    common = clean_line(template.common_label, pointer="/commonLabel", max_length=100)
    names = [level.name for level in levels] + ([common] if common else [])
    values = [level.value for level in levels]
    if not 1 <= len(levels) <= MAX_LEVELS:
        raise InvalidRequest(f"From 1 to {MAX_LEVELS} levels are accepted.", pointer="/levels")
    if len(set(names)) < len(names) or len(set(values)) < len(values) or "" in values:
        raise InvalidRequest("Each level has a value and a name of its own.", pointer="/levels")
    if not template.base_ids:
        raise InvalidRequest("Choose at least one knowledge base.", pointer="/knowledgeBases")
    return Template(
        clean_name(template.attribute, pointer="/attribute"),
        clean_name(template.attribute_name, pointer="/attributeName"),
        levels,
        template.is_cumulative,
        tuple(dict.fromkeys(template.base_ids)),
        common,
    )


class _Work:
    """What is being set up. Without a caller nothing is written, and labels that are not there have no id."""

    def __init__(self, tx: Tx, caller: Caller | None, template: Template) -> None:
        self.tx = tx
        self.caller = caller
        self.template = template
        self.parts: list[Part] = []
        self.bases: dict[KnowledgeBaseId, str] = {}
        self.labels: dict[tuple[KnowledgeBaseId, str], LabelId] = {}

    def note(self, kind: PartKind, name: str, *, is_new: bool, base: str = "") -> None:
        self.parts.append(Part(kind, name, is_new, base))


# --- the attribute ---


async def _set_attribute(work: _Work) -> None:
    template = work.template
    values = tuple(level.value for level in template.levels)
    definitions = await schema_queries.list_definitions(work.tx)
    old = next((one for one in definitions if one.key == template.attribute), None)
    work.note("attribute", template.attribute, is_new=old is None)
    if old is None:
        for value in values:
            work.note("choice", value, is_new=True)
        if work.caller:
            await create_definition(
                work.tx,
                work.caller,
                template.attribute,
                {"name": template.attribute_name, "kind": Kind.TEXT, "choices": values},
            )
        return
    await _add_choices(work, old, values)


async def _add_choices(work: _Work, old: AttributeDefinition, values: Sequence[str]) -> None:
    if not old.kind.has_choices:
        raise InvalidRequest("This attribute is there, and is no text.", pointer="/attribute")
    missing = [] if old.choices is None else [value for value in values if value not in old.choices]
    for value in values:
        work.note("choice", value, is_new=value in missing)
    if missing and work.caller:
        await update_definition(work.tx, work.caller, old.id, {"choices": (*(old.choices or ()), *missing)})


# --- labels ---


async def _set_labels(work: _Work, base_id: KnowledgeBaseId) -> None:
    common = (work.template.common_label,) if work.template.common_label else ()
    names = [*common, *(level.name for level in work.template.levels)]
    there = {label.name: label.id for label in await knowledge.find_labels(work.tx, base_id, ids=[], names=names)}
    for name in names:
        work.note("label", name, is_new=name not in there, base=work.bases[base_id])
        if name in there:
            work.labels[base_id, name] = there[name]
        elif work.caller:
            work.labels[base_id, name] = (await create_label(work.tx, work.caller, base_id, name)).id


# --- profiles and rules ---


async def _set_profile(work: _Work, old: AccessProfile | None, place: int) -> None:
    template, level = work.template, work.template.levels[place]
    opened = template.levels[: place + 1] if template.is_cumulative else (level,)
    names = [name for name in (template.common_label, *(one.name for one in opened)) if name]
    query = _unite(work, (old.query_metadata if old else None) or {}, names)
    work.note("profile", level.name, is_new=old is None)
    if old is None and work.caller:
        old, _ = await create_profile(
            work.tx,
            work.caller,
            {"name": level.name, "query_metadata": query, "minimum_assurance": Assurance.CHANNEL},
        )
    elif old is not None and work.caller and query != (old.query_metadata or {}):
        await update_profile(work.tx, work.caller, old.id, {"query_metadata": query})
    await _set_rule(work, old, level)


def _unite(work: _Work, old: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return query metadata that opens these labels in the chosen bases, too; a base that it names stays as it is.

    A base whose labels a template wrote gets those that are missing.
    """
    spelled = "knowledgeBases" if "knowledgeBases" in old else "knowledge_bases"
    clauses = list(old.get(spelled) or [])
    named = {
        str(clause.get("knowledge_base_id", clause.get("knowledgeBaseId"))): place
        for place, clause in enumerate(clauses)
    }
    for base_id, base_name in work.bases.items():
        place = named.get(str(base_id))
        wanted = [str(work.labels[base_id, name]) for name in names if (base_id, name) in work.labels]
        if place is None:
            clauses.append(_open(base_id, wanted))
            work.note("opened", ", ".join(names), is_new=True, base=base_name)
            continue
        present = _labels_of(clauses[place])
        missing = [label for label in wanted if label not in present] if present else []
        if missing:
            clauses[place] = _open(base_id, [*present, *missing])
        is_new = bool(missing) or (bool(present) and len(wanted) < len(names))
        work.note("opened", ", ".join(names), is_new=is_new, base=base_name)
    return {**old, spelled: clauses}


def _open(base_id: KnowledgeBaseId, labels: Sequence[str]) -> dict[str, Any]:
    """Return what opens the files and FAQs of a base that carry one of these labels."""
    conditions = [{"label_id": label} for label in labels]
    return {
        "knowledge_base_id": str(base_id),
        "has_user_selected_all": True,
        "faq_mode": "all",
        "label_relations": {"operator": "OR", "conditions": conditions, "applies_to": "all"},
    }


def _labels_of(clause: Mapping[str, Any]) -> list[str]:
    """Return the labels of a clause that is as a template writes it; none of any other."""
    relation = clause.get("label_relations")
    conditions = relation.get("conditions") if isinstance(relation, Mapping) else None
    if not isinstance(conditions, list) or "knowledge_base_id" not in clause:
        return []
    labels = [str(one.get("label_id")) for one in conditions if isinstance(one, Mapping)]
    return labels if clause == _open(clause["knowledge_base_id"], labels) else []


async def _set_rule(work: _Work, profile: AccessProfile | None, level: Level) -> None:
    condition = {"field": ATTRIBUTE + work.template.attribute, "op": "equals", "value": level.value}
    wanted = {"operator": "and", "conditions": [condition]}
    there = await rule_queries.list_rules(work.tx, profile.id) if profile else []
    is_new = all(rule.filter != wanted for rule in there)
    work.note("rule", level.name, is_new=is_new)
    if is_new and work.caller and profile:
        await rules.create_rule(work.tx, work.caller, profile.id, wanted)
