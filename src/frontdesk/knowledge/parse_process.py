"""The program that reads one foreign file, in a process of its own. Started by `parsing.py`, never by people.

The file comes in on standard input, JSON goes out on standard output: `{"pages": int | null, "passages": [[int | null,
text]]}` or `{"failure": reason}`. It gives up all that it does not need before it looks at the file.
"""

import io
import json
import re
import sys
import zipfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from frontdesk.core.charset import decode
from frontdesk.core.media import CSV, DOCX, HTML, MARKDOWN, PDF, PLAIN, PPTX, XLSX
from frontdesk.core.sandbox import become_nobody, leave_network, limit
from frontdesk.knowledge.reading import CHARSETS, PAGED, UNSTRUCTURED, ReadingSettings
from frontdesk.knowledge.text import guess_language

TEXT_LIMIT: Final = 10_000_000  # characters of one file
UNPACKED_LIMIT: Final = 300_000_000  # bytes of all that an office file packs
UNPACKED_RATIO: Final = 100  # times its own size; honest office files stay far below
SMALL: Final = 10_000_000  # bytes; less than this cannot hurt, whatever the ratio

TOO_MUCH_TEXT: Final = "The file contains more text than is accepted."
TOO_MUCH_PACKED: Final = "The file unpacks to more than is accepted."
NO_TEXT: Final = "The file contains no text."
ONLY_PICTURES: Final = (
    "There is no text on the pages, only pictures. Have the text recognised (OCR), then upload it again."
)
LOCKED: Final = "The file is protected by a password. Save it without one, then upload it again."
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
_LONGEST_PIECE: Final = 50_000  # characters
_PAGE_END: Final = "\n\n"
_UNWANTED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


class Unreadable(Exception):
    """The file gives no passages; the message says why, for people."""


def main(media_type: str, cpu_seconds: str, memory_bytes: str, output_bytes: str, how: str) -> None:
    """Read standard input as `media_type` and write the answer. `how`: reading settings, as JSON."""
    settings = ReadingSettings.of(json.loads(how))
    leave_network()
    content = sys.stdin.buffer.read()
    limit(cpu_seconds=int(cpu_seconds), memory_bytes=int(memory_bytes), output_bytes=int(output_bytes))
    try:
        pages = list(read_pages(content, media_type, settings))
        answer: dict[str, Any] = {
            "pages": len(pages) if media_type in PAGED else None,
            "passages": split_pages(pages, settings, is_markdown=_keeps_structure(media_type, settings)),
        }
    except Unreadable as error:
        answer = {"failure": str(error)}
    json.dump(answer, sys.stdout)


def read_pages(content: bytes, media_type: str, settings: ReadingSettings) -> Iterator[tuple[int | None, str]]:
    """Yield the text of each page with its number, or all text without one. Raises Unreadable."""
    import kreuzberg  # noqa: PLC0415 -- after the limits; the parser takes its threads with it

    if media_type in _PACKED:
        _check_packed(content, media_type)
    elif media_type != PDF:
        content = _decode(content, settings.charset).encode()
    become_nobody()
    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        disable_ocr=True,  # type: ignore[call-arg] # forgotten in its stubs
        enable_quality_processing=False,
        pages=kreuzberg.PageConfig(extract_pages=media_type in PAGED),
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
        output_format="markdown" if _keeps_structure(media_type, settings) else "plain",
    )
    try:
        result = kreuzberg.extract_bytes_sync(content, media_type, config)
    except kreuzberg.KreuzbergError as error:
        is_locked = media_type == PDF and b"/Encrypt" in content
        raise Unreadable(LOCKED if is_locked else UNREADABLE[media_type]) from error
    if media_type in PAGED and result.pages:
        yield from ((page["page_number"], page["content"]) for page in result.pages)
    else:
        yield None, result.content


def split_pages(
    pages: Sequence[tuple[int | None, str]], settings: ReadingSettings, *, is_markdown: bool = False
) -> list[tuple[int | None, str]]:
    """Cut pages into passages of full sentences where possible, each with the page that it begins on.

    Raises Unreadable.
    """
    if sum(len(text) for _, text in pages) > TEXT_LIMIT:
        raise Unreadable(TOO_MUCH_TEXT)
    parts = [[page] for page in pages] if settings.split_by_page else [list(pages)]
    passages = [passage for part in parts for passage in _split(part, settings, is_markdown=is_markdown)]
    if not passages:
        raise Unreadable(ONLY_PICTURES if pages and pages[0][0] is not None else NO_TEXT)
    return passages


def _split(
    pages: Sequence[tuple[int | None, str]], settings: ReadingSettings, *, is_markdown: bool
) -> Iterator[tuple[int | None, str]]:
    """Cut these pages as if they were one text."""
    plain = _PAGE_END.join(_UNWANTED.sub(" ", text) for _, text in pages)
    begins = list(accumulate((len(text) + len(_PAGE_END) for _, text in pages[:-1]), initial=0))
    splitter = MarkdownSplitter if is_markdown else TextSplitter
    length = settings.length_for(guess_language(plain))
    for begin, piece in _cut_long(plain):
        for position, passage in splitter(length, settings.overlap).chunk_indices(piece):
            yield pages[bisect_right(begins, begin + position) - 1][0], passage


def _cut_long(text: str) -> Iterator[tuple[int, str]]:
    """Yield text in pieces with their places: a line without end costs the splitter the square of its length."""
    begin = 0
    while len(text) - begin > _LONGEST_PIECE:
        middle, end = begin + _LONGEST_PIECE // 2, begin + _LONGEST_PIECE
        ends = [place + 1 for mark in "\n " if (place := text.rfind(mark, middle, end)) >= 0]
        yield begin, text[begin : (ends or [end])[0]]
        begin = (ends or [end])[0]
    yield begin, text[begin:]


def _keeps_structure(media_type: str, settings: ReadingSettings) -> bool:
    return settings.keep_structure and media_type not in UNSTRUCTURED


def _decode(content: bytes, charset: str | None) -> str:
    return decode(content) if charset is None else content.decode(CHARSETS[charset], "replace")


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
