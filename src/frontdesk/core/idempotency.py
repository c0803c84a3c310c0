"""Idempotency-Key: a POST that is sent again is answered as the first time, and nothing is done twice.

`claim_key` is called where the caller is known, before anything is done; `KeepsAnswers` stores what was answered.
Answers may hold what is shown once (a new key's secret), so they are kept encrypted. Table: idempotency_keys.
"""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fastapi import Request, Response
from psycopg.types.json import Jsonb
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontdesk.core.db import Database, Tx
from frontdesk.core.errors import Conflict, FrontdeskError, InvalidRequest
from frontdesk.core.ids import OrganizationId
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import utc_now

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotent-Replayed"
KEPT_FOR: Final = timedelta(hours=24)
ABANDONED_AFTER: Final = timedelta(minutes=2)  # no request takes this long: its process died

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS: Final = ("content-type", "etag", "location", "content-location")
_CLAIM: Final = "frontdesk.idempotency"
_PURPOSE: Final = "idempotency-answer"
_TOO_MANY: Final = 429
_BUG: Final = 500
_PRUNED_AT_ONCE: Final = 100
_ROW: Final = """organization_id = %(organization)s AND caller = %(caller)s AND method = %(method)s AND path = %(path)s
    AND key = %(key)s"""
_OWN: Final = f"{_ROW} AND status IS NULL AND created_at = %(now)s"


class IdempotencyKeyReused(FrontdeskError):
    """The key was used for another request within the last 24 hours."""

    status, slug, title = 422, "idempotency-key-reused", "This Idempotency-Key belongs to another request"


class RequestInProgress(Conflict):
    """The first request with this key is still running."""

    slug, title = "request-in-progress", "A request with this Idempotency-Key is still running"


class AnsweredBefore(Exception):
    """The request was made before; `response` is what it was answered. Not a failure: it ends the handling early."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer the first request with a key."""

    db: Database
    cipher: Cipher
    organization_id: OrganizationId
    caller: str
    method: str
    path: str
    key: str
    body_hash: bytes
    at: datetime

    def params(self) -> dict[str, object]:
        """Return the parameters that every statement takes."""
        return {
            "organization": self.organization_id,
            "caller": self.caller,
            "method": self.method,
            "path": self.path,
            "key": self.key,
            "body_hash": self.body_hash,
            "now": self.at,
            "expired": self.at - KEPT_FOR,
            "abandoned": self.at - ABANDONED_AFTER,
        }


async def claim_key(
    request: Request, *, db: Database, cipher: Cipher, organization_id: OrganizationId, caller: str
) -> None:
    """Claim the request's key, if it has one, on behalf of `caller` (text that names one caller of the organization).

    Raises AnsweredBefore when the same request was answered within 24 hours, RequestInProgress while it is running,
    IdempotencyKeyReused when it was another request, and InvalidRequest.
    """
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST":
        return
    if not _KEY.fullmatch(key):
        raise InvalidRequest(f"{HEADER} has 1 to 255 visible ASCII characters.", facts={"header": HEADER})
    body_hash = hashlib.sha256(request.url.query.encode() + b"\n" + await request.body()).digest()
    path = request.url.path
    claim = Claim(db, cipher, organization_id, caller, request.method, path, key, body_hash, utc_now())
    async with db.begin(organization_id) as tx:
        await _prune(tx, claim)
        if not await _insert(tx, claim):
            await _raise_known(tx, claim)
    request.scope["state"][_CLAIM] = claim


async def forget_answers(tx: Tx, cipher: Cipher, needles: Collection[str]) -> int:
    """Delete every stored answer that has one of `needles` in its key, path, headers or body; return how many.

    A request that is sent again is then a new one. For what must not be shown any more.
    """
    sql = """
        SELECT caller, method, path, key, headers, body FROM idempotency_keys
         WHERE organization_id = %(organization)s AND status IS NOT NULL
    """
    forgotten = 0
    for *row, headers, body in await tx.fetch(sql, {"organization": tx.organization_id}):
        texts = [*row, str(headers), cipher.decrypt(body, purpose=_PURPOSE)]
        if any(needle in text for text in texts for needle in needles):
            caller, method, path, key = row
            params = {"organization": tx.organization_id, "caller": caller, "method": method, "path": path, "key": key}
            forgotten += await tx.execute(f"DELETE FROM idempotency_keys WHERE {_ROW}", params)
    return forgotten


