"""The import wizard and the exports, as a member sees them."""

import re

import pytest
from tests.lifecycle.importing_desk import work_for

from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services

FILE = "姓名,E-mail,會員編號,Shoe size\n張偉,zhang@shop.tw,M-1,42\nNobody,no-mail,M-2,43\n".encode()


@pytest.fixture
def work(services: Services, organization: OrganizationId):
    """Do what the worker would do for what waits."""
    return lambda: work_for(services, organization)


async def upload(browser, content=FILE, filename="members.csv"):
    headers = {"X-CSRF-Token": browser.csrf_token, "HX-Request": "true"}
    return await browser.client.post("/console/contacts/imports", files={"file": (filename, content)}, headers=headers)


async def test_a_file_becomes_contacts_only_after_it_was_checked(olga, work):
    """Upload, columns as they are recognized, dry run with a count per outcome, import, and undo."""
    assert "No imports yet" in (await olga.get("/console/contacts/imports")).text
    answer = await upload(olga)
    here = answer.headers["HX-Redirect"]
    page = (await olga.get(here)).text
    assert re.search(r'<option value="sourceId" selected', page)
    assert "zhang@shop.tw" in page
    assert (await olga.post(f"{here}/run")).status_code == 204  # an import needs no check, but the wizard offers it
    assert (await olga.post(f"{here}/cancel")).status_code == 204

    here = (await upload(olga)).headers["HX-Redirect"]
    chosen = {"target-0": "name", "target-1": "emails", "target-2": "sourceId", "target-3": "new-attribute"}
    assert (await olga.post(f"{here}/check", chosen)).status_code == 204
    await work()
    page = (await olga.get(here)).text
    assert "Nothing is imported yet" in page
    assert "This is not an e-mail address." in page
    assert '<span class="fd-xs fd-muted">E-mail</span>' in page
    errors = await olga.get(f"{here}/errors")
    assert errors.text.splitlines()[1].startswith(
        "3,invalid-value,emails,This is not an e-mail address.,Nobody,no-mail"
    )
    assert "張偉" not in (await olga.get("/console/contacts")).text

    await olga.post(f"{here}/run")
    await work()
    assert "張偉" in (await olga.get("/console/contacts")).text
    rows = await olga.client.get(f"{here}?outcome=created", headers={"HX-Request": "true", "HX-Target": "rows"})
    contact = re.search(r'href="(/console/contacts/[0-9a-f-]{36})"', rows.text)[1]
    assert "Shoe size" in (await olga.get(contact)).text

    assert "Undo this import?" in (await olga.get(f"{here}/undo", htmx=True)).text
    await olga.post(f"{here}/undo")
    await work()
    assert "張偉" not in (await olga.get("/console/contacts")).text
    assert "undone" in (await olga.get("/console/contacts/imports")).text


async def test_a_file_that_cannot_be_read_is_refused_with_the_reason(olga):
    """A broken workbook is told in words, and no import is left behind."""
    answer = await upload(olga, b"PK\x03\x04 broken xl/workbook.xml", "broken.xlsx")
    assert answer.status_code == 422
    assert "could not be read as an Excel workbook" in answer.text
    assert "No imports yet" in (await olga.get("/console/contacts/imports")).text


async def test_an_export_is_downloaded_once_by_its_maker(olga, work):
    """The drawer says how many; the file is behind a link that works once."""
    here = (await upload(olga)).headers["HX-Redirect"]
    await olga.post(f"{here}/run")
    await work()
    assert "1 contact is exported." in (await olga.get("/console/contacts/export", htmx=True)).text
    begun = await olga.post("/console/contacts/export", {"format": "csv", "columns": ["name", "emails"]})
    assert begun.headers["HX-Redirect"] == "/console/contacts/exports"
    await work()
    page = (await olga.get("/console/contacts/exports")).text
    export = re.search(r"/console/contacts/exports/[0-9a-f-]{36}", page)[0]
    link = (await olga.post(f"{export}/link")).headers["HX-Redirect"]
    first, second = await olga.get(link), await olga.get(link)
    assert first.content.decode("utf-8-sig") == "name,emails\r\n張偉,zhang@shop.tw\r\n"
    assert first.headers["content-disposition"].startswith("attachment")
    assert second.status_code == 404


async def test_who_may_not_import_or_export_is_not_offered_it(vera):
    """A viewer sees neither button, and neither screen."""
    page = (await vera.get("/console/contacts")).text
    assert "/console/contacts/imports" not in page
    assert "/console/contacts/export" not in page
    assert (await vera.get("/console/contacts/imports")).status_code == 403
    assert (await vera.get("/console/contacts/export")).status_code == 403
