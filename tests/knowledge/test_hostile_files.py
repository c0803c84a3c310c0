"""Hostile files end done, or failed with a reason, within what reading one may cost; other files go on.

All of them are made here; none is kept. Security: docs say which threat each stands for.
"""

import asyncio
import io
import resource
import socket
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable

import pytest

from frontdesk.core.media import CSV, DOCX, HTML, MARKDOWN, PDF, PLAIN, UNKNOWN, XLSX, sniff_media_type
from frontdesk.knowledge.handlers import LIMITS, on_document_added
from frontdesk.knowledge.parsing import ParsedFile, ParseFailed, parse_file
from knowledge.sample_files import _assemble, _office, make_pdf, make_xlsx, make_zip_bomb

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OUTSIDE = '<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = (
    '<!DOCTYPE w [<!ENTITY a "lol">'
    + "".join(f'<!ENTITY {chr(98 + place)} "{f"&{chr(97 + place)};" * 10}">' for place in range(9))
    + "]>"
)


def docx(inside: str, before: str = "") -> bytes:
    xml = f'<?xml version="1.0"?>{before}<w:document xmlns:w="{WORD}"><w:body>{inside}</w:body></w:document>'
    return _office(
        "word/document.xml", {"word/document.xml": xml}, {"word/document.xml": "wordprocessingml.document.main"}
    )


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx(sheet: str, shared: str | None = None) -> bytes:
    parts = {
        "xl/workbook.xml": f'<workbook xmlns="{SHEET}" xmlns:r="{LINK}"><sheets>'
        '<sheet name="P" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="rId1" '
        f'Type="{LINK}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" '
        f'Type="{LINK}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SHEET}">{sheet}</worksheet>',
    }
    kinds = {"xl/workbook.xml": "spreadsheetml.sheet.main", "xl/worksheets/sheet1.xml": "spreadsheetml.worksheet"}
    return _office("xl/workbook.xml", parts | ({"xl/sharedStrings.xml": shared} if shared else {}), kinds)


def many_cells(rows: int) -> bytes:
    line = "".join(f'<c r="{column}{{0}}"><v>{{0}}</v></c>' for column in "ABCDEFGHIJ")
    cells = "".join(f'<row r="{row}">{line.format(row)}</row>' for row in range(1, rows + 1))
    return xlsx(f"<sheetData>{cells}</sheetData>")


def shared_string(rows: int, length: int) -> bytes:
    cells = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, rows + 1))
    return xlsx(f"<sheetData>{cells}</sheetData>", f'<sst xmlns="{SHEET}"><si><t>{"A" * length}</t></si></sst>')


def pdf_with_kids(kids: str, count: int) -> bytes:
    return _assemble(
        [b"<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode()]
    )


def pdf_with_stream(length: int) -> bytes:
    packed = zlib.compress(b"BT /F1 12 Tf (A) Tj ET\n" + b" " * length, 9)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R >> >> /Contents 5 0 R >>"
    head = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>"]
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)
    return _assemble([*head, font, page, stream])


def locked_pdf() -> bytes:
    content = make_pdf(["Secret."])
    lock = b"<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <%s> /U <%s> >>" % (b"ab" * 32, b"cd" * 32)
    return content.replace(b"trailer\n<<", b"trailer\n<< /Encrypt " + lock + b" /ID [<00><00>]")


def deep_paths() -> bytes:
    out = io.BytesIO(docx(paragraph("Plain.")))
    with zipfile.ZipFile(out, "a") as packed:
        packed.writestr("/".join(["a"] * 10_000) + "/x.xml", "x")
        packed.writestr("../../../tmp/frontdesk-escaped", "x")
    return out.getvalue()


