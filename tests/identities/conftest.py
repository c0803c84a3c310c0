"""A shop whose web chat is told by signed tokens who is there."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from tests.identities.tokens import ISSUER, NOW, PRIVATE, Enterprise
from tests.making import make_assistant, make_inbox

from frontdesk.channels.actions import create_inbox
from frontdesk.channels.model import ChannelType, IdentityMode, Inbox, InboxChanges, OnLogin
from frontdesk.core.db import Database, Tx
from frontdesk.core.ids import OrganizationId
from frontdesk.core.secrets import Cipher
from frontdesk.identities.actions import open_session, prove
from frontdesk.identities.keys import KeySpec, upload_key
from frontdesk.identities.model import ChatSession, IdentityKey, Opening, Proof
from frontdesk.organizations.model import Caller, system_caller

CIPHER = Cipher(bytes(32))


@dataclass(frozen=True)
class Shop:
    """An inbox, and the enterprise that signs for it."""

    inbox: Inbox
    enterprise: Enterprise

    def key(self, source_id: str) -> IdentityKey:
        return IdentityKey(self.inbox.realm_id, source_id)

    def token(self, source_id: Any = "M-1001", now: datetime = NOW, **claims: Any) -> str:
        return self.enterprise.sign(source_id, now, **({"aud": self.inbox.public_id} | claims))

    async def prove(self, tx: Tx, source_id: Any = "M-1001", now: datetime = NOW, **claims: Any) -> Proof:
        return await prove(tx, CIPHER, self.inbox, self.token(source_id, now, **claims), now=now)

    async def open(
        self,
        tx: Tx,
        source_id: str | None = None,
        stored: ChatSession | None = None,
        now: datetime = NOW,
        **claims: Any,
    ) -> Opening:
        """Open the chat as `source_id`, or without a proof."""
        proof = None if source_id is None else await self.prove(tx, source_id, now, **claims)
        return await open_session(tx, self.inbox, stored=stored, proof=proof, now=now)


async def open_shop(tx: Tx, caller: Caller, name: str = "Shop web", on_login: OnLogin = OnLogin.MERGE) -> Shop:
    inbox = await make_inbox(tx, caller, name, identity_mode=IdentityMode.JWT, on_login=on_login)
    return Shop(inbox, await add_enterprise(tx, caller, inbox))


async def add_enterprise(tx: Tx, caller: Caller, inbox: Inbox, **spec: Any) -> Enterprise:
    """Register the public half of a key for the realm of `inbox`."""
    private = PRIVATE["EdDSA"]
    spec = {"name": "Shop", "issuer": ISSUER} | spec
    key = await upload_key(tx, caller, inbox.realm_id, KeySpec(**spec), private.as_pem(private=False).decode())
    return Enterprise(key, private)


@pytest.fixture
async def shop(tx: Tx, owner: Caller) -> Shop:
    return await open_shop(tx, owner)


@pytest.fixture
async def open_for_all(db: Database, organization: OrganizationId) -> Shop:
    """The same, committed: several transactions see it."""
    async with db.begin(organization) as tx:
        return await open_shop(tx, system_caller(organization))


def elsewhere(shop: Shop, inbox: Inbox) -> Shop:
    """The same enterprise at another inbox."""
    return replace(shop, inbox=inbox)


async def open_shop_beside(tx: Tx, caller: Caller, shop: Shop) -> Shop:
    """Another inbox of the same realm."""
    return elsewhere(shop, await make_inbox(tx, caller, "Another web", identity_mode=IdentityMode.JWT))


async def make_outsiders_inbox(tx: Tx, caller: Caller) -> Inbox:
    """An inbox with a realm, and hence people, of its own."""
    assistant = await make_assistant(tx, caller, "Outside")
    changes = InboxChanges(name="Outside", assistant_id=assistant.id, identity_mode=IdentityMode.JWT)
    inbox, _ = await create_inbox(tx, caller, changes, channel_type=ChannelType.WEB, has_own_realm=True)
    return inbox
