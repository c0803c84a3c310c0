"""SQL of searching for duplicates, and of what was found."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from frontdesk.core.db import Tx, to_jsonb
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, InboxId
from frontdesk.identities.matching import SUGGEST_FROM, Comparison, Evidence, Facts, Outcome, read_facts
from frontdesk.identities.pairs import MAY_SEE_PERSONAL, MAY_VIEW, SIDES, list_or_all, one_in

EXACT_COUNT: Final = 10_000

_SEARCH: Final = "state, since, cursor_id, total_count, done_count, started_by, started_at, updated_at, finished_at"


@dataclass(frozen=True, slots=True)
class Search:
    """The search for duplicates that runs, or the last one."""

    state: Literal["keying", "comparing", "done"]
    since: datetime | None  # cards that changed since; None: all
    cursor_id: ContactId | None  # the last card that is dealt with in this state
    total_count: int  # of cards
    done_count: int  # each card is dealt with twice
    started_by: str
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None

    @property
    def is_running(self) -> bool:
        """True until every card is compared."""
        return self.state != "done"

    @property
    def percent(self) -> int:
        """How much of the work is done."""
        return min(100, 50 * self.done_count // self.total_count) if self.total_count else 100


@dataclass(frozen=True, slots=True)
class Pair:
    """Two contacts who may be one person. `first_id` is the smaller id."""

    first_id: ContactId
    second_id: ContactId
    score: float
    evidence: tuple[Evidence, ...]
    found_at: datetime


# --- the search ---


async def find_search(tx: Tx) -> Search | None:
    """Return the search that runs, or the last one; None when there was none."""
    sql = f"SELECT {_SEARCH} FROM duplicate_searches WHERE organization_id = %(organization)s"
    return await tx.fetch_one_as(Search, sql, {"organization": tx.organization_id})


async def get_search(tx: Tx) -> Search:
    """Return the search that runs, or the last one; or raise NotFound."""
    search = await find_search(tx)
    if search is None:
        raise NotFound
    return search


async def insert_search(tx: Tx, *, since: datetime | None, total_count: int, started_by: str, now: datetime) -> bool:
    """Begin a search; False when one runs, begun by somebody else at the same time."""
    sql = """
        INSERT INTO duplicate_searches (organization_id, state, since, total_count, started_by, started_at, updated_at)
        VALUES (%(organization)s, 'keying', %(since)s, %(total)s, %(started_by)s, %(now)s, %(now)s)
            ON CONFLICT (organization_id) DO UPDATE
           SET state = excluded.state, since = excluded.since, cursor_id = NULL, total_count = excluded.total_count,
               done_count = 0, started_by = excluded.started_by, started_at = excluded.started_at,
               updated_at = excluded.updated_at, finished_at = NULL
         WHERE duplicate_searches.state = 'done'
    """
    params = {
        "organization": tx.organization_id,
        "since": since,
        "total": total_count,
        "started_by": started_by,
        "now": now,
    }
    return await tx.execute(sql, params) == 1


async def advance_search(
    tx: Tx, search: Search, contact_ids: Sequence[ContactId], *, then: Literal["comparing", "done"], now: datetime
) -> bool:
    """Note that these cards are dealt with; none are left: the next state begins.

    False when the search is no longer where `search` says.
    """
    sql = """
        UPDATE duplicate_searches
           SET state = %(state)s, cursor_id = %(cursor)s, done_count = done_count + %(done)s, updated_at = %(now)s,
               finished_at = CASE WHEN %(state)s = 'done' THEN %(now)s END
         WHERE organization_id = %(organization)s AND state = %(former_state)s
           AND cursor_id IS NOT DISTINCT FROM %(former_cursor)s
    """
    params = {
        "organization": tx.organization_id,
        "state": search.state if contact_ids else then,
        "cursor": contact_ids[-1] if contact_ids else None,
        "done": len(contact_ids),
        "now": now,
        "former_state": search.state,
        "former_cursor": search.cursor_id,
    }
    return await tx.execute(sql, params) == 1


async def delete_search(tx: Tx) -> None:
    """Forget the last search, so that the next one looks at every card."""
    sql = "DELETE FROM duplicate_searches WHERE organization_id = %(organization)s AND state = 'done'"
    await tx.execute(sql, {"organization": tx.organization_id})


async def count_changed(tx: Tx, since: datetime | None) -> int:
    """Return how many cards changed, deleted ones included; None: how many there are."""
    sql = """
        SELECT count(*) FROM contacts
         WHERE organization_id = %(organization)s AND (%(since)s::timestamptz IS NULL OR updated_at >= %(since)s)
    """
    return int(await tx.fetch_value(sql, {"organization": tx.organization_id, "since": since}))


async def list_changed(tx: Tx, since: datetime | None, *, after: ContactId | None, limit: int) -> list[ContactId]:
    """Return cards that changed, deleted ones included, in the order of their ids."""
    sql = """
        SELECT id FROM contacts
         WHERE organization_id = %(organization)s AND (%(after)s::uuid IS NULL OR id > %(after)s)
           AND (%(since)s::timestamptz IS NULL OR updated_at >= %(since)s)
         ORDER BY id LIMIT %(limit)s
    """
    params = {"organization": tx.organization_id, "after": after, "since": since, "limit": limit}
    return [contact_id for (contact_id,) in await tx.fetch(sql, params)]


# --- cards and their keys ---


async def find_facts(tx: Tx, contact_ids: Collection[ContactId], ignored: Collection[bytes]) -> dict[ContactId, Facts]:
    """Map each contact that is not deleted to what of its card is compared."""
    of_card = "x.organization_id = c.organization_id AND x.contact_id = c.id"
    sql = f"""
        SELECT c.id, c.name, ARRAY(SELECT email FROM contact_emails x WHERE {of_card}),
               ARRAY(SELECT phone FROM contact_phones x WHERE {of_card}), c.attributes,
               ARRAY(SELECT realm_id FROM identities x WHERE {of_card})
          FROM contacts c
         WHERE c.organization_id = %(organization)s AND c.id = ANY(%(contacts)s) AND c.deleted_at IS NULL
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})
    return {
        contact_id: read_facts(
            contact_id,
            name=name,
            emails=emails,
            phones=phones,
            attributes=attributes,
            realms=realms,
            ignored=ignored,
        )
        for contact_id, name, emails, phones, attributes, realms in rows
    }


