"""How a chat opens, and what becomes of its session."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, cast

from frontdesk.access.model import Assurance
from frontdesk.channels.model import Inbox, OnLogin
from frontdesk.channels.queries import lock_identity_mode
from frontdesk.contacts.actions import refresh_card
from frontdesk.contacts.model import CardFields, Provenance
from frontdesk.contacts.queries import touch_inbox
from frontdesk.contacts.rules import hold_rules
from frontdesk.core.db import Database, Tx
from frontdesk.core.ids import ContactId, IdentityId, OrganizationId, ProfileId, RealmId, SessionId, new_id
from frontdesk.core.live import Event, announce
from frontdesk.core.secrets import Cipher, IssuedSecret, hash_secret, issue_secret, parse_secret
from frontdesk.core.text import utc_now
from frontdesk.identities import key_sets, keys, proof_queries, queries
from frontdesk.identities.conflicts import find_shared, note_conflicts
from frontdesk.identities.errors import IdentityRefused, ProofRefused, RefusalReason
from frontdesk.identities.introspection import lock_introspection
from frontdesk.identities.model import (
    PROOF_LASTS,
    SESSION_IDLES,
    ChatSession,
    IdentityKey,
    Opening,
    Proof,
    ProvingKey,
    SignedClaims,
    Witness,
)
from frontdesk.identities.proofs import verify_token

_TOKEN_KIND: Final = "chat"  # noqa: S105 -- a kind
_SEEN_EVERY: Final = timedelta(minutes=1)
_MAX_DETAIL: Final = 500
_SPENT_AFTER: Final = timedelta(minutes=5)  # beyond the skew of clocks for which an expired token still counts


async def find_or_create(tx: Tx, key: IdentityKey, *, now: datetime) -> tuple[ContactId, bool]:
    """Return the contact whom a proof or a platform calls `key`, and whether it was made just now, as an empty card.

    Safe under any concurrency and repetition. A card that staff made in advance with this source id is found.
    """
    _, contact_id, is_new = await queries.upsert_identity(tx, key, now=now)
    if is_new:
        await announce(tx, Event("contact", contact_id))
    return contact_id, is_new


async def prove(
    tx: Tx, cipher: Cipher, inbox: Inbox, token: object, *, now: datetime, verifier: str | None = None
) -> Proof:
    """Return what a signed `token` proves in `inbox`, by the keys that are known now. For inboxes of mode `jwt`.

    Raises IdentityRefused, whose reason `record_refusal` keeps. Null and empty tokens are refused like any other: a
    page that sent one meant to prove somebody.
    """
    known = await load_proving_keys(tx, cipher, inbox.realm_id, now=now)
    refused = await queries.list_reserved(tx)
    try:
        return verify_token(token, keys=known, audience=inbox.public_id, now=now, refused=refused, verifier=verifier)
    except ProofRefused as error:
        raise IdentityRefused(error.reason, error.detail) from error


async def load_proving_keys(tx: Tx, cipher: Cipher, realm_id: RealmId, *, now: datetime) -> list[ProvingKey]:
    """Return the keys of a realm, uploaded ones first, so that a published key cannot take their place."""
    uploaded = await keys.load_realm_keys(tx, cipher, realm_id)
    published = await key_sets.load_key_sets(tx, realm_id)
    return [*uploaded, *(key for key_set in published for key in key_set.keys_at(now))]


async def open_session(
    tx: Tx, inbox: Inbox, *, stored: ChatSession | None, proof: Proof | None, now: datetime
) -> Opening:
    """Open a chat, given the session that the browser kept, if it still runs, and what was proven, if anything.

    | stored | no proof | proof for A | proof for B |
    |---|---|---|---|
    | none | nobody yet: no session before the first message | new session of A | new session of B |
    | visitor | goes on | new session of A | new session of B |
    | proven A | nobody yet: A is hidden | goes on under a new token | A's session ends; new session of B |

    A visitor's session ends at login whatever the inbox says, so that a token planted before is worth nothing after;
    with `on_login` merge the opening names it, so that its contacts can be folded; with separate its conversations stay
    with their anonymous contacts. A hidden session of A is not ended: the same browser may have A's page in another
    window, and it is answered only there, until its proof is too old.

    Browsers that wrote as this contact and proved nothing, before staff knew who it is, read along no more.

    Raises IdentityRefused when the proof was used before by another session, was made for another realm, or when it
    would not count any more as the settings are now; the caller's transaction must then roll back.
    """
    if stored is not None and stored.inbox_id != inbox.id:
        stored = None
    if proof is None:
        return Opening() if stored is None or stored.is_proven else Opening(await _note_visit(tx, stored, now))
    await hold_rules(tx)  # what the proof says of attributes may give access
    await _check_circumstances(tx, inbox, proof)
    await queries.lock_source_ids(tx, [proof.key.source_id])  # staff who give it away hold sessions and cards as well
    identity_id, contact_id, is_new = await queries.upsert_identity(tx, proof.key, now=now)
    await queries.end_visitor_sessions_of_contact(tx, contact_id, "login", now=now)
    secret = issue_secret(_TOKEN_KIND, tx.organization_id)
    session = await _renew(tx, stored, contact_id, identity_id, proof, secret, now=now)
    fold_from = None
    if session is None:
        session = await _start_proven(tx, inbox, contact_id, identity_id, proof, secret, now=now)
        fold_from = await _leave(tx, inbox, stored, contact_id, now=now)
    await _use_proof(tx, proof, session.id, now=now)
    await _refresh_card(tx, inbox, contact_id, proof, now=now)
    if is_new:
        await announce(tx, Event("contact", contact_id))
    return Opening(session, secret.text, contact_id, fold_from)


async def start_visitor_session(tx: Tx, inbox: Inbox, now: datetime) -> tuple[ChatSession, str]:
    """Start the session of somebody who proved nothing, at the first message; return it with its token."""
    secret = issue_secret(_TOKEN_KIND, tx.organization_id)
    session = ChatSession(
        id=SessionId(new_id()),
        inbox_id=inbox.id,
        token_hash=secret.hash,
        contact_id=None,
        identity_id=None,
        realm_key_id=None,
        assurance=Assurance.ANONYMOUS,
        proven_until=None,
        claims=SignedClaims(),
        last_seen_at=now,
        expires_at=now + SESSION_IDLES,
    )
    await queries.insert_session(tx, session, now=now)
    return session, secret.text


async def find_session(
    tx: Tx, token: str, now: datetime | None = None, *, notes_visit: bool = True
) -> ChatSession | None:
    """Return the running session of `token` and note that its browser is there, exact to a minute.

    `notes_visit` False: for `open_session`, which does so itself, after it has locked the identity.

    None for a token that is not ours, was rotated, has ended or was idle for 30 days: all look the same. A proven
    session is returned even when its proof is too old; `require_proven_now` tells.
    """
    if parse_secret(token, _TOKEN_KIND) != tx.organization_id:
        return None
    now = now or utc_now()
    session = await queries.find_session_by_hash(tx, hash_secret(token), now=now)
    return session if session is None or not notes_visit else await _note_visit(tx, session, now)


async def _note_visit(tx: Tx, session: ChatSession, now: datetime) -> ChatSession:
    if now - session.last_seen_at < _SEEN_EVERY:
        return session
    seen = replace(session, last_seen_at=now, expires_at=now + SESSION_IDLES)
    await queries.update_last_seen(tx, seen.id, now=now, expires_at=seen.expires_at)
    return seen


async def end_session(tx: Tx, session_id: SessionId, reason: str = "logout") -> bool:
    """End one session, as at logout; return False when it had ended. Safe to repeat."""
    return await queries.end_session(tx, session_id, reason, now=utc_now()) == 1


async def end_sessions_of_contact(tx: Tx, contact_id: ContactId, reason: str) -> int:
    """End every session that was proven to be this contact, and tell open windows; return how many."""
    ended = await queries.end_sessions_of_contact(tx, contact_id, reason, now=utc_now())
    if ended:
        await announce(tx, Event("contact", contact_id))
    return ended


async def record_refusal(
    db: Database,
    organization_id: OrganizationId,
    inbox: Inbox,
    reason: RefusalReason,
    detail: str,
    *,
    request_id: str,
) -> None:
    """Keep why nobody was proven, in a transaction of its own: the one that was refused rolls back."""
    async with db.begin(organization_id) as tx:
        await proof_queries.insert_proof_failure(
            tx, inbox.id, reason, detail[:_MAX_DETAIL], request_id=request_id, now=utc_now()
        )


async def _check_circumstances(tx: Tx, inbox: Inbox, proof: Proof) -> None:
    """Check what the token alone cannot tell: that it is used here, and while whoever vouches for it is good."""
    if proof.key.realm != inbox.realm_id:
        raise IdentityRefused(RefusalReason.UNKNOWN_KEY, "a key of another realm")
    if await lock_identity_mode(tx, inbox.id) is not inbox.identity_mode:
        raise IdentityRefused(RefusalReason.UNKNOWN_KEY, "the platform asks for other proofs meanwhile")
    if not await _lock_witness(tx, inbox, proof.witness, proof.claims.access_profiles):
        raise IdentityRefused(RefusalReason.KEY_REVOKED, "revoked, limited or changed meanwhile")


async def _lock_witness(tx: Tx, inbox: Inbox, witness: Witness, claimed: Collection[ProfileId]) -> bool:
    """Tell whether what proved somebody is still good for that, and keep it so until this transaction ends."""
    if witness.realm_key_id is not None:
        return await keys.lock_good_key(tx, witness.realm_key_id, claimed)
    if witness.realm_key_set_id is not None:
        return await key_sets.lock_good_key_set(tx, witness.realm_key_set_id, claimed)
    asked = await lock_introspection(tx, inbox.id)
    return asked is not None and asked.updated_at == witness.asked_as_of


async def _renew(
    tx: Tx,
    stored: ChatSession | None,
    contact_id: ContactId,
    identity_id: IdentityId,
    proof: Proof,
    secret: IssuedSecret,
    *,
    now: datetime,
) -> ChatSession | None:
    """Let the session go on if it is this contact's; None when it is not, or another window renewed it first."""
    if stored is None or stored.contact_id != contact_id:
        return None
    renewed = replace(
        stored,
        token_hash=secret.hash,
        identity_id=identity_id,
        realm_key_id=proof.witness.realm_key_id,
        realm_key_set_id=proof.witness.realm_key_set_id,
        proven_until=now + PROOF_LASTS,
        claims=proof.claims,
        last_seen_at=now,
        expires_at=now + SESSION_IDLES,
    )
    return renewed if await queries.update_session(tx, renewed, former_hash=stored.token_hash) else None


