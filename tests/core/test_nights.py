"""What is done at night is done once for every organization, however many workers there are."""

import asyncio
from collections.abc import Sequence

import pytest

from frontdesk import worker
from frontdesk.core.db import Addresses, Database
from frontdesk.core.ids import OrganizationId
from frontdesk.core.jobs import open_queue
from frontdesk.core.services import Services

NIGHT = 1_790_000_000


@pytest.fixture
def nightly(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a job that every organization has done at night."""
    monkeypatch.setattr(worker, "NIGHTLY", ("tests.sweep",))
    return "tests.sweep"


async def jobs_of(db: Database, organization: OrganizationId) -> Sequence[tuple[str, dict[str, str]]]:
    async with db.begin_bootstrap() as tx:
        return await tx.fetch(
            """
            SELECT task_name, args FROM procrastinate_jobs
             WHERE task_name = 'tests.sweep' AND args ->> 'organization_id' = %(organization)s
            """,
            {"organization": str(organization)},
        )


async def test_each_night_brings_each_organization_one_job(
    services: Services, organization: OrganizationId, other_organization: OrganizationId, nightly: str
) -> None:
    """Several workers, and a run that is repeated, enqueue it once; the next night it comes again."""
    await asyncio.gather(*(worker.begin_night(services, NIGHT) for _ in range(3)))
    await worker.begin_night(services, NIGHT)
    for each in (organization, other_organization):
        assert await jobs_of(services.db, each) == [(nightly, {"organization_id": str(each)})]
    await worker.begin_night(services, NIGHT + 86_400)
    assert len(await jobs_of(services.db, organization)) == 2


async def test_every_nightly_job_has_a_handler() -> None:
    """A name that nobody handles would fail every night."""
    assert set(worker.NIGHTLY) <= set(worker.HANDLERS)


async def test_a_night_that_was_slept_through_is_made_up_for(addresses: Addresses, services: Services) -> None:
    """A worker that starts at noon enqueues last night's work."""
    async with open_queue(addresses.app) as queue:
        worker._register_night(queue, services)
        (periodic,) = queue.periodic_registry.periodic_tasks.values()
        assert periodic.cron == "17 3 * * *"
        assert queue.periodic_defaults["max_delay"] == 86_400
