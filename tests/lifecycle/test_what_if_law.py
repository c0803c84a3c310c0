"""Law: what-if says exactly what asking everybody before and after the change would say."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random, SystemRandom
from uuid import UUID

import pytest
from tests.access.strategies import World, make_world, random_query_metadata
from tests.access.test_sql_agreement import insert_world
from tests.making import make_assistant, make_inbox

from frontdesk.access.actions import create_profile, update_profile
from frontdesk.access.model import Assurance
from frontdesk.access.profiles import AccessProfile
from frontdesk.answers.askers import load_asker
from frontdesk.answers.model import Voice
from frontdesk.assistants.queries import set_bases
from frontdesk.channels.actions import update_inbox
from frontdesk.channels.model import ChannelType, Inbox, InboxChanges
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts.access_actions import assign_profile, set_access
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Contact, Provenance, anybody
from frontdesk.contacts.queries import get_contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, DocumentId, InboxId, KnowledgeBaseId, LabelId
from frontdesk.core.text import utc_now
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.queries import has_identity
from frontdesk.identities.source_ids import set_source_id
from frontdesk.knowledge.queries import delete_label
from frontdesk.knowledge.search import list_permitted
from frontdesk.lifecycle.what_if import (
    WhatIf,
    preview_bases,
    preview_contact,
    preview_inbox,
    preview_label_deletion,
    preview_labels,
    preview_profile,
)
from frontdesk.organizations.model import Caller

Reads = dict[tuple[object, InboxId, Assurance], frozenset[DocumentId]]
Step = Callable[[], Awaitable[object]]

DESKS, CHANGES = 2, 6
NEWCOMERS = ("visitor", "member")


@dataclass
class Desk:
    """An organization with everything that decides who reads what, written at random."""

    tx: Tx
    owner: Caller
    rng: Random
    world: World
    inboxes: list[Inbox]
    profiles: list[AccessProfile]
    contacts: list[ContactId]

    async def read_all(self) -> Reads:
        """Ask for everybody who is there and whoever may come, as a message would be answered."""
        found: Reads = {}
        for inbox in (await list_inboxes(self.tx, None))[0]:  # those of the assistants themselves among them
            for contact_id in self.contacts:
                contact = await get_contact(self.tx, contact_id)
                if await self._comes(contact_id, inbox):
                    for assurance in assurances(inbox, is_known=await has_identity(self.tx, contact_id)):
                        found[contact_id, inbox.id, assurance] = await self._read(contact, inbox, assurance)
            for assurance in assurances(inbox, is_known=True):
                who = NEWCOMERS[assurance >= Assurance.CHANNEL]
                found[who, inbox.id, assurance] = await self._read(anybody(utc_now()), inbox, assurance)
        return found

    async def _read(self, contact: Contact, inbox: Inbox, assurance: Assurance) -> frozenset[DocumentId]:
        asker = await load_asker(self.tx, contact, inbox, Voice(assurance))
        documents, _ = await list_permitted(self.tx, asker.scope.scope, limit=1000, offset=0)
        return frozenset(document.id for document in documents)

    async def _comes(self, contact_id: ContactId, inbox: Inbox) -> bool:
        sql = """
            SELECT bool_or(inbox_id = %(inbox)s) FROM contact_inboxes
             WHERE organization_id = %(organization)s AND contact_id = %(contact)s
        """
        params = {"organization": self.tx.organization_id, "inbox": inbox.id, "contact": contact_id}
        comes = await self.tx.fetch_value(sql, params)
        return comes is None or bool(comes)  # who is in no inbox yet may come through any


def assurances(inbox: Inbox, *, is_known: bool) -> list[Assurance]:
    """How people can be proven there, in words of the product: platforms prove, visitors do not, keys may act."""
    if inbox.channel_type is ChannelType.LINE:
        return [Assurance.CHANNEL, Assurance.SIGNED]
    if inbox.channel_type is ChannelType.API or is_known:
        return [Assurance.ANONYMOUS, Assurance.SIGNED]
    return [Assurance.ANONYMOUS]


async def make_desk(tx: Tx, owner: Caller, rng: Random) -> Desk:
    world = make_world(rng, documents=20)
    await insert_world(tx, world)
    assistants = [
        await make_assistant(tx, owner, name, *map(to_base, rng.sample(world.bases, rng.randint(1, 3))))
        for name in ("One", "Two")
    ]
    inboxes = [
        await make_inbox(
            tx,
            owner,
            kind.value,
            assistant=rng.choice(assistants),
            kind=kind,
            query_metadata=maybe(rng, world, 0.3),
            visitor_scope=maybe(rng, world, 0.8),
            member_scope=maybe(rng, world, 0.8),
        )
        for kind in (ChannelType.WEB, ChannelType.LINE, ChannelType.API)
    ]
    profiles = [
        (
            await create_profile(
                tx,
                owner,
                {
                    "name": f"Profile {number}",
                    "query_metadata": maybe(rng, world, 0.9),
                    "minimum_assurance": rng.choice([Assurance.ANONYMOUS, Assurance.CHANNEL, Assurance.SIGNED]),
                },
            )
        )[0]
        for number in range(3)
    ]
    desk = Desk(tx, owner, rng, world, inboxes, profiles, [])
    for number in range(8):
        await add_contact(desk, number)
    await delete_contact(tx, owner, desk.contacts.pop())
    return desk


async def add_contact(desk: Desk, number: int) -> None:
    tx, rng = desk.tx, desk.rng
    chosen = rng.sample(desk.inboxes, rng.randint(0, 3))
    contact = await create_contact(
        tx,
        desk.owner,
        fields={"name": f"Contact {number % 3}"},
        inbox_ids=[inbox.id for inbox in chosen],
        provenance=Provenance.MEMBER,
    )
    await set_access(
        tx, desk.owner, contact.id, maybe(rng, desk.world, 0.5), profiles_mode=rng.choice(["replace", "add"])
    )
    for profile in rng.sample(desk.profiles, rng.randint(0, 2)):
        await assign_profile(tx, desk.owner, contact.id, profile.id)
    if rng.random() < 0.5:
        await set_source_id(tx, desk.owner, contact.id, f"M-{number}")
    desk.contacts.append(contact.id)


def maybe(rng: Random, world: World, chance: float):
    return random_query_metadata(rng, world) if rng.random() < chance else None


def to_base(text: str) -> KnowledgeBaseId:
    return KnowledgeBaseId(UUID(text))


def choose_change(desk: Desk) -> tuple[Step, Step]:
    """Return how to preview some change, and how to make it."""
    tx, owner, rng, world = desk.tx, desk.owner, desk.rng, desk.world
    raw, base = maybe(rng, world, 0.85), rng.choice(world.bases)
    label = LabelId(UUID(rng.choice(world.labels[base])))
    match rng.choice(["profile", "contact", "inbox", "labels", "label", "bases"]):
        case "profile":
            profile = rng.choice(desk.profiles)
            return (
                lambda: preview_profile(tx, owner, profile.id, raw),
                lambda: update_profile(tx, owner, profile.id, {"query_metadata": raw}),
            )
        case "contact":
            contact_id, mode = rng.choice(desk.contacts), rng.choice(["replace", "add"])
            return (
                lambda: preview_contact(tx, owner, contact_id, raw, mode),
                lambda: set_access(tx, owner, contact_id, raw, mode),
            )
        case "inbox":
            inbox = rng.choice(desk.inboxes)
            changes: InboxChanges = {rng.choice(["query_metadata", "visitor_scope", "member_scope"]): raw}
            if inbox.channel_type is not ChannelType.API and rng.random() < 0.3:
                changes["assistant_id"] = rng.choice(desk.inboxes).assistant_id
            return (
                lambda: preview_inbox(tx, owner, inbox.id, changes),
                lambda: update_inbox(tx, owner, inbox.id, changes),
            )
        case "labels":
            own = [DocumentId(UUID(one.id)) for one in world.documents if one.base == base]
            chosen, removed = own[: rng.randint(1, 5)], LabelId(UUID(rng.choice(world.labels[base])))
            return (
                lambda: preview_labels(tx, owner, to_base(base), chosen, [label], [removed]),
                lambda: relabel(desk, to_base(base), chosen, label, removed),
            )
        case "label":
            return (
                lambda: preview_label_deletion(tx, owner, to_base(base), label),
                lambda: delete_label(tx, label),
            )
    inbox, bases = rng.choice(desk.inboxes), [*map(to_base, rng.sample(world.bases, rng.randint(0, 3)))]
    return (
        lambda: preview_bases(tx, owner, inbox.assistant_id, bases),
        lambda: set_bases(tx, inbox.assistant_id, bases),
    )


async def relabel(
    desk: Desk, base: KnowledgeBaseId, documents: list[DocumentId], added: LabelId, removed: LabelId
) -> None:
    params = {"organization": desk.tx.organization_id, "base": base, "ids": documents, "add": added, "gone": removed}
    await desk.tx.execute(
        """
        INSERT INTO document_labels (organization_id, document_id, label_id, knowledge_base_id)
        SELECT %(organization)s, unnest(%(ids)s::uuid[]), %(add)s, %(base)s ON CONFLICT DO NOTHING
        """,
        params,
    )
    await desk.tx.execute(
        "DELETE FROM document_labels WHERE organization_id = %(organization)s AND document_id = ANY(%(ids)s)"
        " AND label_id = %(gone)s",
        params,
    )


def compare(before: Reads, after: Reads) -> dict[str, object]:
    """Say in the plainest way what what-if says."""
    gained = {key: after[key] - before[key] for key in before if after[key] - before[key]}
    lost = {key: before[key] - after[key] for key in before if before[key] - after[key]}

    def people(change: Reads) -> set[object]:
        return {who for who, _, _ in change if who not in NEWCOMERS}

    def count(change: Reads, who: object) -> int:
        return len(frozenset[DocumentId]().union(*(documents for key, documents in change.items() if key[0] == who)))

    return {
        "contacts": (len(people(gained)), len(people(lost))),
        "documents": tuple(len(frozenset[DocumentId]().union(*change.values())) for change in (gained, lost)),
        "by contact": {who: (count(gained, who), count(lost, who)) for who in people(gained) | people(lost)},
        "by document": {
            document: tuple(
                len({who for (who, *_), documents in change.items() if document in documents and who not in NEWCOMERS})
                for change in (gained, lost)
            )
            for document in frozenset[DocumentId]().union(*gained.values(), *lost.values())
        },
        "newcomers": {
            (inbox_id, who): (len(gained.get(key, ())), len(lost.get(key, ())))
            for key in gained.keys() | lost.keys()
            for who, inbox_id, _ in [key]
            if who in NEWCOMERS
        },
    }


def told(what_if: WhatIf) -> dict[str, object]:
    return {
        "contacts": (what_if.contacts_gaining, what_if.contacts_losing),
        "documents": (what_if.documents_gained, what_if.documents_lost),
        "by contact": {one.id: (one.gained, one.lost) for one in what_if.contacts},
        "by document": {one.id: (one.gained, one.lost) for one in what_if.documents},
        "newcomers": {(one.inbox_id, one.speaker): (one.gained, one.lost) for one in what_if.newcomers},
    }


@asynccontextmanager
async def taken_back(tx: Tx) -> AsyncIterator[None]:
    """Undo what happens inside the block."""
    await tx.execute("SAVEPOINT back")
    yield
    await tx.execute("ROLLBACK TO SAVEPOINT back")
    await tx.execute("RELEASE SAVEPOINT back")


async def test_what_if_says_what_asking_everybody_would_say(tx: Tx, owner: Caller):
    """Contacts and documents gained and lost by changes of profiles, contacts, inboxes, labels and bases."""
    await compare_many(tx, owner, DESKS)


@pytest.mark.long
@pytest.mark.timeout(1_800)
async def test_what_if_says_it_of_many_more(tx: Tx, owner: Caller):
    """The same, for longer."""
    await compare_many(tx, owner, DESKS * 50)


async def compare_many(tx: Tx, owner: Caller, desks: int) -> None:
    seed = SystemRandom().getrandbits(32)
    rng = Random(seed)  # noqa: S311 -- examples, not secrets
    seen = 0
    for _ in range(desks):
        async with taken_back(tx):
            desk = await make_desk(tx, owner, rng)
            before = await desk.read_all()
            for _ in range(CHANGES):
                preview, change = choose_change(desk)
                what_if = await preview()
                async with taken_back(tx):
                    await change()
                    expected = compare(before, await desk.read_all())
                assert told(what_if) == expected, f"seed {seed}"
                assert (what_if.is_exact, what_if.is_partial) == (True, False)
                assert [one.name for one in what_if.contacts] == sorted(one.name for one in what_if.contacts)
                seen += not what_if.changes_nothing
    assert seen, f"seed {seed}: nothing changed"
