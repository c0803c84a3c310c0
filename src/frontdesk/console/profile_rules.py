"""Rules that give an access profile: a form of rows, as for the filter of contacts."""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response

from frontdesk.access import rule_queries
from frontdesk.access.profiles import AccessProfile, ProfileRule
from frontdesk.access.queries import get_profile
from frontdesk.console.contact_filters import BuiltFilter, write_value, wrong_row
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.wording_filters import FIELD_NAMES, OP_NAMES
from frontdesk.contacts import rules
from frontdesk.contacts.filters import ATTRIBUTE, Condition, Group, parse_filter
from frontdesk.contacts.label_queries import ContactLabel, list_labels
from frontdesk.contacts.rule_filters import FIELDS, OPS
from frontdesk.contacts.schema import load_schema
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, InvalidRequest, NotFound
from frontdesk.core.ids import ProfileId, RuleId
from frontdesk.organizations.model import Right

router = screen_router()

PATH: Final = "/console/access-profiles"
_BLANK_ROWS: Final = 2
_MOST_LABELS: Final = 1000

Editor = Annotated[MemberCtx, member_needs(Right.PROFILES_EDIT)]


class WrittenRule(BuiltFilter):
    """What stands in the form; `version` 0: a new rule. `action` "count" only looks who would get the profile."""

    version: int = 0
    action: str = ""


@dataclass(frozen=True, slots=True)
class ToldRule:
    """A rule in words, and how many contacts have the profile by it."""

    rule: ProfileRule
    operator: str
    parts: list[tuple[str, str, str]]  # field, comparison and value; without a field: a group within it
    holders: int


async def tell_rules(tx: Tx, profile: AccessProfile) -> list[ToldRule]:
    """Return the rules of a profile as people read them."""
    found = await rule_queries.list_rules(tx, profile.id)
    if not found:
        return []
    counts = await rule_queries.count_given(tx, profile.id)
    names = await _load_names(tx)
    told = []
    for rule in found:
        group = parse_filter(rule.filter)
        parts = [_tell(one, names) for one in group.conditions]
        told.append(ToldRule(rule, group.operator, parts, counts.get(rule.id, 0)))
    return told


@router.get("/access-profiles/{profile_id}/rules/new")
async def show_new_rule(request: Request, profile_id: UUID, member: Editor) -> Response:
    """Show the empty form."""
    return await _show_form(request, member, profile_id, None, WrittenRule())


@router.post("/access-profiles/{profile_id}/rules/new")
async def add_rule(
    request: Request, profile_id: UUID, member: Editor, written: Annotated[WrittenRule, Form()]
) -> Response:
    """Make a rule, or count whom it would reach."""
    return await _save(request, member, profile_id, None, written)


@router.get("/access-profiles/{profile_id}/rules/{rule_id}/edit")
async def show_rule(request: Request, profile_id: UUID, rule_id: UUID, member: Editor) -> Response:
    """Show what a rule asks for in the form."""
    async with member.db.begin(member.organization_id) as tx:
        rule = await rules.get_rule(tx, member.caller, ProfileId(profile_id), RuleId(rule_id))
        names = {str(label.id): label.name for label in await _load_labels(tx)}
    rows = [
        (one.field, one.op.value, _name(one, names))
        for one in parse_filter(rule.filter).conditions
        if isinstance(one, Condition)
    ]
    fields, ops, values = (tuple(column) for column in zip(*rows, strict=True)) if rows else ((), (), ())
    written = WrittenRule(operator=rule.filter["operator"], fields=fields, ops=ops, values=values, version=rule.version)
    return await _show_form(request, member, profile_id, rule, written)


@router.post("/access-profiles/{profile_id}/rules/{rule_id}/edit")
async def save_rule(
    request: Request, profile_id: UUID, rule_id: UUID, member: Editor, written: Annotated[WrittenRule, Form()]
) -> Response:
    """Change what a rule asks for, or count whom it would reach then. Groups within it stay."""
    async with member.db.begin(member.organization_id) as tx:
        rule = await rules.get_rule(tx, member.caller, ProfileId(profile_id), RuleId(rule_id))
    return await _save(request, member, profile_id, rule, written)


