"""Blocks: people whose messages the organization does not want.

A block lies on the contact and on its identities. The latter are kept as keyed hashes that depend on no contact, so
that whoever is deleted and comes back under the same source id is blocked still.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from frontdesk.access.queries import raise_scope_version
from frontdesk.channels.access import require_realm
from frontdesk.contacts.queries import lock_contact
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId, IdentityId, InboxId
from frontdesk.core.inputs import clean_text
from frontdesk.core.live import Event, announce
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import utc_now
from frontdesk.identities import queries
from frontdesk.identities.errors import Blocked
from frontdesk.identities.model import ChatSession, IdentityKey
from frontdesk.identities.source_ids import access_unmerged
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

_PURPOSE: Final = "identity-blocks"
_MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Block:
    """Since when a contact is blocked, by whom and why."""

    blocked_at: datetime
    blocked_by: str
    reason: str


async def block_contact(tx: Tx, caller: Caller, cipher: Cipher, contact_id: ContactId, reason: str = "") -> None:
    """Refuse the messages of a contact from now on, under each of its identities; its proven sessions end.

    A visitor's session goes on: by it the browser is known again. Right: contacts.edit. Safe to repeat. Raises NotFound
    and ContactMerged.
    """
    await _lock(tx, caller, contact_id)
    text, now = clean_text(reason, pointer="/reason", max_length=_MAX_REASON), utc_now()
    await _set_block(tx, contact_id, Block(now, caller.name, text))
    keys = [identity.key for identity in await queries.list_identities(tx, contact_id)]
    await _insert(tx, cipher, keys, Block(now, caller.name, text))
    await queries.end_sessions_of_contact(tx, contact_id, "blocked", now=now)
    await _note(tx, caller, "contact.blocked", contact_id, {"reason": text})


async def unblock_contact(tx: Tx, caller: Caller, cipher: Cipher, contact_id: ContactId) -> None:
    """Accept the messages of a contact again, under each of its identities.

    Right: contacts.edit. Safe to repeat. Raises NotFound and ContactMerged.
    """
    await _lock(tx, caller, contact_id)
    await _set_block(tx, contact_id, None)
    await _delete(tx, cipher, [identity.key for identity in await queries.list_identities(tx, contact_id)])
    await _note(tx, caller, "contact.unblocked", contact_id, {})


async def block_identity(
    tx: Tx, caller: Caller, cipher: Cipher, contact_id: ContactId, key: IdentityKey, reason: str = ""
) -> None:
    """Refuse messages that come under one identity of a contact, whoever holds it later; its sessions end.

    Right: contacts.edit, also in the realm. Safe to repeat. Raises NotFound and ContactMerged.
    """
    await _lock(tx, caller, contact_id)
    identity_id = await _access_identity(tx, caller, contact_id, key)
    text, now = clean_text(reason, pointer="/reason", max_length=_MAX_REASON), utc_now()
    await _insert(tx, cipher, [key], Block(now, caller.name, text))
    await queries.end_sessions_of_identity(tx, identity_id, "blocked", now=now)
    payload = {"realm": str(key.realm), "source_id": key.source_id, "reason": text}
    await _note(tx, caller, "identity.blocked", contact_id, payload)


async def unblock_identity(tx: Tx, caller: Caller, cipher: Cipher, contact_id: ContactId, key: IdentityKey) -> None:
    """Accept messages that come under one identity again, unless its contact is blocked as a whole.

    Right: contacts.edit, also in the realm. Safe to repeat. Raises NotFound and ContactMerged.
    """
    await _lock(tx, caller, contact_id)
    await _access_identity(tx, caller, contact_id, key)
    await _delete(tx, cipher, [key])
    payload = {"realm": str(key.realm), "source_id": key.source_id}
    await _note(tx, caller, "identity.unblocked", contact_id, payload)


async def find_blocks(tx: Tx, contact_ids: Collection[ContactId]) -> dict[ContactId, Block]:
    """Map those of the contacts that are blocked as a whole to their block."""
    sql = """
        SELECT id, blocked_at, coalesce(blocked_by, ''), coalesce(block_reason, '') FROM contacts
         WHERE organization_id = %(organization)s AND id = ANY(%(ids)s) AND blocked_at IS NOT NULL
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "ids": list(contact_ids)})
    return {contact_id: Block(*rest) for contact_id, *rest in rows}


async def find_blocked(tx: Tx, cipher: Cipher, keys: Collection[IdentityKey]) -> frozenset[IdentityKey]:
    """Return those of `keys` under which no message is accepted."""
    if not keys:
        return frozenset()
    hashes = {(key.realm, _hash(cipher, key)): key for key in keys}
    sql = """
        SELECT realm_id, source_hash FROM identity_blocks
          JOIN unnest(%(realms)s::uuid[], %(hashes)s::bytea[]) AS asked (realm_id, source_hash)
         USING (realm_id, source_hash)
         WHERE organization_id = %(organization)s
    """
    realms, values = [realm for realm, _ in hashes], [value for _, value in hashes]
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "realms": realms, "hashes": values})
    return frozenset(hashes[realm, bytes(value)] for realm, value in rows)


