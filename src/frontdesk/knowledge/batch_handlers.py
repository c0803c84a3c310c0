"""What the worker does for batches."""

from uuid import UUID

from frontdesk.core.handlers import Handler
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.knowledge import batch_queries
from frontdesk.knowledge.batch_model import WORKING, BatchId
from frontdesk.knowledge.batch_running import Work, work_through


async def on_batch_started(services: Services, organization_id: OrganizationId, batch_id: UUID) -> None:
    """Do what the batch waits for, from where it stands."""
    async with services.db.begin(organization_id) as tx:
        batch = await batch_queries.get_batch(tx, BatchId(batch_id))
    if batch.state in WORKING:
        await work_through(Work(services, organization_id, batch.id, batch.state))


HANDLERS: dict[str, Handler] = {"knowledge.batch_started": on_batch_started}
