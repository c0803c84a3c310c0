"""What is learned from messages, once each, and what members make of it."""

import asyncio

import pytest
from tests.answers.remembering import make_remembering
from tests.making import make_inbox, member

from conftest import new_organization
from frontdesk.access.model import Assurance
from frontdesk.answers import memory
from frontdesk.answers.askers import load_asker
from frontdesk.answers.memory_learning import find_lesson, learn, record
from frontdesk.answers.memory_model import Fact, FactId, Memory, Summary, may_use, usable
from frontdesk.answers.model import Voice
from frontdesk.assistants.actions import ModelRules
from frontdesk.channels.assistant_actions import update_assistant
from frontdesk.contacts.access import access_contact_alone
from frontdesk.contacts.queries import get_contact
from frontdesk.conversations import queries as threads
from frontdesk.conversations.actions import MEMORY_DUE, reply
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import new_id
from frontdesk.core.text import utc_now
from frontdesk.identities.deletion import delete_contact
from frontdesk.organizations.audit import list_audit_of_contact
from frontdesk.organizations.model import Right


@pytest.fixture(scope="module")
async def organization(db):
    return await new_organization(db, "Northlight")


@pytest.fixture
async def people(services, organization):
    return await make_remembering(services, organization)


async def test_a_message_asks_for_memory_and_a_repeated_one_does_not(people, db, organization):
    """The job is written in the same transaction, for every new message."""
    ann = await people.meet()
    message = await people.write(await people.open(ann), "I live in Taipei.", learn=False)
    sql = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %(name)s AND args ->> 'message_id' = %(id)s"
    async with db.begin(organization) as tx:
        assert await tx.fetch_value(sql, {"name": MEMORY_DUE, "id": str(message)}) == 1


async def test_a_fact_has_its_message_date_and_assurance(people):
    """Each remembered thing says where it comes from."""
    ann = await people.meet()
    conversation = await people.open(ann)
    message = await people.write(conversation, "Hello! I live in Taipei. How are you?", Assurance.CHANNEL)
    ((fact,), (summary,)) = await unpack(people, ann)
    assert (fact.topic, fact.text) == ("home", "I live in Taipei")
    assert (fact.message_id, fact.conversation_id) == (message, conversation.id)
    assert (fact.learned_assurance, fact.written_by) == (Assurance.CHANNEL, None)
    assert fact.learned_at == fact.updated_at
    assert (summary.text, summary.learned_assurance) == ("How are you?", Assurance.CHANNEL)
    assert summary.through_message_id == message


async def unpack(people, contact):
    found = await people.recall(contact)
    return found.facts, found.summaries


async def test_answers_are_never_remembered(people, db, organization, owner):
    """Memory is made of incoming messages only, even if somebody asks for the job of an answer."""
    ann = await people.meet()
    conversation = await people.open(ann)
    async with db.begin(organization) as tx:
        answer = await reply(tx, owner, conversation.id, "My name is Bot. I live in a server.", now=utc_now())
    await people.learn(answer)
    assert not await people.recall(ann)


async def test_a_later_message_replaces_what_an_earlier_one_said(people):
    """One fact per topic and assurance is remembered; different things of one kind stand beside each other."""
    ann = await people.meet()
    conversation = await people.open(ann)
    await people.write(conversation, "I live in Taipei. I am allergic to nuts.")
    await people.write(conversation, "I live in Tainan now. I am allergic to milk.")
    assert sorted(await people.texts(ann)) == ["I am allergic to milk", "I am allergic to nuts", "I live in Tainan"]
    other = await people.open(ann)
    await people.write(other, "I live in Hsinchu.", Assurance.CHANNEL)
    assert {"I live in Tainan", "I live in Hsinchu"} <= set(await people.texts(ann))


async def test_order_of_jobs_does_not_matter(people):
    """The later message counts, whichever job runs first."""
    ann = await people.meet()
    conversation = await people.open(ann)
    first = await people.write(conversation, "I live in Taipei.", learn=False)
    second = await people.write(conversation, "I live in Tainan.", learn=False)
    await people.learn(second)
    await people.learn(first)
    assert await people.texts(ann) == ["I live in Tainan"]


