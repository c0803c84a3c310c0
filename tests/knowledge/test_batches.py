"""Many documents changed at once: FAQs out of a file, labels as a sheet, and all that match."""

import csv
import io
import json
from collections import Counter

import openpyxl
import pytest

from frontdesk.access.model import KnowledgeBase
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.knowledge import batch_queries, batch_running, batches
from frontdesk.knowledge.batch_handlers import on_batch_started
from frontdesk.knowledge.batch_model import BatchKind, BatchOutcome, BatchState
from frontdesk.knowledge.document_queries import list_documents
from frontdesk.knowledge.errors import BatchNotReady, BatchUnreadable
from frontdesk.knowledge.exporting import export_sheet
from frontdesk.knowledge.handlers import on_documents_removed
from frontdesk.knowledge.model import DocumentFilter
from frontdesk.knowledge.queries import list_labels
from frontdesk.knowledge.writing import FaqChanges, update_faq


class Desk:
    """Batches of one knowledge base, done step by step."""

    def __init__(self, library, base):
        self.library, self.base = library, base
        self.services, self.caller = library.services, library.caller

    def begin(self):
        return self.services.db.begin(self.caller.organization_id)

    async def bring(self, content, filename="faqs.csv", kind=BatchKind.FAQS, **options):
        content = content if isinstance(content, bytes) else content.encode()
        key = await self.library.upload(content, filename, purpose="document-batch")
        return await batches.create_batch(self.services, self.caller, self.base, batches.NewBatch(kind, key, **options))

    async def do(self, step, batch):
        """Begin a step, let the worker do it, and return the batch as it is then."""
        async with self.begin() as tx:
            await step(tx, self.caller, self.base, batch.id)
        await self.work(batch)
        return await self.get(batch)

    async def work(self, batch):
        await on_batch_started(self.services, self.caller.organization_id, batch.id)

    async def get(self, batch):
        async with self.begin() as tx:
            return await batches.access_batch(tx, self.caller, self.base, batch.id)

    async def edit(self, options, kind="faq", **wanted):
        async with self.begin() as tx:
            return await batches.start_edit(tx, self.caller, self.base, DocumentFilter(kind, **wanted), options)

    async def rows(self, batch):
        async with self.begin() as tx:
            rows = await batch_queries.list_rows(
                tx, batch.id, is_dry=batches.shows_check(batch), outcomes=list(BatchOutcome), after=0, limit=1000
            )
        return [(row.row_number, row.outcome.value, row.code) for row in rows]

    async def faqs(self):
        """All FAQs by question: answer, label names, metadata."""
        async with self.begin() as tx:
            found, _ = await list_documents(tx, self.base, DocumentFilter("faq"), limit=10_000, offset=0)
        return {
            one.faq.question: (one.faq.answer, tuple(tag.name for tag in one.labels), dict(one.metadata))
            for one in found
        }

    async def export(self, kind="faqs", file_format="csv"):
        return b"".join(
            [piece async for piece in await export_sheet(self.services, self.caller, self.base, kind, file_format)]
        )


@pytest.fixture
def desk(library, base):
    """The batches of Northlight's knowledge base."""
    return Desk(library, base)


SHEET = (
    "問題,答案,標籤\nWhere?,Here.,VIP;New\nWhen?,Now.,\nWhere?,There.,\n,No question.,\nWhy?,,\n"
    + "x" * 1001
    + ",Long.,\n"
)


async def test_faqs_come_in_are_checked_and_taken_back(desk, library, base):
    """Every row is told apart, the counts add up, what the check said is what is done, and the undo is whole."""
    await library.make_label(base, "VIP")
    await library.write_faq(base, "When?", "Later.")
    before = await desk.faqs()
    batch = await desk.bring(SHEET)
    assert batch.mapping == {"問題": "question", "答案": "answer", "標籤": "labels"}
    checked = await desk.do(batches.start_check, batch)
    assert checked.state is BatchState.CHECKED
    assert checked.checked == {"created": 1, "updated": 1, "error": 4}
    assert await desk.faqs() == before, "a check writes nothing"
    told = [
        (2, "created", "unknown-label"),
        (3, "updated", None),
        (4, "error", "duplicate"),
        (5, "error", "empty"),
        (6, "error", "empty"),
        (7, "error", "too-long"),
    ]
    assert await desk.rows(checked) == told
    done = await desk.do(batches.start_run, batch)
    assert (done.state, done.counts, done.done_count) == (BatchState.DONE, checked.checked, 6)
    assert await desk.rows(done) == told
    assert await desk.faqs() == {"Where?": ("Here.", ("VIP",), {}), "When?": ("Now.", (), {})}
    again = await desk.do(batches.start_run, await desk.bring(SHEET))
    assert again.counts == {"unchanged": 2, "error": 4}
    undone = await desk.do(batches.start_undo, batch)
    assert (undone.state, undone.undone) == (BatchState.UNDONE, {"removed": 1, "restored": 1})
    assert await desk.faqs() == before


