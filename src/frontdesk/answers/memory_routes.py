"""REST: `contacts/{id}/memory/`, what is remembered of a contact."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from frontdesk.access.model import Assurance
from frontdesk.answers import memory
from frontdesk.answers.memory_model import Fact, FactId, Summary
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactId
from frontdesk.core.wire import LenientModel, Time, WireModel, reply
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["contacts"])

View = Annotated[Ctx, needs(Right.CONTACTS_VIEW_PERSONAL)]
Edit = Annotated[Ctx, needs(Right.CONTACTS_EDIT)]
AssuranceName = Literal["anonymous", "claimed", "channel", "signed"]


class FactBody(WireModel):
    """Something that is remembered. `message` null: a member wrote it; else `writtenBy` names who corrected it."""

    id: UUID
    topic: str
    text: str
    assurance: AssuranceName  # sessions of at least this one use it
    message: UUID | None
    conversation: UUID | None
    written_by: str | None
    learned_at: Time
    updated_at: Time


class SummaryBody(WireModel):
    """What a contact lately wrote about in sessions of one assurance."""

    assurance: AssuranceName
    text: str
    message: UUID | None  # the latest one that it covers
    written_by: str | None
    updated_at: Time


class MemoryBody(WireModel):
    """What is remembered of a contact; facts are the latest first."""

    contact: UUID
    facts: Sequence[FactBody]
    summaries: Sequence[SummaryBody]


class WriteFactBody(LenientModel):
    """A fact: with `id` it is corrected, without one it is added."""

    id: UUID | None = None
    topic: str = Field(
        "note", max_length=200, description="Of a new fact; what stands after a colon tells several apart."
    )
    text: str = Field(max_length=2_000)
    assurance: AssuranceName = "signed"  # of a new one


class WriteSummaryBody(LenientModel):
    """A corrected summary; an empty text deletes it."""

    assurance: AssuranceName
    text: str = Field(max_length=4_000)


class WriteMemoryBody(LenientModel):
    """What is written into memory; what is not named stays."""

    facts: Sequence[WriteFactBody] = Field((), max_length=100)
    summaries: Sequence[WriteSummaryBody] = Field((), max_length=4)


@router.get("/contacts/{contact_id}/memory", response_model=MemoryBody)
async def get_memory(request: Request, ctx: View, contact_id: UUID) -> Response:
    """Return what is remembered of a contact; under a merged id of the survivor. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        return await _answer(request, ctx, tx, contact_id)


@router.patch("/contacts/{contact_id}/memory", response_model=MemoryBody)
async def write_memory(request: Request, ctx: Edit, contact_id: UUID, body: WriteMemoryBody) -> Response:
    """Add and correct facts, correct summaries. Problems: `not-found`, `forbidden`, `invalid-request`."""
    contact = ContactId(contact_id)
    async with ctx.db.begin(ctx.organization_id) as tx:
        for position, fact in enumerate(body.facts):
            try:
                await _write(tx, ctx, contact, fact)
            except InvalidRequest as error:
                raise InvalidRequest(error.detail, pointer=f"/facts/{position}{error.pointer or ''}") from error
        for position, summary in enumerate(body.summaries):
            try:
                await memory.correct_summary(tx, ctx.caller, contact, _read(summary.assurance), summary.text)
            except InvalidRequest as error:
                raise InvalidRequest(error.detail, pointer=f"/summaries/{position}/text") from error
        return await _answer(request, ctx, tx, contact_id)


@router.delete("/contacts/{contact_id}/memory", status_code=204)
async def delete_memory(ctx: Edit, contact_id: UUID) -> None:
    """Forget all that is remembered of a contact. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await memory.delete_memory(tx, ctx.caller, ContactId(contact_id))


@router.delete("/contacts/{contact_id}/memory/{fact_id}", status_code=204)
async def delete_fact(ctx: Edit, contact_id: UUID, fact_id: UUID) -> None:
    """Forget one fact, and what it replaced. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        await memory.delete_fact(tx, ctx.caller, ContactId(contact_id), FactId(fact_id))


async def _write(tx: Tx, ctx: Ctx, contact_id: ContactId, body: WriteFactBody) -> None:
    if body.id is None:
        await memory.add_fact(tx, ctx.caller, contact_id, body.topic, body.text, _read(body.assurance))
    else:
        await memory.correct_fact(tx, ctx.caller, contact_id, FactId(body.id), body.text)


async def _answer(request: Request, ctx: Ctx, tx: Tx, contact_id: UUID) -> Response:
    survivor, found = await memory.get_memory(tx, ctx.caller, ContactId(contact_id))
    headers = {} if survivor == contact_id else {"Content-Location": f"/api/v1/contacts/{survivor}/memory"}
    body = MemoryBody(
        contact=survivor,
        facts=[_render_fact(fact) for fact in found.facts],
        summaries=[_render_summary(summary) for summary in found.summaries],
    )
    return reply(request, body, headers=headers)


def _render_fact(fact: Fact) -> FactBody:
    return FactBody(
        id=fact.id,
        topic=fact.topic,
        text=fact.text,
        assurance=_name(fact.learned_assurance),
        message=fact.message_id,
        conversation=fact.conversation_id,
        written_by=fact.written_by,
        learned_at=fact.learned_at,
        updated_at=fact.updated_at,
    )


def _render_summary(summary: Summary) -> SummaryBody:
    return SummaryBody(
        assurance=_name(summary.learned_assurance),
        text=summary.text,
        message=summary.through_message_id,
        written_by=summary.written_by,
        updated_at=summary.updated_at,
    )


def _read(name: AssuranceName) -> Assurance:
    return Assurance[name.upper()]


def _name(assurance: Assurance) -> AssuranceName:
    names: dict[Assurance, AssuranceName] = {
        Assurance.ANONYMOUS: "anonymous",
        Assurance.CLAIMED: "claimed",
        Assurance.CHANNEL: "channel",
        Assurance.SIGNED: "signed",
    }
    return names[assurance]
