"""People of one organization: `hire("agent")` lets somebody join with a role and signs them in."""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg
import pytest

from frontdesk.core.db import Addresses, Database
from frontdesk.core.ids import OrganizationId, RoleId, UserId
from frontdesk.organizations import invitations, roles, sessions
from frontdesk.organizations.model import Caller, system_caller
from frontdesk.organizations.records import Browser

PASSWORD = "correct horse battery"
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Hired:
    """A member who has just signed in."""

    user_id: UserId
    email: str
    caller: Caller
    token: str


@pytest.fixture
async def role_ids(db: Database, organization: OrganizationId) -> dict[str, RoleId]:
    """The built-in roles of the organization by name."""
    return await find_role_ids(db, organization)


async def find_role_ids(db: Database, organization: OrganizationId) -> dict[str, RoleId]:
    async with db.begin(organization) as tx:
        return {role.name: role.id for role in await roles.list_roles(tx, system_caller(organization))}


@pytest.fixture
def email() -> str:
    """An e-mail that nobody has."""
    return f"person-{next(_numbers)}@example.com"


@pytest.fixture
def invite(db: Database, organization: OrganizationId) -> Callable[..., Awaitable[str]]:
    """Make invitations; a role is told by its name or id, the answer is the token of the link."""

    async def invite(email: str, role: str | RoleId = "agent", at: OrganizationId = organization) -> str:
        role_id = (await find_role_ids(db, at))[role] if isinstance(role, str) else role
        async with db.begin(at) as tx:
            _, token = await invitations.invite_member(tx, system_caller(at), email=email, role_ids=[role_id])
        return token

    return invite


@pytest.fixture
def hire(db: Database, invite: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[Hired]]:
    """Let new people join with a role, told by its name or id, and sign them in."""

    async def hire(role: str | RoleId) -> Hired:
        email = f"member-{next(_numbers)}@example.com"
        token = await invite(email, role)
        joined = await invitations.accept_invitation(
            db, token, name="Mei Member", password=PASSWORD, address="192.0.2.1"
        )
        signed_in = await sessions.open_session(db, joined.user_id, Browser("192.0.2.1", "test"))
        session = await sessions.find_member_session(db, signed_in.token)
        assert session is not None
        assert session.caller is not None
        return Hired(joined.user_id, email, session.caller, signed_in.token)

    return hire


@pytest.fixture
def later(addresses: Addresses) -> Callable[[str], None]:
    """Let time pass for what is stored: `later("UPDATE … SET expires_at = now()")`, as maintenance."""

    def later(statement: str) -> None:
        with psycopg.connect(addresses.maintenance, autocommit=True) as connection:
            assert connection.execute(statement).rowcount > 0

    return later
