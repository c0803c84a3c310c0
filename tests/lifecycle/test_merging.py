"""Several contacts become one."""

from itertools import pairwise

import pytest
from tests.lifecycle.people import list_homeless, make_person, owner_of, talk
from tests.making import make_base, member, opens

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.access.queries import list_assigned
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.actions import update_contact
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.queries import find_provenance, get_contact, list_inboxes_of
from frontdesk.conversations.queries import find_sender_names, list_messages
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import ContactId, new_id
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.errors import ContactMerged
from frontdesk.identities.queries import list_identities, resolve_contact_id
from frontdesk.lifecycle.errors import ContactDeleted, MergeLosesData, SelfMerge
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.organizations.audit import list_audit_of_contact
from frontdesk.organizations.model import Right


async def merge(tx, owner, survivor, *others, choices=None, **more):
    return await merge_contacts(tx, owner, survivor, others, choices=choices or {}, **more)


async def test_all_that_a_person_has_becomes_the_survivors(tx, owner, inbox, other_inbox):
    """Conversations, source ids, addresses and platforms; the old ids lead to the survivor."""
    ann = await make_person(tx, owner, inbox, "Ann", source_id="A-1", emails=["ann@example.com"])
    bob = await make_person(
        tx,
        owner,
        other_inbox,
        "",
        source_id="B-1",
        emails=["Ann@example.com", "bob@example.com"],
        phones=["+886912345678"],
    )
    talks = [await talk(tx, inbox, ann), await talk(tx, other_inbox, bob), await talk(tx, other_inbox, bob)]
    result = await merge(tx, owner, ann, bob)
    assert [await owner_of(tx, one) for one in talks] == [ann] * 3
    assert {one.source_id for one in await list_identities(tx, ann)} == {"A-1", "B-1"}
    card = await get_contact(tx, ann)
    assert card.emails == ("ann@example.com", "bob@example.com")
    assert card.phones == ("+886912345678",)
    assert {one.inbox_id for one in await list_inboxes_of(tx, ann)} == {inbox.id, other_inbox.id}
    assert await resolve_contact_id(tx, bob) == ann
    assert (result.survivor_id, result.merged_ids, result.moved["conversations"]) == (ann, (bob,), 2)
    assert await list_homeless(tx) == []


async def test_ids_lead_to_the_survivor_over_any_number_of_merges(tx, owner, inbox):
    """Every id that was ever given out keeps working."""
    people = [await make_person(tx, owner, inbox, f"P{number}") for number in range(6)]
    for former, later in pairwise(people):
        await merge(tx, owner, later, former)
    assert {await resolve_contact_id(tx, one) for one in people} == {people[-1]}


async def test_eight_go_into_one_at_once(tx, owner, inbox):
    """Nine cards, one person; a ninth beside the survivor is too many, none at all too few."""
    survivor, *others = [await make_person(tx, owner, inbox, f"P{number}") for number in range(10)]
    for wrong in ((), others):
        with pytest.raises(InvalidRequest) as refused:
            await merge(tx, owner, survivor, *wrong)
        assert refused.value.pointer == "/from"
    talks = [await talk(tx, inbox, one) for one in others[:8]]
    await merge(tx, owner, survivor, *others[:8])
    assert {await owner_of(tx, one) for one in talks} == {survivor}


async def test_what_was_written_on_purpose_stays_and_something_beats_nothing(tx, owner, inbox):
    """And who said it comes along."""
    ann = await make_person(tx, owner, inbox, "typed", provenance=Provenance.CLAIMED, attributes={"a": 1, "c": True})
    bob = await make_person(tx, owner, inbox, "Bob", language="de", attributes={"a": 2, "b": 3, "c": 1})
    await merge(tx, owner, ann, bob)
    card = await get_contact(tx, ann)
    assert (card.name, card.language, card.attributes) == ("Bob", "de", {"a": 2, "b": 3, "c": 1})
    said = await find_provenance(tx, ann)
    assert {said[field].provenance for field in ("name", "language", "attributes.a")} == {Provenance.MEMBER}


