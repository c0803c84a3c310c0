"""SQL for what-if: the documents that can be read, and contacts grouped into classes of equal access."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from frontdesk.access.catalog import Catalog, CatalogDocument
from frontdesk.access.layers import ProfilesMode
from frontdesk.access.queries import HELD
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, InboxId, KnowledgeBaseId, ProfileId

# One row per contact that counts: its class, and what makes the class. `reached` NULL: in no inbox at all.
_CLASSED: Final = f"""
    WITH chosen AS MATERIALIZED (
        SELECT c.id, c.name, c.query_metadata, c.profiles_mode FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.deleted_at IS NULL
           AND (%(contact)s::uuid IS NULL OR c.id = %(contact)s)
           AND (%(profile)s::uuid IS NULL OR c.id IN (
                SELECT a.contact_id FROM {HELD} a
                 WHERE a.organization_id = %(organization)s AND a.profile_id = %(profile)s))
    ), reached AS (
        SELECT ci.contact_id, coalesce(array_agg(ci.inbox_id ORDER BY ci.inbox_id)
                                       FILTER (WHERE ci.inbox_id = ANY(%(inboxes)s::uuid[])), '{{}}') AS inboxes
          FROM contact_inboxes ci
         WHERE ci.organization_id = %(organization)s AND (%(contact)s::uuid IS NULL OR ci.contact_id = %(contact)s)
         GROUP BY ci.contact_id
    ), held AS (
        SELECT a.contact_id, array_agg(DISTINCT a.profile_id ORDER BY a.profile_id) AS profiles
          FROM {HELD} a
         WHERE a.organization_id = %(organization)s AND (%(contact)s::uuid IS NULL OR a.contact_id = %(contact)s)
         GROUP BY a.contact_id
    ), known AS (
        SELECT DISTINCT i.contact_id FROM identities i
         WHERE i.organization_id = %(organization)s AND (%(contact)s::uuid IS NULL OR i.contact_id = %(contact)s)
    ), classed AS (
        SELECT c.id, c.name, c.query_metadata, c.profiles_mode, coalesce(h.profiles, '{{}}') AS profiles,
               k.contact_id IS NOT NULL AS is_known, r.inboxes
          FROM chosen c
          LEFT JOIN reached r ON r.contact_id = c.id
          LEFT JOIN held h ON h.contact_id = c.id
          LEFT JOIN known k ON k.contact_id = c.id
         WHERE r.inboxes <> '{{}}' OR (r.inboxes IS NULL AND %(with_unplaced)s)
    )
"""
_KEY: Final = "md5(jsonb_build_array(query_metadata, profiles_mode, profiles, is_known, inboxes)::text)::uuid"


@dataclass(frozen=True, slots=True)
class Circle:
    """Which contacts count: those in `inbox_ids`, and with `with_unplaced` those that are in no inbox at all."""

    inbox_ids: Collection[InboxId]
    with_unplaced: bool
    profile_id: ProfileId | None = None  # only who holds it
    contact_id: ContactId | None = None  # only this one


@dataclass(frozen=True, slots=True)
class AccessClass:
    """Contacts of equal access. `inboxes` None: they are in none, and may come through any."""

    key: UUID
    query_metadata: dict[str, Any] | None
    profiles_mode: ProfilesMode
    profiles: Sequence[ProfileId]
    is_known: bool
    inboxes: Sequence[InboxId] | None
    count: int


async def list_classes(tx: Tx, circle: Circle, *, limit: int) -> list[AccessClass]:
    """Return the classes of the contacts that count, the largest first; deleted contacts are in none."""
    sql = f"""
        {_CLASSED}
        SELECT {_KEY} AS key, query_metadata, profiles_mode, profiles, is_known, inboxes, count(*) AS count
          FROM classed GROUP BY query_metadata, profiles_mode, profiles, is_known, inboxes
         ORDER BY count(*) DESC, key LIMIT %(limit)s
    """
    rows = await tx.fetch_planned(sql, _params(tx, circle) | {"limit": limit})
    return [AccessClass(*row) for row in rows]


async def list_members_of(
    tx: Tx, circle: Circle, keys: Collection[UUID], *, limit: int
) -> list[tuple[ContactId, str, UUID]]:
    """Return the first contacts of some classes by name: id, name, and the key of the class."""
    sql = f"""
        {_CLASSED}
        SELECT id, name, key FROM (SELECT id, name, {_KEY} AS key FROM classed) AS keyed
         WHERE key = ANY(%(keys)s::uuid[]) ORDER BY name, id LIMIT %(limit)s
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


def _params(tx: Tx, circle: Circle) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "inboxes": list(circle.inbox_ids),
        "with_unplaced": circle.with_unplaced,
        "profile": circle.profile_id,
        "contact": circle.contact_id,
    }