async def test_a_repeated_job_learns_nothing_again(people, db, organization, owner):
    """Nor does it bring back what a member deleted, or undo a correction."""
    ann = await people.meet()
    message = await people.write(await people.open(ann), "I live in Taipei. My name is Ann.")
    facts = {fact.topic: fact for fact in (await people.recall(ann)).facts}
    async with db.begin(organization) as tx:
        await memory.delete_fact(tx, owner, ann, facts["home"].id)
        await memory.correct_fact(tx, owner, ann, facts["name"].id, "Is called Anne")
    await people.learn(message)
    assert await people.texts(ann) == ["Is called Anne"]


async def test_a_correction_holds_until_a_newer_message(people, db, organization, owner):
    """An older message whose job is late does not beat it; what the person says afterwards does."""
    ann = await people.meet()
    conversation = await people.open(ann)
    await people.write(conversation, "I live in Taipei.")
    late = await people.write(conversation, "I live in Kaohsiung.", learn=False)
    (fact,) = (await people.recall(ann)).facts
    async with db.begin(organization) as tx:
        await memory.correct_fact(tx, owner, ann, fact.id, "Lives in New Taipei")
    await people.learn(late)
    assert await people.texts(ann) == ["Lives in New Taipei"]
    (fact,) = (await people.recall(ann)).facts
    assert fact.written_by == "system"
    await people.write(conversation, "I live in Tainan.")
    assert await people.texts(ann) == ["I live in Tainan"]


async def test_a_deleted_fact_does_not_uncover_what_it_replaced(people, db, organization, owner):
    """In no conversation."""
    ann = await people.meet()
    await people.write(await people.open(ann), "I live in Taipei.")
    await people.write(await people.open(ann), "I live in Tainan.")
    (fact,) = (await people.recall(ann)).facts
    async with db.begin(organization) as tx:
        await memory.delete_fact(tx, owner, ann, fact.id)
    assert await people.texts(ann) == []


async def test_all_is_forgotten_at_once(people, db, organization, owner):
    """What was written until then is not learned any more, not even by a job that waits; what comes later is."""
    ann = await people.meet()
    conversation = await people.open(ann)
    await people.write(conversation, "I live in Taipei.")
    waiting = await people.write(conversation, "My name is Ann.", learn=False)
    async with db.begin(organization) as tx:
        await memory.delete_memory(tx, owner, ann)
        await memory.delete_memory(tx, owner, ann)
    await people.learn(waiting)
    assert not await people.recall(ann)
    await people.write(conversation, "I live in Tainan.")
    assert await people.texts(ann) == ["I live in Tainan"]


async def test_a_member_writes_facts_and_summaries(people, db, organization, owner):
    """By hand; later messages are added to a corrected summary."""
    ann = await people.meet()
    conversation = await people.open(ann)
    await people.write(conversation, "Is my parcel on its way?")
    async with db.begin(organization) as tx:
        await memory.add_fact(tx, owner, ann, "Allergy: Nuts", "Is allergic to nuts")
        await memory.correct_summary(tx, owner, ann, Assurance.SIGNED, "Waits for a parcel.\nIs patient.")
    await people.write(conversation, "Has it been sent? I wonder.")
    facts, (summary,) = await unpack(people, ann)
    assert [(fact.topic, fact.text, fact.message_id) for fact in facts] == [
        ("allergy:nuts", "Is allergic to nuts", None)
    ]
    assert summary.text.splitlines() == ["Waits for a parcel.", "Is patient.", "Has it been sent?"]
    async with db.begin(organization) as tx:
        await memory.correct_summary(tx, owner, ann, Assurance.SIGNED, " ")
    assert not (await people.recall(ann)).summaries


@pytest.mark.parametrize("text", ["", " \n ", "x" * 301, "The password is hunter2", "4111 1111 1111 1111"])
async def test_what_a_member_may_not_write(people, db, organization, owner, text):
    """Nothing, novels, secrets."""
    ann = await people.meet()
    async with db.begin(organization) as tx:
        with pytest.raises(InvalidRequest):
            await memory.add_fact(tx, owner, ann, "note", text)


