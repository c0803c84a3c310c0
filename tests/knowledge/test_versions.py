"""Versions of a file: the old one answers until the new one is read, then all changes at once."""

import asyncio

import pytest

from frontdesk.access.model import All
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.knowledge import document_queries, handlers, version_actions, version_queries
from frontdesk.knowledge.document_actions import Reparse, reparse_files
from frontdesk.knowledge.errors import DocumentBusy
from frontdesk.knowledge.handlers import on_document_added, on_documents_removed
from frontdesk.knowledge.model import NewFile
from frontdesk.knowledge.reading import ReadingSettings
from knowledge.sample_files import make_pdf

OLD, NEW = b"Refunds take ten days.", b"Refunds take two days."


async def replace(library, document, content, filename="terms.txt"):
    key = await library.upload(content, filename)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        base = document.knowledge_base_id
        return (await version_actions.add_version(tx, library.caller, base, document.id, NewFile(key)))[0]


async def restore(library, document, number):
    async with library.services.db.begin(library.caller.organization_id) as tx:
        base = document.knowledge_base_id
        return await version_actions.restore_version(tx, library.caller, base, document.id, number)


async def reparse(library, document, **settings):
    async with library.services.db.begin(library.caller.organization_id) as tx:
        wanted = [Reparse(document.id, settings=ReadingSettings(**settings))]
        return (await reparse_files(tx, library.caller, document.knowledge_base_id, wanted))[0]


async def read(library, document):
    await on_document_added(library.services, library.caller.organization_id, document.id)
    return await library.find(document.knowledge_base_id, document.id)


async def said(library):
    return [hit.text for hit in (await library.ask(All(), "How long do refunds take?")).hits]


async def scope_version(library):
    async with library.services.db.begin(library.caller.organization_id) as tx:
        sql = "SELECT scope_version FROM organizations WHERE id = %(organization)s"
        return await tx.fetch_value(sql, {"organization": tx.organization_id})


async def test_a_new_version_takes_over_when_it_is_read(library, base):
    """Id, labels and access stay, the name is the new one's; running answers are told to look again."""
    label = await library.make_label(base, "VIP")
    document = await library.read_file(base, OLD, "terms.txt", [label])
    before = await scope_version(library)
    waiting = await replace(library, document, NEW, "terms-2.txt")
    assert (waiting.state, waiting.status, waiting.title) == ("done", "initial", "terms.txt")
    assert await said(library) == [OLD.decode()]
    assert await scope_version(library) == before
    found = await read(library, document)
    assert await said(library) == [NEW.decode()]
    assert await scope_version(library) == before + 1
    assert (found.id, found.title, found.status, found.file.version) == (document.id, "terms-2.txt", "done", 2)
    assert [tag.id for tag in found.labels] == [label]


async def test_a_version_that_cannot_be_read_leaves_the_old_one_in_service(library, base):
    """It says why; the old one answers, and can be read again."""
    document = await library.read_file(base, OLD, "terms.txt")
    await replace(library, document, b"%PDF-1.4 nonsense", "terms.pdf")
    found = await read(library, document)
    assert (found.state, found.title, found.file.version, found.failure_reason) == ("done", "terms.txt", 1, None)
    assert (found.reading.stage, found.reading.version) == ("failed", 2)
    assert "could not be read as PDF" in found.reading.failure_reason
    assert await said(library) == [OLD.decode()]
    await restore(library, document, 1)
    found = await read(library, document)
    assert (found.reading.stage, found.reading.version, found.file.version) == ("done", 1, 1)


async def test_an_older_version_is_put_back(library, base):
    """Versions are kept, with who brought them and when; an unknown one is not found."""
    document = await library.read_file(base, OLD, "terms.txt")
    await replace(library, document, NEW)
    await read(library, document)
    await restore(library, document, 1)
    assert await said(library) == [NEW.decode()]
    await read(library, document)
    assert await said(library) == [OLD.decode()]
    async with library.services.db.begin(library.caller.organization_id) as tx:
        versions, count = await version_queries.list_versions(tx, document.id)
    assert ([one.number for one in versions], count) == ([2, 1], 2)
    assert {one.added_by for one in versions} == {library.caller.reference}
    assert [one.size_bytes for one in versions] == [len(NEW), len(OLD)]
    with pytest.raises(NotFound):
        await restore(library, document, 3)


async def test_two_replacements_at_once(library, base):
    """Both become versions, under numbers of their own; the one with the higher number answers in the end."""
    document = await library.read_file(base, OLD, "terms.txt")
    contents = [f"Refunds take {days} days.".encode() for days in (3, 4, 5, 6)]
    await asyncio.gather(*(replace(library, document, content) for content in contents))
    for _ in contents:
        await read(library, document)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        versions, _ = await version_queries.list_versions(tx, document.id)
    assert [one.number for one in versions] == [5, 4, 3, 2, 1]
    newest = (await library.services.files.read(versions[0].file_key)).decode()
    assert await said(library) == [newest]


async def test_a_version_that_comes_while_another_is_read_wins(library, base, monkeypatch):
    """The reading that was under way gives up: what it read is never in service."""
    document = await library.read_file(base, OLD, "terms.txt")
    await replace(library, document, b"Refunds take a year.")
    usual = handlers.parse_file

    async def parse_and_be_late(*arguments):
        monkeypatch.setattr(handlers, "parse_file", usual)
        parsed = await usual(*arguments)
        await replace(library, document, NEW)
        return parsed

    monkeypatch.setattr(handlers, "parse_file", parse_and_be_late)
    found = await read(library, document)
    assert (found.status, found.file.version, found.reading.version) == ("initial", 1, 3)
    assert await said(library) == [OLD.decode()]
    await read(library, document)
    assert await said(library) == [NEW.decode()]