async def _start_proven(
    tx: Tx,
    inbox: Inbox,
    contact_id: ContactId,
    identity_id: IdentityId,
    proof: Proof,
    secret: IssuedSecret,
    *,
    now: datetime,
) -> ChatSession:
    session = ChatSession(
        id=SessionId(new_id()),
        inbox_id=inbox.id,
        token_hash=secret.hash,
        contact_id=contact_id,
        identity_id=identity_id,
        realm_key_id=proof.witness.realm_key_id,
        realm_key_set_id=proof.witness.realm_key_set_id,
        assurance=Assurance.SIGNED,
        proven_until=now + PROOF_LASTS,
        claims=proof.claims,
        last_seen_at=now,
        expires_at=now + SESSION_IDLES,
    )
    await queries.insert_session(tx, session, now=now)
    return session


async def _leave(
    tx: Tx, inbox: Inbox, stored: ChatSession | None, contact_id: ContactId, *, now: datetime
) -> SessionId | None:
    """End the session that the browser had; return it when its contacts fold into the proven one."""
    if stored is None or stored.contact_id == contact_id:  # the latter runs on in the window that renewed it first
        return None
    await queries.end_session(tx, stored.id, "replaced" if stored.is_proven else "login", now=now)
    folds = not stored.is_proven and inbox.on_login is OnLogin.MERGE
    return stored.id if folds else None


