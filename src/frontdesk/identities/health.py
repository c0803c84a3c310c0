"""How well the organization knows who is talking: signed sessions, refused proofs, contacts without an identity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from frontdesk.contacts.queries import IS_VISIBLE
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden
from frontdesk.core.ids import InboxId
from frontdesk.core.inputs import clean_name
from frontdesk.core.text import utc_now
from frontdesk.core.wire import Paging
from frontdesk.identities import duplicate_queries
from frontdesk.identities.errors import RefusalReason
from frontdesk.identities.matching import hash_identifier
from frontdesk.identities.pairs import list_or_all
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

SHARED_FROM: Final = 3  # contacts
EXACT_COUNT: Final = 10_000

AddressKind: TypeAlias = Literal["email", "phone"]


@dataclass(frozen=True, slots=True)
class InboxSessions:
    """Sessions that began in a web inbox whose people can be proven, in a period and in the one before it."""

    inbox_id: InboxId
    inbox_name: str
    signed: int
    unsigned: int
    signed_before: int
    unsigned_before: int


@dataclass(frozen=True, slots=True)
class RefusedProofs:
    """Proofs that were refused for one reason in one inbox, in a period and in the one before it."""

    inbox_id: InboxId
    inbox_name: str
    reason: RefusalReason
    count: int
    count_before: int
    last_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", RefusalReason(self.reason))


@dataclass(frozen=True, slots=True)
class Health:
    """What is measured, of the inboxes and contacts that the caller may view."""

    days: int
    sessions: Sequence[InboxSessions]
    refused: Sequence[RefusedProofs]  # the most frequent first
    anonymous: int | None  # contacts without an identity, up to 10,001; None: the caller may not view contacts


@dataclass(frozen=True, slots=True)
class SharedIdentifier:
    """An e-mail address or a phone number that stands on several cards."""

    kind: AddressKind
    value: str
    count: int  # of contacts whose addresses the caller may see
    is_ignored: bool


async def measure(tx: Tx, caller: Caller, *, days: int, inbox_id: InboxId | None = None) -> Health:
    """Return what is measured over the last `days`, in one inbox or in all that the caller may view.

    Right: inboxes.view.
    """
    caller.require(Right.INBOXES_VIEW)
    now = utc_now()
    params: dict[str, Any] = {
        "organization": tx.organization_id,
        "since": now - timedelta(days=days),
        "before": now - timedelta(days=2 * days),
        "own": list_or_all(caller.inboxes_for(Right.INBOXES_VIEW)),
        "inbox": inbox_id,
    }
    is_wanted = """
        i.organization_id = %(organization)s AND i.deleted_at IS NULL
        AND (%(own)s::uuid[] IS NULL OR i.id = ANY (%(own)s)) AND (%(inbox)s::uuid IS NULL OR i.id = %(inbox)s)
    """
    sessions = f"""
        SELECT i.id AS inbox_id, i.name AS inbox_name,
               count(s.id) FILTER (WHERE s.created_at >= %(since)s AND s.contact_id IS NOT NULL) AS signed,
               count(s.id) FILTER (WHERE s.created_at >= %(since)s AND s.contact_id IS NULL) AS unsigned,
               count(s.id) FILTER (WHERE s.created_at < %(since)s AND s.contact_id IS NOT NULL) AS signed_before,
               count(s.id) FILTER (WHERE s.created_at < %(since)s AND s.contact_id IS NULL) AS unsigned_before
          FROM inboxes i
          LEFT JOIN chat_sessions s ON s.organization_id = i.organization_id AND s.inbox_id = i.id
                                   AND s.created_at >= %(before)s
         WHERE {is_wanted} AND i.channel_type = 'web' AND i.identity_mode <> 'none'
         GROUP BY i.id, i.name ORDER BY i.name, i.id
    """
    refused = f"""
        SELECT i.id AS inbox_id, i.name AS inbox_name, f.reason,
               count(*) FILTER (WHERE f.at >= %(since)s) AS count,
               count(*) FILTER (WHERE f.at < %(since)s) AS count_before, max(f.at) AS last_at
          FROM proof_failures f JOIN inboxes i ON i.organization_id = f.organization_id AND i.id = f.inbox_id
         WHERE f.organization_id = %(organization)s AND f.at >= %(before)s AND {is_wanted}
         GROUP BY i.id, i.name, f.reason ORDER BY 4 DESC, f.reason, i.name
    """
    return Health(
        days,
        await tx.fetch_as(InboxSessions, sessions, params),
        await tx.fetch_as(RefusedProofs, refused, params),
        await _count_anonymous(tx, caller, inbox_id) if caller.may(Right.CONTACTS_VIEW) else None,
    )


async def _count_anonymous(tx: Tx, caller: Caller, inbox_id: InboxId | None) -> int:
    in_inbox = """
        AND EXISTS (SELECT 1 FROM contact_inboxes x WHERE x.organization_id = c.organization_id
                       AND x.contact_id = c.id AND x.inbox_id = %(inbox)s)
    """
    sql = f"""
        SELECT count(*) FROM (
            SELECT 1 FROM contacts c
             WHERE c.organization_id = %(organization)s AND c.deleted_at IS NULL AND {IS_VISIBLE}
               AND NOT EXISTS (SELECT 1 FROM identities i
                                WHERE i.organization_id = c.organization_id AND i.contact_id = c.id)
               {in_inbox if inbox_id else ""} LIMIT {EXACT_COUNT + 1}) AS counted
    """
    params = {
        "organization": tx.organization_id,
        "inboxes": list_or_all(caller.inboxes_for(Right.CONTACTS_VIEW)),
        "inbox": inbox_id,
    }
    return int(await tx.fetch_value(sql, params))


# --- what several contacts share ---


_OFTEN: Final = """
    SELECT '{kind}' AS kind, held.{column} AS value, count(DISTINCT c.id) AS count
      FROM (SELECT {column} FROM {table} WHERE organization_id = %(organization)s
             GROUP BY {column} HAVING count(*) >= %(from)s) AS often
      JOIN {table} held ON held.organization_id = %(organization)s AND held.{column} = often.{column}
      JOIN contacts c ON c.organization_id = held.organization_id AND c.id = held.contact_id
     WHERE c.deleted_at IS NULL AND {visible}
     GROUP BY held.{column} HAVING count(DISTINCT c.id) >= %(from)s
