"""`contacts/{id}/erase/` and `/export/`, `erasures/`, `inboxes/{id}/retention/`."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from frontdesk.core.ids import ContactId, InboxId
from frontdesk.core.secrets import Cipher
from frontdesk.core.wire import LenientModel, PageOf, Paging, Time, WireModel, page_of, paging, reply
from frontdesk.lifecycle import erasing, person_export, retention
from frontdesk.lifecycle.erasing import Mode
from frontdesk.lifecycle.receipt_queries import Erasure
from frontdesk.lifecycle.retention import LONGEST
from frontdesk.lifecycle.retention_queries import Rule
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["privacy"])

Erase = Annotated[Ctx, needs(Right.CONTACTS_ERASE)]
Export = Annotated[Ctx, needs(Right.CONTACTS_EXPORT)]
Configure = Annotated[Ctx, needs(Right.CONTACTS_CONFIGURE)]
Preview = Annotated[Ctx, needs(Right.CONTACTS_CONFIGURE, keeps_answer=False)]
Days = Annotated[int, Field(ge=1, le=LONGEST, description="Since the contact was last seen.")]
ARCHIVE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}


class EraseBody(LenientModel):
    """How much is erased; it must be said, as nobody can take it back."""

    mode: Mode


class ErasureBody(WireModel):
    """An erasure with its receipt, which holds no personal data."""

    id: UUID
    contact: UUID | None  # an id of nobody when all was erased; null: of many, by the rule of the inbox
    inbox: UUID | None
    mode: Mode
    state: str  # running: files are still being deleted
    receipt: dict[str, Any]
    signature: str | None
    is_authentic: bool  # this installation signed exactly this receipt
    is_clean: bool  # no probe found anything
    created_at: Time
    finished_at: Time | None


class ErasurePage(PageOf):
    """A page of erasures, the latest first."""

    results: Sequence[ErasureBody]


class RetentionBody(WireModel):
    """How long anonymous contacts of an inbox are kept; without days for ever."""

    after_days: int | None
    is_enabled: bool
    last_run_at: Time | None
    last_count: int | None


class WriteRetentionBody(LenientModel):
    """A rule; it erases only while it is enabled."""

    after_days: Days
    is_enabled: bool = False


class PreviewBody(LenientModel):
    """What is to be tried."""

    after_days: Days


class LeavingBody(WireModel):
    """A contact that would go."""

    id: UUID
    last_seen_at: Time
    messages: int


class RetentionPreviewBody(WireModel):
    """What a rule would erase now. Who waits for a member is never among them."""

    after_days: int
    count: int
    waiting: int
    sample: Sequence[LeavingBody]


@router.post("/contacts/{contact_id}/erase", response_model=ErasureBody, status_code=202)
async def erase_contact(request: Request, ctx: Erase, contact_id: UUID, body: EraseBody) -> Response:
    """Erase a person everywhere, or only what names them; the receipt is complete when its files are gone.

    Problems: `not-found`, `contact-merged`, `invalid-request`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        erasure = await erasing.erase_contact(tx, ctx.services.cipher, ctx.caller, ContactId(contact_id), body.mode)
    return reply(request, render_erasure(ctx.services.cipher, erasure), status=202)


@router.get("/erasures", response_model=ErasurePage)
async def list_erasures(
    request: Request,
    ctx: Erase,
    paging: Annotated[Paging, Depends(paging)],
    contact: Annotated[UUID | None, Query()] = None,
) -> Response:
    """List erasures, the latest first."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        count, found = await erasing.list_erasures(
            tx,
            ctx.caller,
            contact_id=ContactId(contact) if contact else None,
            limit=paging.limit,
            offset=paging.offset,
        )
    cipher = ctx.services.cipher
    return reply(request, page_of(request, paging, count, [render_erasure(cipher, erasure) for erasure in found]))


@router.get("/erasures/{erasure_id}", response_model=ErasureBody)
async def get_erasure(request: Request, ctx: Erase, erasure_id: UUID) -> Response:
    """Return an erasure, and whether its signature holds. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        erasure = await erasing.get_erasure(tx, ctx.caller, erasure_id)
    return reply(request, render_erasure(ctx.services.cipher, erasure))


