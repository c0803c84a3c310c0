"""Segments: saved filters, private or shared; and how the API asks the list."""

import json
from dataclasses import replace
from uuid import UUID

import pytest
from tests.making import member

from frontdesk.contacts.filters import parse_filter
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound, PreconditionFailed
from frontdesk.core.wire import Paging
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.listing import ContactFilters, Order, list_contacts
from frontdesk.identities.segments import (
    access_segment,
    create_segment,
    delete_segment,
    list_segments,
    narrow,
    update_segment,
)
from frontdesk.organizations.model import Right

VIP = {"operator": "and", "conditions": [{"field": "attributes.level", "op": "equals", "value": "VIP"}]}


def people(owner):
    mia = member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_EDIT)
    return mia, replace(mia, id=UUID(int=8), name="Max")


async def test_a_private_segment_is_its_owners_alone(tx, owner):
    """For everybody else it is not there: neither listed, nor read, nor changed, nor used."""
    mia, max_ = people(owner)
    mine = await create_segment(tx, mia, {"name": "VIP", "filter": parse_filter(VIP)})
    assert await list_segments(tx, mia) == [mine]
    assert await list_segments(tx, max_) == []
    for attempt in (
        access_segment(tx, max_, mine.id),
        update_segment(tx, max_, mine.id, {"name": "x"}),
        delete_segment(tx, max_, mine.id),
        narrow(tx, max_, ContactFilters(), mine.id),
        access_segment(tx, owner, mine.id),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_a_shared_segment_is_changed_by_its_owner_or_who_configures(tx, owner):
    mia, max_ = people(owner)
    shared = await create_segment(tx, mia, {"name": "VIP", "filter": parse_filter(VIP), "is_shared": True})
    assert await access_segment(tx, max_, shared.id) == shared
    with pytest.raises(Forbidden):
        await update_segment(tx, max_, shared.id, {"name": "x"})
    with pytest.raises(Forbidden):
        await delete_segment(tx, max_, shared.id)
    renamed = await update_segment(tx, owner, shared.id, {"name": "Very"}, if_version=1)
    assert (renamed.name, renamed.version) == ("Very", 2)
    with pytest.raises(PreconditionFailed):
        await update_segment(tx, mia, shared.id, {"name": "x"}, if_version=1)
    private = await update_segment(tx, mia, shared.id, {"is_shared": False})
    assert await list_segments(tx, max_) == []
    await delete_segment(tx, mia, private.id)
    assert await list_segments(tx, mia) == []


async def test_whoever_may_only_look_shares_nothing(tx, owner):
    viewer = member(owner, Right.CONTACTS_VIEW)
    await create_segment(tx, viewer, {"name": "Mine"})
    with pytest.raises(Forbidden):
        await create_segment(tx, viewer, {"name": "Ours", "is_shared": True})


async def test_a_segment_narrows_and_sorts_the_list(tx, owner):
    vip = [
        (await create_card(tx, owner, Given({"name": name, "attributes": {"level": "VIP"}})))[0]
        for name in ("Bo", "Al")
    ]
    await create_card(tx, owner, Given({"name": "Cy"}))
    segment = await create_segment(tx, owner, {"name": "VIP", "filter": parse_filter(VIP), "order": Order.NAME})
    for query, found in (("", [vip[1], vip[0]]), ("bo", [vip[0]]), ("cy", [])):
        filters = await narrow(tx, owner, ContactFilters(query=query), segment.id)
        page = await list_contacts(tx, owner, filters, Paging(5, 0))
        assert [view.contact.id for view in page.rows] == found


@pytest.mark.parametrize(
    "changes", [{"name": " "}, {"columns": ["nope"]}, {"columns": ["attributes."]}, {"columns": [f"attributes.{n}" for n in range(20)]}]
)  # fmt: skip
async def test_what_is_no_segment_is_refused(tx, owner, changes):
    with pytest.raises(InvalidRequest):
        await create_segment(tx, owner, {"name": "x"} | changes)


# --- through the API ---


@pytest.fixture
async def ask(client, api_key, db, organization, owner):
    """Five contacts, one of them VIP, and a function that asks the list for names."""
    async with db.begin(organization) as tx:
        for place, name in enumerate(["Ann", "Bob", "Cyd", "Dan", "Eve"]):
            attributes = {"level": "VIP", "points": 77, "paid": True} if name == "Cyd" else {"points": place}
            await create_card(tx, owner, Given({"name": name, "attributes": attributes}))

    async def ask(status: int = 200, **query: object) -> list[str] | dict:
        answer = await client.get("/api/v1/contacts/", params=query, headers=api_key)
        assert answer.status_code == status, answer.text
        return sorted(row["name"] for row in answer.json()["results"]) if status == 200 else answer.json()

    return ask


async def test_the_list_is_asked_by_attribute_filter_and_segment(ask, client, api_key):
    segment = await client.post("/api/segments", json={"name": "V", "filter": VIP, "sort": "-name"}, headers=api_key)
    assert segment.status_code == 201, segment.text
    assert (segment.json()["isShared"], segment.json()["owner"]) == (True, None)
    assert await ask(segment=segment.json()["id"]) == ["Cyd"]
    assert await ask(filter=json.dumps(VIP)) == ["Cyd"]
    for name, value in (("level", "VIP"), ("points", "77"), ("paid", "true")):
        assert await ask(**{f"attributes.{name}": value}) == ["Cyd"]
    assert await ask(**{"attributes.level": "VIP", "attributes.points": "3"}) == []
    assert await ask(search="bob") == ["Bob"]
    assert await ask(label="No such label") == []
    assert (await ask(404, segment=str(UUID(int=9))))["type"].endswith("not-found")
    assert (await ask(400, filter="{"))["errors"][0]["pointer"] == "/filter"
    wrong = {"operator": "and", "conditions": [{"field": "x", "op": "is_set"}]}
    assert (await ask(400, filter=json.dumps(wrong)))["errors"][0]["pointer"] == "/filter/conditions/0/field"


@pytest.mark.parametrize("sort", list(Order))
async def test_law_cursor_pages_one_after_the_other_are_the_list(ask, client, api_key, sort):
    """In every order, and whether few match or many; the last page says so."""
    whole = (await client.get("/api/v1/contacts", params={"sort": sort}, headers=api_key)).json()
    url: str | None = f"/api/v1/contacts?sort={sort.value}&pageSize=2&cursor="
    names = []
    while url:
        page = (await client.get(url, headers=api_key)).json()
        names += [row["name"] for row in page["results"]]
        assert page["count"] == 5
        url = page["next"]
    assert names == [row["name"] for row in whole["results"]]
    assert len(names) == 5


@pytest.mark.parametrize("cursor", ["x", "W10=", "WyJsYXN0U2VlbiIsICJ4IiwgIngiXQ==", "é"])
async def test_a_foreign_cursor_is_refused(ask, cursor):
    assert (await ask(400, cursor=cursor))["errors"][0]["pointer"] == "/cursor"


async def test_a_cursor_holds_where_many_match(tx, owner, monkeypatch):
    """Above the number that is counted, pages are found by walking along the order."""
    monkeypatch.setattr("frontdesk.identities.listing.EXACT_COUNT", 2)
    for name in ("Ann", "Bob", "", "Cyd", ""):
        await create_card(tx, owner, Given({"name": name}))
    filters, seen, cursor = ContactFilters(order=Order.NAME), [], None
    while True:
        page = await list_contacts(tx, owner, filters, Paging(2, 0), cursor=cursor)
        assert page.is_estimate
        seen += [view.contact.name for view in page.rows]
        if (cursor := page.next_cursor) is None:
            break
    assert seen == ["Ann", "Bob", "Cyd", "", ""]


async def test_a_segment_by_address_is_nothing_to_who_sees_no_addresses(tx, owner):
    """Its filter says whose e-mail it is: for them it is not there, unless they wrote it themselves."""
    by_email = {"operator": "or", "conditions": [{"field": "email", "op": "equals", "value": "ann@shop.tw"}]}
    nested = parse_filter({"operator": "and", "conditions": [by_email]})
    mia, max_ = people(owner)
    shared = await create_segment(tx, mia, {"name": "Ann", "filter": nested, "is_shared": True})
    assert await access_segment(tx, mia, shared.id) == shared
    assert await list_segments(tx, max_) == []
    with pytest.raises(NotFound):
        await access_segment(tx, max_, shared.id)
    seeing = replace(member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_VIEW_PERSONAL), id=UUID(int=9))
    assert await list_segments(tx, seeing) == [shared]