async def test_else_the_survivors_value_stays_unless_one_is_chosen(tx, owner, inbox):
    """A choice names the card whose value stays, also of an attribute."""
    people = [
        await make_person(tx, owner, inbox, name, attributes={"level": name, "team": name}) for name in ("A", "B", "C")
    ]
    ann, bob, cid = people
    await merge(tx, owner, ann, bob, cid, choices={"attributes.level": cid})
    card = await get_contact(tx, ann)
    assert (card.name, card.attributes) == ("A", {"level": "C", "team": "A"})


@pytest.mark.parametrize("field", ["nickname", "attributes.none", "emails"])
async def test_a_choice_of_nothing_is_refused_at_its_place(tx, owner, inbox, field):
    """A wrong field, and a card that is not among them."""
    ann, bob = [await make_person(tx, owner, inbox, name) for name in ("A", "B")]
    for wrong in ({field: bob}, {"name": new_id()}):
        with pytest.raises(InvalidRequest) as refused:
            await merge(tx, owner, ann, bob, choices=wrong)
        assert refused.value.pointer == f"/choices/{next(iter(wrong))}"


async def test_access_stays_the_survivors_until_a_wider_one_is_accepted(tx, owner, inbox):
    """Profiles unite only when somebody who may change access says so."""
    base = await make_base(tx, "VIP offers")
    profile, _ = await create_profile(
        tx, owner, {"name": "VIP", "query_metadata": opens(base), "minimum_assurance": Assurance.CHANNEL}
    )
    people = [await make_person(tx, owner, inbox, name) for name in ("A", "B", "C", "D")]
    for vip in people[1::2]:
        await assign_profile(tx, owner, vip, profile.id)
    await merge(tx, owner, people[0], people[1])
    assert await list_assigned(tx, people[0]) == []
    cannot = member(owner, Right.CONTACTS_MERGE, Right.CONTACTS_VIEW, Right.CONTACTS_VIEW_PERSONAL)
    with pytest.raises(Forbidden) as refused:
        await merge(tx, cannot, people[2], people[3], accept_wider_access=True)
    assert refused.value.facts == {"right": "contacts.edit_access"}
    await merge(tx, owner, people[2], people[3], accept_wider_access=True)
    assert [one.profile.id for one in await list_assigned(tx, people[2])] == [profile.id]


async def test_whoever_is_blocked_stays_blocked(tx, owner, inbox):
    """A block does not end by becoming somebody else."""
    ann, bob = [await make_person(tx, owner, inbox, name) for name in ("A", "B")]
    sql = "UPDATE contacts SET blocked_at = now(), blocked_by = 'Mia', block_reason = 'spam' WHERE id = %(id)s"
    await tx.execute(sql, {"id": bob})
    await merge(tx, owner, ann, bob)
    row = await tx.fetch_one("SELECT blocked_by, block_reason FROM contacts WHERE id = %(id)s", {"id": ann})
    assert row == ("Mia", "spam")


async def test_more_than_a_card_can_hold_is_refused_and_nothing_happens(tx, owner, inbox):
    """Twenty e-mails are the limit; nothing is thrown away to keep it."""
    ann, bob = [
        await make_person(tx, owner, inbox, name, emails=[f"{name}{number}@example.com" for number in range(11)])
        for name in ("a", "b")
    ]
    with pytest.raises(MergeLosesData) as refused:
        await merge(tx, owner, ann, bob)
    assert refused.value.pointer == "/emails"
    assert await resolve_contact_id(tx, bob) == bob


async def test_a_merge_twice_is_a_merge_once(tx, owner, inbox):
    """The second answer is the first one; a third contact joins on its own."""
    ann, bob, cid = [await make_person(tx, owner, inbox, name) for name in ("A", "B", "C")]
    first = await merge(tx, owner, ann, bob)
    assert await merge(tx, owner, ann, bob) == first
    second = await merge(tx, owner, ann, bob, cid)
    assert second.merge_id != first.merge_id
    assert second.merged_ids == (cid,)


