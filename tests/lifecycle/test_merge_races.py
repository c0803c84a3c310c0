"""Merging while others write, prove, edit and merge: somebody waits, nobody fails, nothing is left behind."""

import asyncio
import importlib.util
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.identities.conftest import CIPHER, Shop, open_shop
from tests.identities.tokens import NOW
from tests.lifecycle.people import list_homeless, make_person, owner_of, talk, write

from frontdesk.contacts.actions import update_contact
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.notes import write_note
from frontdesk.core.db import Database, Tx
from frontdesk.core.errors import FrontdeskError
from frontdesk.core.ids import ContactId, OrganizationId
from frontdesk.identities.actions import open_session
from frontdesk.identities.blocks import block_contact
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.errors import ContactMerged
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import find_owners, resolve_contact_id
from frontdesk.identities.source_ids import keep_survivor, link_identity, set_source_id
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.undoing import undo_merge
from frontdesk.organizations.model import Caller

STORM = Path(__file__).parents[2] / "benchmarks" / "identity_storm.py"


class Arena:
    """Two people, known to all transactions."""

    def __init__(self, db: Database, owner: Caller, shop: Shop, ann: ContactId, bob: ContactId) -> None:
        self.db, self.owner, self.shop, self.ann, self.bob = db, owner, shop, ann, bob

    async def alone(self, act: Callable[[Tx], Awaitable[Any]]) -> Any:
        async with self.db.begin(self.owner.organization_id) as tx:
            return await act(tx)

    async def merge(self, survivor: ContactId, other: ContactId) -> Any:
        return await self.alone(lambda tx: merge_contacts(tx, self.owner, survivor, [other], choices={}))

    async def check(self) -> None:
        assert await self.alone(list_homeless) == []


@pytest.fixture
async def arena(db: Database, organization: OrganizationId, owner: Caller) -> Arena:
    async with db.begin(organization) as tx:
        shop = await open_shop(tx, owner)
        ann, bob = [
            await make_person(tx, owner, shop.inbox, name, source_id=source_id)
            for name, source_id in (("Ann", "A-1"), ("Bob", "B-1"))
        ]
    return Arena(db, owner, shop, ann, bob)


async def gather(*acts: Awaitable[Any]) -> list[Any]:
    """Do all at once; what fails must be an expected failure."""
    async with asyncio.timeout(30):
        done = await asyncio.gather(*acts, return_exceptions=True)
    assert [one for one in done if isinstance(one, BaseException) and not isinstance(one, FrontdeskError)] == []
    return done


async def test_each_into_the_other_is_one_merge(arena):
    """One goes first; the other then finds its survivor merged away."""
    done = await gather(arena.merge(arena.ann, arena.bob), arena.merge(arena.bob, arena.ann))
    assert sorted(isinstance(one, ContactMerged) for one in done) == [False, True]
    assert await arena.alone(lambda tx: resolve_contact_id(tx, arena.ann)) == await arena.alone(
        lambda tx: resolve_contact_id(tx, arena.bob)
    )
    await arena.check()


async def test_ten_times_at_once_is_one_merge_and_one_undo(arena):
    """All are answered alike."""
    merged = await gather(*(arena.merge(arena.ann, arena.bob) for _ in range(10)))
    assert len({one.merge_id for one in merged}) == 1
    undo = [arena.alone(lambda tx: undo_merge(tx, arena.owner, merged[0].merge_id)) for _ in range(10)]
    undone = await gather(*undo)
    assert sorted(len(one.returned) > 0 for one in undone) == [False] * 9 + [True]
    await arena.check()


async def test_messages_meet_the_merge(arena):
    """Conversations that are written to while they move, and new ones through the API, are the survivor's."""
    talks = [await arena.alone(lambda tx: talk(tx, arena.shop.inbox, arena.bob)) for _ in range(5)]

    async def open_one(tx: Tx) -> Any:
        return await talk(tx, arena.shop.inbox, await keep_survivor(tx, arena.bob))

    await gather(
        *(arena.alone(lambda tx, one=one: write(tx, one, arena.bob)) for one in talks for _ in range(3)),
        *(arena.alone(open_one) for _ in range(5)),
        arena.merge(arena.ann, arena.bob),
        *(arena.alone(open_one) for _ in range(5)),
    )
    assert {await arena.alone(lambda tx, one=one: owner_of(tx, one)) for one in talks} == {arena.ann}
    await arena.check()


