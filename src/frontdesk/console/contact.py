"""One contact: the card with who said what, identities, platforms, conversations; and its audit log."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import RedirectResponse, Response

from frontdesk.channels.queries import list_inboxes, list_realms
from frontdesk.console.audit import name_ids, tell
from frontdesk.console.contact_card import load_card
from frontdesk.console.contacts import PATH
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.settings_erasures import PATH as RECEIPTS
from frontdesk.contacts import queries as contacts
from frontdesk.conversations.model import Conversation
from frontdesk.conversations.queries import list_conversations
from frontdesk.core.db import Tx
from frontdesk.core.errors import FrontdeskError, NotFound
from frontdesk.core.ids import ContactId, InboxId
from frontdesk.identities.blocks import find_blocked
from frontdesk.identities.cards import ContactView, get_view
from frontdesk.identities.deletion import delete_contact, restore_contact
from frontdesk.lifecycle.erasing import find_former
from frontdesk.lifecycle.merge_queries import find_names
from frontdesk.lifecycle.undoing import list_merges
from frontdesk.organizations.audit import list_audit_of_contact
from frontdesk.organizations.model import Right

router = screen_router()

_CONVERSATIONS_SHOWN = 10
_MERGES_SHOWN = 10

Viewer = Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW)]
Remover = Annotated[MemberCtx, member_needs(Right.CONTACTS_DELETE)]


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above every tab, and what the member may do here."""

    view: ContactView
    may_edit: bool
    may_edit_access: bool
    may_view_as: bool
    may_merge: bool
    may_delete: bool
    may_erase: bool
    may_export: bool
    may_see_audit: bool
    sees_personal: bool


async def load_head(tx: Tx, member: MemberCtx, contact_id: UUID) -> Head:
    """Return the contact, or the one that it was merged into. Raises NotFound."""
    view = await get_view(tx, member.caller, ContactId(contact_id))
    inbox_ids = {inbox.inbox_id for inbox in view.inboxes}
    return Head(
        view,
        may_edit=_may(member, Right.CONTACTS_EDIT, inbox_ids),
        may_edit_access=_may(member, Right.CONTACTS_EDIT_ACCESS, inbox_ids),
        may_view_as=_may(member, Right.ACCESS_VIEW_AS, inbox_ids),
        may_merge=_may(member, Right.CONTACTS_MERGE, inbox_ids),
        may_delete=_may(member, Right.CONTACTS_DELETE, inbox_ids),
        may_erase=_may(member, Right.CONTACTS_ERASE, inbox_ids),
        may_export=_may(member, Right.CONTACTS_EXPORT, inbox_ids)
        and _may(member, Right.CONTACTS_VIEW_PERSONAL, inbox_ids),
        may_see_audit=_may(member, Right.AUDIT_VIEW, inbox_ids),
        sees_personal=_may(member, Right.CONTACTS_VIEW_PERSONAL, inbox_ids),
    )


@router.get("/contacts/{contact_id}")
async def show_contact(request: Request, contact_id: UUID, member: Viewer) -> Response:
    """Show the card and what happened; a merged contact leads to its survivor, a deleted one can be restored."""
    async with member.db.begin(member.organization_id) as tx:
        try:
            head = await load_head(tx, member, contact_id)
        except NotFound:
            if member.may(Right.CONTACTS_ERASE) and (
                erasure := await find_former(tx, member.caller, ContactId(contact_id))
            ):
                return RedirectResponse(f"{RECEIPTS}/{erasure.id}", 303)
            await _require_deleted(tx, member, contact_id)
            return page(request, "contact/deleted.html", contact_id=contact_id, error=None)
        survivor = head.view.contact.id
        overview = await _load_overview(tx, member, survivor)
        overview |= await load_card(tx, member.caller, head.view.contact, may_edit=head.may_edit)
        keys = [identity.key for identity in head.view.identities]
        overview["blocked"] = await find_blocked(tx, member.services.cipher, keys)
    if survivor != contact_id:
        return RedirectResponse(f"{PATH}/{survivor}", 303)
    return page(request, "contact/overview.html", head=head, tab="overview", **overview)


