"""The files of a knowledge base: uploaded here, read by a worker, shown with their state as it changes."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
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
from frontdesk.core.uploads import describe_upload, issue_upload, record_upload, store_upload
from frontdesk.knowledge.access import access_base, access_document
from frontdesk.knowledge.chunk_queries import list_chunks
from frontdesk.knowledge.document_actions import Reparse, add_files, name_uploader, reparse_files
from frontdesk.knowledge.document_queries import list_documents
from frontdesk.knowledge.model import DocumentFilter, DocumentState, LabelWish, NewFile

router = screen_router()

MOST_FILES = 20  # of one upload
_SLACK_BYTES = 100_000  # of a form beside its files
_NO_LIMIT = 2**62  # bytes of a request: they are counted below, where the operator's limit is known
_PASSAGES_SHOWN = 20
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


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not taken, and why."""

    filename: str
    reason: str


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
    _refuse_more_than(request, MOST_FILES * member.services.max_upload_bytes + _SLACK_BYTES)
    async with request.form(max_files=MOST_FILES) as form:
        files = [part for part in form.getlist("files") if isinstance(part, UploadFile) and part.filename]
        labels = [LabelWish.parse(str(part)) for part in form.getlist("labels")]
        refused = [one for file in files if (one := await _take(member, base, file, labels))]
    if not is_fragment(request) and not refused:
        return go(request, f"{PATH}/{base_id}", flash=look_of(request)._("The files are being read."))
    async with member.db.begin(member.organization_id) as tx:
        context = await _load(tx, member, base_id, Wanted())
    template = "knowledge/files_rows.html" if is_fragment(request) else "knowledge/files.html"
    return page(request, template, **context, refused=refused)


def _refuse_more_than(request: Request, most_bytes: int) -> None:
    """Refuse before anything is read; browsers always say how much they send."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise InvalidRequest("Say how many bytes are sent.")
    if int(length) > most_bytes:
        raise TooLarge(facts={"max_bytes": most_bytes})


async def _take(
    member: MemberCtx, base_id: KnowledgeBaseId, file: UploadFile, labels: Sequence[LabelWish]
) -> Refused | None:
    """Store the file and make it a document; return why not, if it is refused."""
    name = file.filename or ""
    services, uploader = member.services, name_uploader(member.caller)
    try:
        if (file.size or 0) > services.max_upload_bytes:
            raise TooLarge
        filename = clean_name(name, pointer="/filename", max_length=255)
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
            await add_files(tx, member.caller, base_id, [NewFile(form.key, labels=labels)])
    except FrontdeskError as error:
        return Refused(name, error.detail)
    return None


# --- one file ---


@router.get("/knowledge/{base_id}/files/{file_id}")
async def show_file(request: Request, base_id: UUID, file_id: UUID, member: Viewer, offset: Offset = 0) -> Response:
    """Show the passages that the assistant finds in a file."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, base_id)
        file = await access_document(tx, member.caller, head.base.id, DocumentId(file_id), "file")
        passages, count = await list_chunks(tx, head.base.id, file.id, limit=_PASSAGES_SHOWN, offset=offset)
    return page(
        request,
        "knowledge/file.html",
        head=head,
        file=file,
        passages=passages,
        count=count,
        offset=offset,
        limit=_PASSAGES_SHOWN,
        address=address_of(f"{PATH}/{base_id}/files/{file_id}", {"offset": offset}),
    )


@router.post("/knowledge/{base_id}/files/{file_id}/read-again")
async def read_again(request: Request, base_id: UUID, file_id: UUID, member: Editor) -> Response:
    """Let the worker read a file once more; open windows hear of it."""
    async with member.db.begin(member.organization_id) as tx:
        await reparse_files(tx, member.caller, KnowledgeBaseId(base_id), [Reparse(DocumentId(file_id))])
    return Response(status_code=204) if is_fragment(request) else go(request, f"{PATH}/{base_id}")
