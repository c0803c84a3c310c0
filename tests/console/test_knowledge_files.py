"""Files of a knowledge base in the console: sent one by one, downloaded, replaced, put back, read differently."""

import pytest
from tests.console.test_knowledge import documents, make_base, upload

from frontdesk.core.ids import KnowledgeBaseId, OrganizationId
from frontdesk.knowledge.document_actions import await_reading
from frontdesk.knowledge.handlers import on_document_added
from frontdesk.knowledge.reading import USUAL, ReadingSettings
from frontdesk.knowledge.version_queries import claim_reading, update_reading

HTML = b"<html><body><script>alert(1)</script><p>Open at nine.</p></body></html>"


@pytest.fixture
async def base(services, organization: OrganizationId) -> KnowledgeBaseId:
    return await make_base(services, organization)


@pytest.fixture
async def file(olga, db, services, organization, base):
    """A page that Olga uploaded, read."""
    await upload(olga, base, ("hours.html", HTML))
    (found,) = await documents(db, organization, base)
    await on_document_added(services, organization, found.id)
    return found


async def send(browser, base, name, content, **data):
    headers = {"X-CSRF-Token": browser.csrf_token, "Accept": "application/json"}
    files = [("files", (name, content, "application/octet-stream"))]
    response = await browser.client.post(f"/console/knowledge/{base}/files", files=files, data=data, headers=headers)
    assert response.status_code == 200
    return response.json()["refused"]


async def replace(browser, base, file, name, content):
    headers = {"X-CSRF-Token": browser.csrf_token}
    path = f"/console/knowledge/{base}/files/{file.id}/versions"
    return await browser.client.post(path, files={"file": (name, content)}, headers=headers)


async def test_a_page_that_sends_files_one_by_one_is_told_of_each(olga, db, organization, base, file):
    """A file of the same content is told, and taken only if wanted; one that cannot be read says why."""
    assert await send(olga, base, "new.txt", b"New.") == []
    twin = await send(olga, base, "copy.html", HTML)
    assert [(one["filename"], one["twin"]) for one in twin] == [("copy.html", "hours.html")]
    assert "same content" in twin[0]["reason"]
    assert len(await documents(db, organization, base)) == 2
    assert await send(olga, base, "copy.html", HTML, twins="take") == []
    assert len(await documents(db, organization, base)) == 3
    assert (await send(olga, base, "a.exe", b"MZ\x00\x01"))[0]["twin"] == ""


async def test_a_download_is_saved_never_shown(olga, base, file):
    """Whatever it is, a browser is told to save it, and to guess nothing."""
    response = await olga.get(f"/console/knowledge/{base}/files/{file.id}/content")
    assert response.content == HTML
    assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''hours.html"
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert (await olga.get(f"/console/knowledge/{base}/files/{file.id}/content?version=2")).status_code == 404


async def test_a_file_is_replaced_and_put_back(olga, db, services, organization, base, file):
    """The list says what is going on; versions are offered with who answers."""
    path = f"/console/knowledge/{base}/files/{file.id}"
    assert (await replace(olga, base, file, "hours-2.txt", b"Open at ten.")).status_code == 303
    text = (await olga.get(path, htmx=True)).text
    assert "Version 2 is being read" in text
    assert "Open at nine." in text
    await on_document_added(services, organization, file.id)
    text = (await olga.get(path, htmx=True)).text
    assert "Open at ten." in text
    assert "hours-2.txt" in text
    assert (await olga.post(f"{path}/versions/restore", {"number": "1"})).status_code == 204
    await on_document_added(services, organization, file.id)
    assert "Open at nine." in (await olga.get(path, htmx=True)).text
    await replace(olga, base, file, "broken.pdf", b"%PDF-1.4 nonsense")
    await on_document_added(services, organization, file.id)
    assert "version 1 goes on answering" in (await olga.get(f"/console/knowledge/{base}")).text
    (found,) = await documents(db, organization, base)
    assert (found.title, found.status) == ("hours.html", "done")


async def test_a_replacement_that_is_no_file_changes_nothing(olga, db, organization, base, file):
    """Nothing chosen, or a kind that cannot be read."""
    await replace(olga, base, file, "a.exe", b"MZ\x00\x01")
    (found,) = await documents(db, organization, base)
    assert (found.status, found.reading.version) == ("done", 1)


async def test_a_file_is_read_differently(olga, db, services, organization, base, file):
    """The form shows how it is read, and says so when nothing can be read that way."""
    path = f"/console/knowledge/{base}/files/{file.id}"
    form = {"is_set": "true", "passage_length": "300", "overlap": "20", "keep_structure": "true", "charset": "utf-8"}
    assert (await olga.post(f"{path}/read-again", form)).status_code == 204
    await on_document_added(services, organization, file.id)
    (found,) = await documents(db, organization, base)
    assert found.file.settings == ReadingSettings(300, 20, keep_structure=True, split_by_page=False, charset="utf-8")
    assert 'value="300"' in (await olga.get(path, htmx=True)).text
    assert (await olga.post(f"{path}/read-again", form | {"passage_length": "5"})).status_code == 400


async def test_the_list_tells_how_far_a_file_is(olga, db, organization, base, file):
    """Reading the text, then passage by passage, or why it is tried again."""
    async with db.begin(organization) as tx:
        await await_reading(tx, file.id, 1, USUAL)
        claimed = await claim_reading(tx, file.id, now=file.updated_at)
    assert "reading the text" in (await olga.get(f"/console/knowledge/{base}")).text
    async with db.begin(organization) as tx:
        await update_reading(tx, file.id, claimed.id, "embedding", passages=(3, 12), now=file.updated_at)
    assert "passage 3 of 12" in (await olga.get(f"/console/knowledge/{base}")).text
    reason = "The store of files does not answer. Try again later."
    async with db.begin(organization) as tx:
        await update_reading(tx, file.id, claimed.id, "waiting", failure_reason=reason, now=file.updated_at)
    text = (await olga.get(f"/console/knowledge/{base}?state=initial")).text
    assert "The store of files does not answer" in text
    assert "tried again by itself" in text
