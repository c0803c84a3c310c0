"""Merging contacts: who else is this person, what stays of whom, and taking it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response

from frontdesk.console.contact import Head, load_head
from frontdesk.console.contacts import PATH
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.navigation import N_
from frontdesk.console.pages import go, look_of, page
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, InvalidRequest
from frontdesk.core.ids import ContactId
from frontdesk.core.wire import Paging
from frontdesk.identities.cards import ContactView, get_view
from frontdesk.identities.listing import ContactFilters, list_contacts
from frontdesk.lifecycle.errors import AccessWouldWiden
from frontdesk.lifecycle.ledger import MergeId
from frontdesk.lifecycle.merge_queries import find_names
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.model import MAX_MERGED
from frontdesk.lifecycle.previewing import preview_merge
from frontdesk.lifecycle.undoing import preview_undo, undo_merge
from frontdesk.organizations.model import Right

router = screen_router()

_FOUND = 12
_CHOICE = "choice:"
_TOO_FEW = N_("Select between 2 and 9 contacts.")

Merger = Annotated[MemberCtx, member_needs(Right.CONTACTS_MERGE)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands in the form: which contacts, and whose value stays in which field."""

    others: tuple[ContactId, ...]
    choices: Mapping[str, UUID]
    accepts_wider_access: bool

    @classmethod
    async def read(cls, request: Request) -> "Asked":
        """Read the form, whose choices have names of their own. Raises InvalidRequest for what is no id."""
        form = await request.form()
        choices = {
            name.removeprefix(_CHOICE): _read_id(value) for name, value in form.items() if name.startswith(_CHOICE)
        }
        others = tuple(ContactId(_read_id(value)) for value in form.getlist("from"))
        return cls(others, choices, form.get("wider") == "true")


@router.get("/contacts/merge")
async def merge_selected(
    request: Request,
    member: Merger,  # noqa: ARG001 -- who may not merge is told so here
    ids: Annotated[list[UUID], Query()] = [],  # noqa: B006 -- FastAPI copies it
) -> Response:
    """Compare the contacts that are selected in the list; the first one stays."""
    if not 1 < len(ids) <= MAX_MERGED + 1:
        raise InvalidRequest(_TOO_FEW, pointer="/ids")
    return go(request, f"{PATH}/{ids[0]}/merge?{urlencode([('from', one) for one in ids[1:]])}")


@router.get("/contacts/{contact_id}/merge")
async def show_merge(
    request: Request,
    contact_id: UUID,
    member: Merger,
    from_: Annotated[list[UUID], Query(alias="from")] = [],  # noqa: B006 -- FastAPI copies it
    q: str = "",
) -> Response:
    """Look for the same person's other cards; or, once some are chosen, show them side by side."""
    if from_:
        asked = Asked(tuple(map(ContactId, from_)), {}, accepts_wider_access=False)
        return await _compare(request, member, contact_id, asked)
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        found = await _find_others(tx, member, head, q)
    return page(request, "merges/choose.html", head=head, found=found, q=q, most=MAX_MERGED)


@router.post("/contacts/{contact_id}/merge")
async def merge(request: Request, contact_id: UUID, member: Merger) -> Response:
    """Merge, and offer to take it back; what stands against it is shown with the choices that were made."""
    asked = await Asked.read(request)
    try:
        async with member.db.begin(member.organization_id) as tx:
            merged = await merge_contacts(
                tx,
                member.caller,
                ContactId(contact_id),
                asked.others,
                choices=asked.choices,
                accept_wider_access=asked.accepts_wider_access,
            )
    except FrontdeskError as error:
        return await _compare(request, member, contact_id, asked, error)
    flash = look_of(request)._("The contacts are merged.")
    return go(request, f"{PATH}/{contact_id}", flash=flash, undo=f"/console/merges/{merged.merge_id}/undo")


@router.get("/merges/{merge_id}/undo")
async def show_undo(request: Request, merge_id: UUID, member: Merger) -> Response:
    """Say what would go back to whom, before a merge is undone."""
    return await _ask_undo(request, member, MergeId(merge_id))


@router.post("/merges/{merge_id}/undo")
async def undo(
    request: Request, merge_id: UUID, member: Merger, *, confirm_access: Annotated[bool, Form()] = False
) -> Response:
    """Undo a merge; that somebody would read more than now must be confirmed."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            undone = await undo_merge(tx, member.caller, MergeId(merge_id), confirm_access=confirm_access)
    except AccessWouldWiden as error:
        return await _ask_undo(request, member, MergeId(merge_id), error)
    flash = look_of(request)._("The merge is undone.")
    return go(request, f"{PATH}/{undone.merge.survivor_id}", flash=flash)


async def _compare(
    request: Request, member: MemberCtx, contact_id: UUID, asked: Asked, error: FrontdeskError | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        preview = await preview_merge(tx, member.caller, head.view.contact.id, asked.others, _known(asked, error))
    views = (preview.survivor, *preview.merged)
    return page(
        request,
        "merges/compare.html",
        status=error.status if error else 200,
        head=head,
        preview=preview,
        views=views,
        names={view.contact.id: view.contact.name for view in views},
        rows=[plan for plan in preview.fields if any(not offer.is_empty for offer in plan.offers)],
        asked=asked,
        error=error,
        unchosen={refusal.facts.get("field") for refusal in preview.refusals if refusal.slug == "merge-choice-needed"},
        refusals=[refusal for refusal in preview.refusals if refusal.slug != "merge-choice-needed"],
        swap_query=_swap_query(head, preview.merged),
    )


def _known(asked: Asked, error: FrontdeskError | None) -> Mapping[str, UUID]:
    """Return the choices, but none when they themselves were refused."""
    return {} if isinstance(error, InvalidRequest) else asked.choices


def _swap_query(head: Head, merged: Sequence[ContactView]) -> str:
    """Return the address of the same comparison with the first other card as the survivor; empty without one."""
    if not merged:
        return ""
    others = [head.view.contact.id, *(view.contact.id for view in merged[1:])]
    return f"{PATH}/{merged[0].contact.id}/merge?{urlencode([('from', one) for one in others])}"


async def _find_others(tx: Tx, member: MemberCtx, head: Head, q: str) -> list[ContactView]:
    """Return contacts who match what is looked for, at first those with the name of this one."""
    query = q or head.view.contact.name
    found = await list_contacts(tx, member.caller, ContactFilters(query=query), Paging(_FOUND + 1, 0))
    return [view for view in found.rows if view.contact.id != head.view.contact.id][:_FOUND]


async def _ask_undo(
    request: Request, member: MemberCtx, merge_id: MergeId, error: AccessWouldWiden | None = None
) -> Response:
    async with member.db.begin(member.organization_id) as tx:
        undone = await preview_undo(tx, member.caller, merge_id)
        survivor = await get_view(tx, member.caller, undone.merge.survivor_id, Right.CONTACTS_MERGE)
        names = await find_names(tx, undone.merge.contacts)
    status = error.status if error else 200
    return page(request, "merges/undo.html", status=status, undone=undone, survivor=survivor, names=names, error=error)


def _read_id(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise InvalidRequest(pointer="/from") from error
