"""In which encoding a text is that nobody told: Unicode, else Chinese if that gives usual characters, else Western."""

import codecs
from typing import BinaryIO, Final

WESTERN: Final = "windows-1252"

_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHINESE: Final = {"big5hkscs": (0xA4, 0xC6), "gb18030": (0xB0, 0xD7)}  # first bytes of the frequent characters
_LOOKS_AT: Final = 10_000  # characters, to tell encodings apart
_PIECE: Final = 1_000_000  # bytes


def decode(content: bytes) -> str:
    """Return the text; what cannot be read in its encoding is replaced."""
    if content.startswith(_UTF16_MARKS):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode(_guess_national(content) or WESTERN, "replace")


def guess_encoding(file: BinaryIO) -> str:
    """Return the encoding of a file of any size, read in pieces from its beginning; ends where it began.

    A file that is in no known encoding as a whole is called `utf-8-sig`: some of its rows are broken, not the file.
    """
    file.seek(0)
    head = file.read(_PIECE)
    if head.startswith(_UTF16_MARKS):
        file.seek(0)
        return "utf-16"
    candidates = ["utf-8-sig", *filter(None, [_guess_national(_from_foreign(file))])]
    found = next((encoding for encoding in candidates if _is_whole(file, encoding)), "utf-8-sig")
    file.seek(0)
    return found


def _from_foreign(file: BinaryIO) -> bytes:
    """Return the part of the file around its first byte beyond ASCII, whole lines as far as possible."""
    file.seek(0)
    while piece := file.read(_PIECE):
        if not piece.isascii():
            return piece[: piece.rfind(b"\n") + 1] or piece
    return b""


def _is_whole(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while piece := file.read(_PIECE):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _guess_national(content: bytes) -> str | None:
    best = max(_CHINESE, key=lambda encoding: _share_of_frequent(content, encoding))
    return best if _share_of_frequent(content, best) > 0.5 else None  # noqa: PLR2004 -- in honest text it is 0.9 and more


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
