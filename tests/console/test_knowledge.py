"""Knowledge in the console: bases, files, FAQs, labels, and trying the search."""

import re

import pytest
from tests.console.talking import open_shop

from frontdesk.core.ids import new_id
from frontdesk.knowledge import document_queries, queries
from frontdesk.knowledge.actions import create_knowledge_base, create_label
from frontdesk.knowledge.handlers import on_document_added
from frontdesk.knowledge.model import DocumentFilter, FaqText
from frontdesk.knowledge.writing import create_faq
from frontdesk.organizations.model import system_caller

EVIL = "<img src=x onerror=alert(1)>\"'"


async def make_base(services, organization, name="Shop"):
    async with services.db.begin(organization) as tx:
        base = await create_knowledge_base(
            tx, system_caller(organization), {"name": name}, embedding_model=services.embedder.model
        )
    return base.id


async def make_label(db, organization, base, name):
    async with db.begin(organization) as tx:
        return (await create_label(tx, system_caller(organization), base, name)).id


async def documents(db, organization, base, kind="file"):
    async with db.begin(organization) as tx:
        found, _ = await document_queries.list_documents(tx, base, DocumentFilter(kind), limit=100, offset=0)
    return found


async def upload(browser, base, *files, labels=(), htmx=True):
    """Send files as the form does: name and content of each."""
    headers = {"X-CSRF-Token": browser.csrf_token, **({"HX-Request": "true", "HX-Target": "list"} if htmx else {})}
    sent = [("files", (name, content, "application/octet-stream")) for name, content in files]
    data = {"labels": [str(label) for label in labels]}
    return await browser.client.post(f"/console/knowledge/{base}/files", files=sent, data=data, headers=headers)


@pytest.fixture
async def base(services, organization):
    return await make_base(services, organization)


@pytest.fixture
async def faq(services, organization, base):
    caller = system_caller(organization)
    document, _ = await create_faq(services, caller, base, FaqText("When are you open?", "From ten to seven."))
    return document


async def test_a_base_is_made_changed_and_deleted(olga, db, organization):
    """From the first step that an empty screen offers."""
    assert "No knowledge yet" in (await olga.get("/console/knowledge")).text
    made = await olga.post("/console/knowledge/new", {"name": "Shop", "description": "For the shop"})
    path = made.headers["hx-redirect"]
    assert "For the shop" in (await olga.get(path)).text
    assert (await olga.post(f"{path}/edit", {"name": "Store", "description": ""})).status_code == 204
    assert "Store" in (await olga.get("/console/knowledge")).text
    assert "gone for every reader" in (await olga.get(f"{path}/delete", htmx=True)).text
    assert (await olga.post(f"{path}/delete")).headers["hx-redirect"] == "/console/knowledge"
    assert (await olga.get(path)).status_code == 404


async def test_a_base_without_a_name_keeps_the_form(olga, base):
    """The message stands at the field, what was typed stays."""
    for path in ("new", f"{base}/edit"):
        response = await olga.post(f"/console/knowledge/{path}", {"name": " ", "description": "For the shop"})
        assert response.status_code == 400
        assert "Write a name." in response.text
        assert "For the shop" in response.text


async def test_files_come_in_with_labels(olga, db, services, organization, base):
    """Several at once; each becomes a document that a worker reads, and carries the chosen labels from the start."""
    label = await make_label(db, organization, base, "member")
    response = await upload(olga, base, ("a.md", b"# Hello\n\nSome text."), ("b.txt", b"Other text."), labels=[label])
    assert response.status_code == 200
    assert "a.md" in response.text
    assert "waiting" in response.text
    found = await documents(db, organization, base)
    assert {(file.title, file.labels[0].name) for file in found} == {("a.md", "member"), ("b.txt", "member")}
    await on_document_added(services, organization, found[0].id)
    assert "done" in (await olga.get(f"/console/knowledge/{base}?q={found[0].title}")).text
    assert "text." in (await olga.get(f"/console/knowledge/{base}/files/{found[0].id}", htmx=True)).text


async def test_a_large_file_passes_and_a_refused_one_keeps_none_out(olga, db, organization, base):
    """More than a form may have otherwise; what cannot be read is named with the reason."""
    response = await upload(olga, base, ("big.txt", b"word " * 400_000), ("a.png", b"\x89PNG\r\n\x1a\n0000"))
    assert response.status_code == 200
    assert "1 file was not taken." in response.text
    assert "a.png: Files of this kind cannot be read" in response.text
    assert [file.title for file in await documents(db, organization, base)] == ["big.txt"]


async def test_uploading_works_without_our_script(olga, db, organization, base):
    """A plain form carries its token in a field."""
    response = await olga.client.post(
        f"/console/knowledge/{base}/files",
        files=[("files", ("a.txt", b"Text", "text/plain"))],
        data={"csrf_token": olga.csrf_token},
    )
    assert response.status_code == 303
    assert len(await documents(db, organization, base)) == 1