@router.get("/contacts/{contact_id}/export", responses=ARCHIVE, response_class=StreamingResponse)
async def export_contact(
    ctx: Export, contact_id: UUID, accept_language: Annotated[str, Header(max_length=500)] = ""
) -> StreamingResponse:
    """Fetch everything about one person as a ZIP with a page to begin with. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        person = await person_export.load_person(tx, ctx.caller, ContactId(contact_id))
    language = "zh" if accept_language.strip().lower().startswith("zh") else "en"
    return send_archive(ctx, person, contact_id, language=language)


@router.get("/inboxes/{inbox_id}/retention", response_model=RetentionBody)
async def get_retention(request: Request, ctx: Configure, inbox_id: UUID) -> Response:
    """Return how long anonymous contacts of an inbox are kept. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        rule = await retention.get_rule(tx, ctx.caller, InboxId(inbox_id))
    return reply(request, _render_rule(rule))


@router.put("/inboxes/{inbox_id}/retention", response_model=RetentionBody)
async def set_retention(request: Request, ctx: Configure, inbox_id: UUID, body: WriteRetentionBody) -> Response:
    """Set how long anonymous contacts of an inbox are kept. Problems: `not-found`, `forbidden`, `invalid-request`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        rule = await retention.set_rule(
            tx, ctx.caller, InboxId(inbox_id), after_days=body.after_days, is_enabled=body.is_enabled
        )
    return reply(request, _render_rule(rule))


@router.delete("/inboxes/{inbox_id}/retention", status_code=204)
async def delete_retention(ctx: Configure, inbox_id: UUID) -> None:
    """Keep anonymous contacts of an inbox for ever. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await retention.delete_rule(tx, ctx.caller, InboxId(inbox_id))


@router.post("/inboxes/{inbox_id}/retention/preview", response_model=RetentionPreviewBody)
async def preview_retention(request: Request, ctx: Preview, inbox_id: UUID, body: PreviewBody) -> Response:
    """Return what a rule would erase now; nothing changes. Problems: `not-found`, `forbidden`, `invalid-request`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        preview = await retention.preview_rule(tx, ctx.caller, InboxId(inbox_id), after_days=body.after_days)
    sample = [LeavingBody(id=one.id, last_seen_at=one.last_seen_at, messages=one.messages) for one in preview.sample]
    shown = RetentionPreviewBody(
        after_days=preview.after_days, count=preview.count, waiting=preview.waiting, sample=sample
    )
    return reply(request, shown)


def send_archive(ctx: Ctx, person: person_export.Person, contact_id: UUID, *, language: str) -> StreamingResponse:
    """Answer with the ZIP, to be saved."""
    headers = {
        "Content-Disposition": f'attachment; filename="contact-{contact_id}.zip"',
        "Cache-Control": "no-store",
    }
    pieces = person_export.stream_archive(ctx.services, ctx.caller, person, language=language)
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)


def render_erasure(cipher: Cipher, erasure: Erasure) -> ErasureBody:
    """Return the body of an erasure."""
    return ErasureBody(
        id=erasure.id,
        contact=erasure.contact_id,
        inbox=erasure.inbox_id,
        mode=Mode(erasure.mode),
        state=erasure.state,
        receipt=erasure.receipt,
        signature=erasure.signature,
        is_authentic=erasing.is_authentic(cipher, erasure),
        is_clean=erasing.is_clean(erasure),
        created_at=erasure.created_at,
        finished_at=erasure.finished_at,
    )


def _render_rule(rule: Rule | None) -> RetentionBody:
    if rule is None:
        return RetentionBody(after_days=None, is_enabled=False, last_run_at=None, last_count=None)
    return RetentionBody(
        after_days=rule.after_days,
        is_enabled=rule.is_enabled,
        last_run_at=rule.last_run_at,
        last_count=rule.last_count,
    )
