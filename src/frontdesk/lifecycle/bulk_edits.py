"""What is done with edits of many contacts: start one, see how far it is, undo it."""

from typing import Final

from frontdesk.access.queries import get_profile
from frontdesk.channels.access import access_inbox
from frontdesk.contacts.labels import get_label
from frontdesk.core.db import Tx
from frontdesk.core.errors import Conflict, NotFound
from frontdesk.core.ids import BulkEditId, ContactId, ContactLabelId, InboxId, ProfileId, new_id
from frontdesk.core.jobs import enqueue
from frontdesk.core.text import utc_now
from frontdesk.identities.selecting import Selection, where_selected
from frontdesk.lifecycle import bulk_queries as queries
from frontdesk.lifecycle.bulk_model import BulkChange, BulkEdit, BulkKind, BulkState
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

JOB: Final = "lifecycle.bulk_edit_started"


async def start_bulk_edit(tx: Tx, caller: Caller, selection: Selection, change: BulkChange) -> BulkEdit:
    """Begin to change every contact that is meant now and that the caller may view; a job does it, one by one.

    A contact that comes to match later is left alone. Rights: contacts.view, and the one of the change; it must be held
    for each contact when its turn comes. Raises Forbidden, NotFound for a label, profile or inbox that there is not,
    and what selecting raises.
    """
    caller.require(change.kind.right)
    await _check_subject(tx, caller, change)
    where, params = await where_selected(tx, caller, selection)
    edit_id = BulkEditId(new_id())
    now = utc_now()
    await queries.insert_edit(tx, edit_id, caller, selection.to_json(), change.to_json(), now)
    count = await queries.insert_rows(tx, edit_id, where, params)
    payload = {"change": change.to_json(), "contacts": count}
    await audit.record(tx, caller, "bulk_edit.started", "bulk_edit", edit_id, payload=payload)
    await _enqueue(tx, edit_id)
    return await _get(tx, edit_id)


async def undo_bulk_edit(tx: Tx, caller: Caller, edit_id: BulkEditId) -> BulkEdit:
    """Begin to give every contact that was changed back what it had; one that was changed since is left out.

    Right: the one of the change. Raises NotFound, and Conflict while it runs and when it was undone already.
    """
    edit = await _access(tx, caller, edit_id, alone=True)
    caller.require(edit.change.kind.right)
    if edit.state not in {BulkState.DONE, BulkState.FAILED}:
        raise Conflict("It is running, or was undone already.", facts={"state": edit.state.value})
    await queries.begin_undo(tx, edit_id, caller, utc_now())
    payload = {"change": edit.change.to_json(), "contacts": edit.changed_count}
    await audit.record(tx, caller, "bulk_edit.undone", "bulk_edit", edit_id, payload=payload)
    await _enqueue(tx, edit_id)
    return await _get(tx, edit_id)


async def get_bulk_edit(tx: Tx, caller: Caller, edit_id: BulkEditId) -> BulkEdit:
    """Return an edit of the caller's, or anybody's to whom contacts.edit counts everywhere. Raises NotFound."""
    return await _access(tx, caller, edit_id)


async def list_bulk_edits(tx: Tx, caller: Caller, *, limit: int, offset: int) -> tuple[list[BulkEdit], int]:
    """Return one page of the edits that `get_bulk_edit` returns, the latest first, and how many there are."""
    caller.require(Right.CONTACTS_EDIT)
    return await queries.list_edits(tx, None if _sees_all(caller) else caller, limit=limit, offset=offset)


async def list_outcomes(
    tx: Tx, caller: Caller, edit_id: BulkEditId, *, limit: int, offset: int
) -> tuple[list[tuple[ContactId, str | None, str | None]], int]:
    """Return one page of what came of each contact, and of undoing it, and how many there are. Raises NotFound."""
    edit = await _access(tx, caller, edit_id)
    return await queries.list_rows(tx, edit_id, limit=limit, offset=offset), edit.total_count


async def _access(tx: Tx, caller: Caller, edit_id: BulkEditId, *, alone: bool = False) -> BulkEdit:
    caller.require(Right.CONTACTS_EDIT)
    edit = await queries.find_edit(tx, edit_id, alone=alone)
    is_own = edit is not None and (edit.actor_kind, edit.actor_id) == (caller.kind, caller.id)
    if edit is None or not (is_own or _sees_all(caller)):
        raise NotFound
    return edit


def _sees_all(caller: Caller) -> bool:
    return caller.inboxes_for(Right.CONTACTS_EDIT) is None and caller.inboxes_for(Right.CONTACTS_VIEW) is None


async def _check_subject(tx: Tx, caller: Caller, change: BulkChange) -> None:
    if change.subject is None:
        return
    if change.kind in {BulkKind.ADD_LABEL, BulkKind.REMOVE_LABEL}:
        await get_label(tx, caller, ContactLabelId(change.subject))
    elif change.kind is BulkKind.ADD_INBOX:
        await access_inbox(tx, caller, InboxId(change.subject), Right.CONTACTS_EDIT)
    else:
        await get_profile(tx, ProfileId(change.subject))


async def _enqueue(tx: Tx, edit_id: BulkEditId) -> None:
    await enqueue(tx, JOB, lock=f"{JOB}/{edit_id}", edit_id=edit_id)


async def _get(tx: Tx, edit_id: BulkEditId) -> BulkEdit:
    edit = await queries.find_edit(tx, edit_id)
    if edit is None:
        raise NotFound
    return edit
