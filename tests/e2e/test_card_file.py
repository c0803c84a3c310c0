"""A member works on a card in a browser: the menu, the drawer, notes, and what two members write at once."""

import pytest
from playwright.async_api import Page, expect
from tests.e2e.conftest import Desk
from tests.e2e.test_accessibility import violations

from frontdesk.contacts.actions import create_contact, update_contact
from frontdesk.contacts.model import Provenance
from frontdesk.core.ids import ContactId
from frontdesk.organizations.model import system_caller


@pytest.fixture
async def card(desk: Desk) -> ContactId:
    """A contact made for one test, with an attribute that the demo defines."""
    fields = {"name": "Carla Card", "emails": ["carla@example.com"], "attributes": {"level": "gold", "shoe": 39}}
    async with desk.services.db.begin(desk.organization_id) as tx:
        caller = system_caller(desk.organization_id)
        made = await create_contact(tx, caller, fields=fields, inbox_ids=[], provenance=Provenance.API)
    return made.id


async def test_the_menu_is_used_by_keyboard(desk: Desk, staff: Page, card: ContactId):
    """Enter opens it, Escape closes it; what a dialog in it leaves behind is the focus on the menu."""
    await staff.goto(f"{desk.url}/console/contacts/{card}")
    more = staff.locator("summary[aria-label=More]")
    await more.press("Enter")
    await expect(staff.get_by_role("link", name="Delete…")).to_be_visible()
    await staff.keyboard.press("Escape")
    await expect(staff.get_by_role("link", name="Delete…")).to_be_hidden()
    await expect(more).to_be_focused()
    await more.press("Enter")
    await staff.get_by_role("link", name="Delete…").press("Enter")
    await expect(staff.get_by_role("alertdialog").or_(staff.get_by_role("dialog"))).to_be_visible()
    await staff.keyboard.press("Escape")
    await expect(more).to_be_focused()
    await expect(staff.get_by_role("link", name="Delete…")).to_be_hidden()


async def test_two_members_write_at_once(desk: Desk, staff: Page, card: ContactId):
    """The second one sees both versions beside each other, and saves knowingly."""
    await staff.goto(f"{desk.url}/console/contacts/{card}")
    await staff.get_by_role("link", name="Edit", exact=True).first.click()
    drawer = staff.get_by_role("dialog")
    await drawer.get_by_label("Name", exact=True).fill("Carla of mine")
    await drawer.get_by_label("Level").select_option("silver")
    async with desk.services.db.begin(desk.organization_id) as tx:
        caller = system_caller(desk.organization_id)
        await update_contact(tx, caller, card, {"name": "Carla of theirs"}, provenance=Provenance.MEMBER)
    await drawer.get_by_role("button", name="Save").click()
    await expect(drawer.get_by_role("row", name="Name Carla of theirs Carla of mine")).to_be_visible()
    await expect(drawer.get_by_role("row", name="gold silver")).to_be_visible()
    assert await violations(staff) == []
    await drawer.get_by_role("button", name="Save").click()
    await expect(staff.get_by_role("heading", name="Carla of mine")).to_be_visible()


async def test_all_that_match_are_no_longer_meant_when_a_row_is_not(desk: Desk, staff: Page) -> None:
    """The box that means every page goes out with the first row, so that nobody changes people who are not ticked."""
    await staff.goto(f"{desk.url}/console/contacts")
    await staff.get_by_label("Select all on this page").check()
    every = staff.get_by_label("All that match, on every page")
    await every.check()
    await expect(staff.locator("[data-selected-count]")).to_have_text(
        await staff.locator("#matching").get_attribute("data-count") or ""
    )
    await staff.locator("input[name=ids]").first.uncheck()
    await expect(every).not_to_be_checked()
    await staff.get_by_role("button", name="Clear").click()
    await expect(every).to_be_hidden()


async def test_a_note_is_kept(desk: Desk, staff: Page, card: ContactId):
    """Written in the drawer, shown on the card; all tabs pass axe."""
    await staff.goto(f"{desk.url}/console/contacts/{card}")
    await staff.get_by_role("link", name="Note", exact=True).click()
    await staff.get_by_role("textbox", name="Note").fill("Prefers Saturdays.")
    await staff.get_by_role("button", name="Save").click()
    await expect(staff.get_by_text("Prefers Saturdays.")).to_be_visible()
    for path in (f"contacts/{card}", f"contacts/{card}/timeline", "settings/contact-fields"):
        await staff.goto(f"{desk.url}/console/{path}")
        assert await violations(staff) == [], path
