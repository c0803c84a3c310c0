"""What a file is, told by its content; the name only decides between kinds of text."""

import re
from typing import Final

PDF: Final = "application/pdf"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
HTML: Final = "text/html"
MARKDOWN: Final = "text/markdown"
CSV: Final = "text/csv"
PLAIN: Final = "text/plain"
SVG: Final = "image/svg+xml"
UNKNOWN: Final = "application/octet-stream"

EXTENSIONS: Final = {
    PDF: "pdf", DOCX: "docx", XLSX: "xlsx", PPTX: "pptx", HTML: "html", MARKDOWN: "md", CSV: "csv", PLAIN: "txt",
}  # fmt: skip

_BEGINNINGS: Final = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_OFFICE_PARTS: Final = ((b"word/document.xml", DOCX), (b"xl/workbook.xml", XLSX), (b"ppt/presentation.xml", PPTX))
_BY_NAME: Final = {"html": HTML, "htm": HTML, "md": MARKDOWN, "markdown": MARKDOWN, "csv": CSV}
_BINARY: Final = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")  # never in text of an ASCII-based encoding
_MARKUP: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
    rb"<(?:(?P<html>!doctype\s+html|html)|(?P<svg>!doctype\s+svg|svg))\b",
    re.IGNORECASE | re.DOTALL,
)
_LOOKS_AT: Final = 65_536  # bytes


def sniff_media_type(content: bytes, filename: str) -> str:
    """Return the media type of `content`; `UNKNOWN` for everything that is not listed here."""
    for beginning, media_type in _BEGINNINGS:
        if content.startswith(beginning):
            return media_type
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"PK\x03\x04"):
        return next((kind for part, kind in _OFFICE_PARTS if part in content), UNKNOWN)
    return _sniff_text(content, filename)


def _sniff_text(content: bytes, filename: str) -> str:
    head = content[:_LOOKS_AT]
    if not head.startswith((b"\xff\xfe", b"\xfe\xff")) and _BINARY.search(head):  # the two marks of UTF-16
        return UNKNOWN
    if markup := _MARKUP.match(head):
        return HTML if markup["html"] else SVG
    return _BY_NAME.get(filename.rpartition(".")[2].lower(), PLAIN)
