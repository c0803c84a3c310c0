"""Checking what a browser offers as a proof: the network is used here, between two transactions and never in one."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

import httpx

from frontdesk.channels.model import IdentityMode, Inbox
from frontdesk.core.db import Database
from frontdesk.core.http import CallFailed
from frontdesk.core.ids import OrganizationId, RealmId
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import utc_now
from frontdesk.identities import key_sets, queries
from frontdesk.identities.actions import prove
from frontdesk.identities.claims import Claims
from frontdesk.identities.enterprises import Enterprises
from frontdesk.identities.errors import EnterpriseUnreachable, IdentityRefused, ProofRefused, RefusalReason
from frontdesk.identities.introspection import Introspection, judge_answer, load_introspection
from frontdesk.identities.key_sets import KeySet
from frontdesk.identities.model import Offered, Proof, RealmKeySetId
from frontdesk.organizations.throttle import Limit, count_attempt

MAX_TOKEN: Final = 8192  # characters
_MOST_ASKED: Final = 300  # times that one address makes us ask in a quarter of an hour, per inbox
_AT_ONCE: Final = timedelta(0)


class Prover:
    """Checks proofs for one process."""

    def __init__(self, db: Database, http: httpx.AsyncClient, cipher: Cipher) -> None:
        self._db = db
        self._http = http
        self._cipher = cipher
        self._enterprises = Enterprises(http)
        self._fetches: dict[RealmKeySetId, asyncio.Task[None]] = {}

    async def prove(self, organization_id: OrganizationId, inbox: Inbox, offered: Offered, *, now: datetime) -> Proof:
        """Return what is proven in an inbox whose mode is not `none`.

        Raises IdentityRefused, whose reason `record_refusal` keeps; EnterpriseUnreachable when the enterprise says
        neither yes nor no, and TooManyRequests when one address makes us ask too often.
        """
        if inbox.identity_mode is IdentityMode.INTROSPECT:
            return await self._prove_by_asking(organization_id, inbox, offered, now=now)
        await self.fetch_key_sets(organization_id, inbox.realm_id, age=key_sets.FRESH, now=now)
        try:
            return await self._verify(organization_id, inbox, offered, now)
        except IdentityRefused as refused:
            if refused.reason is not RefusalReason.UNKNOWN_KEY:
                raise
            if not await self.fetch_key_sets(organization_id, inbox.realm_id, age=_AT_ONCE, now=now):
                raise
        return await self._verify(organization_id, inbox, offered, now)

    async def fetch_key_sets(
        self, organization_id: OrganizationId, realm_id: RealmId, *, age: timedelta, now: datetime
    ) -> bool:
        """Fetch the sets of a realm whose keys are older than `age`, each at most once a minute; False when none was.

        Who comes while a set is being fetched waits for it.
        """
        async with self._db.begin(organization_id) as tx:
            sets = await key_sets.load_key_sets(tx, realm_id)
        for key_set in sets:
            if key_set.id not in self._fetches and key_set.is_due(now, age=age):
                self._fetches[key_set.id] = asyncio.create_task(self._fetch(organization_id, key_set, now))
        running = [self._fetches[key_set.id] for key_set in sets if key_set.id in self._fetches]
        if running:
            done, _ = await asyncio.wait(running)  # who hangs up meanwhile does not stop it
            for fetch in done:
                fetch.result()
        return bool(running)

    async def _fetch(self, organization_id: OrganizationId, key_set: KeySet, now: datetime) -> None:
        try:
            async with self._db.begin(organization_id) as tx:
                is_ours = await key_sets.claim_fetch(tx, key_set.id, now)
            if is_ours:
                await self._fetch_claimed(organization_id, key_set, now)
        finally:
            del self._fetches[key_set.id]

    async def _fetch_claimed(self, organization_id: OrganizationId, key_set: KeySet, now: datetime) -> None:
        try:
            keys = await key_sets.fetch_keys(self._http, key_set.address)
        except CallFailed as error:
            async with self._db.begin(organization_id) as tx:
                await key_sets.store_failure(tx, key_set.id, error.reason)
            return
        async with self._db.begin(organization_id) as tx:
            await key_sets.store_keys(tx, key_set.id, keys, now)

    async def _verify(self, organization_id: OrganizationId, inbox: Inbox, offered: Offered, now: datetime) -> Proof:
        async with self._db.begin(organization_id) as tx:
            return await prove(tx, self._cipher, inbox, offered.token, verifier=offered.verifier, now=now)

    async def _prove_by_asking(
        self, organization_id: OrganizationId, inbox: Inbox, offered: Offered, *, now: datetime
    ) -> Proof:
        token = check_opaque(offered.token)
        async with self._db.begin(organization_id) as tx:
            asked = await load_introspection(tx, self._cipher, inbox.id)
            reserved = await queries.list_reserved(tx)
            if asked is None:
                raise EnterpriseUnreachable(RefusalReason.ENTERPRISE_UNREACHABLE, "nobody said how to ask")
            answer = self._enterprises.recall(asked, inbox.realm_id, token, now)
            if answer is None and not self._enterprises.is_paused(asked, now):
                await count_attempt(tx, [Limit("introspection", f"{inbox.id}/{offered.address}", _MOST_ASKED)], now)
        if answer is None:
            answer = await self._enterprises.ask(asked, inbox.realm_id, token, now)
        try:
            return judge_answer(answer, asked, inbox.realm_id, now=now, refused=reserved)
        except ProofRefused as error:
            raise IdentityRefused(error.reason, error.detail) from error

    async def ask_now(self, asked: Introspection, realm_id: RealmId, token: str) -> Claims:
        """Return what the enterprise says about `token` at this moment, for whoever tries the settings.

        Nothing is remembered. Raises EnterpriseUnreachable.
        """
        return await self._enterprises.ask(asked, realm_id, token, utc_now(), remembers=False)


def check_opaque(token: object) -> str:
    """Return a token of whatever form that can be asked about. Raises IdentityRefused."""
    if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
        raise IdentityRefused(RefusalReason.MALFORMED, "not a token")
    if len(token) > MAX_TOKEN:
        raise IdentityRefused(RefusalReason.TOO_LARGE, f"{len(token)} bytes of {MAX_TOKEN}")
    return token
