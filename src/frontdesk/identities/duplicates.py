"""Contacts who may be one person: suggested with evidence, never merged by themselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from frontdesk.contacts.access import access_contact
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactId, InboxId
from frontdesk.core.jobs import enqueue
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.core.wire import Paging
from frontdesk.identities import duplicate_queries as queries
from frontdesk.identities.cards import ContactView
from frontdesk.identities.duplicate_queries import EXACT_COUNT, Search
from frontdesk.identities.matching import Comparison, Evidence, compare, fingerprint
from frontdesk.identities.pairs import find_views, rights_of
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

JOB: Final = "identities.duplicates_wanted"

_OVERLAP: Final = timedelta(minutes=10)  # a card's time is older than the moment at which others can read it
_STALE_AFTER: Final = timedelta(minutes=10)
_NOTHING: Final = Comparison((), 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two contacts who may be one person, and what speaks for it. The score lies between 0 and 1."""

    first: ContactView
    second: ContactView
    score: float
    evidence: tuple[Evidence, ...]  # without e-mails and phones for who may not see those of both
    found_at: datetime


@dataclass(frozen=True, slots=True)
class DuplicatePage:
    """One page, the most alike first. `count` is exact up to 10,000."""

    rows: tuple[Duplicate, ...]
    count: int
    is_estimate: bool


async def list_duplicates(
    tx: Tx, caller: Caller, paging: Paging, *, inbox_id: InboxId | None = None, contact_id: ContactId | None = None
) -> DuplicatePage:
    """Return pairs that nobody has decided on yet, of whom the caller may view both.

    `inbox_id`: one of the two is there. Who may not see e-mails and phones of both is shown only what the rest of the
    cards suggests: nothing can be guessed by making a card and looking. Right: contacts.view.
    """
    caller.require(Right.CONTACTS_VIEW)
    inboxes = None if inbox_id is None else [inbox_id]
    pairs, count = await queries.list_pairs(
        tx, rights_of(caller), inbox_ids=inboxes, contact_id=contact_id, limit=paging.limit, offset=paging.offset
    )
    views = await find_views(tx, caller, [one for pair in pairs for one in (pair.first_id, pair.second_id)])
    rows = tuple(
        Duplicate(views[pair.first_id], views[pair.second_id], pair.score, pair.evidence, pair.found_at)
        for pair in pairs
    )
    return DuplicatePage(rows, min(count, EXACT_COUNT), is_estimate=count > EXACT_COUNT)


async def keep_apart(tx: Tx, caller: Caller, one_id: ContactId, other_id: ContactId) -> None:
    """Decide that two contacts are two people: they are not suggested again until one of the cards changes.

    Whether or not they were suggested. Right: contacts.merge, over both. Safe to repeat. Raises NotFound, and
    InvalidRequest for a contact and itself.
    """
    if one_id == other_id:
        raise InvalidRequest("A contact is one person. Name two.", pointer="/contacts")
    first, second = pair = (min(one_id, other_id), max(one_id, other_id))
    for contact_id in pair:
        await access_contact(tx, caller, contact_id, Right.CONTACTS_MERGE)
    facts = await queries.find_facts(tx, pair, await queries.list_ignored(tx))
    comparison = compare(facts[first], facts[second]) or _NOTHING
    print_ = fingerprint(facts[first], facts[second])
    if not await queries.set_apart(tx, pair, comparison, print_, settled_by=caller.name, now=utc_now()):
        return
    for contact_id, from_id in ((first, second), (second, first)):
        payload = {"from": str(from_id)}
        await audit.record(
            tx, caller, "contact.kept_apart", "contact", contact_id, contact_id=contact_id, payload=payload
        )
        await announce(tx, Event("contact", contact_id))


async def start_search(tx: Tx, caller: Caller) -> Search:
    """Have the cards compared that changed since the last search, by a job; return how it stands.

    While a search runs, none is begun; one that stopped on the way goes on. Right: contacts.merge.
    """
    caller.require(Right.CONTACTS_MERGE)
    running = await queries.find_search(tx)
    search = await begin_search(tx, started_by=caller.name)
    if running is None or not running.is_running or utc_now() - running.updated_at > _STALE_AFTER:
        await enqueue(tx, JOB, lock=f"{JOB}/{tx.organization_id}")
    return search


async def begin_search(tx: Tx, *, started_by: str) -> Search:
    """Return the search that runs; begin one if none does. Safe in any number of transactions at once."""
    last = await queries.find_search(tx)
    if last is not None and last.is_running:
        return last
    since = last.started_at - _OVERLAP if last else None
    total = await queries.count_changed(tx, since)
    await queries.insert_search(tx, since=since, total_count=total, started_by=started_by, now=utc_now())
    return await queries.get_search(tx)
