"""Files are read by a job that may be repeated, and documents are removed by one."""

import errno
from dataclasses import replace

import pytest

from frontdesk.access.model import All
from frontdesk.core.errors import NotFound
from frontdesk.core.files import Files, StoreAway
from frontdesk.core.ids import UploadId
from frontdesk.knowledge import chunk_queries, document_actions, handlers, version_queries
from frontdesk.knowledge.actions import delete_knowledge_base
from frontdesk.knowledge.document_actions import Reparse, delete_document, reparse_files
from frontdesk.knowledge.errors import DocumentBusy
from frontdesk.knowledge.handlers import on_document_added, on_documents_removed, on_upload_issued
from frontdesk.knowledge.parsing import Limits
from knowledge.sample_files import make_docx, make_pdf, make_xlsx, make_zip_bomb


async def read(library, document):
    await on_document_added(library.services, library.caller.organization_id, document.id)
    return await library.find(document.knowledge_base_id, document.id)


async def reparse(library, document):
    async with library.services.db.begin(library.caller.organization_id) as tx:
        wanted = [Reparse(document.id)]
        return (await reparse_files(tx, library.caller, document.knowledge_base_id, wanted))[0]


async def count_chunks(library, document):
    async with library.services.db.begin(library.caller.organization_id) as tx:
        return (await chunk_queries.list_chunks(tx, document.knowledge_base_id, document.id, limit=1000, offset=0))[1]


@pytest.mark.parametrize(
    ("content", "filename", "question"),
    [
        (make_pdf(["Parcels go by courier.", "Refunds take ten days."]), "terms.pdf", "refunds"),
        (make_docx(["Refunds take ten days."]), "terms.docx", "refunds"),
        (make_xlsx([["What", "How long"], ["Refunds", "ten days"]]), "terms.xlsx", "refunds"),
        ("項目,時間\n退款,十天\n".encode("big5"), "terms.csv", "退款"),
        (b"<html><body><p>Refunds take ten days.</p></body></html>", "terms.html", "refunds"),
        (b"# Terms\n\nRefunds take ten days.", "terms.md", "refunds"),
        (b"Refunds take ten days.", "terms.txt", "refunds"),
    ],
)
async def test_every_kind_of_file_becomes_searchable(library, base, content, filename, question):
    """From upload to hit: initial, then done, with language, progress and the file's name in search."""
    document = await library.add_file(base, content, filename)
    assert (document.state, document.progress, document.language) == ("initial", 0, None)
    assert (await library.ask(All(), question)).permitted_count == 0
    document = await read(library, document)
    assert (document.state, document.progress, document.failure_reason) == ("done", 100, None)
    assert document.language == ("zh" if question == "退款" else "en")
    assert (await library.ask(All(), question)).hits[0].title == filename


async def test_a_broken_file_fails_with_its_reason_and_can_be_tried_again(library, base):
    """A failure says why and is not searchable; a retry reads the file again."""
    document = await read(library, await library.add_file(base, b"%PDF-1.4 nonsense", "broken.pdf"))
    assert (document.state, document.failure_reason) == ("failed", "The file could not be read as PDF.")
    document = await reparse(library, document)
    assert (document.state, document.failure_reason) == ("initial", None)
    assert (await read(library, document)).state == "failed"


async def test_a_zip_bomb_fails(library, base):
    """A file that unpacks to hundreds of megabytes is refused before it is unpacked."""
    document = await read(library, await library.add_file(base, make_zip_bomb(), "bomb.docx"))
    assert (document.state, document.failure_reason) == ("failed", "The file unpacks to more than is accepted.")


async def test_a_file_that_takes_too_long_fails(library, base, monkeypatch):
    """When reading takes longer than it may, the document says so."""
    monkeypatch.setattr(handlers, "LIMITS", Limits(seconds=0))
    document = await read(library, await library.add_file(base, make_pdf(["Hello"]), "slow.pdf"))
    assert (document.state, document.failure_reason) == (
        "failed",
        "Reading the file took too long. Cut it into smaller files.",
    )


async def test_a_missing_file_fails(library, base):
    """A file that is gone from the store is a failure, not an endless retry."""
    document = await library.add_file(base, b"Hello.", "hello.txt")
    await library.services.files.delete(document.file.file_key)
    assert (await read(library, document)).failure_reason == "The file is missing in the store. Upload it again."


