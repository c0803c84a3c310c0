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

from frontdesk.core.db import Tx, to_jsonb

_A_DAY = timedelta(days=1)
_MANAGER = JobManager(PsycopgConnector())  # writes through the caller's connection; it never opens one of its own


@asynccontextmanager
async def open_queue(conninfo: str) -> AsyncIterator[App]:
    """Yield the queue for a worker; waits up to 30 seconds for the first connection."""
    queue = App(
        connector=PsycopgConnector(conninfo=conninfo, min_size=1, max_size=4),
        periodic_defaults={"max_delay": _A_DAY.total_seconds()},  # a night that nobody was up for is made up for
    )
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


async def enqueue_nightly(tx: Tx, name: str, *, night: int) -> bool:
    """Run job `name` for the organization after `tx` commits; False when it was enqueued for this `night` before.

    `night` is in seconds since 1970. Any number of workers may ask at once.
    """
    sql = """
        SELECT procrastinate_defer_periodic_job_v2(
            'default', %(lock)s, NULL, %(name)s, 0, %(organization)s, %(night)s, %(arguments)s)
    """
    organization = str(tx.organization_id)
    params = {
        "lock": f"{name}/{organization}",
        "name": name,
        "organization": organization,
        "night": night,
        "arguments": to_jsonb({"organization_id": organization}),
    }
    return await tx.fetch_value(sql, params) is not None
