"""Vouching: a member links an identity by hand; who and when is kept, and unlinking ends what rested on it."""

from tests.identities.tokens import NOW
from tests.making import member

from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.identities import queries
from frontdesk.identities.actions import find_session
from frontdesk.identities.source_ids import link_identity, set_source_id, unlink_identity

A, B = "M-1001", "M-1002"


async def test_who_vouched_and_when_is_kept(tx, owner, shop):
    """For what was linked by hand; not for what was proven, or given with the card."""
    mia = member(owner)
    ann = await shop.open(tx, A)
    await link_identity(tx, mia, ann.contact_id, shop.key(B))
    proven, linked = await queries.list_identities(tx, ann.contact_id)
    assert (proven.linked_by, proven.linked_at) == (None, None)
    assert linked.linked_by == "Mia Member"
    assert linked.linked_at is not None
    fields = {"name": "Dr. Wu"}
    made = await create_contact(tx, owner, fields=fields, inbox_ids=[shop.inbox.id], provenance=Provenance.MEMBER)
    await set_source_id(tx, mia, made.id, "D-7")
    (given,) = await queries.list_identities(tx, made.id)
    assert given.linked_by is None


async def test_unlinking_ends_at_the_next_message(tx, owner, shop):
    """The session that came by that identity is over; the one by the other goes on; whoever comes again is new."""
    ann = await shop.open(tx, A)
    await link_identity(tx, owner, ann.contact_id, shop.key(B))
    by_b = await shop.open(tx, B)
    assert by_b.contact_id == ann.contact_id
    await unlink_identity(tx, owner, ann.contact_id, shop.key(B))
    assert await find_session(tx, by_b.token, NOW) is None
    assert await find_session(tx, ann.token, NOW) is not None
    assert (await shop.open(tx, B)).contact_id != ann.contact_id


async def test_an_arrival_leaves_who_vouched(tx, owner, shop):
    """The visit is noted beside it."""
    ann = await shop.open(tx, A)
    await link_identity(tx, owner, ann.contact_id, shop.key(B))
    await shop.open(tx, B)
    linked = (await queries.list_identities(tx, ann.contact_id))[1]
    assert (linked.linked_by, linked.last_seen_at) == ("system", NOW)
