"""Writes the FAQs of a knowledge base, or the labels of its documents, into a file that a batch reads back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, Final, Literal, TypeAlias

from frontdesk.core.cells import join_list
from frontdesk.core.ids import DocumentId, KnowledgeBaseId
from frontdesk.core.services import Services
from frontdesk.core.sheet_writing import open_sheet_writer
from frontdesk.core.text import dump_json
from frontdesk.knowledge import batch_queries
from frontdesk.knowledge.access import access_base
from frontdesk.organizations.model import Caller

SheetKind: TypeAlias = Literal["faqs", "labels"]

COLUMNS: Final[dict[SheetKind, tuple[str, ...]]] = {
    "faqs": ("id", "question", "answer", "labels", "metadata"),
    "labels": ("id", "kind", "title", "labels", "metadata"),
}
_KINDS: Final[dict[SheetKind, Sequence[str]]] = {"faqs": ("faq",), "labels": ("file", "faq")}
_PAGE: Final = 500
_PIECE: Final = 65_536


async def export_sheet(
    services: Services, caller: Caller, base_id: KnowledgeBaseId, kind: SheetKind, file_format: str
) -> AsyncIterator[bytes]:
    """Return the pieces of a finished file, `csv` or `xlsx`. Raises NotFound, and DoesNotFit for a workbook."""
    file = await asyncio.to_thread(TemporaryFile)
    try:
        writer = open_sheet_writer(file_format, file, COLUMNS[kind], title="Documents")
        try:
            async for rows in _list_rows(services, caller, base_id, kind):
                await asyncio.to_thread(writer.write, rows)
            await asyncio.to_thread(writer.finish)
        except BaseException:
            with suppress(Exception):
                writer.abandon()
            raise
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return _stream(file)


async def _list_rows(
    services: Services, caller: Caller, base_id: KnowledgeBaseId, kind: SheetKind
) -> AsyncIterator[list[list[str]]]:
    after: DocumentId | None = None
    while True:
        async with services.db.begin(caller.organization_id) as tx:
            await access_base(tx, caller, base_id)
            page = await batch_queries.list_contents(tx, base_id, kinds=_KINDS[kind], after=after, limit=_PAGE)
        if not page:
            return
        rows = []
        for document_id, document_kind, title, faq, labels, metadata in page:
            said = [faq.question, faq.answer] if faq and kind == "faqs" else [document_kind, title]
            rows.append([str(document_id), *said, join_list(labels), dump_json(metadata) if metadata else ""])
        yield rows
        after = page[-1][0]


async def _stream(file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
