"""The knowledge part of the REST API, as existing clients use it."""

import pytest

from frontdesk.core.ids import new_id
from frontdesk.knowledge import version_queries
from frontdesk.knowledge.handlers import on_document_added
from knowledge.sample_files import make_pdf

API = "/api/v1"


@pytest.fixture
def call(client, api_key):
    """Call the API as Northlight's key; expects `status` and returns the body."""

    async def send(method, path, body=None, *, status=200, headers=None, **params):
        response = await client.request(
            method, f"{API}/{path}", json=body, headers=api_key | (headers or {}), params=params or None
        )
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    return send


async def test_knowledge_bases(call, base):
    """A base is made, listed, changed in part, and deleted."""
    made = await call("POST", "knowledge-bases/", {"name": "Terms", "chatbots": [], "unknownKey": 1}, status=201)
    assert {"id", "name", "description", "filesCount", "createdAt", "files_count", "created_at"} <= made.keys()
    assert (made["numberOfRetrievedChunks"], made["enableRerank"], made["filesCount"]) == (12, True, 0)
    page = await call("GET", "knowledge-bases/")
    assert [one["name"] for one in page["results"]] == ["Shop", "Terms"]
    assert (page["count"], page["next"], page["previous"]) == (2, None, None)
    path = f"knowledge-bases/{made['id']}"
    changed = await call("PUT", f"{path}/", {"description": "All of them."})
    assert (changed["name"], changed["description"]) == ("Terms", "All of them.")
    assert (await call("PATCH", path, {"number_of_retrieved_chunks": 3}))["numberOfRetrievedChunks"] == 3
    assert (await call("GET", path, headers={"X-Api-Style": "camel"})).keys().isdisjoint({"files_count", "created_at"})
    await call("DELETE", path, status=204)
    await call("GET", path, status=404)
    assert (await call("GET", "knowledge-bases"))["count"] == 1


async def test_a_base_for_assistants(call):
    """A base is given to assistants by id or object, and taken away again; unknown assistants are 404."""
    assistant = await call("POST", "chatbots", {"name": "Ada"}, status=201)
    made = await call("POST", "knowledge-bases", {"name": "B", "chatbots": [{"id": assistant["id"]}]}, status=201)
    bases = (await call("GET", f"chatbots/{assistant['id']}"))["knowledgeBases"]
    assert [base["id"] for base in bases] == [made["id"]]
    await call("PUT", f"knowledge-bases/{made['id']}", {"chatbots": []})
    assert (await call("GET", f"chatbots/{assistant['id']}"))["knowledgeBases"] == []
    await call("POST", "knowledge-bases", {"name": "C", "chatbots": [str(new_id())]}, status=404)
    assert (await call("GET", "knowledge-bases"))["count"] == 1


async def test_labels(call, base):
    """Labels are made, renamed and deleted; a name is taken once."""
    path = f"knowledge-bases/{base}/labels"
    label = await call("POST", f"{path}/", {"name": "VIP"}, status=201)
    assert {"id", "name"} <= label.keys()
    problem = await call("POST", path, {"name": "VIP"}, status=409)
    assert problem["type"] == "/problems/label-name-taken"
    assert [one["name"] for one in (await call("GET", path))["results"]] == ["VIP"]
    assert (await call("PUT", f"{path}/{label['id']}", {"name": "Gold"}))["name"] == "Gold"
    assert (await call("GET", f"{path}/{label['id']}"))["name"] == "Gold"
    await call("DELETE", f"{path}/{label['id']}/", status=204)
    await call("GET", f"{path}/{label['id']}", status=404)


async def test_files(call, base, library, services, organization):
    """A file is listed with its state, labelled by id, object or name, read again, and deleted with 204."""
    label = await library.make_label(base, "VIP")
    document = await library.read_file(base, make_pdf(["One.", "Two."]), "two.pdf")
    path = f"knowledge-bases/{base}/files"
    page = await call("GET", path, page=1, page_size=1000)
    file = page["results"][0]
    assert {"id", "filename", "status", "fileType", "size", "labels", "createdAt"} <= file.keys()
    assert {"created_at", "updated_at", "file_size", "file_type"} <= file.keys()
    assert (file["status"], file["fileType"], file["pageCount"], file["progress"]) == ("done", "pdf", 2, 100)
    for labels in ([str(label)], [{"id": str(label)}], [{"name": "VIP"}], ["VIP"]):
        for method in ("PATCH", "POST"):
            body = {"labels": labels, "rawUserDefineMetadata": {"someKey": {"inner_key": 1}}}
            changed = await call(method, f"{path}/{file['id']}/update-metadata/", body)
            assert changed["labels"] == [{"id": str(label), "name": "VIP"}]
            assert changed["rawUserDefineMetadata"] == {"someKey": {"inner_key": 1}}
    warned = await call("PATCH", f"{path}/{file['id']}/update-metadata", {"labels": ["Nobody"]})
    assert (warned["labels"], warned["warnings"][0]["code"]) == ([], "unknown-label")
    assert (await call("GET", path, label=str(label)))["count"] == 0
    assert (await call("GET", path, query="TWO.p"))["count"] == 1
    again = await call("PATCH", f"{path}/batch-reparse/", [{"id": file["id"], "parser": "any"}])
    assert [(one["id"], one["status"], one["parser"]) for one in again] == [(file["id"], "initial", "any")]
    await on_document_added(services, organization, document.id)
    await call("DELETE", f"{path}/{file['id']}/", status=204)
    await call("GET", f"{path}/{file['id']}", status=404)
    await call("DELETE", f"{path}/{file['id']}", status=404)


