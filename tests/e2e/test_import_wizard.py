"""A member imports a list in the browser: the file, its columns, what would happen, what happened, and back."""

from playwright.async_api import expect
from tests.e2e.test_accessibility import violations

FILE = "姓名,E-mail,會員編號\n張偉的朋友,friend@shop.tw,E2E-1\nNobody,no-mail,E2E-2\n".encode()


async def test_a_list_is_imported_and_taken_back(desk, staff):
    """The page follows the worker by itself; each step is accessible."""
    await staff.goto(f"{desk.url}/console/contacts/imports")
    assert await violations(staff) == []
    file = {"name": "friends.csv", "mimeType": "text/csv", "buffer": FILE}
    await staff.locator("input[type=file]").set_input_files(file)
    await expect(staff.get_by_role("heading", name="friends.csv")).to_be_visible()
    await expect(staff.get_by_label("會員編號")).to_have_value("sourceId")
    assert await violations(staff) == []
    await staff.get_by_role("button", name="Check").click()
    await expect(staff.get_by_text("Nothing is imported yet.")).to_be_visible(timeout=30_000)
    await expect(staff.get_by_text("This is not an e-mail address.")).to_be_visible()
    assert await violations(staff) == []
    await staff.get_by_role("button", name="Import", exact=True).click()
    await expect(staff.get_by_role("link", name="Undo the whole import")).to_be_visible(timeout=30_000)
    await expect(staff.get_by_role("link", name="張偉的朋友")).to_be_visible()
    await staff.get_by_role("link", name="Undo the whole import").click()
    await staff.get_by_role("button", name="Undo the import").click()
    await expect(staff.get_by_text("New contacts removed: 1.")).to_be_visible(timeout=30_000)
    assert await violations(staff) == []
