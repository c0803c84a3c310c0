"""SQL of tokens that were used, and of proofs that were refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from frontdesk.core.db import Tx
from frontdesk.core.ids import InboxId, RealmId, SessionId, new_id
from frontdesk.identities.errors import RefusalReason


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


async def delete_proof_failures(tx: Tx, *, before: datetime) -> int:
    """Forget why proofs were refused before then; return how many."""
    sql = "DELETE FROM proof_failures WHERE organization_id = %(organization)s AND at < %(before)s"
    return await tx.execute(sql, {"organization": tx.organization_id, "before": before})


async def list_proof_failures(tx: Tx, inbox_id: InboxId, *, limit: int) -> list[ProofFailure]:
    """Return the proofs that were refused in an inbox last, the latest first."""
    sql = """
        SELECT reason, detail, request_id, at FROM proof_failures
         WHERE organization_id = %(organization)s AND inbox_id = %(inbox)s ORDER BY id DESC LIMIT %(limit)s
    """
    params = {"organization": tx.organization_id, "inbox": inbox_id, "limit": limit}
    return await tx.fetch_as(ProofFailure, sql, params)


async def is_used(tx: Tx, realm: RealmId, jti: str) -> bool:
    """Tell whether a session used the token `jti`."""
    sql = """
        SELECT EXISTS (SELECT 1 FROM identity_proofs
                        WHERE organization_id = %(organization)s AND realm_id = %(realm)s AND jti = %(jti)s)
    """
    return bool(await tx.fetch_value(sql, {"organization": tx.organization_id, "realm": realm, "jti": jti}))


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How often nobody was proven for one reason."""

    reason: RefusalReason
    in_a_day: int
    in_a_week: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", RefusalReason(self.reason))


async def count_failures(tx: Tx, inbox_id: InboxId, *, now: datetime) -> list[ReasonCount]:
    """Count the refused proofs of an inbox in the last day and the last week by reason, the most frequent first."""
    sql = """
        SELECT reason, count(*) FILTER (WHERE at > %(day)s) AS in_a_day, count(*) AS in_a_week
          FROM proof_failures
         WHERE organization_id = %(organization)s AND inbox_id = %(inbox)s AND at > %(week)s
         GROUP BY reason ORDER BY in_a_week DESC, reason
    """
    params = {
        "organization": tx.organization_id,
        "inbox": inbox_id,
        "day": now - timedelta(days=1),
        "week": now - timedelta(days=7),
    }
    return await tx.fetch_as(ReasonCount, sql, params)