async def test_reading_twice_changes_nothing(library, base):
    """The job is safe to repeat: when it is done, and after a worker died in the middle of it."""
    document = await library.read_file(base, make_pdf(["One.", "Two.", "Three."]), "three.pdf")
    before = await library.ask(All(), "two")
    await read(library, document)
    assert repr(await library.ask(All(), "two")) == repr(before)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        await document_actions.await_reading(tx, document.id, 1, document.file.settings)
        await version_queries.claim_reading(tx, document.id, now=document.updated_at)
    assert (await read(library, document)).state == "done"
    assert await count_chunks(library, document) == 3


async def test_a_file_that_is_read_again_answers_until_it_is_done(library, base):
    """Between the request and the end of the reading what was there is found; afterwards all of the file, once."""
    document = await library.read_file(base, make_pdf(["One.", "Two."]), "two.pdf")
    async with library.services.db.begin(library.caller.organization_id) as tx:
        chunk = (await chunk_queries.list_chunks(tx, base, document.id, limit=1, offset=0))[0][0]
        await chunk_queries.delete_chunk(tx, chunk)
    assert await count_chunks(library, document) == 1
    await reparse(library, document)
    assert [hit.text for hit in (await library.ask(All(), "one")).hits] == ["Two."]
    assert (await library.find(base, document.id)).status == "initial"
    await read(library, document)
    assert [hit.text for hit in (await library.ask(All(), "One.")).hits] == ["One.", "Two."]


async def test_what_is_being_read_can_be_neither_deleted_nor_read_again(library, base):
    """A document in work is busy: for deletion, reading again, and the deletion of its knowledge base."""
    document = await library.add_file(base, b"Hello.", "hello.txt")
    async with library.services.db.begin(library.caller.organization_id) as tx:
        await version_queries.claim_reading(tx, document.id, now=document.updated_at)
    assert (await library.find(base, document.id)).status == "processing"
    with pytest.raises(DocumentBusy):
        await library.delete(document)
    with pytest.raises(DocumentBusy):
        await reparse(library, document)
    with pytest.raises(DocumentBusy):
        async with library.services.db.begin(library.caller.organization_id) as tx:
            await delete_knowledge_base(tx, library.caller, base)
    assert (await read(library, document)).state == "done"


async def test_deleting_a_file_that_waits(library, base):
    """A document that nobody has read yet can be deleted; the job that comes later finds nothing to do."""
    document = await library.add_file(base, b"Hello.", "hello.txt")
    await library.delete(document)
    with pytest.raises(NotFound):
        await read(library, document)


async def test_removal_takes_rows_and_file(library, base):
    """After a deletion nothing is found at once; the job removes the rows and the file, and may be repeated."""
    document = await library.read_file(base, b"Refunds take ten days.", "terms.txt")
    kept = await library.write_faq(base, "Kept?", "Yes.")
    await library.delete(document)
    assert [hit.document_id for hit in (await library.ask(All(), "refunds")).hits] == [kept.id]
    for _ in range(2):
        await on_documents_removed(library.services, library.caller.organization_id, base_id=base)
    with pytest.raises(FileNotFoundError):
        await library.services.files.read(document.file.file_key)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        for table in ("documents", "chunks"):
            sql = f"SELECT count(*) FROM {table} WHERE organization_id = %(organization)s"
            assert await tx.fetch_value(sql, {"organization": tx.organization_id}) == 1


async def test_a_deleted_base_is_gone_with_all_that_is_in_it(library, base):
    """A knowledge base is absent at once and leaves no row; nobody adds to it in the meantime."""
    await library.read_file(base, b"Refunds take ten days.", "terms.txt", [await library.make_label(base, "L")])
    await library.write_faq(base, "Refunds?", "Yes.")
    async with library.services.db.begin(library.caller.organization_id) as tx:
        await delete_knowledge_base(tx, library.caller, base)
    assert (await library.ask(All(), "refunds")).permitted_count == 0
    with pytest.raises(NotFound):
        await library.write_faq(base, "Late?", "Yes.")
    await on_documents_removed(library.services, library.caller.organization_id, base_id=base)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        for table in ("knowledge_bases", "documents", "labels", "chunk_terms", "embeddings"):
            sql = f"SELECT count(*) FROM {table} WHERE organization_id = %(organization)s"
            assert await tx.fetch_value(sql, {"organization": tx.organization_id}) == 0


