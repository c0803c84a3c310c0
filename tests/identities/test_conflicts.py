"""What a proof says that does not fit: recorded once, settled by a member, and nobody's card is touched."""

import asyncio

import pytest
from tests.identities.tokens import NOW
from tests.making import make_inbox, member

from frontdesk.contacts import queries as contacts
from frontdesk.contacts.actions import create_contact, refresh_card, update_contact
from frontdesk.contacts.model import CardFields, Provenance
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.wire import Paging
from frontdesk.identities.conflict_queries import ConflictKind, Resolution
from frontdesk.identities.conflicts import SHARED_BY_MOST, list_conflicts, settle_conflict
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.duplicate_queries import insert_ignored
from frontdesk.identities.errors import ConflictSettled
from frontdesk.identities.matching import hash_identifier
from frontdesk.organizations.audit import HIDDEN, blank_personal, list_audit
from frontdesk.organizations.model import Right, system_caller

PAGE = Paging(50, 0)
EMAIL = "family@example.com"


async def open_conflicts(tx, caller, **filters):
    conflicts, count = await list_conflicts(tx, caller, PAGE, **filters)
    assert count == len(conflicts)
    return conflicts


async def test_two_proofs_with_one_email_stay_two_people(tx, owner, shop):
    """One conflict, however often they come; the value is told; neither card changes by it."""
    ann = (await shop.open(tx, "M-1", name="Ann", email=EMAIL)).contact_id
    bo = (await shop.open(tx, "M-2", name="Bo", email=EMAIL.upper())).contact_id
    cards = [await contacts.get_contact(tx, one) for one in (ann, bo)]
    for source_id in ("M-1", "M-2", "M-1"):
        await shop.open(tx, source_id, email=EMAIL)
    (conflict,) = await open_conflicts(tx, owner)
    assert conflict.stated.kind is ConflictKind.SHARED_EMAIL
    assert {conflict.first.contact.id, conflict.second.contact.id} == {ann, bo}
    assert conflict.first.contact.id < conflict.second.contact.id
    assert conflict.stated.said == EMAIL
    assert [await contacts.get_contact(tx, one) for one in (ann, bo)] == cards


async def test_a_phone_that_a_member_wrote_elsewhere(tx, owner, shop):
    """Deliberate counts like proven; what was only claimed counts as nothing."""
    fields = CardFields(name="Kept", phones=["+886912345678"])
    kept = await create_contact(tx, owner, fields=fields, inbox_ids=[], provenance=Provenance.IMPORT)
    typed = await create_contact(tx, owner, fields={}, inbox_ids=[], provenance=Provenance.MEMBER)
    await refresh_card(tx, typed.id, CardFields(phones=["+886912345678"], emails=[EMAIL]), Provenance.CLAIMED)
    ann = (await shop.open(tx, "M-1", phone_number="+886 912-345-678", email=EMAIL)).contact_id
    (conflict,) = await open_conflicts(tx, owner)
    assert conflict.stated.kind is ConflictKind.SHARED_PHONE
    assert (conflict.stated.first_id, conflict.stated.second_id) == (min(ann, kept.id), max(ann, kept.id))


async def test_what_many_share_is_no_conflict(tx, owner, shop):
    """A shared mailbox, or an address that the organization ignores."""
    for number in range(SHARED_BY_MOST + 1):
        fields = CardFields(name=f"P{number}", emails=["info@example.com"])
        await create_contact(tx, owner, fields=fields, inbox_ids=[], provenance=Provenance.MEMBER)
    fields = CardFields(emails=["office@example.com"])
    await create_contact(tx, owner, fields=fields, inbox_ids=[], provenance=Provenance.MEMBER)
    await insert_ignored(tx, hash_identifier("Office@example.com"), ignored_by="Mia", now=NOW)
    await shop.open(tx, "M-1", email="info@example.com")
    await shop.open(tx, "M-2", email="office@example.com")
    assert await open_conflicts(tx, owner) == []


