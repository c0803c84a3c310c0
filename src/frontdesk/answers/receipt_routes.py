"""REST: `messages/{id}/receipt/`, how an answer came about, and what would differ now."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from frontdesk.access.bodies import AssuranceName, render_assurance
from frontdesk.answers.receipts import GivenPassage, Receipt
from frontdesk.answers.replaying import Difference, Replay, read_receipt, replay
from frontdesk.core.ids import MessageId
from frontdesk.core.wire import Time, WireModel, reply
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["messages"])

View = Annotated[Ctx, needs(Right.CONVERSATIONS_VIEW)]
Replayer = Annotated[Ctx, needs(Right.ACCESS_VIEW_AS, keeps_answer=False)]


class GivenPassageBody(WireModel):
    """A passage that the model was given, by the number under which it could be cited. `title` null: not shown.

    It is shown to whoever may see the organization's documents, as long as its document exists.
    """

    number: int
    document: UUID
    title: str | None
    page_number: int | None
    score: float
    is_cited: bool
    is_unchanged: bool


class ReceiptStepBody(WireModel):
    """One layer: what it alone opened then."""

    step: str
    scope: Any


class ReceiptBody(WireModel):
    """How an answer came about. `scope` is empty, and the answer cannot be replayed, once its person was erased."""

    message: UUID
    conversation: UUID
    contact: UUID
    assurance: AssuranceName
    scope: Sequence[ReceiptStepBody]
    scope_version: int
    permitted_documents: int
    permitted_passages: int | None
    given: Sequence[GivenPassageBody]
    model: str
    is_found: bool
    timing: dict[str, float]  # milliseconds
    created_at: Time


class GivenNowBody(WireModel):
    """A passage that would be given now."""

    number: int
    document: UUID
    title: str
    page_number: int | None
    score: float


class DocumentNameBody(WireModel):
    """A document, and what it is called."""

    id: UUID
    title: str


class DifferenceBody(WireModel):
    """Documents of now that only one of the two scopes opens: how many, and the first twenty by title."""

    count: int
    documents: Sequence[DocumentNameBody]


class ReplayBody(WireModel):
    """An answer beside what its question would be answered from now. `closed`: given documents, to be read no more."""

    receipt: ReceiptBody
    is_same: bool
    is_found: bool
    permitted_documents: int
    closed: Sequence[UUID]
    sources: Sequence[GivenNowBody]
    opened_since: DifferenceBody
    closed_since: DifferenceBody


@router.get("/messages/{message_id}/receipt", response_model=ReceiptBody)
async def get_receipt(request: Request, ctx: View, message_id: MessageId) -> Response:
    """Return how an answer of the assistant came about. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        receipt, given = await read_receipt(tx, ctx.caller, message_id)
    return reply(request, _render(ctx, receipt, given))


@router.post("/messages/{message_id}/receipt/replay", response_model=ReplayBody)
async def replay_answer(request: Request, ctx: Replayer, message_id: MessageId) -> Response:
    """Search again as the same person by the rules of now; calls no model, stores nothing but the audit entry.

    Needs knowledge.view as well. Problems: `not-found`, `forbidden`, `not-replayable`.
    """
    found = await replay(ctx.services, ctx.caller, message_id)
    return reply(request, _render_replay(ctx, found))


def _render(ctx: Ctx, receipt: Receipt, given: Sequence[GivenPassage]) -> ReceiptBody:
    sees_documents = ctx.caller.may(Right.KNOWLEDGE_VIEW)
    return ReceiptBody(
        message=receipt.message_id,
        conversation=receipt.conversation_id,
        contact=receipt.contact_id,
        assurance=render_assurance(receipt.assurance),
        scope=[ReceiptStepBody(step=step["step"], scope=step["scope"]) for step in receipt.steps],
        scope_version=receipt.scope_version,
        permitted_documents=receipt.permitted_count,
        permitted_passages=receipt.permitted_chunks,
        given=[
            GivenPassageBody(
                number=one.number,
                document=one.document_id,
                title=one.title if sees_documents or one.is_cited else None,
                page_number=one.page_number,
                score=one.score,
                is_cited=one.is_cited,
                is_unchanged=one.is_unchanged,
            )
            for one in given
        ],
        model=receipt.model,
        is_found=receipt.is_found,
        timing=dict(receipt.timing),
        created_at=receipt.created_at,
    )


def _render_replay(ctx: Ctx, found: Replay) -> ReplayBody:
    sources = found.reading.sources
    return ReplayBody(
        receipt=_render(ctx, found.receipt, found.given),
        is_same=found.is_same,
        is_found=bool(sources),
        permitted_documents=found.reading.result.permitted_count,
        closed=sorted(found.closed),
        sources=[
            GivenNowBody(
                number=one.number,
                document=one.hit.document_id,
                title=one.hit.title,
                page_number=one.hit.page_number,
                score=one.hit.score,
            )
            for one in sources
        ],
        opened_since=_render_difference(found.opened_since),
        closed_since=_render_difference(found.closed_since),
    )


def _render_difference(found: Difference) -> DifferenceBody:
    documents = [DocumentNameBody(id=one.id, title=one.title) for one in found.documents]
    return DifferenceBody(count=found.count, documents=documents)
