"""Realms and inboxes. A deleted inbox is found by nobody; what it left still names it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from frontdesk.channels.model import ChannelType, IdentityMode, Inbox, OnLogin, Realm, RealmKind
from frontdesk.core.db import Row, Tx, to_jsonb
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import AssistantId, InboxId, RealmId, new_id
from frontdesk.core.text import utc_now

_REALM: Final = "r.id, r.name, r.kind, r.is_default, r.created_at"
_INBOX: Final = """
    i.id, i.name, i.channel_type, i.assistant_id, i.realm_id, i.public_id, i.identity_mode, i.on_login,
    i.allowed_origins, i.greeting, i.starters, i.query_metadata, i.visitor_scope, i.member_scope,
    i.created_at, i.updated_at
"""
_PRESENT: Final = "i.organization_id = %(organization)s AND i.deleted_at IS NULL"


# --- realms ---


async def list_realms(tx: Tx) -> list[Realm]:
    """Return all realms: the default one first, then by name."""
    sql = f"""
        SELECT {_REALM} FROM realms r WHERE r.organization_id = %(organization)s
         ORDER BY NOT r.is_default, r.name, r.id
    """
    return [_to_realm(row) for row in await tx.fetch(sql, {"organization": tx.organization_id})]


async def get_realm(tx: Tx, realm_id: RealmId) -> Realm:
    """Return the realm, or raise NotFound."""
    sql = f"SELECT {_REALM} FROM realms r WHERE r.organization_id = %(organization)s AND r.id = %(id)s"
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": realm_id})
    if row is None:
        raise NotFound
    return _to_realm(row)


async def get_default_realm(tx: Tx) -> Realm:
    """Return the member realm of the organization; the first who asks makes it."""
    sql = f"SELECT {_REALM} FROM realms r WHERE r.organization_id = %(organization)s AND r.is_default"
    params = {"organization": tx.organization_id}
    row = await tx.fetch_one(sql, params)
    if row is None:
        await _insert_default_realm(tx)
        row = await tx.fetch_one(sql, params)
    if row is None:
        raise NotFound
    return _to_realm(row)


async def insert_realm(tx: Tx, realm: Realm) -> None:
    """Store a new realm that is not the default one."""
    sql = """
        INSERT INTO realms (organization_id, id, name, kind, created_at)
        VALUES (%(organization)s, %(id)s, %(name)s, %(kind)s, %(created_at)s)
    """
    params = {"id": realm.id, "name": realm.name, "kind": realm.kind, "created_at": realm.created_at}
    await tx.execute(sql, params | {"organization": tx.organization_id})


# --- inboxes ---


async def list_inboxes(
    tx: Tx,
    inbox_ids: Collection[InboxId] | None,
    *,
    channel_type: ChannelType | None = None,
    assistant_id: AssistantId | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[list[Inbox], int]:
    """Return one page by name, and how many there are; `inbox_ids` None: of every inbox, else of these."""
    where = f"""
        FROM inboxes i WHERE {_PRESENT}
         AND (%(inboxes)s::uuid[] IS NULL OR i.id = ANY(%(inboxes)s))
         AND (%(channel_type)s::text IS NULL OR i.channel_type = %(channel_type)s)
         AND (%(assistant)s::uuid IS NULL OR i.assistant_id = %(assistant)s)
    """
    params = {
        "organization": tx.organization_id,
        "inboxes": None if inbox_ids is None else list(inbox_ids),
        "channel_type": channel_type,
        "assistant": assistant_id,
        "limit": limit,
        "offset": offset,
    }
    rows = await tx.fetch(f"SELECT {_INBOX} {where} ORDER BY i.name, i.id LIMIT %(limit)s OFFSET %(offset)s", params)
    return [_to_inbox(row) for row in rows], await tx.fetch_value(f"SELECT count(*) {where}", params)


async def get_inbox(tx: Tx, inbox_id: InboxId) -> Inbox:
    """Return the inbox, or raise NotFound."""
    return await _get_inbox(tx, inbox_id, "")


async def lock_inbox(tx: Tx, inbox_id: InboxId) -> Inbox:
    """Return the inbox, which nobody else can change before this transaction ends; or raise NotFound."""
    return await _get_inbox(tx, inbox_id, "FOR NO KEY UPDATE")  # messages may go on meanwhile


async def lock_identity_mode(tx: Tx, inbox_id: InboxId) -> IdentityMode | None:
    """Return the mode, which stays so until this transaction ends; None when the inbox is gone."""
    sql = f"SELECT i.identity_mode FROM inboxes i WHERE {_PRESENT} AND i.id = %(id)s FOR SHARE"
    mode = await tx.fetch_value(sql, {"organization": tx.organization_id, "id": inbox_id})
    return IdentityMode(mode) if mode else None


async def end_proven_sessions(tx: Tx, inbox_id: InboxId, now: datetime) -> int:
    """End the sessions that were proven in an inbox; return how many.

    Sessions belong to `identities`, which stands above this domain: what ends them here is a change of the inbox, and
    nothing may happen in between.
    """
    sql = """
        UPDATE chat_sessions SET ended_at = %(now)s, end_reason = 'identity_mode_changed'
         WHERE organization_id = %(organization)s AND inbox_id = %(inbox)s AND contact_id IS NOT NULL
           AND ended_at IS NULL
    """
    return await tx.execute(sql, {"organization": tx.organization_id, "inbox": inbox_id, "now": now})


async def find_inbox_by_public_id(tx: Tx, public_id: str) -> Inbox | None:
    """Return the inbox that pages and tokens call so; None when there is none."""
    sql = f"SELECT {_INBOX} FROM inboxes i WHERE {_PRESENT} AND i.public_id = %(public_id)s"
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "public_id": public_id})
    return _to_inbox(row) if row else None


async def find_own_inboxes(tx: Tx, assistant_ids: Collection[AssistantId]) -> dict[AssistantId, Inbox]:
    """Map each assistant to its own inbox, the one of the API that was made with it."""
    sql = f"""
        SELECT DISTINCT ON (i.assistant_id) {_INBOX}
          FROM inboxes i WHERE {_PRESENT} AND i.channel_type = 'api' AND i.assistant_id = ANY(%(assistants)s)
         ORDER BY i.assistant_id, i.id
    """
    rows = await tx.fetch(sql, {"organization": tx.organization_id, "assistants": list(assistant_ids)})
    return {inbox.assistant_id: inbox for inbox in map(_to_inbox, rows)}


async def insert_inbox(tx: Tx, inbox: Inbox) -> None:
    """Store a new inbox."""
    sql = """
        INSERT INTO inboxes (organization_id, id, name, channel_type, assistant_id, realm_id, public_id, identity_mode,
                             on_login, allowed_origins, greeting, starters, query_metadata, visitor_scope, member_scope,
                             created_at, updated_at)
        VALUES (%(organization)s, %(id)s, %(name)s, %(channel_type)s, %(assistant_id)s, %(realm_id)s, %(public_id)s,
                %(identity_mode)s, %(on_login)s, %(allowed_origins)s, %(greeting)s, %(starters)s, %(query_metadata)s,
                %(visitor_scope)s, %(member_scope)s, %(created_at)s, %(updated_at)s)
    """
    await tx.execute(sql, _inbox_params(tx, inbox))


async def update_inbox(tx: Tx, inbox: Inbox) -> None:
    """Store what may change of `inbox` under its id."""
    sql = """
        UPDATE inboxes
           SET name = %(name)s, assistant_id = %(assistant_id)s, identity_mode = %(identity_mode)s,
               on_login = %(on_login)s, allowed_origins = %(allowed_origins)s, greeting = %(greeting)s,
               starters = %(starters)s, query_metadata = %(query_metadata)s, visitor_scope = %(visitor_scope)s,
               member_scope = %(member_scope)s, updated_at = %(updated_at)s
         WHERE organization_id = %(organization)s AND id = %(id)s
    """
    await tx.execute(sql, _inbox_params(tx, inbox))


async def delete_inbox(tx: Tx, inbox_id: InboxId, now: datetime) -> None:
    """Hide the inbox for good; its conversations stay."""
    sql = "UPDATE inboxes SET deleted_at = %(now)s WHERE organization_id = %(organization)s AND id = %(id)s"
    await tx.execute(sql, {"organization": tx.organization_id, "id": inbox_id, "now": now})


# --- rows ---


async def _insert_default_realm(tx: Tx) -> None:
    sql = """
        INSERT INTO realms (organization_id, id, name, kind, is_default, created_at)
        VALUES (%(organization)s, %(id)s, 'Members', 'member', true, %(now)s)
            ON CONFLICT (organization_id) WHERE is_default DO NOTHING
    """
    await tx.execute(sql, {"organization": tx.organization_id, "id": new_id(), "now": utc_now()})


async def _get_inbox(tx: Tx, inbox_id: InboxId, lock: str) -> Inbox:
    sql = f"SELECT {_INBOX} FROM inboxes i WHERE {_PRESENT} AND i.id = %(id)s {lock}"
    row = await tx.fetch_one(sql, {"organization": tx.organization_id, "id": inbox_id})
    if row is None:
        raise NotFound
    return _to_inbox(row)


def _to_realm(row: Row) -> Realm:
    realm_id, name, kind, is_default, created_at = row
    return Realm(realm_id, name, RealmKind(kind), is_default, created_at)


def _to_inbox(row: Row) -> Inbox:
    (
        inbox_id,
        name,
        channel_type,
        assistant_id,
        realm_id,
        public_id,
        mode,
        on_login,
        origins,
        greeting,
        starters,
        *rest,
    ) = row
    return Inbox(
        inbox_id,
        name,
        ChannelType(channel_type),
        assistant_id,
        realm_id,
        public_id,
        IdentityMode(mode),
        OnLogin(on_login),
        tuple(origins),
        greeting,
        tuple(starters),
        *rest,
    )


def _inbox_params(tx: Tx, inbox: Inbox) -> dict[str, Any]:
    return {
        "organization": tx.organization_id,
        "id": inbox.id,
        "name": inbox.name,
        "channel_type": inbox.channel_type,
        "assistant_id": inbox.assistant_id,
        "realm_id": inbox.realm_id,
        "public_id": inbox.public_id,
        "identity_mode": inbox.identity_mode,
        "on_login": inbox.on_login,
        "allowed_origins": list(inbox.allowed_origins),
        "greeting": inbox.greeting,
        "starters": list(inbox.starters),
        "query_metadata": to_jsonb(inbox.query_metadata),
        "visitor_scope": to_jsonb(inbox.visitor_scope),
        "member_scope": to_jsonb(inbox.member_scope),
        "created_at": inbox.created_at,
        "updated_at": inbox.updated_at,
    }
