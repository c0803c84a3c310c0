"""Conversations in the console: the list, the thread, the card beside it, taking over and replying."""

import pytest
from tests.console.talking import let_answer, open_shop, say

from frontdesk.console.formatting import render_answer
from frontdesk.contacts.model import CardFields
from frontdesk.conversations import queries
from frontdesk.core.ids import ContactId
from frontdesk.identities.cards import Given, create_card
from frontdesk.organizations.model import system_caller


@pytest.fixture
async def shop(services, organization):
    inbox, _ = await open_shop(services, organization)
    return inbox


@pytest.fixture
async def chat(services, organization, shop):
    """A visitor asked, and was answered."""
    conversation = await say(services, organization, shop, "When are you open?")
    await let_answer(services, organization, conversation)
    return conversation


async def read(db, organization, conversation):
    async with db.begin(organization) as tx:
        return await queries.get_conversation(tx, conversation.id), await queries.list_messages(tx, conversation.id)


async def make_ann(db, organization, inbox, **fields) -> ContactId:
    async with db.begin(organization) as tx:
        given = Given(fields=CardFields(name="Ann Zhang", **fields), source_id="M-1001", inbox_ids=(inbox.id,))
        contact_id, _ = await create_card(tx, system_caller(organization), given)
    return contact_id


async def test_an_empty_list_offers_the_first_step(olga):
    """It says what will fill it, and leads to the platforms."""
    text = (await olga.get("/console/conversations")).text
    assert "No conversations yet" in text
    assert 'href="/console/platforms"' in text


async def test_the_list_shows_who_wrote_last(olga, chat):
    """An anonymous contact is told by a few letters, beside what was said last."""
    text = (await olga.get("/console/conversations")).text
    assert chat.contact_id.hex[-4:].upper() in text
    assert "From ten to seven." in text
    assert f"/console/conversations/{chat.id}" in text


async def test_an_answer_carries_its_receipt(olga, chat):
    """As whom, how many documents were readable, which passages, and which model."""
    text = (await olga.get(f"/console/conversations/{chat.id}")).text
    assert "Receipt" in text
    assert "1 of 1 passages cited" in text
    assert "1 document readable" in text
    assert "none: passages as they stand" in text
    assert "<sup>1</sup>" in text


async def test_nothing_found_is_marked(olga, services, organization, shop):
    """A member sees at a glance where the knowledge has a gap."""
    conversation = await say(services, organization, shop, "zzz qqq xxx")
    await let_answer(services, organization, conversation)
    assert "nothing found" in (await olga.get(f"/console/conversations/{conversation.id}")).text


async def test_opening_a_thread_marks_it_read(olga, db, services, organization, shop):
    """For whoever can reply."""
    conversation = await say(services, organization, shop, "Hello?")
    assert conversation.unread_count == 1
    await olga.get(f"/console/conversations/{conversation.id}")
    assert (await read(db, organization, conversation))[0].unread_count == 0


async def test_a_viewer_leaves_it_unread_and_cannot_reply(vera, db, services, organization, shop):
    """Reading is not answering."""
    conversation = await say(services, organization, shop, "Hello?")
    text = (await vera.get(f"/console/conversations/{conversation.id}")).text
    assert "your roles do not let you reply" in text
    assert 'name="content"' not in text
    assert (await read(db, organization, conversation))[0].unread_count == 1
    path = f"/console/conversations/{conversation.id}"
    assert (await vera.post(f"{path}/reply", {"content": "Hi"})).status_code == 403
    assert (await vera.post(f"{path}/auto-reply", {"enabled": "false"})).status_code == 403


async def test_a_member_takes_over_and_replies(olga, db, organization, chat):
    """One press does both; the assistant is silent from then on."""
    path = f"/console/conversations/{chat.id}"
    response = await olga.post(f"{path}/reply", {"content": "I am Olga.", "takes_over": "true"})
    assert response.status_code == 200
    assert "I am Olga." in response.text
    assert "Let the assistant answer" in response.text
    conversation, messages = await read(db, organization, chat)
    assert (conversation.auto_reply, messages[-1].sender_kind, messages[-1].content) == (False, "member", "I am Olga.")
    await olga.post(f"{path}/auto-reply", {"enabled": "true"})
    assert (await read(db, organization, chat))[0].auto_reply


async def test_replying_alone_leaves_the_assistant_in(olga, db, organization, chat):
    """Taking over is a choice."""
    await olga.post(f"/console/conversations/{chat.id}/reply", {"content": "By the way."})
    assert (await read(db, organization, chat))[0].auto_reply


