"""Slows down guessing: so many attempts of one kind in a quarter of an hour, then a wait."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from frontdesk.core.db import Tx
from frontdesk.core.errors import TooManyRequests

WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `attempts` within the window for one `subject` (an e-mail, an address) of `kind`."""

    kind: str
    subject: str
    attempts: int

    @property
    def bucket(self) -> bytes:
        """What the database keeps: nobody reads e-mails or addresses there."""
        return hashlib.sha256(f"{self.kind}\0{self.subject}".encode("utf-8", "surrogatepass")).digest()

    @property
    def lock(self) -> int:
        """The number of the advisory lock on this bucket."""
        return int.from_bytes(self.bucket[:8], signed=True)


async def count_attempt(tx: Tx, limits: Sequence[Limit], now: datetime) -> None:
    """Count one attempt against every limit, before it is known how it ends.

    Raises TooManyRequests, and counts nothing, when one of them is reached. Locks the buckets until `tx` ends, so that
    parallel attempts cannot slip through together.
    """
    for limit in sorted(limits, key=lambda limit: limit.lock):
        await tx.execute("SELECT pg_advisory_xact_lock(%(lock)s)", {"lock": limit.lock})
        await _refuse_when_reached(tx, limit, now)
    await tx.execute_many("INSERT INTO throttle_attempts (bucket, at) VALUES (%(bucket)s, %(at)s)", _rows(limits, now))
    await _forget_old(tx, now)


async def take_back(tx: Tx, limits: Sequence[Limit], at: datetime) -> None:
    """Uncount the attempt that was counted at `at`: it was none of a guesser."""
    await tx.execute_many("DELETE FROM throttle_attempts WHERE bucket = %(bucket)s AND at = %(at)s", _rows(limits, at))


def _rows(limits: Sequence[Limit], at: datetime) -> list[dict[str, Any]]:
    return [{"bucket": limit.bucket, "at": at} for limit in limits]


async def _refuse_when_reached(tx: Tx, limit: Limit, now: datetime) -> None:
    decisive = await tx.fetch_value(
        """
        SELECT at FROM throttle_attempts WHERE bucket = %(bucket)s AND at > %(since)s
         ORDER BY at DESC OFFSET %(others)s LIMIT 1
        """,
        {"bucket": limit.bucket, "since": now - WINDOW, "others": limit.attempts - 1},
    )
    if decisive is not None:
        seconds = max(1, math.ceil((decisive + WINDOW - now).total_seconds()))
        raise TooManyRequests("Too many attempts. Try again later.", facts={"retry_after": seconds})


async def _forget_old(tx: Tx, now: datetime) -> None:
    await tx.execute(
        """
        DELETE FROM throttle_attempts WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM throttle_attempts WHERE at <= %(until)s LIMIT 100 FOR UPDATE SKIP LOCKED))
        """,
        {"until": now - WINDOW},
    )
