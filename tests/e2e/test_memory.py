"""What a visitor told once is seen, corrected and forgotten by staff; the worker has remembered it."""

from playwright.async_api import expect

from e2e_shop import ask, enter, latest_anonymous, violations


async def test_staff_see_and_correct_what_was_told(desk, visitor, staff):
    """It stands beside the conversation and on the contact, live, with its source; axe finds nothing wrong there."""
    frame = await enter(visitor, desk.url)
    await ask(frame, "I live in Taipei. What are your opening hours?")
    contact = await latest_anonymous(desk.services, desk.organization_id)

    await staff.goto(f"{desk.url}/console/contacts/{contact}/memory")
    fact = staff.locator(".fd-remembered", has_text="I live in Taipei")
    await expect(fact).to_be_visible(timeout=20_000)  # the worker's job; the page reads itself again
    await ask(frame, "I am allergic to nuts. Do you deliver?")
    await expect(staff.locator(".fd-remembered", has_text="I am allergic to nuts")).to_be_visible(timeout=20_000)
    for scheme in ("light", "dark"):
        await staff.emulate_media(color_scheme=scheme)
        assert await violations(staff) == [], scheme

    await fact.get_by_role("link", name="Correct").click()
    await staff.get_by_role("textbox", name="What is remembered").fill("Lives in New Taipei")
    await staff.get_by_role("button", name="Save").click()
    corrected = staff.locator(".fd-remembered", has_text="Lives in New Taipei")
    await expect(corrected).to_contain_text("corrected by")
    await corrected.get_by_role("button", name="Forget").click()
    await expect(staff.locator(".fd-remembered")).to_have_count(1)

    await staff.get_by_role("link", name="said on").click()
    await expect(staff.locator("aside, .fd-panel").get_by_role("heading", name="Memory")).to_be_visible()
    await expect(staff.locator(".fd-remembered-list")).to_contain_text("I am allergic to nuts")
