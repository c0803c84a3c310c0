"""Rules of access profiles, and who has a profile by which rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from frontdesk.access.profiles import ProfileRule
from frontdesk.core.db import Tx, to_jsonb
from frontdesk.core.ids import ContactId, ProfileId, RuleId

_RULE: Final = """
    id, profile_id, filter, version, made_by, created_at, updated_at, is_settled, checked_to, checked_count, total_count
"""


async def list_rules(tx: Tx, profile_id: ProfileId | None = None) -> list[ProfileRule]:
    """Return the rules of one profile, or of all, the oldest first."""
    sql = f"""
        SELECT {_RULE} FROM profile_rules
         WHERE organization_id = %(organization)s AND (%(profile)s::uuid IS NULL OR profile_id = %(profile)s)
         ORDER BY created_at, id
    """
    return await tx.fetch_as(ProfileRule, sql, {"organization": tx.organization_id, "profile": profile_id})


async def find_rule(tx: Tx, profile_id: ProfileId | None, rule_id: RuleId) -> ProfileRule | None:
    """Return one rule of a profile, or of any (None); None when there is none."""
    sql = f"""
        SELECT {_RULE} FROM profile_rules
         WHERE organization_id = %(organization)s AND id = %(id)s
           AND (%(profile)s::uuid IS NULL OR profile_id = %(profile)s)
    """
    return await tx.fetch_one_as(
        ProfileRule, sql, {"organization": tx.organization_id, "id": rule_id, "profile": profile_id}
    )


async def upsert_rule(tx: Tx, rule: ProfileRule) -> None:
    """Store all of `rule` under its id; the profile of a stored one stays."""
    sql = f"""
        INSERT INTO profile_rules (organization_id, {_RULE})
        VALUES (%(organization)s, %(id)s, %(profile_id)s, %(filter)s, %(version)s, %(made_by)s, %(created_at)s,
                %(updated_at)s, %(is_settled)s, %(checked_to)s, %(checked_count)s, %(total_count)s)
            ON CONFLICT (organization_id, id) DO UPDATE
           SET filter = excluded.filter, version = excluded.version, updated_at = excluded.updated_at,
               is_settled = excluded.is_settled, checked_to = excluded.checked_to,
               checked_count = excluded.checked_count, total_count = excluded.total_count
    """
    params = {
        "organization": tx.organization_id,
        "id": rule.id,
        "profile_id": rule.profile_id,
        "filter": to_jsonb(rule.filter),
        "version": rule.version,
        "made_by": rule.made_by,
        "created_at": rule.created_at,
        "updated_at": rule.updated_at,
        "is_settled": rule.is_settled,
        "checked_to": rule.checked_to,
        "checked_count": rule.checked_count,
        "total_count": rule.total_count,
    }
    await tx.execute(sql, params)


async def delete_rule(tx: Tx, rule_id: RuleId) -> int:
    """Take from everybody what the rule gave, and delete it; return from how many contacts."""
    params = {"organization": tx.organization_id, "id": rule_id}
    given = "DELETE FROM rule_assignments WHERE organization_id = %(organization)s AND rule_id = %(id)s"
    count = await tx.execute(given, params)
    await tx.execute("DELETE FROM profile_rules WHERE organization_id = %(organization)s AND id = %(id)s", params)
    return count


async def count_given(tx: Tx, profile_id: ProfileId) -> dict[RuleId, int]:
    """Map each rule of a profile that gave it to somebody to how many contacts; deleted contacts do not count."""
    sql = """
        SELECT a.rule_id, count(*)
          FROM rule_assignments a
          JOIN contacts c ON c.organization_id = a.organization_id AND c.id = a.contact_id AND c.deleted_at IS NULL
         WHERE a.organization_id = %(organization)s AND a.profile_id = %(profile)s
         GROUP BY a.rule_id
    """
    return dict(await tx.fetch(sql, {"organization": tx.organization_id, "profile": profile_id}))


# --- putting rules into effect ---


@dataclass(frozen=True, slots=True)
class Reach:
    """Contacts that are looked at: a condition whose `{}` is a column with their ids, and its parameters."""

    sql: str
    params: dict[str, Any]

    @classmethod
    def of(cls, contact_ids: Sequence[ContactId]) -> "Reach":
        """Return these contacts."""
        return cls("{} = ANY(%(contacts)s::uuid[])", {"contacts": list(contact_ids)})

    @classmethod
    def between(cls, after: ContactId | None, to: ContactId | None) -> "Reach":
        """Return the contacts whose ids come after `after` and not after `to`; None: without a bound."""
        parts, params = ["true"], {}
        if after is not None:
            parts.append("{0} > %(after)s")
            params["after"] = after
        if to is not None:
            parts.append("{0} <= %(to)s")
            params["to"] = to
        return cls(" AND ".join(parts), params)

    @classmethod
    def holders(cls, rule_id: RuleId) -> "Reach":
        """Return the contacts who have something by this rule."""
        held = "SELECT contact_id FROM rule_assignments WHERE organization_id = %(organization)s AND rule_id = %(held)s"
        return cls(f"{{}} IN ({held})", {"held": rule_id})


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """A contact got a profile by a rule, or lost what the rule had given."""

    contact_id: ContactId
    rule_id: RuleId
    profile_id: ProfileId
    is_given: bool


async def settle(
    tx: Tx, conditions: Sequence[tuple[ProfileRule, str]], params: dict[str, Any], reach: Reach, now: datetime
) -> list[RuleEffect]:
    """Give each contact in `reach` what the rules say, and take what they say no more; return what that changed.

    Each rule comes with its condition on `contacts c`, whose parameters are `params`. Contacts that are deleted count:
    what they may read comes and goes with them.
    """
    if not conditions:
        return []
    matching, named = [], dict(params)
    for number, (rule, condition) in enumerate(conditions):
        named |= {f"rule{number}": rule.id, f"profile{number}": rule.profile_id}
        matching.append(
            f"""
            SELECT c.id AS contact_id, %(rule{number})s::uuid AS rule_id, %(profile{number})s::uuid AS profile_id
              FROM reached c WHERE {condition}
            """
        )
    sql = f"""
        WITH reached AS MATERIALIZED (
            SELECT c.organization_id, c.id, c.attributes, c.language FROM contacts c
             WHERE c.organization_id = %(organization)s AND {reach.sql.format("c.id")}),
        matching AS MATERIALIZED ({" UNION ALL ".join(matching)}),
        taken AS (
            DELETE FROM rule_assignments a
             WHERE a.organization_id = %(organization)s AND {reach.sql.format("a.contact_id")}
               AND a.rule_id = ANY(%(rules)s::uuid[])
               AND (a.contact_id, a.rule_id) NOT IN (SELECT contact_id, rule_id FROM matching)
            RETURNING contact_id, rule_id, profile_id),
        given AS (
            INSERT INTO rule_assignments (organization_id, contact_id, rule_id, profile_id, assigned_at)
            SELECT %(organization)s, contact_id, rule_id, profile_id, %(now)s FROM matching
                ON CONFLICT (organization_id, contact_id, rule_id) DO NOTHING
            RETURNING contact_id, rule_id, profile_id)
        SELECT contact_id, rule_id, profile_id, true AS is_given FROM given
         UNION ALL
        SELECT contact_id, rule_id, profile_id, false FROM taken
    """
    named |= {"organization": tx.organization_id, "rules": [rule.id for rule, _ in conditions], "now": now}
    return await tx.fetch_as(RuleEffect, sql, named | reach.params)


async def count_matching(tx: Tx, condition: str, params: dict[str, Any]) -> int:
    """Return for how many contacts that are not deleted a condition on `contacts c` is true."""
    sql = f"""
        SELECT count(*) FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.deleted_at IS NULL AND {condition}
    """
    return int(await tx.fetch_value(sql, params | {"organization": tx.organization_id}))


async def find_part_end(tx: Tx, after: ContactId | None, limit: int) -> tuple[ContactId | None, int]:
    """Return the last of the `limit` contacts whose ids come next after `after`, and how many these are."""
    sql = """
        SELECT (array_agg(id ORDER BY id DESC))[1], count(*) FROM (
            SELECT c.id FROM contacts c
             WHERE c.organization_id = %(organization)s AND (%(after)s::uuid IS NULL OR c.id > %(after)s)
             ORDER BY c.id LIMIT %(limit)s) AS part
    """
    ((last, count),) = await tx.fetch(sql, {"organization": tx.organization_id, "after": after, "limit": limit})
    return last, count


async def count_contacts(tx: Tx) -> int:
    """Return how many contacts there are, deleted ones too."""
    sql = "SELECT count(*) FROM contacts WHERE organization_id = %(organization)s"
    return int(await tx.fetch_value(sql, {"organization": tx.organization_id}))
