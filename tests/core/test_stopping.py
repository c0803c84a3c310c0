"""Ctrl-C may come at any moment of the start."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import pytest

from frontdesk.core.db import Addresses, Database
from frontdesk.core.jobs import open_queue


@pytest.mark.parametrize("open_connections", [Database.open, open_queue])
async def test_an_interrupted_start_leaves_nothing_running(
    addresses: Addresses, open_connections: Callable[[str], AbstractAsyncContextManager[Any]]
):
    """Tasks of a pool that nobody closed survive their cancellation, and the process would wait for them forever."""

    async def start() -> None:
        async with open_connections(addresses.app):
            await asyncio.sleep(10)

    before = asyncio.all_tasks()
    starting = asyncio.create_task(start())
    await asyncio.sleep(0)
    starting.cancel()
    with suppress(asyncio.CancelledError):
        await starting
    assert asyncio.all_tasks() <= before
