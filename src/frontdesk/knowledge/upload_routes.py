"""Uploads: `upload-presigned-url/` gives leave, and the address that it names takes the file."""

import asyncio
from collections.abc import Mapping
from typing import IO, Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field

from frontdesk.core.errors import TooLarge
from frontdesk.core.inputs import clean_name
from frontdesk.core.media import EXTENSIONS
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.core.upload_form import read_form
from frontdesk.core.uploads import (
    FIELDS,
    StoredFile,
    UploadForm,
    UploadPurpose,
    describe_upload,
    describe_upload_file,
    issue_upload,
    record_upload,
    sign_form,
    store_upload,
    store_upload_file,
    verify_form,
)
from frontdesk.core.wire import LenientModel, WireModel, reply
from frontdesk.knowledge.document_actions import name_uploader
from frontdesk.knowledge.errors import UnsupportedFile
from frontdesk.organizations.callers import Ctx, any_caller
from frontdesk.organizations.model import Right

router = APIRouter(tags=["uploads"])

UPLOAD_PATH = "/uploads"
_LARGE = frozenset({"contact-import", "document-batch"})
_NO_LIMIT = 2**62  # bytes of the request: how many the file may have is signed into its form
_RIGHTS = {
    "attachment": Right.CONVERSATIONS_REPLY,
    "chatbot-file": Right.KNOWLEDGE_EDIT,
    "contact-import": Right.CONTACTS_IMPORT,
    "document-batch": Right.KNOWLEDGE_EDIT,
}

_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [*FIELDS, "file"],
                    "properties": {key: {"type": "string"} for key in FIELDS}
                    | {"file": {"type": "string", "format": "binary", "description": "The last part."}},
                }
            }
        },
    }
}


class UploadBody(LenientModel):
    """A file that the caller is about to upload, and what for."""

    filename: str
    model_name: UploadPurpose
    file_size: int = Field(0, ge=0)


class UploadFormBody(WireModel):
    """Where to post the file, as multipart/form-data: the fields as they are, then the part `file`."""

    url: str
    fields: dict[str, str]


@router.post("/upload-presigned-url", response_model=UploadFormBody)
async def issue_form(
    request: Request, body: UploadBody, ctx: Annotated[Ctx, any_caller(keeps_answer=False)]
) -> Response:
    """Give leave to upload one file. Problems: `invalid-request`, `forbidden`, `too-large`, `too-many-requests`."""
    ctx.caller.require(_RIGHTS[body.model_name])
    services = ctx.services
    limit = services.max_import_bytes if body.model_name in _LARGE else services.max_upload_bytes
    if body.file_size > limit:
        raise TooLarge(facts={"max_bytes": limit})
    filename = clean_name(body.filename, pointer="/filename", max_length=255)
    async with ctx.db.begin(ctx.organization_id) as tx:
        form = await issue_upload(
            tx, caller=name_uploader(ctx.caller), purpose=body.model_name, filename=filename, max_bytes=limit
        )
    url = f"{ctx.services.public_url}/api/v1{UPLOAD_PATH}"
    return reply(request, UploadFormBody(url=url, fields=sign_form(ctx.services.cipher, form)))


@router.post(UPLOAD_PATH, status_code=204, max_body_size=_NO_LIMIT, openapi_extra=_FORM)
async def take_file(request: Request) -> None:
    """Take the file of a signed form; nobody needs to be signed in, the form says all.

    Problems: `upload-refused`, `upload-spent`, `too-large`, `unsupported-file`.
    """
    services: Services = request.app.state.services

    def verify(fields: Mapping[str, str]) -> UploadForm:
        return verify_form(services.cipher, fields, utc_now())

    form, file = await read_form(request.headers.get("content-type", ""), request.stream(), verify)
    with file:
        stored = await _store(services, form, file)
    async with services.db.begin(form.organization_id) as tx:
        await record_upload(tx, stored)


async def _store(services: Services, form: UploadForm, file: IO[bytes]) -> StoredFile:
    if form.purpose in _LARGE:  # may be large
        stored = await asyncio.to_thread(describe_upload_file, form, file)
        await store_upload_file(services.files, stored.key, file)
        return stored
    content = file.read()
    stored = await asyncio.to_thread(describe_upload, form, content)
    if form.purpose == "chatbot-file" and stored.media_type not in EXTENSIONS:
        raise UnsupportedFile
    await store_upload(services.files, stored.key, content)
    return stored
