"""Cards, as members, keys and proofs write them."""

import asyncio
from datetime import timedelta

import pytest
from tests.making import make_inbox, member

from frontdesk.contacts import queries
from frontdesk.contacts.access import access_contact, sees_personal
from frontdesk.contacts.actions import (
    create_anonymous,
    create_contact,
    provenance_of,
    refresh_card,
    set_inboxes,
    update_contact,
)
from frontdesk.contacts.model import Provenance
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound, PreconditionFailed
from frontdesk.core.ids import ContactId, InboxId, new_id
from frontdesk.core.text import utc_now
from frontdesk.organizations.audit import list_audit_of_contact
from frontdesk.organizations.model import Right, system_caller

MEMBER, API, SIGNED, CLAIMED = Provenance.MEMBER, Provenance.API, Provenance.SIGNED, Provenance.CLAIMED


async def make_ann(tx, caller, *inboxes, provenance=MEMBER, **fields):
    written = {"name": "Ann", "emails": ["ann@example.com"]} | fields
    ids = [inbox.id for inbox in inboxes]
    return await create_contact(tx, caller, fields=written, inbox_ids=ids, provenance=provenance)


async def test_a_card_is_kept_as_it_was_made(tx, owner):
    """Every field comes back in its one form, with who said it."""
    ann = await make_ann(
        tx, owner, phones=["+886 2 1234 5678"], language="zh-Hant", attributes={"level": "vip", "tags": ["a", 1]}
    )
    assert await queries.get_contact(tx, ann.id) == ann
    assert (ann.emails, ann.phones, ann.version) == (("ann@example.com",), ("+886212345678",), 1)
    said = await queries.find_provenance(tx, ann.id)
    assert said.keys() == {"name", "emails", "phones", "language", "attributes.level", "attributes.tags"}
    assert {(one.provenance, one.set_by) for one in said.values()} == {(MEMBER, owner.name)}


async def test_a_change_is_audited_and_raises_the_version(tx, owner):
    """One entry names each field with what it was and is; what was not written stays."""
    ann = await make_ann(tx, owner, attributes={"level": "vip", "city": "Taipei"})
    fields = {"name": "Ann Lee", "attributes": {"level": "gold", "city": None}}
    changed = await update_contact(tx, owner, ann.id, fields, provenance=MEMBER)
    assert (changed.name, changed.emails, changed.attributes, changed.version) == (
        "Ann Lee",
        ann.emails,
        {"level": "gold"},
        2,
    )
    assert await queries.get_contact(tx, ann.id) == changed
    page = await list_audit_of_contact(tx, owner, ann.id, frozenset(), limit=1)
    assert (page.entries[0].action, page.count) == ("contact.updated", 2)
    assert page.entries[0].payload["changes"] == {
        "name": {"before": "Ann", "after": "Ann Lee"},
        "attributes.level": {"before": "vip", "after": "gold"},
        "attributes.city": {"before": "Taipei", "after": None},
    }


async def test_writing_what_is_there_changes_nothing(tx, owner):
    """No version, no audit entry, and who said it stays: saving a form is not saying all of it again."""
    ann = await make_ann(tx, owner, provenance=API, attributes={"big": 1e22, "n": 1.5})
    same = {"name": " Ann ", "emails": ["ann@EXAMPLE.com"], "attributes": {"big": 1e22, "n": 1.5}}
    assert await update_contact(tx, owner, ann.id, same, provenance=MEMBER) == await queries.get_contact(tx, ann.id)
    assert (await queries.get_contact(tx, ann.id)).version == 1
    assert (await queries.find_provenance(tx, ann.id))["name"].provenance is API
    assert (await list_audit_of_contact(tx, owner, ann.id, frozenset(), limit=9)).count == 1


async def test_a_lost_update_is_refused(tx, owner):
    """Whoever read version 1 does not overwrite version 2, and learns which one is present."""
    ann = await make_ann(tx, owner)
    await update_contact(tx, owner, ann.id, {"name": "B"}, if_version=1, provenance=MEMBER)
    with pytest.raises(PreconditionFailed) as refused:
        await update_contact(tx, owner, ann.id, {"name": "C"}, if_version=1, provenance=MEMBER)
    assert refused.value.facts == {"version": 2}


async def test_of_two_writers_at_once_one_is_refused(db, organization):
    """The card is locked before it is read, so the second one sees what the first one wrote."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        ann = await make_ann(tx, caller)

    async def write(mail: str) -> bool:
        try:
            async with db.begin(organization) as tx:
                await update_contact(tx, caller, ann.id, {"emails": [mail]}, if_version=1, provenance=MEMBER)
        except PreconditionFailed:
            return False
        return True

    results = await asyncio.gather(*(write(f"ann{number}@example.com") for number in range(8)))
    async with db.begin(organization) as tx:
        card = await queries.get_contact(tx, ann.id)
    assert (results.count(True), card.version) == (1, 2)
    assert card.emails == (f"ann{results.index(True)}@example.com",)


async def test_writers_at_once_lose_nothing(db, organization):
    """Without a version to hold on to, each write lands on top of the one before."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        ann = await make_ann(tx, caller)

    async def write(number: int) -> None:
        async with db.begin(organization) as tx:
            await update_contact(tx, caller, ann.id, {"attributes": {f"a{number}": number}}, provenance=API)

    await asyncio.gather(*(write(number) for number in range(8)))
    async with db.begin(organization) as tx:
        card = await queries.get_contact(tx, ann.id)
    assert (card.version, card.attributes) == (9, {f"a{number}": number for number in range(8)})