async def try_to_read(content: bytes, media_type: str) -> tuple[ParsedFile | str, float]:
    """What reading gives, passages or the reason of the failure, and what it costs in seconds of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        outcome: ParsedFile | str = await parse_file(content, media_type, LIMITS)
    except ParseFailed as error:
        outcome = str(error)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return outcome, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


READ: dict[str, tuple[Callable[[], bytes], str, str]] = {  # and what it must say
    "entity from a file": (lambda: docx(paragraph("Hello &x;"), OUTSIDE), DOCX, "Hello"),
    "billion laughs": (lambda: docx(paragraph("Hello &j;"), LAUGHS), DOCX, "Hello"),
    "dimension that lies": (
        lambda: xlsx('<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>7</v></c></row></sheetData>'),
        XLSX,
        "7",
    ),
    "cell at the far end": (
        lambda: xlsx('<sheetData><row r="1048576"><c r="XFD1048576"><v>7</v></c></row></sheetData>'),
        XLSX,
        "7",
    ),
    "nested Word": (
        lambda: docx("<w:sdt><w:sdtContent>" * 100_000 + paragraph("deep") + "</w:sdtContent></w:sdt>" * 100_000),
        DOCX,
        "deep",
    ),
    "nested quotes": (lambda: b">" * 200_000 + b" deep", MARKDOWN, "deep"),
    "Big5": (lambda: "品名,價格\n烏龍茶,一百二十元\n".encode("big5"), CSV, "烏龍茶 一百二十元"),
    "huge object": (lambda: pdf_with_stream(100_000_000), PDF, "A"),
    "deep paths": (deep_paths, DOCX, "Plain."),
    "many cells": (lambda: many_cells(10_000), XLSX, "10000"),
    "line without end": (lambda: b"word " * 200_000, PLAIN, "word"),
    "HTML called txt": (lambda: b"<html><body><script>x()</script><p>Hi.</p></body></html>", HTML, "Hi."),
}
FAILED: dict[str, tuple[Callable[[], bytes], str, str]] = {  # and with what reason
    "zip bomb": (make_zip_bomb, DOCX, "unpacks to more"),
    "shared string": (lambda: shared_string(2_000, 3_000_000), XLSX, "could not be read as an Excel workbook"),
    "laughs in a workbook": (
        lambda: xlsx("<sheetData/>", f'{LAUGHS}<sst xmlns="{SHEET}"><si><t>&j;</t></si></sst>'),
        XLSX,
        "could not be read as an Excel workbook",
    ),
    "nested HTML": (lambda: b"<div>" * 200_000 + b"deep" + b"</div>" * 200_000, HTML, "contains no text"),
    "cyclic pages": (lambda: pdf_with_kids("2 0 R", 100_000_000), PDF, "could not be read as PDF"),
    "scan": (lambda: make_pdf(["", ""]), PDF, "only pictures"),
    "locked": (locked_pdf, PDF, "protected by a password"),
    "program called pdf": (lambda: b"MZ\x90\x00" + bytes(1000), PDF, "could not be read as PDF"),
    "empty": (lambda: b"", PLAIN, "contains no text"),
}


@pytest.mark.parametrize("name", READ)
async def test_what_only_looks_dangerous_is_read(name):
    """It gives its text, nothing of this machine, and costs a small part of what it may."""
    make, media_type, expected = READ[name]
    outcome, seconds = await try_to_read(make(), media_type)
    assert isinstance(outcome, ParsedFile), outcome
    text = " ".join(passage.text for passage in outcome.passages)
    assert expected in text
    assert "root:" not in text
    assert "lollol" not in text
    assert seconds < LIMITS.seconds / 3


@pytest.mark.parametrize("name", FAILED)
async def test_what_cannot_be_read_fails_with_its_reason(name):
    """It says why, within its limits."""
    make, media_type, expected = FAILED[name]
    outcome, seconds = await try_to_read(make(), media_type)
    assert isinstance(outcome, str)
    assert expected in outcome
    assert seconds < LIMITS.seconds / 3


async def test_three_hundred_honest_pages_are_read():
    """A long manual is no attack: all of its pages are read, in order."""
    pages = [" ".join(f"Page {page}, sentence {one}, on parcels." for one in range(40)) for page in range(300)]
    outcome, seconds = await try_to_read(make_pdf(pages), PDF)
    assert isinstance(outcome, ParsedFile)
    assert outcome.page_count == 300
    assert sorted({passage.page_number for passage in outcome.passages}) == list(range(1, 301))
    assert seconds < LIMITS.seconds / 3


@pytest.mark.parametrize(
    ("content", "filename", "expected"),
    [
        (b"MZ\x90\x00\x03\x00", "terms.pdf", UNKNOWN),
        (b"<!doctype html><p>Hi", "terms.txt", HTML),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500),
            "locked.xlsx",
            UNKNOWN,
        ),  # what a password makes of a workbook
        (make_xlsx([["A"]]), "terms.pdf", XLSX),
    ],
)
def test_a_name_that_lies_decides_nothing(content, filename, expected):
    """What a file is, is told by its content."""
    assert sniff_media_type(content, filename) == expected


async def test_another_file_goes_on_meanwhile(library, base):
    """While a hostile file is read, others of the queue become done."""
    hostile = await library.add_file(base, shared_string(2_000, 3_000_000), "bomb.xlsx")
    honest = [await library.add_file(base, f"Refunds take {day} days.".encode(), f"{day}.txt") for day in range(3)]
    ends: list[str] = []

    async def read(document):
        await on_document_added(library.services, library.caller.organization_id, document.id)
        ends.append((await library.find(base, document.id)).state)

    await asyncio.gather(read(hostile), *map(read, honest))
    assert ends[-1] == "failed"
    assert ends[:-1] == ["done"] * 3


def test_the_reader_has_no_network():
    """What runs confined reaches nobody, not even on its own machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        code = (
            "import socket, encodings.idna; from frontdesk.core.sandbox import *; leave_network(); "
            "limit(cpu_seconds=5, memory_bytes=10**9, output_bytes=1000); become_nobody(); "
            f"socket.create_connection(('127.0.0.1', {listener.getsockname()[1]}), 2)"
        )
        done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 -- ours
    assert done.returncode != 0
    assert "OSError" in done.stderr
