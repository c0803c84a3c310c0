"""Threat 13: page views without a message create no contact, however many."""

import asyncio

import pytest

from conftest_webchat import Browser


async def look(db, shop, client, times: int) -> None:
    """Load the page's script, the frame, and open the chat, `times` times, as new and as known browsers."""

    async def counts() -> tuple[int, ...]:
        async with db.begin(shop.organization_id) as tx:
            tables = ("contacts", "identities", "chat_sessions", "conversations", "audit_log")
            return tuple([await tx.fetch_value(f"SELECT count(*) FROM {table}") for table in tables])

    async def view() -> None:
        browser = Browser(client, shop.inbox, "fd_chat_made_up")
        assert (await client.get(f"/chat/{shop.inbox.public_id}")).status_code == 200
        for _ in range(2):
            assert (await browser.open()).json()["sessionToken"] is None

    before = await counts()
    for begin in range(0, times, 50):
        await asyncio.gather(*(view() for _ in range(min(50, times - begin))))
    assert await counts() == before


async def test_s13_forty_page_views_leave_nothing(db, shop, client):
    """No contact, identity, session, conversation or entry of the log."""
    await look(db, shop, client, 40)


@pytest.mark.long
async def test_s13_ten_thousand_page_views_leave_nothing(db, shop, client):
    """The same, in the size that products of this kind stumbled over."""
    await look(db, shop, client, 10_000)
