"""SQL of identities, chat sessions, and tokens that were used or refused."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.access.model import Assurance
from frontdesk.core.db import Row, Tx
from frontdesk.core.ids import ContactId, IdentityId, InboxId, ProfileId, RealmId, SessionId, new_id
from frontdesk.identities.errors import RefusalReason
from frontdesk.identities.model import ChatSession, Identity, IdentityKey, RealmKeyId, SignedClaims
from frontdesk.organizations.queries import organizations

_IDENTITY: Final = "id, realm_id, source_id, contact_id, first_seen_at, last_seen_at, created_at"
_SESSION_COLUMNS: Final = tuple(field.name for field in fields(ChatSession))
_SESSION: Final = ", ".join(_SESSION_COLUMNS)
_WROTE_AS_VISITOR: Final = """
    contact_id IS NULL AND id IN (
        SELECT session_id FROM conversations c
         WHERE c.organization_id = %(organization)s AND c.contact_id = %(contact)s)
"""


# --- identities ------------------------------------------------------------------------------------------------------


async def upsert_identity(tx: Tx, key: IdentityKey, *, now: datetime) -> tuple[IdentityId, ContactId, bool]:
    """Note that `key` was seen; return its identity, its contact, and whether both are new.

    One statement, identity first: the unique key decides between transactions that run at once, and only the one that
    made the identity makes the card. The foreign key to the card is checked at commit. It writes two domains' tables,
    because that is its purpose.
    """
    sql = """
        WITH ident AS (
            INSERT INTO identities AS known
                   (organization_id, id, realm_id, source_id, contact_id, first_seen_at, last_seen_at, created_at)
            VALUES (%(organization)s, %(identity)s, %(realm)s, %(source_id)s, %(contact)s, %(now)s, %(now)s, %(now)s)
                ON CONFLICT (organization_id, realm_id, source_id) DO UPDATE
               SET last_seen_at = excluded.last_seen_at,
                   first_seen_at = coalesce(known.first_seen_at, excluded.first_seen_at)
         RETURNING known.id, known.contact_id),
        card AS (
            INSERT INTO contacts (organization_id, id, created_at, updated_at, last_seen_at)
            SELECT %(organization)s, contact_id, %(now)s, %(now)s, %(now)s FROM ident WHERE contact_id = %(contact)s
                ON CONFLICT DO NOTHING)
        SELECT id, contact_id, contact_id = %(contact)s FROM ident
    """
    params = {
        "organization": tx.organization_id,
        "identity": new_id(),
        "contact": new_id(),
        "realm": key.realm,
        "source_id": key.source_id,
        "now": now,
    }
    ((identity_id, contact_id, is_new),) = await tx.fetch(sql, params)
    return identity_id, contact_id, is_new


async def find_owners(tx: Tx, keys: Sequence[IdentityKey]) -> dict[IdentityKey, ContactId]:
    """Map each key to its contact; keys that nobody holds are absent."""
    rows = await tx.fetch(
        """
        SELECT realm_id, source_id, contact_id
          FROM identities
          JOIN unnest(%(realms)s::uuid[], %(ids)s::text[]) AS wanted (realm_id, source_id)
         USING (realm_id, source_id)
         WHERE organization_id = %(organization)s
        """,
        {"organization": tx.organization_id, "realms": [k.realm for k in keys], "ids": [k.source_id for k in keys]},
    )
    return {IdentityKey(realm, source_id): owner for realm, source_id, owner in rows}


async def list_identities(tx: Tx, contact_id: ContactId) -> list[Identity]:
    """Return all identities of a contact, the oldest first."""
    return (await find_identities(tx, [contact_id]))[contact_id]


async def find_identities(tx: Tx, contact_ids: Collection[ContactId]) -> dict[ContactId, list[Identity]]:
    """Map each contact to its identities, the oldest first; every one of `contact_ids` is a key."""
    sql = f"""
        SELECT {_IDENTITY} FROM identities
         WHERE organization_id = %(organization)s AND contact_id = ANY(%(contacts)s) ORDER BY id
    """
    found: dict[ContactId, list[Identity]] = {contact_id: [] for contact_id in contact_ids}
    params = {"organization": tx.organization_id, "contacts": list(contact_ids)}
    for identity in await tx.fetch_as(Identity, sql, params):
        found[identity.contact_id].append(identity)
    return found


async def has_identity(tx: Tx, contact_id: ContactId) -> bool:
    """Tell whether the contact is known; without an identity it is anonymous."""
    sql = """
        SELECT EXISTS (SELECT 1 FROM identities
                        WHERE organization_id = %(organization)s AND contact_id = %(contact)s)
    """
    return bool(await tx.fetch_value(sql, {"organization": tx.organization_id, "contact": contact_id}))


async def lock_source_ids(tx: Tx, source_ids: Iterable[str]) -> None:
    """Wait until this transaction is alone with these source ids, in any realm, among those that give source ids away.

    Whoever takes several locks takes this one first, then `lock_sessions_of`, then the card's.
    """
    numbers = {_lock_number(f"{tx.organization_id}/{source_id}") for source_id in source_ids}
    for number in sorted(numbers):  # in one order everywhere, so that two never wait for each other
        await tx.execute("SELECT pg_advisory_xact_lock(%(number)s)", {"number": number})


async def lock_sessions_of(tx: Tx, contact_id: ContactId) -> None:
    """Wait until nobody else can use identities and sessions of this contact before this transaction ends.

    A proof locks the identity, then the session, then the card, and a message its session, then the card; whoever
    changes several of them takes this lock before the card's.
    """
    params = {"organization": tx.organization_id, "contact": contact_id}
    await tx.execute(
        """
        SELECT 1 FROM identities
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s ORDER BY id FOR UPDATE
        """,
        params,
    )
    await tx.execute(
        f"""
        SELECT 1 FROM chat_sessions
         WHERE organization_id = %(organization)s AND ended_at IS NULL
           AND (contact_id = %(contact)s OR {_WROTE_AS_VISITOR}) ORDER BY id FOR UPDATE
        """,
        params,
    )


async def insert_identity(tx: Tx, contact_id: ContactId, key: IdentityKey, *, now: datetime) -> bool:
    """Give `key` to a contact who was not seen with it; return False when somebody holds it already."""
    sql = """
        INSERT INTO identities (organization_id, id, realm_id, source_id, contact_id, created_at)
        VALUES (%(organization)s, %(id)s, %(realm)s, %(source_id)s, %(contact)s, %(now)s)
            ON CONFLICT (organization_id, realm_id, source_id) DO NOTHING
    """
    params = {
        "organization": tx.organization_id,
        "id": new_id(),
        "realm": key.realm,
        "source_id": key.source_id,
        "contact": contact_id,
        "now": now,
    }
    return await tx.execute(sql, params) == 1


async def delete_identity(tx: Tx, identity_id: IdentityId) -> bool:
    """Free a source id for whoever comes with it next; return False when it is gone already."""
    sql = "DELETE FROM identities WHERE organization_id = %(organization)s AND id = %(id)s"
    return await tx.execute(sql, {"organization": tx.organization_id, "id": identity_id}) == 1


async def release_identities(tx: Tx, contact_id: ContactId, *, now: datetime) -> int:
    """Free all source ids of a contact and keep a note of them for a restore; return how many."""
    sql = """
        WITH freed AS (
            DELETE FROM identities WHERE organization_id = %(organization)s AND contact_id = %(contact)s
         RETURNING id, realm_id, source_id)
        INSERT INTO released_identities (organization_id, id, realm_id, source_id, contact_id, released_at)
        SELECT %(organization)s, id, realm_id, source_id, %(contact)s, %(now)s FROM freed
    """
    return await tx.execute(sql, {"organization": tx.organization_id, "contact": contact_id, "now": now})


async def list_released(tx: Tx, contact_id: ContactId) -> list[IdentityKey]:
    """Return the source ids that a deleted contact would get back."""
    sql = """
        SELECT realm_id, source_id FROM released_identities
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s ORDER BY id
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contact": contact_id})
    return [IdentityKey(*row) for row in rows]


