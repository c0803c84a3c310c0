"""Ctrl-C may come at any moment of the start."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import pytest

from frontdesk.core.db import Addresses, Database
from frontdesk.core.jobs import open_queue


def list_pool_tasks() -> set[str]:
    """The tasks of connection pools; others of the process come and go."""
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("pool-")}


@pytest.mark.parametrize("open_connections", [Database.open, open_queue])
async def test_an_interrupted_start_leaves_nothing_running(
    addresses: Addresses, open_connections: Callable[[str], AbstractAsyncContextManager[Any]]
):
    """Tasks of a pool that nobody closed survive their cancellation, and the process would wait for them forever."""
    before = list_pool_tasks()

    async def start() -> None:
        async with open_connections(addresses.app):
            await asyncio.sleep(10)

    async with open_connections(addresses.app):
        assert list_pool_tasks() - before  # what is looked for has that name
    starting = asyncio.create_task(start())
    await asyncio.sleep(0)
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    assert list_pool_tasks() <= before
