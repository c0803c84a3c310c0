"""Foreign files are read in a process of their own, and hostile ones cost no more than they may."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from frontdesk.core.media import CSV, DOCX, HTML, MARKDOWN, PDF, PLAIN, XLSX
from frontdesk.knowledge.parse_process import decode
from frontdesk.knowledge.parsing import Limits, ParseFailed, parse_file
from knowledge.sample_files import make_docx, make_pdf, make_xlsx, make_zip_bomb

BIG5_PAGE = '<html><head><meta charset="big5"></head><body><p>烏龍茶一百二十元</p></body></html>'


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (make_docx(["Hello there.", "第二段"]), DOCX, ["Hello there.", "第二段"]),
        (make_xlsx([["Item", "Price"], ["Tea", "120"]]), XLSX, ["Tea", "120"]),
        ("品名,價格\n烏龍茶,一百二十元\n".encode("big5"), CSV, ["烏龍茶", "一百二十元"]),
        (BIG5_PAGE.encode("big5"), HTML, ["烏龍茶一百二十元"]),
        (b"<html><script>alert(1)</script><p>Open at nine.</p></html>", HTML, ["Open at nine."]),
        (b"# House rules\n\nNo *dogs*.\n", MARKDOWN, ["House rules", "No dogs."]),
        ("烏龍茶".encode("utf-16"), PLAIN, ["烏龍茶"]),
    ],
)
async def test_what_files_say(content, media_type, expected):
    """Every format gives its text, in whatever encoding; only formats with pages give numbers."""
    parsed = await parse_file(content, media_type, Limits())
    text = " ".join(passage.text for passage in parsed.passages)
    assert all(part in text for part in expected)
    assert parsed.page_count is None
    assert {passage.page_number for passage in parsed.passages} == {None}
    assert "alert" not in text


async def test_pages_of_a_pdf():
    """Each passage of a PDF knows its page; an empty page has none."""
    parsed = await parse_file(make_pdf(["First page.", "", "Third page."]), PDF, Limits())
    assert [(passage.page_number, passage.text) for passage in parsed.passages] == [
        (1, "First page."),
        (3, "Third page."),
    ]
    assert parsed.page_count == 3


async def test_passages_are_short_and_complete():
    """Text is cut into passages of at most 400 letters or 200 Chinese characters, and nothing of it is lost."""
    for sentence, longest in (("The lounge opens at six. ", 400), ("標準配送需要三到五個工作天。", 200)):
        parsed = await parse_file((sentence * 200).encode(), PLAIN, Limits())
        assert all(len(passage.text) <= longest for passage in parsed.passages)
        assert max(len(passage.text) for passage in parsed.passages) > longest * 0.8
        together = "".join(passage.text for passage in parsed.passages)
        assert together.replace(" ", "") == (sentence * 200).replace(" ", "")


@pytest.mark.parametrize(
    ("content", "media_type", "reason"),
    [
        (b"%PDF-1.4 nonsense", PDF, "The file could not be read as PDF."),
        (b"PK\x03\x04 word/document.xml", DOCX, "The file could not be read as a Word document."),
        (make_pdf([""]), PDF, "There is no text on the pages, only pictures"),
        (b" \n ", PLAIN, "The file contains no text."),
        (make_zip_bomb(), DOCX, "The file unpacks to more than is accepted."),
        (b"word " * 3_000_000, PLAIN, "The file contains more text than is accepted."),
    ],
)
async def test_what_cannot_be_read(content, media_type, reason):
    """A file that cannot be read says why."""
    with pytest.raises(ParseFailed, match=reason):
        await parse_file(content, media_type, Limits())


async def test_time_is_limited():
    """Reading ends when its time is over, here at once, and says so."""
    with pytest.raises(ParseFailed, match="took too long"):
        await parse_file(make_pdf(["A page."]), PDF, Limits(seconds=0))


async def test_memory_is_limited():
    """A file that would take too much memory is unreadable, and nothing else suffers."""
    pages = make_pdf([f"Page {number}" for number in range(20_000)])
    with pytest.raises(ParseFailed, match="could not be read as PDF"):
        await parse_file(pages, PDF, Limits(memory_bytes=200_000_000))


def list_children() -> set[int]:
    """Return the processes that this one has started."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


async def test_a_stop_is_no_fault_of_the_file():
    """A stopping system ends the reading process, too. The job is cancelled, thus done again; the file did not fail."""
    others = list_children()
    reading = asyncio.create_task(parse_file(b"Hello", PLAIN, Limits()))
    while not (started := list_children() - others):  # noqa: ASYNC110 -- another process
        await asyncio.sleep(0)
    os.kill(started.pop(), signal.SIGTERM)
    with pytest.raises(asyncio.CancelledError):
        await reading


def test_decoding():
    """Text is read in the encoding that fits."""
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "big5"):
        assert decode("烏龍茶 tea".encode(encoding)) == "烏龍茶 tea"
    assert decode("乌龙茶很好喝".encode("gb18030")) == "乌龙茶很好喝"
    assert decode(b"caf\xe9s \x80") == "cafés €"
