"""What the worker does for imports and exports."""

from collections.abc import Mapping
from uuid import UUID

from frontdesk.core.handlers import Handler
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.knowledge.batches import remove_old
from frontdesk.lifecycle import import_queries as queries
from frontdesk.lifecycle.export_queries import ExportId
from frontdesk.lifecycle.exporting import remove_expired, write_export
from frontdesk.lifecycle.import_model import WORKING, ImportId, ImportState
from frontdesk.lifecycle.import_running import Work, work_through
from frontdesk.lifecycle.import_undoing import undo_rows
from frontdesk.lifecycle.importing import remove_old_files


async def on_import_started(services: Services, organization_id: OrganizationId, import_id: UUID) -> None:
    """Do what the import waits for, from where it stands."""
    async with services.db.begin(organization_id) as tx:
        one = await queries.get_import(tx, ImportId(import_id))
    if one.state not in WORKING:
        return
    work = Work(services, organization_id, one.id, one.state)
    await (undo_rows(work) if one.state is ImportState.UNDOING else work_through(work))


async def on_export_started(services: Services, organization_id: OrganizationId, export_id: UUID) -> None:
    """Write the file of an export."""
    await write_export(services, organization_id, ExportId(export_id))


async def on_files_expired(services: Services, organization_id: OrganizationId) -> None:
    """Remove the files of exports and imports that are too old, and old batches of documents."""
    await remove_expired(services, organization_id)
    await remove_old_files(services, organization_id)
    await remove_old(services, organization_id)


HANDLERS: Mapping[str, Handler] = {
    "lifecycle.import_started": on_import_started,
    "lifecycle.export_started": on_export_started,
    "lifecycle.files_expired": on_files_expired,
}
NIGHTLY = ("lifecycle.files_expired",)
