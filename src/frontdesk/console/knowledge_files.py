"""The files of a knowledge base: uploaded here, read by a worker, shown with their state as it changes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile

from frontdesk.console.faults import screen_router
from frontdesk.console.knowledge import PATH, Editor, Offset, Viewer, load_head
from frontdesk.console.labelling import list_all_labels
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import go, is_fragment, look_of, page
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, InvalidRequest, TooLarge
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.core.inputs import clean_name
from frontdesk.core.text import dump_json
from frontdesk.core.uploads import StoredFile, describe_upload, issue_upload, record_upload, store_upload
from frontdesk.knowledge.access import access_base, access_document
from frontdesk.knowledge.chunk_queries import list_chunks
from frontdesk.knowledge.document_actions import Reparse, add_files, name_uploader, reparse_files
from frontdesk.knowledge.document_queries import list_documents
from frontdesk.knowledge.model import DocumentFilter, DocumentState, LabelWish, NewFile
from frontdesk.knowledge.reading import CHARSETS, OF_TEXT, PAGED, UNSTRUCTURED, ReadingSettings
from frontdesk.knowledge.version_queries import find_twin, list_versions

router = screen_router()

MOST_FILES = 20  # of one upload
_SLACK_BYTES = 100_000  # of a form beside its files
_NO_LIMIT = 2**62  # bytes of a request: they are counted below, where the operator's limit is known
_PASSAGES_SHOWN = 20
_VERSIONS_SHOWN = 20
_TWIN = "A file with the same content is here already."
_STATES: dict[str, DocumentState] = {
    "initial": "initial",
    "processing": "processing",
    "done": "done",
    "failed": "failed",
}


class Wanted(BaseModel):
    """Which files the address asks for."""

    model_config = ConfigDict(frozen=True)

    q: str = Field("", max_length=200)
    label: str = ""
    state: str = ""
    offset: int = Field(0, ge=0, le=10_000_000)

    @property
    def label_id(self) -> LabelId | None:
        """The label that is asked for."""
        try:
            return LabelId(UUID(self.label))
        except ValueError:
            return None


class How(BaseModel):
    """How a file is to be read, as the form has it; a button alone sends nothing of it."""

    model_config = ConfigDict(frozen=True)

    is_set: bool = False
    passage_length: str = Field("", pattern=r"^\d{0,6}$")
    overlap: str = Field("", pattern=r"^\d{0,6}$")
    keep_structure: bool = False
    split_by_page: bool = False
    charset: str = ""

    def to_settings(self) -> ReadingSettings | None:
        """Return what the action takes."""
        if not self.is_set:
            return None
        return ReadingSettings(
            passage_length=int(self.passage_length) if self.passage_length else None,
            overlap=int(self.overlap or 0),
            keep_structure=self.keep_structure,
            split_by_page=self.split_by_page,
            charset=self.charset or None,
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not taken, and why. `twin`: the file of the same content that is here already."""

    filename: str
    reason: str
    twin: str = ""


@router.get("/knowledge/{base_id}")
async def show_files(request: Request, base_id: UUID, member: Viewer, wanted: Annotated[Wanted, Query()]) -> Response:
    """List the files that match, the newest first."""
    async with member.db.begin(member.organization_id) as tx:
        context = await _load(tx, member, base_id, wanted)
    template = "knowledge/files_rows.html" if is_list_only(request) else "knowledge/files.html"
    return page(request, template, **context, refused=None)


async def _load(tx: Tx, member: MemberCtx, base_id: UUID, wanted: Wanted) -> dict[str, Any]:
    head = await load_head(tx, member, base_id)
    filters = DocumentFilter("file", wanted.q.replace("\x00", "") or None, wanted.label_id, _STATES.get(wanted.state))
    files, count = await list_documents(tx, head.base.id, filters, limit=PAGE_SIZE, offset=wanted.offset)
    said = {"q": wanted.q, "label": wanted.label_id, "state": filters.state, "offset": wanted.offset}
    return {
        "head": head,
        "tab": "files",
        "files": files,
        "count": count,
        "wanted": wanted,
        "limit": PAGE_SIZE,
        "max_megabytes": member.services.max_upload_bytes // 1_000_000,
        "labels": await list_all_labels(tx, head.base.id),
        "address": address_of(f"{PATH}/{head.base.id}", said),
    }


# --- upload ---


