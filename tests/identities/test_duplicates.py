"""Contacts who may be one person: suggested with evidence, decided by members, never merged by themselves."""

import asyncio

import pytest
from tests.making import make_inbox, member

from frontdesk.contacts.actions import create_contact, update_contact
from frontdesk.contacts.model import CardFields, Provenance
from frontdesk.core.db import Database
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import ContactId, OrganizationId
from frontdesk.core.wire import Paging
from frontdesk.identities import searching
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.duplicate_queries import find_search
from frontdesk.identities.duplicates import keep_apart, list_duplicates, start_search
from frontdesk.identities.matching import Outcome
from frontdesk.identities.searching import MAX_BLOCK, run_search
from frontdesk.identities.source_ids import set_source_id
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.model import Caller, Right, system_caller

PAGE = Paging(50, 0)
VIEW = (Right.CONTACTS_VIEW, Right.CONTACTS_VIEW_PERSONAL)


class Desk:
    """The card file of one organization."""

    def __init__(self, db: Database, organization: OrganizationId) -> None:
        self.db, self.organization, self.owner = db, organization, system_caller(organization)

    async def add(self, *inboxes, source_id: str | None = None, **fields) -> ContactId:
        async with self.db.begin(self.organization) as tx:
            card = await create_contact(
                tx,
                self.owner,
                fields=CardFields(**fields),
                inbox_ids=[inbox.id for inbox in inboxes],
                provenance=Provenance.MEMBER,
            )
            if source_id:
                await set_source_id(tx, self.owner, card.id, source_id)
        return card.id

    async def change(self, contact_id: ContactId, **fields) -> None:
        async with self.db.begin(self.organization) as tx:
            await update_contact(tx, self.owner, contact_id, CardFields(**fields), provenance=Provenance.MEMBER)

    async def inbox(self, name: str):
        async with self.db.begin(self.organization) as tx:
            return await make_inbox(tx, self.owner, name)

    async def search(self) -> None:
        await run_search(self.db, self.organization)

    async def found(self, caller: Caller | None = None, **filters) -> list[tuple[ContactId, ContactId]]:
        async with self.db.begin(self.organization) as tx:
            page = await list_duplicates(tx, caller or self.owner, PAGE, **filters)
        assert page.count == len(page.rows)
        return [(row.first.contact.id, row.second.contact.id) for row in page.rows]

    async def apart(self, one: ContactId, other: ContactId, caller: Caller | None = None) -> None:
        async with self.db.begin(self.organization) as tx:
            await keep_apart(tx, caller or self.owner, one, other)


@pytest.fixture
def desk(db: Database, organization: OrganizationId) -> Desk:
    return Desk(db, organization)


async def test_a_pair_is_suggested_once_with_its_evidence(desk):
    """The smaller id first, whoever was made first; what is equal, near and different is told; nobody is merged."""
    line = await desk.inbox("LINE")
    one = await desk.add(name="林佳穎 Lin Chia-ying", emails=["chia@example.com"], phones=["+886912555088"])
    other = await desk.add(line, name="佳穎 Chia", emails=["Chia@example.com"], phones=["+886 912-555-088"])
    await desk.search()
    await desk.search()
    async with desk.db.begin(desk.organization) as tx:
        (pair,) = (await list_duplicates(tx, desk.owner, PAGE)).rows
    assert (pair.first.contact.id, pair.second.contact.id) == (min(one, other), max(one, other))
    told = {evidence.field: evidence.outcome for evidence in pair.evidence}
    assert told["emails"] is Outcome.EQUAL
    assert told["name"] is Outcome.NEAR
    assert 0.5 < pair.score <= 1
    assert await desk.found(inbox_id=line.id) == await desk.found(contact_id=one) == await desk.found()
    assert await desk.found(contact_id=await desk.add(name="Nobody")) == []


async def test_two_source_ids_of_one_realm_are_two_people(desk):
    """Whatever they share: the enterprise says who is who."""
    await desk.add(source_id="M-1", name="Ann Zhang", emails=["ann@example.com"], phones=["+886912345678"])
    await desk.add(source_id="M-2", name="Ann Zhang", emails=["ann@example.com"], phones=["+886912345678"])
    await desk.search()
    assert await desk.found() == []


async def test_what_many_share_suggests_nothing(desk):
    """A shared mailbox is nobody's, also when two of its people have one name."""
    for number in range(MAX_BLOCK + 1):
        await desk.add(name="Ann Zhang" if number < 2 else f"Person{number} N{number}", emails=["info@example.com"])
    await desk.search()
    assert await desk.found() == []


async def test_a_search_reads_only_what_changed(desk):
    """The pair appears when the card changes that makes it, and goes when a card no longer supports it."""
    one = await desk.add(name="Ann Zhang", emails=["ann@example.com"])
    other = await desk.add(name="A. Zhang")
    await desk.search()
    assert await desk.found() == []
    await desk.change(other, emails=["ann@example.com"])
    await desk.search()
    assert await desk.found() == [(min(one, other), max(one, other))]
    async with desk.db.begin(desk.organization) as tx:
        assert (await find_search(tx)).since is not None
    await desk.change(other, emails=["zhang@elsewhere.example"], name="Bo Lin")
    await desk.search()
    assert await desk.found() == []