async def test_a_file_in_work_is_not_deleted(call, base, library):
    """Deletion is 409 while the file is read, alone and in a batch, which then deletes nothing."""
    busy = await library.add_file(base, b"Hello.", "hello.txt")
    other = await library.add_file(base, b"Hello.", "other.txt")
    async with library.services.db.begin(library.caller.organization_id) as tx:
        await version_queries.claim_reading(tx, busy.id, now=busy.updated_at)
    path = f"knowledge-bases/{base}/files"
    problem = await call("DELETE", f"{path}/{busy.id}", status=409)
    assert problem["type"] == "/problems/document-busy"
    await call("POST", f"{path}/batch-delete", {"ids": [str(busy.id), str(other.id)]}, status=409)
    assert (await call("GET", path))["count"] == 2
    await call("POST", f"{path}/batch-delete/", {"ids": [str(other.id), str(new_id())]}, status=204)
    assert (await call("GET", path))["count"] == 1


async def test_passages(call, base, library):
    """The passages of a file are listed with page and file, edited and removed."""
    file = await library.read_file(base, make_pdf(["Refunds take ten days.", "Parcels go by courier."]), "terms.pdf")
    await library.read_file(base, b"Another file.", "other.txt")
    path = f"knowledge-bases/{base}/documents"
    page = await call("GET", f"{path}/", chatbot_file_id=str(file.id))
    assert [(one["text"], one["pageNumber"], one["page_number"]) for one in page["results"]] == [
        ("Refunds take ten days.", 1, 1),
        ("Parcels go by courier.", 2, 2),
    ]
    first, second = page["results"]
    assert first["chatbotFile"] == first["chatbot_file"] == {"id": str(file.id), "filename": "terms.pdf"}
    assert (await call("GET", path))["count"] == 3
    edited = await call("PUT", f"{path}/{first['id']}/", {"text": "Refunds take two days."})
    assert (edited["id"], edited["text"], edited["pageNumber"]) == (first["id"], "Refunds take two days.", 1)
    hits = await call("POST", f"knowledge-bases/{base}/search", {"query": "refunds"})
    assert hits[0]["text"] == "Refunds take two days."
    await call("DELETE", f"{path}/{second['id']}/", status=204)
    await call("GET", f"{path}/{second['id']}", status=404)
    await call("PUT", f"{path}/{first['id']}", {"text": " "}, status=400)
    await call("GET", path, chatbot_file_id=str(new_id()), status=404)


async def test_faqs(call, base, library):
    """A FAQ is made with labels, changed in part, and found at once."""
    label = await library.make_label(base, "VIP")
    path = f"knowledge-bases/{base}/faqs"
    body = {"question": "Lounge?", "answer": "At six.", "labels": [{"name": "VIP"}, {"id": str(new_id())}]}
    faq = await call("POST", f"{path}/", body, status=201)
    assert faq["labels"] == [{"id": str(label), "name": "VIP"}]
    assert [one["pointer"] for one in faq["warnings"]] == ["/labels/1"]
    changed = await call("PUT", f"{path}/{faq['id']}/", {"answer": "At seven."})
    assert (changed["question"], changed["answer"], changed["labels"]) == ("Lounge?", "At seven.", faq["labels"])
    assert (await call("PATCH", f"{path}/{faq['id']}", {"labels": []}))["labels"] == []
    assert (await call("POST", f"{path}/{faq['id']}/update-metadata", {"labels": ["VIP"]}))["labels"] == faq["labels"]
    assert (await call("GET", path, label=str(label)))["count"] == 1
    await call("DELETE", f"{path}/{faq['id']}/", status=204)
    await call("GET", f"{path}/{faq['id']}", status=404)


