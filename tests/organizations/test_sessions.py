"""Members sign in: what holds a session, what ends it, and how guessing is slowed down."""

import asyncio
import time
from collections.abc import Callable

import psycopg
import pytest

from frontdesk.core.db import Addresses, Database
from frontdesk.core.errors import InvalidRequest, NotFound, TooManyRequests
from frontdesk.core.ids import OrganizationId
from frontdesk.core.secrets import hash_secret
from frontdesk.organizations import invitations, sessions
from frontdesk.organizations.errors import SignInRefused
from frontdesk.organizations.records import Browser, SignedIn

PASSWORD = "correct horse battery"


async def sign_in(db: Database, email: str, password: str = PASSWORD, address: str = "192.0.2.1") -> SignedIn:
    return await sessions.sign_in(db, email=email, password=password, address=address, user_agent="Firefox\x00\n" * 99)


async def test_signing_out_ends_the_session_on_the_server(db: Database, hire):
    """A copied token is worth nothing after signing out; signing out twice is fine."""
    mei = await hire("agent")
    signed_in = await sign_in(db, mei.email)
    found = await sessions.find_member_session(db, signed_in.token)
    assert found is not None
    assert (found.user, found.csrf_token) == (signed_in.user, signed_in.csrf_token)
    await sessions.sign_out(db, signed_in.token)
    await sessions.sign_out(db, signed_in.token)
    assert await sessions.find_member_session(db, signed_in.token) is None
    assert await sessions.find_member_session(db, mei.token) is not None


@pytest.mark.parametrize("token", ["", "x", "\0", "\ud800", "0" * 10_000])
async def test_nonsense_is_no_session(db: Database, token: str):
    """Whatever a cookie contains, nobody is signed in by it."""
    assert await sessions.find_member_session(db, token) is None


@pytest.mark.parametrize(
    "change",
    ["expires_at = now()", "last_seen_at = now() - interval '24 h'", "revoked_at = now()"],
)
async def test_sessions_end(db: Database, hire, later: Callable[[str], None], change: str):
    """Two weeks, a day without use, or a revocation end a session."""
    mei = await hire("agent")
    later(f"UPDATE user_sessions SET {change} WHERE user_id = '{mei.user_id}'")
    assert await sessions.find_member_session(db, mei.token) is None


async def test_use_keeps_a_session_alive(db: Database, hire, later: Callable[[str], None]):
    """A session that is used within the day goes on for another day."""
    mei = await hire("agent")
    for _ in range(2):
        later(f"UPDATE user_sessions SET last_seen_at = now() - interval '23 h' WHERE user_id = '{mei.user_id}'")
        assert await sessions.find_member_session(db, mei.token) is not None
        (open_session,) = await sessions.list_sessions(db, mei.user_id, current_token=mei.token)
        assert (time.time() - open_session.last_seen_at.timestamp()) < 60


async def test_a_disabled_user_is_out(db: Database, hire, later: Callable[[str], None]):
    """Neither a running session nor the right password helps a disabled user."""
    mei = await hire("agent")
    later(f"UPDATE users SET disabled_at = now() WHERE id = '{mei.user_id}'")
    assert await sessions.find_member_session(db, mei.token) is None
    with pytest.raises(SignInRefused):
        await sign_in(db, mei.email)


async def test_sessions_are_listed_and_ended_together(db: Database, hire):
    """A member sees where they are signed in, and ends all sessions but this one."""
    mei = await hire("agent")
    phone = await sign_in(db, mei.email, address="198.51.100.7")
    listed = await sessions.list_sessions(db, mei.user_id, current_token=phone.token)
    assert [(item.address, item.is_current) for item in listed] == [("198.51.100.7", True), ("192.0.2.1", False)]
    assert listed[0].user_agent.startswith("FirefoxFirefox")
    assert len(listed[0].user_agent) == 300
    assert await sessions.revoke_sessions(db, mei.user_id, except_token=phone.token) == 1
    assert await sessions.find_member_session(db, mei.token) is None
    assert await sessions.find_member_session(db, phone.token) is not None
    await sessions.revoke_sessions(db, mei.user_id)
    assert await sessions.find_member_session(db, phone.token) is None