async def test_a_card_has_room_for_so_many_attributes(tx, owner):
    """The limit counts what is there already."""
    ann = await make_ann(tx, owner, attributes={f"a{number}": 1 for number in range(100)})
    with pytest.raises(InvalidRequest) as refused:
        await update_contact(tx, owner, ann.id, {"attributes": {"one more": 1}}, provenance=MEMBER)
    assert refused.value.pointer == "/attributes"
    refreshed = await refresh_card(tx, ann.id, {"language": "en", "attributes": {"one more": 1}}, SIGNED)
    assert (refreshed.language, len(refreshed.attributes)) == ("en", 100)


# --- proofs ---


async def test_a_refresh_respects_who_said_what(tx, owner):
    """A signed refresh replaces the API's word and leaves a member's; a claim replaces neither."""
    ann = await make_ann(tx, owner, provenance=API)
    await update_contact(tx, owner, ann.id, {"language": "en"}, provenance=MEMBER)
    claimed = {"name": "Hacker", "language": "xx", "attributes": {"level": "vip"}}
    assert (await refresh_card(tx, ann.id, claimed, CLAIMED)).name == "Ann"
    signed = {"name": "Ann Lee", "language": "zh", "attributes": {"level": "basic"}}
    card = await refresh_card(tx, ann.id, signed, SIGNED)
    assert (card.name, card.language, card.attributes) == ("Ann Lee", "en", {"level": "basic"})
    again = await refresh_card(tx, ann.id, claimed, CLAIMED)
    assert again == card


async def test_a_refresh_leaves_out_what_cannot_be_kept(tx, owner):
    """A bad e-mail in a good proof costs the e-mail, not the proof."""
    ann = await make_ann(tx, owner, provenance=API)
    card = await refresh_card(tx, ann.id, {"name": "Ann Lee", "emails": ["nonsense"]}, SIGNED)
    assert (card.name, card.emails) == ("Ann Lee", ("ann@example.com",))


async def test_a_proof_that_repeats_a_claim_makes_it_trustworthy(tx, owner):
    """The value stays and its version, too; what counts from now on is that it was signed."""
    inbox = await make_inbox(tx, owner)
    visitor = await create_anonymous(tx, inbox.id, now=utc_now())
    card = await refresh_card(tx, visitor, {"name": "Ann"}, CLAIMED)
    assert await refresh_card(tx, visitor, {"name": "Ann"}, SIGNED) == card
    assert (await queries.find_provenance(tx, visitor))["name"].provenance is SIGNED
    assert await refresh_card(tx, visitor, {"name": "Bob"}, CLAIMED) == card
    await refresh_card(tx, visitor, {"name": "Ann"}, CLAIMED)
    assert (await queries.find_provenance(tx, visitor))["name"].provenance is SIGNED


async def test_refreshing_nobody_is_not_found(tx):
    """A proof never makes a card here."""
    with pytest.raises(NotFound):
        await refresh_card(tx, ContactId(new_id()), {"name": "Ann"}, SIGNED)


# --- inboxes and who sees what ---


async def test_a_visitor_has_a_card_in_the_inbox_it_wrote_through(tx, owner):
    """Made at the first message, seen there, with nothing known."""
    inbox, now = await make_inbox(tx, owner), utc_now()
    visitor = await queries.get_contact(tx, await create_anonymous(tx, inbox.id, now=now))
    [seen] = await queries.list_inboxes_of(tx, visitor.id)
    assert (visitor.name, visitor.last_seen_at, visitor.attributes) == ("", now, {})
    assert (seen.inbox_id, seen.name, seen.first_seen_at, seen.last_seen_at) == (inbox.id, inbox.name, now, now)


async def test_first_and_last_seen(tx, owner):
    """A card made in advance was never seen; the first visit stays the first; another inbox is added."""
    inbox, other, now = await make_inbox(tx, owner), await make_inbox(tx, owner, "Other"), utc_now()
    ann = await make_ann(tx, owner, inbox)
    [made] = await queries.list_inboxes_of(tx, ann.id)
    assert (made.first_seen_at, made.last_seen_at) == (None, None)
    for minutes, place in ((0, inbox), (1, inbox), (2, other)):
        await queries.touch_inbox(tx, ann.id, place.id, now + timedelta(minutes=minutes))
    seen = {one.name: one for one in await queries.list_inboxes_of(tx, ann.id)}
    assert (seen["Shop web"].first_seen_at, seen["Shop web"].last_seen_at) == (now, now + timedelta(minutes=1))
    assert seen["Other"].first_seen_at == now + timedelta(minutes=2)
    card = await queries.get_contact(tx, ann.id)
    assert (card.last_seen_at, card.version) == (now + timedelta(minutes=2), 1)


