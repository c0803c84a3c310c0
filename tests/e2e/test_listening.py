"""Where a server started by people listens."""

import os
import socket
import sys
import tempfile
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest


async def serve(data: Path, port: int) -> Process:
    environment = {**os.environ, "FRONTDESK_DATA": str(data), "FRONTDESK_PORT": str(port)}
    command = [sys.executable, "-c", "from frontdesk.cli import main; main()", "serve"]
    return await create_subprocess_exec(*command, env=environment, stdout=PIPE, stderr=PIPE)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="frontdesk-listening-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


async def test_a_taken_port_is_said_in_one_sentence(folder):
    """Nothing is started, nothing claims to run, and the sentence names the remedy."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = await serve(folder, other.getsockname()[1])
        said, complaint = await process.communicate()
    assert (process.returncode, said) == (1, b"")
    assert complaint.count(b"\n") == 1
    assert b"set FRONTDESK_PORT" in complaint
    assert list(folder.iterdir()) == []


async def test_port_0_takes_a_free_one(folder):
    """The address that is printed is the one that answers."""
    process = await serve(folder, 0)
    try:
        url = (await process.stdout.readline()).decode().split()[-1]
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{url}/widget.js")).status_code == 200
    finally:
        process.terminate()
        await process.communicate()
