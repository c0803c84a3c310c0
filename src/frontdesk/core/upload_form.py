"""Reads a form whose last part is a file; the fields are checked before anything of the file is taken.

Source: RFC 7578 (multipart/form-data).
"""

from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from frontdesk.core.errors import InvalidRequest, TooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

SPOOL_LIMIT: Final = 10_000_000  # bytes of a file that are kept in memory
FIELDS_LIMIT: Final = 32_768  # bytes of everything that is not the file


class Allowed(Protocol):
    """Leave to send one file."""

    @property
    def max_bytes(self) -> int:
        """How large it may be."""
        ...


A = TypeVar("A", bound=Allowed)


@dataclass(frozen=True, slots=True)
class _Anything:
    """Leave that does not depend on the fields."""

    max_bytes: int


class _NotAForm(InvalidRequest):
    """The body cannot be read as a form with a file."""

    def __init__(self) -> None:
        super().__init__("Send multipart/form-data whose last part is called `file`.")


async def read_form(
    content_type: str, body: AsyncIterable[bytes], verify: Callable[[Mapping[str, str]], A]
) -> tuple[A, IO[bytes]]:
    """Return what the fields allow, and the part `file`, which must come last, as a file: a large one is on disk.

    `verify` is given the fields before the first byte of the file is kept; what it raises ends the reading. Raises
    InvalidRequest, and TooLarge.
    """
    form = _Form(verify)
    try:
        await _parse(content_type, body, form)
        return form.result()
    except BaseException:
        form.close()
        raise


async def read_file(content_type: str, body: AsyncIterable[bytes], *, max_bytes: int) -> tuple[str, bytes]:
    """Return name and content of the part `file`, which must come last. Raises InvalidRequest, and TooLarge."""
    form = _Form(lambda _: _Anything(max_bytes))
    try:
        await _parse(content_type, body, form)
        _, file = form.result()
        return form.filename, file.read()
    finally:
        form.close()


async def _parse(content_type: str, body: AsyncIterable[bytes], form: "_Form[A]") -> None:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise _NotAForm
    try:
        parser = MultipartParser(options[b"boundary"], form.callbacks())
        async for piece in body:
            parser.write(piece)
        parser.finalize()
    except MultipartParseError as error:
        raise _NotAForm from error


class _Form(Generic[A]):
    """What the parser's callbacks have gathered so far."""

    def __init__(self, verify: Callable[[Mapping[str, str]], A]) -> None:
        self.filename = ""
        self._verify = verify
        self._allowed: A | None = None
        self._fields: dict[str, str] = {}
        self._seen = 0  # bytes outside the file
        self._header = bytearray()
        self._disposition = b""
        self._value = b""
        self._name = ""
        self._part = bytearray()
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=SPOOL_LIMIT)  # noqa: SIM115 -- closed by who is given it
        self._room = 0  # bytes that the present part may still have
        self._is_complete = False

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._take_header,
            "on_header_value": self._take_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._open,
            "on_part_data": self._take,
            "on_part_end": self._end,
        }

    def close(self) -> None:
        self._file.close()

    def result(self) -> tuple[A, IO[bytes]]:
        if self._allowed is None or not self._is_complete:
            raise _NotAForm
        self._file.seek(0)
        return self._allowed, self._file

    def _begin(self) -> None:
        if self._is_complete:
            raise InvalidRequest("The part `file` comes last.")
        self._disposition, self._part = b"", bytearray()

    def _take_header(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header += data[start:end]

    def _take_value(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = bytearray(), b""

    def _open(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == "file":
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")
            self._allowed = self._verify(self._fields)
        self._room = self._allowed.max_bytes if self._allowed else FIELDS_LIMIT - self._seen

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._room -= end - start
        if self._room < 0:
            raise TooLarge
        if self._name == "file":
            self._file.write(data[start:end])
        else:
            self._part += data[start:end]

    def _end(self) -> None:
        if self._name == "file":
            self._is_complete = True
        else:
            self._count(len(self._part))
            self._fields[self._name] = self._part.decode("utf-8", "replace")

    def _count(self, size: int) -> None:
        self._seen += size
        if self._seen > FIELDS_LIMIT:
            raise TooLarge
