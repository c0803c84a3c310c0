"""Story 1: a new visitor."""

from playwright.async_api import expect

from e2e_shop import ask, begin_anew, count_contacts, enter, sources


async def test_story_01_new_visitor(desk, visitor):
    """Looking makes nobody; asking makes one anonymous contact; a reload finds the conversation; a second one is a second."""
    before = await count_contacts(desk.services, desk.organization_id)
    frame = await enter(visitor, desk.url)
    assert await count_contacts(desk.services, desk.organization_id) == before
    answer = await ask(frame, "What are your opening hours?")
    assert "10:00 to 20:00" in answer
    assert await sources(frame) == ["1 · What are your opening hours?"]
    assert await count_contacts(desk.services, desk.organization_id) == before + 1
    frame = await enter(visitor, desk.url)
    await expect(frame.locator(".thread .bubble.own")).to_contain_text("What are your opening hours?")
    await begin_anew(frame)
    await ask(frame, "How can I pay?")
    assert await count_contacts(desk.services, desk.organization_id) == before + 2
