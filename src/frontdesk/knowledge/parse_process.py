"""The program that reads one foreign file, in a process of its own. Started by `parsing.py`, never by people.

The file comes in on standard input, JSON goes out on standard output: `{"pages": int | null, "passages": [[int | null,
text]]}` or `{"failure": reason}`. It gives up all that it does not need before it looks at the file.
"""

import ctypes
import io
import json
import os
import re
import resource
import sys
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, Final

from semantic_text_splitter import TextSplitter

from frontdesk.core.media import CSV, DOCX, HTML, MARKDOWN, PDF, PLAIN, PPTX, XLSX
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
_CHINESE: Final = {"big5hkscs": (0xA4, 0xC6), "gb18030": (0xB0, 0xD7)}  # first bytes of the frequent characters
_LOOKS_AT: Final = 10_000  # characters, to tell encodings apart
_UNWANTED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_NOBODY: Final = 65534
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # Source: unshare(2)


class Unreadable(Exception):
    """The file gives no passages; the message says why, for people."""


def main(media_type: str, cpu_seconds: str, memory_bytes: str, output_bytes: str) -> None:
    """Read standard input as `media_type` and write the answer."""
    _leave_network()
    content = sys.stdin.buffer.read()
    _limit(int(cpu_seconds), int(memory_bytes), int(output_bytes))
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
    _become_nobody()
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


def decode(content: bytes) -> str:
    """Read text whose encoding nobody told: Unicode, else Chinese if that gives usual characters, else Western."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        best = max(_CHINESE, key=lambda encoding: _share_of_frequent(content, encoding))
        is_chinese = _share_of_frequent(content, best) > 0.5  # noqa: PLR2004 -- in honest text it is 0.9 and more
        return content.decode(best if is_chinese else "windows-1252", "replace")


def _share_of_frequent(content: bytes, encoding: str) -> float:
    """Return which part of the characters beyond ASCII is frequent, when `content` is read in this encoding."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    letters = [letter for letter in text[:_LOOKS_AT] if letter.isalpha() and not letter.isascii()]
    first, last = _CHINESE[encoding]
    frequent = sum(first <= letter.encode(encoding)[0] <= last for letter in letters)
    return frequent / max(len(letters), 1)


def _check_packed(content: bytes, media_type: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            unpacked = sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unreadable(UNREADABLE[media_type]) from error
    if unpacked > UNPACKED_LIMIT or unpacked > max(SMALL, UNPACKED_RATIO * len(content)):
        raise Unreadable(TOO_MUCH_PACKED)


def _leave_network() -> None:
    """Cut this process off from every network, where the system lets it; it must not have a second thread yet."""
    libc = ctypes.CDLL(None)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _limit(cpu_seconds: int, memory_bytes: int, output_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))  # SIGXCPU tells it from other ends
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_FSIZE: output_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))


def _become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


if __name__ == "__main__":
    main(*sys.argv[1:])
