"""What is done with documents: files come in, are read again, labelled and deleted; FAQs are labelled and deleted.

Files are read by a job. FAQs are written in `writing.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from frontdesk.access.model import DocumentKind
from frontdesk.access.queries import raise_scope_version
from frontdesk.access.warnings import AccessWarning
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId, new_id
from frontdesk.core.inputs import check_json, clean_line, clean_name
from frontdesk.core.jobs import enqueue
from frontdesk.core.live import Event, announce
from frontdesk.core.media import EXTENSIONS
from frontdesk.core.text import utc_now
from frontdesk.core.uploads import redeem_upload
from frontdesk.knowledge import document_queries, queries, version_queries
from frontdesk.knowledge.access import access_base, access_document
from frontdesk.knowledge.document_queries import NewDocument
from frontdesk.knowledge.errors import DocumentBusy, UnsupportedFile
from frontdesk.knowledge.model import Document, DocumentState, LabelWish, NewFile
from frontdesk.knowledge.reading import (
    CHARSETS,
    LONGEST_PASSAGE,
    PASSAGE_LENGTH,
    SHORTEST_PASSAGE,
    USUAL,
    FileVersion,
    ReadingSettings,
)
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

MAX_METADATA_BYTES: Final = 65_536

Warnings = tuple[AccessWarning, ...]


@dataclass(frozen=True, slots=True)
class Reparse:
    """A file to be read again. `parser` None: the caller names none; `settings` None: as it was read last."""

    id: DocumentId
    parser: str | None = None
    settings: ReadingSettings | None = None


def name_uploader(caller: Caller) -> str:
    """Return the name under which the caller's uploads are kept: nobody else redeems them."""
    return caller.reference


async def add_files(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, files: Sequence[NewFile]
) -> list[tuple[Document, Warnings]]:
    """Turn uploads of the caller into documents, which a job then reads.

    Return them in the order given, each with remarks on unknown labels, and on a file that has the same content.

    Right: knowledge.edit. Raises NotFound (also for an upload that is not the caller's), UploadSpent, UnsupportedFile.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    await access_base(tx, caller, base_id)
    added: list[tuple[Document, Warnings]] = []
    for index, file in enumerate(files):
        document_id, twins = await _add_file(tx, caller, base_id, file, at=f"/files/{index}")
        warnings, _ = await set_labels(tx, base_id, document_id, file.labels, at=f"/files/{index}/labels")
        added.append((await access_document(tx, caller, base_id, document_id, "file"), twins + warnings))
    return added


async def _add_file(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, file: NewFile, *, at: str
) -> tuple[DocumentId, Warnings]:
    document_id, settings = DocumentId(new_id()), check_settings(file.settings)
    version = await redeem_version(tx, caller, document_id, file.upload_key, filename=file.filename, number=1)
    twin = await version_queries.find_twin(tx, base_id, version.sha256)
    new = NewDocument(document_id, base_id, "file", version.filename, "initial")
    await document_queries.insert_document(tx, new, now=utc_now())
    await version_queries.insert_version(tx, version)
    await document_queries.upsert_file(tx, document_id, version, settings)
    if file.parser is not None:
        await document_queries.update_parser(tx, document_id, clean_line(file.parser, pointer="/parser"))
    await await_reading(tx, document_id, version.number, settings)
    await audit.record(tx, caller, "document.created", "document", document_id, payload={"title": version.filename})
    return document_id, () if twin is None else (_warn_of_twin(*twin, at=f"{at}/file"),)


async def redeem_version(
    tx: Tx, caller: Caller, document_id: DocumentId, upload_key: str, *, filename: str | None, number: int
) -> FileVersion:
    """Take an upload of the caller as a version of a file; it is not stored yet. `filename` None: as it was uploaded.

    Raises NotFound, UploadSpent, UnsupportedFile and InvalidRequest.
    """
    stored = await redeem_upload(tx, upload_key, caller=name_uploader(caller), purpose="chatbot-file")
    if stored.media_type not in EXTENSIONS:
        raise UnsupportedFile
    name = clean_name(filename or stored.filename, pointer="/filename")
    facts = (stored.key, stored.media_type, stored.size_bytes, stored.sha256)
    return FileVersion(document_id, number, name, *facts, name_uploader(caller), utc_now())


async def reparse_files(tx: Tx, caller: Caller, base_id: KnowledgeBaseId, wanted: Sequence[Reparse]) -> list[Document]:
    """Read files again, failed ones too; what they said until then goes on answering until that is done.

    Right: knowledge.edit. Raises NotFound, InvalidRequest, and DocumentBusy when one of them is being read now.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    ids = list(dict.fromkeys(one.id for one in wanted))
    await access_base(tx, caller, base_id)
    if len(await document_queries.find_documents(tx, base_id, ids, "file")) != len(ids):
        raise NotFound
    _refuse_busy(await document_queries.lock_documents(tx, ids))
    for one in wanted:
        if one.parser is not None:
            await document_queries.update_parser(tx, one.id, clean_line(one.parser, pointer="/parser"))
    for document_id, settings in {one.id: one.settings for one in wanted}.items():
        last = await version_queries.find_wanted(tx, document_id)
        version, usual = last or (1, USUAL)
        await await_reading(tx, document_id, version, check_settings(settings or usual))
        await audit.record(tx, caller, "document.reparsed", "document", document_id)
    return await document_queries.find_documents(tx, base_id, ids, "file")


