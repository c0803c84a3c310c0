"""The ledger of merges: what moved from whom, what was overwritten with what, and which id leads to whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NewType, TypeAlias
from uuid import UUID

from frontdesk.core.db import Tx, to_jsonb
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, new_id

MergeId = NewType("MergeId", UUID)
Reason: TypeAlias = Literal["login", "member", "api"]

CARD: Final = "card"  # the row key of the note that a card was hidden; others of `contacts` are fields

_MERGE: Final = """
    m.id, m.survivor_id, m.reason, m.actor_id, m.actor_name, m.merged_at, m.undone_at, m.undone_by, m.sealed_at,
    ARRAY(SELECT n.from_contact_id FROM merge_moves n
           WHERE n.organization_id = m.organization_id AND n.merge_id = m.id
             AND n.table_name = 'contacts' AND n.row_key = 'card' ORDER BY 1) AS merged_ids
"""


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge. `merged_ids` are the contacts that went into the survivor, sorted."""

    id: MergeId
    survivor_id: ContactId
    reason: Reason
    actor_id: UUID | None
    actor_name: str
    merged_at: datetime
    undone_at: datetime | None
    undone_by: str | None
    sealed_at: datetime | None  # something was erased since: it cannot be undone
    merged_ids: list[ContactId]

    @property
    def contacts(self) -> list[ContactId]:
        """All whom it concerns, sorted."""
        return sorted([self.survivor_id, *self.merged_ids])


@dataclass(frozen=True, slots=True)
class Note:
    """One value of the survivor that was overwritten by another card's."""

    row_key: str
    from_contact_id: ContactId
    old_values: Mapping[str, Any]
    new_values: Mapping[str, Any]


async def insert_merge(
    tx: Tx,
    survivor_id: ContactId,
    merged_ids: Sequence[ContactId],
    reason: Reason,
    *,
    actor: tuple[UUID | None, str],
    choices: Mapping[str, Any],
    now: datetime,
) -> MergeId:
    """Open a ledger entry: from now on the merged ids lead to the survivor."""
    merge_id = MergeId(new_id())
    params = {
        "organization": tx.organization_id,
        "id": merge_id,
        "survivor": survivor_id,
        "merged": list(merged_ids),
        "reason": reason,
        "actor": actor[0],
        "actor_name": actor[1],
        "choices": to_jsonb(dict(choices)),
        "now": now,
    }
    await tx.execute(
        """
        INSERT INTO merges (organization_id, id, survivor_id, reason, actor_id, actor_name, choices, merged_at)
        VALUES (%(organization)s, %(id)s, %(survivor)s, %(reason)s, %(actor)s, %(actor_name)s, %(choices)s, %(now)s)
        """,
        params,
    )
    await tx.execute(
        """
        INSERT INTO merged_contacts (organization_id, contact_id, survivor_id, merge_id)
        SELECT %(organization)s, merged, %(survivor)s, %(id)s FROM unnest(%(merged)s::uuid[]) AS merged
        """,
        params,
    )
    return merge_id


async def insert_notes(tx: Tx, merge_id: MergeId, table: str, notes: Sequence[Note]) -> None:
    """Note what was overwritten in `table`."""
    if notes:
        await tx.execute_many(
            """
            INSERT INTO merge_moves
                   (organization_id, merge_id, table_name, from_contact_id, row_key, old_values, new_values)
            VALUES (%(organization)s, %(merge)s, %(table)s, %(from)s, %(key)s, %(old)s, %(new)s)
            """,
            [
                {
                    "organization": tx.organization_id,
                    "merge": merge_id,
                    "table": table,
                    "from": note.from_contact_id,
                    "key": note.row_key,
                    "old": to_jsonb(dict(note.old_values)),
                    "new": to_jsonb(dict(note.new_values)),
                }
                for note in notes
            ],
        )


