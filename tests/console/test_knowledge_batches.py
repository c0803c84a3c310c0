"""FAQs and labels that come in as files, and all documents that match changed at once, as a member sees it."""

import re

import pytest
from tests.knowledge.conftest import Library

from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.knowledge import batch_queries
from frontdesk.knowledge.batch_handlers import on_batch_started
from frontdesk.organizations.model import system_caller

FILE = "問題,答案,標籤\nWhere?,Here.,New\n,Nothing.,\n".encode()


@pytest.fixture
def library(services: Services, organization: OrganizationId) -> Library:
    """What Northlight knows."""
    return Library(services, system_caller(organization))


@pytest.fixture
async def base(library):
    """A knowledge base of Northlight."""
    return await library.make_base()


@pytest.fixture
def work(services, organization, base):
    """Do what the worker would do for what waits."""

    async def do():
        async with services.db.begin(organization) as tx:
            found, _ = await batch_queries.list_batches(tx, base, limit=100, offset=0)
        for batch in found:
            await on_batch_started(services, organization, batch.id)

    return do


async def upload(browser, base, content=FILE, filename="faqs.csv", **fields):
    headers = {"X-CSRF-Token": browser.csrf_token, "HX-Request": "true"}
    return await browser.client.post(
        f"/console/knowledge/{base}/batches", files={"file": (filename, content)}, data=fields, headers=headers
    )


async def test_faqs_come_in_only_after_they_were_checked(olga, base, work):
    """Upload, columns as they are recognized, dry run with a count per outcome, the run, and its undo."""
    list_ = f"/console/knowledge/{base}/batches"
    assert "Nothing came in yet" in (await olga.get(list_)).text
    here = (await upload(olga, base)).headers["HX-Redirect"]
    assert re.search(r'<option value="question" selected', (await olga.get(here)).text)
    chosen = {"target-0": "question", "target-1": "answer", "target-2": "labels", "makes_labels": "on"}
    assert (await olga.post(f"{here}/check", chosen)).status_code == 204
    await work()
    page = (await olga.get(here)).text
    assert "Nothing is written yet" in page
    assert "The question is empty." in page
    assert "Where?" not in (await olga.get(f"/console/knowledge/{base}/faqs")).text
    await olga.post(f"{here}/run")
    await work()
    assert "Where?" in (await olga.get(f"/console/knowledge/{base}/faqs")).text
    rows = await olga.client.get(f"{here}?outcome=created", headers={"HX-Request": "true", "HX-Target": "rows"})
    assert "Where?" in rows.text
    assert "The question is empty." not in rows.text
    assert "faqs.csv" in (await olga.get(list_)).text
    assert "Undo the whole?" in (await olga.get(f"{here}/undo", htmx=True)).text
    await olga.post(f"{here}/undo")
    await work()
    assert "Where?" not in (await olga.get(f"/console/knowledge/{base}/faqs")).text
    assert "New documents removed: 1." in (await olga.get(here)).text


async def test_a_file_that_is_no_table_is_refused_with_the_reason(olga, base):
    """A broken workbook is told in words."""
    answer = await upload(olga, base, b"PK\x03\x04 broken xl/workbook.xml", "broken.xlsx")
    assert answer.status_code == 422
    assert "could not be read as an Excel workbook" in answer.text


async def test_all_that_match_get_a_label(olga, library, base, work):
    """The drawer says how many match the filter of the list; all of them are changed, and no other."""
    vip = await library.make_label(base, "VIP")
    for question in ("Price of A?", "Price of B?", "Else?"):
        await library.write_faq(base, question, "Much.")
    place = f"/console/knowledge/{base}/faqs"
    assert f"{place}/all?q=price" in (await olga.get(f"{place}?q=price")).text
    assert "All 2 documents that match" in (await olga.get(f"{place}/all?q=price", htmx=True)).text
    nothing = await olga.post(f"{place}/all", {"q": "price", "what": "metadata", "key": " "})
    assert (nothing.status_code, "Write a name." in nothing.text) == (400, True)
    begun = await olga.post(f"{place}/all", {"q": "price", "what": "labels", "how": "add", "labels": [str(vip)]})
    await work()
    assert "Labels of all that matched" in (await olga.get(begun.headers["HX-Redirect"])).text
    labelled = (await olga.get(f"{place}?label={vip}")).text
    assert ("Price of A?" in labelled, "Price of B?" in labelled, "Else?" in labelled) == (True, True, False)


async def test_a_viewer_takes_faqs_out_and_brings_none_in(vera, library, base):
    """Export needs the right to see, import the right to edit."""
    await library.write_faq(base, "A?", "=1")
    sheet = await vera.get(f"/console/knowledge/{base}/export?format=csv")
    assert "'=1" in sheet.text
    assert sheet.headers["content-disposition"] == 'attachment; filename="faqs.csv"'
    for path in ("batches", "faqs/all"):
        assert (await vera.get(f"/console/knowledge/{base}/{path}")).status_code == 403
    assert f"/console/knowledge/{base}/batches" not in (await vera.get(f"/console/knowledge/{base}/faqs")).text
