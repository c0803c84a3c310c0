"""Laws of merging: an undo is exact, every message has one owner, and nobody's access grows by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.lifecycle.people import list_homeless, make_person, snapshot, talk, write
from tests.making import make_assistant, make_base, make_inbox, opens

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.answers.askers import load_asker
from frontdesk.answers.model import Voice
from frontdesk.channels.model import Inbox
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.actions import update_contact
from frontdesk.contacts.configuring import create_definition
from frontdesk.contacts.labels import add_labels, create_label
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.notes import write_note
from frontdesk.contacts.queries import get_contact
from frontdesk.conversations import queries as conversations
from frontdesk.core.db import Tx
from frontdesk.core.errors import Conflict, FrontdeskError, NotFound
from frontdesk.core.ids import ContactId, DocumentId, new_id
from frontdesk.core.text import utc_now
from frontdesk.identities.errors import SourceIdTaken
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.queries import find_owners, list_identities, resolve_contact_id
from frontdesk.identities.source_ids import link_identity
from frontdesk.knowledge.search import list_permitted
from frontdesk.lifecycle.errors import AccessWouldWiden
from frontdesk.lifecycle.ledger import MergeId
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.undoing import undo_merge
from frontdesk.organizations.model import system_caller

LAW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
SOME, MANY = settings(LAW, max_examples=6), settings(LAW, max_examples=100)

texts = st.sampled_from(["", "Ann", "Bob"])
addresses = st.lists(st.sampled_from(["a@example.com", "A@example.com", "b@example.com"]), unique=True, max_size=2)
cards = st.fixed_dictionaries(
    {
        "name": texts,
        "language": st.sampled_from([None, "de"]),
        "attributes": st.dictionaries(
            st.sampled_from(["level", "member_no"]), st.sampled_from([1, True, "x"]), max_size=2
        ),
        "emails": addresses,
        "provenance": st.sampled_from([Provenance.MEMBER, Provenance.CLAIMED]),
        "is_known": st.booleans(),
        "talks": st.integers(0, 2),
        "labels": st.sets(st.integers(0, 1)),
        "has_note": st.booleans(),
        "has_profile": st.booleans(),
        "is_blocked": st.booleans(),
        "here": st.booleans(),
    }
)


class _Over(Exception):
    """Rolls an example back."""


async def make_document(tx: Tx, base: Any) -> DocumentId:
    document = DocumentId(new_id())
    await tx.execute(
        """
        INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, created_at, updated_at)
        VALUES (%(o)s, %(id)s, %(b)s, 'file', 'A document', 'done', %(now)s, %(now)s)
        """,
        {"o": tx.organization_id, "id": document, "b": base, "now": utc_now()},
    )
    return document


class World:
    """An organization with two inboxes, three bases of one document each, and people."""

    def __init__(self, tx: Tx) -> None:
        self.tx, self.owner = tx, system_caller(tx.organization_id)
        self.people: list[ContactId] = []
        self.merges: list[MergeId] = []

    @asynccontextmanager
    async def example(self) -> AsyncIterator[None]:
        """What happens inside is rolled back."""
        self.people, self.merges = [], []
        with suppress(_Over):
            async with self.tx.savepoint():
                yield
                raise _Over

    async def build(self) -> "World":
        tx, owner = self.tx, self.owner
        self.bases = [await make_base(tx, f"Base {number}") for number in range(3)]
        for base in self.bases:
            await make_document(tx, base)
        assistant = await make_assistant(tx, owner, "Shop", *self.bases)
        scopes = {"visitor_scope": opens(self.bases[0]), "member_scope": opens(self.bases[1])}
        self.inboxes = [await make_inbox(tx, owner, name, assistant=assistant, **scopes) for name in ("Shop", "Help")]
        self.labels = [(await create_label(tx, owner, name)).id for name in ("a", "b")]
        profile = {"name": "VIP", "query_metadata": opens(self.bases[2]), "minimum_assurance": Assurance.CHANNEL}
        self.profile = (await create_profile(tx, owner, profile))[0].id
        return self

    async def add(self, card: dict[str, Any]) -> ContactId:
        tx, owner, number = self.tx, self.owner, len(self.people)
        inbox = self.inboxes[0 if card["here"] else 1]
        fields = {key: card[key] for key in ("language", "attributes", "emails", "provenance")}
        contact = await make_person(
            tx, owner, inbox, card["name"], source_id=f"S-{number}" if card["is_known"] else None, **fields
        )
        for _ in range(card["talks"]):
            await talk(tx, inbox, contact)
        await add_labels(tx, owner, contact, [self.labels[label] for label in card["labels"]])
        if card["has_note"]:
            await write_note(tx, owner, contact, "Prefers Saturdays.")
        if card["has_profile"]:
            await assign_profile(tx, owner, contact, self.profile)
        if card["is_blocked"]:
            sql = "UPDATE contacts SET blocked_at = now(), blocked_by = 'Mia' WHERE id = %(id)s"
            await tx.execute(sql, {"id": contact})
        self.people.append(contact)
        return contact

    async def reads(self, contact: ContactId, inbox: Inbox, assurance: Assurance) -> frozenset[DocumentId]:
        asker = await load_asker(self.tx, await get_contact(self.tx, contact), inbox, Voice(assurance))
        documents, _ = await list_permitted(self.tx, asker.scope.scope, limit=100, offset=0)
        return frozenset(document.id for document in documents)

    async def everything_read(self) -> dict[tuple[object, str], frozenset[DocumentId]]:
        """What everybody reads now: each person's browser without a proof, and whoever proves a source id."""
        found: dict[tuple[object, str], frozenset[DocumentId]] = {}
        for number, person in enumerate(self.people):
            present = await resolve_contact_id(self.tx, person)
            identities = await list_identities(self.tx, present)
            for inbox in self.inboxes:
                found[number, inbox.name] = await self.reads(present, inbox, Assurance.ANONYMOUS)
                for one in identities:
                    found[one.key, inbox.name] = await self.reads(present, inbox, Assurance.SIGNED)
        return found


