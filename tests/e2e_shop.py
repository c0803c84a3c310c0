"""What a customer does in the demo shop's chat."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import FrameLocator, Locator, Page, expect

from frontdesk.core.ids import ContactId
from frontdesk.core.services import Services


async def enter(page: Page, url: str, *, person: str = "visitor") -> FrameLocator:
    """Go to the shop as somebody, open the chat, and return its frame."""
    await page.goto(f"{url}/demo?lang=en")
    if person != "visitor":
        await page.click(f"[data-person={person}]")
        await expect(page.locator(f"[data-for={person}]")).to_be_visible()
    await page.get_by_role("button", name="Open chat").click()
    frame = page.frame_locator("iframe")
    await expect(composer(frame)).to_be_editable()
    await expect(frame.locator(".opening")).to_have_count(0)  # earlier messages are there now
    return frame


async def begin_anew(frame: FrameLocator) -> None:
    """Leave earlier conversations alone."""
    await frame.get_by_role("button", name="More").click()
    await frame.get_by_role("menuitem", name="New conversation").click()
    await expect(frame.locator(".thread .bubble.own")).to_have_count(0)
    await expect(composer(frame)).to_be_editable()


def composer(frame: FrameLocator) -> Locator:
    return frame.get_by_label("Message", exact=True)


async def ask(frame: FrameLocator, text: str) -> str:
    """Send a message, wait for the finished answer, and return its text."""
    own = frame.locator(".thread .bubble.own")
    before = await own.count()
    await composer(frame).fill(text)
    await composer(frame).press("Enter")
    await expect(own).to_have_count(before + 1)
    finished = "xpath=following-sibling::*[contains(@class, 'bubble') and not(@aria-hidden)]"
    answer = own.last.locator(finished)
    await expect(answer).to_have_count(1)
    return (await answer.inner_text()).strip()


async def sources(frame: FrameLocator) -> list[str]:
    """Return the sources below the last answer."""
    own = frame.locator(".thread .bubble.own").last
    return await own.locator("xpath=following-sibling::*[contains(@class,'sources')]//li").all_inner_texts()


async def count_contacts(services: Services, organization_id: object) -> int:
    async with services.db.begin(organization_id) as tx:
        return await tx.fetch_value("SELECT count(*) FROM contacts WHERE deleted_at IS NULL")


async def latest_anonymous(services: Services, organization_id: object) -> ContactId:
    async with services.db.begin(organization_id) as tx:
        return await tx.fetch_value(
            "SELECT id FROM contacts WHERE deleted_at IS NULL AND name = '' ORDER BY id DESC LIMIT 1"
        )


async def violations(page: Page) -> list[str]:
    """What axe finds wrong on a page by WCAG 2.2 AA, each with its element."""
    found = await Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    return [f"{rule['id']}: {node['html'][:120]}" for rule in found.response["violations"] for node in rule["nodes"]]