async def list_notes(tx: Tx, merge_id: MergeId, table: str) -> list[Note]:
    """Return what was noted about `table`."""
    return await tx.fetch_as(
        Note,
        """
        SELECT row_key, from_contact_id, old_values, new_values FROM merge_moves
         WHERE organization_id = %(organization)s AND merge_id = %(merge)s AND table_name = %(table)s
         ORDER BY from_contact_id, row_key
        """,
        {"organization": tx.organization_id, "merge": merge_id, "table": table},
    )


async def count_moves(tx: Tx, merge_id: MergeId) -> dict[str, int]:
    """Map each table to how many of its rows the merge touched."""
    sql = """
        SELECT table_name, count(*) FROM merge_moves
         WHERE organization_id = %(organization)s AND merge_id = %(merge)s GROUP BY table_name
    """
    return dict(await tx.fetch(sql, {"organization": tx.organization_id, "merge": merge_id}))


async def find_merge(tx: Tx, merge_id: MergeId) -> Merge | None:
    """Return the merge, an undone one too; None when there is none."""
    sql = f"SELECT {_MERGE} FROM merges m WHERE m.organization_id = %(organization)s AND m.id = %(id)s"
    return await tx.fetch_one_as(Merge, sql, {"organization": tx.organization_id, "id": merge_id})


async def get_merge(tx: Tx, merge_id: MergeId) -> Merge:
    """Return the merge, an undone one too; or raise NotFound."""
    merge = await find_merge(tx, merge_id)
    if merge is None:
        raise NotFound
    return merge


async def get_latest_of(tx: Tx, merged_ids: Sequence[ContactId]) -> Merge:
    """Return the latest merge in which one of these contacts, who are all merged, went into another."""
    sql = """
        SELECT merge_id FROM merged_contacts
         WHERE organization_id = %(organization)s AND contact_id = ANY(%(merged)s) ORDER BY merge_id DESC LIMIT 1
    """
    found = await tx.fetch_value(sql, {"organization": tx.organization_id, "merged": list(merged_ids)})
    return await get_merge(tx, MergeId(found))


async def list_merges(tx: Tx, contact_id: ContactId, *, limit: int, offset: int) -> tuple[int, list[Merge]]:
    """Return how many merges the contact survived, and one page of them, the latest first; undone ones, too."""
    params = {"organization": tx.organization_id, "contact": contact_id, "limit": limit, "offset": offset}
    where = "m.organization_id = %(organization)s AND m.survivor_id = %(contact)s"
    count = await tx.fetch_value(f"SELECT count(*) FROM merges m WHERE {where}", params)
    page = f"SELECT {_MERGE} FROM merges m WHERE {where} ORDER BY m.id DESC LIMIT %(limit)s OFFSET %(offset)s"
    return count, await tx.fetch_as(Merge, page, params)


async def list_later(tx: Tx, merge: Merge) -> list[MergeId]:
    """Return the merges after this one that its survivor took part in and that are not undone, the latest first."""
    sql = """
        SELECT m.id FROM merges m
         WHERE m.organization_id = %(organization)s AND m.id > %(id)s AND m.undone_at IS NULL
           AND (m.survivor_id = %(survivor)s
                OR EXISTS (SELECT 1 FROM merged_contacts c
                            WHERE c.organization_id = m.organization_id AND c.merge_id = m.id
                              AND c.contact_id = %(survivor)s))
         ORDER BY m.id DESC
    """
    params = {
        "organization": tx.organization_id,
        "id": merge.id,
        "survivor": merge.survivor_id,
    }
    return [MergeId(row[0]) for row in await tx.fetch(sql, params)]


async def close_merge(tx: Tx, merge_id: MergeId, *, undone_by: str, now: datetime) -> None:
    """Note that the merge is undone: its ids lead to themselves again."""
    params = {"organization": tx.organization_id, "merge": merge_id, "by": undone_by, "now": now}
    await tx.execute(
        "DELETE FROM merged_contacts WHERE organization_id = %(organization)s AND merge_id = %(merge)s", params
    )
    await tx.execute(
        """
        UPDATE merges SET undone_at = %(now)s, undone_by = %(by)s
         WHERE organization_id = %(organization)s AND id = %(merge)s
        """,
        params,
    )
