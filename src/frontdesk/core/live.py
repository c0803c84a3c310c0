"""Live events: what was committed in one process is seen by the open windows of every process.

An event carries ids only; who may read what it names is decided when it is read. It is sent by the database at commit
(LISTEN/NOTIFY), so nobody hears of what was rolled back.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

import structlog
from psycopg import AsyncConnection, OperationalError

from frontdesk.core.db import Tx
from frontdesk.core.text import dump_json

_CHANNEL = "frontdesk_live"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened to the object `id`; `topic` is a noun such as `conversation` or `documents`."""

    topic: str
    id: UUID
    subject: UUID | None = None  # what exactly, such as the message of a conversation


ENDING = Event("ending", UUID(int=0))  # wakes those who listen; about no object


async def announce(tx: Tx, event: Event) -> None:
    """Send `event` to all windows of the organization once `tx` commits."""
    await announce_all(tx, [event])


async def announce_all(tx: Tx, events: Iterable[Event]) -> None:
    """Send all `events` as `announce` does, in one statement."""
    payloads = [
        dump_json([str(tx.organization_id), event.topic, str(event.id), str(event.subject or "")]) for event in events
    ]
    sql = "SELECT pg_notify(%(channel)s, payload) FROM unnest(%(payloads)s::text[]) AS payload"
    await tx.execute(sql, {"channel": _CHANNEL, "payloads": payloads})


class Live:
    """The listeners of this process. An event missed while the database was away is not repeated: readers re-read.

    `is_ending`: the process stops, and who would listen for ever leaves.
    """

    def __init__(self) -> None:
        self._queues: defaultdict[UUID, set[asyncio.Queue[Event]]] = defaultdict(set)
        self.is_ending = False

    def end(self) -> None:
        """Set `is_ending` and send everybody ENDING."""
        self.is_ending = True
        for queue in chain.from_iterable(self._queues.values()):
            _put(queue, ENDING)

    @asynccontextmanager
    async def listen(self, conninfo: str) -> AsyncIterator[None]:
        """Receive events from the database for as long as the block runs; reconnects by itself."""
        task = asyncio.create_task(self._listen(conninfo), name="live events")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    @asynccontextmanager
    async def subscribe(self, organization_id: UUID) -> AsyncIterator[asyncio.Queue[Event]]:
        """Yield a queue of the organization's events from now on; who falls 1,000 behind misses the oldest."""
        queue: asyncio.Queue[Event] = asyncio.Queue(maxsize=1000)
        self._queues[organization_id].add(queue)
        try:
            yield queue
        finally:
            self._queues[organization_id].discard(queue)
            if not self._queues[organization_id]:
                del self._queues[organization_id]

    async def _listen(self, conninfo: str) -> None:
        while True:
            try:
                async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {_CHANNEL}")
                    async for notice in connection.notifies():
                        self._deliver(notice.payload)
            except OperationalError:
                _log.warning("live.disconnected")
                await asyncio.sleep(1)

    def _deliver(self, payload: str) -> None:
        organization, topic, object_id, subject = json.loads(payload)
        event = Event(topic, UUID(object_id), UUID(subject) if subject else None)
        for queue in self._queues.get(UUID(organization), ()):
            _put(queue, event)


def _put(queue: asyncio.Queue[Event], event: Event) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)
