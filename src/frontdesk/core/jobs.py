"""Background work: a row written in the caller's transaction, run by a worker after the commit.

Arguments are ids only. A job runs at least once, so what it does must be safe to repeat.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from procrastinate import App, PsycopgConnector
from procrastinate.manager import JobManager
from procrastinate.tasks import configure_task

from frontdesk.core.db import Tx

_MANAGER = JobManager(PsycopgConnector())  # writes through the caller's connection; it never opens one of its own


@asynccontextmanager
async def open_queue(conninfo: str) -> AsyncIterator[App]:
    """Yield the queue for a worker; waits up to 30 seconds for the first connection."""
    queue = App(connector=PsycopgConnector(conninfo=conninfo, min_size=1, max_size=4))
    try:
        await queue.open_async()
        yield queue
    finally:
        await queue.close_async()  # also when opening is interrupted; its tasks would keep the process alive


async def enqueue(tx: Tx, name: str, *, delay: timedelta | None = None, lock: str | None = None, **ids: UUID) -> None:
    """Run job `name` after `tx` commits, at the earliest `delay` later; jobs of one `lock` run one after the other."""
    deferrer = configure_task(
        name=name,
        job_manager=_MANAGER,
        lock=lock,
        schedule_in={"seconds": int(delay.total_seconds())} if delay else None,
        connection=tx.connection,
    )
    await deferrer.defer_async(
        organization_id=str(tx.organization_id), **{key: str(value) for key, value in ids.items()}
    )
