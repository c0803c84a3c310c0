"""Which formats an import reads, and how one is told from the others."""

from typing import Final, Literal, TypeAlias

from frontdesk.core.media import XLSX

ImportFormat: TypeAlias = Literal["csv", "xlsx", "ndjson", "vcard"]

FORMATS: Final[tuple[ImportFormat, ...]] = ("csv", "xlsx", "ndjson", "vcard")

_EXTENSIONS: Final[dict[str, ImportFormat]] = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "xlsx": "xlsx",
    "ndjson": "ndjson", "jsonl": "ndjson", "vcf": "vcard", "vcard": "vcard",
}  # fmt: skip


def guess_format(filename: str, head: bytes, media_type: str) -> ImportFormat:
    """Return the format of a file by its name, or by its first bytes when the name says nothing."""
    by_name = _EXTENSIONS.get(filename.rpartition(".")[2].lower())
    if media_type == XLSX or head.startswith(b"PK"):
        return "xlsx"
    if by_name is not None and by_name != "xlsx":
        return by_name
    beginning = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:20].upper()
    if beginning.startswith(b"BEGIN:VCARD"):
        return "vcard"
    return "ndjson" if beginning.startswith(b"{") else "csv"