async def test_batch_delete_of_nothing_deletes_nothing(call, base, library):
    """An empty list deletes nothing; `all` deletes everything; ids delete themselves."""
    faqs = [await library.write_faq(base, f"Question {number}?", "Yes.") for number in range(3)]
    path = f"knowledge-bases/{base}/faqs"
    for body in ({"ids": []}, {}, {"ids": [], "all": False}, {"ids": [str(new_id())]}):
        await call("POST", f"{path}/batch-delete/", body, status=204)
        assert (await call("GET", path))["count"] == 3
    await call("POST", f"{path}/batch-delete", {"ids": [str(faqs[0].id)]}, status=204)
    assert (await call("GET", path))["count"] == 2
    await call("POST", f"{path}/batch-delete", {"all": True}, status=204)
    assert (await call("GET", path))["count"] == 0


async def test_search(call, base, library):
    """Both forms answer with a bare array; query metadata narrows, and never widens beyond the base."""
    label, other = await library.make_label(base, "VIP"), await library.make_base("Other")
    vip = await library.write_faq(base, "Lounge hours?", "From six.", [label])
    await library.write_faq(base, "Lounge rules?", "No dogs.")
    await library.write_faq(other, "Lounge elsewhere?", "No.")
    path = f"knowledge-bases/{base}/search/"
    hits = await call("POST", path, {"query": "lounge"})
    assert len(hits) == 2
    assert hits == await call("GET", path, query="lounge")
    assert {"text", "score", "chatbot_file", "page_number"} <= hits[0].keys()
    assert 0 <= hits[0]["score"] <= 1
    assert len(await call("POST", path, {"query": "lounge", "topK": 1})) == 1
    condition = {"operator": "OR", "conditions": [{"label_id": str(label)}], "applies_to": "all"}
    both = [{"knowledge_base_id": str(one), "faq_mode": "all"} for one in (base, other)]
    narrowed = await call(
        "POST", path, {"query": "lounge", "queryMetadata": {"knowledge_bases": both, "label_relations": condition}}
    )
    assert [hit["chatbot_file"] for hit in narrowed] == [{"id": str(vip.id), "filename": "Lounge hours?"}]
    assert await call("POST", path, {"query": "lounge", "queryMetadata": {"knowledge_bases": [both[1]]}}) == []
    assert len(await call("POST", path, {"query": "lounge", "queryMetadata": {}})) == 2


async def test_search_refuses_what_it_would_have_to_ignore(call, base):
    """A condition that cannot be read, a key that is unknown here, a contact of nobody: errors, not wider results."""
    path = f"knowledge-bases/{base}/search"
    await call("POST", path, {"query": "x", "queryMetadta": {}}, status=400)
    await call("GET", path, query="x", contact=str(new_id()), status=404)
    await call("POST", path, {"query": "x", "queryMetadata": {"knowledge_base": []}}, status=400)
    await call("POST", path, {"query": ""}, status=400)


async def test_the_cutoff_of_a_base(call, base, library):
    """Hits below the base's `similarityCutoff` are left out."""
    await library.write_faq(base, "Lounge hours?", "From six.")
    assert len(await call("GET", f"knowledge-bases/{base}/search", query="penguins")) == 1
    await call("PATCH", f"knowledge-bases/{base}", {"similarityCutoff": 0.9})
    assert await call("GET", f"knowledge-bases/{base}/search", query="penguins") == []


async def test_foreign_and_unknown_ids_are_answered_alike(client, call, base, other_library, library):
    """Law 4, of this part: every call with an id of another organization is 404, byte for byte like an unknown one."""
    foreign = await other_library.make_base()
    label = await other_library.make_label(foreign, "L")
    file = await other_library.read_file(foreign, b"Hello.", "hello.txt")
    faq = await other_library.write_faq(foreign, "Q?", "A.")
    mine = await library.write_faq(base, "Mine?", "Yes.")
    unknown = new_id()
    pairs = [
        (f"{foreign}", f"{unknown}"),
        (f"{foreign}/labels/{label}", f"{unknown}/labels/{unknown}"),
        (f"{base}/labels/{label}", f"{base}/labels/{unknown}"),
        (f"{base}/files/{file.id}", f"{base}/files/{unknown}"),
        (f"{foreign}/files/{file.id}", f"{unknown}/files/{file.id}"),
        (f"{base}/faqs/{faq.id}", f"{base}/faqs/{unknown}"),
        (f"{base}/files/{mine.id}", f"{base}/files/{unknown}"),
        (f"{foreign}/search?query=x", f"{unknown}/search?query=x"),
        (f"{base}/documents?chatbotFileId={file.id}", f"{base}/documents?chatbotFileId={unknown}"),
    ]
    for pair in pairs:
        one, two = [await call("GET", f"knowledge-bases/{path}", status=404) for path in pair]
        assert one | {"instance": ""} == two | {"instance": ""}