async def test_a_contact_is_seen_through_a_shared_inbox(tx, owner):
    """A member limited to one inbox sees its contacts, no others, and none without an inbox."""
    mine, theirs = await make_inbox(tx, owner, "Mine"), await make_inbox(tx, owner, "Theirs")
    both, other, nowhere = (
        await make_ann(tx, owner, mine, theirs),
        await make_ann(tx, owner, theirs),
        await make_ann(tx, owner),
    )
    agent = member(owner, Right.CONTACTS_VIEW, inboxes={mine.id})
    assert await access_contact(tx, agent, both.id, Right.CONTACTS_VIEW) == both
    for hidden in (other, nowhere):
        with pytest.raises(NotFound):
            await access_contact(tx, agent, hidden.id, Right.CONTACTS_VIEW)
    with pytest.raises(NotFound):
        await access_contact(tx, agent, both.id, Right.CONTACTS_EDIT)
    assert await access_contact(tx, owner, nowhere.id, Right.CONTACTS_VIEW) == nowhere


async def test_another_organizations_contact_is_not_found(tx, owner, db, other_organization):
    """Not even with every right."""
    async with db.begin(other_organization) as theirs:
        foreign = await make_ann(theirs, system_caller(other_organization))
    with pytest.raises(NotFound):
        await access_contact(tx, owner, foreign.id, Right.CONTACTS_VIEW)
    assert await queries.find_contact(tx, foreign.id) is None


async def test_personal_fields_take_a_right_to_write(tx, owner):
    """Who cannot see an e-mail cannot replace it by what was shown instead."""
    inbox, other = await make_inbox(tx, owner), await make_inbox(tx, owner, "Other")
    ann = await make_ann(tx, owner, inbox)
    blind = member(owner, Right.CONTACTS_EDIT)
    with pytest.raises(Forbidden):
        await update_contact(tx, blind, ann.id, {"name": "B", "emails": []}, provenance=MEMBER)
    assert (await update_contact(tx, blind, ann.id, {"name": "B"}, provenance=MEMBER)).name == "B"
    assert sees_personal(owner, []) is True
    seer = member(owner, Right.CONTACTS_VIEW_PERSONAL, inboxes={inbox.id})
    assert (sees_personal(seer, [inbox.id, other.id]), sees_personal(seer, [other.id])) == (True, False)


async def test_a_limited_member_makes_contacts_in_own_inboxes_only(tx, owner):
    """An inbox of others looks like one that does not exist; without any, the card would be lost to its maker."""
    mine, theirs = await make_inbox(tx, owner, "Mine"), await make_inbox(tx, owner, "Theirs")
    agent = member(owner, Right.CONTACTS_EDIT, inboxes={mine.id})
    for chosen in ([], [theirs.id], [mine.id, theirs.id], [mine.id, InboxId(new_id())]):
        with pytest.raises(InvalidRequest) as refused:
            await create_contact(tx, agent, fields={"name": "Ann"}, inbox_ids=chosen, provenance=MEMBER)
        assert refused.value.pointer == "/inboxes"
    ann = await create_contact(tx, agent, fields={"name": "Ann"}, inbox_ids=[mine.id], provenance=MEMBER)
    assert await access_contact(tx, agent, ann.id, Right.CONTACTS_EDIT) == ann


async def test_making_a_contact_with_access_takes_the_right_to_give_access(tx, owner):
    """An agent may add a card and not open documents with it."""
    agent = member(owner, Right.CONTACTS_EDIT)
    for access in ({"query_metadata": {}}, {"profiles_mode": "add"}):
        with pytest.raises(Forbidden):
            await create_contact(tx, agent, fields={"name": "Ann"}, inbox_ids=[], provenance=MEMBER, **access)


async def test_a_limited_member_moves_contacts_among_own_inboxes_only(tx, owner):
    """What others put a contact into stays; the contact stays in one of the member's own."""
    mine, second, theirs = [await make_inbox(tx, owner, name) for name in ("Mine", "Second", "Theirs")]
    ann = await make_ann(tx, owner, mine, theirs)
    agent = member(owner, Right.CONTACTS_EDIT, inboxes={mine.id, second.id})
    await set_inboxes(tx, agent, ann.id, [second.id])
    assert {inbox.inbox_id for inbox in await queries.list_inboxes_of(tx, ann.id)} == {second.id, theirs.id}
    assert (await queries.get_contact(tx, ann.id)).version == 2
    with pytest.raises(InvalidRequest):
        await set_inboxes(tx, agent, ann.id, [])
    with pytest.raises(InvalidRequest):
        await set_inboxes(tx, owner, ann.id, [InboxId(new_id())])
    await set_inboxes(tx, owner, ann.id, [])
    assert await queries.list_inboxes_of(tx, ann.id) == []


async def test_who_writes_decides_the_provenance(owner):
    """Members and operators write as members."""
    assert provenance_of(owner) is MEMBER
    assert provenance_of(member(owner)) is MEMBER