@router.get("/access-profiles/{profile_id}/rules/{rule_id}/delete")
async def ask_delete(request: Request, profile_id: UUID, rule_id: UUID, member: Editor) -> Response:
    """Ask before what a rule gave is taken."""
    async with member.db.begin(member.organization_id) as tx:
        profile = await get_profile(tx, ProfileId(profile_id))
        await rules.get_rule(tx, member.caller, profile.id, RuleId(rule_id))
        told = next(one for one in await tell_rules(tx, profile) if one.rule.id == rule_id)
    return page(request, "profiles/rule_delete.html", profile=profile, told=told)


@router.post("/access-profiles/{profile_id}/rules/{rule_id}/delete")
async def delete(request: Request, profile_id: UUID, rule_id: UUID, member: Editor) -> Response:
    """Delete a rule, and take from everybody what it gave."""
    async with member.db.begin(member.organization_id) as tx:
        await rules.delete_rule(tx, member.caller, ProfileId(profile_id), RuleId(rule_id))
    return go(request, f"{PATH}/{profile_id}", flash=look_of(request)._("The rule is deleted."))


# ---


async def _save(
    request: Request, member: MemberCtx, profile_id: UUID, rule: ProfileRule | None, written: WrittenRule
) -> Response:
    try:
        async with member.db.begin(member.organization_id) as tx:
            raw = written.to_json(await load_schema(tx))
            raw["conditions"] += _groups_of(rule)
            if written.action == "count":
                count = await rules.count_matching(tx, member.caller, raw)
            elif rule is None:
                await rules.create_rule(tx, member.caller, ProfileId(profile_id), raw)
            else:
                await rules.update_rule(
                    tx, member.caller, rule.profile_id, rule.id, raw, if_version=written.version or None
                )
    except NotFound:
        raise
    except FrontdeskError as error:
        return await _show_form(request, member, profile_id, rule, written, error=error)
    if written.action == "count":
        return await _show_form(request, member, profile_id, rule, written, count=count)
    return go(request, f"{PATH}/{profile_id}", flash=look_of(request)._("The rule is saved."))


async def _show_form(
    request: Request,
    member: MemberCtx,
    profile_id: UUID,
    rule: ProfileRule | None,
    written: WrittenRule,
    *,
    error: FrontdeskError | None = None,
    count: int | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        profile = await get_profile(tx, ProfileId(profile_id))
        schema = await load_schema(tx)
        labels = await _load_labels(tx)
    own = {ATTRIBUTE + key: one.name for key, one in schema.definitions.items()}
    free = {row[0]: row[0].removeprefix(ATTRIBUTE) for row in written.rows() if row[0].startswith(ATTRIBUTE)}
    place = _place_of(error)
    return page(
        request,
        "profiles/rule.html",
        status=error.status if error else 200,
        profile=profile,
        rule=rule,
        written=written,
        rows=[*written.rows(), *[("", "equals", "")] * _BLANK_ROWS],
        groups=len(_groups_of(rule)),
        wrong=place,
        error=error.detail if error else "",
        count=count,
        fields={name: FIELD_NAMES[name] for name in FIELDS},
        attributes=free | own,
        ops={op.value: OP_NAMES[op.value] for op in OPS["attributes"]},
        labels=labels,
    )


def _place_of(error: FrontdeskError | None) -> int | None:
    if error is None or error.pointer is None:
        return None
    return wrong_row(InvalidRequest(error.detail, pointer=error.pointer.removeprefix("/filter")))


def _groups_of(rule: ProfileRule | None) -> list[dict[str, Any]]:
    """Return the groups within a rule, which the form does not show."""
    return [one for one in rule.filter["conditions"] if "conditions" in one] if rule else []


async def _load_labels(tx: Tx) -> list[ContactLabel]:
    return (await list_labels(tx, limit=_MOST_LABELS))[0]


async def _load_names(tx: Tx) -> dict[str, str]:
    """Map fields and ids of labels to what people call them."""
    schema = await load_schema(tx)
    own = {ATTRIBUTE + key: one.name for key, one in schema.definitions.items()}
    return own | {str(label.id): label.name for label in await _load_labels(tx)}


def _tell(one: Condition | Group, names: dict[str, str]) -> tuple[str, str, str]:
    if isinstance(one, Group):
        return "", "", ""
    field = names.get(one.field, FIELD_NAMES.get(one.field, one.key))
    return field, OP_NAMES[one.op.value], _name(one, names)


def _name(one: Condition, names: dict[str, str]) -> str:
    """Return the value of a condition; labels by their names."""
    if one.field != "label":
        return write_value(one)
    ids = one.value if isinstance(one.value, list) else [one.value]
    return ", ".join(str(names.get(text, text)) for text in ids)
