"""A real PostgreSQL, migrated once per run; people and things of the stories.

Tests do not clean up: each makes an organization of its own, and row-level security keeps them apart.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import hypothesis
import pytest
from fastapi import FastAPI

from frontdesk.bootstrap import open_database, open_services
from frontdesk.core.db import Addresses, Database, Tx
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.organizations.actions import create_organization
from frontdesk.organizations.keys import create_api_key
from frontdesk.organizations.model import Caller, Right, system_caller
from frontdesk.settings import Settings
from frontdesk.web import create_app


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many cases of the laws were tried."""
    passed = terminalreporter.stats.get("passed", [])
    tried = Counter[str]()
    for name, count in (pair for report in passed for pair in report.user_properties):
        tried[name] += count
    for name, count in sorted(tried.items()):
        terminalreporter.write_line(f"tried {count:,} {name}: every one holds")


PASSWORD = "correct horse battery"

hypothesis.settings.register_profile("frontdesk", deadline=None)  # a busy machine is no broken law
hypothesis.settings.load_profile("frontdesk")


@pytest.fixture(scope="session")
def data() -> Iterator[Path]:
    """A folder of this run alone, whose parents an unprivileged server can pass."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-tests-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def settings(data: Path) -> Settings:
    return Settings(data=data, outgoing_allow=("127.0.0.0/8",))


@pytest.fixture(scope="session")
def addresses(settings: Settings) -> Iterator[Addresses]:
    with open_database(settings) as addresses:
        yield addresses


@pytest.fixture(scope="session")
async def services(settings: Settings, addresses: Addresses) -> AsyncIterator[Services]:
    async with open_services(settings, addresses) as services:
        yield services


@pytest.fixture(scope="session")
def db(services: Services) -> Database:
    return services.db


async def new_organization(db: Database, name: str) -> OrganizationId:
    owner_email = (
        f"owner-{name.lower().replace(' ', '-')}-{id(object())}-{asyncio.get_running_loop().time()}@example.com"
    )
    organization_id, _ = await create_organization(
        db, name=name, owner_email=owner_email, owner_name="Olga Owner", password=PASSWORD
    )
    return organization_id


@pytest.fixture
async def organization(db: Database) -> OrganizationId:
    return await new_organization(db, "Northlight")


@pytest.fixture
async def other_organization(db: Database) -> OrganizationId:
    return await new_organization(db, "Southdark")


@pytest.fixture
def owner(organization: OrganizationId) -> Caller:
    """A caller with every right."""
    return system_caller(organization)


@pytest.fixture
async def tx(db: Database, organization: OrganizationId) -> AsyncIterator[Tx]:
    """A transaction that is rolled back when the test ends."""
    async with db.begin(organization) as tx:
        yield tx
        await tx.execute("ROLLBACK")  # the COMMIT that follows is one of nothing


@pytest.fixture(scope="session")
def app(services: Services) -> FastAPI:
    return create_app(services)


@pytest.fixture(scope="session")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client on the app itself; send `headers=` of `api_key` to be somebody."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        yield client


async def make_key(db: Database, organization_id: OrganizationId, *rights: Right) -> dict[str, str]:
    """Headers of a new API key with `rights`, or with all of them."""
    caller = system_caller(organization_id)
    async with db.begin(organization_id) as tx:
        _, secret = await create_api_key(
            tx, caller, name="test", rights=frozenset(rights or Right), inbox_ids=None, expires_at=None
        )
    return {"Authorization": f"Api-Key {secret}"}


@pytest.fixture
async def api_key(db: Database, organization: OrganizationId) -> dict[str, str]:
    """Headers of a key of `organization` with every right."""
    return await make_key(db, organization)


@pytest.fixture
async def other_key(db: Database, other_organization: OrganizationId) -> dict[str, str]:
    """Headers of a key of `other_organization` with every right."""
    return await make_key(db, other_organization)
