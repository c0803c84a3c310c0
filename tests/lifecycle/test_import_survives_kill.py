"""A worker that imports is killed without warning: another one goes on exactly there, with the same result."""

import asyncio
import json
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.lifecycle.generated_contacts import expected_counts, write_csv
from tests.lifecycle.importing_desk import Desk, checksum

from frontdesk.core.db import Addresses
from frontdesk.lifecycle import importing
from frontdesk.lifecycle.import_model import Import, ImportState

WORKER = """
import asyncio, json, sys
from pathlib import Path
from frontdesk.bootstrap import open_services
from frontdesk.core.db import Addresses
from frontdesk.settings import Settings
from frontdesk.worker import run_worker

async def main():
    told = json.loads(sys.argv[1])
    addresses = Addresses(**told["addresses"])
    async with open_services(Settings(data=Path(told["data"])), addresses) as services:
        async with run_worker(services, addresses.app):
            await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def a_worker(addresses: Addresses, data: Path):
    """A worker in a process of its own, on the database and the files of the tests."""
    told = {
        "data": str(data),
        "addresses": {name: getattr(addresses, name) for name in ("owner", "app", "maintenance")},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, json.dumps(told), stdout=DEVNULL, stderr=DEVNULL, env=dict(os.environ)
    )
    try:
        yield process
    finally:
        await kill(process)


async def kill(process: Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.wait()


async def wait_for(desk: Desk, one: Import, is_reached, *, seconds: float) -> Import:
    until = time.monotonic() + seconds
    while not is_reached(found := await desk.look(one)):
        assert time.monotonic() < until, (found.state, found.done_count)
        await asyncio.sleep(0.02)
    return found


async def begin(desk: Desk, path: Path, count: int) -> Import:
    write_csv(path, count)
    with path.open("rb") as file:
        one = await desk.bring(file)
    async with desk.services.db.begin(desk.organization) as tx:
        return await importing.start_run(tx, desk.caller, one.id)


@pytest.fixture
def desk(services, organization, owner) -> Desk:
    return Desk(services, organization, owner)


async def count_contacts(desk: Desk) -> tuple[int, int]:
    async with desk.services.db.begin(desk.organization) as tx:
        sql = "SELECT count(*), count(DISTINCT contact_id) FROM identities WHERE organization_id = %(o)s"
        return await tx.fetch_one(sql, {"o": desk.organization})


@pytest.mark.long
async def test_a_killed_import_goes_on_where_it_was(desk, addresses, data, tmp_path):
    """Nothing is lost, nothing is doubled, the counts add up; the undo leaves no trace of either process."""
    count, before = 2_500, await checksum(desk)
    one = await begin(desk, tmp_path / "contacts.csv", count)
    async with a_worker(addresses, data) as process:
        await wait_for(desk, one, lambda found: found.done_count >= 1_000, seconds=60)
        await kill(process)
    left = await desk.look(one)
    assert (left.state, sum(left.counts.values())) == (ImportState.RUNNING, left.done_count)
    done = await desk.work(one)
    assert (done.state, done.counts) == (ImportState.DONE, expected_counts(count))
    made = done.counts["created"]
    assert await count_contacts(desk) == (made, made)
    undone = await desk.undo(one)
    assert undone.undone == {"removed": made, "restored": 0, "kept": 0}
    assert await checksum(desk) == before


@pytest.mark.long
async def test_half_a_million_rows_survive_a_kill(desk, addresses, data, tmp_path):
    """500,000 rows with 1 % errors and 2 % repetitions: killed in the middle, resumed by another worker, undone."""
    count = 500_000
    await desk.run(await desk.bring("name,member no\nBefore,M-0000007\nElse,E-1\n".encode()))  # noqa: UP012
    before = await checksum(desk)
    one = await begin(desk, tmp_path / "contacts.csv", count)
    async with a_worker(addresses, data) as process:
        await wait_for(desk, one, lambda found: found.done_count >= count // 2, seconds=1_200)
        await kill(process)
    async with a_worker(addresses, data):  # it takes over what the dead one held after half a minute
        done = await wait_for(desk, one, lambda found: found.state is ImportState.DONE, seconds=1_200)
    expected = expected_counts(count)
    assert done.counts == expected | {"created": expected["created"] - 1, "updated": 1}
    assert sum(done.counts.values()) == done.total_count == count
    undone = await desk.undo(one)
    assert undone.undone == {"removed": done.counts["created"], "restored": 1, "kept": 0}
    assert await checksum(desk) == before
