"""API keys: who may make one, and what opens with it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from frontdesk.core.db import Addresses, Database
from frontdesk.core.errors import InvalidRequest, NotFound, Unauthenticated
from frontdesk.core.ids import InboxId, OrganizationId
from frontdesk.core.text import utc_now
from frontdesk.organizations import keys
from frontdesk.organizations.errors import GrantNotHeld
from frontdesk.organizations.model import Caller, CallerKind, Grant, Right

SHOP, FORUM = InboxId(UUID(int=1)), InboxId(UUID(int=2))
VIEW = frozenset({Right.CONTACTS_VIEW})


def limited(organization: OrganizationId, *rights: Right, inboxes: frozenset[InboxId] | None = None) -> Caller:
    return Caller(CallerKind.MEMBER, UUID(int=5), "Lee", organization, (Grant(frozenset(rights), inboxes),))


async def make(db: Database, caller: Caller, **changes) -> tuple[keys.ApiKey, str]:
    values = {"name": "shop", "rights": VIEW, "inbox_ids": None, "expires_at": None, **changes}
    async with db.begin(caller.organization_id) as tx:
        return await keys.create_api_key(tx, caller, **values)


async def test_a_key_opens_what_it_was_given(db: Database, owner: Caller):
    """The secret alone tells who calls, in which organization, with which rights in which inboxes."""
    key, secret = await make(db, owner, inbox_ids=[SHOP])
    caller = await keys.authenticate_key(db, secret)
    assert (caller.kind, caller.id, caller.organization_id) == (CallerKind.API_KEY, key.id, owner.organization_id)
    assert caller.inboxes_for(Right.CONTACTS_VIEW) == {SHOP}
    assert not caller.may(Right.CONTACTS_EDIT)


async def test_a_key_of_one_organization_opens_no_other(
    db: Database, owner: Caller, other_organization: OrganizationId
):
    """A secret whose organization part is replaced is unknown there, and unknown at home."""
    _, secret = await make(db, owner)
    tampered = secret.replace(owner.organization_id.hex, other_organization.hex)
    assert tampered != secret
    with pytest.raises(Unauthenticated):
        await keys.authenticate_key(db, tampered)


@pytest.mark.parametrize(
    "secret", ["", "x", "fd_key", "fd_key__", "fd_key_" + "0" * 32 + "_", "fd_key_zz_x", "\ud800", "\0"]
)
async def test_nonsense_is_no_key(db: Database, secret: str):
    """Whatever is sent as a key is refused, not an error of ours."""
    with pytest.raises(Unauthenticated):
        await keys.authenticate_key(db, secret)


async def test_other_secrets_of_ours_are_no_keys(db: Database, owner: Caller):
    """The kind is part of the secret: what invites somebody does not call the API."""
    _, secret = await make(db, owner)
    with pytest.raises(Unauthenticated):
        await keys.authenticate_key(db, secret.replace("fd_key_", "fd_invite_"))


async def test_revoked_and_expired_keys_are_dead(db: Database, owner: Caller, later: Callable[[str], None]):
    """A key stops at its end and at once when revoked; revoking twice is not found."""
    revoked, revoked_secret = await make(db, owner)
    expired, expired_secret = await make(db, owner, expires_at=utc_now() + timedelta(hours=1))
    await keys.authenticate_key(db, expired_secret)
    async with db.begin(owner.organization_id) as tx:
        await keys.revoke_api_key(tx, owner, revoked.id)
        assert [key.id for key in await keys.list_api_keys(tx, owner)] == [expired.id]
        with pytest.raises(NotFound):
            await keys.revoke_api_key(tx, owner, revoked.id)
    later(f"UPDATE api_keys SET expires_at = now() WHERE id = '{expired.id}'")
    for secret in (revoked_secret, expired_secret):
        with pytest.raises(Unauthenticated):
            await keys.authenticate_key(db, secret)


async def test_use_is_noted_once_a_minute(db: Database, owner: Caller, later: Callable[[str], None]):
    """The last use is known to a minute, without a write at each call."""

    async def last_use():
        await keys.authenticate_key(db, secret)
        async with db.begin(owner.organization_id) as tx:
            return next(key.last_used_at for key in await keys.list_api_keys(tx, owner) if key.id == made.id)

    made, secret = await make(db, owner)
    first = await last_use()
    assert first is not None
    assert await last_use() == first
    later(f"UPDATE api_keys SET last_used_at = now() - interval '61 s' WHERE id = '{made.id}'")
    assert await last_use() > first - timedelta(seconds=1)


async def test_nobody_makes_a_key_stronger_than_themselves(db: Database, organization: OrganizationId):
    """Neither a right nor an inbox that the maker lacks gets into a key; the refusal names the rights."""
    everywhere = limited(organization, Right.KEYS_EDIT, Right.CONTACTS_VIEW)
    with pytest.raises(GrantNotHeld) as refused:
        await make(db, everywhere, rights=[Right.CONTACTS_VIEW, Right.CONTACTS_ERASE])
    assert refused.value.facts["rights"] == ["contacts.erase"]
    in_shop = limited(organization, Right.KEYS_EDIT, Right.CONTACTS_VIEW, inboxes=frozenset({SHOP}))
    for inbox_ids in (None, [FORUM], [SHOP, FORUM]):
        with pytest.raises(GrantNotHeld):
            await make(db, in_shop, inbox_ids=inbox_ids)
    await make(db, in_shop, inbox_ids=[SHOP])


async def test_acting_as_a_contact_is_given_by_whoever_edits_keys(db: Database, organization: OrganizationId):
    """`act-as` needs no holder but `keys.edit`, within its inboxes."""
    in_shop = limited(organization, Right.KEYS_EDIT, inboxes=frozenset({SHOP}))
    _, secret = await make(db, in_shop, rights=[Right.ACT_AS], inbox_ids=[SHOP])
    assert (await keys.authenticate_key(db, secret)).inboxes_for(Right.ACT_AS) == {SHOP}
    with pytest.raises(GrantNotHeld):
        await make(db, in_shop, rights=[Right.ACT_AS])


async def test_weaker_members_do_not_revoke_stronger_keys(db: Database, owner: Caller):
    """Whoever is limited to an inbox neither sees nor stops the keys of the whole organization."""
    key, secret = await make(db, owner)
    in_shop = limited(owner.organization_id, Right.KEYS_EDIT, Right.CONTACTS_VIEW, inboxes=frozenset({SHOP}))
    async with db.begin(owner.organization_id) as tx:
        assert await keys.list_api_keys(tx, in_shop) == []
        with pytest.raises(GrantNotHeld):
            await keys.revoke_api_key(tx, in_shop, key.id)
    await keys.authenticate_key(db, secret)


@pytest.mark.parametrize(
    "changes", [{"name": " "}, {"rights": []}, {"expires_at": utc_now()}], ids=["name", "rights", "expiry"]
)
async def test_useless_keys_are_refused(db: Database, owner: Caller, changes):
    """A key needs a name, a right, and a future."""
    with pytest.raises(InvalidRequest):
        await make(db, owner, **changes)


async def test_secrets_are_nowhere_in_the_database(db: Database, owner: Caller, addresses: Addresses):
    """Whoever reads every row of every table cannot call as anybody."""
    _, secret = await make(db, owner)
    random_part = secret.split("_", 3)[3]
    with psycopg.connect(addresses.maintenance) as connection:
        tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        ours = [name for name in tables if not name.startswith(("procrastinate", "alembic"))]
        assert "api_keys" in ours
        for table in ours:
            found = connection.execute(
                f'SELECT count(*) FROM "{table}" AS t WHERE strpos(t::text, %s) > 0', [random_part]
            ).fetchone()
            assert found == (0,), table