async def delete_released(tx: Tx, contact_id: ContactId) -> None:
    """Forget what was released: the contact has it again."""
    sql = "DELETE FROM released_identities WHERE organization_id = %(organization)s AND contact_id = %(contact)s"
    await tx.execute(sql, {"organization": tx.organization_id, "contact": contact_id})


async def list_reserved(tx: Tx) -> list[str]:
    """Return the words that the organization added to those that are nobody's source id."""
    organization = await organizations.find_organization(tx)
    return organization.refused_source_ids if organization else []


async def find_shared_realms(tx: Tx, contact_ids: Collection[ContactId]) -> dict[ContactId, RealmId]:
    """Map each contact to the one realm that all its inboxes share; absent are those without one."""
    sql = """
        SELECT c.contact_id, min(i.realm_id::text)::uuid
          FROM contact_inboxes c
          JOIN inboxes i ON i.organization_id = c.organization_id AND i.id = c.inbox_id AND i.deleted_at IS NULL
         WHERE c.organization_id = %(organization)s AND c.contact_id = ANY(%(contacts)s)
         GROUP BY c.contact_id
        HAVING count(DISTINCT i.realm_id) = 1
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "contacts": list(contact_ids)})
    return dict(rows)


async def find_profile_names(
    tx: Tx, contact_ids: Collection[ContactId]
) -> dict[ContactId, list[tuple[ProfileId, str]]]:
    """Map each contact to its assigned access profiles with their names; every one of `contact_ids` is a key."""
    sql = """
        SELECT a.contact_id, p.id, p.name
          FROM profile_assignments a
          JOIN access_profiles p ON p.organization_id = a.organization_id AND p.id = a.profile_id
         WHERE a.organization_id = %(organization)s AND a.contact_id = ANY(%(contacts)s)
         ORDER BY p.name, p.id
    """
    found: dict[ContactId, list[tuple[ProfileId, str]]] = {contact_id: [] for contact_id in contact_ids}
    params = {"organization": tx.organization_id, "contacts": list(contact_ids)}
    for contact_id, profile_id, name in await tx.fetch(sql, params):
        found[contact_id].append((profile_id, name))
    return found


async def resolve_contact_id(tx: Tx, contact_id: ContactId) -> ContactId:
    """Return the contact that `contact_id` was merged into, over any number of merges; itself when it was not.

    The ledger belongs to `lifecycle`, which stands above this domain; it is read here because every id that was ever
    given out keeps working, and the calls that take one are here.
    """
    sql = """
        WITH RECURSIVE path (id) AS (
            SELECT %(contact)s::uuid
             UNION
            SELECT m.survivor_id FROM path p
              JOIN merged_contacts m ON m.organization_id = %(organization)s AND m.contact_id = p.id)
        SELECT id FROM path p
         WHERE NOT EXISTS (SELECT 1 FROM merged_contacts m
                            WHERE m.organization_id = %(organization)s AND m.contact_id = p.id)
    """
    survivor: ContactId | None = await tx.fetch_value(sql, {"organization": tx.organization_id, "contact": contact_id})
    return survivor or contact_id


# --- sessions --------------------------------------------------------------------------------------------------------


async def lock_session(tx: Tx, session_id: SessionId) -> bool:
    """Wait until this transaction is the only one that handles a message of this session; False when it has ended."""
    sql = """
        SELECT ended_at IS NULL FROM chat_sessions
         WHERE organization_id = %(organization)s AND id = %(id)s FOR UPDATE
    """
    return bool(await tx.fetch_value(sql, {"organization": tx.organization_id, "id": session_id}))


async def find_session_by_hash(tx: Tx, token_hash: bytes, *, now: datetime) -> ChatSession | None:
    """Return the running session whose token has this hash; None when it ended, was idle too long, or never was."""
    sql = f"""
        SELECT {_SESSION} FROM chat_sessions
         WHERE organization_id = %(organization)s AND token_hash = %(hash)s
           AND ended_at IS NULL AND expires_at > %(now)s
    """
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "hash": token_hash, "now": now})
    return _to_session(row) if row else None


async def find_session_by_id(tx: Tx, session_id: SessionId) -> ChatSession | None:
    """Return a session that has not ended; None otherwise."""
    sql = f"""
        SELECT {_SESSION} FROM chat_sessions
         WHERE organization_id = %(organization)s AND id = %(id)s AND ended_at IS NULL
    """
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": session_id})
    return _to_session(row) if row else None


async def insert_session(tx: Tx, session: ChatSession, *, now: datetime) -> None:
    """Store a new session."""
    sql = """
        INSERT INTO chat_sessions
               (organization_id, id, inbox_id, token_hash, contact_id, identity_id, realm_key_id, assurance,
                proven_until, claims, created_at, last_seen_at, expires_at)
        VALUES (%(organization)s, %(id)s, %(inbox)s, %(hash)s, %(contact)s, %(identity)s, %(key)s, %(assurance)s,
                %(proven_until)s, %(claims)s, %(now)s, %(last_seen_at)s, %(expires_at)s)
    """
    await tx.execute(sql, {"now": now, **_params(tx, session)})


async def update_session(tx: Tx, session: ChatSession, *, former_hash: bytes) -> bool:
    """Store a renewed session under its new token; return False when another renewal or an end came first."""
    sql = """
        UPDATE chat_sessions
           SET token_hash = %(hash)s, identity_id = %(identity)s, realm_key_id = %(key)s,
               proven_until = %(proven_until)s, claims = %(claims)s, last_seen_at = %(last_seen_at)s,
               expires_at = %(expires_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s AND token_hash = %(former)s AND ended_at IS NULL
    """
    return await tx.execute(sql, {"former": former_hash, **_params(tx, session)}) == 1


async def update_last_seen(tx: Tx, session_id: SessionId, *, now: datetime, expires_at: datetime) -> None:
    """Note that the browser is there."""
    sql = """
        UPDATE chat_sessions SET last_seen_at = %(now)s, expires_at = %(expires_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    params = {"organization": tx.organization_id, "id": session_id, "now": now, "expires_at": expires_at}
    await tx.execute(sql, params)


async def end_session(tx: Tx, session_id: SessionId, reason: str, *, now: datetime) -> int:
    """End one session if it runs; return how many ended."""
    return await _end(tx, "id = %(id)s", {"id": session_id}, reason, now)


async def count_sessions_of_contact(tx: Tx, contact_id: ContactId, *, now: datetime) -> int:
    """Return how many sessions were proven to be this contact and have not ended."""
    sql = """
        SELECT count(*) FROM chat_sessions
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s
           AND ended_at IS NULL AND expires_at > %(now)s
    """
    params = {"organization": tx.organization_id, "contact": contact_id, "now": now}
    return int(await tx.fetch_value(sql, params))


async def end_sessions_of_contact(tx: Tx, contact_id: ContactId, reason: str, *, now: datetime) -> int:
    """End the sessions that were proven to be this contact; return how many."""
    return await _end(tx, "contact_id = %(contact)s", {"contact": contact_id}, reason, now)


async def end_visitor_sessions_of_contact(tx: Tx, contact_id: ContactId, reason: str, *, now: datetime) -> int:
    """End the visitor sessions that wrote as this anonymous contact; return how many.

    A visitor session names no contact: the conversations tell, although their domain stands above this one.
    """
    return await _end(tx, _WROTE_AS_VISITOR, {"contact": contact_id}, reason, now)


async def end_sessions_of_identity(tx: Tx, identity_id: IdentityId, reason: str, *, now: datetime) -> int:
    """End the sessions that were proven by this identity; return how many."""
    return await _end(tx, "identity_id = %(identity)s", {"identity": identity_id}, reason, now)


async def end_sessions_of_key(
    tx: Tx, key_id: RealmKeyId, reason: str, *, now: datetime, claiming: list[ProfileId] | None = None
) -> int:
    """End the sessions that were proven by this key, or only those claiming one of some profiles; return how many."""
    condition = "realm_key_id = %(key)s"
    if claiming is not None:
        condition += " AND claims -> 'access_profiles' ?| %(profiles)s"
    params = {"key": key_id, "profiles": [str(profile) for profile in claiming or ()]}
    return await _end(tx, condition, params, reason, now)


async def insert_used_proof(
    tx: Tx, realm: RealmId, jti: str, session_id: SessionId, *, now: datetime, expires_at: datetime
) -> SessionId:
    """Note that a session used the token `jti`; return the session that used it first."""
    sql = """
        INSERT INTO identity_proofs (organization_id, realm_id, jti, session_id, used_at, expires_at)
        VALUES (%(organization)s, %(realm)s, %(jti)s, %(session)s, %(now)s, %(expires_at)s)
            ON CONFLICT (organization_id, realm_id, jti) DO NOTHING
    """
    params = {
        "organization": tx.organization_id,
        "realm": realm,
        "jti": jti,
        "session": session_id,
        "now": now,
        "expires_at": expires_at,
    }
    if await tx.execute(sql, params) == 1:
        return session_id
    first = """
        SELECT session_id FROM identity_proofs
         WHERE organization_id = %(organization)s AND realm_id = %(realm)s AND jti = %(jti)s
    """
    used_by: SessionId = await tx.fetch_value(first, params)
    return used_by


async def delete_spent_proofs(tx: Tx, realm: RealmId, *, before: datetime) -> int:
    """Forget some tokens that had expired at `before`, which nobody can use any more; return how many."""
    sql = """
        DELETE FROM identity_proofs WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM identity_proofs
             WHERE organization_id = %(organization)s AND realm_id = %(realm)s AND expires_at < %(before)s
             LIMIT 20 FOR UPDATE SKIP LOCKED))
    """
    return await tx.execute(sql, {"organization": tx.organization_id, "realm": realm, "before": before})


async def insert_proof_failure(
    tx: Tx, inbox_id: InboxId, reason: RefusalReason, detail: str, *, request_id: str, now: datetime
) -> None:
    """Keep why a proof was refused, for the organization's eyes."""
    sql = """
        INSERT INTO proof_failures (organization_id, id, inbox_id, reason, detail, request_id, at)
        VALUES (%(organization)s, %(id)s, %(inbox)s, %(reason)s, %(detail)s, %(request)s, %(now)s)
    """
    params = {
        "organization": tx.organization_id,
        "id": new_id(),
        "inbox": inbox_id,
        "reason": reason.value,
        "detail": detail,
        "request": request_id,
        "now": now,
    }
    await tx.execute(sql, params)


@dataclass(frozen=True, slots=True)
class ProofFailure:
    """A proof that was refused. `detail` says what was found; the visitor heard neither."""

    reason: RefusalReason
    detail: str
    request_id: str
    at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", RefusalReason(self.reason))


async def list_proof_failures(tx: Tx, inbox_id: InboxId, *, limit: int) -> list[ProofFailure]:
    """Return the proofs that were refused in an inbox last, the latest first."""
    sql = """
        SELECT reason, detail, request_id, at FROM proof_failures
         WHERE organization_id = %(organization)s AND inbox_id = %(inbox)s ORDER BY id DESC LIMIT %(limit)s
    """
    params = {"organization": tx.organization_id, "inbox": inbox_id, "limit": limit}
    return await tx.fetch_as(ProofFailure, sql, params)


# --- private ---------------------------------------------------------------------------------------------------------


def _lock_number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


async def _end(tx: Tx, condition: str, params: Mapping[str, object], reason: str, now: datetime) -> int:
    sql = f"""
        UPDATE chat_sessions SET ended_at = %(now)s, end_reason = %(reason)s
         WHERE organization_id = %(organization)s AND ended_at IS NULL AND {condition}
    """
    return await tx.execute(sql, {"organization": tx.organization_id, "reason": reason, "now": now, **params})


def _params(tx: Tx, session: ChatSession) -> dict[str, object]:
    claims = {
        "access_profiles": [str(profile) for profile in session.claims.access_profiles],
        "query_metadata": session.claims.query_metadata,
    }
    return {
        "organization": tx.organization_id,
        "id": session.id,
        "inbox": session.inbox_id,
        "hash": session.token_hash,
        "contact": session.contact_id,
        "identity": session.identity_id,
        "key": session.realm_key_id,
        "assurance": int(session.assurance),
        "proven_until": session.proven_until,
        "claims": Jsonb(claims),
        "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
    }


def _to_session(row: Row) -> ChatSession:
    values: dict[str, Any] = dict(zip(_SESSION_COLUMNS, row, strict=True))
    claims: Mapping[str, Any] = values["claims"]
    profiles = tuple(ProfileId(UUID(profile)) for profile in claims.get("access_profiles", ()))
    values["claims"] = SignedClaims(profiles, claims.get("query_metadata"))
    values["assurance"] = Assurance(values["assurance"])
    return ChatSession(**values)
