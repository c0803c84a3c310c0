"""SQL for what-if: the documents that can be read, and contacts grouped into classes of equal access."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from frontdesk.access.catalog import Catalog, CatalogDocument
from frontdesk.access.layers import ProfilesMode
from frontdesk.access.queries import HELD
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, InboxId, KnowledgeBaseId, ProfileId

# One row per contact that counts: what makes its class. `inboxes` NULL: in no inbox at all; {}: in none of those that
# are asked about. {only} and {narrowed} are for circles of few contacts.
_CLASSED: Final = f"""
    WITH chosen AS MATERIALIZED (
        SELECT c.id, c.name, c.query_metadata, c.profiles_mode FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.deleted_at IS NULL AND {{only}}
    ), reached AS (
        SELECT contact_id, coalesce(array_agg(inbox_id ORDER BY inbox_id)
                                    FILTER (WHERE inbox_id = ANY(%(inboxes)s::uuid[])), '{{{{}}}}') AS inboxes
          FROM contact_inboxes WHERE organization_id = %(organization)s AND {{narrowed}}
         GROUP BY contact_id
    ), held AS (
        SELECT contact_id, array_agg(DISTINCT profile_id ORDER BY profile_id) AS profiles
          FROM {HELD} AS h WHERE organization_id = %(organization)s AND {{narrowed}}
         GROUP BY contact_id
    ), known AS (
        SELECT DISTINCT contact_id FROM identities WHERE organization_id = %(organization)s AND {{narrowed}}
    ), classed AS (
        SELECT c.id, c.name, c.query_metadata, c.profiles_mode, coalesce(h.profiles, '{{{{}}}}') AS profiles,
               k.contact_id IS NOT NULL AS is_known, r.inboxes
          FROM chosen c
          LEFT JOIN reached r ON r.contact_id = c.id
          LEFT JOIN held h ON h.contact_id = c.id
          LEFT JOIN known k ON k.contact_id = c.id
         WHERE r.inboxes <> '{{{{}}}}' OR (r.inboxes IS NULL AND %(with_unplaced)s)
    )
"""
_MEMORY: Final = "SET LOCAL work_mem = '64MB'"  # a million contacts are hashed in it several times over
_ONLY_ONE: Final = "c.id = %(contact)s"
_ONLY_HOLDERS: Final = f"""c.id IN (SELECT a.contact_id FROM {HELD} a
                                     WHERE a.organization_id = %(organization)s AND a.profile_id = %(profile)s)"""
_KEY: Final = "hash_record_extended(ROW(query_metadata, profiles_mode, profiles, is_known, inboxes), 0)"


@dataclass(frozen=True, slots=True)
class Circle:
    """Which contacts count: those in `inbox_ids`, and with `with_unplaced` those that are in no inbox at all."""

    inbox_ids: Sequence[InboxId]
    with_unplaced: bool
    profile_id: ProfileId | None = None  # only who holds this one
    contact_id: ContactId | None = None  # only this one


@dataclass(frozen=True, slots=True)
class AccessClass:
    """Contacts of equal access. `inboxes` None: they are in none, and may come through any."""

    key: int
    query_metadata: dict[str, Any] | None
    profiles_mode: ProfilesMode
    profiles: Sequence[ProfileId]
    is_known: bool
    inboxes: Sequence[InboxId] | None
    count: int


async def list_classes(tx: Tx, circle: Circle, *, limit: int) -> list[AccessClass]:
    """Return the classes of the contacts that count, the largest first; deleted contacts are in none."""
    sql = f"""
        {_classed(circle)}
        SELECT {_KEY} AS key, query_metadata, profiles_mode, profiles, is_known, inboxes, count(*) AS count
          FROM classed GROUP BY query_metadata, profiles_mode, profiles, is_known, inboxes
         ORDER BY count(*) DESC, key LIMIT %(limit)s
    """
    await tx.execute(_MEMORY)
    rows = await tx.fetch_planned(sql, _params(tx, circle) | {"limit": limit})
    return [AccessClass(*row) for row in rows]


async def list_members_of(
    tx: Tx, circle: Circle, keys: Collection[int], *, limit: int
) -> list[tuple[ContactId, str, int]]:
    """Return the first contacts of some classes by name: id, name, and the key of the class."""
    sql = f"""
        {_classed(circle)}
        SELECT id, name, key FROM (SELECT id, name, {_KEY} AS key FROM classed) AS keyed
         WHERE key = ANY(%(keys)s::bigint[]) ORDER BY name, id LIMIT %(limit)s
    """
    rows = await tx.fetch_planned(sql, _params(tx, circle) | {"keys": list(keys), "limit": limit})
    return [(contact_id, name, key) for contact_id, name, key in rows]


async def load_catalog(tx: Tx, base_ids: Collection[KnowledgeBaseId]) -> Catalog:
    """Return the readable documents of these knowledge bases by title, with their labels."""
    params = {"organization": tx.organization_id, "bases": list(base_ids)}
    documents = await tx.fetch_as(
        CatalogDocument,
        """
        SELECT d.id, d.knowledge_base_id, d.kind, d.title FROM documents d
         WHERE d.organization_id = %(organization)s AND d.knowledge_base_id = ANY(%(bases)s::uuid[])
           AND d.state = 'done'
         ORDER BY d.title, d.id
        """,
        params,
    )
    labels = await tx.fetch(
        """
        SELECT dl.label_id, array_agg(dl.document_id) FROM document_labels dl
         WHERE dl.organization_id = %(organization)s AND dl.knowledge_base_id = ANY(%(bases)s::uuid[])
         GROUP BY dl.label_id
        """,
        params,
    )
    return Catalog(documents, dict(labels))


def _classed(circle: Circle) -> str:
    """Return the statement's beginning, planned for as few contacts as the circle has."""
    only = _ONLY_ONE if circle.contact_id else _ONLY_HOLDERS if circle.profile_id else "TRUE"
    narrowed = "TRUE" if only == "TRUE" else "contact_id IN (SELECT id FROM chosen)"
    return _CLASSED.format(only=only, narrowed=narrowed)


def _params(tx: Tx, circle: Circle) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "inboxes": circle.inbox_ids,
        "with_unplaced": circle.with_unplaced,
        "profile": circle.profile_id,
        "contact": circle.contact_id,
    }