async def test_progress_is_told_to_open_windows(library, base, services):
    """Whoever watches hears of the document while it is read."""
    document = await library.add_file(base, ("The lounge opens at six. " * 300).encode(), "long.txt")
    async with services.live.subscribe(library.caller.organization_id) as events:
        await read(library, document)
        seen = [await events.get() for _ in range(4)]
    assert {(event.topic, event.id) for event in seen} == {("document", document.id)}


async def test_an_upload_that_nobody_used_is_forgotten(library):
    """The job of an unused upload removes its file; a used one stays."""
    base = await library.make_base()
    unused = await library.upload(b"Hello.", "hello.txt")
    used = (await library.add_file(base, b"Hello.", "hello.txt")).file.file_key
    for key in (unused, used, unused):
        upload_id = UploadId(key.rpartition("/")[2])
        await on_upload_issued(library.services, library.caller.organization_id, upload_id=upload_id)
    assert await library.services.files.read(used) == b"Hello."
    with pytest.raises(FileNotFoundError):
        await library.services.files.read(unused)


async def test_an_unused_upload_whose_removal_was_cut_short_is_removed_by_the_next_run(library):
    """A store that was away, or a process that died, leaves no file behind for ever."""

    class Away:
        async def delete(self, key: str) -> None:
            raise OSError(key)

    key = await library.upload(b"Hello.", "hello.txt")
    upload_id = UploadId(key.rpartition("/")[2])
    with pytest.raises(OSError, match="uploads"):
        await on_upload_issued(
            replace(library.services, files=Away()), library.caller.organization_id, upload_id=upload_id
        )
    await on_upload_issued(library.services, library.caller.organization_id, upload_id=upload_id)
    with pytest.raises(FileNotFoundError):
        await library.services.files.read(key)


async def test_a_failure_of_ours_is_tried_again_then_told(library, base, monkeypatch):
    """What nobody foresaw is raised, so that the worker waits and tries again; after some attempts the file has failed."""
    document = await library.add_file(base, b"Hello.", "hello.txt")

    async def break_down(*_):
        raise RuntimeError

    monkeypatch.setattr(handlers, "prepare_passage", break_down)
    for attempt in range(1, handlers.MAX_ATTEMPTS + 1):
        with pytest.raises(RuntimeError):
            await on_document_added(library.services, library.caller.organization_id, document.id)
        found = await library.find(base, document.id)
        assert found.reading.failure_reason == "Something went wrong while the file was read. Try again."
        assert (found.state, found.reading.attempts) == (
            "initial" if attempt < handlers.MAX_ATTEMPTS else "failed",
            attempt,
        )
    assert found.failure_reason == found.reading.failure_reason
    monkeypatch.undo()
    assert (await read(library, document)).state == "failed"
    await reparse(library, document)
    assert (await read(library, document)).state == "done"


async def test_a_store_that_is_away_or_a_full_disk_is_no_fault_of_the_file(library, base, monkeypatch):
    """The file waits, with what came between; the next attempt reads it."""

    async def is_away(_files, key):
        raise StoreAway(key)

    async def is_full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for owner, name, fault, reason in (
        (Files, "read", is_away, "The store of files does not answer"),
        (handlers, "parse_file", is_full, "There is no space left on the server"),
    ):
        document = await library.add_file(base, b"Hello.", "hello.txt")
        with monkeypatch.context() as broken:
            broken.setattr(owner, name, fault)
            with pytest.raises((StoreAway, OSError)):
                await on_document_added(library.services, library.caller.organization_id, document.id)
        found = await library.find(base, document.id)
        assert (found.status, found.failure_reason) == ("initial", None)
        assert reason in found.reading.failure_reason
        assert (await read(library, document)).state == "done"


async def test_a_file_that_kills_its_reader_again_and_again_fails(library, base):
    """A worker that dies leaves the reading; when that happens too often, nobody begins it any more."""
    document = await library.add_file(base, b"Hello.", "hello.txt")
    async with library.services.db.begin(library.caller.organization_id) as tx:
        for _ in range(handlers.MAX_ATTEMPTS):
            await version_queries.claim_reading(tx, document.id, now=document.updated_at)
    found = await read(library, document)
    assert (found.state, found.failure_reason) == ("failed", "Reading the file was interrupted too often. Try again.")


async def test_deleting_twice(library, base):
    """A deleted document is unknown."""
    document = await library.write_faq(base, "Once?", "Yes.")
    await library.delete(document)
    with pytest.raises(NotFound):
        async with library.services.db.begin(library.caller.organization_id) as tx:
            await delete_document(tx, library.caller, base, document.id, "faq")
