"""The identity of a platform: pasted, examined, and readable for everybody."""

from playwright.async_api import expect

from e2e_shop import violations
from frontdesk.channels.queries import find_inbox_by_public_id
from frontdesk.demo.organization import ZHANG
from frontdesk.demo.shop import sign_token


async def test_a_token_is_examined_in_the_console(desk, staff):
    """A good one passes each check, a spoilt one shows where; axe finds nothing wrong with it in the dark either."""
    async with desk.services.db.begin(desk.organization_id) as tx:
        inbox = await find_inbox_by_public_id(tx, desk.public_id)
    token = await sign_token(desk.services, ZHANG)
    await staff.emulate_media(color_scheme="dark")
    await staff.goto(f"{desk.url}/console/platforms/{inbox.id}/identity")
    await staff.get_by_label("Token", exact=True).fill(token)
    await staff.get_by_role("button", name="Check").click()
    await expect(staff.get_by_text("This token proves somebody.")).to_be_visible()
    await staff.get_by_label("Token", exact=True).fill(token[:-4] + "AAAA")
    await staff.get_by_role("button", name="Check").click()
    await expect(staff.get_by_text("bad_signature")).to_be_visible()
    await expect(staff.locator(".fd-token-checks li.is-bad")).to_have_count(1)
    assert await violations(staff) == []
