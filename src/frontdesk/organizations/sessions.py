"""Members sign in, stay signed in, switch organization and sign out."""

import re
import secrets
from datetime import timedelta

from frontdesk.core.db import Database, Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import OrganizationId, UserId
from frontdesk.core.secrets import hash_secret
from frontdesk.core.text import utc_now
from frontdesk.organizations.errors import SignInRefused
from frontdesk.organizations.model import Caller, CallerKind
from frontdesk.organizations.passwords import verify_password
from frontdesk.organizations.queries import organizations, roles, users
from frontdesk.organizations.queries import sessions as queries
from frontdesk.organizations.records import (
    Browser,
    MemberSession,
    OpenSession,
    Organization,
    SignedIn,
    User,
    find_email,
)
from frontdesk.organizations.throttle import Limit, count_attempt, take_back

LIFETIME = timedelta(days=14)
IDLE = timedelta(hours=24)
_USE_NOTED_EVERY = timedelta(minutes=1)
_FAILURES_PER_EMAIL = 10
_FAILURES_PER_ADDRESS = 50
_LONGEST_USER_AGENT = 300
_THEMES = ("auto", "light", "dark")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(_[A-Za-z]{2,8})*")


async def sign_in(db: Database, *, email: str, password: str, address: str, user_agent: str) -> SignedIn:
    """Open a session in the organization where the user worked last. Its token is always a new one.

    Raises SignInRefused, which never says why and takes the same time for an unknown e-mail, and TooManyRequests.
    """
    user_id = await check_password(db, email=email, password=password, address=address)
    return await open_session(db, user_id, Browser(address, user_agent))


async def check_password(db: Database, *, email: str, password: str, address: str) -> UserId:
    """Return the user who has this password. Raises SignInRefused and TooManyRequests; failures count per e-mail."""
    email = find_email(email) or ""
    limits = (
        Limit("sign-in e-mail", email, _FAILURES_PER_EMAIL),
        Limit("sign-in address", address, _FAILURES_PER_ADDRESS),
    )
    at = utc_now()
    async with db.begin_bootstrap() as tx:
        await count_attempt(tx, limits, at)
        known = await users.find_credentials(tx, email)
    if not await verify_password(password, known.password_hash if known else None) or known is None:
        raise SignInRefused
    async with db.begin_bootstrap() as tx:
        await take_back(tx, limits, at)
    return known.user_id


async def open_session(
    db: Database, user_id: UserId, browser: Browser, *, organization_id: OrganizationId | None = None
) -> SignedIn:
    """Sign in a user whose password, or whose fresh invitation, was checked just now.

    The active organization is `organization_id`, else the one where the user worked last.
    """
    token, csrf_token, now = secrets.token_urlsafe(32), secrets.token_urlsafe(32), utc_now()
    async with db.begin_bootstrap() as tx:
        user = await users.get_user(tx, user_id)
        organization_id = organization_id or await users.find_preferred_organization(tx, user_id)
        await queries.insert_session(
            tx,
            token_hash=hash_secret(token),
            csrf_token=csrf_token,
            user_id=user_id,
            organization_id=organization_id,
            browser=Browser(browser.address, _printable(browser.user_agent)),
            now=now,
            expires_at=now + LIFETIME,
        )
    return SignedIn(token, csrf_token, user, organization_id)


async def find_member_session(db: Database, token: str) -> MemberSession | None:
    """Return who is signed in with `token`; None when the session is unknown, revoked, idle for a day or two weeks old.

    Rights are read anew each time: a role taken away is gone at the next request.
    """
    now, token_hash = utc_now(), hash_secret(token)
    async with db.begin_bootstrap() as tx:
        session = await queries.find_session(tx, token_hash, now=now, idle_since=now - IDLE)
        if session is None:
            return None
        if session.last_seen_at <= now - _USE_NOTED_EVERY:
            await queries.touch_session(tx, token_hash, now)
        user = await users.get_user(tx, session.user_id)
        organization_ids = await users.list_organization_ids(tx, session.user_id)
    organization, caller = None, None
    if session.organization_id in organization_ids:
        async with db.begin(session.organization_id) as tx:
            organization = await organizations.find_organization(tx)
            caller = await _to_caller(tx, user) if organization else None
    return MemberSession(user, session.csrf_token, organization_ids, organization, caller)


async def list_organizations(db: Database, organization_ids: tuple[OrganizationId, ...]) -> list[Organization]:
    """Return the organizations behind a session's `organization_ids`, for a list to switch between."""
    found = []
    for organization_id in organization_ids:
        async with db.begin(organization_id) as tx:
            found.append(await organizations.find_organization(tx))
    return [organization for organization in found if organization is not None]


async def switch_organization(db: Database, token: str, organization_id: OrganizationId) -> None:
    """Make another organization of the user the active one. Raises NotFound when they do not work there."""
    async with db.begin_bootstrap() as tx:
        if not await queries.update_active_organization(tx, hash_secret(token), organization_id):
            raise NotFound


async def sign_out(db: Database, token: str) -> None:
    """End the session on the server; safe to repeat."""
    async with db.begin_bootstrap() as tx:
        await queries.revoke_session(tx, hash_secret(token), utc_now())


async def revoke_sessions(db: Database, user_id: UserId, *, except_token: str = "") -> int:
    """End all sessions of a user, but not the one of `except_token`; returns how many."""
    async with db.begin_bootstrap() as tx:
        return await queries.revoke_sessions(tx, user_id, utc_now(), spared=hash_secret(except_token))


async def list_sessions(db: Database, user_id: UserId, *, current_token: str) -> list[OpenSession]:
    """Return where a user is signed in, the last used first."""
    now = utc_now()
    async with db.begin_bootstrap() as tx:
        return await queries.list_sessions(
            tx, user_id, current=hash_secret(current_token), now=now, idle_since=now - IDLE
        )


async def set_preferences(db: Database, user_id: UserId, *, locale: str | None, theme: str) -> None:
    """Remember how the console looks to this user. `locale` None: as the browser asks; `theme`: auto, light or dark.

    Raises InvalidRequest for what is neither a locale's name nor a theme.
    """
    if theme not in _THEMES or (locale is not None and not _LOCALE.fullmatch(locale)):
        raise InvalidRequest("There is no such theme or language.")
    async with db.begin_bootstrap() as tx:
        await users.update_preferences(tx, user_id, locale=locale, theme=theme)


async def _to_caller(tx: Tx, user: User) -> Caller:
    grants = tuple(role.grant for role in await roles.list_roles_of(tx, user.id))
    return Caller(CallerKind.MEMBER, user.id, user.name, tx.organization_id, grants)


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:_LONGEST_USER_AGENT]