@pytest.fixture
async def world(tx: Tx) -> World:
    return await World(tx).build()


@pytest.fixture
async def strict_world(tx: Tx) -> World:
    """One in which a member number is one person's."""
    world = await World(tx).build()
    await create_definition(tx, world.owner, "member_no", {"is_unique": True})
    return world


groups = st.lists(cards, min_size=2, max_size=3)


@SOME
@given(groups)
async def test_an_undo_is_exact(world, people):
    """When nothing changed since, every table is as it was, whatever the cards said."""
    await merge_and_undo(world, people)


@SOME
@given(groups)
async def test_an_undo_is_exact_with_wider_access_and_unique_values(strict_world, people):
    """Accepted profiles go back, and so does a value that only one contact may have."""
    for number, card in enumerate(people):
        card["attributes"]["member_no"] = str(number)
    await merge_and_undo(strict_world, people, accept_wider_access=True)


@pytest.mark.long
@MANY
@given(groups)
async def test_an_undo_is_exact_many_times(world, people):
    """The same, with more luck."""
    await merge_and_undo(world, people)


async def merge_and_undo(world: World, people: list[dict[str, Any]], **more: Any) -> None:
    tx = world.tx
    async with world.example():
        for card in people:
            await world.add(card)
        survivor, *others = world.people
        choices = {"attributes.member_no": others[0]} if more else {}
        before = await snapshot(tx)
        merged = await merge_contacts(tx, world.owner, survivor, others, choices=choices, **more)
        assert await list_homeless(tx) == []
        await undo_merge(tx, world.owner, merged.merge_id, confirm_access=True)
        assert await snapshot(tx) == before
        assert await list_homeless(tx) == []


steps = st.lists(
    st.tuples(
        st.sampled_from(["message", "conversation", "edit", "merge", "merge", "undo", "undo", "link"]),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    min_size=3,
    max_size=8,
)


four = st.lists(cards, min_size=4, max_size=4)


@SOME
@given(four, steps)
async def test_no_message_is_lost_and_no_access_grows(world, people, steps):
    """Whatever is written, edited, linked, merged and undone in whatever order."""
    await live(world, people, steps)


@pytest.mark.long
@MANY
@given(four, steps)
async def test_no_message_is_lost_and_no_access_grows_many_times(world, people, steps):
    """The same, with more luck."""
    await live(world, people, steps)


async def live(world: World, people: list[dict[str, Any]], steps: list[tuple[str, int, int]]) -> None:
    async with world.example():
        for card in people:
            await world.add(card)
        for step in steps:
            await _take(world, *step)
            await _check_owners(world)


async def _take(world: World, verb: str, one: int, other: int) -> None:
    tx, owner = world.tx, world.owner
    person = await resolve_contact_id(tx, world.people[one])
    match verb:
        case "message":
            _, found = await conversations.list_conversations(tx, inbox_ids=None, contact_id=person)
            if found:
                await write(tx, found[other % len(found)], person)
        case "conversation":
            await talk(tx, world.inboxes[other % 2], person)
        case "edit":
            await update_contact(tx, owner, person, {"name": f"Name {other}"}, provenance=Provenance.MEMBER)
        case "link":
            key = IdentityKey(world.inboxes[0].realm_id, f"L-{other}")
            with suppress(SourceIdTaken):
                await link_identity(tx, owner, person, key)
        case "merge":
            await _merge(world, one, other)
        case _:
            await _undo(world, other)


async def _merge(world: World, one: int, other: int) -> None:
    """The survivor's people read nothing new, and who they are proven to be does not matter."""
    tx = world.tx
    survivor, merged = [await resolve_contact_id(tx, world.people[number]) for number in (one, other)]
    before = await _reads_of(world, survivor)
    with suppress(FrontdeskError):
        result = await merge_contacts(tx, world.owner, survivor, [merged], choices={})
        world.merges.append(result.merge_id)
        after = await _reads_of(world, survivor)
        assert all(after[key] <= read for key, read in before.items())


async def _reads_of(world: World, contact: ContactId) -> dict[Any, frozenset[DocumentId]]:
    return {
        (inbox.name, assurance): await world.reads(contact, inbox, assurance)
        for inbox in world.inboxes
        for assurance in (Assurance.ANONYMOUS, Assurance.SIGNED)
    }


async def _undo(world: World, which: int) -> None:
    """Nobody reads more than before, unless it was confirmed, which nobody does here."""
    if not world.merges:
        return
    before = await world.everything_read()
    with suppress(AccessWouldWiden, Conflict, NotFound):
        await undo_merge(world.tx, world.owner, world.merges[which % len(world.merges)])
        after = await world.everything_read()
        for who, read in after.items():
            assert read <= before[who], who


async def _check_owners(world: World) -> None:
    tx = world.tx
    assert await list_homeless(tx) == []
    sql = """
        SELECT count(*), count(DISTINCT m.id), count(c.contact_id) FROM messages m
          LEFT JOIN conversations c ON c.organization_id = m.organization_id AND c.id = m.conversation_id
         WHERE m.organization_id = %(organization)s
    """
    row = await tx.fetch_one(sql, {"organization": tx.organization_id})
    assert row is not None
    assert len(set(row)) == 1
    for person in world.people:
        present = await resolve_contact_id(tx, person)
        assert (await get_contact(tx, present)).deleted_at is None
        for identity in await list_identities(tx, present):
            assert (await find_owners(tx, [identity.key]))[identity.key] == present
