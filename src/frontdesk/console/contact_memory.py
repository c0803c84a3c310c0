"""What is remembered of a contact: each fact with its source, the summaries, and who may use what."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response
from pydantic import BaseModel

from frontdesk.access.model import Assurance
from frontdesk.answers import memory
from frontdesk.answers.memory_model import FactId, Summary
from frontdesk.console.contact import load_head
from frontdesk.console.contacts import PATH
from frontdesk.console.faults import field_errors, screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.memory_words import list_levels, show_facts
from frontdesk.console.pages import go, look_of, page
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactId
from frontdesk.organizations.model import Right

router = screen_router()

Viewer = Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW_PERSONAL)]
Editor = Annotated[MemberCtx, member_needs(Right.CONTACTS_EDIT)]
AssuranceName = Literal["anonymous", "claimed", "channel", "signed"]


class Written(BaseModel):
    """A fact as a member writes it."""

    topic: str = ""
    text: str = ""
    assurance: AssuranceName = "signed"


@router.get("/contacts/{contact_id}/memory")
async def show_memory(request: Request, contact_id: UUID, member: Viewer) -> Response:
    """Show all that is remembered, and what of it the assistant may use at each assurance."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        _, found = await memory.get_memory(tx, member.caller, head.view.contact.id)
        facts = await show_facts(tx, found.facts)
    return page(
        request,
        "contact/memory.html",
        head=head,
        tab="memory",
        facts=facts,
        summaries=sorted(found.summaries, key=lambda one: one.learned_assurance, reverse=True),
        levels=list_levels(found, has_identity=head.view.primary is not None),
    )


# --- facts ---


@router.get("/contacts/{contact_id}/memory/new")
async def show_new(request: Request, contact_id: UUID, member: Editor) -> Response:
    """Show the empty form of a fact."""
    return await _show_form(request, member, contact_id, None, Written())


@router.post("/contacts/{contact_id}/memory/new")
async def add(request: Request, contact_id: UUID, member: Editor, written: Annotated[Written, Form()]) -> Response:
    """Note a fact by hand; the next answer may use it."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await memory.add_fact(
                tx,
                member.caller,
                ContactId(contact_id),
                written.topic,
                written.text,
                Assurance[written.assurance.upper()],
            )
    except InvalidRequest as error:
        return await _show_form(request, member, contact_id, None, written, error)
    return _back(request, contact_id, look_of(request)._("It is remembered from now on."))


@router.get("/contacts/{contact_id}/memory/facts/{fact_id}")
async def show_fact(request: Request, contact_id: UUID, fact_id: UUID, member: Editor) -> Response:
    """Show a fact in a form."""
    async with member.db.begin(member.organization_id) as tx:
        fact = await memory.get_fact(tx, member.caller, ContactId(contact_id), FactId(fact_id))
    return await _show_form(request, member, contact_id, fact_id, Written(topic=fact.topic, text=fact.text))


@router.post("/contacts/{contact_id}/memory/facts/{fact_id}")
async def correct(
    request: Request, contact_id: UUID, fact_id: UUID, member: Editor, written: Annotated[Written, Form()]
) -> Response:
    """Correct a fact; it holds until the contact says something newer."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await memory.correct_fact(tx, member.caller, ContactId(contact_id), FactId(fact_id), written.text)
    except InvalidRequest as error:
        return await _show_form(request, member, contact_id, fact_id, written, error)
    return _back(request, contact_id, look_of(request)._("The memory is corrected."))


@router.post("/contacts/{contact_id}/memory/facts/{fact_id}/delete")
async def forget(request: Request, contact_id: UUID, fact_id: UUID, member: Editor) -> Response:
    """Forget a fact."""
    async with member.db.begin(member.organization_id) as tx:
        await memory.delete_fact(tx, member.caller, ContactId(contact_id), FactId(fact_id))
    return _back(request, contact_id, look_of(request)._("It is forgotten."))


async def _show_form(
    request: Request,
    member: MemberCtx,
    contact_id: UUID,
    fact_id: UUID | None,
    written: Written,
    error: InvalidRequest | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        await memory.get_memory(tx, member.caller, head.view.contact.id)  # whoever may not read it may not write it
    return page(
        request,
        "contact/memory_fact.html",
        status=error.status if error else 200,
        head=head,
        fact_id=fact_id,
        written=written,
        errors=field_errors(error) if error else {},
    )


# --- summaries ---


@router.get("/contacts/{contact_id}/memory/summaries/{assurance}")
async def show_summary(request: Request, contact_id: UUID, assurance: AssuranceName, member: Editor) -> Response:
    """Show a summary in a form."""
    summary = await _find_summary(member, contact_id, assurance)
    return await _show_summary_form(request, member, contact_id, assurance, summary.text if summary else "")


@router.post("/contacts/{contact_id}/memory/summaries/{assurance}")
async def save_summary(
    request: Request, contact_id: UUID, assurance: AssuranceName, member: Editor, text: Annotated[str, Form()] = ""
) -> Response:
    """Correct a summary; later messages are added to it. Empty: it is forgotten."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            chosen = Assurance[assurance.upper()]
            await memory.correct_summary(tx, member.caller, ContactId(contact_id), chosen, text)
    except InvalidRequest as error:
        return await _show_summary_form(request, member, contact_id, assurance, text, error)
    return _back(request, contact_id, look_of(request)._("The memory is corrected."))


async def _find_summary(member: MemberCtx, contact_id: UUID, assurance: AssuranceName) -> Summary | None:
    async with member.db.begin(member.organization_id) as tx:
        _, found = await memory.get_memory(tx, member.caller, ContactId(contact_id))
    return next((one for one in found.summaries if one.learned_assurance.name == assurance.upper()), None)


async def _show_summary_form(
    request: Request,
    member: MemberCtx,
    contact_id: UUID,
    assurance: AssuranceName,
    text: str,
    error: InvalidRequest | None = None,
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
    return page(
        request,
        "contact/memory_summary.html",
        status=error.status if error else 200,
        head=head,
        assurance=assurance,
        text=text,
        errors=field_errors(error) if error else {},
    )


# --- everything ---


@router.get("/contacts/{contact_id}/memory/forget")
async def ask_forget_all(request: Request, contact_id: UUID, member: Editor) -> Response:
    """Ask before everything is forgotten."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        _, found = await memory.get_memory(tx, member.caller, head.view.contact.id)
    return page(request, "contact/memory_forget.html", head=head, count=len(found.facts))


@router.post("/contacts/{contact_id}/memory/forget")
async def forget_all(request: Request, contact_id: UUID, member: Editor) -> Response:
    """Forget all that is remembered of the contact."""
    async with member.db.begin(member.organization_id) as tx:
        await memory.delete_memory(tx, member.caller, ContactId(contact_id))
    return _back(request, contact_id, look_of(request)._("Everything is forgotten."))


def _back(request: Request, contact_id: UUID, flash: str) -> Response:
    return go(request, f"{PATH}/{contact_id}/memory", flash=flash)
