"""Story 2: Mr. Zhang, VIP."""

from playwright.async_api import expect

from e2e_shop import ask, begin_anew, enter, sources

OFFERS = "Are there any exclusive offers for me?"


async def test_story_02_mr_zhang_vip(desk, visitor, staff, chromium):
    """He is greeted by name; his question is answered from the VIP document; the visitor's like a topic that is not there."""
    frame = await enter(visitor, desk.url, person="zhang")
    await expect(frame.get_by_text("Signed in as")).to_contain_text("Zhang Weimin")
    await begin_anew(frame)
    await expect(frame.locator(".thread .bubble").first).to_contain_text("Zhang Weimin")
    answer = await ask(frame, OFFERS)
    assert "20 % off every AP-400" in answer
    assert any("VIP offers" in source for source in await sources(frame))
    await staff.goto(f"{desk.url}/console/conversations")
    await staff.get_by_role("link", name="Zhang Weimin").first.click()
    await expect(staff.locator("main")).to_contain_text(OFFERS)
    await expect(staff.locator("main")).to_contain_text("VIP")
    await expect(staff.locator("main")).to_contain_text("Signed")
    context = await chromium.new_context(locale="en-GB")
    other = await enter(await context.new_page(), desk.url)
    assert await ask(other, OFFERS) == await ask(other, "Tell me about quantum chromodynamics")
    assert await sources(other) == []
    await context.close()
