"""SQL of identities and chat sessions."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.access.model import Assurance
from frontdesk.access.queries import HELD
from frontdesk.core.db import Row, Tx
from frontdesk.core.ids import ContactId, IdentityId, InboxId, ProfileId, RealmId, SessionId, new_id
from frontdesk.identities.model import ChatSession, Identity, IdentityKey, SignedClaims, Witness
from frontdesk.organizations.queries import organizations

_IDENTITY: Final = """
    id, realm_id, source_id, contact_id, first_seen_at, last_seen_at, created_at, linked_by, linked_at
"""
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
            INSERT INTO contacts (organization_id, id, search_ids, created_at, updated_at, last_seen_at)
            SELECT %(organization)s, contact_id, ' ' || search_form(%(source_id)s::text), %(now)s, %(now)s, %(now)s
              FROM ident WHERE contact_id = %(contact)s
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
        await _lock(tx, number)


async def lock_sessions_of(tx: Tx, contact_id: ContactId) -> None:
    """Wait until nobody else can use identities and sessions of this contact before this transaction ends.

    A proof locks the identity, then the session, then the card, and a message its session, then the card; whoever
    changes several of them takes this lock before the card's. Those who do wait for each other first: what one of them
    gives the contact must be seen, and locked, by the next.
    """
    params = {"organization": tx.organization_id, "contact": contact_id}
    await _lock(tx, _lock_number(f"{tx.organization_id}\0{contact_id}"))  # no source id has a NUL
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


async def insert_identity(
    tx: Tx, contact_id: ContactId, key: IdentityKey, *, now: datetime, linked_by: str | None = None
) -> bool:
    """Give `key` to a contact who was not seen with it; return False when somebody holds it already.

    `linked_by`: who vouches that the contact is that person.
    """
    sql = """
        WITH given AS (
            INSERT INTO identities
                   (organization_id, id, realm_id, source_id, contact_id, created_at, linked_by, linked_at)
            VALUES (%(organization)s, %(id)s, %(realm)s, %(source_id)s, %(contact)s, %(now)s, %(linked_by)s,
                    %(linked_at)s)
                ON CONFLICT (organization_id, realm_id, source_id) DO NOTHING
         RETURNING organization_id, contact_id, source_id),
        found_by AS (
            UPDATE contacts c SET search_ids = c.search_ids || ' ' || search_form(given.source_id)
              FROM given WHERE c.organization_id = given.organization_id AND c.id = given.contact_id)
        SELECT count(*) FROM given
    """
    params = {
        "organization": tx.organization_id,
        "id": new_id(),
        "realm": key.realm,
        "source_id": key.source_id,
        "contact": contact_id,
        "now": now,
        "linked_by": linked_by,
        "linked_at": now if linked_by else None,
    }
    return bool(await tx.fetch_value(sql, params))


async def delete_identity(tx: Tx, identity_id: IdentityId) -> bool:
    """Free a source id for whoever comes with it next; return False when it is gone already."""
    sql = "DELETE FROM identities WHERE organization_id = %(organization)s AND id = %(id)s RETURNING contact_id"
    contact_id = await tx.fetch_value(sql, {"organization": tx.organization_id, "id": identity_id})
    if contact_id is not None:
        await refresh_search_ids(tx, [contact_id])
    return contact_id is not None


async def release_identities(tx: Tx, contact_id: ContactId, *, now: datetime) -> int:
    """Free all source ids of a contact and keep a note of them for a restore; return how many."""
    sql = """
        WITH freed AS (
            DELETE FROM identities WHERE organization_id = %(organization)s AND contact_id = %(contact)s
         RETURNING id, realm_id, source_id)
        INSERT INTO released_identities (organization_id, id, realm_id, source_id, contact_id, released_at)
        SELECT %(organization)s, id, realm_id, source_id, %(contact)s, %(now)s FROM freed
    """
    count = await tx.execute(sql, {"organization": tx.organization_id, "contact": contact_id, "now": now})
    await refresh_search_ids(tx, [contact_id])
    return count


async def refresh_search_ids(tx: Tx, contact_ids: Collection[ContactId]) -> None:
    """Let contacts be found by the source ids that they hold now, and by no other. Locks their cards, by id.

    Whoever moves or deletes rows of `identities` calls this after it; what this module itself does is seen to.
    """
    params = {"organization": tx.organization_id, "contacts": list(contact_ids)}
    await tx.execute(  # alone first: what a statement that waits reads beside the row it waited for is old
        """
        SELECT 1 FROM contacts WHERE organization_id = %(organization)s AND id = ANY(%(contacts)s)
         ORDER BY id FOR NO KEY UPDATE
        """,
        params,
    )
    await tx.execute(
        """
        UPDATE contacts c
           SET search_ids = coalesce((SELECT string_agg(' ' || search_form(source_id), '' ORDER BY i.id)
                                        FROM identities i
                                       WHERE i.organization_id = c.organization_id AND i.contact_id = c.id), '')
         WHERE c.organization_id = %(organization)s AND c.id = ANY(%(contacts)s)
        """,
        params,
    )


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
    return await organizations.find_refused_source_ids(tx)


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
    """Map each contact to the access profiles that it has, with their names; every one of `contact_ids` is a key."""
    sql = f"""
        SELECT DISTINCT a.contact_id, p.id, p.name
          FROM {HELD} a
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
               (organization_id, id, inbox_id, token_hash, contact_id, identity_id, realm_key_id, realm_key_set_id,
                assurance, proven_until, claims, created_at, last_seen_at, expires_at)
        VALUES (%(organization)s, %(id)s, %(inbox)s, %(hash)s, %(contact)s, %(identity)s, %(key)s, %(key_set)s,
                %(assurance)s, %(proven_until)s, %(claims)s, %(now)s, %(last_seen_at)s, %(expires_at)s)
    """
    await tx.execute(sql, {"now": now, **_params(tx, session)})


async def update_session(tx: Tx, session: ChatSession, *, former_hash: bytes) -> bool:
    """Store a renewed session under its new token; return False when another renewal or an end came first."""
    sql = """
        UPDATE chat_sessions
           SET token_hash = %(hash)s, identity_id = %(identity)s, realm_key_id = %(key)s,
               realm_key_set_id = %(key_set)s, proven_until = %(proven_until)s,
               claims = %(claims)s, last_seen_at = %(last_seen_at)s, expires_at = %(expires_at)s
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