async def test_kept_apart_until_something_changes(desk):
    """Deciding twice is deciding once; it is audited on both cards; a changed card brings the question back."""
    one = await desk.add(name="Ann Zhang", emails=["ann@example.com"])
    other = await desk.add(name="Ann Zhang", emails=["ann@example.com"])
    await desk.search()
    await desk.apart(other, one)
    await desk.apart(one, other)
    await desk.search()
    assert await desk.found() == []
    async with desk.db.begin(desk.organization) as tx:
        entries = [one for one in (await list_audit(tx, desk.owner, limit=9)).entries if "apart" in one.action]
    assert {entry.contact_id for entry in entries} == {one, other}
    assert len(entries) == 2
    await desk.change(one, language="en")
    await desk.search()
    assert await desk.found() == []
    await desk.change(one, phones=["+886912345678"])
    await desk.search()
    assert await desk.found() == [(one, other)]


async def test_a_deleted_contact_is_in_no_pair(desk):
    """At once, and after the next search."""
    ids = [await desk.add(name="Ann Zhang", emails=["ann@example.com"]) for _ in range(2)]
    await desk.search()
    async with desk.db.begin(desk.organization) as tx:
        await delete_contact(tx, desk.owner, ids[0])
    assert await desk.found() == []
    await desk.search()
    assert await desk.found() == []


async def test_a_member_sees_pairs_of_own_inboxes_only(desk):
    """A pair with a contact of another inbox does not exist, for looking and for deciding."""
    shop, line = await desk.inbox("Shop"), await desk.inbox("LINE")
    one = await desk.add(shop, name="Ann Zhang", emails=["ann@example.com"])
    other = await desk.add(line, name="Ann Zhang", emails=["ann@example.com"])
    await desk.search()
    limited = member(desk.owner, inboxes={shop.id})
    assert await desk.found(limited) == []
    assert await desk.found(member(desk.owner, inboxes={shop.id, line.id})) == [(one, other)]
    with pytest.raises(NotFound):
        await desk.apart(one, other, limited)
    weak = member(desk.owner, *VIEW)
    with pytest.raises(NotFound):
        await desk.apart(one, other, weak)
    with pytest.raises(InvalidRequest):
        await desk.apart(one, one)


async def test_who_may_not_see_addresses_guesses_none(desk):
    """A card made with a guessed e-mail suggests nobody to who may not see e-mails; equal names and birthdays do."""
    shop = await desk.inbox("Shop")
    plain = member(desk.owner, Right.CONTACTS_VIEW, inboxes={shop.id})
    for _ in range(2):
        await desk.add(shop, emails=["ann@example.com"], phones=["+886912345678"])
    twins = [await desk.add(shop, name="Bo Lin", attributes={"birthday": "1990-02-03"}) for _ in range(2)]
    await desk.search()
    assert len(await desk.found()) == 2
    assert await desk.found(plain) == [tuple(twins)]
    async with desk.db.begin(desk.organization) as tx:
        (pair,) = (await list_duplicates(tx, plain, PAGE)).rows
    assert {evidence.field for evidence in pair.evidence} == {"name", "attributes.birthday"}


async def test_nothing_crosses_organizations(desk, db, other_organization):
    """Equal cards in two organizations are nobody's business."""
    abroad = Desk(db, other_organization)
    one = await desk.add(name="Ann Zhang", emails=["ann@example.com"])
    other = await abroad.add(name="Ann Zhang", emails=["ann@example.com"])
    await desk.search()
    await abroad.search()
    assert await desk.found() == await abroad.found() == []
    with pytest.raises(NotFound):
        await desk.apart(one, other)


async def test_a_search_goes_on_where_it_was_cut_short(desk, monkeypatch):
    """Whichever step was the last one; two at once end as one does."""
    monkeypatch.setattr(searching, "_KEYED_AT_ONCE", 2)
    monkeypatch.setattr(searching, "_COMPARED_AT_ONCE", 1)
    pairs = set()
    for number in range(3):
        pairs.add(
            tuple([await desk.add(name=f"Person{number} Same", phones=[f"+88691234567{number}"]) for _ in range(2)])
        )
    async with desk.db.begin(desk.organization) as tx:
        assert (await start_search(tx, desk.owner)).percent == 0
        assert (await start_search(tx, desk.owner)).is_running
    for _ in range(20):
        task = asyncio.create_task(desk.search())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.gather(*(desk.search() for _ in range(3)))
    assert set(await desk.found()) == pairs
    async with desk.db.begin(desk.organization) as tx:
        search = await find_search(tx)
    assert (search.state, search.percent) == ("done", 100)
