"""Looking for somebody who was erased, in every way in which people are found."""

from collections.abc import Sequence
from typing import Final, TypedDict
from uuid import UUID

from frontdesk.core.db import Tx
from frontdesk.core.files import Files
from frontdesk.core.ids import ContactId
from frontdesk.identities.listing import ContactFilters
from frontdesk.identities.queries import find_owners
from frontdesk.identities.selecting import Selection, count_selected, list_selected
from frontdesk.lifecycle.erasing_queries import People, count_left, count_words
from frontdesk.organizations.model import Caller, system_caller

_LONGEST: Final = 100  # characters of a value that is searched


class Probe(TypedDict):
    """One way to find somebody: how often it was tried, and how often the person was found."""

    probe: str
    asked: int
    found: int


async def probe(tx: Tx, people: People, *, keeps_cards: bool) -> list[Probe]:
    """Look for people who were erased in this transaction; `keeps_cards`: anonymous cards of theirs stay."""
    caller = system_caller(tx.organization_id)
    values = people.values
    named = (*values.names, *values.emails, *values.phones, *values.source_ids)
    probes = [
        Probe(
            probe="search", asked=len(named), found=sum([await _finds(tx, caller, people, query=one) for one in named])
        ),
        Probe(
            probe="source_id",
            asked=len(people.keys),
            found=len(await find_owners(tx, people.keys))
            + sum([await _finds(tx, caller, people, source_id=key.source_id) for key in people.keys]),
        ),
        Probe(probe="memory", asked=len(people.contacts), found=await count_left(tx, people, "memory_facts")),
        Probe(probe="sessions", asked=len(people.sessions), found=await count_left(tx, people, "chat_sessions")),
        Probe(probe="words", asked=len(people.conversations), found=await count_words(tx, people)),
    ]
    return probes if keeps_cards else [*probes, *await _probe_cards(tx, caller, people)]


async def probe_files(files: Files, keys: Sequence[str]) -> Probe:
    """Look for files that were deleted."""
    return Probe(probe="files", asked=len(keys), found=sum([await _exists(files, key) for key in keys]))


async def _probe_cards(tx: Tx, caller: Caller, people: People) -> list[Probe]:
    """Look for what is gone without trace when all is erased."""
    listed = await count_selected(tx, caller, Selection(ids=people.contacts))
    left = {
        table: await count_left(tx, people, table) for table in ("contacts", "conversations", "messages", "answers")
    }
    asked = len(people.contacts)
    return [
        Probe(probe="list", asked=asked, found=listed),
        *(Probe(probe=table, asked=asked, found=count) for table, count in left.items()),
    ]


async def _finds(tx: Tx, caller: Caller, people: People, *, query: str = "", source_id: str | None = None) -> int:
    """Return how many of these people the list of contacts shows for a search."""
    selection = Selection(ids=None, filters=ContactFilters(query=query[:_LONGEST], source_id=source_id))
    found = 0
    for contact_id in people.contacts:
        before = ContactId(UUID(int=contact_id.int - 1))
        found += await list_selected(tx, caller, selection, after=before, limit=1) == [contact_id]
    return found


async def _exists(files: Files, key: str) -> bool:
    try:
        await files.read(key)
    except FileNotFoundError:
        return False
    return True
