"""What the worker does for identities: it looks for contacts who may be one person, and forgets old refusals."""

from datetime import timedelta
from typing import Final

from frontdesk.core.handlers import Handler
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.identities import duplicates, searching
from frontdesk.identities.proof_queries import delete_proof_failures

_REFUSALS_DUE: Final = "identities.refusals_expired"
_REFUSALS_KEPT: Final = timedelta(days=180)  # the longest period that is shown, and the one before it


async def on_duplicates_wanted(services: Services, organization_id: OrganizationId) -> None:
    """Compare the cards that changed since the last search. Safe to repeat: a run that was cut short goes on."""
    await searching.run_search(services.db, organization_id)


async def on_refusals_expired(services: Services, organization_id: OrganizationId) -> None:
    """Forget why proofs were refused that long ago. Safe to repeat."""
    async with services.db.begin(organization_id) as tx:
        await delete_proof_failures(tx, before=utc_now() - _REFUSALS_KEPT)


HANDLERS: Final[dict[str, Handler]] = {
    duplicates.JOB: on_duplicates_wanted,
    _REFUSALS_DUE: on_refusals_expired,
}
NIGHTLY: Final = tuple(HANDLERS)