async def test_proofs_meet_the_merge(arena):
    """Whoever proves to be Bob is Ann afterwards, and no session of Bob runs on."""
    shop = arena.shop

    async def prove(tx: Tx) -> Any:
        return await open_session(tx, shop.inbox, stored=None, proof=await shop.prove(tx, "B-1"), now=NOW)

    key = IdentityKey(shop.inbox.realm_id, "B-1")
    for _ in range(3):
        done = await gather(
            *(arena.alone(prove) for _ in range(4)),
            arena.merge(arena.ann, arena.bob),
            *(arena.alone(prove) for _ in range(4)),
        )
        merge_id = next(one.merge_id for one in done if hasattr(one, "merge_id"))
        assert (await arena.alone(lambda tx: find_owners(tx, [key]))) == {key: arena.ann}
        await arena.check()
        await gather(
            *(arena.alone(prove) for _ in range(4)),
            arena.alone(lambda tx, one=merge_id: undo_merge(tx, arena.owner, one)),
            *(arena.alone(prove) for _ in range(4)),
        )
        assert (await arena.alone(lambda tx: find_owners(tx, [key]))) == {key: arena.bob}
        await arena.check()


async def test_a_person_with_two_source_ids_proves_both_at_once(arena):
    """Neither proof waits for what the other has stored of the same card."""
    await arena.merge(arena.ann, arena.bob)
    shop = arena.shop

    async def prove(source_id: str) -> Any:
        async with arena.db.begin(arena.owner.organization_id) as tx:
            proof = await shop.prove(tx, source_id, name=source_id)
            return await open_session(tx, shop.inbox, stored=None, proof=proof, now=NOW)

    for _ in range(4):
        done = await gather(*(prove(source_id) for _ in range(4) for source_id in ("A-1", "B-1")))
        assert {one.contact_id for one in done} == {arena.ann}


async def test_staff_meet_the_merge(arena):
    """An edit, a note, a source id, a link, a block and a deletion: each is before the merge, or is told of it."""
    owner, ann, bob, realm = arena.owner, arena.ann, arena.bob, arena.shop.inbox.realm_id
    acts: list[Callable[[Tx], Awaitable[Any]]] = [
        lambda tx: update_contact(tx, owner, bob, {"name": "Bobby"}, provenance=Provenance.MEMBER),
        lambda tx: write_note(tx, owner, bob, "Prefers Saturdays."),
        lambda tx: set_source_id(tx, owner, bob, "B-2"),
        lambda tx: link_identity(tx, owner, bob, IdentityKey(realm, "B-3")),
        lambda tx: link_identity(tx, owner, ann, IdentityKey(realm, "A-3")),
        lambda tx: block_contact(tx, owner, CIPHER, bob),
    ]
    await gather(*map(arena.alone, acts), arena.merge(ann, bob), *map(arena.alone, acts))
    await arena.check()
    await gather(
        arena.alone(lambda tx: delete_contact(tx, owner, ann)),
        arena.merge(ann, bob),
        arena.alone(lambda tx: delete_contact(tx, owner, bob)),
    )
    await arena.check()


def load_storm() -> Any:
    spec = importlib.util.spec_from_file_location("identity_storm", STORM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["identity_storm"] = module
    spec.loader.exec_module(module)
    return module


async def test_a_short_storm_breaks_nothing(app, services):
    """The script in `benchmarks/` with few workers for few seconds: see there."""
    storm = load_storm()
    place = await storm.prepare(services)
    await storm.storm(app, place, workers=16, seconds=2.5)
    assert place.accepted
    assert await storm.find_broken(place) == {}, place.failures[:3]


@pytest.mark.long
async def test_the_storm_breaks_nothing(app, services):
    """200 workers for a minute."""
    storm = load_storm()
    place = await storm.prepare(services)
    await storm.storm(app, place, workers=200, seconds=60)
    assert await storm.find_broken(place) == {}, place.failures[:3]
