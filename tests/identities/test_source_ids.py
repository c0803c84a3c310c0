"""Source ids in the hands of staff: given, corrected, taken, linked, unlinked."""

import asyncio
from dataclasses import replace

import pytest
from tests.identities.conftest import make_outsiders_inbox
from tests.identities.tokens import NOW
from tests.making import make_inbox, member

from frontdesk.channels.model import ChannelType
from frontdesk.channels.queries import get_default_realm
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.actions import create_anonymous, create_contact, refresh_card
from frontdesk.contacts.model import Provenance
from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.ids import RealmId, new_id
from frontdesk.identities import queries
from frontdesk.identities.actions import find_session, start_visitor_session
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.errors import InvalidSourceId, SourceIdTaken
from frontdesk.identities.model import IdentityKey
from frontdesk.identities.source_ids import (
    get_bare_realm,
    link_identity,
    list_identities,
    set_source_id,
    unlink_identity,
)
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.model import Right, system_caller


async def make_contact(tx, caller, *inboxes, name="Ann"):
    ids = [inbox.id for inbox in inboxes]
    card = await create_contact(tx, caller, fields={"name": name}, inbox_ids=ids, provenance=Provenance.MEMBER)
    return card.id


async def test_an_anonymous_contact_becomes_known(tx, owner, shop):
    """The browser that talks as this contact goes on, as the visitor that it is; whoever proves the id is this contact."""
    visitor, token = await start_visitor_session(tx, shop.inbox, NOW)
    ann = await create_anonymous(tx, shop.inbox.id, now=NOW)
    assert not await queries.has_identity(tx, ann)
    await set_source_id(tx, owner, ann, "M-1001")
    assert await queries.has_identity(tx, ann)
    assert await find_session(tx, token, NOW) == visitor
    assert (await shop.open(tx, "M-1001")).contact_id == ann


async def test_correcting_a_source_id_frees_the_old_one(tx, owner, shop):
    """Its rightful owner signs in and is somebody else; the contact's proven sessions have ended; audit tells."""
    before = await shop.open(tx, "M-1001")
    version = (await contacts.get_contact(tx, before.contact_id)).version
    await set_source_id(tx, owner, before.contact_id, "M-2002")
    assert await find_session(tx, before.token, NOW) is None
    assert (await shop.open(tx, "M-1001")).contact_id != before.contact_id
    assert (await shop.open(tx, "M-2002")).contact_id == before.contact_id
    (entry,) = [one for one in (await list_audit(tx, owner, limit=9)).entries if one.action == "identity.corrected"]
    assert entry.payload["source_id"] == {"before": "M-1001", "after": "M-2002"}
    assert (await contacts.get_contact(tx, before.contact_id)).version > version


async def test_giving_the_same_source_id_again_changes_nothing(tx, owner, shop):
    """No session ends, no version rises."""
    opening = await shop.open(tx, "M-1001")
    card = await contacts.get_contact(tx, opening.contact_id)
    await set_source_id(tx, owner, card.id, "M-1001")
    assert await contacts.get_contact(tx, card.id) == card
    assert await find_session(tx, opening.token, NOW)


async def test_a_taken_source_id_names_its_holder_to_those_who_may_see_it(tx, owner, shop):
    """With the offer to merge for who may; to others it says only that it is taken. Nothing changes."""
    holder = await make_contact(tx, owner, shop.inbox, name="Holder")
    await set_source_id(tx, owner, holder, "M-1")
    other_inbox = await make_inbox(tx, owner, "Other")
    ann = await make_contact(tx, owner, other_inbox)
    await set_source_id(tx, owner, ann, "M-2")
    with pytest.raises(SourceIdTaken) as taken:
        await set_source_id(tx, owner, ann, "M-1")
    assert taken.value.facts["holder"] == {"id": str(holder), "name": "Holder"}
    assert taken.value.facts["mergeOffered"] is True
    elsewhere = member(owner, Right.CONTACTS_EDIT, Right.CONTACTS_VIEW, Right.CONTACTS_MERGE, inboxes={other_inbox.id})
    with pytest.raises(SourceIdTaken) as taken:
        await set_source_id(tx, elsewhere, ann, "M-1")
    assert taken.value.facts.keys() == {"sourceId"}
    assert [one.source_id for one in await queries.list_identities(tx, ann)] == ["M-2"]


