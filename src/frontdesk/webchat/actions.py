"""What a browser can do: open the chat, write, log out. Each is safe to repeat."""

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from frontdesk.access.model import Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.channels.model import IdentityMode, Inbox
from frontdesk.contacts import actions as contacts
from frontdesk.contacts import queries as cards
from frontdesk.conversations import queries as conversations
from frontdesk.conversations.actions import check_content, receive_message
from frontdesk.conversations.model import Conversation, Incoming
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound, TooManyRequests, Unauthenticated
from frontdesk.core.ids import ContactId, MessageId, OrganizationId, new_id
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.identities import actions as identities
from frontdesk.identities import queries as sessions
from frontdesk.identities.blocks import refuse_blocked
from frontdesk.identities.errors import EnterpriseUnreachable, IdentityRefused, RefusalReason
from frontdesk.identities.model import ChatSession, Offered, Opening, Proof, require_proven_now
from frontdesk.identities.proving import Prover
from frontdesk.lifecycle.actions import fold_visitor
from frontdesk.organizations.throttle import Limit, count_attempt
from frontdesk.webchat.wire import SendBody

_MOST_OPENED: Final = (
    100  # sessions, conversations, and failed proofs, from one address in a quarter of an hour, per inbox
)
_MOST_MESSAGES: Final = 100  # in one conversation within _FLOOD
_FLOOD: Final = timedelta(minutes=1)
_ENDED: Final = "This chat has ended. Please start again."


@dataclass(frozen=True, slots=True)
class Door:
    """Where a browser stands: an inbox, with the token that it keeps, which proves nothing yet."""

    services: Services
    prover: Prover
    organization_id: OrganizationId
    inbox: Inbox
    token: str | None
    request_id: str
    address: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A stored message. `holder` is set when this process is to answer, else somebody does or nobody is to."""

    conversation: Conversation
    session: ChatSession
    message_id: MessageId
    holder: UUID | None


async def open_chat(door: Door, offered: Offered) -> Opening:
    """Open the chat as product, "Identity: who is talking" says.

    Raises IdentityRefused for a proof that fails; nothing that is stored changes then, but the organization's own log;
    and TooManyRequests after too many of them. When the enterprise cannot be asked the chat opens as without a proof,
    and says so.
    """
    now = utc_now()
    try:
        proof = await _prove(door, offered, now)
        return await _open(door, proof, now)
    except EnterpriseUnreachable as error:
        with suppress(TooManyRequests):  # one address need not tell us more often
            await _note_failure(door, "unreachable", error.reason, error.detail)
        return replace(await _open(door, None, now), is_unchecked=True)
    except IdentityRefused as refused:
        await _note_failure(door, "refusal", refused.reason, refused.private_detail)
        raise


async def _prove(door: Door, offered: Offered, now: datetime) -> Proof | None:
    """Return the proof, or None when none was sent. An inbox that asks for no proof ignores what is sent."""
    if offered.token is None or door.inbox.identity_mode is IdentityMode.NONE:
        return None
    return await door.prover.prove(door.organization_id, door.inbox, offered, now=now)


async def _open(door: Door, proof: Proof | None, now: datetime) -> Opening:
    async with door.services.db.begin(door.organization_id) as tx:
        stored = await find_stored_session(tx, door, notes_visit=False)
        opening = await identities.open_session(tx, door.inbox, stored=stored, proof=proof, now=now)
        if opening.fold_from is not None and opening.contact_id is not None:
            await fold_visitor(tx, opening.fold_from, opening.contact_id, now=now)
        return opening


async def _note_failure(door: Door, kind: str, reason: RefusalReason, detail: str) -> None:
    """Keep why nobody was proven. Raises TooManyRequests, and keeps nothing, after too many of one address."""
    async with door.services.db.begin(door.organization_id) as tx:
        await count_attempt(tx, [_limit(kind, door)], utc_now())
    await identities.record_refusal(
        door.services.db, door.organization_id, door.inbox, reason, detail, request_id=door.request_id
    )


async def find_stored_session(tx: Tx, door: Door, *, notes_visit: bool = True) -> ChatSession | None:
    """Return the session of the browser's token; None when it is unknown, ended, or of another inbox."""
    if door.token is None:
        return None
    session = await identities.find_session(tx, door.token, notes_visit=notes_visit)
    return session if session is not None and session.inbox_id == door.inbox.id else None


