"""Law 4: the id of what the asker may not see is answered like an id that never was, wherever an asker can send one."""

from uuid import uuid4

import pytest
from tests.conftest import make_key
from tests.laws.stage import Stage, alike, open_label

from frontdesk.organizations.model import Right

QUESTION = "What is the secret?"


def filters(stage: Stage, document: object, label: object, base: object) -> list[dict[str, object]]:
    """Query metadata that name a document as file and as FAQ, a label, a base."""
    whole = {"knowledge_base_id": str(stage.world.base)}
    return [
        {"knowledge_bases": [{**whole, "faq_ids": [str(document)]}]},
        {"knowledge_bases": [{**whole, "chatbot_file_ids": [str(document)], "faq_mode": "none"}]},
        open_label(stage.world.base, label),
        open_label(base, label),
        {"knowledge_bases": [{"knowledge_base_id": str(base), "has_user_selected_all": True}]},
    ]


async def test_law_04_in_filters_of_messages_and_pages(stage: Stage):
    """By the API and in the chat: each guess is answered, byte for byte, like one that hits nothing."""
    secret = next(one for one in stage.world.invisible if one.title == QUESTION)
    guessed = filters(stage, secret.id, stage.world.closed, stage.world.other_base)
    unknown = filters(stage, uuid4(), uuid4(), uuid4())
    for guess, nothing in zip(guessed, unknown, strict=True):
        received = []
        for metadata in (guess, nothing):
            browser = stage.browser()
            await browser.start()
            body = {"conversationKey": f"key-{uuid4()}", "messageId": str(uuid4()), "text": QUESTION}
            chat = await stage.client.post(
                browser.url("messages"), json={**body, "queryMetadata": metadata}, headers=browser.headers
            )
            by_api = [
                await stage.complete(QUESTION, message={"queryMetadata": metadata}, isStreaming=streams)
                for streams in (False, True)
            ]
            received.append([(one.status_code, alike(one.content)) for one in (chat, *by_api)])
            assert all(one.status_code == 200 for one in (chat, *by_api))
        assert received[0] == received[1], guess


@pytest.mark.parametrize("part", ["messages", "events", "messages?after={guess}"])
async def test_law_04_in_addresses_of_the_chat(stage: Stage, part: str):
    """Ids of documents and of passages are no conversations and no messages; all are 404 alike."""
    browser = stage.browser()
    await browser.ask("delivery fee", key="law-04-conversation")
    own = (await browser.open()).json()["conversation"]["id"]
    secret = stage.world.invisible[0].id
    received = []
    for guess in (secret, uuid4()):
        place = own if "after" in part else guess
        path = browser.url(f"conversations/{place}/{part.format(guess=guess)}")
        answer = await stage.client.get(path, headers=browser.headers)
        received.append((answer.status_code, alike(answer.content)))
    if "after" not in part:
        assert received[0] == received[1]
        assert received[0][0] == 404
    else:
        assert {status for status, _ in received} == {200}
        assert all(b"secret" not in content for _, content in received)


async def test_law_04_feedback_and_what_a_message_carries(stage: Stage):
    """A document's id is no message that can be rated, and no attachment that can be sent."""
    thread = (await stage.complete("delivery fee")).json()["conversationId"]
    received = []
    for guess in (stage.world.invisible[0].id, uuid4()):
        rated = await stage.client.patch(
            f"/api/v1/messages/{guess}/feedback", json={"feedback": "like"}, headers=stage.headers
        )
        sent = await stage.client.post(
            "/api/v1/messages/",
            json={"conversation": thread, "content": "Look", "attachments": [str(guess)]},
            headers=stage.headers,
        )
        fetched = await stage.get(f"attachments/{guess}")
        received.append([(one.status_code, alike(one.content)) for one in (rated, sent, fetched)])
        assert [one.status_code for one in (rated, sent, fetched)] == [404, 404, 404]
    assert received[0] == received[1]


async def test_law_04_a_key_without_the_right_sees_no_document(stage: Stage, services):
    """For whoever may only write as a contact, previews, passages and files answer alike, known and unknown."""
    headers = await make_key(services.db, stage.organization_id, Right.ACT_AS, Right.CONVERSATIONS_REPLY)
    base, other = stage.world.base, uuid4()
    for path in ("files/{0}", "faqs/{0}", "documents/{0}", "documents?chatbot_file_id={0}"):
        received = []
        for place, guess in ((base, stage.world.invisible[0].id), (base, uuid4()), (other, uuid4())):
            url = f"/api/v1/knowledge-bases/{place}/{path.format(guess)}"
            answer = await stage.client.get(url, headers=headers)
            received.append((answer.status_code, alike(answer.content)))
        assert received[0] == received[1] == received[2]
        assert received[0][0] in {403, 404, 405}
