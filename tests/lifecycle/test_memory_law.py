"""Law: whatever is merged, taken back and erased, what is remembered is of the contact whose conversation said it."""

import random

import pytest
from tests.answers.remembering import Remembering, make_remembering

from conftest import new_organization
from frontdesk.access.model import Assurance
from frontdesk.answers.handlers import on_memory_due
from frontdesk.answers.memory_learning import find_lesson, learn, record
from frontdesk.conversations import queries as threads
from frontdesk.core.text import utc_now
from frontdesk.lifecycle.erasing import Mode, erase_contact
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.undoing import undo_merge
from frontdesk.organizations.model import system_caller


@pytest.fixture(scope="module")
async def organization(db):
    return await new_organization(db, "Northlight")


@pytest.fixture
async def people(services, organization) -> Remembering:
    return await make_remembering(services, organization)


async def require_law(people: Remembering, contacts, conversations) -> None:
    """Facts name the contact of their conversation; nobody is told what another's conversation said."""
    async with people.services.db.begin(people.organization_id) as tx:
        rows = await tx.fetch(
            """
            SELECT f.contact_id, c.contact_id FROM memory_facts f
              JOIN conversations c ON c.organization_id = f.organization_id AND c.id = f.conversation_id
            """
        )
        owners = {}
        for number, conversation in enumerate(conversations):
            owners[number] = (await threads.get_conversation(tx, conversation.id)).contact_id
    assert all(named == owner for named, owner in rows)
    for contact in contacts:
        told = str(await people.recall(contact))
        for number, owner in owners.items():
            assert owner == contact or f"C{number}-" not in told, (number, contact)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_memory_is_of_whoever_has_the_conversation(people, services, organization, seed):
    """Random messages, late jobs, merges and undos."""
    chance, caller = random.Random(seed), system_caller(organization)  # noqa: S311 -- a test repeats
    contacts = [await people.meet() for _ in range(3)]
    conversations = [await people.open(contact) for contact in contacts for _ in range(2)]
    late, merges, alive = [], [], list(contacts)
    for step in range(18):
        act = chance.choice(["write", "write", "late", "learn", "merge", "undo"])
        if act in {"write", "late"}:
            number = chance.randrange(len(conversations))
            async with services.db.begin(organization) as tx:
                conversation = await threads.get_conversation(tx, conversations[number].id)
            text = f"My order number is C{number}-{step}0. I ask about C{number}-{step}."
            assurance = chance.choice([Assurance.ANONYMOUS, Assurance.SIGNED])
            message = await people.write(conversation, text, assurance, learn=act == "write")
            late += [message] if act == "late" else []
        elif act == "learn" and late:
            await people.learn(late.pop(0))
        elif act == "merge" and len(alive) > 1:
            survivor, merged = chance.sample(alive, 2)
            async with services.db.begin(organization) as tx:
                result = await merge_contacts(tx, caller, survivor, [merged], choices={})
            merges.append((result.merge_id, merged))
            alive.remove(merged)
        elif act == "undo" and merges:
            merge_id, merged = merges.pop()
            async with services.db.begin(organization) as tx:
                await undo_merge(tx, caller, merge_id)
            alive.append(merged)
        await require_law(people, contacts, conversations)


@pytest.mark.parametrize("mode", list(Mode))
async def test_nothing_is_remembered_of_an_erased_person(people, services, organization, mode):
    """Not by a job that has read the message already, nor by one that waits, in neither mode."""
    caller = system_caller(organization)
    ann = await people.meet()
    conversation = await people.open(ann)
    await people.write(conversation, "My name is Ann. Where is my parcel?")
    message = await people.write(conversation, "I live in Taipei.", learn=False)
    waiting = await people.write(conversation, "I am allergic to nuts.", learn=False)
    async with services.db.begin(organization) as tx:
        lesson = await find_lesson(tx, services, message)
    assert lesson is not None
    learned = await learn(lesson)
    async with services.db.begin(organization) as tx:
        await erase_contact(tx, services.cipher, caller, ann, mode)
    async with services.db.begin(organization) as tx:
        assert await record(tx, lesson, learned, now=utc_now())
    await on_memory_due(services, organization, message_id=waiting)
    async with services.db.begin(organization) as tx:
        for table in ("memory_facts", "memory_summaries"):
            sql = f"SELECT count(*) FROM {table} WHERE contact_id = %(id)s"
            assert await tx.fetch_value(sql, {"id": ann}) == 0
