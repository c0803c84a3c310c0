"""Story 3: Ms. Lin, regular member."""

from playwright.async_api import Page, expect

from e2e_shop import ask, enter

OFFERS = "Are there any exclusive offers for me?"


async def open_access_of_lin(staff: Page, url: str) -> None:
    await staff.goto(f"{url}/console/contacts?q=M-100517")
    await staff.get_by_role("link", name="Lin Chia-ying").first.click()
    await staff.get_by_role("link", name="Access", exact=True).click()


async def test_story_03_ms_lin_member(desk, visitor, staff):
    """Manuals, but not the VIP document; with the profile from the console the next message has it; without it not again."""
    frame = await enter(visitor, desk.url, person="lin")
    assert "six months" in await ask(frame, "When do I change the filter of my AP-200?")
    assert "20 % off" not in await ask(frame, OFFERS)
    assert "eight points" not in await ask(frame, "How do I set the fan curve in the advanced settings?")
    await open_access_of_lin(staff, desk.url)
    await give_profile(staff, "VIP")
    assert "20 % off" in await ask(frame, OFFERS)
    await take_profile(staff, "VIP")
    assert "20 % off" not in await ask(frame, OFFERS)


async def give_profile(staff: Page, name: str) -> None:
    await staff.locator("details.fd-menu summary", has_text="Profile").click()
    await staff.locator("details.fd-menu button[name=profile_id]", has_text=name).click()
    await expect(staff.get_by_role("button", name=f"Take {name} away")).to_be_visible()


async def take_profile(staff: Page, name: str) -> None:
    await staff.get_by_role("button", name=f"Take {name} away").click()
    await expect(staff.get_by_role("button", name=f"Take {name} away")).to_have_count(0)