async def send_answer(request: Request, error: Exception) -> Response:  # noqa: ARG001 -- an exception handler
    """Return what was answered before."""
    if not isinstance(error, AnsweredBefore):
        raise error
    return error.response


class KeepsAnswers:
    """Stores the answer of each request whose key was claimed; after a fault of ours the key is free again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        state = scope.setdefault("state", {})
        messages: list[Message] = []  # held back until they are stored: who was answered can rely on it

        async def send_stored(message: Message) -> None:
            if _CLAIM not in state:
                await send(message)
                return
            messages.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await _store(state.pop(_CLAIM), messages)
                for held in messages:
                    await send(held)

        try:
            await self._app(scope, receive, send_stored)
        finally:
            if _CLAIM in state:
                await _release(state.pop(_CLAIM))


async def _insert(tx: Tx, claim: Claim) -> bool:
    """Tell whether the key is the claim's now: new, expired, or left behind by a process that died."""
    sql = """
        INSERT INTO idempotency_keys AS k (organization_id, caller, method, path, key, body_hash, created_at)
        VALUES (%(organization)s, %(caller)s, %(method)s, %(path)s, %(key)s, %(body_hash)s, %(now)s)
        ON CONFLICT (organization_id, caller, method, path, key) DO UPDATE
           SET body_hash = excluded.body_hash, status = NULL, headers = NULL, body = NULL,
               created_at = excluded.created_at
         WHERE k.created_at <= %(expired)s
            OR k.status IS NULL AND k.created_at <= %(abandoned)s AND k.body_hash = excluded.body_hash
    """
    return await tx.execute(sql, claim.params()) == 1


async def _raise_known(tx: Tx, claim: Claim) -> None:
    row = await tx.fetch_one(
        f"SELECT body_hash, status, headers, body FROM idempotency_keys WHERE {_ROW}", claim.params()
    )
    if row is not None and row[0] != claim.body_hash:
        raise IdempotencyKeyReused
    if row is None or row[1] is None:
        raise RequestInProgress(facts={"retry_after": 1})
    body = claim.cipher.decrypt(row[3], purpose=_PURPOSE)
    raise AnsweredBefore(Response(body, row[1], headers={**row[2], REPLAYED: "true"}))


async def _store(claim: Claim, messages: list[Message]) -> None:
    status = messages[0]["status"]
    if status >= _BUG or status == _TOO_MANY:  # worth another try
        await _release(claim)
        return
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in messages[0].get("headers", [])}
    body = b"".join(message.get("body", b"") for message in messages[1:]).decode()
    params = {
        **claim.params(),
        "status": status,
        "headers": Jsonb({name: headers[name] for name in _KEPT_HEADERS if name in headers}),
        "body": claim.cipher.encrypt(body, purpose=_PURPOSE),
    }
    async with claim.db.begin(claim.organization_id) as tx:
        await tx.execute(
            f"UPDATE idempotency_keys SET status = %(status)s, headers = %(headers)s, body = %(body)s WHERE {_OWN}",
            params,
        )


async def _release(claim: Claim) -> None:
    async with claim.db.begin(claim.organization_id) as tx:
        await tx.execute(f"DELETE FROM idempotency_keys WHERE {_OWN}", claim.params())


async def _prune(tx: Tx, claim: Claim) -> None:
    """Forget some expired answers of the organization: faster than new ones come."""
    sql = f"""
        DELETE FROM idempotency_keys
         WHERE organization_id = %(organization)s AND (caller, method, path, key) IN (
             SELECT caller, method, path, key FROM idempotency_keys
              WHERE organization_id = %(organization)s AND created_at <= %(expired)s
              LIMIT {_PRUNED_AT_ONCE} FOR UPDATE SKIP LOCKED)
    """
    await tx.execute(sql, claim.params())
