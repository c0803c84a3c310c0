"""Asking enterprises: what they answered a moment ago is remembered, and who does not answer is left alone a while."""

import base64
import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote_plus

import httpx

from frontdesk.core.http import CallFailed, Reply, call
from frontdesk.core.ids import RealmId
from frontdesk.identities.claims import Claims, load_object, read_time
from frontdesk.identities.errors import EnterpriseUnreachable, RefusalReason
from frontdesk.identities.introspection import Introspection

ANSWER_SECONDS: Final = 2.0
ANSWER_LASTS: Final = timedelta(seconds=60)
REFUSAL_LASTS: Final = timedelta(seconds=10)
FAILURES_UNTIL_PAUSE: Final = 3
PAUSE: Final = timedelta(seconds=15)

_MAX_ANSWER_BYTES: Final = 16_384
_MOST_ANSWERS: Final = 2000
_MOST_REFUSALS: Final = 500
_OK: Final = 200
_DOWN: Final = 500  # and above
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class _Remembered:
    """Answers by the hash of their question, each for its time; the oldest go when there are too many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._answers: OrderedDict[bytes, tuple[datetime, Claims]] = OrderedDict()

    def find(self, key: bytes, now: datetime) -> Claims | None:
        until, answer = self._answers.get(key, (now, None))
        return answer if now < until else None

    def keep(self, key: bytes, answer: Claims, until: datetime) -> None:
        self._answers[key] = (until, answer)
        self._answers.move_to_end(key)
        if len(self._answers) > self._most:
            self._answers.popitem(last=False)


@dataclass
class _Health:
    failures: int = 0  # in a row
    paused_until: datetime = _LONG_AGO


class Enterprises:
    """The enterprises that one process asks. Tokens are kept as hashes only, and only in memory."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._answers = _Remembered(_MOST_ANSWERS)
        self._refusals = _Remembered(_MOST_REFUSALS)
        self._health: dict[str, _Health] = {}

    def recall(self, asked: Introspection, realm: RealmId, token: str, now: datetime) -> Claims | None:
        """Return what was answered about `token` a moment ago; None when the enterprise must be asked."""
        key = _hash(asked, realm, token)
        return self._answers.find(key, now) or self._refusals.find(key, now)

    def is_paused(self, asked: Introspection, now: datetime) -> bool:
        """Tell whether the enterprise failed too often lately to be asked again now."""
        return now < self._health_of(asked).paused_until

    async def ask(
        self, asked: Introspection, realm: RealmId, token: str, now: datetime, *, remembers: bool = True
    ) -> Claims:
        """Ask the enterprise about `token`, within 2 seconds; never within a transaction.

        Raises EnterpriseUnreachable when it does not say yes or no, and at once while it is paused.
        """
        if self.is_paused(asked, now):
            raise EnterpriseUnreachable(RefusalReason.ENTERPRISE_UNREACHABLE, "it failed several times; paused")
        health = self._health_of(asked)
        if health.failures >= FAILURES_UNTIL_PAUSE:
            health.paused_until = now + PAUSE  # one tries now; the others wait for what comes of it
        try:
            reply = await self._post(asked, token)
        except EnterpriseUnreachable:
            health.failures += 1
            if health.failures >= FAILURES_UNTIL_PAUSE:
                health.paused_until = now + PAUSE
            raise
        self._health.pop(_name(asked), None)
        answer = _read(reply)
        if remembers:
            self._remember(_hash(asked, realm, token), answer, now)
        return answer

    def _health_of(self, asked: Introspection) -> _Health:
        return self._health.setdefault(_name(asked), _Health())

    def _remember(self, key: bytes, answer: Claims, now: datetime) -> None:
        if answer["active"] is False:
            self._refusals.keep(key, answer, now + REFUSAL_LASTS)
            return
        expires = read_time(answer, "exp")
        if expires is not None:
            self._answers.keep(key, answer, min(datetime.fromtimestamp(expires, UTC), now + ANSWER_LASTS))

    async def _post(self, asked: Introspection, token: str) -> Reply:
        """Return what came, even if it is a refusal: that may be for the token, which anybody can choose."""
        try:
            reply = await call(
                self._http,
                "POST",
                asked.endpoint,
                seconds=ANSWER_SECONDS,
                max_bytes=_MAX_ANSWER_BYTES,
                headers={"Authorization": _credentials(asked)},
                form={"token": token},
            )
        except CallFailed as error:
            raise EnterpriseUnreachable(RefusalReason.ENTERPRISE_UNREACHABLE, error.reason) from error
        if reply.status >= _DOWN:
            raise EnterpriseUnreachable(RefusalReason.ENTERPRISE_UNREACHABLE, f"status {reply.status}")
        return reply


def _read(reply: Reply) -> Claims:
    """Return an answer that says yes or no. All else, a refusal of our own credentials too, says nothing of a token."""
    if reply.status != _OK:
        raise EnterpriseUnreachable(RefusalReason.ENTERPRISE_UNREACHABLE, f"status {reply.status}")
    try:
        answer = load_object(reply.content)
    except ValueError as error:
        raise EnterpriseUnreachable(RefusalReason.ENTERPRISE_UNREADABLE, "not a JSON object") from error
    if not isinstance(answer.get("active"), bool):
        raise EnterpriseUnreachable(RefusalReason.ENTERPRISE_UNREADABLE, "no active: true or false")
    return answer


def _credentials(asked: Introspection) -> str:
    """Return HTTP Basic credentials of a client. Source: RFC 6749, section 2.3.1."""
    pair = f"{quote_plus(asked.client_id)}:{quote_plus(asked.client_secret or '')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _hash(asked: Introspection, realm: RealmId, token: str) -> bytes:
    parts = (asked.endpoint, asked.client_id, str(realm), token)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()


def _name(asked: Introspection) -> str:
    return f"{asked.inbox_id}\0{asked.endpoint}"