async def lock_cards(tx: Tx, contact_ids: Collection[ContactId]) -> None:
    """Keep these cards from being removed, in the order in which merges lock them, before rows name them."""
    sql = """
        SELECT 1 FROM contacts WHERE organization_id = %(organization)s AND id = ANY(%(contacts)s)
         ORDER BY id FOR KEY SHARE
    """
    await tx.execute(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})


async def replace_keys(tx: Tx, keys: Mapping[ContactId, Sequence[int]]) -> None:
    """Give each contact exactly these keys. A card that is gone meanwhile gets none."""
    params = {
        "organization": tx.organization_id,
        "contacts": list(keys),
        "owners": [contact_id for contact_id, hashes in keys.items() for _ in hashes],
        "hashes": [key for hashes in keys.values() for key in hashes],
    }
    await tx.execute(
        "DELETE FROM duplicate_keys WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)", params
    )
    await tx.execute(
        """
        INSERT INTO duplicate_keys (organization_id, key_hash, contact_id)
        SELECT c.organization_id, given.key_hash, c.id
          FROM unnest(%(owners)s::uuid[], %(hashes)s::bigint[]) AS given (contact_id, key_hash)
          JOIN contacts c ON c.organization_id = %(organization)s AND c.id = given.contact_id
            ON CONFLICT DO NOTHING
        """,
        params,
    )


async def find_candidates(
    tx: Tx, contact_ids: Collection[ContactId], *, max_block: int
) -> tuple[list[tuple[ContactId, ContactId]], set[int]]:
    """Return the pairs that share a key with one of these contacts, and the keys that too many share to say anything.

    The smaller id comes first. No more than `max_block` rows are read of one key.
    """
    sql = """
        WITH mine AS (
            SELECT key_hash, contact_id FROM duplicate_keys
             WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s)),
        blocks AS MATERIALIZED (
            SELECT wanted.key_hash, block.ids
              FROM (SELECT DISTINCT key_hash FROM mine) AS wanted
             CROSS JOIN LATERAL (
                   SELECT array_agg(contact_id) AS ids
                     FROM (SELECT contact_id FROM duplicate_keys k
                            WHERE k.organization_id = %(organization)s AND k.key_hash = wanted.key_hash
                            LIMIT %(max)s + 1) AS holders) AS block)
        SELECT DISTINCT least(mine.contact_id, other), greatest(mine.contact_id, other), NULL::bigint
          FROM mine JOIN blocks USING (key_hash) CROSS JOIN LATERAL unnest(blocks.ids) AS other
         WHERE cardinality(blocks.ids) <= %(max)s AND other <> mine.contact_id
         UNION ALL
        SELECT NULL, NULL, key_hash FROM blocks WHERE cardinality(ids) > %(max)s
    """
    params = {"organization": tx.organization_id, "contacts": list(contact_ids), "max": max_block}
    rows = await tx.fetch(sql, params)
    pairs = [(first, second) for first, second, crowded in rows if crowded is None]
    return pairs, {crowded for _, _, crowded in rows if crowded is not None}


