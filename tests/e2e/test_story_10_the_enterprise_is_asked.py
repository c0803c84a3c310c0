"""Story 10: the enterprise is asked."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.async_api import FrameLocator, Page, expect

from e2e_shop import composer
from frontdesk.channels.actions import create_inbox
from frontdesk.channels.model import ChannelType, IdentityMode, InboxChanges
from frontdesk.channels.queries import find_inbox_by_public_id
from frontdesk.core.text import utc_now
from frontdesk.identities.introspection import IntrospectionSpec, set_introspection
from frontdesk.organizations.model import system_caller
from frontdesk.testing import FakeEnterprise, run_fake_enterprise

REFUSED = "Your sign-in could not be confirmed."
NOTICE = "Your sign-in cannot be checked at the moment. You are chatting as a visitor."


@pytest.fixture
def enterprise() -> Iterator[FakeEnterprise]:
    with run_fake_enterprise(FakeEnterprise()) as enterprise:
        soon = int(utc_now().timestamp()) + 600
        enterprise.people["opaque-ann"] = {"sub": "M-77001", "aud": "shop-desk", "exp": soon, "name": "Ann Asked"}
        enterprise.people["opaque-lie"] = {"sub": "M-100482", "aud": "another-shop", "exp": soon, "name": "Zhang?"}
        yield enterprise


async def connect(desk, enterprise: FakeEnterprise) -> str:
    """Connect a web chat whose enterprise is asked; return what its page calls it."""
    caller = system_caller(desk.organization_id)
    async with desk.services.db.begin(desk.organization_id) as tx:
        shop = await find_inbox_by_public_id(tx, desk.public_id)
        changes = InboxChanges(
            name=f"Asked {uuid4().hex[:6]}", assistant_id=shop.assistant_id, identity_mode=IdentityMode.INTROSPECT
        )
        inbox, _ = await create_inbox(tx, caller, changes, channel_type=ChannelType.WEB)
        pair = (enterprise.client_id, enterprise.client_secret)
        spec = IntrospectionSpec(enterprise.introspection_url, *pair, ("shop-desk",))
        await set_introspection(tx, caller, desk.services.cipher, inbox.id, spec)
    return inbox.public_id


async def arrive(page: Page, url: str, web_chat: str, token: str) -> FrameLocator:
    """Open the chat of a page whose session is an opaque token."""
    script = f"window.frontdesk = {{webChatId: '{web_chat}', locale: 'en', getIdentityToken: () => '{token}'}}"
    html = f"<!doctype html><body><script>{script}</script><script src='/widget.js'></script>"
    await page.route(f"{url}/their-shop", lambda route: route.fulfill(body=html, content_type="text/html"))
    await page.goto(f"{url}/their-shop")
    await page.get_by_role("button", name="Open chat").click()
    return page.frame_locator("iframe")


async def test_story_10_the_enterprise_says_who_it_is(desk, visitor, enterprise):
    """Known; a no is refused; slow and down are a visitor with a notice; a lie about the audience is refused."""
    web_chat = await connect(desk, enterprise)
    frame = await arrive(visitor, desk.url, web_chat, "opaque-ann")
    await expect(frame.get_by_text("Signed in as")).to_contain_text("Ann Asked")

    frame = await arrive(visitor, desk.url, web_chat, "opaque-stranger")
    await expect(frame.get_by_text(REFUSED)).to_be_visible()
    await expect(composer(frame)).to_be_hidden()

    enterprise.fault = "slow"
    frame = await arrive(visitor, desk.url, web_chat, "opaque-slow")
    await expect(frame.get_by_text(NOTICE)).to_be_visible()
    await expect(composer(frame)).to_be_editable()

    enterprise.fault = "down"
    frame = await arrive(visitor, desk.url, web_chat, "opaque-lie")
    await expect(frame.get_by_text(NOTICE)).to_be_visible()
    await expect(frame.locator("header")).to_contain_text("AI assistant")

    enterprise.fault = None
    await frame.get_by_role("button", name="Try again").click()
    await expect(frame.get_by_text(REFUSED)).to_be_visible()

    async with desk.services.db.begin(desk.organization_id) as tx:
        reasons = await tx.fetch("SELECT reason FROM proof_failures ORDER BY id DESC LIMIT 4")
    expected = ["audience_mismatch", "enterprise_unreachable", "enterprise_unreachable", "token_inactive"]
    assert [reason for (reason,) in reasons] == expected
