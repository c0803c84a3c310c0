"""Access profiles, their assignments, and the version of all that decides who may read what."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.errors import UniqueViolation

from frontdesk.access.errors import ProfileNameTaken
from frontdesk.access.model import Assurance
from frontdesk.access.profiles import AccessProfile, AssignedProfile, AssignedThrough
from frontdesk.access.warnings import Known, References
from frontdesk.core.db import Row, Tx, to_jsonb
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, KnowledgeBaseId, ProfileId

# Who has which profile, however it came; a contact may be named twice.
HELD: Final = """
    (SELECT organization_id, contact_id, profile_id FROM profile_assignments
      UNION ALL
     SELECT organization_id, contact_id, profile_id FROM rule_assignments)
"""
_PROFILE: Final = "p.id, p.name, p.query_metadata, p.minimum_assurance, p.version, p.created_at, p.updated_at"


# --- the scope version ---


async def get_scope_version(tx: Tx) -> int:
    """Return the version of the organization's permissions: it rises whenever somebody may read more or less."""
    sql = "SELECT scope_version FROM organizations WHERE id = %(organization)s"
    return int(await tx.fetch_value(sql, {"organization": tx.organization_id}))


async def hold_scope_version(tx: Tx) -> None:
    """Let nobody change the organization's permissions before `tx` ends; waits for those who are about to.

    Call it last: whoever raises the version holds other rows by then.
    """
    sql = "SELECT scope_version FROM organizations WHERE id = %(organization)s FOR SHARE"
    await tx.fetch(sql, {"organization": tx.organization_id})


async def raise_scope_version(tx: Tx) -> None:
    """Make every answer that is being given check again what it may use.

    Transactions that raise it wait for each other; call it late.
    """
    sql = "UPDATE organizations SET scope_version = scope_version + 1 WHERE id = %(organization)s"
    await tx.execute(sql, {"organization": tx.organization_id})


# --- profiles ---


async def list_profiles(tx: Tx, *, limit: int | None = None, offset: int = 0) -> tuple[list[AccessProfile], int]:
    """Return one page by name, and how many there are; all of them without a limit."""
    sql = f"""
        SELECT {_PROFILE} FROM access_profiles p WHERE p.organization_id = %(organization)s
         ORDER BY p.name, p.id LIMIT %(limit)s OFFSET %(offset)s
    """
    params = {"organization": tx.organization_id, "limit": limit, "offset": offset}
    rows = await tx.fetch(sql, params)
    count = await tx.fetch_value(
        "SELECT count(*) FROM access_profiles WHERE organization_id = %(organization)s", params
    )
    return [_to_profile(row) for row in rows], count


async def find_profiles(tx: Tx, ids: Sequence[ProfileId]) -> list[AccessProfile]:
    """Return those of `ids` that exist, by name."""
    sql = f"""
        SELECT {_PROFILE} FROM access_profiles p
         WHERE p.organization_id = %(organization)s AND p.id = ANY(%(ids)s) ORDER BY p.name, p.id
    """
    return [_to_profile(row) for row in await tx.fetch(sql, {"organization": tx.organization_id, "ids": list(ids)})]


async def get_profile(tx: Tx, profile_id: ProfileId) -> AccessProfile:
    """Return the profile, or raise NotFound."""
    return await _get_profile(tx, profile_id, "")


async def lock_profile(tx: Tx, profile_id: ProfileId) -> AccessProfile:
    """Return the profile, which nobody else can change before this transaction ends; or raise NotFound."""
    return await _get_profile(tx, profile_id, "FOR UPDATE")


async def insert_profile(tx: Tx, profile: AccessProfile) -> None:
    """Store a new profile. Raises ProfileNameTaken."""
    sql = """
        INSERT INTO access_profiles
               (organization_id, id, name, query_metadata, minimum_assurance, version, created_at, updated_at)
        VALUES (%(organization)s, %(id)s, %(name)s, %(query_metadata)s, %(minimum_assurance)s, %(version)s,
                %(created_at)s, %(updated_at)s)
    """
    async with _unless_name_taken(tx):
        await tx.execute(sql, _profile_params(tx, profile))


async def update_profile(tx: Tx, profile: AccessProfile) -> None:
    """Store all of `profile` under its id. Raises ProfileNameTaken."""
    sql = """
        UPDATE access_profiles
           SET name = %(name)s, query_metadata = %(query_metadata)s, minimum_assurance = %(minimum_assurance)s,
               version = %(version)s, updated_at = %(updated_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    async with _unless_name_taken(tx):
        await tx.execute(sql, _profile_params(tx, profile))


async def delete_profile(tx: Tx, profile_id: ProfileId) -> int:
    """Take the profile from everybody who has it, and delete it with its rules; return from how many contacts."""
    params = {"organization": tx.organization_id, "id": profile_id}
    held = f"""
        SELECT count(DISTINCT h.contact_id) FROM {HELD} h
         WHERE h.organization_id = %(organization)s AND h.profile_id = %(id)s
    """
    holders = int(await tx.fetch_value(held, params))
    for table in ("profile_assignments", "rule_assignments", "profile_rules"):
        await tx.execute(
            f"DELETE FROM {table} WHERE organization_id = %(organization)s AND profile_id = %(id)s", params
        )
    await tx.execute("DELETE FROM access_profiles WHERE organization_id = %(organization)s AND id = %(id)s", params)
    return holders


# --- assignments ---


async def list_assigned(tx: Tx, contact_id: ContactId) -> list[AssignedProfile]:
    """Return the profiles that a contact has, by name; one that came in several ways once for each of them."""
    sql = f"""
        SELECT {_PROFILE}, a.provenance, a.assigned_by, a.assigned_at, a.rule_id
          FROM (SELECT profile_id, provenance, assigned_by, assigned_at, NULL::uuid AS rule_id
                  FROM profile_assignments
                 WHERE organization_id = %(organization)s AND contact_id = %(contact)s
                 UNION ALL
                SELECT g.profile_id, 'rule', r.made_by, g.assigned_at, r.id
                  FROM rule_assignments g
                  JOIN profile_rules r ON r.organization_id = g.organization_id AND r.id = g.rule_id
                 WHERE g.organization_id = %(organization)s AND g.contact_id = %(contact)s) AS a
          JOIN access_profiles p ON p.organization_id = %(organization)s AND p.id = a.profile_id
         ORDER BY p.name, p.id, a.rule_id NULLS FIRST
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contact": contact_id})
    return [AssignedProfile(_to_profile(row[:7]), *row[7:]) for row in rows]