async def test_what_cannot_be_merged_says_why(tx, owner, inbox):
    """Oneself, somebody merged into a third, somebody deleted, nobody."""
    ann, bob, cid, dan = [await make_person(tx, owner, inbox, name) for name in ("A", "B", "C", "D")]
    await merge(tx, owner, ann, bob)
    await delete_contact(tx, owner, dan)
    for survivor, other, error in (
        (ann, ann, SelfMerge),
        (cid, bob, ContactMerged),
        (bob, cid, ContactMerged),
        (cid, dan, ContactDeleted),
        (dan, cid, ContactDeleted),
        (cid, ContactId(new_id()), NotFound),
    ):
        with pytest.raises(error):
            await merge(tx, owner, survivor, other)


async def test_the_right_is_needed_on_both_sides(tx, owner, inbox, other_inbox):
    """Whoever may merge in one inbox only does not see the other contact."""
    ann, bob = await make_person(tx, owner, inbox, "A"), await make_person(tx, owner, other_inbox, "B")
    half = member(owner, inboxes={inbox.id})
    for survivor, other in ((ann, bob), (bob, ann)):
        with pytest.raises(NotFound):
            await merge(tx, half, survivor, other)
    with pytest.raises(Forbidden):
        await merge(tx, member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_EDIT), ann, bob)
    await merge(tx, member(owner, inboxes={inbox.id, other_inbox.id}), ann, bob)


async def test_hidden_addresses_are_not_uncovered_by_a_merge(tx, owner, inbox):
    """Without the right to see e-mails and phones, cards that have some are not merged."""
    ann, bob = (
        await make_person(tx, owner, inbox, "A"),
        await make_person(tx, owner, inbox, "B", emails=["b@example.com"]),
    )
    blind = member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_MERGE)
    with pytest.raises(Forbidden) as refused:
        await merge(tx, blind, ann, bob)
    assert refused.value.facts == {"right": "contacts.view_personal"}


async def test_the_log_of_each_card_tells(tx, owner, inbox):
    """Both bodies stand in it, under the names by which personal values are hidden."""
    ann, bob = (
        await make_person(tx, owner, inbox, "A"),
        await make_person(tx, owner, inbox, "B", emails=["b@example.com"]),
    )
    result = await merge(tx, owner, ann, bob)
    for contact in (ann, bob):
        page = await list_audit_of_contact(tx, owner, contact, frozenset({inbox.id}), limit=1)
        assert page.entries[0].action == "contact.merged"
        payload = page.entries[0].payload
        assert (payload["merge"], payload["survivor"]["id"]) == (str(result.merge_id), str(ann))
        assert [one["emails"] for one in payload["merged"]] == [["b@example.com"]]
    blind = member(owner, Right.AUDIT_VIEW)
    page = await list_audit_of_contact(tx, blind, ann, frozenset({inbox.id}), limit=1)
    assert "b@example.com" not in str(page.entries[0].payload)


async def test_a_descriptive_write_reaches_the_survivor(tx, owner, inbox):
    """By the survivor's own id here; `test_merge_routes` writes by the old one."""
    ann, bob = await make_person(tx, owner, inbox, "A"), await make_person(tx, owner, inbox, "B")
    await merge(tx, owner, ann, bob)
    await update_contact(tx, owner, ann, {"name": "Anna"}, provenance=Provenance.MEMBER)
    with pytest.raises(NotFound):
        await update_contact(tx, owner, bob, {"name": "Bobby"}, provenance=Provenance.MEMBER)


async def test_a_thread_names_who_the_person_is_now(tx, owner, inbox):
    """Messages are stored under the id of then; they are shown under the name of the survivor."""
    ann, bob = [await make_person(tx, owner, inbox, name) for name in ("Ann", "Bob")]
    conversation = await talk(tx, inbox, bob)
    await merge(tx, owner, ann, bob)
    (message,) = await list_messages(tx, conversation.id)
    assert await find_sender_names(tx, [message.id]) == {message.id: "Ann"}
