"""A selection means the same contacts as the list with its filters, to the same caller."""

import json
from uuid import UUID

import pytest
from tests.making import make_inbox, member

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ContactId, InboxId, ProfileId, new_id
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.listing import ContactFilters, Order
from frontdesk.identities.selecting import Selection, count_selected, list_selected, parse_selection
from frontdesk.organizations.model import Right

FULL = ContactFilters(
    query="lin",
    kind="known",
    inbox_ids=(InboxId(UUID(int=5)),),
    source_id="M-1",
    order=Order.NAME,
    profile_id=ProfileId(UUID(int=6)),
)


async def _people(tx, owner, count=5):
    return [(await create_card(tx, owner, Given({"name": f"Lin {number}"})))[0] for number in range(count)]


@pytest.mark.parametrize("selection", [Selection((ContactId(UUID(int=1)),)), Selection(), Selection(None, FULL)])
def test_a_selection_is_read_back_from_its_json(selection):
    assert parse_selection(json.loads(json.dumps(selection.to_json()))) == selection


async def test_all_that_match_are_listed_once_by_id(tx, owner):
    people = await _people(tx, owner)
    await create_card(tx, owner, Given({"name": "Wu"}))
    wanted = Selection(None, ContactFilters(query="lin"))
    assert await count_selected(tx, owner, wanted) == 5
    first = await list_selected(tx, owner, wanted, after=None, limit=2)
    rest = await list_selected(tx, owner, wanted, after=first[-1], limit=10)
    assert first + rest == sorted(people)


async def test_ids_outside_of_the_callers_inboxes_are_left_out(tx, owner):
    inbox = await make_inbox(tx, owner)
    hidden = (await _people(tx, owner, 1))[0]
    seen, _ = await create_card(tx, owner, Given({"name": "Seen"}, inbox_ids=(inbox.id,)))
    limited = member(owner, Right.CONTACTS_VIEW, inboxes={inbox.id})
    selection = Selection((hidden, seen, ContactId(new_id())))
    assert await list_selected(tx, limited, selection, after=None, limit=10) == [seen]
    assert await count_selected(tx, limited, selection) == 1


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ({}, ""),
        ({"ids": [], "filters": {}}, ""),
        ({"ids": "all"}, "/ids"),
        ({"ids": ["x"]}, "/ids"),
        ({"filters": {"nmae": 1}}, "/filters/nmae"),
        ({"filters": {"kind": "all"}}, "/filters/kind"),
        ({"filters": {"query": 1}}, "/filters/query"),
        ({"filters": {"sort": "id; DROP"}}, "/filters/sort"),
        ({"filters": {"sort": []}}, "/filters/sort"),
        ({"filters": {"kind": {}}}, "/filters/kind"),
        ({"filters": {"inboxes": [1]}}, "/filters/inboxes"),
    ],
)
def test_what_is_not_a_selection_is_refused_where_it_is_wrong(raw, pointer):
    with pytest.raises(InvalidRequest) as caught:
        parse_selection(raw)
    assert caught.value.pointer == pointer