async def _load_overview(tx: Tx, member: MemberCtx, contact_id: ContactId) -> dict[str, Any]:
    conversations: list[Conversation] = []
    count = 0
    if member.may(Right.CONVERSATIONS_VIEW):
        count, conversations = await list_conversations(
            tx,
            inbox_ids=member.caller.inboxes_for(Right.CONVERSATIONS_VIEW),
            contact_id=contact_id,
            limit=_CONVERSATIONS_SHOWN,
        )
    merge_count, merges = await list_merges(tx, member.caller, contact_id, limit=_MERGES_SHOWN)
    return {
        "merges": merges,
        "merge_count": merge_count,
        "merged_names": await find_names(tx, [one for merge in merges for one in merge.merged_ids]),
        "provenance": await contacts.find_provenance(tx, contact_id),
        "realms": {realm.id: realm.name for realm in await list_realms(tx)},
        "conversations": conversations,
        "conversation_count": count,
    }


# --- audit ---


@router.get("/contacts/{contact_id}/audit")
async def show_audit(
    request: Request,
    contact_id: UUID,
    member: Annotated[MemberCtx, member_needs(Right.AUDIT_VIEW)],
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """Show who changed what about this contact, the latest first."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
        inbox_ids = frozenset(inbox.inbox_id for inbox in head.view.inboxes)
        found = await list_audit_of_contact(
            tx, member.caller, head.view.contact.id, inbox_ids, limit=PAGE_SIZE, offset=offset
        )
        inboxes, _ = await list_inboxes(tx, None)
    names = name_ids(head.view) | {str(inbox.id): inbox.name for inbox in inboxes}
    return page(
        request,
        "contact/audit_rows.html" if is_list_only(request) else "contact/audit.html",
        head=head,
        tab="audit",
        stories=[tell(entry, names) for entry in found.entries],
        count=found.count,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(f"{PATH}/{contact_id}/audit", {"offset": offset}),
    )


# --- delete and restore ---


@router.get("/contacts/{contact_id}/delete")
async def ask_delete(request: Request, contact_id: UUID, member: Remover) -> Response:
    """Ask before a contact is hidden."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, contact_id)
    return page(request, "contact/delete.html", head=head)


@router.post("/contacts/{contact_id}/delete")
async def delete(request: Request, contact_id: UUID, member: Remover) -> Response:
    """Hide the contact; its page then offers to restore it."""
    async with member.db.begin(member.organization_id) as tx:
        await delete_contact(tx, member.caller, ContactId(contact_id))
    return go(request, f"{PATH}/{contact_id}", flash=look_of(request)._("The contact is deleted."))


@router.post("/contacts/{contact_id}/restore")
async def restore(request: Request, contact_id: UUID, member: Remover, access: str = "") -> Response:
    """Show the contact again; `access=keep` brings its own conditions and profiles back, too."""
    try:
        async with member.db.begin(member.organization_id) as tx:
            await restore_contact(tx, member.caller, ContactId(contact_id), confirm_access=access == "keep")
    except FrontdeskError as error:
        return page(request, "contact/deleted.html", status=error.status, contact_id=contact_id, error=error)
    return go(request, f"{PATH}/{contact_id}", flash=look_of(request)._("The contact is restored."))


# ---


async def _require_deleted(tx: Tx, member: MemberCtx, contact_id: UUID) -> None:
    """Raise NotFound unless the contact is one that this member may restore."""
    contact = await contacts.get_contact(tx, ContactId(contact_id))
    inboxes = await contacts.list_inboxes_of(tx, contact.id)
    member.caller.require_in(Right.CONTACTS_DELETE, [inbox.inbox_id for inbox in inboxes])
    if contact.deleted_at is None:
        raise NotFound


def _may(member: MemberCtx, right: Right, inbox_ids: set[InboxId]) -> bool:
    limit = member.caller.inboxes_for(right)
    return limit is None or not limit.isdisjoint(inbox_ids)
