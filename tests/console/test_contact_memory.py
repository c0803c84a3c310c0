"""What is remembered, before the eyes of members."""

import pytest
from tests.answers.remembering import make_remembering

from conftest import new_organization
from frontdesk.access.model import Assurance
from frontdesk.answers.memory import add_fact, load_memory
from frontdesk.core.ids import ContactId
from frontdesk.identities.source_ids import set_source_id
from frontdesk.organizations.model import system_caller


@pytest.fixture(scope="module")
async def organization(db):
    return await new_organization(db, "Northlight")


@pytest.fixture
async def people(services, organization):
    return await make_remembering(services, organization)


@pytest.fixture
async def ann(people) -> ContactId:
    return await people.meet()


def path_of(contact: ContactId, rest: str = "") -> str:
    return f"/console/contacts/{contact}/memory{rest}"


async def test_nothing_is_remembered_yet(olga, ann):
    """The tab says what will stand there."""
    text = (await olga.get(path_of(ann))).text
    assert "Nothing is remembered yet" in text
    assert 'aria-current="page">Memory' in text


async def test_each_fact_shows_where_it_comes_from(olga, people, ann):
    """Text, topic, assurance, and a link to the message."""
    conversation = await people.open(ann)
    message = await people.write(conversation, "I live in Taipei. Do you deliver?", Assurance.CHANNEL)
    text = (await olga.get(path_of(ann))).text
    assert "I live in Taipei" in text
    assert "Lives in" in text
    assert f"/console/conversations/{conversation.id}#m-{message}" in text
    assert "said on Shop web" in text
    assert "fd-mark channel" in text


async def test_the_page_tells_what_each_assurance_may_use(olga, people, ann, db, organization):
    """An unproven browser gets nothing of a card that is known."""
    conversation = await people.open(ann)
    await people.write(conversation, "I live in Taipei.", Assurance.ANONYMOUS)
    await people.write(conversation, "My name is Ann.", Assurance.SIGNED)
    text = (await olga.get(path_of(ann))).text
    assert "2 facts · summary" in text
    assert "1 fact · summary" in text
    assert "nobody is proven" not in text
    async with db.begin(organization) as tx:
        await set_source_id(tx, system_caller(organization), ann, "M-1")
    assert "nobody is proven" in (await olga.get(path_of(ann))).text


async def test_a_fact_is_added_corrected_and_forgotten(olga, people, ann):
    """In drawers; what is wrong is said at its field."""
    assert 'name="topic"' in (await olga.get(path_of(ann, "/new"), htmx=True)).text
    refused = await olga.post(path_of(ann, "/new"), {"topic": "note", "text": "password hunter2"})
    assert refused.status_code == 400
    assert "are not kept" in refused.text
    added = await olga.post(path_of(ann, "/new"), {"topic": "Allergy: nuts", "text": "Nuts", "assurance": "channel"})
    assert added.status_code == 204
    (fact,) = (await people.recall(ann)).facts
    assert (fact.topic, fact.written_by, fact.learned_assurance) == ("allergy:nuts", "Olga Owner", Assurance.CHANNEL)
    form = (await olga.get(path_of(ann, f"/facts/{fact.id}"), htmx=True)).text
    assert ">Nuts</textarea>" in form
    assert (await olga.post(path_of(ann, f"/facts/{fact.id}"), {"text": "Peanuts only"})).status_code == 204
    assert "noted by Olga Owner" in (await olga.get(path_of(ann))).text
    assert await people.texts(ann) == ["Peanuts only"]
    assert (await olga.post(path_of(ann, f"/facts/{fact.id}/delete"))).status_code == 204
    assert await people.texts(ann) == []
    audit = (await olga.get(f"/console/contacts/{ann}/audit")).text
    assert "noted something to remember" in audit
    assert "had something forgotten" in audit


async def test_a_summary_is_corrected(olga, people, ann):
    """It is shown as it was written, line by line."""
    await people.write(await people.open(ann), "Where is my parcel?")
    assert "Where is my parcel?" in (await olga.get(path_of(ann, "/summaries/signed"), htmx=True)).text
    assert (await olga.post(path_of(ann, "/summaries/signed"), {"text": "Waits for a parcel."})).status_code == 204
    text = (await olga.get(path_of(ann))).text
    assert "Waits for a parcel." in text
    assert "corrected by Olga Owner" in text
    assert (await olga.post(path_of(ann, "/summaries/signed"), {"text": "x" * 1001})).status_code == 400
    assert (await olga.get(path_of(ann, "/summaries/royal"), htmx=True)).status_code in {400, 404}


async def test_everything_is_forgotten_after_a_question(olga, people, ann, db, organization):
    """The dialog says what goes and what stays."""
    await people.write(await people.open(ann), "I live in Taipei. My name is Ann.")
    assert (
        "2 facts and the summaries are deleted for good." in (await olga.get(path_of(ann, "/forget"), htmx=True)).text
    )
    assert (await olga.post(path_of(ann, "/forget"))).status_code == 204
    async with db.begin(organization) as tx:
        assert not await load_memory(tx, ann)


async def test_whoever_may_not_see_e_mails_sees_no_memory(vera, people, ann):
    """Neither the tab, nor the page, nor beside a conversation."""
    conversation = await people.open(ann)
    await people.write(conversation, "I live in Taipei.")
    assert f"{path_of(ann)}" not in (await vera.get(f"/console/contacts/{ann}")).text
    assert (await vera.get(path_of(ann), htmx=True)).status_code == 403
    beside = (await vera.get(f"/console/conversations/{conversation.id}")).text
    assert "/memory" not in beside


async def test_memory_stands_beside_a_conversation(olga, people, ann, db, organization):
    """With what this session may not use marked as such."""
    conversation = await people.open(ann)
    await people.write(conversation, "I live in Taipei. Where is my parcel?", Assurance.CHANNEL)
    async with db.begin(organization) as tx:
        await add_fact(tx, system_caller(organization), ann, "note", "Is patient")
    text = (await olga.get(f"/console/conversations/{conversation.id}")).text
    beside = text.partition("<h3>Memory")[2]
    assert "I live in Taipei" in beside
    assert "not used in this session" in beside.partition("Is patient")[2].partition("I live in Taipei")[0]
    assert beside.count("not used in this session") == 1


async def test_what_was_said_is_text_whatever_it_contains(olga, people, ann, db, organization):
    """Script in a fact, a topic or a summary shows as text."""
    script = "<script>alert(1)</script>"
    async with db.begin(organization) as tx:
        await add_fact(tx, system_caller(organization), ann, "note: x", script)
    await people.write(await people.open(ann), f"{script} Hello?")
    for path in (path_of(ann), f"/console/contacts/{ann}/audit"):
        text = (await olga.get(path)).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;" in text