async def test_audit_tells_what_was_changed_and_hides_what_is_personal(people, db, organization, owner):
    """Members without the right read that something changed, not what; what is deleted is in no log."""
    ann = await people.meet()
    await people.write(await people.open(ann), "I live in Taipei. My name is Ann.")
    facts = {fact.topic: fact for fact in (await people.recall(ann)).facts}
    async with db.begin(organization) as tx:
        await memory.correct_fact(tx, owner, ann, facts["home"].id, "Lives in Tainan")
        await memory.delete_fact(tx, owner, ann, facts["name"].id)
        told = await list_audit_of_contact(tx, owner, ann, frozenset(), limit=10)
        viewer = member(owner, Right.AUDIT_VIEW)
        shown = await list_audit_of_contact(tx, viewer, ann, frozenset(), limit=10)
    assert [entry.action for entry in told.entries] == ["memory.fact_deleted", "memory.fact_corrected"]
    assert told.entries[1].payload["fact"] == {"before": "I live in Taipei", "after": "Lives in Tainan"}
    assert "Ann" not in str(told.entries[0].payload)
    assert "Tai" not in str(shown.entries)
    assert "home" not in str(shown.entries)


async def test_rights(people, db, organization, owner):
    """Reading needs view and view_personal, changing needs edit as well; elsewhere it does not exist."""
    ann = await people.meet()
    await people.write(await people.open(ann), "I live in Taipei.")
    (fact,) = (await people.recall(ann)).facts
    async with db.begin(organization) as tx:
        other = await make_inbox(tx, owner, "Another")
        with pytest.raises(Forbidden):
            await memory.get_memory(tx, member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_EDIT), ann)
        with pytest.raises(Forbidden):
            await memory.delete_memory(tx, member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_EDIT), ann)
        reader = member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_VIEW_PERSONAL)
        assert (await memory.get_memory(tx, reader, ann))[1].facts == [fact]
        with pytest.raises(NotFound):
            await memory.correct_fact(tx, reader, ann, fact.id, "x")
        with pytest.raises(NotFound):
            await memory.get_memory(tx, member(owner, inboxes={other.id}), ann)


async def test_a_fact_of_somebody_else_does_not_exist(people, db, organization, owner):
    """Whoever names it beside another contact reaches nothing."""
    ann, bob = await people.meet(), await people.meet()
    await people.write(await people.open(ann), "I live in Taipei.")
    (fact,) = (await people.recall(ann)).facts
    async with db.begin(organization) as tx:
        for act in (
            lambda: memory.get_fact(tx, owner, bob, fact.id),
            lambda: memory.correct_fact(tx, owner, bob, fact.id, "x"),
            lambda: memory.delete_fact(tx, owner, bob, fact.id),
        ):
            with pytest.raises(NotFound):
                await act()
    assert await people.texts(ann) == ["I live in Taipei"]


# --- whose it is ---


async def fold(tx, merged, survivor):
    """What a merge does with cards and conversations; the facts are left behind on purpose."""
    ids = {"merged": merged, "survivor": survivor, "merge": new_id(), "organization": tx.organization_id}
    await tx.execute(
        """
        INSERT INTO merges (organization_id, id, survivor_id, reason, merged_at)
        VALUES (%(organization)s, %(merge)s, %(survivor)s, 'login', now())
        """,
        ids,
    )
    await tx.execute(
        """
        INSERT INTO merged_contacts (organization_id, contact_id, survivor_id, merge_id)
        VALUES (%(organization)s, %(merged)s, %(survivor)s, %(merge)s)
        """,
        ids,
    )
    await tx.execute("UPDATE conversations SET contact_id = %(survivor)s WHERE contact_id = %(merged)s", ids)
    await tx.execute("UPDATE contacts SET deleted_at = now() WHERE id = %(merged)s", ids)
    return ids["merge"]


async def move_back(tx, conversation, contact):
    sql = "UPDATE conversations SET contact_id = %(contact)s WHERE id = %(id)s"
    await tx.execute(sql, {"contact": contact, "id": conversation.id})


