"""How an installation gets its first owner."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from frontdesk.bootstrap import open_database
from frontdesk.core.db import Database
from frontdesk.core.errors import InvalidRequest
from frontdesk.organizations import sessions
from frontdesk.organizations.actions import create_organization, has_any_user, set_up
from frontdesk.organizations.errors import AlreadySetUp, EmailTaken
from frontdesk.settings import Settings

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
async def empty_db() -> AsyncIterator[Database]:
    """A database of its own, in which nobody is yet."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-first-", ignore_cleanup_errors=True) as folder:
        opening = open_database(Settings(data=Path(folder)))
        addresses = await asyncio.to_thread(opening.__enter__)
        try:
            async with Database.open(addresses.app) as db:
                yield db
        finally:
            await asyncio.to_thread(opening.__exit__, None, None, None)


async def attempt(db: Database, email: str) -> bool:
    try:
        await set_up(db, name="Northlight", owner_email=email, owner_name="Olga", password=PASSWORD)
    except AlreadySetUp:
        return False
    return True


async def test_parallel_set_ups_make_one_organization(empty_db: Database):
    """Whoever wins a race for the set-up page, there is one owner and one organization, and the page is closed."""
    assert not await has_any_user(empty_db)
    won = await asyncio.gather(*(attempt(empty_db, f"owner-{number}@example.com") for number in range(4)))
    assert won.count(True) == 1
    assert await has_any_user(empty_db)
    async with empty_db.begin_bootstrap() as tx:
        assert await tx.fetch_value("SELECT count(*) FROM users") == 1
        assert await tx.fetch_value("SELECT count(*) FROM memberships") == 1
    assert not await attempt(empty_db, "late@example.com")


async def test_the_first_owner_signs_in_with_every_right(db: Database):
    """A new organization's owner signs in, works there, and is its owner."""
    organization_id, user_id = await create_organization(
        db, name=" Eastwind ", owner_email="  Olga@Eastwind.example ", owner_name="Olga", password=PASSWORD
    )
    signed_in = await sessions.sign_in(
        db, email="olga@eastwind.EXAMPLE", password=PASSWORD, address="192.0.2.9", user_agent="test"
    )
    session = await sessions.find_member_session(db, signed_in.token)
    assert session is not None
    assert session.organization is not None
    assert (session.user.id, session.organization.id) == (user_id, organization_id)
    assert session.organization.name == "Eastwind"


async def test_one_email_is_one_user(db: Database):
    """An e-mail in use makes no second user, and no organization is left behind."""
    values = {"owner_email": "olga@westwood.example", "owner_name": "Olga", "password": PASSWORD}
    await create_organization(db, name="Westwood", **values)
    with pytest.raises(EmailTaken):
        await create_organization(db, name="Westwood again", **values)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("owner_email", "nobody"),
        ("owner_email", "a@b@c"),
        ("owner_email", "a b@example.com"),
        ("owner_email", "x\r\nBcc: y@example.com"),
        ("owner_email", "\ud800@example.com"),
        ("owner_name", "  "),
        ("owner_name", "nul\0"),
        ("name", ""),
        ("name", "x" * 201),
        ("password", "too short"),
        ("password", "olga@southern.example"),
        ("password", "x" * 1001),
    ],
)
async def test_unfit_values_are_refused(db: Database, field: str, value: str):
    """What cannot be an e-mail, a name or a password is named to the caller before anything is stored."""
    values = {"name": "S", "owner_email": "olga@southern.example", "owner_name": "Olga", "password": PASSWORD}
    with pytest.raises(InvalidRequest):
        await create_organization(db, **{**values, field: value})