async def test_an_empty_reply_is_said_beside_the_field(olga, db, organization, chat):
    """Nothing is sent, and nothing else on the page changes."""
    response = await olga.post(f"/console/conversations/{chat.id}/reply", {"content": "  "})
    assert response.status_code == 400
    assert response.headers["hx-retarget"] == "#reply-error"
    assert "Write something first." in response.text
    whole = await olga.post(f"/console/conversations/{chat.id}/reply", {"content": "x" * 9000}, htmx=False)
    assert whole.status_code == 400
    assert "x" * 9000 in whole.text
    assert len((await read(db, organization, chat))[1]) == 2


@pytest.mark.parametrize(
    ("target", "inside", "outside"),
    [
        ("conversations", "All open", "From ten to seven. [1]</p>"),
        ("thread", "Receipt", "All open"),
        ("conversation", "Access in this conversation", "<html"),
    ],
)
async def test_each_column_is_read_by_itself(olga, chat, target, inside, outside):
    """What changes is replaced; the field in which somebody writes is not part of the thread."""
    headers = {"HX-Request": "true", "HX-Target": target}
    text = (await olga.client.get(f"/console/conversations/{chat.id}", headers=headers)).text
    assert inside in text
    assert outside not in text
    assert ('name="content"' in text) == (target == "conversation")


async def test_a_search_finds_people_and_messages(olga, db, services, organization, shop):
    """By a part of the name, or of what was said; a percent sign is a character."""
    ann = await make_ann(db, organization, shop)
    await say(services, organization, shop, "Is 20 % off real?", contact_id=ann)
    await say(services, organization, shop, "Something else")
    for wanted in ("zhang", "20 %", "REAL"):
        text = (await olga.client.get("/console/conversations", params={"q": wanted})).text
        assert "Ann Zhang" in text, wanted
        assert "Something else" not in text, wanted
    assert "No conversation matches" in (await olga.get("/console/conversations?q=%25%25%25")).text
    assert "No conversation matches" in (await olga.get("/console/conversations?q=a%00b")).text


async def test_the_tab_shows_those_who_wait(olga, db, services, organization, shop):
    """Only conversations that wait for a person."""
    waiting = await say(services, organization, shop, "Get me a person")
    await say(services, organization, shop, "Something else")
    async with db.begin(organization) as tx:
        await queries.update_conversation(tx, waiting.id, waits_for_member=True)
    text = (await olga.get("/console/conversations?tab=waiting")).text
    assert "Get me a person" in text
    assert "Something else" not in text


async def test_the_card_hides_personal_fields_without_the_right(olga, vera, db, services, organization, shop):
    """E-mail and phone are for those who hold the right."""
    ann = await make_ann(db, organization, shop, emails=["ann@example.com"])
    conversation = await say(services, organization, shop, "Hello", contact_id=ann)
    text = (await vera.get(f"/console/conversations/{conversation.id}")).text
    assert "Ann Zhang" in text
    assert "ann@example.com" not in text
    assert "of 1 documents readable" in text


async def test_what_contacts_write_is_text(olga, services, organization):
    """Script in a message, a title or an answer shows as text."""
    evil = "<script>alert(1)</script> **<img src=x onerror=alert(2)>** [1]"
    inbox, _ = await open_shop(services, organization, question="When are you open?", answer=evil)
    conversation = await say(services, organization, inbox, f"When are you open? {evil}")
    await let_answer(services, organization, conversation)
    text = (await olga.get(f"/console/conversations/{conversation.id}")).text
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert(1)" in text


async def test_a_conversation_of_another_organization_is_not_there(olga, db, services, other_organization):
    """404 for every address, and nothing is written."""
    inbox, _ = await open_shop(services, other_organization)
    theirs = await say(services, other_organization, inbox, "Secret words")
    path = f"/console/conversations/{theirs.id}"
    for response in (
        await olga.get(path, htmx=True),
        await olga.post(f"{path}/reply", {"content": "Hi"}),
        await olga.post(f"{path}/auto-reply", {"enabled": "false"}),
    ):
        assert response.status_code == 404
        assert "Secret words" not in response.text
    assert (await read(db, other_organization, theirs))[0].auto_reply
    assert "Secret words" not in (await olga.get("/console/conversations")).text


def test_an_answer_is_formatted():
    """Paragraphs, lists, bold and citations; the rest is shown as it was written."""
    text = "Two offers:\n\n- **20 %** off [1]\n- a filter [1] [2]\n1. first\n2) second\n\n<b>&"
    assert render_answer(text) == (
        "<p>Two offers:</p><ul><li><b>20 %</b> off<sup>1</sup></li><li>a filter<sup>1</sup><sup>2</sup></li></ul>"
        "<ol><li>first</li><li>second</li></ol><p>&lt;b&gt;&amp;</p>"
    )
