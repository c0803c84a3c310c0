"""How a web platform learns who is there: its mode, its keys, and proofs that were refused."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Request
from fastapi.responses import Response

from frontdesk.channels.actions import update_inbox
from frontdesk.channels.model import IdentityMode, InboxChanges, OnLogin
from frontdesk.channels.queries import list_inboxes
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import go, look_of, page
from frontdesk.console.platforms import PATH, Editor, Head, Viewer, load_head
from frontdesk.console.refusals import REFUSALS
from frontdesk.console.samples import render_signing
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.text import utc_now
from frontdesk.identities.introspection import get_introspection
from frontdesk.identities.key_sets import list_key_sets
from frontdesk.identities.keys import list_realm_keys
from frontdesk.identities.model import KeyState, RealmKey
from frontdesk.identities.proof_queries import count_failures, list_proof_failures
from frontdesk.organizations.model import Right

router = screen_router()

_FAILURES_SHOWN = 50


@router.get("/platforms/{inbox_id}/identity")
async def show_identity(request: Request, inbox_id: UUID, member: Viewer) -> Response:
    """Show the mode, the keys, how to sign, and the proofs that were refused lately."""
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id)
        context = await _load(tx, member, head)
    return page(request, "platforms/identity.html", head=head, tab="identity", **context)


async def _load(tx: Tx, member: MemberCtx, head: Head) -> dict[str, Any]:
    keys = await list_realm_keys(tx, member.caller, head.inbox.realm_id)
    failures = await list_proof_failures(tx, head.inbox.id, limit=_FAILURES_SHOWN)
    key_sets = await list_key_sets(tx, member.caller, head.inbox.realm_id)
    signing = next((key for key in keys if is_good(key, utc_now())), None)
    return {
        "keys": keys,
        "key_sets": key_sets,
        "asked": await get_introspection(tx, member.caller, head.inbox.id),
        "now": utc_now(),
        "may_edit_keys": await may_edit_keys(tx, member, head),
        "signing": render_signing(head.inbox, signing) if signing else "",
        "signing_key": signing,
        "failures": failures,
        "reasons": await count_failures(tx, head.inbox.id, now=utc_now()),
        "refusals": REFUSALS,
    }


def is_good(key: RealmKey, now: datetime) -> bool:
    """Tell whether proofs of the key count now."""
    return key.state is KeyState.ACTIVE or (
        key.state is KeyState.VERIFY_ONLY and key.verify_until is not None and now < key.verify_until
    )


async def may_edit_keys(tx: Tx, member: MemberCtx, head: Head) -> bool:
    """Tell whether the member may add keys: in every platform that shares these people, as a key opens them all."""
    limit = member.caller.inboxes_for(Right.INBOXES_EDIT)
    if limit is None:
        return True
    inboxes, _ = await list_inboxes(tx, None)
    return {inbox.id for inbox in inboxes if inbox.realm_id == head.realm.id} <= limit


@router.post("/platforms/{inbox_id}/identity")
async def save_identity(
    request: Request,
    inbox_id: UUID,
    member: Editor,
    identity_mode: Annotated[str, Form()] = "",
    on_login: Annotated[str, Form()] = "",
) -> Response:
    """Write how people are proven, and what a sign-in does to the visitor's conversation."""
    try:
        changes = InboxChanges(identity_mode=IdentityMode(identity_mode), on_login=OnLogin(on_login))
    except ValueError as error:
        raise InvalidRequest from error
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, inbox_id, Right.INBOXES_EDIT)
        await update_inbox(tx, member.caller, head.inbox.id, changes)
    return go(request, f"{PATH}/{inbox_id}/identity", flash=look_of(request)._("The platform is saved."))