async def test_a_proof_that_disagrees_with_a_member(tx, owner, shop):
    """The member's name stays; the conflict shows both; the next proof that agrees takes it back."""
    ann = (await shop.open(tx, "M-1", name="Ann", attributes={"level": "gold"})).contact_id
    fields = CardFields(name="Ann Zhang", attributes={"level": "silver"})
    await update_contact(tx, owner, ann, fields, provenance=Provenance.MEMBER)
    for _ in range(2):
        await shop.open(tx, "M-1", name="Anne", attributes={"level": "silver"}, picture="https://a.example/a.png")
    (conflict,) = await open_conflicts(tx, owner)
    assert conflict.second is None
    assert (conflict.stated.field, conflict.stated.said, conflict.stated.kept) == ("name", "Anne", "Ann Zhang")
    assert (await contacts.get_contact(tx, ann)).name == "Ann Zhang"
    await shop.open(tx, "M-1", name="Ann Zhang")
    assert await open_conflicts(tx, owner) == []


async def test_a_settled_disagreement_opens_when_the_card_changes(tx, owner, shop):
    """Dismissed once is dismissed as long as both say what they said."""
    ann = (await shop.open(tx, "M-1", name="Ann")).contact_id
    await update_contact(tx, owner, ann, CardFields(name="Ann Zhang"), provenance=Provenance.MEMBER)
    await shop.open(tx, "M-1", name="Anne")
    (conflict,) = await open_conflicts(tx, owner)
    await settle_conflict(tx, owner, conflict.id, Resolution.DISMISSED)
    await shop.open(tx, "M-1", name="Anne")
    assert await open_conflicts(tx, owner) == []
    assert [one.id for one in await open_conflicts(tx, owner, state="settled")] == [conflict.id]
    await update_contact(tx, owner, ann, CardFields(name="Ann Zhang-Lee"), provenance=Provenance.MEMBER)
    await shop.open(tx, "M-1", name="Anne")
    assert [one.stated.kept for one in await open_conflicts(tx, owner)] == ["Ann Zhang-Lee"]


async def test_accepting_what_the_proof_says(tx, owner, shop):
    """The proven value stands on the card, as the member's; repeating changes nothing; another decision comes too late."""
    ann = (await shop.open(tx, "M-1", name="Ann")).contact_id
    await update_contact(tx, owner, ann, CardFields(name="Ann Zhang"), provenance=Provenance.MEMBER)
    await shop.open(tx, "M-1", name="Anne")
    (conflict,) = await open_conflicts(tx, owner)
    with pytest.raises(InvalidRequest):
        await settle_conflict(tx, owner, conflict.id, Resolution.KEPT_APART)
    settled = await settle_conflict(tx, owner, conflict.id, Resolution.ACCEPTED)
    card = await contacts.get_contact(tx, ann)
    assert card.name == "Anne"
    assert (await contacts.find_provenance(tx, ann))["name"].provenance is Provenance.MEMBER
    assert await settle_conflict(tx, owner, conflict.id, Resolution.ACCEPTED) == settled
    assert await contacts.get_contact(tx, ann) == card
    with pytest.raises(ConflictSettled):
        await settle_conflict(tx, owner, conflict.id, Resolution.DISMISSED)


async def test_keeping_two_apart_is_audited_on_both(tx, owner, shop):
    """The address is hidden from readers of the log who may not see it; neither of the two can be taken."""
    ann = (await shop.open(tx, "M-1", email=EMAIL)).contact_id
    bo = (await shop.open(tx, "M-2", email=EMAIL)).contact_id
    (conflict,) = await open_conflicts(tx, owner)
    for unfitting in (Resolution.ACCEPTED, Resolution.MERGED):
        with pytest.raises(InvalidRequest):
            await settle_conflict(tx, owner, conflict.id, unfitting)
    await settle_conflict(tx, owner, conflict.id, Resolution.KEPT_APART)
    await shop.open(tx, "M-2", email=EMAIL)
    assert await open_conflicts(tx, owner) == []
    entries = [
        one for one in (await list_audit(tx, owner, limit=20)).entries if one.action.endswith("conflict_settled")
    ]
    assert {entry.contact_id for entry in entries} == {ann, bo}
    assert blank_personal(entries[0].payload)["emails"] == HIDDEN
    assert EMAIL not in str(blank_personal(entries[0].payload))


