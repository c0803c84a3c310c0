"""What the worker does for edits of many contacts."""

from uuid import UUID

from frontdesk.core.db import Database, Tx
from frontdesk.core.errors import FrontdeskError
from frontdesk.core.handlers import Handler
from frontdesk.core.ids import BulkEditId, ContactId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.lifecycle import bulk_queries as queries
from frontdesk.lifecycle.bulk_applying import Old, apply_change, undo_change
from frontdesk.lifecycle.bulk_edits import JOB
from frontdesk.lifecycle.bulk_model import BulkEdit, BulkState
from frontdesk.organizations.model import Caller
from frontdesk.organizations.returning import find_caller


async def on_bulk_edit_started(services: Services, organization_id: OrganizationId, edit_id: UUID) -> None:
    """Change, or change back, what is left to do, each contact in a transaction of its own.

    Safe to repeat, to run twice at once, and to be cut off: what came of a contact is noted with the change itself.
    """
    while await _step(services.db, organization_id, BulkEditId(edit_id)):
        pass


async def _step(db: Database, organization_id: OrganizationId, edit_id: BulkEditId) -> bool:
    """Do the next contact; return whether there may be another."""
    async with db.begin(organization_id) as tx:
        edit = await queries.find_edit_at_work(tx, edit_id)
        if edit is None:
            return False
        undoing = edit.state is BulkState.UNDOING
        caller = await _find_caller(tx, edit)
        if caller is None:
            await queries.update_state(tx, edit_id, BulkState.FAILED, utc_now())
            return False
        row = await queries.claim_row(tx, edit_id, undoing=undoing)
        if row is None:
            if not await queries.has_waiting(tx, edit_id, undoing=undoing):  # else another run is at the last ones
                await queries.update_state(tx, edit_id, BulkState.UNDONE if undoing else BulkState.DONE, utc_now())
            return False
        contact_id, old = row
        outcome, noted = await _try(tx, caller, edit, contact_id, old)
        await queries.update_row(tx, edit_id, contact_id, outcome, noted, utc_now())
    return True


async def _try(tx: Tx, caller: Caller, edit: BulkEdit, contact_id: ContactId, old: Old) -> tuple[str, Old | None]:
    try:
        async with tx.savepoint():
            if edit.state is BulkState.UNDOING:
                return await undo_change(tx, caller, contact_id, edit.change, old), None
            return await apply_change(tx, caller, contact_id, edit.change)
    except FrontdeskError as error:
        return error.slug, None if edit.state is BulkState.UNDOING else {}


async def _find_caller(tx: Tx, edit: BulkEdit) -> Caller | None:
    if edit.state is BulkState.UNDOING and edit.undoer_kind is not None and edit.undoer_id is not None:
        return await find_caller(tx, edit.undoer_kind, edit.undoer_id)
    return await find_caller(tx, edit.actor_kind, edit.actor_id)


HANDLERS: dict[str, Handler] = {JOB: on_bulk_edit_started}
