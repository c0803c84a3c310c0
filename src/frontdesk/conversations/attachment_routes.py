"""REST: attachments. An address that we gave opens a file without a key."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from frontdesk.conversations import attachments as actions
from frontdesk.conversations.access import access_attachment, access_conversation
from frontdesk.conversations.bodies import AttachmentOut, attachment_out
from frontdesk.conversations.model import Attachment
from frontdesk.core.errors import NotFound, TooLarge
from frontdesk.core.ids import AttachmentId, ConversationId
from frontdesk.core.media import HTML, SVG, UNKNOWN
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.core.upload_form import read_file
from frontdesk.core.wire import LenientModel, reply
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.keys import find_key_caller
from frontdesk.organizations.model import Right

router = APIRouter(tags=["attachments"])

# An upload is redeemed once, so nothing is done twice without an Idempotency-Key; and a file is not read for its hash.
Bring = Annotated[Ctx, needs(Right.CONVERSATIONS_REPLY, keeps_answer=False)]
View = Annotated[Ctx, needs(Right.CONVERSATIONS_VIEW)]

_NO_LIMIT: Final = 2**62  # bytes of the request: both readers below count
_MAX_JSON_BYTES: Final = 65_536
_MAY_RUN: Final = frozenset({HTML, SVG})


class NewAttachmentBody(LenientModel):
    """An upload to be attached: `file` is its key. What kind of file it is, its content tells."""

    file: str
    filename: str | None = None


_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": NewAttachmentBody.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}


@router.post(
    "/attachments", status_code=201, response_model=AttachmentOut, max_body_size=_NO_LIMIT, openapi_extra=_BODY
)
async def create_attachment(request: Request, ctx: Bring) -> Response:
    """Bring a file for a message: the key of an upload, or the file itself as multipart/form-data.

    Problems: `invalid-request`, `not-found`, `upload-spent`, `too-large`, `too-many-requests`.
    """
    return render(request, ctx, await _bring(request, ctx, None), status=201)


@router.post(
    "/conversations/{conversation_id}/attachments",
    status_code=201,
    response_model=AttachmentOut,
    max_body_size=_NO_LIMIT,
    openapi_extra=_BODY,
)
async def create_conversation_attachment(request: Request, ctx: Bring, conversation_id: ConversationId) -> Response:
    """Bring a file for a message of this conversation.

    Problems: `invalid-request`, `not-found`, `upload-spent`, `too-large`, `too-many-requests`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        await access_conversation(tx, ctx.caller, conversation_id, Right.CONVERSATIONS_REPLY)
    return render(request, ctx, await _bring(request, ctx, conversation_id), status=201)


@router.get("/attachments/{attachment_id}", response_model=AttachmentOut)
async def get_attachment(request: Request, ctx: View, attachment_id: AttachmentId) -> Response:
    """Return an attachment with a new address of its file. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        attachment = await access_attachment(tx, ctx.caller, attachment_id)
    return render(request, ctx, attachment)


@router.get(
    "/attachments/{attachment_id}/file",
    responses={200: {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}},
    response_class=StreamingResponse,
)
async def get_attachment_file(
    request: Request,
    attachment_id: AttachmentId,
    leave: Annotated[str, Query(max_length=200, description="Part of an address that we gave.")],
) -> Response:
    """Fetch the file at an address that we gave. It is sent to be saved, never to be shown in place.

    Problems: `not-found`, `link-expired`.
    """
    services: Services = request.app.state.services
    given = actions.verify_leave(services.cipher, leave, attachment_id, now=utc_now())
    async with services.db.begin(given.organization_id) as tx:
        caller = await find_key_caller(tx, given.key_id)
        if caller is None:
            raise NotFound
        attachment = await access_attachment(tx, caller, attachment_id)
    return _send(attachment, await actions.open_file(services.files, attachment))


def address_of(ctx: Ctx, attachment: Attachment) -> str:
    """Return where the caller can fetch the file for the next 10 minutes."""
    leave = actions.sign_leave(ctx.services.cipher, ctx.caller, attachment.id, now=utc_now())
    return f"{ctx.services.public_url}/api/v1/attachments/{attachment.id}/file?leave={leave}"


def render(request: Request, ctx: Ctx, attachment: Attachment, *, status: int = 200) -> Response:
    """Answer with an attachment."""
    return reply(request, attachment_out(attachment, address_of(ctx, attachment)), status=status)


async def _bring(request: Request, ctx: Ctx, conversation_id: ConversationId | None) -> Attachment:
    content_type = request.headers.get("content-type", "")
    if content_type.lower().startswith("multipart/form-data"):
        limit = ctx.services.max_upload_bytes
        filename, content = await read_file(content_type, request.stream(), max_bytes=limit)
        return await actions.bring_attachment(
            ctx.services, ctx.caller, filename=filename, content=content, conversation_id=conversation_id
        )
    body = await _read_json(request)
    async with ctx.db.begin(ctx.organization_id) as tx:
        return await actions.redeem_attachment(
            tx, ctx.caller, body.file, filename=body.filename, conversation_id=conversation_id
        )


async def _read_json(request: Request) -> NewAttachmentBody:
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > _MAX_JSON_BYTES:
            raise TooLarge(facts={"max_bytes": _MAX_JSON_BYTES})
    try:
        return NewAttachmentBody.model_validate_json(raw)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]) from error


def _send(attachment: Attachment, content: AsyncIterator[bytes]) -> StreamingResponse:
    media_type = UNKNOWN if attachment.media_type in _MAY_RUN else attachment.media_type
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(attachment.filename, safe='')}",
        "Content-Length": str(attachment.size_bytes),
        "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    }
    return StreamingResponse(content, media_type=media_type, headers=headers)
