"""What the worker does for identities: it looks for contacts who may be one person."""

from typing import Final

from frontdesk.core.handlers import Handler
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.identities import duplicates, searching


async def on_duplicates_wanted(services: Services, organization_id: OrganizationId) -> None:
    """Compare the cards that changed since the last search. Safe to repeat: a run that was cut short goes on."""
    await searching.run_search(services.db, organization_id)


HANDLERS: Final[dict[str, Handler]] = {duplicates.JOB: on_duplicates_wanted}
NIGHTLY: Final = (duplicates.JOB,)
