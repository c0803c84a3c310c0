"""Rules that give access profiles by what stands on cards.

`apply_rules` is the one place where what a write means for access is found out: every writer of attributes, of the
language or of labels calls it, in the same transaction and before it raises the scope version. Such a writer holds the
schema from its beginning (`hold_schema`, or `hold_rules` here), and who changes a rule has the schema alone: so a write
meets the old rule or the new one, and the change meets what was written before.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from frontdesk.access import queries as profiles
from frontdesk.access import rule_queries as queries
from frontdesk.access.profiles import AccessProfile, ProfileRule
from frontdesk.access.rule_queries import Reach, RuleEffect
from frontdesk.access.warnings import AccessWarning
from frontdesk.contacts import label_queries, schema_queries
from frontdesk.contacts.condition_sql import Parameters
from frontdesk.contacts.filters import ATTRIBUTE, FieldKind, Group
from frontdesk.contacts.rule_filters import compile_rule, name_labels_by_id, named_labels, parse_rule_filter
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound, PreconditionFailed
from frontdesk.core.ids import ContactId, ContactLabelId, ProfileId, RuleId, new_id
from frontdesk.core.jobs import enqueue
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.access import require_holding_documents
from frontdesk.organizations.model import Caller, Right, system_caller

JOB: Final = "contacts.rule_written"
MAX_RULES: Final = 100  # of an organization: every write of a card looks at all of them
AT_ONCE: Final = 5_000  # contacts that are looked at while whoever wrote a rule waits


# --- what writers of cards call ---


def reads_rules(fields: Iterable[str]) -> bool:
    """Say whether a rule may ask for one of these fields of a card."""
    return any(field in {"language", "attributes"} or field.startswith(ATTRIBUTE) for field in fields)


async def hold_rules(tx: Tx) -> None:
    """Wait until nobody else can change rules before this transaction ends, as `hold_schema` does.

    For those who write labels or the language. Call it before a card is locked.
    """
    await schema_queries.lock_schema_as_it_is(tx)


async def apply_rules(tx: Tx, caller: Caller, contact_ids: Collection[ContactId]) -> list[RuleEffect]:
    """Give these contacts what the rules say of what was just written on them, and take what they say no more.

    Returns what that changed; it stands in the audit log in the name of `caller`. Safe to repeat.
    """
    if not contact_ids:
        return []
    await hold_rules(tx)
    return await _settle(tx, caller, await queries.list_rules(tx), Reach.of(sorted(contact_ids)))


async def reapply_label_rules(tx: Tx, caller: Caller, label_id: ContactLabelId) -> None:
    """Take what rules gave for a label that is no more. The schema is locked, and the label deleted."""
    for rule in await queries.list_rules(tx):
        if str(label_id) in named_labels(parse_rule_filter(rule.filter)):
            await _settle(tx, caller, [rule], Reach.holders(rule.id))


# --- rules ---


async def list_rules(tx: Tx, caller: Caller, profile_id: ProfileId) -> list[ProfileRule]:
    """Return the rules of a profile, the oldest first. Right: profiles.view. Raises NotFound."""
    caller.require(Right.PROFILES_VIEW)
    await profiles.get_profile(tx, profile_id)
    return await queries.list_rules(tx, profile_id)


async def get_rule(tx: Tx, caller: Caller, profile_id: ProfileId, rule_id: RuleId) -> ProfileRule:
    """Return one rule of a profile. Right: profiles.view. Raises NotFound."""
    caller.require(Right.PROFILES_VIEW)
    rule = await queries.find_rule(tx, profile_id, rule_id)
    if rule is None:
        raise NotFound
    return rule


async def create_rule(
    tx: Tx, caller: Caller, profile_id: ProfileId, raw: object
) -> tuple[ProfileRule, tuple[AccessWarning, ...]]:
    """Make a rule, and give the profile to whom it says; a job does that when there are many contacts.

    Returns it with warnings. Right: profiles.edit, and all documents must be the caller's to see. Waits for writes of
    cards that are under way. Raises NotFound, GrantNotHeld and InvalidRequest.
    """
    profile = await _access_profile(tx, caller, profile_id)
    if len(await queries.list_rules(tx)) >= MAX_RULES:
        raise InvalidRequest(f"At most {MAX_RULES} rules.", pointer="/filter")
    now = utc_now()
    blank = ProfileRule(
        RuleId(new_id()),
        profile_id,
        filter={},
        version=0,
        made_by=caller.name,
        created_at=now,
        updated_at=now,
        is_settled=False,
        checked_to=None,
        checked_count=0,
        total_count=0,
    )
    return await _write(tx, caller, profile, blank, raw)


async def update_rule(
    tx: Tx, caller: Caller, profile_id: ProfileId, rule_id: RuleId, raw: object, *, if_version: int | None = None
) -> tuple[ProfileRule, tuple[AccessWarning, ...]]:
    """Change what a rule asks for. Whom it gives nothing any more loses the profile at once. Else as `create_rule`.

    Raises PreconditionFailed, too, when `if_version` is not the present one. Writing what is there changes nothing.
    """
    profile = await _access_profile(tx, caller, profile_id)
    rule = await get_rule(tx, caller, profile_id, rule_id)
    if if_version not in {None, rule.version}:
        raise PreconditionFailed(facts={"version": rule.version})
    return await _write(tx, caller, profile, rule, raw)


async def delete_rule(
    tx: Tx, caller: Caller, profile_id: ProfileId, rule_id: RuleId, *, if_version: int | None = None
) -> None:
    """Delete a rule, and take from everybody what it gave. Right, locks and errors: as `update_rule`."""
    profile = await _access_profile(tx, caller, profile_id)
    rule = await get_rule(tx, caller, profile_id, rule_id)
    if if_version not in {None, rule.version}:
        raise PreconditionFailed(facts={"version": rule.version})
    count = await queries.delete_rule(tx, rule_id)
    payload = {"profile": str(profile_id), "name": profile.name, "filter": rule.filter, "contacts": count}
    await audit.record(tx, caller, "profile_rule.deleted", "profile", profile_id, payload=payload)
    await profiles.raise_scope_version(tx)


async def count_matching(tx: Tx, caller: Caller, raw: object) -> int:
    """Return how many contacts, deleted ones apart, a rule of this condition would give a profile.

    Right: profiles.edit. Raises Forbidden and InvalidRequest.
    """
    caller.require(Right.PROFILES_EDIT)
    group, _ = await _read(tx, raw)
    params = Parameters()
    condition = compile_rule(params, group, now=utc_now())
    return await queries.count_matching(tx, condition, params.values)


async def settle_part(tx: Tx, rule_id: RuleId) -> bool:
    """Look at the next contacts for a rule that was written; return whether there may be more. Safe to repeat."""
    await schema_queries.lock_schema(tx)
    rule = await queries.find_rule(tx, None, rule_id)
    if rule is None or rule.is_settled:
        return False
    caller = replace(system_caller(tx.organization_id), name=rule.made_by)
    last, count = await queries.find_part_end(tx, rule.checked_to, AT_ONCE)
    if count:
        await _settle(tx, caller, [rule], Reach.between(rule.checked_to, last))
    is_settled = count < AT_ONCE
    checked = rule.checked_count + count
    rule = replace(rule, checked_to=last or rule.checked_to, checked_count=checked, is_settled=is_settled)
    await queries.upsert_rule(tx, rule)
    return not is_settled


# ---


async def _access_profile(tx: Tx, caller: Caller, profile_id: ProfileId) -> AccessProfile:
    caller.require(Right.PROFILES_EDIT)
    require_holding_documents(caller)
    await schema_queries.lock_schema(tx)
    return await profiles.get_profile(tx, profile_id)


async def _write(
    tx: Tx, caller: Caller, profile: AccessProfile, old: ProfileRule, raw: object
) -> tuple[ProfileRule, tuple[AccessWarning, ...]]:
    group, warnings = await _read(tx, raw)
    if group.to_json() == old.filter:
        return old, warnings
    total = await queries.count_contacts(tx)
    is_small = total <= AT_ONCE
    rule = replace(
        old,
        filter=group.to_json(),
        version=old.version + 1,
        updated_at=utc_now(),
        is_settled=is_small,
        checked_to=None,
        checked_count=total if is_small else 0,
        total_count=total,
    )
    await queries.upsert_rule(tx, rule)
    verb = "created" if rule.version == 1 else "updated"
    payload = {"profile": str(profile.id), "name": profile.name, "filter": rule.filter, "contacts": total}
    await audit.record(tx, caller, f"profile_rule.{verb}", "profile", profile.id, payload=payload)
    await _settle(tx, caller, [rule], Reach.between(None, None) if is_small else Reach.holders(rule.id))
    if not is_small:
        await enqueue(tx, JOB, lock=f"{JOB}/{rule.id}", rule_id=rule.id)
    return rule, warnings


async def _read(tx: Tx, raw: object) -> tuple[Group, tuple[AccessWarning, ...]]:
    """Return the condition of a rule with the ids of labels, and what in it is probably not meant."""
    group = parse_rule_filter(raw)
    said = named_labels(group)
    found = await label_queries.find_labels_called(tx, said) if said else {}
    ids = {text: labels[0] for text, labels in found.items() if labels}
    facts = [("unknown-label", "There is no such label.", {"label": text}) for text in sorted(said - ids.keys())]
    defined = {one.key for one in await schema_queries.list_definitions(tx)}
    asked = {one.key for one in group.walk() if one.kind is FieldKind.ATTRIBUTE}
    facts += [
        ("unknown-attribute", "No attribute is defined under this key.", {"field": ATTRIBUTE + key})
        for key in sorted(asked - defined)
    ]
    warnings = tuple(AccessWarning(code, "/filter", detail, told) for code, detail, told in facts)
    return name_labels_by_id(group, ids), warnings


async def _settle(tx: Tx, caller: Caller, rules: Sequence[ProfileRule], reach: Reach) -> list[RuleEffect]:
    if not rules:
        return []
    now, params = utc_now(), Parameters()
    compiled = [(rule, compile_rule(params, parse_rule_filter(rule.filter), now=now)) for rule in rules]
    effects = await queries.settle(tx, compiled, params.values, reach, now)
    if effects:
        await _record(tx, caller, effects)
        await profiles.raise_scope_version(tx)
    return effects


async def _record(tx: Tx, caller: Caller, effects: Sequence[RuleEffect]) -> None:
    """Write an entry of the audit log for each effect."""
    found = await profiles.find_profiles(tx, list({effect.profile_id for effect in effects}))
    names = {profile.id: profile.name for profile in found}
    entries = [
        (
            f"contact.profile_{'given' if one.is_given else 'taken'}_by_rule",
            one.contact_id,
            {"profile": str(one.profile_id), "name": names.get(one.profile_id), "rule": str(one.rule_id)},
        )
        for one in effects
    ]
    await audit.record_on_contacts(tx, caller, entries, utc_now())
