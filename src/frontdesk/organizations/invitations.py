"""Invitations: how somebody becomes a member. The link is sent by e-mail, or shown once to whoever invites."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from frontdesk.core.db import Database, Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import InvitationId, OrganizationId, RoleId, UserId, new_id
from frontdesk.core.secrets import hash_secret, issue_secret, parse_secret
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.access import access_roles
from frontdesk.organizations.errors import AlreadyMember, LinkExpired
from frontdesk.organizations.model import Caller, CallerKind, Right
from frontdesk.organizations.passwords import hash_password
from frontdesk.organizations.queries import invitations as queries
from frontdesk.organizations.queries import members, organizations, roles, sessions, users
from frontdesk.organizations.records import Invitation, parse_email, parse_name
from frontdesk.organizations.sessions import check_password

LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """What the page behind the link shows."""

    organization_name: str
    email: str
    is_user: bool  # who then signs in or gives the existing password, and needs no name


@dataclass(frozen=True, slots=True)
class Joined:
    """Who has just become a member, and where; `sessions.open_session` signs them in."""

    user_id: UserId
    organization_id: OrganizationId


async def invite_member(tx: Tx, caller: Caller, *, email: str, role_ids: Iterable[RoleId]) -> tuple[Invitation, str]:
    """Return a new invitation and the token for its link; an earlier one for the same e-mail is withdrawn.

    Raises InvalidRequest, AlreadyMember, and GrantNotHeld when the roles give more than the caller holds.
    """
    caller.require(Right.MEMBERS_EDIT)
    email, now = parse_email(email), utc_now()
    offered = await access_roles(tx, caller, role_ids)
    if await members.is_member_with_email(tx, email):
        raise AlreadyMember
    secret = issue_secret("invite", tx.organization_id)
    invitation = Invitation(
        id=InvitationId(new_id()),
        email=email,
        role_ids=[role.id for role in offered],
        invited_by=UserId(caller.id),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    await queries.insert_invitation(tx, invitation, secret.hash)
    payload = {"email": email, "roles": [role.name for role in offered]}
    await audit.record(tx, caller, "member.invited", "invitation", invitation.id, payload=payload)
    return invitation, secret.text


async def list_invitations(tx: Tx, caller: Caller) -> list[Invitation]:
    """Return the open invitations, the newest first."""
    caller.require(Right.MEMBERS_EDIT)
    return await queries.list_invitations(tx, utc_now())


async def revoke_invitation(tx: Tx, caller: Caller, invitation_id: InvitationId) -> None:
    """Withdraw an open invitation. Raises NotFound."""
    caller.require(Right.MEMBERS_EDIT)
    now = utc_now()
    invitation = await queries.find_invitation(tx, invitation_id, now)
    if invitation is None:
        raise NotFound
    await queries.revoke_invitation(tx, invitation_id, now)
    await audit.record(
        tx, caller, "invitation.revoked", "invitation", invitation_id, payload={"email": invitation.email}
    )


async def find_invitation(db: Database, token: str) -> OpenInvitation:
    """Return what the page behind the link shows. Raises LinkExpired."""
    async with db.begin(_organization_of(token)) as tx:
        invitation = await _get_invitation(tx, token)
        organization = await organizations.get_organization(tx)
        known = await users.find_credentials(tx, invitation.email)
    return OpenInvitation(organization.name, invitation.email, known is not None)


async def accept_invitation(
    db: Database, token: str, *, name: str, password: str, address: str, signed_in_as: UserId | None = None
) -> Joined:
    """Make whoever holds the link a member, once.

    A new user gets `name` and `password`. An existing user keeps both, and must be signed in or give the existing
    password. Raises LinkExpired, InvalidRequest, SignInRefused and TooManyRequests.
    """
    organization_id = _organization_of(token)
    async with db.begin(organization_id) as tx:
        invitation = await _get_invitation(tx, token)
        known = await users.find_credentials(tx, invitation.email)
    if known is None:
        name = parse_name(name)
        password_hash = await hash_password(password, email=invitation.email)
        async with db.begin(organization_id) as tx:
            user_id = await users.insert_user(tx, email=invitation.email, name=name, password_hash=password_hash)
            if user_id is None:
                raise LinkExpired("Somebody used this link just now.")
            await _join(tx, invitation, user_id, name)
        return Joined(user_id, organization_id)
    if known.user_id != signed_in_as:
        await check_password(db, email=known.email, password=password, address=address)
    async with db.begin(organization_id) as tx:
        user = await users.get_user(tx, known.user_id)
        await _join(tx, invitation, user.id, user.name)
    return Joined(known.user_id, organization_id)


async def _join(tx: Tx, invitation: Invitation, user_id: UserId, name: str) -> None:
    now = utc_now()
    role_ids = await queries.use_invitation(tx, invitation.id, now)
    granted = await roles.find_roles(tx, role_ids or ())
    if not granted:
        raise LinkExpired
    if await members.insert_membership(tx, user_id):
        await members.replace_member_roles(tx, user_id, [role.id for role in granted])
    await sessions.void_resets(tx, user_id, now)  # a link that one organization made must not open another
    joined = Caller(CallerKind.MEMBER, user_id, name, tx.organization_id, ())
    await audit.record(tx, joined, "member.joined", "member", user_id)


def _organization_of(token: str) -> OrganizationId:
    organization_id = parse_secret(token, "invite")
    if organization_id is None:
        raise LinkExpired
    return organization_id


async def _get_invitation(tx: Tx, token: str) -> Invitation:
    invitation = await queries.find_invitation_by_token(tx, hash_secret(token), utc_now())
    if invitation is None:
        raise LinkExpired
    return invitation