async def test_memory_goes_where_its_conversation_goes(people, db, organization):
    """Into a merge and out of it again, whatever else is moved: a learned fact is nobody else's at any moment."""
    ann, visitor = await people.meet(), await people.meet()
    of_ann, of_visitor = await people.open(ann), await people.open(visitor)
    await people.write(of_ann, "My name is Ann.")
    await people.write(of_visitor, "I live in Taipei.", Assurance.ANONYMOUS)
    async with db.begin(organization) as tx:
        await fold(tx, visitor, ann)
    assert sorted(await people.texts(ann)) == ["I live in Taipei", "My name is Ann"]
    assert await people.texts(visitor) == []
    await people.write(of_visitor, "I am allergic to nuts. Can I eat this?")  # the summary now knows of both
    async with db.begin(organization) as tx:
        await move_back(tx, of_visitor, visitor)
    assert await people.texts(ann) == ["My name is Ann"]
    assert sorted(await people.texts(visitor)) == ["I am allergic to nuts", "I live in Taipei"]
    assert "allergic" not in str((await people.recall(ann)).summaries)
    await people.write(of_ann, "When do you close?")
    (summary,) = (await people.recall(ann)).summaries
    assert summary.text == "When do you close?"


async def test_a_summary_of_a_merged_contact_is_the_survivors_until_the_merge_is_undone(people, db, organization):
    """One for each assurance, with the lines of both; the next message writes it on."""
    ann, visitor = await people.meet(), await people.meet()
    of_ann, of_visitor = await people.open(ann), await people.open(visitor)
    await people.write(of_ann, "When do you open?")
    await people.write(of_visitor, "Do you deliver?")
    await people.write(of_visitor, "What does it cost?", Assurance.ANONYMOUS)
    async with db.begin(organization) as tx:
        merge_id = await fold(tx, visitor, ann)
    assert [one.text for one in (await people.recall(ann)).summaries] == [
        "What does it cost?",
        "When do you open?\nDo you deliver?",
    ]
    await people.write(of_ann, "Thank you, I will come.")
    whole = (await people.recall(ann)).summaries[1]
    assert whole.text == "When do you open?\nDo you deliver?\nThank you, I will come."
    async with db.begin(organization) as tx:
        await tx.execute("DELETE FROM merged_contacts WHERE merge_id = %(merge)s", {"merge": merge_id})
        await move_back(tx, of_visitor, visitor)
    assert (await people.recall(ann)).summaries == []
    assert [one.text for one in (await people.recall(visitor)).summaries] == ["What does it cost?"]


async def test_a_contact_that_is_merged_while_its_message_is_read_is_learned_of_anew(
    people, db, organization, services
):
    """The fact is the survivor's."""
    ann, visitor = await people.meet(), await people.meet()
    message = await people.write(await people.open(visitor), "I live in Taipei.", learn=False)
    async with db.begin(organization) as tx:
        lesson = await find_lesson(tx, services, message)
    async with db.begin(organization) as tx:
        await fold(tx, visitor, ann)
    async with db.begin(organization) as tx:
        assert not await record(tx, lesson, await learn(lesson), now=utc_now())
    await people.learn(message)
    assert await people.texts(ann) == ["I live in Taipei"]


@pytest.mark.parametrize("erasing", ["text", "card"])
async def test_nothing_is_kept_of_somebody_who_is_erased_meanwhile(people, db, organization, services, owner, erasing):
    """Neither of a text that was blanked, nor of a card that is gone."""
    ann = await people.meet()
    message = await people.write(await people.open(ann), "I live in Taipei.", learn=False)
    async with db.begin(organization) as tx:
        lesson = await find_lesson(tx, services, message)
    async with db.begin(organization) as tx:
        if erasing == "card":
            await delete_contact(tx, owner, ann)
        else:
            await tx.execute("UPDATE messages SET content = '…' WHERE id = %(id)s", {"id": message})
    async with db.begin(organization) as tx:
        assert await record(tx, lesson, await learn(lesson), now=utc_now())
        for table in ("memory_facts", "memory_summaries"):
            sql = f"SELECT count(*) FROM {table} WHERE contact_id = %(id)s"
            assert await tx.fetch_value(sql, {"id": ann}) == 0