# --- what was found ---


async def upsert_duplicates(
    tx: Tx, found: Mapping[tuple[ContactId, ContactId], tuple[Comparison, bytes]], *, now: datetime
) -> None:
    """Keep pairs with how they compare. One that was kept apart stays so while its fingerprint is the same."""
    sql = """
        INSERT INTO duplicates
               (organization_id, first_id, second_id, score, plain_score, evidence, fingerprint, found_at)
        SELECT %(organization)s, first, second, score, plain_score, evidence, fingerprint, %(now)s
          FROM unnest(%(firsts)s::uuid[], %(seconds)s::uuid[], %(scores)s::real[], %(plain_scores)s::real[],
                      %(evidence)s::jsonb[], %(fingerprints)s::bytea[])
               AS found (first, second, score, plain_score, evidence, fingerprint)
            ON CONFLICT (organization_id, first_id, second_id) DO UPDATE
           SET score = excluded.score, plain_score = excluded.plain_score, evidence = excluded.evidence,
               fingerprint = excluded.fingerprint, state = 'open', settled_at = NULL, settled_by = NULL,
               found_at = CASE WHEN duplicates.state = 'open' THEN duplicates.found_at ELSE excluded.found_at END
         WHERE duplicates.fingerprint <> excluded.fingerprint
            OR duplicates.state = 'open' AND duplicates.evidence <> excluded.evidence
    """
    compared = [comparison for comparison, _ in found.values()]
    params = {
        "organization": tx.organization_id,
        "firsts": [first for first, _ in found],
        "seconds": [second for _, second in found],
        "scores": [comparison.score for comparison in compared],
        "plain_scores": [comparison.plain_score for comparison in compared],
        "evidence": [to_jsonb(_render(comparison.evidence)) for comparison in compared],
        "fingerprints": [fingerprint for _, fingerprint in found.values()],
        "now": now,
    }
    await tx.execute(sql, params)


async def delete_unfounded(
    tx: Tx, contact_ids: Collection[ContactId], founded: Collection[tuple[ContactId, ContactId]]
) -> int:
    """Remove open pairs of these contacts that are not among `founded`; return how many."""
    sql = """
        DELETE FROM duplicates d
         WHERE organization_id = %(organization)s AND state = 'open'
           AND (first_id = ANY(%(contacts)s) OR second_id = ANY(%(contacts)s))
           AND NOT EXISTS (SELECT 1 FROM unnest(%(firsts)s::uuid[], %(seconds)s::uuid[]) AS kept (first, second)
                            WHERE kept.first = d.first_id AND kept.second = d.second_id)
    """
    params = {
        "organization": tx.organization_id,
        "contacts": list(contact_ids),
        "firsts": [first for first, _ in founded],
        "seconds": [second for _, second in founded],
    }
    return await tx.execute(sql, params)


async def set_apart(
    tx: Tx,
    pair: tuple[ContactId, ContactId],
    comparison: Comparison,
    fingerprint: bytes,
    *,
    settled_by: str,
    now: datetime,
) -> bool:
    """Note that the two are two people, as long as their cards stay as they are; False when it was noted before."""
    sql = """
        INSERT INTO duplicates AS known
               (organization_id, first_id, second_id, score, plain_score, evidence, fingerprint, state, found_at,
                settled_at, settled_by)
        VALUES (%(organization)s, %(first)s, %(second)s, %(score)s, %(plain_score)s, %(evidence)s, %(fingerprint)s,
                'kept_apart', %(now)s, %(now)s, %(settled_by)s)
            ON CONFLICT (organization_id, first_id, second_id) DO UPDATE
           SET state = excluded.state, fingerprint = excluded.fingerprint, settled_at = excluded.settled_at,
               settled_by = excluded.settled_by
         WHERE known.state = 'open' OR known.fingerprint <> excluded.fingerprint
    """
    params = {
        "organization": tx.organization_id,
        "first": pair[0],
        "second": pair[1],
        "score": comparison.score,
        "plain_score": comparison.plain_score,
        "evidence": to_jsonb(_render(comparison.evidence)),
        "fingerprint": fingerprint,
        "now": now,
        "settled_by": settled_by,
    }
    return await tx.execute(sql, params) == 1


