"""One change for many contacts: as each single one would be changed, to be seen, resumed and undone."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest
from tests.making import make_inbox, member, opens

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.access.queries import list_assigned
from frontdesk.contacts.actions import update_contact
from frontdesk.contacts.labels import add_labels, create_label, find_labels_of, remove_labels
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.queries import get_contact, list_inboxes_of
from frontdesk.core.errors import Conflict, Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import new_id
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.deletion import delete_contact
from frontdesk.identities.listing import ContactFilters
from frontdesk.identities.queries import list_identities
from frontdesk.identities.selecting import Selection
from frontdesk.lifecycle import bulk_handlers
from frontdesk.lifecycle.bulk_edits import get_bulk_edit, list_outcomes, start_bulk_edit, undo_bulk_edit
from frontdesk.lifecycle.bulk_model import BulkChange, BulkKind, parse_change
from frontdesk.organizations.model import Right, system_caller


@pytest.fixture
async def desk(db, organization, services):
    return Desk(db, organization, services, system_caller(organization))


class Desk:
    """An organization whose work is committed: what a worker does, it does in transactions of its own."""

    def __init__(self, db, organization, services, caller):
        self.db, self.organization, self.services, self.caller = db, organization, services, caller

    async def do(self, work, *args, caller=None, **named):
        async with self.db.begin(self.organization) as tx:
            return await work(tx, caller or self.caller, *args, **named)

    async def read(self, work, *args):
        async with self.db.begin(self.organization) as tx:
            return await work(tx, *args)

    async def people(self, count=4, **fields):
        return [(await self.do(create_card, Given({"name": f"P{n}"} | fields)))[0] for n in range(count)]

    async def edit(self, change, people=None, caller=None):
        selection = Selection(None, ContactFilters()) if people is None else Selection(tuple(people))
        edit = await self.do(start_bulk_edit, selection, change, caller=caller)
        await self.work(edit)
        return await self.do(get_bulk_edit, edit.id)

    async def undo(self, edit):
        await self.do(undo_bulk_edit, edit.id)
        await self.work(edit)
        return await self.do(get_bulk_edit, edit.id)

    async def work(self, edit):
        await bulk_handlers.on_bulk_edit_started(self.services, self.organization, edit.id)


async def test_a_label_for_all_that_match_and_back(desk):
    """Progress counts every contact; undoing takes the label only from those who got it, and had it since."""
    people = await desk.people()
    label = (await desk.do(create_label, "VIP")).id
    await desk.do(add_labels, people[0], [label])
    edit = await desk.edit(BulkChange(BulkKind.ADD_LABEL, label))
    assert (edit.state, edit.total_count, edit.done_count) == ("done", 4, 4)
    assert edit.outcomes == {"changed": 3, "unchanged": 1}
    assert all((await desk.read(find_labels_of, people)).values())
    await desk.do(remove_labels, people[1], [label])
    undone = await desk.undo(edit)
    assert (undone.state, undone.outcomes) == ("undone", {"undone": 2, "changed-since": 1, "unchanged": 1})
    held = await desk.read(find_labels_of, people)
    assert [bool(held[person]) for person in people] == [True, False, False, False]


async def test_attributes_come_back_exactly(desk):
    """An attribute that there was gets its old value, one that there was not is gone again."""
    people = await desk.people(3)
    fields = {"attributes": {"level": "Gold", "points": 1}}
    await desk.do(update_contact, people[0], fields, provenance=Provenance.MEMBER)
    before = [(await desk.read(get_contact, person)).attributes for person in people]
    edit = await desk.edit(parse_change({"kind": "set_attribute", "key": "level", "value": "VIP"}))
    assert [(await desk.read(get_contact, person)).attributes["level"] for person in people] == ["VIP"] * 3
    await desk.do(update_contact, people[2], {"attributes": {"level": "Own"}}, provenance=Provenance.MEMBER)
    undone = await desk.undo(edit)
    assert undone.outcomes == {"undone": 2, "changed-since": 1}
    after = [(await desk.read(get_contact, person)).attributes for person in people]
    assert after == [before[0], before[1], {"level": "Own"}]


async def test_every_kind_and_its_undoing(desk):
    """Language, profile, inbox, deleting: each leaves the card, and its undoing brings it back."""
    (person,) = await desk.people(1)
    inbox = (await desk.do(make_inbox)).id
    profile = await desk.do(
        create_profile, {"name": "Member", "query_metadata": opens(new_id()), "minimum_assurance": Assurance.CHANNEL}
    )
    profile_id = (profile[0] if isinstance(profile, tuple) else profile).id

    async def card():
        contact = await desk.read(get_contact, person)
        return (
            contact.language,
            contact.deleted_at is None,
            [one.inbox_id for one in await desk.read(list_inboxes_of, person)],
            [one.profile.id for one in await desk.read(list_assigned, person)],
            await desk.read(list_identities, person),
        )

    before = await card()
    for change in (
        BulkChange(BulkKind.SET_LANGUAGE, value="ja"),
        BulkChange(BulkKind.ASSIGN_PROFILE, profile_id),
        BulkChange(BulkKind.ADD_INBOX, inbox),
        BulkChange(BulkKind.DELETE),
    ):
        edit = await desk.edit(change, [person])
        assert edit.outcomes == {"changed": 1}, change
        assert await card() != before
        assert (await desk.undo(edit)).outcomes == {"undone": 1}, change
        assert await card() == before
        with pytest.raises(Conflict):
            await desk.do(undo_bulk_edit, edit.id)


async def test_a_row_that_cannot_be_changed_says_why_and_stops_nobody(desk):
    """Deleted meanwhile, or against the rules of its fields: the others are changed."""
    people = await desk.people(2)
    edit = await desk.do(start_bulk_edit, Selection(tuple(people)), BulkChange(BulkKind.SET_LANGUAGE, value="ja"))
    await desk.do(delete_contact, people[0])
    await desk.work(edit)
    rows, count = await desk.do(list_outcomes, edit.id, limit=10, offset=0)
    assert (rows, count) == ([(people[0], "not-found", None), (people[1], "changed", None)], 2)
    wrong = await desk.edit(BulkChange(BulkKind.SET_LANGUAGE, value="no language"), people[1:])
    assert wrong.outcomes == {"invalid-request": 1}


async def test_a_run_that_was_cut_off_is_resumed_and_two_runs_do_each_contact_once(desk, monkeypatch):
    """What came of a contact is committed with its change; versions tell that nobody was changed twice."""
    people = await desk.people(8)
    change = parse_change({"kind": "set_attribute", "key": "level", "value": "VIP"})
    edit = await desk.do(start_bulk_edit, Selection(tuple(people)), change)
    for _ in range(3):
        assert await bulk_handlers._step(desk.db, desk.organization, edit.id)
    assert (await desk.do(get_bulk_edit, edit.id)).done_count == 3
    await asyncio.gather(*(desk.work(edit) for _ in range(3)))
    done = await desk.do(get_bulk_edit, edit.id)
    assert (done.state, done.done_count, done.outcomes) == ("done", 8, {"changed": 8})
    assert {(await desk.read(get_contact, person)).version for person in people} == {2}


async def test_rights_count_at_the_start_and_for_each_contact(desk):
    """Without the right of the change nothing starts; a contact of another inbox is not among those that are meant."""
    inbox = (await desk.do(make_inbox)).id
    (hidden,) = await desk.people(1)
    own = (await desk.do(create_card, Given({"name": "Own"}, inbox_ids=(inbox,))))[0]
    agent = member(desk.caller, Right.CONTACTS_VIEW, Right.CONTACTS_EDIT, inboxes={inbox})
    with pytest.raises(Forbidden):
        await desk.do(start_bulk_edit, Selection(), BulkChange(BulkKind.DELETE), caller=agent)
    with pytest.raises(NotFound):
        await desk.do(start_bulk_edit, Selection(), BulkChange(BulkKind.ADD_LABEL, new_id()), caller=agent)
    edit = await desk.do(
        start_bulk_edit, Selection((hidden, own)), BulkChange(BulkKind.SET_LANGUAGE, value="ja"), caller=agent
    )
    assert edit.total_count == 1
    stranger = replace(agent, id=UUID(int=99))
    for work in (get_bulk_edit, undo_bulk_edit):
        with pytest.raises(NotFound):
            await desk.do(work, edit.id, caller=stranger)
    await desk.work(edit)  # the agent is no member of this organization any more
    assert (await desk.do(get_bulk_edit, edit.id)).state == "failed"
    assert (await desk.read(get_contact, own)).language is None


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ({}, "/change/kind"),
        ({"kind": "drop"}, "/change/kind"),
        ({"kind": []}, "/change/kind"),
        ({"kind": "add_label"}, "/change"),
        ({"kind": "add_label", "label": "x"}, "/change/label"),
        ({"kind": "delete", "label": "x"}, "/change"),
        ({"kind": "set_attribute", "key": "", "value": 1}, "/change/key"),
        ({"kind": "set_attribute", "key": "a", "value": "x" * 30_000}, "/change/value"),
        ({"kind": "set_language", "value": 5}, "/change/value"),
    ],
)
def test_what_is_no_change_is_refused(raw, pointer):
    with pytest.raises(InvalidRequest) as caught:
        parse_change(raw)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize("kind", list(BulkKind))
def test_a_change_is_read_back(kind):
    named = {
        BulkKind.SET_ATTRIBUTE: {"key": "a", "value": [1]},
        BulkKind.SET_LANGUAGE: {"value": "ja"},
        BulkKind.DELETE: {},
    }
    change = BulkChange(kind, **named.get(kind, {"subject": UUID(int=5)}))
    assert parse_change(change.to_json()) == change