async def test_labels_are_made_when_that_is_chosen(desk, base):
    """A label that there is not is made once, whatever number of rows names it."""
    await desk.do(batches.start_run, await desk.bring("q,a,tags\nA?,1.,New\nB?,2.,New；Two\n", makes_labels=True))
    assert await desk.faqs() == {"A?": ("1.", ("New",), {}), "B?": ("2.", ("New", "Two"), {})}
    async with desk.begin() as tx:
        assert (await list_labels(tx, base))[1] == 2


async def test_an_import_goes_on_where_a_process_died(desk, monkeypatch):
    """Portions that were done are not done again, and nothing is doubled or left out."""
    monkeypatch.setattr(batch_running, "PORTION", 7)
    lines = [json.dumps({"question": f"Q{i}?", "answer": f"A{i}."}) for i in range(20)]
    batch = await desk.bring("\n".join(lines), "faqs.ndjson")
    async with desk.begin() as tx:
        await batches.start_run(tx, desk.caller, desk.base, batch.id)
    real, calls = batch_running.prepare_faq, Counter()

    async def dying(embedder, faq):
        calls["read"] += 1
        if calls["read"] == 10:
            raise ConnectionError
        return await real(embedder, faq)

    monkeypatch.setattr(batch_running, "prepare_faq", dying)
    with pytest.raises(ConnectionError):
        await desk.work(batch)
    assert (await desk.get(batch)).done_count == 7
    await desk.work(batch)
    done = await desk.get(batch)
    assert (done.state, done.counts) == (BatchState.DONE, {"created": 20})
    assert len(await desk.faqs()) == 20
    assert len(await desk.rows(done)) == 20


async def test_what_was_changed_since_stays(desk, library):
    """Undoing takes back only what nobody wrote after the batch."""
    done = await desk.do(batches.start_run, await desk.bring("q,a\nA?,1.\nB?,2.\n"))
    async with desk.begin() as tx:
        found, _ = await list_documents(tx, desk.base, DocumentFilter("faq", "A?"), limit=1, offset=0)
    await update_faq(desk.services, desk.caller, desk.base, found[0].id, FaqChanges(answer="Mine."))
    undone = await desk.do(batches.start_undo, done)
    assert undone.undone == {"removed": 1, "kept": 1}
    assert await desk.faqs() == {"A?": ("Mine.", (), {})}
    with pytest.raises(BatchNotReady):
        await desk.do(batches.start_undo, done)


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
async def test_an_export_comes_back_as_it_was(desk, library, base, file_format):
    """Formulas are text in the file, and the file changes nothing when it comes back; an edit in it is written."""
    vip = await library.make_label(base, "=VIP;x")
    await library.write_faq(base, "=1+1?", "+Two\n=Three", [vip])
    await library.write_faq(base, "問?", "答。")
    content = await desk.export("faqs", file_format)
    if file_format == "xlsx":
        sheet = openpyxl.load_workbook(io.BytesIO(content)).active
        assert all(cell.data_type == "s" for row in sheet.iter_rows() for cell in row if cell.value is not None)
    else:
        cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    batch = await desk.bring(content, f"faqs.{file_format}")
    assert (await desk.do(batches.start_run, batch)).counts == {"unchanged": 2}
    if file_format == "csv":
        edited = content.decode().replace("答。", "新的。").replace("問?", "新問?")
        assert (await desk.do(batches.start_run, await desk.bring(edited))).counts == {"unchanged": 1, "updated": 1}
        assert (await desk.faqs())["新問?"][0] == "新的。"


