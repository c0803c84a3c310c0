"""Reading foreign files: in a process of its own, which may take so much time and memory and has no secrets."""

import asyncio
import json
import signal
import tempfile
from dataclasses import dataclass
from typing import Final

from frontdesk.core.sandbox import run_confined
from frontdesk.knowledge.parse_process import UNREADABLE
from frontdesk.knowledge.reading import USUAL, ReadingSettings

TOO_LONG: Final = "Reading the file took too long. Cut it into smaller files."
_OUTPUT_BYTES: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may cost. `memory_bytes` is address space."""

    seconds: int = 60  # of processor time, and as many by the clock
    memory_bytes: int = 1_500_000_000


@dataclass(frozen=True, slots=True)
class RawPassage:
    """A piece of text of a file. `page_number` None: the file has no pages."""

    page_number: int | None
    text: str


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a file says; at least one passage. `page_count` None: it has no pages."""

    passages: tuple[RawPassage, ...]
    page_count: int | None


class ParseFailed(Exception):
    """The file could not be read; the message says why, for people."""


async def parse_file(content: bytes, media_type: str, limits: Limits, settings: ReadingSettings = USUAL) -> ParsedFile:
    """Read a file and cut it into passages. Raises ParseFailed, and CancelledError when all is told to stop."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as answered:
        given.write(content)
        given.seek(0)
        try:
            status = await run_confined(
                "frontdesk.knowledge.parse_process",
                *(media_type, str(limits.seconds), str(limits.memory_bytes), str(_OUTPUT_BYTES)),
                json.dumps(settings.to_json()),
                given=given,
                answered=answered,
                seconds=limits.seconds,
            )
        except TimeoutError as error:
            raise ParseFailed(TOO_LONG) from error
        answered.seek(0)
        return _read_answer(status, answered.read(), media_type)


def _read_answer(status: int | None, answer: bytes, media_type: str) -> ParsedFile:
    if status == -signal.SIGXCPU:
        raise ParseFailed(TOO_LONG)
    if status == -signal.SIGTERM:  # a stopping system reaches what we run, too
        raise asyncio.CancelledError
    if status != 0:  # the parser crashed, or wanted more memory than it may have
        raise ParseFailed(UNREADABLE[media_type])
    read = json.loads(answer)
    if "failure" in read:
        raise ParseFailed(read["failure"])
    return ParsedFile(tuple(RawPassage(page, text) for page, text in read["passages"]), read["pages"])
