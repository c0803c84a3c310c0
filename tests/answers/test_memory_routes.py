"""Memory over the API."""

from uuid import uuid4

import pytest
from tests.answers.remembering import make_remembering

from conftest import make_key, new_organization
from frontdesk.access.model import Assurance
from frontdesk.organizations.model import Right


@pytest.fixture(scope="module")
async def organization(db):
    return await new_organization(db, "Northlight")


@pytest.fixture
async def people(services, organization):
    return await make_remembering(services, organization)


def path_of(contact, rest: str = "") -> str:
    return f"/api/v1/contacts/{contact}/memory{rest}"


async def test_memory_is_read_with_its_sources(client, api_key, people):
    """Message, conversation, date, assurance and who corrected it."""
    ann = await people.meet()
    conversation = await people.open(ann)
    message = await people.write(conversation, "I live in Taipei. When do you open?", Assurance.CHANNEL)
    body = (await client.get(path_of(ann), headers=api_key)).json()
    (fact,), (summary,) = body["facts"], body["summaries"]
    assert body["contact"] == str(ann)
    assert {**fact, "id": "", "learnedAt": "", "updatedAt": ""} == {
        "id": "",
        "topic": "home",
        "text": "I live in Taipei",
        "assurance": "channel",
        "message": str(message),
        "conversation": str(conversation.id),
        "writtenBy": None,
        "learnedAt": "",
        "updatedAt": "",
    }
    assert fact["learnedAt"].isdecimal()
    assert (summary["assurance"], summary["text"]) == ("channel", "When do you open?")
    assert summary["message"] == str(message)


async def test_memory_is_corrected(client, api_key, people):
    """Facts with an id are corrected, others added; an empty summary is deleted. All or nothing."""
    ann = await people.meet()
    await people.write(await people.open(ann), "I live in Taipei. When do you open?")
    (fact,) = (await client.get(path_of(ann), headers=api_key)).json()["facts"]
    changes = {
        "facts": [
            {"id": fact["id"], "text": "Lives in Tainan"},
            {"topic": "Diet", "text": "Vegan", "assurance": "channel"},
        ],
        "summaries": [{"assurance": "signed", "text": ""}],
    }
    body = (await client.patch(path_of(ann), json=changes, headers=api_key)).json()
    assert {(one["topic"], one["text"], one["assurance"]) for one in body["facts"]} == {
        ("home", "Lives in Tainan", "signed"),
        ("diet", "Vegan", "channel"),
    }
    assert body["summaries"] == []
    wrong = {"facts": [{"topic": "a", "text": "Fine"}, {"topic": "b", "text": " "}]}
    refused = await client.patch(path_of(ann), json=wrong, headers=api_key)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == "/facts/1/text"
    assert "Fine" not in await people.texts(ann)
    unknown = {"facts": [{"id": str(uuid4()), "text": "x"}]}
    assert (await client.patch(path_of(ann), json=unknown, headers=api_key)).status_code == 404


async def test_memory_is_forgotten(client, api_key, people):
    """One fact, or everything; safe to repeat as a whole."""
    ann = await people.meet()
    await people.write(await people.open(ann), "I live in Taipei. My name is Ann.")
    facts = (await client.get(path_of(ann), headers=api_key)).json()["facts"]
    assert (await client.delete(path_of(ann, f"/{facts[0]['id']}"), headers=api_key)).status_code == 204
    assert (await client.delete(path_of(ann, f"/{facts[0]['id']}"), headers=api_key)).status_code == 404
    assert await people.texts(ann) == [facts[1]["text"]]
    for _ in range(2):
        assert (await client.delete(path_of(ann), headers=api_key)).status_code == 204
    body = (await client.get(path_of(ann), headers=api_key)).json()
    assert (body["facts"], body["summaries"]) == ([], [])


async def test_writing_needs_to_see_what_is_personal(client, db, organization, people):
    """A key that may edit cards but not see e-mails reads and changes no memory."""
    ann = await people.meet()
    await people.write(await people.open(ann), "I live in Taipei.")
    key = await make_key(db, organization, Right.CONTACTS_VIEW, Right.CONTACTS_EDIT)
    assert (await client.get(path_of(ann), headers=key)).status_code == 403
    refused = await client.patch(path_of(ann), json={"facts": [{"text": "x"}]}, headers=key)
    assert (refused.status_code, refused.json()["right"]) == (403, "contacts.view_personal")
    assert (await client.delete(path_of(ann), headers=key)).status_code == 403
    assert await people.texts(ann) == ["I live in Taipei"]
