"""Story 7: anonymous becomes known, and two cards become one, and two again."""

from uuid import uuid4

from playwright.async_api import expect

from e2e_shop import ask, composer, count_contacts, enter, latest_anonymous

HOURS = "What are your opening hours?"


async def test_story_07_a_visitor_who_signs_in_is_one_contact(desk, visitor):
    """The conversation is kept, and there is one contact: the member."""
    frame = await enter(visitor, desk.url)
    await ask(frame, HOURS)
    before = await count_contacts(desk.services, desk.organization_id)
    await visitor.click("[data-person=zhang]")
    await expect(frame.get_by_text("Signed in as")).to_be_visible()
    await expect(frame.locator(".thread .bubble.own").last).to_contain_text(HOURS)
    assert await count_contacts(desk.services, desk.organization_id) == before - 1


async def test_story_07_a_member_of_staff_makes_a_visitor_known(desk, visitor, staff):
    """Name and e-mail are kept; a restricted scope works at the next message; a taken source id leads to a merge.

    It is merged after a look at both cards, found under both ids, and undone.
    """
    frame = await enter(visitor, desk.url)
    assert "10:00" in await ask(frame, HOURS)
    contact = await latest_anonymous(desk.services, desk.organization_id)
    card = f"{desk.url}/console/contacts/{contact}"
    name = f"Grace {uuid4().hex[:6]}"

    await staff.goto(card)
    await staff.get_by_role("link", name="Edit").click()
    await staff.get_by_label("Name", exact=True).fill(name)
    await staff.locator("input[name=emails]").first.fill("grace@example.com")
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.get_by_role("heading", name=name)).to_be_visible()
    await expect(staff.locator("main")).to_contain_text("grace@example.com")

    await staff.goto(f"{card}/access")
    await staff.get_by_role("link", name="own conditions").click()
    await staff.locator("textarea[name=text]").fill('{"knowledge_bases": []}')
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.get_by_text("Own conditions").first).to_be_visible()
    assert "10:00" not in await ask(frame, HOURS)

    await staff.goto(card)
    await staff.get_by_role("link", name="Edit").click()
    await staff.locator("input[name=source_id]").fill("M-100482")
    await staff.get_by_role("button", name="Save").click()
    holder = staff.get_by_role("link", name="Zhang Weimin")
    await expect(holder).to_be_visible()
    await expect(composer(frame)).to_be_editable()
    zhang = f"{desk.url}{await holder.get_attribute('href')}"

    await staff.get_by_role("link", name="Merge them").click()
    await expect(staff.get_by_role("heading", name="What stays")).to_be_visible()
    await expect(staff.get_by_role("heading", name="Who could read more")).to_be_visible()
    await expect(staff.locator("table")).to_contain_text("M-100482")
    await staff.get_by_role("link", name="Keep the other card").click()
    await staff.wait_for_url(f"{zhang}/merge**")
    await staff.get_by_role("button", name="Merge").click()
    await expect(staff.locator(".fd-toast").get_by_role("link", name="Undo")).to_be_visible()
    for address in (card, zhang):
        await staff.goto(address)
        await expect(staff).to_have_url(zhang)
        await expect(staff.locator("main")).to_contain_text("grace@example.com")
    await expect(staff.locator("main")).to_contain_text(name)

    await staff.get_by_role("link", name="Undo").first.click()
    await expect(staff.get_by_text("As before again:")).to_be_visible()
    confirm = staff.get_by_label("They may read this again")
    if await confirm.count():
        await confirm.check()
    await staff.get_by_role("button", name="Undo").click()
    await expect(staff.get_by_text("The merge is undone.")).to_be_visible()
    await staff.goto(card)
    await expect(staff.get_by_role("heading", name=name)).to_be_visible()
    await staff.goto(zhang)
    await expect(staff.locator("main")).not_to_contain_text("grace@example.com")
