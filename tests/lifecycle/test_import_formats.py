"""Files of contacts as people and programs write them, and as nobody should: rows are broken, files go on."""

import io
import json
import tempfile
import time
import zipfile
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.core.cells import escape_formula, join_list, split_list, unescape_formula
from frontdesk.core.sheets import MAX_ROW, SourceRow, UnreadableFile, open_csv
from frontdesk.core.workbooks import WorkbookLimits
from frontdesk.lifecycle.import_files import open_table
from frontdesk.lifecycle.import_formats import guess_format
from frontdesk.lifecycle.import_mapping import propose_mapping
from frontdesk.lifecycle.import_model import Options
from frontdesk.lifecycle.import_vcards import open_vcards


@pytest.fixture
def write(tmp_path: Path):
    def write(content: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return write


def read(table) -> list[tuple[int, list, str | None]]:
    return [(row.number, list(row.cells), row.fault and row.fault.code) for row in table.rows]


# --- CSV ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "big5", "gb18030"])
def test_encodings_are_found_out(write, encoding):
    """Names come out as they were written, whatever program wrote the file."""
    name = "張偉的朋友王小明" if encoding == "big5" else "张伟的朋友王小明"
    table = open_csv(write(f"姓名,城市\n{name},臺北市中正區\n".replace("臺", "台").encode(encoding)))
    assert table.columns == ("姓名", "城市")
    assert read(table) == [(2, [name, "台北市中正區"], None)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found_out(write, delimiter):
    """Quoted delimiters, quotes and line ends are part of a cell."""
    content = f'name{delimiter}note\r\n"a{delimiter}b"{delimiter}"two\r\nlines ""q"""\r\n\r\n'
    assert read(open_csv(write(content.encode()))) == [(2, [f"a{delimiter}b", 'two\r\nlines "q"'], None)]


def test_broken_rows_are_faults_and_the_file_goes_on(write):
    """A quote that is never closed, bytes of nowhere, and too many cells cost one row each."""
    rows = [
        b"name,mail",
        b'"open,x',
        b"Ann,a@x.tw",
        b'"half"x,y',
        b"Bob,b@x.tw,more",
        b"\xff\xfe\xfa,z",
        b"Eve,e@x.tw",
        b"short",
    ]
    found = read(open_csv(write(b"\n".join(rows) + b"\n")))
    assert [(number, fault) for number, _, fault in found if fault] == [
        (2, "malformed"), (4, "malformed"), (5, "malformed"), (6, "encoding"),
    ]  # fmt: skip
    assert [cells for _, cells, fault in found if not fault] == [["Ann", "a@x.tw"], ["Eve", "e@x.tw"], ["short", ""]]


def test_a_row_of_any_length_is_skipped_and_not_kept(write):
    """One line of many megabytes is a fault; the rows behind it are read."""
    found = read(open_csv(write(b"name\n" + b"x" * (MAX_ROW * 20) + b"\n" + b'"' + b"y\n" * 3000 + b"\nAnn\n")))
    assert found[0][2] == "too-large"
    assert found[-1] == (found[-1][0], ["Ann"], None)


def test_many_broken_rows_cost_no_more_than_their_number(write):
    """A file of nothing but broken rows is read to its end, each row counted, in a time that grows with it."""
    started = time.process_time()
    found = read(open_csv(write(b"name,mail\n" + b'x,"y"z\n' * 20_000)))
    assert [fault for _, _, fault in found] == ["malformed"] * 20_000
    assert time.process_time() - started < 10


def test_quotes_that_are_never_closed_cost_no_more_than_the_file(write):
    """Each line opens a quote anew, so that each row swallows a thousand others: in the end they stay swallowed."""
    content = b"name,mail\n" + b'a","""\n' * 30_000 + b"\nAnn,\n"
    found = read(open_csv(write(content), delimiter=","))
    assert {fault for _, _, fault in found} <= {"too-large", "malformed"}
    assert 500 < len(found) < 600


def test_columns_are_named_once(write):
    """Nameless and repeated columns get names of their own."""
    assert open_csv(write(b"email,,email\n1,2,3\n")).columns == ("email", "Column 2", "email (3)")
    with pytest.raises(UnreadableFile):
        open_csv(write(b"\n\n"))


# --- JSON lines and vCards ---


async def test_json_lines_are_rows(write):
    """Attributes are columns of their own; what is no object, and what no column has, is a fault."""
    lines = [{"name": "Ann", "attributes": {"level": "gold", "size": 4}}, {"name": "Bob"}]
    content = "\n".join(map(json.dumps, lines)) + '\n[1]\n{"name": \n{"other": 1}\n' + "[" * 100_000 + "\n"
    path = write(content.encode())
    table = await open_table(path, "ndjson", Options())
    assert table.columns == ("name", "attributes.level", "attributes.size", "other")
    faults = [fault for _, _, fault in read(table)]
    assert faults == [None, None, "malformed", "malformed", None, "malformed"]
    late = await open_table(write(b'{"a": 1}\n' * 1000 + b'{"b": 1}\n'), "ndjson", Options())
    assert read(late)[-1][2] == "unknown-column"


def test_vcards_are_rows(write):
    """Names in either order, several addresses, folded lines; a card without an end is a fault."""
    content = (
        "BEGIN:VCARD\r\nVERSION:3.0\r\nN:張;偉;;;\r\nEMAIL;TYPE=work:a@x.tw\r\nEMAIL:b@x.tw\r\n"
        "TEL:+886 2 5550 0142\r\nEND:VCARD\r\nBEGIN:VCARD\r\nnonsense\r\nEND:VCARD\r\n"
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ann \r\n Lee\r\nTEL;VALUE=uri:tel:+886-912\r\nEND:VCARD\r\nBEGIN:VCARD\r\nFN:x\r\n"
    )
    table = open_vcards(write(content.encode()))
    assert table.columns == ("EMAIL", "TEL", "FN")
    assert read(table) == [
        (1, [["a@x.tw", "b@x.tw"], ["+886 2 5550 0142"], "張偉"], None),
        (2, [None, None, None], "malformed"),
        (3, [None, ["+886-912"], "Ann Lee"], None),
        (4, [None, None, None], "malformed"),
    ]


@pytest.mark.parametrize(
    "line", ["FN" + ";A" * 40, "FN;A=" + "a," * 40 + '"', 'FN;A="b"c' + ";D" * 40 + ":x", "a." * 40 + ":", "N;" * 40]
)
def test_a_line_of_a_vcard_that_is_none_is_a_fault_at_once(write, line):
    """However many ways there are to misread it: the file is read to its end."""
    cards = f"BEGIN:VCARD\nVERSION:3.0\n{line}\nEND:VCARD\nBEGIN:VCARD\nVERSION:3.0\nFN:Ann\nEND:VCARD\n"
    assert read(open_vcards(write(cards.encode()))) == [(1, [None], "malformed"), (2, ["Ann"], None)]


def test_what_is_inside_of_a_vcard_is_read_or_a_fault(write):
    """Parameters of every kind are read; a card inside of a card is a fault."""
    lines = 'item1.FN;X="a:b,c;d",e;Y;CHARSET=UTF-8:Ann\nEMAIL;;TYPE=work,home;PREF:a@x.tw\nTEL;:+886912'
    inner = "FN:Bob\nBEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE"
    cards = "".join(f"BEGIN:VCARD\nVERSION:3.0\n{one}\nEND:VCARD\n" for one in (lines, inner))
    found = read(open_vcards(write(cards.encode())))
    assert found == [(1, ["Ann", ["a@x.tw"], ["+886912"]], None), (2, [None, None, None], "malformed")]


# --- workbooks ---


def make_workbook(rows) -> bytes:
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


async def test_workbooks_are_read_in_a_process_of_their_own(write):
    """Numbers without a point, dates, true and false come out as a CSV file would have them; empty rows are none."""
    rows = [
        ["name", "no", "since", "vip"],
        ["張偉", 42.0, date(2026, 9, 2), True],
        [],
        ["=1+1", 1.5, datetime(2026, 9, 2, 8), None],  # noqa: DTZ001 -- a workbook has no time zones
    ]
    table = await open_table(write(make_workbook(rows)), "xlsx", Options())
    assert read(table) == [
        (2, ["張偉", "42", "2026-09-02", "true"], None),
        (4, ["", "1.5", "2026-09-02T08:00:00", ""], None),  # a formula that nobody calculated has no value
    ]


def bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 60_000_000)
    return packed.getvalue()


def entities() -> bytes:
    book = io.BytesIO(make_workbook([["name"], ["Ann"]]))
    lots = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 12))
    packed = io.BytesIO()
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(packed, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                content = f'<!DOCTYPE x [<!ENTITY e0 "aaaa">{lots}]>'.encode() + content.replace(b"Ann", b"&e11;")
            target.writestr(entry, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content", [b"no workbook", bomb(), entities(), make_workbook([])], ids=["none", "zip", "xml", "empty"]
)
async def test_hostile_workbooks_are_refused(write, content):
    """What is no workbook, or unpacks to too much, is a file that cannot be read, and harms nobody."""
    with pytest.raises(UnreadableFile):
        await open_table(write(content), "xlsx", Options(), limits=WorkbookLimits(seconds=20, memory_bytes=700_000_000))


# --- names of files and columns ---


def test_formats_are_told_by_name_and_content():
    """The name decides, unless the content says otherwise."""
    assert guess_format("a.csv", b"x", "text/csv") == "csv"
    assert guess_format("a.vcf", b"x", "") == "vcard"
    assert guess_format("a", b"\xef\xbb\xbfBEGIN:VCARD", "") == "vcard"
    assert guess_format("a", b' {"a": 1}', "") == "ndjson"
    assert guess_format("a.xlsx", b"name\n", "text/plain") == "csv"


def test_columns_are_recognized_in_both_languages_and_never_become_attributes_unasked():
    """What is not recognized is ignored; only what the organization defined, or says outright, is an attribute."""
    columns = ["姓名", "E-Mail", "電話", "會員編號", "id", "ip_address", "等級", "attributes.city", "Name", "Email 2"]
    uses = propose_mapping(columns, {"level": "等級"})
    assert [use.target for use in uses] == [
        "name", "emails", "phones", "sourceId", "ignore", "ignore", "attributes.level", "attributes.city", "ignore",
        "emails",
    ]  # fmt: skip


# --- laws ---

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@given(st.text("'=+-@\uff1d\uff0b\t\r\nab\u3000", max_size=12))
def test_import_removes_exactly_the_escape_that_export_adds(text):
    """No text begins like a formula, and each comes back as it was, apostrophes too."""
    escaped = escape_formula(text)
    assert escaped[:1] not in {"=", "+", "-", "@", "\uff1d", "\uff0b", "\t", "\r"}
    assert unescape_formula(escaped) == text


@given(st.lists(texts.filter(lambda text: "\x00" not in text and text), max_size=6))
def test_a_list_in_a_cell_is_the_same_list(items):
    """Separators, quotes, line ends and spaces inside an entry stay inside it."""
    assert list(split_list(join_list(items))) == items


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(content):
    """Whatever a CSV file holds, rows or faults come out, numbered upwards."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            rows: list[SourceRow] = list(open_csv(Path(file.name)).rows)
        except UnreadableFile:
            return
    assert [row.number for row in rows] == sorted({row.number for row in rows})