async def _use_proof(tx: Tx, proof: Proof, session_id: SessionId, *, now: datetime) -> None:
    if proof.jti is None or proof.expires_at is None:
        return
    used_by = await proof_queries.insert_used_proof(
        tx, proof.key.realm, proof.jti, session_id, now=now, expires_at=proof.expires_at
    )
    if used_by != session_id:
        raise IdentityRefused(RefusalReason.TOKEN_ID_REUSED, f"jti {proof.jti}")
    await proof_queries.delete_spent_proofs(tx, proof.key.realm, before=now - _SPENT_AFTER)


async def _refresh_card(tx: Tx, inbox: Inbox, contact_id: ContactId, proof: Proof, *, now: datetime) -> None:
    """Write what the proof says onto the card, as far as nobody wrote it deliberately, and note the visit."""
    card = proof.card
    said: dict[str, object] = {
        "name": card.name,
        "avatar": card.picture,
        "emails": card.email and (card.email,),
        "phones": card.phone_number and (card.phone_number,),
        "language": card.locale,
        "attributes": card.attributes,
    }
    fields = cast("CardFields", {field: value for field, value in said.items() if value is not None})
    shared = await find_shared(tx, contact_id, fields)
    written = await refresh_card(tx, contact_id, fields, Provenance.SIGNED)
    await note_conflicts(tx, written, fields, Provenance.SIGNED, shared, now=now)
    await touch_inbox(tx, contact_id, inbox.id, now)