def check_settings(settings: ReadingSettings) -> ReadingSettings:
    """Return the settings themselves. Raises InvalidRequest when nothing can be read with them."""
    shortest = settings.passage_length or min(PASSAGE_LENGTH.values())
    if not SHORTEST_PASSAGE <= shortest <= LONGEST_PASSAGE:
        raise InvalidRequest("A passage has from 100 to 2000 characters.", pointer="/settings/passageLength")
    if not 0 <= settings.overlap <= shortest // 2:
        raise InvalidRequest("Passages overlap by half their length at most.", pointer="/settings/overlap")
    if settings.charset is not None and settings.charset not in CHARSETS:
        raise InvalidRequest("Files in this charset cannot be read.", pointer="/settings/charset")
    return settings


async def update_document(
    tx: Tx,
    caller: Caller,
    base_id: KnowledgeBaseId,
    document_id: DocumentId,
    kind: DocumentKind,
    *,
    labels: Sequence[LabelWish] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> tuple[Document, Warnings]:
    """Replace the labels, the caller's own metadata, or both; None leaves them. Unknown labels are ignored and told.

    Right: knowledge.edit. Raises NotFound and InvalidRequest.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    old = await access_document(tx, caller, base_id, document_id, kind)
    await document_queries.lock_documents(tx, [document_id])
    if metadata is not None:
        check_json(metadata, pointer="/rawUserDefineMetadata", max_bytes=MAX_METADATA_BYTES)
        await document_queries.update_metadata(tx, document_id, dict(metadata), now=utc_now())
    warnings: Warnings = ()
    if labels is not None:
        warnings, is_changed = await set_labels(tx, base_id, document_id, labels, at="/labels")
        if is_changed:
            await record_labels(tx, caller, old)
            await raise_scope_version(tx)
    return await access_document(tx, caller, base_id, document_id, kind), warnings


async def delete_document(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, document_id: DocumentId, kind: DocumentKind
) -> None:
    """Delete one file or FAQ: gone for every reader at once, removed by a job.

    Right: knowledge.edit. Raises NotFound, and DocumentBusy while it is being read.
    """
    await access_document(tx, caller, base_id, document_id, kind)
    await delete_documents(tx, caller, base_id, kind, [document_id])


async def delete_documents(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, kind: DocumentKind, ids: Collection[DocumentId] | None
) -> None:
    """Delete these files or FAQs, or all of the knowledge base (`ids` None); unknown ids are passed over.

    Right: knowledge.edit. Raises NotFound for the base, and DocumentBusy, deleting nothing, while one is being read.
    """
    caller.require(Right.KNOWLEDGE_EDIT)
    await access_base(tx, caller, base_id)
    found = await document_queries.find_documents(tx, base_id, None if ids is None else list(ids), kind)
    if not found:
        return
    _refuse_busy(await document_queries.lock_documents(tx, [document.id for document in found]))
    await document_queries.hide_documents(tx, [document.id for document in found], now=utc_now())
    for document in found:
        payload = {"title": document.title, "kind": kind}
        await audit.record(tx, caller, "document.deleted", "document", document.id, payload=payload)
    await enqueue(tx, "knowledge.documents_removed", lock=f"removal:{base_id}", base_id=base_id)
    await raise_scope_version(tx)


async def set_labels(
    tx: Tx, base_id: KnowledgeBaseId, document_id: DocumentId, wishes: Sequence[LabelWish], *, at: str
) -> tuple[Warnings, bool]:
    """Give the document these labels of its knowledge base; return remarks on unknown ones, and whether it changed.

    `at` is the JSON pointer of the list. Raises the scope version in no case: the caller decides when.
    """
    ids = [wish.id for wish in wishes if wish.id is not None]
    names = [wish.name.strip() for wish in wishes if wish.name is not None]
    known = await queries.find_labels(tx, base_id, ids=ids, names=names)
    by_id, by_name = {label.id: label.id for label in known}, {label.name: label.id for label in known}
    found: list[LabelId] = []
    warnings: list[AccessWarning] = []
    for index, wish in enumerate(wishes):
        label_id = by_id.get(wish.id) if wish.id is not None else by_name.get((wish.name or "").strip())
        if label_id is not None:
            found.append(label_id)
        else:
            facts = {"label": str(wish.id or wish.name)}
            detail = "The knowledge base has no such label."
            warnings.append(AccessWarning("unknown-label", f"{at}/{index}", detail, facts))
    is_changed = await document_queries.replace_labels(tx, base_id, document_id, sorted(set(found)))
    return tuple(warnings), is_changed


async def record_labels(tx: Tx, caller: Caller, old: Document) -> None:
    """Note in the audit log that the labels of the document are not those of `old` any more."""
    new = await document_queries.find_document(tx, old.knowledge_base_id, old.id, old.kind)
    labels = {"before": _names(old.labels), "after": _names(new.labels if new else ())}
    await audit.record(tx, caller, "document.labelled", "document", old.id, payload={"labels": labels})


async def await_reading(tx: Tx, document_id: DocumentId, version: int, settings: ReadingSettings) -> None:
    """Let a job read this version next. The caller holds the document."""
    now = utc_now()
    await version_queries.begin_reading(tx, document_id, version, settings, now=now)
    await document_queries.update_unread(tx, document_id, "initial", now=now)
    await enqueue(tx, "knowledge.document_added", lock=f"document:{document_id}", document_id=document_id)
    await announce(tx, Event("document", document_id))


def _warn_of_twin(twin_id: DocumentId, title: str, *, at: str) -> AccessWarning:
    detail = "A file of the knowledge base has the same content."
    return AccessWarning("same-content", at, detail, {"id": str(twin_id), "filename": title})


def _names(labels: Iterable[tuple[LabelId, str]]) -> list[str]:
    return [name for _, name in labels]


def _refuse_busy(states: Mapping[DocumentId, DocumentState]) -> None:
    for document_id, state in states.items():
        if state == "processing":
            raise DocumentBusy(facts={"id": str(document_id)})