async def test_a_forged_upload_is_refused(olga, db, organization, base):
    """Without the session's token nothing is taken."""
    olga.csrf_token = "forged"
    assert (await upload(olga, base, ("a.txt", b"Text"))).status_code == 403
    assert await documents(db, organization, base) == []


async def test_a_failed_file_shows_why_and_can_be_read_again(olga, db, services, organization, base):
    """The reason stands below the name, the button beside it."""
    await upload(olga, base, ("broken.pdf", b"%PDF-1.7 nothing"))
    (file,) = await documents(db, organization, base)
    await on_document_added(services, organization, file.id)
    text = (await olga.get(f"/console/knowledge/{base}")).text
    assert "failed" in text
    assert "Try again" in text
    assert (await olga.post(f"/console/knowledge/{base}/files/{file.id}/read-again")).status_code == 204
    assert (await documents(db, organization, base))[0].state == "initial"


async def test_a_faq_is_written_with_a_new_label(olga, db, organization, base):
    """It is found at once; the label is made beside it."""
    data = {"question": "Do you deliver?", "answer": "Yes.", "new_label": "public"}
    assert (await olga.post(f"/console/knowledge/{base}/faqs/new", data)).status_code == 204
    (faq,) = await documents(db, organization, base, "faq")
    assert (faq.faq.answer, faq.labels[0].name) == ("Yes.", "public")
    form = (await olga.get(f"/console/knowledge/{base}/faqs/{faq.id}", htmx=True)).text
    assert re.search(rf'value="{faq.labels[0].id}" checked', form)
    changed = {"question": "Do you deliver?", "answer": "Every day."}
    assert (await olga.post(f"/console/knowledge/{base}/faqs/{faq.id}", changed)).status_code == 204
    (faq,) = await documents(db, organization, base, "faq")
    assert (faq.faq.answer, faq.labels) == ("Every day.", ())


async def test_an_empty_answer_keeps_the_form(olga, base):
    """The message stands at the field, the question stays."""
    response = await olga.post(f"/console/knowledge/{base}/faqs/new", {"question": "Do you deliver?", "answer": ""})
    assert response.status_code == 400
    assert "Do you deliver?" in response.text
    assert 'id="f-answer-help"' in response.text


async def test_several_documents_are_labelled_at_once(olga, db, services, organization, base, faq):
    """Adding keeps the labels they have, taking away leaves the others."""
    other, _ = await create_faq(services, system_caller(organization), base, FaqText("Who?", "We."))
    public, vip = [await make_label(db, organization, base, name) for name in ("public", "vip")]
    path, ids = f"/console/knowledge/{base}/faqs/labels", [str(faq.id), str(other.id)]
    assert "Labels of 2 documents" in (await olga.get(f"{path}?ids={ids[0]}&ids={ids[1]}", htmx=True)).text
    await olga.post(path, {"ids": ids[:1], "labels": [str(vip)], "how": "set"})
    await olga.post(path, {"ids": ids, "labels": [str(public)], "how": "add"})
    labels = {one.title: [tag.name for tag in one.labels] for one in await documents(db, organization, base, "faq")}
    assert labels == {"When are you open?": ["public", "vip"], "Who?": ["public"]}
    await olga.post(path, {"ids": ids, "labels": [str(public)], "how": "remove"})
    labels = {one.title: [tag.name for tag in one.labels] for one in await documents(db, organization, base, "faq")}
    assert labels == {"When are you open?": ["vip"], "Who?": []}


async def test_documents_are_deleted_after_a_question(olga, db, organization, base, faq):
    """The dialog names them."""
    path = f"/console/knowledge/{base}/faqs/delete"
    assert "When are you open?" in (await olga.get(f"{path}?ids={faq.id}", htmx=True)).text
    assert (await olga.post(path, {"ids": [str(faq.id)]})).status_code == 204
    assert await documents(db, organization, base, "faq") == []


async def test_labels_are_made_renamed_and_deleted(olga, db, organization, base):
    """A name that is taken is said at the field."""
    path = f"/console/knowledge/{base}/labels"
    assert "No labels yet" in (await olga.get(path)).text
    await olga.post(path, {"name": "public"}, htmx=False)
    taken = await olga.post(path, {"name": "public"}, htmx=False)
    assert taken.status_code == 409
    assert 'value="public"' in taken.text
    async with db.begin(organization) as tx:
        ((label,), _) = await queries.list_labels(tx, base)
    assert (await olga.post(f"{path}/{label.id}", {"name": "open"})).status_code == 204
    assert "open" in (await olga.get(path)).text
    assert "taken from 0 documents" in (await olga.get(f"{path}/{label.id}/delete", htmx=True)).text
    assert (await olga.post(f"{path}/{label.id}/delete")).status_code == 204
    assert "No labels yet" in (await olga.get(path)).text