"""


async def list_shared(tx: Tx, caller: Caller, paging: Paging) -> list[SharedIdentifier]:
    """Return e-mails and phones that stand on three cards or more, those on the most first.

    Counted are contacts whose addresses the caller may see. Right: contacts.view_personal.
    """
    caller.require(Right.CONTACTS_VIEW_PERSONAL)
    often = [
        _OFTEN.format(kind=kind, table=table, column=column, visible=IS_VISIBLE)
        for kind, table, column in (("email", "contact_emails", "email_key"), ("phone", "contact_phones", "phone"))
    ]
    sql = f"{' UNION ALL '.join(often)} ORDER BY 3 DESC, 2 LIMIT %(limit)s OFFSET %(offset)s"
    params = {
        "organization": tx.organization_id,
        "from": SHARED_FROM,
        "inboxes": list_or_all(caller.inboxes_for(Right.CONTACTS_VIEW_PERSONAL)),
        "limit": paging.limit,
        "offset": paging.offset,
    }
    rows = await tx.fetch(sql, params)
    ignored = await duplicate_queries.list_ignored(tx) if rows else frozenset()
    return [SharedIdentifier(kind, value, count, hash_identifier(value) in ignored) for kind, value, count in rows]


async def set_ignored(tx: Tx, caller: Caller, value: str, *, is_ignored: bool) -> None:
    """Say that an e-mail address or a phone number tells nobody who somebody is, or take that back.

    Ignored, it suggests no duplicates and makes no conflicts. The next search looks at every card. Safe to repeat.
    Right: contacts.merge in every inbox. Raises Forbidden and InvalidRequest.
    """
    caller.require(Right.CONTACTS_MERGE)
    if caller.inboxes_for(Right.CONTACTS_MERGE) is not None:
        raise Forbidden(facts={"right": Right.CONTACTS_MERGE.value})
    plain = clean_name(value, pointer="/value", max_length=254)
    hashed = hash_identifier(plain)
    if is_ignored:
        is_new = await duplicate_queries.insert_ignored(tx, hashed, ignored_by=caller.name, now=utc_now())
    else:
        is_new = await duplicate_queries.delete_ignored(tx, hashed)
    if is_new:
        await duplicate_queries.delete_search(tx)
        verb = "ignored" if is_ignored else "regarded"
        payload = {"email" if "@" in plain else "phone": plain}
        await audit.record(tx, caller, f"identity.identifier_{verb}", "organization", None, payload=payload)
