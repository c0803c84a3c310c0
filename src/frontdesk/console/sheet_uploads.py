"""Takes a large file of a form into the store, as an upload that its member redeems at once."""

import asyncio

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from frontdesk.console.members import MemberCtx
from frontdesk.core.errors import InvalidRequest, TooLarge
from frontdesk.core.inputs import clean_name
from frontdesk.core.uploads import UploadPurpose, describe_upload_file, issue_upload, record_upload, store_upload_file

NO_LIMIT = 2**62  # bytes of a request: they are counted here, where the operator's limit is known

_SLACK_BYTES = 100_000  # of a form beside its file


async def receive_sheet(request: Request, member: MemberCtx, purpose: UploadPurpose) -> tuple[str, FormData]:
    """Store the part `file` of the form; return its key and the form. Raises InvalidRequest and TooLarge."""
    limit = member.services.max_import_bytes
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise InvalidRequest("Say how many bytes are sent.")
    if int(length) > limit + _SLACK_BYTES:
        raise TooLarge(facts={"max_bytes": limit})
    async with request.form(max_files=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise InvalidRequest("Choose a file.")
        return await _store(member, file, purpose), form


async def _store(member: MemberCtx, file: UploadFile, purpose: UploadPurpose) -> str:
    services = member.services
    filename = clean_name(file.filename or "", pointer="/filename", max_length=255)
    async with member.db.begin(member.organization_id) as tx:
        form = await issue_upload(
            tx,
            caller=member.caller.reference,
            purpose=purpose,
            filename=filename,
            max_bytes=services.max_import_bytes,
        )
    stored = await asyncio.to_thread(describe_upload_file, form, file.file)
    await store_upload_file(services.files, form.key, file.file)
    async with member.db.begin(member.organization_id) as tx:
        await record_upload(tx, stored)
    return form.key