async def test_tokens_are_not_stored(db: Database, hire, addresses: Addresses):
    """Whoever reads the table of sessions cannot continue one; and the password is in no table either."""
    mei = await hire("agent")
    with psycopg.connect(addresses.maintenance) as connection:
        rows = connection.execute("SELECT s::text FROM user_sessions AS s UNION ALL SELECT u::text FROM users AS u")
        stored = "\n".join(row for (row,) in rows)
    assert hash_secret(mei.token).hex() in stored
    assert mei.token not in stored
    assert PASSWORD not in stored
    assert "$argon2id$" in stored


async def test_switching_goes_to_own_organizations_only(
    db: Database, hire, invite, organization: OrganizationId, other_organization: OrganizationId
):
    """The active organization changes what a member may; a foreign one cannot become active."""
    mei = await hire("agent")
    with pytest.raises(NotFound):
        await sessions.switch_organization(db, mei.token, other_organization)
    token = await invite(mei.email, "viewer", at=other_organization)
    await invitations.accept_invitation(db, token, name="", password="", address="", signed_in_as=mei.user_id)
    await sessions.switch_organization(db, mei.token, other_organization)
    session = await sessions.find_member_session(db, mei.token)
    assert session is not None
    assert session.caller is not None
    assert session.caller.organization_id == other_organization
    names = [found.name for found in await sessions.list_organizations(db, session.organization_ids)]
    assert names == ["Northlight", "Southdark"]
    await sessions.sign_out(db, mei.token)
    assert (await sign_in(db, mei.email)).organization_id == other_organization


async def test_a_user_without_organization_is_signed_in_to_none(db: Database, hire, later: Callable[[str], None]):
    """Whoever was removed everywhere has an account, and no rights."""
    mei = await hire("agent")
    later(f"DELETE FROM memberships WHERE user_id = '{mei.user_id}'")
    session = await sessions.find_member_session(db, mei.token)
    assert session is not None
    assert (session.organization_ids, session.organization, session.caller) == ((), None, None)
    assert (await sign_in(db, mei.email)).organization_id is None


async def test_preferences_are_kept(db: Database, hire):
    """Language and theme follow the user to the next session."""
    mei = await hire("agent")
    await sessions.set_preferences(db, mei.user_id, locale="zh_Hant", theme="dark")
    user = (await sign_in(db, mei.email)).user
    assert (user.locale, user.theme) == ("zh_Hant", "dark")
    for locale, theme in (("zh_Hant", "pink"), ("nul\0", "dark"), ("", "dark")):
        with pytest.raises(InvalidRequest):
            await sessions.set_preferences(db, mei.user_id, locale=locale, theme=theme)


async def test_guessing_one_password_is_slowed_down(db: Database, hire, later: Callable[[str], None]):
    """After ten failures not even the right password opens, from whatever address, until a quarter of an hour passed."""
    mei = await hire("agent")
    guesses = (sign_in(db, mei.email, "a wrong password", f"192.0.2.{number}") for number in range(100, 113))
    results = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(result, SignInRefused) for result in results) == 10
    assert sum(isinstance(result, TooManyRequests) for result in results) == 3
    with pytest.raises(TooManyRequests) as refused:
        await sign_in(db, mei.email)
    assert 0 < refused.value.facts["retry_after"] <= 900
    later("UPDATE throttle_attempts SET at = at - interval '15 min'")
    await sign_in(db, mei.email)


async def test_signing_in_counts_against_nobody(db: Database, hire):
    """Who knows the password signs in as often as they like."""
    mei = await hire("agent")
    for _ in range(11):
        await sign_in(db, mei.email, address="203.0.113.5")


async def test_unknown_and_known_people_are_refused_alike(db: Database, hire):
    """Neither the answer nor the time tells whether somebody has an account."""
    mei = await hire("agent")
    texts = set()

    async def refusal(email: str) -> float:
        started = time.perf_counter()
        with pytest.raises(SignInRefused) as refused:
            await sign_in(db, email, "a wrong password", "203.0.113.6")
        texts.add((refused.value.detail, str(refused.value.facts)))
        return time.perf_counter() - started

    emails = (mei.email, "nobody-signs-in@example.com", "not an e-mail", "nul\0@example.com")
    seconds = [min([await refusal(email) for _ in range(3)]) for email in emails]
    assert len(texts) == 1
    assert min(seconds) > 0.25 * seconds[0]


async def test_a_session_starts_where_it_is_told(db: Database, hire):
    """Each sign-in has a token of its own, so that nobody can prepare one for somebody else."""
    mei = await hire("agent")
    tokens = {(await sessions.open_session(db, mei.user_id, Browser("", ""))).token for _ in range(3)}
    assert len(tokens) == 3