async def test_labels_of_files_and_faqs_as_a_sheet(desk, library, base):
    """One row a document; the labels in the sheet are those that it has, none when there is none."""
    vip = await library.make_label(base, "VIP")
    await library.make_label(base, "New")
    await library.write_faq(base, "A?", "1.", [vip])
    file = await library.add_file(base, b"Terms.", "terms.txt")
    content = (await desk.export("labels")).decode("utf-8-sig")
    assert "file,terms.txt,," in content
    changed = content.replace(",VIP,", ",,").replace("terms.txt,,", 'terms.txt,New,"{""year"": 2026}"')
    done = await desk.do(batches.start_run, await desk.bring(changed, kind=BatchKind.LABELS))
    assert done.counts == {"updated": 2}
    found = await library.find(base, file.id)
    assert ([tag.name for tag in found.labels], found.metadata) == (["New"], {"year": 2026})
    assert (await desk.faqs())["A?"][1] == ()
    assert (await desk.do(batches.start_undo, done)).undone == {"restored": 2}
    assert (await desk.export("labels")).decode("utf-8-sig") == content


async def test_all_that_match_are_changed_and_taken_back(desk, library, base):
    """Labels and metadata of all that match, not of others; deleted FAQs come back with their ids."""
    vip = await library.make_label(base, "VIP")
    for number in range(3):
        await library.write_faq(base, f"Price {number}?", "Much.")
    await library.write_faq(base, "Other?", "Less.")
    before, sheet = await desk.faqs(), await desk.export()
    edit = await desk.edit(
        {"labels": {"how": "add", "labels": [str(vip)]}, "metadata": {"how": "merge", "values": {"a": 1}}},
        query="price",
    )
    await desk.work(edit)
    assert (await desk.get(edit)).counts == {"updated": 3}
    assert (await desk.faqs())["Price 0?"] == ("Much.", ("VIP",), {"a": 1})
    assert (await desk.faqs())["Other?"] == before["Other?"]
    await desk.do(batches.start_undo, edit)
    assert await desk.faqs() == before
    deleting = await desk.edit({"delete": True}, query="price")
    await desk.work(deleting)
    assert list(await desk.faqs()) == ["Other?"]
    await on_documents_removed(desk.services, desk.caller.organization_id, base)
    assert (await desk.do(batches.start_undo, deleting)).undone == {"restored": 3}
    assert sorted((await desk.export()).splitlines()) == sorted(sheet.splitlines())
    with pytest.raises(InvalidRequest):
        await desk.edit({})


async def test_a_new_faq_is_found_and_one_taken_back_is_not(desk, library, base):
    """Search follows at once."""
    done = await desk.do(batches.start_run, await desk.bring("q,a\nWhere is the moon?,Above.\n"))
    found = await library.ask(KnowledgeBase(base), "Where is the moon?")
    assert [hit.title for hit in found.hits] == ["Where is the moon?"]
    await desk.do(batches.start_undo, done)
    assert (await library.ask(KnowledgeBase(base), "Where is the moon?")).hits == ()


async def test_files_that_are_no_tables_are_refused(desk, other_library):
    """A bomb, a file without columns, and a mapping that says nothing are refused; another's base is not there."""
    with pytest.raises(BatchUnreadable):
        await desk.bring(b"PK\x03\x04 nothing", "faqs.xlsx")
    with pytest.raises(BatchUnreadable):
        await desk.bring("[1, 2]", "faqs.json")
    with pytest.raises(InvalidRequest):
        await desk.bring("a,b\n1,2\n", mapping={"a": "nonsense"})
    batch = await desk.bring("a,b\n1,2\n")
    with pytest.raises(BatchUnreadable):
        await desk.do(batches.start_run, batch)
    stranger = Desk(other_library, desk.base)
    with pytest.raises(NotFound):
        await stranger.get(batch)
    stranger.base = await other_library.make_base()
    with pytest.raises(NotFound):
        await stranger.get(batch)


async def test_a_list_of_json_objects(desk):
    """JSON files are read as well."""
    content = json.dumps([{"question": "A?", "answer": "1.", "labels": ["X"], "metadata": {"k": 1}}, 5])
    done = await desk.do(batches.start_run, await desk.bring(content, "faqs.json", makes_labels=True))
    assert done.counts == {"created": 1, "error": 1}
    assert await desk.faqs() == {"A?": ("1.", ("X",), {"k": 1})}


async def test_a_batch_that_was_stopped_goes_on(desk, base):
    """A batch that is cancelled is not worked on until it is run again."""
    batch = await desk.bring("q,a\nA?,1.\n")
    async with desk.begin() as tx:
        await batches.start_run(tx, desk.caller, base, batch.id)
        await batches.cancel(tx, desk.caller, base, batch.id)
    await desk.work(batch)
    assert await desk.faqs() == {}
    assert (await desk.do(batches.start_run, batch)).counts == {"created": 1}
