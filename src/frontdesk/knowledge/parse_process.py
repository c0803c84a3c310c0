"""The program that reads one foreign file, in a process of its own. Started by `parsing.py`, never by people.

The file comes in on standard input, JSON goes out on standard output: `{"pages": int | null, "passages": [[int | null,
text]]}` or `{"failure": reason}`. It gives up all that it does not need before it looks at the file.
"""

import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, Final

from semantic_text_splitter import TextSplitter

from frontdesk.core.charset import decode
from frontdesk.core.media import CSV, DOCX, HTML, MARKDOWN, PDF, PLAIN, PPTX, XLSX
from frontdesk.core.sandbox import become_nobody, leave_network, limit
from frontdesk.knowledge.text import guess_language

PASSAGE_LENGTH: Final = {"en": 400, "zh": 200}  # characters, about a paragraph; a Chinese one says as much as two
TEXT_LIMIT: Final = 10_000_000  # characters of one file
UNPACKED_LIMIT: Final = 300_000_000  # bytes of all that an office file packs
UNPACKED_RATIO: Final = 100  # times its own size; honest office files stay far below
SMALL: Final = 10_000_000  # bytes; less than this cannot hurt, whatever the ratio

TOO_MUCH_TEXT: Final = "The file contains more text than is accepted."
TOO_MUCH_PACKED: Final = "The file unpacks to more than is accepted."
NO_TEXT: Final = "The file contains no text."
UNREADABLE: Final = {
    PDF: "The file could not be read as PDF.",
    DOCX: "The file could not be read as a Word document.",
    XLSX: "The file could not be read as an Excel workbook.",
    PPTX: "The file could not be read as a PowerPoint presentation.",
    HTML: "The file could not be read as HTML.",
    MARKDOWN: "The file could not be read as Markdown.",
    CSV: "The file could not be read as CSV.",
    PLAIN: "The file could not be read as text.",
}

_PACKED: Final = frozenset({DOCX, XLSX, PPTX})
_PAGED: Final = frozenset({PDF, PPTX})  # of the others, what the parser calls pages is not what a reader sees
_UNWANTED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


class Unreadable(Exception):
    """The file gives no passages; the message says why, for people."""


def main(media_type: str, cpu_seconds: str, memory_bytes: str, output_bytes: str) -> None:
    """Read standard input as `media_type` and write the answer."""
    leave_network()
    content = sys.stdin.buffer.read()
    limit(cpu_seconds=int(cpu_seconds), memory_bytes=int(memory_bytes), output_bytes=int(output_bytes))
    try:
        pages = list(read_pages(content, media_type))
        answer: dict[str, Any] = {
            "pages": len(pages) if media_type in _PAGED else None,
            "passages": split_pages(pages),
        }
    except Unreadable as error:
        answer = {"failure": str(error)}
    json.dump(answer, sys.stdout)


def read_pages(content: bytes, media_type: str) -> Iterator[tuple[int | None, str]]:
    """Yield the text of each page with its number, or all text without one. Raises Unreadable."""
    import kreuzberg  # noqa: PLC0415 -- after the limits; the parser takes its threads with it

    if media_type in _PACKED:
        _check_packed(content, media_type)
    elif media_type != PDF:
        content = decode(content).encode()
    become_nobody()
    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        disable_ocr=True,  # type: ignore[call-arg] # forgotten in its stubs
        enable_quality_processing=False,
        pages=kreuzberg.PageConfig(extract_pages=media_type in _PAGED),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
        output_format="plain",
    )
    try:
        result = kreuzberg.extract_bytes_sync(content, media_type, config)
    except kreuzberg.KreuzbergError as error:
        raise Unreadable(UNREADABLE[media_type]) from error
    if media_type in _PAGED and result.pages:
        yield from ((page["page_number"], page["content"]) for page in result.pages)
    else:
        yield None, result.content


def split_pages(pages: Sequence[tuple[int | None, str]]) -> list[tuple[int | None, str]]:
    """Cut each page into passages of full sentences where possible. Raises Unreadable."""
    if sum(len(text) for _, text in pages) > TEXT_LIMIT:
        raise Unreadable(TOO_MUCH_TEXT)
    passages: list[tuple[int | None, str]] = []
    for number, text in pages:
        plain = _UNWANTED.sub(" ", text)
        passages += ((number, part) for part in TextSplitter(PASSAGE_LENGTH[guess_language(plain)]).chunks(plain))
    if not passages:
        raise Unreadable(NO_TEXT)
    return passages


def _check_packed(content: bytes, media_type: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unreadable(UNREADABLE[media_type]) from error
    if unpacked > UNPACKED_LIMIT or unpacked > max(SMALL, UNPACKED_RATIO * len(content)):
        raise Unreadable(TOO_MUCH_PACKED)


if __name__ == "__main__":
    main(*sys.argv[1:])