async def test_a_job_waits_for_whoever_changes_the_card(people, db, organization, owner):
    """And then sees what became of it: an erase and a job never leave a fact behind."""
    ann = await people.meet()
    message = await people.write(await people.open(ann), "I live in Taipei.", learn=False)
    async with db.begin(organization) as tx:
        await access_contact_alone(tx, owner, ann, Right.CONTACTS_ERASE)
        learning = asyncio.create_task(people.learn(message))
        await asyncio.sleep(0.3)
        assert not learning.done()
        await tx.execute("DELETE FROM memory_facts WHERE contact_id = %(id)s", {"id": ann})
        await tx.execute("UPDATE contacts SET deleted_at = now() WHERE id = %(id)s", {"id": ann})
    await learning
    assert await people.texts(ann) == []


async def test_jobs_at_once_learn_everything_once(people):
    """Two conversations of one contact, and one job twice."""
    ann = await people.meet()
    messages = [
        await people.write(await people.open(ann), text, learn=False)
        for text in ("I live in Taipei.", "My name is Ann.", "I am allergic to nuts.")
    ]
    await asyncio.gather(*(people.learn(message) for message in messages * 2))
    assert len(await people.texts(ann)) == 3
    (summary,) = (await people.recall(ann)).summaries
    assert sorted(summary.text.splitlines()) == ["I am allergic to nuts.", "I live in Taipei.", "My name is Ann."]


async def test_somebody_who_writes_without_end_fills_nothing(people):
    """A conversation keeps its latest 50 facts."""
    ann = await people.meet()
    conversation = await people.open(ann)
    for number in range(9):
        await people.write(conversation, " ".join(f"My order number is {number}{place}77." for place in range(8)))
    assert len(await people.texts(ann)) == 50


# --- which session may use it ---


def fact_at(assurance: Assurance) -> Fact:
    return Fact(FactId(new_id()), "home", assurance.name, None, None, assurance, None, utc_now(), utc_now())


def summary_at(assurance: Assurance) -> Summary:
    return Summary(assurance, assurance.name, (), None, None, utc_now())


@pytest.mark.parametrize("session", list(Assurance))
@pytest.mark.parametrize("has_identity", [False, True])
def test_a_session_uses_what_was_learned_at_most_at_its_assurance(session, has_identity):
    """And an unproven browser nothing at all of a card that became known."""
    whole = Memory([fact_at(one) for one in Assurance], [summary_at(one) for one in Assurance])
    used = usable(whole, session, has_identity=has_identity)
    expected = [] if has_identity and session < Assurance.CHANNEL else [one.name for one in Assurance if one <= session]
    assert [fact.text for fact in used.facts] == expected
    assert [summary.text for summary in used.summaries] == expected
    assert all(may_use(one.learned_assurance, session, has_identity=has_identity) for one in used.facts)


async def test_threads_are_not_touched_by_learning(people, db, organization):
    """The conversation shows nothing of it: no new message, no unread mark."""
    ann = await people.meet()
    conversation = await people.open(ann)
    message = await people.write(conversation, "I live in Taipei.", learn=False)
    async with db.begin(organization) as tx:
        before = await threads.get_conversation(tx, conversation.id)
    await people.learn(message)
    async with db.begin(organization) as tx:
        assert await threads.get_conversation(tx, conversation.id) == before


async def test_an_assistant_that_does_not_remember(people, db, organization, owner, services):
    """Nothing is learned from what is written to it, and it is told nothing; what is remembered already stays."""
    ann = await people.meet()
    conversation = await people.open(ann)
    await people.write(conversation, "I live in Taipei.")
    rules = ModelRules(services.cipher, ())
    async with db.begin(organization) as tx:
        await update_assistant(tx, owner, people.inbox.assistant_id, {"remembers": False}, rules)
        asker = await load_asker(tx, await get_contact(tx, ann), people.inbox, Voice(Assurance.SIGNED))
        assert not await memory.recall_memory(tx, asker, conversation.id)
    await people.write(conversation, "My name is Ann.")
    assert await people.texts(ann) == ["I live in Taipei"]
    async with db.begin(organization) as tx:
        await update_assistant(tx, owner, people.inbox.assistant_id, {"remembers": True}, rules)
        assert await memory.recall_memory(tx, asker, conversation.id)
