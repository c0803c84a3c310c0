"""The audit log: who did what. Every domain writes here, within the transaction of the change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, InboxId, new_id
from frontdesk.core.text import utc_now
from frontdesk.organizations.model import Caller, CallerKind, Right
from frontdesk.organizations.records import AuditEntry

HIDDEN = "[hidden]"

_PERSONAL = frozenset(
    {"email", "emails", "phone", "phones", "phonenumber", "phonenumbers", "memory", "fact", "facts", "summary"}
)
_COLUMNS = "id, at, actor_kind, actor_id, actor_name, action, object_kind, object_id, contact_id, payload"


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, the newest first, and how many there are in all."""

    entries: list[AuditEntry]
    count: int


async def record(
    tx: Tx,
    caller: Caller,
    action: str,
    object_kind: str,
    object_id: UUID | None,
    *,
    contact_id: ContactId | None = None,
    payload: Mapping[str, Any] | None = None,
) -> None:
    """Note that `caller` did `action` (`domain.past_participle`).

    In `payload` a value stands under the name of its field, at any depth (`{"email": {"before": …, "after": …}}`): by
    this name personal values are hidden from readers without the right. It never contains a secret.
    """
    await tx.execute(
        f"""
        INSERT INTO audit_log (organization_id, {_COLUMNS})
        VALUES (%(organization)s, %(id)s, %(at)s, %(actor_kind)s, %(actor_id)s, %(actor_name)s,
                %(action)s, %(object_kind)s, %(object_id)s, %(contact_id)s, %(payload)s)
        """,
        {
            "organization": tx.organization_id,
            "id": new_id(),
            "at": utc_now(),
            "actor_kind": caller.kind.value,
            "actor_id": None if caller.kind is CallerKind.SYSTEM else caller.id,
            "actor_name": caller.name,
            "action": action,
            "object_kind": object_kind,
            "object_id": object_id,
            "contact_id": contact_id,
            "payload": Jsonb(dict(payload or {})),
        },
    )


async def record_on_contacts(
    tx: Tx, caller: Caller, entries: Sequence[tuple[str, ContactId, Mapping[str, Any]]], now: datetime
) -> None:
    """Note many actions as `record` does, each with its contact and its payload, in one statement."""
    sql = f"""
        INSERT INTO audit_log (organization_id, {_COLUMNS})
        SELECT %(organization)s, id, %(now)s, %(kind)s, %(actor)s, %(name)s, action, 'contact', contact_id, contact_id,
               payload
          FROM unnest(%(ids)s::uuid[], %(actions)s::text[], %(contacts)s::uuid[], %(payloads)s::jsonb[])
            AS told (id, action, contact_id, payload)
    """
    params = {
        "organization": tx.organization_id,
        "now": now,
        "kind": caller.kind.value,
        "actor": None if caller.kind is CallerKind.SYSTEM else caller.id,
        "name": caller.name,
        "ids": [new_id() for _ in entries],
        "actions": [action for action, _, _ in entries],
        "contacts": [contact_id for _, contact_id, _ in entries],
        "payloads": [Jsonb(payload) for _, _, payload in entries],
    }
    await tx.execute(sql, params)


async def list_audit(tx: Tx, caller: Caller, *, limit: int, offset: int = 0) -> AuditPage:
    """Return a page of the organization's log.

    A caller whose right is limited to some inboxes is shown what concerns these inboxes themselves and what the caller
    did; what concerns a contact is in `list_audit_of_contact`.
    """
    caller.require(Right.AUDIT_VIEW)
    own_inboxes = caller.inboxes_for(Right.AUDIT_VIEW)
    own = "(actor_id = %(caller)s OR object_kind = 'inbox' AND object_id = ANY(%(inboxes)s))"
    page = await _list(
        tx,
        "true" if own_inboxes is None else own,
        {"caller": caller.id, "inboxes": list(own_inboxes or ())},
        limit,
        offset,
    )
    return page if caller.inboxes_for(Right.CONTACTS_VIEW_PERSONAL) is None else _blank(page)


async def list_audit_of_contact(
    tx: Tx, caller: Caller, contact_id: ContactId, inbox_ids: frozenset[InboxId], *, limit: int, offset: int = 0
) -> AuditPage:
    """Return a page of what happened to one contact; `inbox_ids` are all inboxes of this contact.

    Raises NotFound unless the caller may view the log in one of them.
    """
    caller.require_in(Right.AUDIT_VIEW, inbox_ids)
    page = await _list(tx, "contact_id = %(contact)s", {"contact": contact_id}, limit, offset)
    personal_in = caller.inboxes_for(Right.CONTACTS_VIEW_PERSONAL)
    return page if personal_in is None or personal_in & inbox_ids else _blank(page)


def blank_personal(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return `payload` with the value of every personal field (e-mail, phone, memory) replaced, at any depth."""
    return {key: HIDDEN if _is_personal(key) else _blank_value(value) for key, value in payload.items()}


def _blank_value(value: Any) -> Any:  # noqa: ANN401 -- JSON
    if isinstance(value, Mapping):
        return blank_personal(value)
    if isinstance(value, list | tuple):
        return [_blank_value(item) for item in value]
    return value


def _is_personal(key: str) -> bool:
    return key.replace("_", "").replace("-", "").lower() in _PERSONAL


def _blank(page: AuditPage) -> AuditPage:
    return replace(page, entries=[replace(entry, payload=blank_personal(entry.payload)) for entry in page.entries])


async def _list(tx: Tx, condition: str, params: Mapping[str, Any], limit: int, offset: int) -> AuditPage:
    scoped = {**params, "organization": tx.organization_id, "limit": limit, "offset": offset}
    where = f"FROM audit_log WHERE organization_id = %(organization)s AND {condition}"
    entries = await tx.fetch_as(
        AuditEntry, f"SELECT {_COLUMNS} {where} ORDER BY id DESC LIMIT %(limit)s OFFSET %(offset)s", scoped
    )
    return AuditPage(entries, await tx.fetch_value(f"SELECT count(*) {where}", scoped))
