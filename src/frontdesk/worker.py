"""Runs jobs; inside `serve` by default, alone with `frontdesk worker`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import structlog
from procrastinate import App, RetryStrategy

from frontdesk.answers import handlers as answers
from frontdesk.contacts import handlers as contacts
from frontdesk.conversations import handlers as conversations
from frontdesk.core.handlers import Handler
from frontdesk.core.ids import OrganizationId
from frontdesk.core.jobs import enqueue_nightly, open_queue
from frontdesk.core.services import Services
from frontdesk.identities import handlers as identities
from frontdesk.knowledge import handlers as knowledge
from frontdesk.lifecycle import bulk_handlers as bulk_edits
from frontdesk.lifecycle import handlers as lifecycle
from frontdesk.lifecycle import import_handlers as imports
from frontdesk.organizations.queries.organizations import list_organization_ids

_DOMAINS = (answers, contacts, conversations, identities, knowledge, lifecycle, imports, bulk_edits)
HANDLERS: dict[str, Handler] = {name: handler for domain in _DOMAINS for name, handler in domain.HANDLERS.items()}
NIGHTLY: tuple[str, ...] = tuple(name for domain in _DOMAINS for name in getattr(domain, "NIGHTLY", ()))

_AT_NIGHT = "17 3 * * *"  # cron, UTC
_DEAD_AFTER_SECONDS = 30.0
_RETRY = RetryStrategy(max_attempts=8, exponential_wait=3)
_log = structlog.get_logger(__name__)


@asynccontextmanager
async def run_worker(services: Services, conninfo: str, *, concurrency: int = 4) -> AsyncIterator[None]:
    """Run jobs for as long as the block; those that are running at its end get 5 seconds to finish."""
    async with open_queue(conninfo) as queue:
        for name, handler in HANDLERS.items():
            _register(queue, name, handler, services)
        _register_night(queue, services)
        task = asyncio.create_task(_work(queue, concurrency), name="worker")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _work(queue: App, concurrency: int) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(_rescue(queue))
        await queue.run_worker_async(
            concurrency=concurrency,
            install_signal_handlers=False,
            shutdown_graceful_timeout=5,
            delete_jobs="successful",
        )


async def _rescue(queue: App) -> None:
    """Put jobs of workers that died, which are those without a heartbeat, back into the queue."""
    while True:
        for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD_AFTER_SECONDS):
            await queue.job_manager.retry_job(job)
        await asyncio.sleep(_DEAD_AFTER_SECONDS / 2)


def _register(queue: App, name: str, handler: Handler, services: Services) -> None:
    async def run(organization_id: str, **ids: str) -> None:
        arguments = {key: UUID(value) for key, value in ids.items()}
        try:
            await handler(services, OrganizationId(UUID(organization_id)), **arguments)
        except Exception:
            _log.exception("job.failed", job=name, **ids)
            raise

    queue.task(name=name, retry=_RETRY)(run)


async def begin_night(services: Services, night: int) -> None:
    """Enqueue what every organization has done at night. Safe to repeat, and in several workers at once."""
    async with services.db.begin_bootstrap() as tx:
        organizations = await list_organization_ids(tx)
    for organization_id in organizations:
        async with services.db.begin(organization_id) as tx:
            for name in NIGHTLY:
                await enqueue_nightly(tx, name, night=night)


def _register_night(queue: App, services: Services) -> None:
    async def run(timestamp: int) -> None:
        await begin_night(services, timestamp)

    task = queue.task(name="core.night", retry=_RETRY)(run)
    queue.periodic(cron=_AT_NIGHT)(task)
