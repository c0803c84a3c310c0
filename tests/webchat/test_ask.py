"""`frontdesk ask`: the same question in the terminal, as different people."""

import pytest

from frontdesk.asking import ask_as
from frontdesk.core.errors import NotFound
from frontdesk.demo.organization import ZHANG

QUESTION = "What does the personal service hotline offer?"


async def count_rows(db, shop):
    async with db.begin(shop.organization_id) as tx:
        return await tx.fetch_one("SELECT (SELECT count(*) FROM contacts), (SELECT count(*) FROM messages)")


async def test_a_visitor_and_a_vip_get_different_answers_with_sources(db, shop):
    """Each is answered from what they may read, and nothing is stored."""
    before = await count_rows(db, shop)
    vip = await ask_as(shop.services, inbox=shop.inbox.public_id, speaker=ZHANG.source_id, question=QUESTION)
    assert "8:00 to 22:00" in vip
    assert f"[1] {QUESTION}" in vip
    assert "(signed)" in vip
    visitor = await ask_as(shop.services, inbox=shop.inbox.name, speaker="visitor", question=QUESTION)
    assert "8:00" not in visitor
    assert "I found nothing on that" in visitor
    assert await count_rows(db, shop) == before


async def test_an_unknown_inbox_or_person_is_named(shop):
    """The message says what is missing."""
    with pytest.raises(NotFound, match="no inbox 'nowhere'"):
        await ask_as(shop.services, inbox="nowhere", speaker="visitor", question=QUESTION)
    with pytest.raises(NotFound, match="source id 'M-nobody'"):
        await ask_as(shop.services, inbox=shop.inbox.public_id, speaker="M-nobody", question=QUESTION)
