"""Who has an access profile, since when, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from frontdesk.access.profiles import HeldThrough
from frontdesk.access.queries import get_profile
from frontdesk.contacts.queries import IS_VISIBLE
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ProfileId, RuleId
from frontdesk.organizations.model import Caller, Right

# Every way in which somebody has the profile: by hand and by two rules are three.
_HELD: Final = f"""
    FROM (SELECT contact_id, provenance AS through, assigned_by AS given_by, assigned_at AS since, NULL::uuid AS rule_id
            FROM profile_assignments WHERE organization_id = %(organization)s AND profile_id = %(profile)s
           UNION ALL
          SELECT g.contact_id, 'rule', r.made_by, g.assigned_at, g.rule_id
            FROM rule_assignments g
            JOIN profile_rules r ON r.organization_id = g.organization_id AND r.id = g.rule_id
           WHERE g.organization_id = %(organization)s AND g.profile_id = %(profile)s) AS h
    JOIN contacts c ON c.organization_id = %(organization)s AND c.id = h.contact_id AND c.deleted_at IS NULL
   WHERE (%(through)s::text IS NULL OR h.through = %(through)s) AND {IS_VISIBLE}
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """A contact that has a profile, and one way in which it came to it."""

    contact_id: ContactId
    name: str  # empty: none is known
    through: HeldThrough
    given_by: str  # the name of the member, key or command; of a rule: who made it
    since: datetime
    rule_id: RuleId | None


async def list_holders(
    tx: Tx,
    caller: Caller,
    profile_id: ProfileId,
    *,
    through: HeldThrough | None = None,
    limit: int,
    offset: int = 0,
) -> tuple[list[Holder], int]:
    """Return a page of who has the profile, as far as the caller sees them, the latest first; and how many there are.

    `through` None: however it came. Who has it in several ways is there once for each. Rights: profiles.view and
    contacts.view. Raises NotFound.
    """
    caller.require(Right.PROFILES_VIEW)
    caller.require(Right.CONTACTS_VIEW)
    await get_profile(tx, profile_id)
    inboxes = caller.inboxes_for(Right.CONTACTS_VIEW)
    params = {
        "organization": tx.organization_id,
        "profile": profile_id,
        "through": through,
        "inboxes": None if inboxes is None else list(inboxes),
        "limit": limit,
        "offset": offset,
    }
    sql = f"""
        SELECT h.contact_id, c.name, h.through, h.given_by, h.since, h.rule_id {_HELD}
         ORDER BY h.since DESC, h.contact_id, h.rule_id NULLS FIRST LIMIT %(limit)s OFFSET %(offset)s
    """
    found = await tx.fetch_as(Holder, sql, params)
    return found, int(await tx.fetch_value(f"SELECT count(*) {_HELD}", params))
