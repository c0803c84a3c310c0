"""Password links: who gets one, and what it opens."""

import asyncio
from collections.abc import Callable

import pytest

from frontdesk.core.db import Database
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound, TooManyRequests
from frontdesk.core.ids import OrganizationId, UserId
from frontdesk.organizations import invitations, resets, sessions
from frontdesk.organizations.errors import GrantNotHeld, LinkExpired, MemberElsewhere, SignInRefused
from frontdesk.organizations.model import Caller

PASSWORD = "correct horse battery"
NEW_PASSWORD = "entirely different staple"


async def request(db: Database, email: str, address: str = "192.0.2.1") -> str | None:
    found = await resets.request_password_reset(db, email=email, address=address)
    return found[1] if found else None


async def sign_in(db: Database, email: str, password: str) -> None:
    await sessions.sign_in(db, email=email, password=password, address="192.0.2.1", user_agent="")


async def test_a_reset_replaces_the_password_and_ends_all_sessions(db: Database, hire):
    """Whoever knew the old password, or sits in an old session, is out."""
    mei = await hire("agent")
    token = await request(db, mei.email)
    assert token is not None
    assert await resets.find_reset_email(db, token) == mei.email
    assert await resets.reset_password(db, token, NEW_PASSWORD) == mei.user_id
    assert await sessions.find_member_session(db, mei.token) is None
    with pytest.raises(SignInRefused):
        await sign_in(db, mei.email, PASSWORD)
    await sign_in(db, mei.email, NEW_PASSWORD)


async def test_links_are_used_once(db: Database, hire):
    """A used link, and every other link of the same person, is dead; of two at once, one wins."""
    mei = await hire("agent")
    token, other = await request(db, mei.email), await request(db, mei.email)
    results = await asyncio.gather(
        *(resets.reset_password(db, token, NEW_PASSWORD) for _ in range(2)), return_exceptions=True
    )
    assert sorted(isinstance(result, LinkExpired) for result in results) == [False, True]
    for dead in (token, other, "", "nonsense", "\0", "\ud800"):
        with pytest.raises(LinkExpired):
            await resets.reset_password(db, dead, NEW_PASSWORD)
    await sign_in(db, mei.email, NEW_PASSWORD)


async def test_links_expire(db: Database, hire, later: Callable[[str], None]):
    """A link that lay around for an hour opens nothing."""
    mei = await hire("agent")
    token = await request(db, mei.email)
    later(f"UPDATE password_resets SET expires_at = now() WHERE user_id = '{mei.user_id}'")
    with pytest.raises(LinkExpired):
        await resets.reset_password(db, token, NEW_PASSWORD)


async def test_unknown_people_get_none_and_the_same_limit(db: Database, hire):
    """Asking for links tells nobody who has an account: known and unknown e-mails are slowed down alike."""
    mei = await hire("agent")
    for email, address in ((mei.email, "192.0.2.2"), ("nobody-resets@example.com", "192.0.2.3")):
        for _ in range(3):
            assert (await request(db, email, address) is not None) == (email == mei.email)
        with pytest.raises(TooManyRequests):
            await request(db, email, address)


async def test_a_weak_password_leaves_the_link_usable(db: Database, hire):
    """A refused password costs nothing."""
    mei = await hire("agent")
    token = await request(db, mei.email)
    with pytest.raises(InvalidRequest):
        await resets.reset_password(db, token, "short")
    await resets.reset_password(db, token, NEW_PASSWORD)


async def link(db: Database, caller: Caller, user_id: UserId) -> str:
    async with db.begin(caller.organization_id) as tx:
        return await resets.make_reset_link(tx, caller, user_id)


async def test_a_member_makes_a_link_for_a_weaker_one(db: Database, hire):
    """Without an e-mail server an administrator passes a link on, but never one that opens an owner's account."""
    administrator, agent, owner = await hire("administrator"), await hire("agent"), await hire("owner")
    token = await link(db, administrator.caller, agent.user_id)
    assert await resets.reset_password(db, token, NEW_PASSWORD) == agent.user_id
    with pytest.raises(GrantNotHeld):
        await link(db, administrator.caller, owner.user_id)
    with pytest.raises(Forbidden):
        await link(db, agent.caller, administrator.user_id)


async def test_one_organization_does_not_open_another(
    db: Database, owner: Caller, hire, invite, other_organization: OrganizationId
):
    """A link made by one organization never opens an account that works for another, also when it joins that later."""
    mei = await hire("agent")
    early = await link(db, owner, mei.user_id)
    await invitations.accept_invitation(
        db, await invite(mei.email, at=other_organization), name="", password=PASSWORD, address="192.0.2.1"
    )
    with pytest.raises(LinkExpired):
        await resets.reset_password(db, early, NEW_PASSWORD)
    with pytest.raises(MemberElsewhere):
        await link(db, owner, mei.user_id)


async def test_strangers_get_no_link(db: Database, owner: Caller, hire, other_organization: OrganizationId):
    """A user of another organization is not found."""
    mei = await hire("agent")
    with pytest.raises(NotFound):
        await link(db, Caller(owner.kind, owner.id, owner.name, other_organization, owner.grants), mei.user_id)
