"""Answers in the making in this process. They go on when the reader's connection ends; a job is the net below them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import structlog

from frontdesk.answers.actions import AnswerEvent, answer
from frontdesk.core.ids import ConversationId, OrganizationId
from frontdesk.core.services import Services

_log = structlog.get_logger(__name__)


class Answering:
    """The running answers of one process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._tasks: set[asyncio.Task[None]] = set()

    def start(
        self, organization_id: OrganizationId, conversation_id: ConversationId, holder: UUID
    ) -> "asyncio.Queue[AnswerEvent | None]":
        """Answer in the background and return the events; None is the last one."""
        queue: asyncio.Queue[AnswerEvent | None] = asyncio.Queue()
        task = asyncio.create_task(self._run(organization_id, conversation_id, holder, queue))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return queue

    @asynccontextmanager
    async def finishing(self) -> AsyncIterator[None]:
        """Give the running answers 5 seconds at the end of the block; the rest is left to their jobs."""
        try:
            yield
        finally:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=5)
            for task in self._tasks:
                task.cancel()

    async def _run(
        self,
        organization_id: OrganizationId,
        conversation_id: ConversationId,
        holder: UUID,
        queue: "asyncio.Queue[AnswerEvent | None]",
    ) -> None:
        try:
            async for event in answer(self._services, organization_id, conversation_id, holder):
                queue.put_nowait(event)
        except Exception:  # noqa: BLE001 -- the entry point of a background task: logged once, the job follows
            _log.exception("answer.failed", conversation_id=str(conversation_id))
        finally:
            queue.put_nowait(None)
