"""Search over REST: as a contact may read, and by the older paths; and the older paths of FAQs and files."""

import pytest
from tests.things import Things, make_things

from frontdesk.core.ids import new_id
from frontdesk.organizations.audit import list_audit

API = "/api/v1"


@pytest.fixture
async def things(services, organization) -> Things:
    """One of everything."""
    return await make_things(services, organization)


@pytest.fixture
def call(client, things):
    """Call the API; expects `status` and returns the body."""

    async def send(method, path, body=None, *, status=200, **params):
        response = await client.request(
            method, f"{API}/{path}", json=body, headers=things.headers, params=params or None
        )
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    return send


async def test_search_as_a_contact_finds_what_it_may_read(call, things, organization):
    """The contact's own conditions narrow, the message's narrow further, and it is audited; unknown ones are 404."""
    path, asked = f"knowledge-bases/{things.base}/search/", {"query": "How long does a filter last?"}
    everything = await call("POST", path, asked)
    assert {hit["chatbot_file"]["id"] for hit in everything} == {things.faq, things.file}
    faq = {"knowledge_base_id": things.base, "faq_ids": [things.faq]}
    await call("PATCH", f"contacts/{things.contact}/", {"queryMetadata": {"knowledge_bases": [faq]}})
    as_contact = asked | {"contact": things.contact}
    assert [hit["chatbot_file"]["id"] for hit in await call("POST", path, as_contact)] == [things.faq]
    assert [hit["chatbot_file"]["id"] for hit in await call("GET", path, **as_contact)] == [things.faq]
    files = {"knowledge_bases": [{"knowledge_base_id": things.base, "chatbot_file_ids": [things.file], "faq_ids": []}]}
    assert await call("POST", path, as_contact | {"queryMetadata": files}) == []
    await call("PATCH", f"contacts/{things.contact}/", {"queryMetadata": {}})
    assert await call("POST", path, as_contact) == []
    await call("POST", path, asked | {"contact": str(new_id())}, status=404)
    await call("POST", path, as_contact | {"queryMetadata": {"knowledge_bases": 1}}, status=400)
    async with things.services.db.begin(organization) as tx:
        page = await list_audit(tx, things.caller, limit=100)
    assert {(entry.action, str(entry.object_id)) for entry in page.entries} >= {("contact.viewed_as", things.contact)}


async def test_the_older_paths_are_the_same_objects(call, things):
    """What is below an assistant is what is in its knowledge bases, and nothing else."""
    below = f"chatbots/{things.assistant}"
    assert [file["id"] for file in (await call("GET", f"{below}/files/"))["results"]] == [things.file]
    made = await call(
        "POST", "faqs/", {"chatbot": things.assistant, "question": "Is it new?", "answer": "Yes."}, status=201
    )
    found = await call("POST", f"{below}/search/", {"query": "Is it new?", "topK": 1})
    assert [hit["chatbot_file"]["id"] for hit in found] == [made["id"]]
    assert (await call("GET", f"knowledge-bases/{things.base}/faqs/{made['id']}/"))["answer"] == "Yes."
    page = await call("GET", f"{below}/faqs/", page_size=1)
    assert (page["count"], len(page["results"]), page["next"] is not None) == (2, 1, True)
    await call("PUT", f"{below}/faqs/{made['id']}/", {"answer": "No."})
    assert (await call("GET", f"{below}/faqs/{made['id']}/"))["answer"] == "No."
    await call("DELETE", f"{below}/faqs/{made['id']}/", status=204)
    await call("DELETE", f"{below}/files/{things.file}/", status=204)
    assert (await call("GET", f"{below}/files/"))["count"] == 0
    bare = await call("POST", "chatbots/", {"name": "Bare"}, status=201)
    await call("GET", f"chatbots/{bare['id']}/faqs/{things.faq}/", status=404)
    await call("POST", f"chatbots/{bare['id']}/faqs/", {"question": "A?", "answer": "B."}, status=400)
    assert await call("POST", f"chatbots/{bare['id']}/search/", {"query": "filter"}) == []