async def test_a_bare_source_id_belongs_to_the_realm_that_all_inboxes_share(tx, owner, shop):
    """A channel's if all share it, else the member realm; said exactly, any realm."""
    line, other = [await make_inbox(tx, owner, name, kind=ChannelType.LINE) for name in ("Line", "Line 2")]
    members = (await get_default_realm(tx)).id
    assert await get_bare_realm(tx, await make_contact(tx, owner)) == members
    assert await get_bare_realm(tx, await make_contact(tx, owner, shop.inbox)) == members
    assert await get_bare_realm(tx, await make_contact(tx, owner, line)) == line.realm_id
    assert await get_bare_realm(tx, await make_contact(tx, owner, line, other)) == members
    ann = await make_contact(tx, owner, line, shop.inbox)
    assert (await set_source_id(tx, owner, ann, "U1")).realm == members
    assert (await set_source_id(tx, owner, ann, "U1", realm=line.realm_id)).realm == line.realm_id
    assert {one.realm_id for one in await list_identities(tx, owner, ann)} == {members, line.realm_id}
    with pytest.raises(NotFound):
        await set_source_id(tx, owner, ann, "U1", realm=RealmId(new_id()))


async def test_what_is_typed_reserves_nothing(tx, owner, shop):
    """Whoever names Ann's member number before she arrives does not receive her later: the text makes no identity."""
    visitor = await create_anonymous(tx, shop.inbox.id, now=NOW)
    said = {"name": "M-1001", "attributes": {"source_id": "M-1001", "verified": True}}
    await refresh_card(tx, visitor, said, Provenance.CLAIMED)
    assert not await queries.has_identity(tx, visitor)
    assert (await shop.open(tx, "M-1001")).contact_id != visitor


async def test_linking_and_unlinking(tx, owner, shop):
    """A linked identity proves this contact in its realm too; unlinked, its sessions end and the id is free."""
    outside = await make_outsiders_inbox(tx, owner)
    ann = (await shop.open(tx, "M-1")).contact_id
    key = IdentityKey(outside.realm_id, "partner-7")
    await link_identity(tx, owner, ann, key)
    await link_identity(tx, owner, ann, key)
    assert len(await list_identities(tx, owner, ann)) == 2
    second = shop.key("M-2")
    await link_identity(tx, owner, ann, second)
    one, two = await shop.open(tx, "M-1"), await shop.open(tx, "M-2")
    assert one.contact_id == two.contact_id == ann
    await unlink_identity(tx, owner, ann, second)
    assert await find_session(tx, one.token, NOW)
    assert await find_session(tx, two.token, NOW) is None
    assert (await shop.open(tx, "M-2")).contact_id != ann
    with pytest.raises(NotFound):
        await unlink_identity(tx, owner, ann, second)
    with pytest.raises(SourceIdTaken):
        await link_identity(tx, owner, ann, second)


async def test_rights_over_source_ids(tx, owner, shop):
    """Correcting takes contacts.edit, linking contacts.vouch, both in an inbox of the contact."""
    ann = (await shop.open(tx, "M-1")).contact_id
    other_inbox = await make_inbox(tx, owner, "Other")
    editor = member(owner, Right.CONTACTS_EDIT, Right.CONTACTS_VIEW, inboxes={shop.inbox.id})
    stranger = member(owner, inboxes={other_inbox.id})
    await set_source_id(tx, editor, ann, "M-2")
    for attempt in (
        link_identity(tx, editor, ann, shop.key("M-3")),
        unlink_identity(tx, editor, ann, shop.key("M-2")),
        set_source_id(tx, stranger, ann, "M-3"),
        link_identity(tx, stranger, ann, shop.key("M-3")),
        list_identities(tx, stranger, ann),
    ):
        with pytest.raises(NotFound):
            await attempt
    with pytest.raises(InvalidSourceId):
        await set_source_id(tx, editor, ann, " M-3")


async def test_two_members_give_one_source_id_at_once(db, organization, open_for_all):
    """One of them succeeds; the other is told that it is taken."""
    owner = system_caller(organization)
    async with db.begin(organization) as tx:
        people = [await make_contact(tx, owner, open_for_all.inbox) for _ in range(6)]

    async def give(contact_id):
        async with db.begin(organization) as tx:
            return await set_source_id(tx, owner, contact_id, "M-77")

    outcomes = await asyncio.gather(*map(give, people), return_exceptions=True)
    assert sum(isinstance(outcome, SourceIdTaken) for outcome in outcomes) == 5