async def list_pairs(
    tx: Tx,
    rights: Mapping[str, Any],
    *,
    inbox_ids: Collection[InboxId] | None,
    contact_id: ContactId | None,
    limit: int,
    offset: int,
) -> tuple[list[Pair], int]:
    """Return open pairs that may be seen, the most alike first, and how many there are, up to 10,001.

    `inbox_ids`: one side is in one of them. Who may not see e-mails and phones of both is shown only what the rest of
    the cards suggests.
    """
    shown = f"CASE WHEN {MAY_SEE_PERSONAL} THEN pair.score ELSE pair.plain_score END"
    where = f"""
        FROM duplicates pair {SIDES}
        WHERE pair.organization_id = %(organization)s AND pair.state = 'open' AND {MAY_VIEW} AND {one_in("wanted")}
          AND (%(contact)s::uuid IS NULL OR %(contact)s IN (pair.first_id, pair.second_id))
          AND {shown} >= %(from)s
    """
    params = {
        **rights,
        "organization": tx.organization_id,
        "wanted": list_or_all(inbox_ids),
        "contact": contact_id,
        "from": SUGGEST_FROM,
        "limit": limit,
        "offset": offset,
    }
    sql = f"""
        SELECT pair.first_id, pair.second_id, {shown}, pair.evidence, pair.found_at, {MAY_SEE_PERSONAL}
        {where} ORDER BY 3 DESC, 1, 2 LIMIT %(limit)s OFFSET %(offset)s
    """
    rows = await tx.fetch(sql, params)
    count = await tx.fetch_value(f"SELECT count(*) FROM (SELECT 1 {where} LIMIT {EXACT_COUNT + 1}) AS counted", params)
    return [_to_pair(row) for row in rows], int(count)


# --- what is ignored ---


async def list_ignored(tx: Tx) -> frozenset[bytes]:
    """Return the hashes of the e-mails and phones that say nothing of who somebody is."""
    sql = "SELECT value_hash FROM ignored_identifiers WHERE organization_id = %(organization)s"
    return frozenset(bytes(value) for (value,) in await tx.fetch(sql, {"organization": tx.organization_id}))


async def insert_ignored(tx: Tx, value_hash: bytes, *, ignored_by: str, now: datetime) -> bool:
    """Ignore an e-mail or phone; False when it was ignored already."""
    sql = """
        INSERT INTO ignored_identifiers (organization_id, value_hash, ignored_by, ignored_at)
        VALUES (%(organization)s, %(hash)s, %(ignored_by)s, %(now)s) ON CONFLICT DO NOTHING
    """
    params = {"organization": tx.organization_id, "hash": value_hash, "ignored_by": ignored_by, "now": now}
    return await tx.execute(sql, params) == 1


async def delete_ignored(tx: Tx, value_hash: bytes) -> bool:
    """Take an e-mail or phone seriously again; False when it was."""
    sql = "DELETE FROM ignored_identifiers WHERE organization_id = %(organization)s AND value_hash = %(hash)s"
    return await tx.execute(sql, {"organization": tx.organization_id, "hash": value_hash}) == 1


# ---


def _render(evidence: Sequence[Evidence]) -> list[dict[str, str]]:
    return [{"field": one.field, "outcome": one.outcome.value} for one in evidence]


def _to_pair(row: tuple[Any, ...]) -> Pair:
    first_id, second_id, score, raw, found_at, sees_personal = row
    evidence = (Evidence(one["field"], Outcome(one["outcome"])) for one in raw)
    shown = tuple(one for one in evidence if sees_personal or one.field not in {"emails", "phones"})
    return Pair(first_id, second_id, score, shown, found_at)
