"""Password links: for whoever forgot the password."""

import secrets
from datetime import timedelta

from frontdesk.core.db import Database, Tx
from frontdesk.core.ids import UserId
from frontdesk.core.secrets import hash_secret
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.access import access_member
from frontdesk.organizations.errors import LinkExpired, MemberElsewhere
from frontdesk.organizations.model import Caller
from frontdesk.organizations.passwords import hash_password
from frontdesk.organizations.queries import sessions as queries
from frontdesk.organizations.queries import users
from frontdesk.organizations.records import User, find_email
from frontdesk.organizations.throttle import Limit, count_attempt

LIFETIME = timedelta(hours=1)  # of a link that is sent
LIFETIME_BY_HAND = timedelta(hours=24)  # of a link that a member passes on
_REQUESTS_PER_EMAIL = 3
_REQUESTS_PER_ADDRESS = 20


async def request_password_reset(db: Database, *, email: str, address: str) -> tuple[User, str] | None:
    """Return the user and the token to send them; None when nobody who can sign in has this e-mail.

    Both must look the same outside: answer first, send afterwards in the background. Raises TooManyRequests, for known
    and unknown e-mails alike.
    """
    email = find_email(email) or ""
    limits = (Limit("reset e-mail", email, _REQUESTS_PER_EMAIL), Limit("reset address", address, _REQUESTS_PER_ADDRESS))
    async with db.begin_bootstrap() as tx:
        await count_attempt(tx, limits, utc_now())
        known = await users.find_credentials(tx, email)
        if known is None or known.password_hash is None:
            return None
        return await users.get_user(tx, known.user_id), await _issue(tx, known.user_id, LIFETIME)


async def make_reset_link(tx: Tx, caller: Caller, user_id: UserId) -> str:
    """Return a token with which a member sets a new password; for a member with `members.edit` to pass on.

    Whoever has it signs in as that member. Hence GrantNotHeld for a member who holds more than the caller, and
    MemberElsewhere for one who works for other organizations, too. Raises NotFound as well.
    """
    await access_member(tx, caller, user_id)
    if await users.lock_user_elsewhere(tx, user_id):
        raise MemberElsewhere
    token = await _issue(tx, user_id, LIFETIME_BY_HAND)
    await audit.record(tx, caller, "member.reset_link_made", "member", user_id)
    return token


async def find_reset_email(db: Database, token: str) -> str:
    """Return whose password the link sets, for the page behind it. Raises LinkExpired."""
    async with db.begin_bootstrap() as tx:
        return (await _get_user(tx, token)).email


async def reset_password(db: Database, token: str, password: str) -> UserId:
    """Set a new password, once; ends all sessions and all other links of the user.

    Raises LinkExpired and InvalidRequest.
    """
    async with db.begin_bootstrap() as tx:
        user = await _get_user(tx, token)
    password_hash = await hash_password(password, email=user.email)
    now = utc_now()
    async with db.begin_bootstrap() as tx:
        if not await queries.use_reset(tx, hash_secret(token), now):
            raise LinkExpired
        await users.update_password(tx, user.id, password_hash)
        await queries.void_resets(tx, user.id, now)
        await queries.revoke_sessions(tx, user.id, now)
    return user.id


async def _issue(tx: Tx, user_id: UserId, lifetime: timedelta) -> str:
    token, now = secrets.token_urlsafe(32), utc_now()
    await queries.insert_reset(tx, token_hash=hash_secret(token), user_id=user_id, now=now, expires_at=now + lifetime)
    return token


async def _get_user(tx: Tx, token: str) -> User:
    user_id = await queries.find_reset_user(tx, hash_secret(token), utc_now())
    if user_id is None:
        raise LinkExpired
    return await users.get_user(tx, user_id)