async def end_sessions_of_witness(
    tx: Tx, witness: Witness, reason: str, *, now: datetime, claiming: Sequence[ProfileId] | None = None
) -> int:
    """End the sessions that a key or a set of keys proved, or only those claiming one of some profiles.

    Returns how many. Of a set, whatever its key.
    """
    condition = "realm_key_id = %(key)s" if witness.realm_key_id else "realm_key_set_id = %(set)s"
    if claiming is not None:
        condition += " AND claims -> 'access_profiles' ?| %(profiles)s"
    params = {
        "key": witness.realm_key_id,
        "set": witness.realm_key_set_id,
        "profiles": [str(profile) for profile in claiming or ()],
    }
    return await _end(tx, condition, params, reason, now)


async def end_proven_sessions(
    tx: Tx, inbox_id: InboxId, reason: str, *, now: datetime, claiming: Sequence[ProfileId] | None = None
) -> int:
    """End the proven sessions of an inbox, or only those claiming one of some profiles; return how many."""
    condition = "inbox_id = %(inbox)s AND contact_id IS NOT NULL"
    if claiming is not None:
        condition += " AND claims -> 'access_profiles' ?| %(profiles)s"
    params = {"inbox": inbox_id, "profiles": [str(profile) for profile in claiming or ()]}
    return await _end(tx, condition, params, reason, now)


# --- private ---------------------------------------------------------------------------------------------------------


async def _lock(tx: Tx, number: int) -> None:
    await tx.execute("SELECT pg_advisory_xact_lock(%(number)s)", {"number": number})


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
        "key_set": session.realm_key_set_id,
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