@router.post("/knowledge/{base_id}/files", max_body_size=_NO_LIMIT)
async def upload(request: Request, base_id: UUID, member: Editor) -> Response:
    """Take files; one that is refused keeps none of the others out. The list comes back with what happened."""
    base = KnowledgeBaseId(base_id)
    async with member.db.begin(member.organization_id) as tx:
        await access_base(tx, member.caller, base)
    refuse_more_than(request, MOST_FILES * member.services.max_upload_bytes + _SLACK_BYTES)
    async with request.form(max_files=MOST_FILES) as form:
        files = [part for part in form.getlist("files") if isinstance(part, UploadFile) and part.filename]
        labels = [LabelWish.parse(str(part)) for part in form.getlist("labels")]
        takes_twins = form.get("twins") == "take"
        refused = [one for file in files if (one := await _take(member, base, file, labels, takes_twins=takes_twins))]
    if "application/json" in request.headers.get("accept", ""):
        return _tell(request, refused)
    if not is_fragment(request) and not refused:
        return go(request, f"{PATH}/{base_id}", flash=look_of(request)._("The files are being read."))
    async with member.db.begin(member.organization_id) as tx:
        context = await _load(tx, member, base_id, Wanted())
    template = "knowledge/files_rows.html" if is_fragment(request) else "knowledge/files.html"
    return page(request, template, **context, refused=refused)


def _tell(request: Request, refused: Sequence[Refused]) -> Response:
    """Answer a page that sends its files one by one."""
    translate = look_of(request)._
    rows = [{"filename": one.filename, "reason": translate(one.reason), "twin": one.twin} for one in refused]
    return Response(dump_json({"refused": rows}), media_type="application/json")


def refuse_more_than(request: Request, most_bytes: int) -> None:
    """Refuse before anything is read; browsers always say how much they send."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise InvalidRequest("Say how many bytes are sent.")
    if int(length) > most_bytes:
        raise TooLarge(facts={"max_bytes": most_bytes})


async def _take(
    member: MemberCtx, base_id: KnowledgeBaseId, file: UploadFile, labels: Sequence[LabelWish], *, takes_twins: bool
) -> Refused | None:
    """Store the file and make it a document; return why not, if it is refused."""
    name = file.filename or ""
    try:
        stored = await bring(member, file)
        async with member.db.begin(member.organization_id) as tx:
            twin = None if takes_twins else await find_twin(tx, base_id, stored.sha256)
            if twin is not None:
                return Refused(name, _TWIN, twin[1])
            await add_files(tx, member.caller, base_id, [NewFile(stored.key, labels=labels)])
    except FrontdeskError as error:
        return Refused(name, error.detail)
    return None


async def bring(member: MemberCtx, file: UploadFile) -> StoredFile:
    """Store a file as an upload of the member, who may redeem it. Raises TooLarge, InvalidRequest and others."""
    services, uploader = member.services, name_uploader(member.caller)
    if (file.size or 0) > services.max_upload_bytes:
        raise TooLarge
    filename = clean_name(file.filename or "", pointer="/filename", max_length=255)
    async with member.db.begin(member.organization_id) as tx:
        form = await issue_upload(
            tx,
            caller=uploader,
            purpose="chatbot-file",
            filename=filename,
            max_bytes=services.max_upload_bytes,
        )
    content = await file.read()
    stored = await asyncio.to_thread(describe_upload, form, content)
    await store_upload(services.files, form.key, content)
    async with member.db.begin(member.organization_id) as tx:
        await record_upload(tx, stored)
    return stored


# --- one file ---


@router.get("/knowledge/{base_id}/files/{file_id}")
async def show_file(request: Request, base_id: UUID, file_id: UUID, member: Viewer, offset: Offset = 0) -> Response:
    """Show the passages that the assistant finds in a file."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, base_id)
        file = await access_document(tx, member.caller, head.base.id, DocumentId(file_id), "file")
        passages, count = await list_chunks(tx, head.base.id, file.id, limit=_PASSAGES_SHOWN, offset=offset)
        versions, _ = await list_versions(tx, file.id, limit=_VERSIONS_SHOWN)
    return page(
        request,
        "knowledge/file.html",
        head=head,
        file=file,
        passages=passages,
        versions=versions,
        charsets=tuple(CHARSETS),
        is_paged=file.file is not None and file.file.media_type in PAGED,
        is_text=file.file is not None and file.file.media_type in OF_TEXT,
        is_structured=file.file is not None and file.file.media_type not in UNSTRUCTURED,
        count=count,
        offset=offset,
        limit=_PASSAGES_SHOWN,
        address=address_of(f"{PATH}/{base_id}/files/{file_id}", {"offset": offset}),
    )


@router.post("/knowledge/{base_id}/files/{file_id}/read-again")
async def read_again(
    request: Request, base_id: UUID, file_id: UUID, member: Editor, how: Annotated[How, Form()]
) -> Response:
    """Let the worker read a file once more, as it did last or as the form says; open windows hear of it."""
    async with member.db.begin(member.organization_id) as tx:
        wanted = [Reparse(DocumentId(file_id), settings=how.to_settings())]
        await reparse_files(tx, member.caller, KnowledgeBaseId(base_id), wanted)
    if is_fragment(request) and not how.is_set:
        return Response(status_code=204)
    return go(request, f"{PATH}/{base_id}", flash=look_of(request)._("The file is read anew."))
