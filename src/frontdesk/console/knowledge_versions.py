"""The versions of a file: downloaded, replaced, put back."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from frontdesk.console.faults import screen_router
from frontdesk.console.knowledge import PATH, Editor, Viewer
from frontdesk.console.knowledge_files import bring, refuse_more_than
from frontdesk.console.pages import go, look_of
from frontdesk.core.errors import FrontdeskError, InvalidRequest, NotFound
from frontdesk.core.ids import DocumentId, KnowledgeBaseId
from frontdesk.knowledge.access import access_document
from frontdesk.knowledge.model import NewFile
from frontdesk.knowledge.reading import HIGHEST_NUMBER
from frontdesk.knowledge.version_actions import access_version, add_version, restore_version
from frontdesk.knowledge.version_routes import send_version

router = screen_router()

_SLACK_BYTES = 100_000  # of a form beside its file
_NO_LIMIT = 2**62  # bytes of a request: they are counted below, where the operator's limit is known
_FILE = "/knowledge/{base_id}/files/{file_id}"


@router.get(f"{_FILE}/content")
async def download(
    base_id: UUID, file_id: UUID, member: Viewer, version: Annotated[int | None, Query(ge=1, le=HIGHEST_NUMBER)] = None
) -> Response:
    """Send a file as it was uploaded, to be saved."""
    async with member.db.begin(member.organization_id) as tx:
        found = await access_version(tx, member.caller, KnowledgeBaseId(base_id), DocumentId(file_id), version)
    return await send_version(member.services.files, found)


@router.post(f"{_FILE}/versions", max_body_size=_NO_LIMIT)
async def replace(request: Request, base_id: UUID, file_id: UUID, member: Editor) -> Response:
    """Take a new version of a file; the old one answers until it is read."""
    base, document = KnowledgeBaseId(base_id), DocumentId(file_id)
    async with member.db.begin(member.organization_id) as tx:
        await access_document(tx, member.caller, base, document, "file")
    refuse_more_than(request, member.services.max_upload_bytes + _SLACK_BYTES)
    look = look_of(request)
    try:
        async with request.form(max_files=1) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile) or not file.filename:
                raise InvalidRequest("Choose a file.", pointer="/file")
            stored = await bring(member, file)
        async with member.db.begin(member.organization_id) as tx:
            await add_version(tx, member.caller, base, document, NewFile(stored.key))
    except NotFound:
        raise
    except FrontdeskError as error:
        return go(request, f"{PATH}/{base_id}", flash=look._(error.detail))
    flash = look._("The new version is being read. Until then the old one answers.")
    return go(request, f"{PATH}/{base_id}", flash=flash)


@router.post(f"{_FILE}/versions/restore")
async def restore(
    request: Request,
    base_id: UUID,
    file_id: UUID,
    member: Editor,
    number: Annotated[int, Form(ge=1, le=HIGHEST_NUMBER)],
) -> Response:
    """Put an older version back as soon as it is read."""
    async with member.db.begin(member.organization_id) as tx:
        await restore_version(tx, member.caller, KnowledgeBaseId(base_id), DocumentId(file_id), number)
    flash = look_of(request)._("The version is being read. Until then the present one answers.")
    return go(request, f"{PATH}/{base_id}", flash=flash)
