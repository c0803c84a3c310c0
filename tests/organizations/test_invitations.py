"""Invitations: one person, one organization, once."""

import asyncio
from collections.abc import Callable

import pytest

from frontdesk.core.db import Database
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import OrganizationId
from frontdesk.organizations import invitations, members, sessions
from frontdesk.organizations.errors import AlreadyMember, GrantNotHeld, LinkExpired, SignInRefused
from frontdesk.organizations.model import Caller, Right, system_caller
from frontdesk.organizations.records import Browser

PASSWORD = "correct horse battery"


async def accept(db: Database, token: str, **changes) -> invitations.Joined:
    values = {"name": "Mei", "password": PASSWORD, "address": "192.0.2.1", **changes}
    return await invitations.accept_invitation(db, token, **values)


async def test_a_new_person_joins_with_the_promised_roles(
    db: Database, organization: OrganizationId, invite, email: str
):
    """The link makes a user and a member, who signs in with the password they chose."""
    token = await invite(email, "viewer")
    assert await invitations.find_invitation(db, token) == invitations.OpenInvitation(
        "Northlight", email, is_user=False
    )
    joined = await accept(db, token)
    signed_in = await sessions.sign_in(db, email=email, password=PASSWORD, address="192.0.2.1", user_agent="")
    assert (signed_in.user.id, signed_in.organization_id) == (joined.user_id, organization)
    async with db.begin(organization) as tx:
        found = await members.list_members(tx, system_caller(organization))
    member = next(member for member in found if member.user_id == joined.user_id)
    assert [role.name for role in member.roles] == ["viewer"]


async def test_a_link_is_used_once(db: Database, invite, email: str):
    """Used a second time, or by two browsers at once, it lets nobody in."""
    token = await invite(email)
    results = await asyncio.gather(*(accept(db, token) for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(result, invitations.Joined) for result in results) == 1
    assert all(isinstance(result, invitations.Joined | LinkExpired | SignInRefused) for result in results)
    with pytest.raises(LinkExpired):
        await accept(db, token)
    with pytest.raises(LinkExpired):
        await invitations.find_invitation(db, token)


async def test_a_link_is_used_once_by_a_signed_in_user(db: Database, hire, invite, other_organization: OrganizationId):
    """Also for somebody who has an account, one of two attempts at once wins."""
    mei = await hire("agent")
    token = await invite(mei.email, at=other_organization)
    results = await asyncio.gather(
        *(accept(db, token, signed_in_as=mei.user_id) for _ in range(2)), return_exceptions=True
    )
    assert sorted(isinstance(result, LinkExpired) for result in results) == [False, True]


async def test_links_die(db: Database, owner: Caller, invite, email: str, later: Callable[[str], None]):
    """After a week, when withdrawn, when replaced by a newer one, and when its sender left, a link opens nothing."""
    expired = await invite(email)
    later(f"UPDATE invitations SET expires_at = now() WHERE email = '{email}'")
    with pytest.raises(LinkExpired):
        await accept(db, expired)
    withdrawn = await invite(email)
    async with db.begin(owner.organization_id) as tx:
        (invitation,) = await invitations.list_invitations(tx, owner)
        await invitations.revoke_invitation(tx, owner, invitation.id)
        with pytest.raises(NotFound):
            await invitations.revoke_invitation(tx, owner, invitation.id)
    replaced = await invite(email)
    newest = await invite(email)
    for token in (expired, withdrawn, replaced):
        with pytest.raises(LinkExpired):
            await accept(db, token)
    await accept(db, newest)


async def test_the_links_of_a_removed_member_die(db: Database, owner: Caller, hire, role_ids, email: str):
    """Whoever is removed does not come back, or send friends, through links kept aside."""
    administrator = await hire("administrator")
    async with db.begin(owner.organization_id) as tx:
        _, token = await invitations.invite_member(
            tx, administrator.caller, email=email, role_ids=[role_ids["administrator"]]
        )
        await members.remove_member(tx, owner, administrator.user_id)
    with pytest.raises(LinkExpired):
        await accept(db, token)


async def test_a_link_opens_its_own_organization_only(
    db: Database, organization: OrganizationId, other_organization: OrganizationId, invite, email: str
):
    """With another organization written into it, a link is unknown."""
    token = await invite(email)
    with pytest.raises(LinkExpired):
        await accept(db, token.replace(organization.hex, other_organization.hex))
    for nonsense in ("", "fd_invite_x", token[:-1], token + "x", token.replace("fd_invite", "fd_key"), "\0", "\ud800"):
        with pytest.raises(LinkExpired):
            await accept(db, nonsense)


async def test_an_existing_user_proves_who_they_are(db: Database, other_organization: OrganizationId, hire, invite):
    """The link alone does not open somebody's account: the existing password or their own session does.

    Neither name nor password of the user changes, and both organizations are then theirs to switch between.
    """
    mei, stranger = await hire("agent"), await hire("agent")
    token = await invite(mei.email, at=other_organization)
    assert (await invitations.find_invitation(db, token)).is_user
    for attempt in ({"password": "guessed password"}, {"password": "guess", "signed_in_as": stranger.user_id}):
        with pytest.raises(SignInRefused):
            await accept(db, token, **attempt)
    await accept(db, token, name="Mallory", password="", signed_in_as=mei.user_id)
    signed_in = await sessions.sign_in(db, email=mei.email, password=PASSWORD, address="192.0.2.1", user_agent="")
    assert signed_in.user.name == "Mei Member"
    session = await sessions.find_member_session(db, signed_in.token)
    assert session is not None
    assert session.organization_ids == (mei.caller.organization_id, other_organization)


async def test_the_existing_password_is_enough(db: Database, other_organization: OrganizationId, hire, invite):
    """An existing user joins another organization with the password they have."""
    mei = await hire("agent")
    joined = await accept(db, await invite(mei.email, "viewer", at=other_organization))
    assert joined == invitations.Joined(mei.user_id, other_organization)
    signed_in = await sessions.open_session(
        db, joined.user_id, Browser("192.0.2.1", "test"), organization_id=joined.organization_id
    )
    session = await sessions.find_member_session(db, signed_in.token)
    assert session is not None
    assert session.caller is not None
    assert session.caller.organization_id == other_organization
    assert not session.caller.may(Right.CONVERSATIONS_REPLY)


async def test_nobody_invites_to_more_than_they_hold(db: Database, hire, role_ids, email: str):
    """An administrator invites no owner; an agent invites nobody."""
    administrator, agent = await hire("administrator"), await hire("agent")
    async with db.begin(agent.caller.organization_id) as tx:
        with pytest.raises(GrantNotHeld):
            await invitations.invite_member(tx, administrator.caller, email=email, role_ids=[role_ids["owner"]])
        with pytest.raises(Forbidden):
            await invitations.invite_member(tx, agent.caller, email=email, role_ids=[role_ids["viewer"]])


async def test_members_are_not_invited_again(db: Database, owner: Caller, hire, role_ids):
    """Who works here has roles already, in whatever case the e-mail is written."""
    agent = await hire("agent")
    async with db.begin(owner.organization_id) as tx:
        with pytest.raises(AlreadyMember):
            await invitations.invite_member(tx, owner, email=agent.email.upper(), role_ids=[role_ids["viewer"]])


async def test_a_weak_password_leaves_the_link_usable(db: Database, invite, email: str):
    """A refused password costs nothing: the same link works with a better one."""
    token = await invite(email)
    for password in ("short", email):
        with pytest.raises(InvalidRequest):
            await accept(db, token, password=password)
    await accept(db, token)
