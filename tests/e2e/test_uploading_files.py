"""Many files at once in the console: each goes its own way, and is read while the page is open."""

import re

from playwright.async_api import expect
from tests.e2e.test_accessibility import violations


def a_file(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


async def test_three_files_of_which_one_is_refused(desk, staff):
    """The others are read; the refused one says why; a copy is told and taken only if that is wanted."""
    await staff.goto(f"{desk.url}/console/knowledge")
    await staff.locator("#list a[href^='/console/knowledge/']").first.click()
    files = [
        a_file("e2e-one.txt", b"One of three."),
        a_file("e2e-bad.exe", b"MZ\x00\x01"),
        a_file("e2e-two.txt", b"Two."),
    ]
    await staff.locator("input[name=files]").set_input_files(files)
    rows = staff.locator("#uploads > li")
    await expect(rows).to_have_count(3)
    await expect(rows.filter(has_text="being read")).to_have_count(2)
    refused = rows.filter(has_text="e2e-bad.exe")
    await expect(refused.get_by_role("button", name="Try again")).to_be_visible()
    done = staff.locator("#list tr").filter(has_text="e2e-one.txt").filter(has_text=re.compile("done"))
    await expect(done).to_be_visible(timeout=30_000)
    await refused.get_by_role("button", name="Dismiss").click()
    await staff.locator("input[name=files]").set_input_files([a_file("e2e-copy.txt", b"One of three.")])
    copy = rows.filter(has_text="e2e-copy.txt")
    await expect(copy.get_by_text("same content")).to_be_visible()
    assert await violations(staff) == []
    await copy.get_by_role("button", name="Take it all the same").click()
    await expect(copy.get_by_text("being read")).to_be_visible()
    await expect(staff.locator("#list tr").filter(has_text="e2e-copy.txt")).to_be_visible(timeout=30_000)