async def require_session(tx: Tx, door: Door) -> ChatSession:
    """Return the session. Raises Unauthenticated without one, and ProofExpired 60 minutes after a proof."""
    session = await find_stored_session(tx, door)
    if session is None:
        raise Unauthenticated(_ENDED)
    require_proven_now(session, utc_now())
    return session


async def require_still(tx: Tx, session: ChatSession) -> ChatSession:
    """Return the session as it is now, under whatever token. Raises as `require_session` when it has ended."""
    present = await sessions.find_session_by_id(tx, session.id)
    if present is None:
        raise Unauthenticated(_ENDED)
    require_proven_now(present, utc_now())
    return present


async def start_session(door: Door) -> str:
    """Start a visitor session, just before the first message, and return its token. No contact is made."""
    async with door.services.db.begin(door.organization_id) as tx:
        await count_attempt(tx, [_limit("session", door)], utc_now())
        _, token = await identities.start_visitor_session(tx, door.inbox, utc_now())
    return token


async def send(door: Door, body: SendBody) -> Sent:
    """Store a message in one transaction: its conversation and contact if they are new, and the lease on answering."""
    content = check_content(body.text)
    parse_query_metadata(body.query_metadata, layer=Layer.PAGE)
    now, holder = utc_now(), new_id()
    async with door.services.db.begin(door.organization_id) as tx:
        session = await require_session(tx, door)
        if not await sessions.lock_session(tx, session.id):  # messages of one browser come one after the other
            raise Unauthenticated(_ENDED)
        conversation = await _find_or_open(tx, door, session, body.conversation_key)
        await refuse_blocked(tx, door.services.cipher, conversation.contact_id, session.inbox_id, session)
        await _refuse_flood(tx, conversation, now)
        incoming = Incoming(
            content,
            conversation.contact_id,
            session.assurance,
            session.id,
            client_id=body.message_id,
            query_metadata=body.query_metadata,
        )
        message_id, _ = await receive_message(tx, conversation, incoming, now=now)
        await cards.touch_inbox(tx, conversation.contact_id, session.inbox_id, now)
        waits = await conversations.list_awaiting_answer(tx, conversation.id)
        is_ours = bool(waits) and await conversations.claim_lease(tx, conversation.id, holder, now)
    return Sent(conversation, session, message_id, holder if is_ours else None)


async def _find_or_open(tx: Tx, door: Door, session: ChatSession, key: str) -> Conversation:
    found = await conversations.find_by_key(
        tx, key, inbox_id=session.inbox_id, session_id=session.id, contact_id=session.contact_id
    )
    if found is not None:
        return found
    now = utc_now()
    await count_attempt(tx, [_limit("conversation", door)], now)
    contact_id: ContactId = session.contact_id or await contacts.create_anonymous(tx, session.inbox_id, now=now)
    return await conversations.insert_conversation(
        tx, contact_id, session.inbox_id, now=now, session_id=session.id, session_key=key
    )


async def _refuse_flood(tx: Tx, conversation: Conversation, now: datetime) -> None:
    """Raise TooManyRequests when the contact writes faster than a person can."""
    decisive = await conversations.find_nth_latest_incoming(tx, conversation.id, _MOST_MESSAGES)
    if decisive is not None and decisive > now - _FLOOD:
        wait = decisive + _FLOOD - now
        raise TooManyRequests(facts={"retry_after": max(1, math.ceil(wait.total_seconds()))})


def _limit(kind: str, door: Door) -> Limit:
    return Limit(f"webchat-{kind}", f"{door.inbox.id}/{door.address}", _MOST_OPENED)


async def log_out(door: Door) -> None:
    """End the session; nothing of it can be read with the old token. Fine when there is none."""
    async with door.services.db.begin(door.organization_id) as tx:
        session = await find_stored_session(tx, door)
        if session is not None:
            await identities.end_session(tx, session.id, "logout")


async def contact_name(tx: Tx, opening: Opening) -> str | None:
    """Return the name of a proven contact; None for a visitor, or a card without a name."""
    if opening.contact_id is None:
        return None
    try:
        return (await cards.get_contact(tx, opening.contact_id)).name or None
    except NotFound:
        return None
