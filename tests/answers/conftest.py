"""The shop, browsers, and an assistant that speaks through a model."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest

from conftest_webchat import Browser, Shop, browser, other_browser, shop  # noqa: F401 -- fixtures
from frontdesk.assistants.actions import ModelRules
from frontdesk.assistants.model import ModelChoice, ModelProvider
from frontdesk.channels.assistant_actions import update_assistant
from frontdesk.core.services import Services
from frontdesk.organizations.model import system_caller
from frontdesk.testing import FakeModel, run_fake_model
from frontdesk.web import create_app


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with run_fake_model(FakeModel()) as model:
        yield model


@pytest.fixture
async def speaking(services: Services, shop: Shop, model: FakeModel) -> AsyncIterator[Browser]:  # noqa: F811
    """A browser at the shop while its assistant speaks through `model`, whose address the operator allows."""
    allowed = replace(services, model_urls=(model.url,))
    caller, rules = system_caller(shop.organization_id), ModelRules(services.cipher, allowed.model_urls)
    choice = ModelChoice(ModelProvider.OPENAI, "gpt-test", model.url, "sk-test")
    async with services.db.begin(shop.organization_id) as tx:
        await update_assistant(tx, caller, shop.inbox.assistant_id, {"model": choice}, rules)
    transport = httpx.ASGITransport(create_app(allowed), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as client:
        yield Browser(client, shop.inbox)
    async with services.db.begin(shop.organization_id) as tx:
        await update_assistant(tx, caller, shop.inbox.assistant_id, {"model": None}, rules)