async def test_who_sees_a_conflict(tx, owner, shop):
    """Both contacts are in own inboxes, and e-mails may be seen; to settle it takes contacts.merge there."""
    other = await make_inbox(tx, owner, "Other")
    await shop.open(tx, "M-1", email=EMAIL)
    fields = CardFields(name="Bo", emails=[EMAIL])
    await create_contact(tx, owner, fields=fields, inbox_ids=[other.id], provenance=Provenance.MEMBER)
    await shop.open(tx, "M-1", email=EMAIL)
    (conflict,) = await open_conflicts(tx, owner)
    assert await open_conflicts(tx, owner, inbox_id=other.id) == [conflict]
    everything = {shop.inbox.id, other.id}
    for blind in (
        member(owner, inboxes={shop.inbox.id}),
        member(owner, inboxes={other.id}),
        member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_MERGE, inboxes=everything),
    ):
        assert await open_conflicts(tx, blind) == []
        with pytest.raises(NotFound):
            await settle_conflict(tx, blind, conflict.id, Resolution.DISMISSED)
    reader = member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_VIEW_PERSONAL, inboxes=everything)
    assert [one.id for one in await open_conflicts(tx, reader)] == [conflict.id]
    with pytest.raises(NotFound):
        await settle_conflict(tx, reader, conflict.id, Resolution.DISMISSED)
    assert (await settle_conflict(tx, member(owner), conflict.id, Resolution.DISMISSED)).settled_by == "Mia Member"


async def test_a_conflict_with_a_deleted_contact_waits_for_nobody(tx, owner, shop):
    """There is nothing to settle any more."""
    ann = (await shop.open(tx, "M-1", email=EMAIL)).contact_id
    await shop.open(tx, "M-2", email=EMAIL)
    (conflict,) = await open_conflicts(tx, owner)
    await delete_contact(tx, owner, ann)
    assert await open_conflicts(tx, owner) == []
    with pytest.raises(NotFound):
        await settle_conflict(tx, owner, conflict.id, Resolution.DISMISSED)


async def test_people_who_share_an_address_sign_in_at_once(db, organization, open_for_all):
    """No two wait for each other, no conflict is recorded twice, and each is somebody of their own."""
    owner = system_caller(organization)

    async def sign_in(number):
        async with db.begin(organization) as tx:
            return (await open_for_all.open(tx, f"M-{number % 4}", email=EMAIL, name=f"P{number % 4}")).contact_id

    opened = await asyncio.gather(*(sign_in(number) for number in range(24)))
    opened += await asyncio.gather(*(sign_in(number) for number in range(24)))
    assert len(set(opened)) == 4
    async with db.begin(organization) as tx:
        found = await open_conflicts(tx, owner)
    assert len({(one.stated.first_id, one.stated.second_id) for one in found}) == len(found) == 6


async def test_members_settle_one_conflict_at_once(db, organization, open_for_all):
    """One decision counts; whoever decided otherwise is told."""
    owner = system_caller(organization)
    async with db.begin(organization) as tx:
        await open_for_all.open(tx, "M-1", email=EMAIL)
        await open_for_all.open(tx, "M-2", email=EMAIL)
        (conflict,) = await open_conflicts(tx, owner)

    async def settle(resolution):
        async with db.begin(organization) as tx:
            return (await settle_conflict(tx, owner, conflict.id, resolution)).resolution

    wanted = [Resolution.KEPT_APART, Resolution.DISMISSED] * 4
    outcomes = await asyncio.gather(*map(settle, wanted), return_exceptions=True)
    decided = {one for one in outcomes if isinstance(one, Resolution)}
    assert len(decided) == 1
    assert sum(isinstance(one, ConflictSettled) for one in outcomes) == 4
