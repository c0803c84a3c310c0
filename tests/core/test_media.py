"""What a file is, is told by its content."""

import pytest

from frontdesk.core.media import CSV, DOCX, HTML, MARKDOWN, PDF, PLAIN, SVG, UNKNOWN, XLSX, sniff_media_type
from knowledge.sample_files import make_docx, make_pdf, make_xlsx


@pytest.mark.parametrize(
    ("content", "filename", "expected"),
    [
        (make_pdf(["Hello"]), "a.txt", PDF),
        (make_docx(["Hello"]), "a.pdf", DOCX),
        (make_xlsx([["Hello"]]), "", XLSX),
        (b"PK\x03\x04 anything else that is packed", "a.docx", UNKNOWN),
        (b"\x89PNG\r\n\x1a\n....", "a.pdf", "image/png"),
        (b"\xff\xd8\xff\xe0", "a.txt", "image/jpeg"),
        (b"GIF89a", "a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "a", "image/webp"),
        (b"<!DOCTYPE html><title>x</title>", "a.txt", HTML),
        (b"\xef\xbb\xbf\n<!-- note -->\n<html>", "photo.png", HTML),
        (b'<?xml version="1.0"?><svg onload="x()"/>', "a.png", SVG),
        (b"Write `<html>` at the beginning.", "a.md", MARKDOWN),
        (b"a,b\n1,2\n", "a.CSV", CSV),
        ("品名,價格".encode("big5"), "a.csv", CSV),
        ("烏龍茶".encode("utf-16"), "a.txt", PLAIN),
        (b"hello", "", PLAIN),
        (b"", "empty.txt", PLAIN),
        (b"MZ\x00\x00\x01", "a.txt", UNKNOWN),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 an old Word file", "a.doc", UNKNOWN),
    ],
)
def test_sniffing(content, filename, expected):
    """The beginning decides, the name only between kinds of text."""
    assert sniff_media_type(content, filename) == expected
