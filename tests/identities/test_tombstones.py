"""Whoever was erased is remembered as hashes, which say nothing to those who read them."""

from frontdesk.channels.queries import get_default_realm
from frontdesk.core.db import Database, Tx
from frontdesk.core.ids import OrganizationId, RealmId, new_id
from frontdesk.core.secrets import Cipher
from frontdesk.core.text import utc_now
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.tombstones import find_erased, insert_tombstones

CIPHER = Cipher(b"k" * 32)
EMAIL, PHONE = "Zhang.Wei@example.com", "+886912345678"


async def bury(tx: Tx) -> IdentityKey:
    """Remember one person who was erased."""
    key = IdentityKey((await get_default_realm(tx)).id, "M-1001")
    assert await insert_tombstones(tx, CIPHER, keys=[key], emails=[EMAIL], phones=[PHONE], now=utc_now()) == 3
    return key


async def test_what_was_erased_is_recognised(tx: Tx) -> None:
    """A source id in its realm, an e-mail in any case, and a phone number; nothing else."""
    key = await bury(tx)
    stranger = IdentityKey(RealmId(new_id()), "M-1001")
    shouted = EMAIL.upper()
    found = await find_erased(tx, CIPHER, keys=[key, stranger], emails=[shouted, "a@example.com"], phones=[PHONE, "+1"])
    assert found == {key, shouted, PHONE}


async def test_erasing_twice_leaves_one_trace(tx: Tx) -> None:
    """The second run of a job adds nothing."""
    key = await bury(tx)
    assert await insert_tombstones(tx, CIPHER, keys=[key], emails=[EMAIL], phones=[PHONE], now=utc_now()) == 0


async def test_the_trace_names_nobody(tx: Tx) -> None:
    """Without the key of the installation the rows cannot be compared with a list of names."""
    key = await bury(tx)
    stored = str(await tx.fetch("SELECT t::text FROM identity_tombstones t"))
    assert not any(word in stored for word in ("M-1001", "zhang", "9123"))
    assert await find_erased(tx, Cipher(b"o" * 32), keys=[key], emails=[EMAIL], phones=[PHONE]) == set()


async def test_the_trace_is_of_one_organization(db: Database, tx: Tx, other_organization: OrganizationId) -> None:
    """Another organization may know the same person."""
    await bury(tx)
    async with db.begin(other_organization) as elsewhere:
        assert await find_erased(elsewhere, CIPHER, keys=[], emails=[EMAIL], phones=[PHONE]) == set()