async def test_the_search_answers_as_somebody(olga, services, organization):
    """A visitor is given what visitors read there; a member of the same platform, who has no scope, nothing."""
    inbox, base = await open_shop(services, organization)
    path = f"/console/knowledge/{base.id}/search"
    assert "See what the assistant would be given" in (await olga.get(path)).text
    whole = (await olga.get(f"{path}?q=opening+hours")).text
    assert "From ten to seven." in whole
    assert "1 document of this knowledge base" in whole
    visitor = (await olga.get(f"{path}?q=opening+hours&inbox={inbox.id}&speaker=visitor")).text
    assert "From ten to seven." in visitor
    member = (await olga.get(f"{path}?q=opening+hours&inbox={inbox.id}&speaker=member")).text
    assert "From ten to seven." not in member
    assert "Nothing is readable" in member
    far = (await olga.get(f"{path}?q=zzz+qqq")).text
    assert "the assistant would say that it found nothing" in far


async def test_names_and_texts_are_text(olga, db, services, organization):
    """Script in a base, file, question, answer or label shows as text."""
    base = await make_base(services, organization, EVIL)
    await make_label(db, organization, base, EVIL)
    await create_faq(services, system_caller(organization), base, FaqText(EVIL, EVIL))
    await upload(olga, base, (f"{EVIL.replace(chr(34), '')}.txt", b"<script>alert(2)</script>"))
    (file,) = await documents(db, organization, base)
    await on_document_added(services, organization, file.id)
    for path in (
        "",
        f"/{base}",
        f"/{base}/faqs",
        f"/{base}/labels",
        f"/{base}/search?q=alert",
        f"/{base}/files/{file.id}",
    ):
        text = (await olga.get(f"/console/knowledge{path}")).text
        assert "<img src=x" not in text, path
        assert "<script>alert" not in text, path
    assert "&lt;script&gt;alert" in text


async def test_a_viewer_reads_and_does_not_edit(vera, db, organization, base, faq):
    """No button is offered, and no address answers."""
    text = (await vera.get(f"/console/knowledge/{base}/faqs")).text
    assert "When are you open?" in text
    assert "/faqs/new" not in text
    assert 'name="ids"' not in text
    path = f"/console/knowledge/{base}"
    for address in (f"{path}/edit", f"{path}/delete", f"{path}/faqs/new", f"{path}/faqs/delete?ids={faq.id}"):
        assert (await vera.get(address, htmx=True)).status_code == 403, address
    posts = (
        ("new", {}), (f"{base}/edit", {}), (f"{base}/delete", {}), (f"{base}/labels", {"name": "x"}),
        (f"{base}/faqs/new", {}), (f"{base}/faqs/labels", {"ids": [str(faq.id)]}), (f"{base}/faqs/delete", {"ids": [str(faq.id)]}),
    )  # fmt: skip
    for address, data in posts:
        assert (await vera.post(f"/console/knowledge/{address}", data)).status_code == 403, address
    assert (await upload(vera, base, ("a.txt", b"Text"))).status_code == 403
    assert len(await documents(db, organization, base, "faq")) == 1


async def test_knowledge_of_another_organization_is_not_there(olga, db, services, other_organization):
    """404 for every address, and nothing is written."""
    base = await make_base(services, other_organization, "Secret")
    caller = system_caller(other_organization)
    faq, _ = await create_faq(services, caller, base, FaqText("Secret question", "Secret answer"))
    label = await make_label(db, other_organization, base, "secret")
    for path in ("", "/edit", "/delete", "/faqs", "/faqs/new", f"/faqs/{faq.id}", f"/faqs/labels?ids={faq.id}", "/labels",
                 f"/faqs/delete?ids={faq.id}", f"/labels/{label}", f"/labels/{label}/delete", "/search?q=secret", f"/files/{new_id()}"):  # fmt: skip
        response = await olga.get(f"/console/knowledge/{base}{path}", htmx=True)
        assert response.status_code == 404, path
        assert "Secret" not in response.text, path
    for path, data in (
        ("edit", {"name": "Mine"}), ("delete", {}), ("faqs/new", {"question": "Q", "answer": "A"}), ("labels", {"name": "mine"}),
        (f"faqs/{faq.id}", {"question": "Q", "answer": "A"}), ("faqs/labels", {"ids": [str(faq.id)]}), (f"labels/{label}", {"name": "mine"}),
        ("faqs/delete", {"ids": [str(faq.id)]}), (f"labels/{label}/delete", {}), (f"files/{new_id()}/read-again", {}),
    ):  # fmt: skip
        assert (await olga.post(f"/console/knowledge/{base}/{path}", data)).status_code == 404, path
    assert (await upload(olga, base, ("a.txt", b"Text"))).status_code == 404
    assert len(await documents(db, other_organization, base, "faq")) == 1
    assert await documents(db, other_organization, base) == []
