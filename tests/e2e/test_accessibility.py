"""axe finds nothing wrong on the pages that people use, in light and dark."""

import pytest
from playwright.async_api import expect

from e2e_shop import ask, enter, violations

PAGES = (
    "contacts",
    "conversations",
    "access-profiles",
    "knowledge",
    "platforms",
    "assistants",
    "settings",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_console_is_accessible(desk, staff, scheme):
    """Every screen of the menu."""
    await staff.emulate_media(color_scheme=scheme)
    for path in PAGES:
        await staff.goto(f"{desk.url}/console/{path}")
        assert await violations(staff) == [], path


async def test_the_chat_is_accessible(desk, visitor):
    """The frame with a question, an answer and its source."""
    frame = await enter(visitor, desk.url)
    await ask(frame, "What are your opening hours?")
    await visitor.goto(f"{desk.url}/chat/{desk.public_id}")
    await expect(visitor.locator(".thread .bubble.own")).to_be_visible()
    assert await violations(visitor) == []
