"""The list of contacts: what is found, in which order, and by whom."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.identities.tokens import NOW
from tests.making import make_inbox, member

from frontdesk.channels.model import Inbox
from frontdesk.contacts.actions import create_anonymous, create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.core.errors import Forbidden, InvalidRequest
from frontdesk.core.ids import ContactId
from frontdesk.core.wire import Paging
from frontdesk.identities import listing
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.errors import InvalidSourceId
from frontdesk.identities.listing import ContactFilters, ContactPage, Order, list_contacts
from frontdesk.identities.source_ids import set_source_id
from frontdesk.organizations.model import Caller, Grant, Right

ALL = Paging(50, 0)


@dataclass(frozen=True)
class People:
    """Ann and Bob are known, one visitor is not; Bob is in another inbox only."""

    shop: Inbox
    beside: Inbox
    ann: ContactId
    bob: ContactId
    visitor: ContactId

    def names(self, page: ContactPage) -> list[str]:
        who = {self.ann: "ann", self.bob: "bob", self.visitor: "visitor"}
        return [who[view.contact.id] for view in page.rows]


@pytest.fixture
async def people(tx, owner, shop) -> People:
    beside = await make_inbox(tx, owner, "Beside")
    return People(
        shop=shop.inbox,
        beside=beside,
        ann=await made(tx, owner, "M-1001", shop.inbox, name="Ann 100% Lee", emails=["ann@example.com"]),
        bob=await made(tx, owner, "m_1001", beside, name="王小明", phones=["+886 912-345-678"]),
        visitor=await create_anonymous(tx, shop.inbox.id, now=NOW + timedelta(days=1)),
    )


async def made(tx, owner, source_id, *inboxes, **fields):
    ids = [inbox.id for inbox in inboxes]
    card = await create_contact(tx, owner, fields=fields, inbox_ids=ids, provenance=Provenance.MEMBER)
    if source_id:
        await set_source_id(tx, owner, card.id, source_id)
    return card.id


async def names(tx, caller, people, **filters) -> set[str]:
    page = await list_contacts(tx, caller, ContactFilters(**filters), ALL)
    assert page.count == len(page.rows)
    return set(people.names(page))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"ann", "bob", "visitor"}),
        ("ann", {"ann"}),
        ("LEE", {"ann"}),
        ("小明", {"bob"}),
        ("ANN@example", {"ann"}),
        ("0912", set()),
        ("912-345", {"bob"}),
        ("+886 912 345 678", {"bob"}),
        ("M-10", {"ann"}),
        ("1001", {"ann", "bob"}),
        ("%", {"ann"}),
        ("_", {"bob"}),
        ("100%", {"ann"}),
        ("\\", set()),
        ("' OR true --", set()),
        ("nobody", set()),
    ],
)
async def test_search(tx, owner, people, query, found):
    """A part of name, e-mail, phone or source id, in any case; what stands for itself is no wildcard."""
    assert await names(tx, owner, people, query=query) == found


async def test_a_contact_is_found_by_its_id(tx, owner, people):
    """Copied from anywhere, with or without hyphens."""
    assert await names(tx, owner, people, query=str(people.visitor)) == {"visitor"}
    assert await names(tx, owner, people, query=people.ann.hex.upper()) == {"ann"}


async def test_filters(tx, owner, people):
    """Kind, inboxes and the exact source id, alone and together; all must hold."""
    shop, beside = people.shop.id, people.beside.id
    assert await names(tx, owner, people, kind="known") == {"ann", "bob"}
    assert await names(tx, owner, people, kind="anonymous") == {"visitor"}
    assert await names(tx, owner, people, inbox_ids=(shop,)) == {"ann", "visitor"}
    assert await names(tx, owner, people, inbox_ids=(shop, beside)) == {"ann", "bob", "visitor"}
    assert await names(tx, owner, people, inbox_ids=()) == set()
    assert await names(tx, owner, people, source_id="M-1001") == {"ann"}
    assert await names(tx, owner, people, source_id="m-1001") == set()
    assert await names(tx, owner, people, source_id="M-1001", inbox_ids=(beside,)) == set()
    assert await names(tx, owner, people, query="1001", kind="known", inbox_ids=(beside,)) == {"bob"}


async def test_filters_that_cannot_match_are_refused(tx, owner, people):
    """Control characters and impossible source ids are told, not searched for."""
    with pytest.raises(InvalidRequest):
        await names(tx, owner, people, query="a\x00b")
    with pytest.raises(InvalidSourceId):
        await names(tx, owner, people, source_id="null")


async def test_only_visible_contacts_are_listed_and_counted(tx, owner, people):
    """A member sees the contacts of their inboxes, a deleted one nobody; the count tells no more than the rows."""
    part = member(owner, Right.CONTACTS_VIEW, inboxes={people.beside.id})
    assert await names(tx, part, people) == {"bob"}
    assert await names(tx, part, people, query="Ann") == set()
    assert await names(tx, part, people, query=str(people.ann)) == set()
    assert await names(tx, member(owner, Right.CONTACTS_VIEW, inboxes=set()), people) == set()
    await delete_contact(tx, owner, people.bob)
    assert await names(tx, owner, people) == {"ann", "visitor"}
    assert await names(tx, owner, people, query="小明") == set()
    with pytest.raises(Forbidden):
        await names(tx, member(owner, Right.INBOXES_VIEW), people)


async def test_without_the_right_to_see_them_addresses_find_nobody(tx, owner, people):
    """Neither shown nor searchable: asking for an e-mail does not tell whose it is. The right holds per inbox."""
    blind = member(owner, Right.CONTACTS_VIEW)
    assert await names(tx, blind, people, query="ann@example") == set()
    assert await names(tx, blind, people, query="912345") == set()
    page = await list_contacts(tx, blind, ContactFilters(source_id="M-1001"), ALL)
    assert page.rows[0].contact.emails == ()
    view = Grant(frozenset({Right.CONTACTS_VIEW}))
    personal = Grant(frozenset({Right.CONTACTS_VIEW_PERSONAL}), frozenset({people.beside.id}))
    half = Caller(owner.kind, owner.id, "half", owner.organization_id, (view, personal))
    assert await names(tx, half, people, query="ann@example") == set()
    assert await names(tx, half, people, query="912345") == {"bob"}


async def test_orders(tx, owner, people):
    """Last seen first, or by name with the nameless at the end, or the newest first."""

    async def ordered(order):
        page = await list_contacts(tx, owner, ContactFilters(order=order), ALL)
        return people.names(page)

    await tx.execute(
        "UPDATE contacts SET last_seen_at = NULL, created_at = %(now)s WHERE name LIKE 'Ann%%'", {"now": NOW}
    )
    await tx.execute("UPDATE contacts SET last_seen_at = %(t)s WHERE name = '王小明'", {"t": NOW + timedelta(hours=1)})
    assert await ordered(Order.LAST_SEEN) == ["visitor", "bob", "ann"]
    assert await ordered(Order.NAME) == ["ann", "bob", "visitor"]
    assert await ordered(Order.CREATED) == ["visitor", "bob", "ann"]


async def test_pages_joined_are_the_list(tx, owner, people):
    """No row twice, none missing, and every page knows the count."""
    whole = await list_contacts(tx, owner, ContactFilters(), ALL)
    pages = [await list_contacts(tx, owner, ContactFilters(), Paging(2, offset)) for offset in (0, 2, 4)]
    assert [row for page in pages for row in page.rows] == list(whole.rows)
    assert [page.count for page in pages] == [3, 3, 3]
    assert [page.is_estimate for page in pages] == [False, False, False]


async def test_above_the_limit_the_count_is_an_estimate_that_leads_on(tx, owner, people, monkeypatch):
    """It is never less than the rows so far, so that the next page is offered exactly when there is one."""
    monkeypatch.setattr(listing, "EXACT_COUNT", 1)
    first = await list_contacts(tx, owner, ContactFilters(), Paging(2, 0))
    last = await list_contacts(tx, owner, ContactFilters(), Paging(2, 2))
    assert (first.is_estimate, first.count > 2) == (True, True)
    assert (last.is_estimate, last.count) == (True, 3)


async def test_rows_show_what_stands_beside_the_card(tx, owner, people):
    """The primary source id, identities, inboxes and profiles come with each row."""
    (row,) = (await list_contacts(tx, owner, ContactFilters(source_id="M-1001"), ALL)).rows
    assert row.primary.source_id == "M-1001"
    assert [inbox.name for inbox in row.inboxes] == ["Shop web"]
    assert row.profiles == ()
    (visitor,) = (await list_contacts(tx, owner, ContactFilters(kind="anonymous"), ALL)).rows
    assert (visitor.primary, visitor.identities) == (None, ())
