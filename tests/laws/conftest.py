"""A world, and a stage around it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest
from tests.conftest import make_key, new_organization
from tests.laws.stage import Stage, make_stage, unthrottle

from frontdesk.core.services import Services
from frontdesk.organizations.model import system_caller
from frontdesk.testing import FakeModel, run_fake_model
from frontdesk.web import create_app
from knowledge.conftest import Library, library, other_library  # noqa: F401 -- fixtures
from knowledge.worlds import make_world


@pytest.fixture(scope="module")
def model() -> Iterator[FakeModel]:
    with run_fake_model(FakeModel()) as model:
        yield model


@pytest.fixture(scope="module")
async def whole(services: Services, model: FakeModel) -> AsyncIterator[Stage]:
    """The stage of one module: one organization, one app."""
    organization_id = await new_organization(services.db, "Northlight")
    caller, headers = system_caller(organization_id), await make_key(services.db, organization_id)
    allowed = replace(services, model_urls=(model.url,))
    app = create_app(allowed)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        world = await make_world(Library(services, caller))
        yield await make_stage(allowed, caller, client, headers, app=app, world=world, model=model)


@pytest.fixture
async def stage(whole: Stage) -> Stage:
    """The same, with nobody slowed down for what the tests before did, and a model that says the usual words."""
    whole.model.words, whole.model.pause = ["As the source says ", "[1]."], 0.0
    await unthrottle(whole)
    return whole