async def test_replacement_and_deletion_at_once(library, base):
    """Whoever comes second finds the file gone, or busy with nothing: in the end it is gone with all its contents."""
    for _ in range(5):
        document = await library.read_file(base, OLD, "terms.txt")
        outcomes = await asyncio.gather(
            replace(library, document, NEW), library.delete(document), return_exceptions=True
        )
        assert not isinstance(outcomes[1], BaseException)
        assert isinstance(outcomes[0], NotFound) or outcomes[0].id == document.id
        await on_document_added(library.services, library.caller.organization_id, document.id)
        assert await said(library) == []
    await on_documents_removed(library.services, library.caller.organization_id, base_id=base)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        for table in ("documents", "file_versions", "file_readings", "chunks"):
            sql = f"SELECT count(*) FROM {table} WHERE organization_id = %(organization)s"
            assert await tx.fetch_value(sql, {"organization": tx.organization_id}) == 0


async def test_all_versions_go_with_the_file(library, base):
    """The store keeps nothing of a deleted file."""
    document = await library.read_file(base, OLD, "terms.txt")
    await replace(library, document, NEW)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        keys = [one.file_key for one in (await version_queries.list_versions(tx, document.id))[0]]
    await library.delete(document)
    await on_documents_removed(library.services, library.caller.organization_id, base_id=base)
    for key in keys:
        with pytest.raises(FileNotFoundError):
            await library.services.files.read(key)


async def test_replacement_and_reading_again_at_once(library, base):
    """The later one decides what is read; a file in work is not read again, but replaced."""
    document = await library.read_file(base, OLD, "terms.txt")
    await asyncio.gather(replace(library, document, NEW), reparse(library, document), return_exceptions=True)
    await read(library, document)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        await document_queries.lock_documents(tx, [document.id])
    await replace(library, document, NEW)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        await version_queries.claim_reading(tx, document.id, now=document.updated_at)
    with pytest.raises(DocumentBusy):
        await reparse(library, document)
    assert (await replace(library, document, NEW)).status == "initial"
    await read(library, document)
    assert await said(library) == [NEW.decode()]


async def test_a_search_during_the_change_sees_the_old_or_the_new(library, base):
    """Never some of both, never nothing, and no alarm."""
    contents = [" ".join(f"Refunds of kind {kind} take {days} days." for kind in range(40)).encode() for days in (1, 2)]
    document = await library.read_file(base, contents[0], "terms.txt")
    question = await library.prepare("refunds")
    is_over = False

    async def change():
        nonlocal is_over
        for turn in range(6):
            await replace(library, document, contents[(turn + 1) % 2])
            await read(library, document)
        is_over = True

    async def look():
        seen = set()
        while not is_over:
            found = (await library.ask(All(), question, limit=50)).hits
            assert found
            days = {hit.text.rpartition("take ")[2] for hit in found}
            assert len(days) == 1, days
            seen |= days
        return seen

    _, *seen = await asyncio.gather(change(), look(), look())
    assert set().union(*seen) <= {"1 days.", "2 days."}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, [(1, "One. Two."), (2, "Three.")]),
        ({"split_by_page": False}, [(1, "One. Two.\n\nThree.")]),
    ],
)
async def test_settings_of_pages(library, base, how, expected):
    """A passage ends with its page, or goes on and is named after the page that it begins on."""
    document = await library.read_file(base, make_pdf(["One. Two.", "Three."]), "three.pdf")
    await reparse(library, document, **how)
    await read(library, document)
    found = sorted((hit.page_number, hit.text) for hit in (await library.ask(All(), "one")).hits)
    assert found == expected


async def test_settings_of_length_structure_and_charset(library, base):
    """Passages get as long as is said and overlap; tables stay tables; a charset that was told is believed."""
    text = " ".join(f"Sentence number {number} stands here." for number in range(60)).encode()
    document = await library.read_file(base, text, "long.txt")
    await reparse(library, document, passage_length=150, overlap=60)
    found = await read(library, document)
    assert found.file.settings == ReadingSettings(passage_length=150, overlap=60)
    texts = [hit.text for hit in (await library.ask(All(), "sentence", limit=100)).hits]
    assert max(map(len, texts)) <= 150
    assert sum(map(len, texts)) > len(text) * 1.2
    table = await library.read_file(base, "品名,價格\n茶,十元\n".encode("big5"), "prices.csv")
    await reparse(library, table, keep_structure=True, charset="big5")
    await read(library, table)
    texts = [hit.text for hit in (await library.ask(All(), "價格", limit=100)).hits]
    assert any("| 品名 | 價格 |" in text for text in texts)


@pytest.mark.parametrize(
    "how", [{"passage_length": 99}, {"passage_length": 2001}, {"overlap": 101}, {"overlap": -1}, {"charset": "x"}]
)
async def test_settings_with_which_nothing_can_be_read(library, base, how):
    """They are refused, and the file stays as it is."""
    document = await library.read_file(base, OLD, "terms.txt")
    with pytest.raises(InvalidRequest):
        await reparse(library, document, **how)
    assert (await library.find(base, document.id)).status == "done"