@dataclass(frozen=True, slots=True)
class Assignment:
    """A profile about to be assigned."""

    contact_id: ContactId
    profile_id: ProfileId
    provenance: AssignedThrough
    assigned_by: str


async def insert_assignment(tx: Tx, assignment: Assignment, now: datetime) -> bool:
    """Give a profile to a contact by hand; return False when somebody gave it before. Both must exist."""
    sql = """
        INSERT INTO profile_assignments (organization_id, contact_id, profile_id, provenance, assigned_by, assigned_at)
        VALUES (%(organization)s, %(contact)s, %(profile)s, %(provenance)s, %(by)s, %(now)s)
            ON CONFLICT (organization_id, contact_id, profile_id) DO NOTHING
    """
    params = {
        "organization": tx.organization_id,
        "contact": assignment.contact_id,
        "profile": assignment.profile_id,
        "provenance": assignment.provenance,
        "by": assignment.assigned_by,
        "now": now,
    }
    return await tx.execute(sql, params) == 1


async def count_holders(tx: Tx) -> dict[ProfileId, int]:
    """Map each profile that somebody has to how many contacts have it; deleted contacts do not count."""
    sql = f"""
        SELECT a.profile_id, count(DISTINCT a.contact_id)
          FROM {HELD} a
          JOIN contacts c ON c.organization_id = a.organization_id AND c.id = a.contact_id AND c.deleted_at IS NULL
         WHERE a.organization_id = %(organization)s
         GROUP BY a.profile_id
    """
    return dict(await tx.fetch(sql, {"organization": tx.organization_id}))


async def delete_assignment(tx: Tx, contact_id: ContactId, profile_id: ProfileId) -> bool:
    """Take from a contact a profile that somebody gave; return False when nobody did. What rules give stays."""
    sql = """
        DELETE FROM profile_assignments
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s AND profile_id = %(profile)s
    """
    params = {"organization": tx.organization_id, "contact": contact_id, "profile": profile_id}
    return await tx.execute(sql, params) == 1


# --- what query metadata refers to ---


async def find_known(tx: Tx, wanted: References, reachable: frozenset[KnowledgeBaseId] | None) -> Known:
    """Look up which of the referenced ids exist. `reachable`: see Known.

    Like the condition that a scope compiles to, it reads the tables of `knowledge`, which stands above this domain.
    """
    organization = {"organization": tx.organization_id}
    bases = await tx.fetch(
        """
        SELECT id FROM knowledge_bases
         WHERE organization_id = %(organization)s AND id = ANY(%(ids)s) AND deleted_at IS NULL
        """,
        {**organization, "ids": list(wanted.bases)},
    )
    documents = await tx.fetch(
        """
        SELECT id, knowledge_base_id, kind FROM documents
         WHERE organization_id = %(organization)s AND id = ANY(%(ids)s) AND state <> 'deleting'
        """,
        {**organization, "ids": list(wanted.documents)},
    )
    labels = await tx.fetch(
        """
        SELECT l.id, l.knowledge_base_id
          FROM labels l
          JOIN knowledge_bases b
            ON b.organization_id = l.organization_id AND b.id = l.knowledge_base_id AND b.deleted_at IS NULL
         WHERE l.organization_id = %(organization)s AND l.id = ANY(%(ids)s)
        """,
        {**organization, "ids": list(wanted.labels)},
    )
    return Known(
        bases=frozenset(row[0] for row in bases),
        documents={document: (base, kind) for document, base, kind in documents},
        labels=dict(labels),
        reachable_bases=reachable,
    )


# ---


async def _get_profile(tx: Tx, profile_id: ProfileId, lock: str) -> AccessProfile:
    sql = (
        f"SELECT {_PROFILE} FROM access_profiles p WHERE p.organization_id = %(organization)s AND p.id = %(id)s {lock}"
    )
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": profile_id})
    if row is None:
        raise NotFound
    return _to_profile(row)


def _to_profile(row: Row) -> AccessProfile:
    profile_id, name, query_metadata, assurance, version, created_at, updated_at = row
    return AccessProfile(profile_id, name, query_metadata, Assurance(assurance), version, created_at, updated_at)


def _profile_params(tx: Tx, profile: AccessProfile) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "id": profile.id,
        "name": profile.name,
        "query_metadata": to_jsonb(profile.query_metadata),
        "minimum_assurance": int(profile.minimum_assurance),
        "version": profile.version,
        "created_at": profile.created_at,
        "updated_at": profile.updated_at,
    }


@asynccontextmanager
async def _unless_name_taken(tx: Tx) -> AsyncIterator[None]:
    try:
        async with tx.savepoint():
            yield
    except UniqueViolation as error:
        raise ProfileNameTaken(pointer="/name") from error