async def refuse_blocked(
    tx: Tx, cipher: Cipher, contact_id: ContactId, inbox_id: InboxId, session: ChatSession | None = None
) -> None:
    """Raise Blocked unless messages of this contact are accepted in this inbox.

    A browser is known by its session: a visitor whose one conversation is blocked begins no other. In a proven session
    the identity counts that was proven, else all that the contact has in the inbox's realm.
    """
    params = {
        "organization": tx.organization_id,
        "contact": contact_id,
        "inbox": inbox_id,
        "session": session.id if session else None,
        "identity": session.identity_id if session else None,
    }
    is_blocked = await tx.fetch_value(
        """
        SELECT EXISTS (SELECT 1 FROM contacts
                        WHERE organization_id = %(organization)s AND id = %(contact)s AND blocked_at IS NOT NULL)
            OR EXISTS (SELECT 1 FROM conversations v
                         JOIN contacts c ON c.organization_id = v.organization_id AND c.id = v.contact_id
                        WHERE v.organization_id = %(organization)s AND v.session_id = %(session)s
                          AND c.blocked_at IS NOT NULL)
        """,
        params,
    )
    rows = await tx.fetch(
        """
        SELECT i.realm_id, i.source_id FROM identities i
          JOIN inboxes x ON x.organization_id = i.organization_id AND x.realm_id = i.realm_id
         WHERE i.organization_id = %(organization)s AND i.contact_id = %(contact)s AND x.id = %(inbox)s
           AND (%(identity)s::uuid IS NULL OR i.id = %(identity)s)
        """,
        params,
    )
    if is_blocked or await find_blocked(tx, cipher, [IdentityKey(*row) for row in rows]):
        raise Blocked


async def forget_reasons(tx: Tx, cipher: Cipher, keys: Collection[IdentityKey]) -> int:
    """Keep the blocks of these identities, and not why they were made; return how many said why."""
    sql = """
        UPDATE identity_blocks b SET reason = ''
          FROM unnest(%(realms)s::uuid[], %(hashes)s::bytea[]) AS gone (realm_id, source_hash)
         WHERE b.organization_id = %(organization)s AND b.realm_id = gone.realm_id
           AND b.source_hash = gone.source_hash AND b.reason <> ''
    """
    params = {
        "organization": tx.organization_id,
        "realms": [key.realm for key in keys],
        "hashes": [_hash(cipher, key) for key in keys],
    }
    return await tx.execute(sql, params)


def _hash(cipher: Cipher, key: IdentityKey) -> bytes:
    return bytes.fromhex(cipher.sign(f"{key.realm}\0{key.source_id}".encode(), purpose=_PURPOSE))


async def _lock(tx: Tx, caller: Caller, contact_id: ContactId) -> None:
    await access_unmerged(tx, caller, contact_id, Right.CONTACTS_EDIT)
    await queries.lock_sessions_of(tx, contact_id)
    await lock_contact(tx, contact_id)
    await access_unmerged(tx, caller, contact_id, Right.CONTACTS_EDIT)  # as it is now that nobody merges it


async def _access_identity(tx: Tx, caller: Caller, contact_id: ContactId, key: IdentityKey) -> IdentityId:
    await require_realm(tx, caller, key.realm, Right.CONTACTS_EDIT)
    for identity in await queries.list_identities(tx, contact_id):
        if identity.key == key:
            return identity.id
    raise NotFound


async def _set_block(tx: Tx, contact_id: ContactId, block: Block | None) -> None:
    sql = """
        UPDATE contacts
           SET blocked_at = %(at)s, blocked_by = %(by)s, block_reason = %(reason)s, version = version + 1,
               updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(contact)s
    """
    params = {
        "organization": tx.organization_id,
        "contact": contact_id,
        "at": block.blocked_at if block else None,
        "by": block.blocked_by if block else None,
        "reason": block.reason if block else None,
        "now": utc_now(),
    }
    await tx.execute(sql, params)


async def _insert(tx: Tx, cipher: Cipher, keys: Collection[IdentityKey], block: Block) -> None:
    sql = """
        INSERT INTO identity_blocks (organization_id, realm_id, source_hash, reason, blocked_by, blocked_at)
        VALUES (%(organization)s, %(realm)s, %(hash)s, %(reason)s, %(by)s, %(at)s)
            ON CONFLICT DO NOTHING
    """
    common = {"reason": block.reason, "by": block.blocked_by, "at": block.blocked_at}
    await tx.execute_many(sql, [_params(tx, cipher, key) | common for key in keys])


async def _delete(tx: Tx, cipher: Cipher, keys: Collection[IdentityKey]) -> None:
    sql = """
        DELETE FROM identity_blocks
         WHERE organization_id = %(organization)s AND realm_id = %(realm)s AND source_hash = %(hash)s
    """
    await tx.execute_many(sql, [_params(tx, cipher, key) for key in keys])


def _params(tx: Tx, cipher: Cipher, key: IdentityKey) -> dict[str, object]:
    return {"organization": tx.organization_id, "realm": key.realm, "hash": _hash(cipher, key)}


async def _note(tx: Tx, caller: Caller, action: str, contact_id: ContactId, payload: Mapping[str, object]) -> None:
    await audit.record(tx, caller, action, "contact", contact_id, contact_id=contact_id, payload=payload)
    await raise_scope_version(tx)
    await announce(tx, Event("contact", contact_id))