async def test_proofs_and_corrections_at_once_never_deadlock(db, organization, open_for_all):
    """People sign in while their source ids are corrected: each ends as somebody, no transaction is broken off."""
    owner = system_caller(organization)
    async with db.begin(organization) as tx:
        ann = (await open_for_all.open(tx, "M-0")).contact_id

    async def sign_in(number):
        async with db.begin(organization) as tx:
            await open_for_all.open(tx, f"M-{number % 3}", name=f"Ann {number}")

    async def correct(number):
        async with db.begin(organization) as tx:
            await set_source_id(tx, owner, ann, f"M-{number % 3}")

    steps = [step for number in range(20) for step in (sign_in(number), correct(number))]
    outcomes = await asyncio.gather(*steps, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), IdentityKey, SourceIdTaken}
    async with db.begin(organization) as tx:
        assert len(await queries.list_identities(tx, ann)) == 1


async def test_nobody_gives_ids_away_in_a_realm_of_others(tx, owner, shop):
    """Who works in one inbox must not prepare the card on which the people of another realm will arrive."""
    outside = await make_outsiders_inbox(tx, owner)
    outsider = member(owner, Right.CONTACTS_EDIT, Right.CONTACTS_VIEW, Right.CONTACTS_VOUCH, inboxes={outside.id})
    ann = await make_contact(tx, outsider, outside)
    with pytest.raises(NotFound):
        await set_source_id(tx, outsider, ann, "M-1001", realm=shop.inbox.realm_id)
    with pytest.raises(NotFound):
        await link_identity(tx, outsider, ann, IdentityKey(shop.inbox.realm_id, "M-1001"))
    await set_source_id(tx, outsider, ann, "M-1001")
    assert (await shop.open(tx, "M-1001")).contact_id != ann


async def test_a_further_source_id_is_vouched_for(tx, owner, shop):
    """Whoever proves it is this contact from then on: that takes more than editing, however it is written."""
    outside = await make_outsiders_inbox(tx, owner)
    rights = (Right.CONTACTS_EDIT, Right.CONTACTS_VIEW)
    editor, voucher = member(owner, *rights), member(owner, *rights, Right.CONTACTS_VOUCH)
    inboxes = (shop.inbox.id, outside.id)  # of two realms: a bare source id is one of the member realm
    key = IdentityKey(outside.realm_id, "U-1")
    contact_id, _ = await create_card(tx, editor, Given(inbox_ids=inboxes), key=key)
    with pytest.raises(NotFound):
        await set_source_id(tx, editor, contact_id, "M-1")
    both = ((outside.realm_id, "U-2"), (shop.inbox.realm_id, "M-2"))
    with pytest.raises(NotFound):
        await create_card(tx, editor, Given(inbox_ids=inboxes, identities=both))
    await set_source_id(tx, editor, contact_id, "U-3", realm=outside.realm_id)
    await set_source_id(tx, voucher, contact_id, "M-1")
    assert {one.source_id for one in await queries.list_identities(tx, contact_id)} == {"U-3", "M-1"}


async def test_nobody_takes_an_id_away_in_a_realm_of_others(tx, owner, shop):
    """A contact who is in both inboxes keeps what the other one's people gave."""
    outside = await make_outsiders_inbox(tx, owner)
    outsider = member(owner, Right.CONTACTS_EDIT, Right.CONTACTS_VIEW, Right.CONTACTS_VOUCH, inboxes={outside.id})
    ann = await make_contact(tx, owner, outside, shop.inbox)
    await set_source_id(tx, owner, ann, "M-1001", realm=shop.inbox.realm_id)
    with pytest.raises(NotFound):
        await unlink_identity(tx, outsider, ann, IdentityKey(shop.inbox.realm_id, "M-1001"))


async def test_access_is_set_where_the_right_to_set_it_holds(tx, owner, shop):
    """To edit access in one inbox is no leave to do so in another one, where one may make contacts."""
    outside = await make_outsiders_inbox(tx, owner)
    makes = member(owner, Right.CONTACTS_EDIT, inboxes={shop.inbox.id})
    opens_ = member(owner, Right.CONTACTS_EDIT_ACCESS, inboxes={outside.id})
    both = replace(makes, grants=(*makes.grants, *opens_.grants))
    with pytest.raises(Forbidden):
        await create_contact(
            tx, both, fields={}, inbox_ids=[shop.inbox.id], query_metadata={}, provenance=Provenance.MEMBER
        )
