"""The demo shop, two browsers in front of it, and what a stranger with an API key can do."""

import pytest

from conftest import make_key
from conftest_webchat import browser, other_browser, shop  # noqa: F401 -- fixtures


@pytest.fixture(autouse=True)
async def unthrottled(db, shop):  # noqa: F811 -- the fixture
    """Nobody here is slowed down for what the tests before did from the same address."""
    async with db.begin(shop.organization_id) as tx:
        await tx.execute("DELETE FROM throttle_attempts")


@pytest.fixture
async def shop_key(db, shop):  # noqa: F811 -- the fixture
    """Headers of an API key of the demo organization with every right, acting as contacts too."""
    return await make_key(db, shop.organization_id)
