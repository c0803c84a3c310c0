"""Sessions: what a browser keeps, how long it lasts, and how it ends."""

import asyncio
from datetime import timedelta

from tests.identities.conftest import make_outsiders_inbox
from tests.identities.tokens import NOW

from frontdesk.access.model import Assurance
from frontdesk.core.secrets import issue_secret
from frontdesk.identities import queries
from frontdesk.identities.actions import (
    end_session,
    end_sessions_of_contact,
    find_or_create,
    find_session,
    record_refusal,
    start_visitor_session,
)
from frontdesk.identities.errors import IdentityRefused, RefusalReason
from frontdesk.identities.model import IdentityKey

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


async def test_a_visitor_session_is_nobodys(tx, shop):
    """It has no contact and no assurance; its token is kept as a hash only."""
    session, token = await start_visitor_session(tx, shop.inbox, NOW)
    assert (session.contact_id, session.assurance, session.is_proven) == (None, Assurance.ANONYMOUS, False)
    assert await find_session(tx, token, NOW) == session
    assert (
        await tx.fetch_value("SELECT count(*) FROM chat_sessions WHERE token_hash = %(t)s", {"t": token.encode()}) == 0
    )


async def test_opening_the_page_stores_nothing(tx, shop):
    """However often a page is viewed, there is no session and no contact before the first message."""
    for _ in range(50):
        await shop.open(tx)
    assert await tx.fetch_value("SELECT count(*) FROM chat_sessions") == 0
    assert await tx.fetch_value("SELECT count(*) FROM contacts") == 0


async def test_a_session_ends_after_30_idle_days(tx, shop):
    """A day before it is there, and being seen starts the time again."""
    _, token = await start_visitor_session(tx, shop.inbox, NOW)
    assert await find_session(tx, token, NOW + 29 * DAY)
    assert await find_session(tx, token, NOW + 58 * DAY)
    assert await find_session(tx, token, NOW + 89 * DAY) is None


async def test_being_seen_is_noted_once_a_minute(tx, shop):
    """Less than a minute later nothing is written."""
    _, token = await start_visitor_session(tx, shop.inbox, NOW)
    await find_session(tx, token, NOW + 0.9 * MINUTE)
    assert await tx.fetch_value("SELECT last_seen_at FROM chat_sessions") == NOW
    await find_session(tx, token, NOW + MINUTE)
    assert await tx.fetch_value("SELECT last_seen_at FROM chat_sessions") == NOW + MINUTE


async def test_tokens_that_open_nothing_look_alike(tx, shop, other_organization):
    """Unknown, of another kind, of another organization, cut, or no token at all: None, without an error."""
    _, token = await start_visitor_session(tx, shop.inbox, NOW)
    others = [issue_secret("chat", tx.organization_id).text, issue_secret("api", tx.organization_id).text]
    others += [
        issue_secret("chat", other_organization).text,
        token[:-1],
        token + "x",
        token.upper(),
        "",
        "fd_chat__",
        "\ud800",
    ]
    for other in others:
        assert await find_session(tx, other, NOW) is None


async def test_an_ended_session_is_found_by_nothing(tx, shop):
    """After logout neither the token nor the id leads to it; ending it again does nothing."""
    session, token = await start_visitor_session(tx, shop.inbox, NOW)
    assert await queries.find_session_by_id(tx, session.id) == session
    assert await end_session(tx, session.id)
    assert not await end_session(tx, session.id)
    assert await find_session(tx, token, NOW) is None
    assert await queries.find_session_by_id(tx, session.id) is None


async def test_all_sessions_of_one_contact_end(tx, shop):
    """In every browser; those of others go on."""
    a1, a2, b = await shop.open(tx, "A"), await shop.open(tx, "A"), await shop.open(tx, "B")
    assert await end_sessions_of_contact(tx, a1.contact_id, "blocked") == 2
    assert [await find_session(tx, opening.token, NOW) is None for opening in (a1, a2, b)] == [True, True, False]


async def test_a_refusal_is_kept_for_the_organization(db, organization, open_for_all):
    """Reason, detail and request id are stored although the opening rolled back."""
    reason, detail = RefusalReason.AUDIENCE_MISMATCH, "aud is 'x'" + "y" * 1000
    await record_refusal(db, organization, open_for_all.inbox, reason, detail, request_id="request-1")
    async with db.begin(organization) as tx:
        rows = await tx.fetch(
            "SELECT inbox_id, reason, left(detail, 10), length(detail), request_id FROM proof_failures"
        )
    assert rows == [(open_for_all.inbox.id, "audience_mismatch", "aud is 'x'", 500, "request-1")]


# --- find or create -----------------------------------------------------------------------------------------------------


async def test_64_at_once_make_one_contact(db, organization, open_for_all):
    """Sixty-four transactions on as many first messages of one person: one contact, one of them made it."""
    key = open_for_all.key("M-64")

    async def arrive() -> tuple[object, bool]:
        async with db.begin(organization) as tx:
            return await find_or_create(tx, key, now=NOW)

    arrivals = await asyncio.gather(*(arrive() for _ in range(64)))
    assert len({contact_id for contact_id, _ in arrivals}) == 1
    assert sum(is_new for _, is_new in arrivals) == 1
    async with db.begin(organization) as tx:
        assert await tx.fetch_value("SELECT count(*) FROM contacts") == 1
        assert await tx.fetch_value("SELECT count(*) FROM identities") == 1


async def test_64_chats_open_at_once_for_one_person(db, organization, open_for_all):
    """Each with a token of its own: one contact, 64 sessions, nobody is refused."""

    async def arrive():
        async with db.begin(organization) as tx:
            return await open_for_all.open(tx, "M-65", name="Zhang")

    openings = await asyncio.gather(*(arrive() for _ in range(64)))
    assert len({opening.contact_id for opening in openings}) == 1
    assert len({opening.session.id for opening in openings}) == 64


async def test_one_token_sent_twice_at_once_is_used_once(db, organization, open_for_all):
    """The second of two that race is refused and leaves nothing."""

    async def arrive():
        async with db.begin(organization) as tx:
            return await open_for_all.open(tx, "M-66", jti="raced")

    outcomes = await asyncio.gather(*(arrive() for _ in range(8)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, IdentityRefused)]
    assert len(refused) == 7
    assert {one.reason for one in refused} == {RefusalReason.TOKEN_ID_REUSED}
    async with db.begin(organization) as tx:
        assert await tx.fetch_value("SELECT count(*) FROM chat_sessions") == 1


async def test_equal_source_ids_in_two_realms_are_two_people(tx, owner, shop):
    """And ids that differ in case, width or form are two as well: nothing is folded."""
    outside = await make_outsiders_inbox(tx, owner)
    keys = [shop.key("M-1"), shop.key("m-1"), shop.key("\uff2d-1"), IdentityKey(outside.realm_id, "M-1")]
    found = {(await find_or_create(tx, key, now=NOW))[0] for key in keys}
    assert len(found) == 4
