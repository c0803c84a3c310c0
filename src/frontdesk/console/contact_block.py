"""Blocking a contact, or one of its identities, and taking that back."""

from typing import Annotated
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response

from frontdesk.console.contact import load_head
from frontdesk.console.contacts import PATH
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.core.errors import NotFound
from frontdesk.identities import blocks
from frontdesk.identities.blocks import find_blocked
from frontdesk.identities.cards import ContactView
from frontdesk.identities.model import IdentityKey
from frontdesk.organizations.model import Right

router = screen_router()

Editor = Annotated[MemberCtx, member_needs(Right.CONTACTS_EDIT)]


@router.get("/contacts/{contact_id}/block")
async def ask_block(request: Request, contact_id: UUID, member: Editor) -> Response:
    """Ask what to block and why, and show what is blocked."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        if not head.may_edit:
            raise NotFound
        keys = [identity.key for identity in head.view.identities]
        blocked = await find_blocked(tx, member.services.cipher, keys)
    return page(request, "contact/block.html", head=head, blocked=blocked)


@router.post("/contacts/{contact_id}/block")
async def block(
    request: Request,
    contact_id: UUID,
    member: Editor,
    identity: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """Refuse messages of the contact as a whole, or under the chosen identity."""
    cipher = member.services.cipher
    async with member.db.begin(member.organization_id) as tx:
        view = (await load_head(tx, member, contact_id)).view
        if key := _choose(view, identity):
            await blocks.block_identity(tx, member.caller, cipher, view.contact.id, key, reason)
        else:
            await blocks.block_contact(tx, member.caller, cipher, view.contact.id, reason)
    return go(request, f"{PATH}/{view.contact.id}", flash=look_of(request)._("Messages are refused from now on."))


@router.post("/contacts/{contact_id}/unblock")
async def unblock(
    request: Request, contact_id: UUID, member: Editor, identity: Annotated[str, Form()] = ""
) -> Response:
    """Accept messages of the contact as a whole, or under the chosen identity, again."""
    cipher = member.services.cipher
    async with member.db.begin(member.organization_id) as tx:
        view = (await load_head(tx, member, contact_id)).view
        if key := _choose(view, identity):
            await blocks.unblock_identity(tx, member.caller, cipher, view.contact.id, key)
        else:
            await blocks.unblock_contact(tx, member.caller, cipher, view.contact.id)
    return go(request, f"{PATH}/{view.contact.id}", flash=look_of(request)._("Messages are accepted again."))


def _choose(view: ContactView, identity: str) -> IdentityKey | None:
    """Return the chosen identity; None: the contact as a whole. Raises NotFound for one that it has not got."""
    if not identity:
        return None
    for one in view.identities:
        if str(one.id) == identity:
            return one.key
    raise NotFound
