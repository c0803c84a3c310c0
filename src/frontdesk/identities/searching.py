"""The job that looks for duplicates: first every changed card gets its keys, then those that share one are compared.

Two rounds, so that a key that too many cards have is known as such before anything is compared by it. Each step reads,
computes beside the event loop, and writes in a transaction of its own; a run that is cut short goes on where it was.
"""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from frontdesk.core.db import Database
from frontdesk.core.ids import ContactId, OrganizationId
from frontdesk.core.text import utc_now
from frontdesk.identities import duplicate_queries as queries
from frontdesk.identities.duplicate_queries import Search
from frontdesk.identities.duplicates import begin_search
from frontdesk.identities.matching import (
    SUGGEST_FROM,
    Comparison,
    Facts,
    compare,
    fingerprint,
    keys_of,
    without_shared,
)

MAX_BLOCK: Final = 20  # cards that share a key; beyond, the key says nothing of who somebody is

_KEYED_AT_ONCE: Final = 500
_COMPARED_AT_ONCE: Final = 200
_PAIRS_AT_ONCE: Final = 2000  # whose cards are in memory

Ids: TypeAlias = tuple[ContactId, ContactId]
Found: TypeAlias = dict[Ids, tuple[Comparison, bytes]]


async def run_search(db: Database, organization_id: OrganizationId) -> None:
    """Take the search that runs to its end, or begin one. Safe to repeat; two at once do the same work twice."""
    async with db.begin(organization_id) as tx:
        search: Search | None = await begin_search(tx, started_by="system")
        ignored = await queries.list_ignored(tx)
    while search is not None and search.is_running:
        take_step = _key if search.state == "keying" else _compare
        await take_step(db, organization_id, search, ignored)
        async with db.begin(organization_id) as tx:
            search = await queries.find_search(tx)


async def _key(db: Database, organization_id: OrganizationId, search: Search, ignored: Collection[bytes]) -> None:
    async with db.begin(organization_id) as tx:
        ids = await queries.list_changed(tx, search.since, after=search.cursor_id, limit=_KEYED_AT_ONCE)
        facts = await queries.find_facts(tx, ids, ignored)
    keys = await asyncio.to_thread(_keys_of, ids, facts)
    async with db.begin(organization_id) as tx:
        await queries.lock_cards(tx, ids)
        await queries.replace_keys(tx, keys)
        await queries.advance_search(tx, search, ids, then="comparing", now=utc_now())


async def _compare(db: Database, organization_id: OrganizationId, search: Search, ignored: Collection[bytes]) -> None:
    async with db.begin(organization_id) as tx:
        ids = await queries.list_changed(tx, search.since, after=search.cursor_id, limit=_COMPARED_AT_ONCE)
        pairs, crowded = await queries.find_candidates(tx, ids, max_block=MAX_BLOCK)
    found: Found = {}
    for part in _parts(pairs):
        async with db.begin(organization_id) as tx:
            facts = await queries.find_facts(tx, {one for pair in part for one in pair}, ignored)
        found |= await asyncio.to_thread(_compare_all, part, facts, crowded)
    async with db.begin(organization_id) as tx:
        await queries.lock_cards(tx, {*ids, *(one for pair in found for one in pair)})
        await queries.delete_unfounded(tx, ids, found)
        await queries.upsert_duplicates(tx, found, now=utc_now())
        await queries.advance_search(tx, search, ids, then="done", now=utc_now())


def _keys_of(ids: Sequence[ContactId], facts: Mapping[ContactId, Facts]) -> dict[ContactId, list[int]]:
    """Return the keys of each card; a deleted one has none."""
    return {contact_id: keys_of(facts[contact_id]) if contact_id in facts else [] for contact_id in ids}


def _compare_all(pairs: Sequence[Ids], facts: Mapping[ContactId, Facts], crowded: Collection[int]) -> Found:
    """Return the pairs that are worth suggesting, with or without what only some may see."""
    found: Found = {}
    for first_id, second_id in pairs:
        if first_id in facts and second_id in facts:
            first, second = facts[first_id], facts[second_id]
            comparison = compare(without_shared(first, crowded), second)
            if comparison and max(comparison.score, comparison.plain_score) >= SUGGEST_FROM:
                found[first_id, second_id] = comparison, fingerprint(first, second)
    return found


def _parts(pairs: Sequence[Ids]) -> Iterator[Sequence[Ids]]:
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        yield pairs[start : start + _PAIRS_AT_ONCE]
