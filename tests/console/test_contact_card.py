"""The card on a contact's page: fields of the organization, labels, notes, who said what, and the timeline."""

import html
import re

import pytest
from tests.console.test_contacts import form_of, make_contact, read

from frontdesk.contacts.actions import refresh_card
from frontdesk.contacts.attributes import Kind
from frontdesk.contacts.configuring import create_definition
from frontdesk.contacts.labels import LabelWish, create_label
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.notes import write_note
from frontdesk.contacts.queries import find_provenance
from frontdesk.core.ids import ContactId
from frontdesk.identities.cards import Given, change_card
from frontdesk.organizations.model import system_caller


@pytest.fixture
async def ann(db, organization) -> ContactId:
    return await make_contact(db, organization, name="Ann Zhang", source_id="M-1001", emails=["ann@example.com"])


@pytest.fixture
async def defined(db, organization) -> None:
    """An organization with an attribute of every kind, and two labels."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        for key, changes in (
            ("level", {"name": "Level", "choices": ("gold", "silver")}),
            ("points", {"kind": Kind.NUMBER}),
            ("since", {"kind": Kind.DATE, "name": "Member since"}),
            ("active", {"kind": Kind.BOOLEAN}),
            ("tags", {"kind": Kind.LIST}),
            ("cities", {"kind": Kind.LIST, "choices": ("Taipei", "Tainan")}),
            ("page", {"kind": Kind.URL}),
            ("card", {"is_unique": True}),
        ):
            await create_definition(tx, caller, key, changes)
        for name in ("Taipei", "Tall"):
            await create_label(tx, caller, name)


VALUES = {
    "level": "gold",
    "points": 12.5,
    "since": "2026-02-28",
    "active": False,
    "tags": ["a; b", "c"],
    "cities": ["Tainan"],
    "page": "https://example.com/ann",
    "card": "C-1",
}


def fields_of(text: str) -> dict[str, list[str]]:
    """All that the browser would send of a form: hidden and text fields, chosen options, ticked boxes, areas."""
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]+>", text):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ("checkbox" not in tag or " checked" in tag):
            found.setdefault(name[1], []).append(html.unescape(value[1]) if value else "")
    for name, options in re.findall(r'<select[^>]+name="([^"]+)"[^>]*>(.*?)</select>', text, re.DOTALL):
        chosen = re.findall(r'<option value="([^"]*)" selected', options)
        found.setdefault(name, []).append(html.unescape(chosen[-1]) if chosen else "")
    for name, value in re.findall(r'<textarea[^>]+name="([^"]+)"[^>]*>(.*?)</textarea>', text, re.DOTALL):
        found.setdefault(name, []).append(html.unescape(value))
    return {html.unescape(name): values for name, values in found.items()}


async def test_saving_what_is_shown_changes_nothing(olga, db, organization, defined):
    """Values of every kind go through the form and back as they are; one that does not fit, too."""
    contact = await make_contact(db, organization, name="Ann", attributes=VALUES | {"free": {"a": [1]}})
    async with db.begin(organization) as tx:
        definition = await create_definition(tx, system_caller(organization), "free", {"kind": Kind.NUMBER})
    assert definition[1].unfitting == 1
    page = (await olga.get(f"/console/contacts/{contact}/edit", htmx=True)).text
    assert "It stays until you change it." in page
    assert (await olga.post(f"/console/contacts/{contact}/edit", fields_of(page))).status_code == 204
    card = (await read(db, organization, contact)).contact
    assert (card.attributes, card.version) == (VALUES | {"free": {"a": [1]}}, 1)


async def test_attributes_are_written_by_their_kind(olga, db, organization, defined):
    """A select, a date, a number, lists; an emptied one is removed."""
    contact = await make_contact(db, organization, name="Ann", attributes=VALUES)
    form = fields_of((await olga.get(f"/console/contacts/{contact}/edit", htmx=True)).text)
    form |= {
        "attribute.level": ["silver"],
        "attribute.points": ["7"],
        "attribute.since": [""],
        "attribute.active": ["true"],
        "attribute.tags": ["one\r\ntwo"],
        "attribute.cities": ["Taipei", "Tainan"],
        "time_zone": ["Asia/Taipei"],
    }
    assert (await olga.post(f"/console/contacts/{contact}/edit", form)).status_code == 204
    card = (await read(db, organization, contact)).contact
    expected = {"level": "silver", "points": 7, "active": True, "tags": ["one", "two"], "cities": ["Taipei", "Tainan"]}
    assert card.attributes == {key: value for key, value in VALUES.items() if key != "since"} | expected
    assert card.time_zone == "Asia/Taipei"


async def test_what_does_not_fit_is_said_at_its_field(olga, db, organization, defined):
    """400, with the input kept; a taken value leads to its holder."""
    holder = await make_contact(db, organization, name="Holder Hu", attributes={"card": "C-9"})
    contact = await make_contact(db, organization, name="Ann", attributes=VALUES)
    form = fields_of((await olga.get(f"/console/contacts/{contact}/edit", htmx=True)).text)
    refused = await olga.post(f"/console/contacts/{contact}/edit", form | {"attribute.points": ["many"]})
    assert (refused.status_code, "This is not a number." in refused.text, 'value="many"' in refused.text) == (
        400,
        True,
        True,
    )
    taken = await olga.post(f"/console/contacts/{contact}/edit", form | {"attribute.card": ["C-9"]})
    assert (taken.status_code, f"/console/contacts/{holder}" in taken.text, "Holder Hu" in taken.text) == (
        409,
        True,
        True,
    )


async def test_a_lost_update_shows_both_versions_of_every_field(olga, db, organization, defined):
    """Attributes, labels and time zone, too; saving again does it knowingly."""
    caller = system_caller(organization)
    contact = await make_contact(db, organization, name="Ann", attributes=VALUES)
    form = fields_of((await olga.get(f"/console/contacts/{contact}/edit", htmx=True)).text)
    async with db.begin(organization) as tx:
        theirs = Given(
            fields={"time_zone": "Europe/Paris", "attributes": {"level": "silver"}},
            labels=(LabelWish(None, "Taipei"),),
        )
        await change_card(tx, caller, contact, theirs)
    mine = form | {"attribute.points": ["7"]}
    refused = await olga.post(f"/console/contacts/{contact}/edit", mine)
    assert refused.status_code == 412
    table = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>', refused.text)
    assert table == [
        ("Time zone", "Europe/Paris", "–"),
        ("Labels", "Taipei", "–"),
        ("Level", "silver", "gold"),
        ("points", "12.5", "7"),
    ]
    assert (await olga.post(f"/console/contacts/{contact}/edit", fields_of(refused.text))).status_code == 204
    view = await read(db, organization, contact)
    assert (view.contact.attributes, view.labels) == (VALUES | {"points": 7}, ())


async def test_labels_are_ticked(olga, db, organization, defined):
    """In the drawer; they stand on the card and in the log."""
    contact = await make_contact(db, organization, name="Ann")
    text = (await olga.get(f"/console/contacts/{contact}/edit", htmx=True)).text
    label = re.search(r'name="labels" value="([^"]+)">Tall', text)
    assert label
    assert (
        await olga.post(f"/console/contacts/{contact}/edit", fields_of(text) | {"labels": [label[1]]})
    ).status_code == 204
    assert [one.name for one in (await read(db, organization, contact)).labels] == ["Tall"]
    assert "Tall" in (await olga.get(f"/console/contacts/{contact}")).text
    assert "changed the labels" in (await olga.get(f"/console/contacts/{contact}/audit")).text


async def test_a_contact_is_added_with_what_is_required(olga, db, organization, defined):
    """The form has the organization's fields, and says which one is missing."""
    async with db.begin(organization) as tx:
        await create_definition(tx, system_caller(organization), "needed", {"is_required": True})
    form = fields_of((await olga.get("/console/contacts/new", htmx=True)).text) | {"name": ["Bo"]}
    refused = await olga.post("/console/contacts/new", form)
    assert (refused.status_code, "A value is needed here." in refused.text) == (400, True)
    made = await olga.post("/console/contacts/new", form | {"attribute.needed": ["yes"], "attribute.active": ["true"]})
    contact = ContactId(made.headers["hx-redirect"].rpartition("/")[2])
    assert (await read(db, organization, contact)).contact.attributes == {"needed": "yes", "active": True}


async def test_the_card_says_who_said_what_and_what_the_assistant_may_know(olga, db, organization):
    """Each address with its own, each field with the assurance it was learned at."""
    contact = await make_contact(db, organization, name="Ann", emails=["ann@example.com"], attributes={"shoe": "9"})
    async with db.begin(organization) as tx:
        await create_definition(tx, system_caller(organization), "shoe", {"kind": Kind.NUMBER})
    async with db.begin(organization) as tx:
        await refresh_card(tx, contact, {"language": "zh-Hant", "emails": ["a2@example.com"]}, Provenance.SIGNED)
    text = re.sub(r"\s+", " ", (await olga.get(f"/console/contacts/{contact}")).text)
    assert 'a2@example.com <span class="fd-xs fd-muted">from a signed token' in text
    assert "learned at Signed · the assistant may know it from Channel" in text
    assert "the assistant may know it from Signed" in text
    assert "This is not a number." in text


async def test_notes_are_kept_by_members(olga, db, organization, ann):
    """Added, changed, deleted by whoever wrote them; shown as text; a lost update shows both."""
    add = await olga.post(f"/console/contacts/{ann}/notes/new", {"body": "<b>Prefers</b> Saturdays"})
    assert add.status_code == 204
    page = (await olga.get(f"/console/contacts/{ann}")).text
    assert "&lt;b&gt;Prefers&lt;/b&gt; Saturdays" in page
    [address] = set(re.findall(rf'href="(/console/contacts/{ann}/notes/[0-9a-f-]+)"', page))
    form = form_of((await olga.get(address, htmx=True)).text)
    assert (await olga.post(address, form | {"body": "Sundays"})).status_code == 204
    lost = await olga.post(address, form | {"body": "Mondays"})
    assert (lost.status_code, "Sundays" in lost.text, "Mondays" in lost.text) == (412, True, True)
    assert (await olga.post(address, form | {"body": " "})).status_code == 412
    assert (await olga.post(f"{address}/delete")).status_code == 204
    assert "Sundays" not in (await olga.get(f"/console/contacts/{ann}")).text
    assert "Sundays" not in (await olga.get(f"/console/contacts/{ann}/audit")).text


async def test_a_note_of_somebody_else_is_read_only(browser, hire, db, organization, ann):
    """An agent sees it without buttons, and no address changes it."""
    async with db.begin(organization) as tx:
        note = await write_note(tx, system_caller(organization), ann, "By the owner")
    await browser.sign_in(await hire(organization, "agent"))
    text = (await browser.get(f"/console/contacts/{ann}")).text
    assert "By the owner" in text
    assert f"notes/{note.id}" not in text
    for path in (f"notes/{note.id}/delete", f"notes/{note.id}"):
        response = await browser.post(f"/console/contacts/{ann}/{path}", {"body": "x", "version": "1"})
        assert response.status_code == 403


async def test_the_timeline_has_conversations_and_changes(olga, db, organization, ann):
    """The newest first, page after page; who may not read the log sees no changes."""
    for number in range(30):
        async with db.begin(organization) as tx:
            await change_card(tx, system_caller(organization), ann, Given(fields={"name": f"Name {number:02}"}))
    first = (await olga.get(f"/console/contacts/{ann}/timeline")).text
    second = (await olga.get(f"/console/contacts/{ann}/timeline?offset=25")).text
    numbers = [re.findall(r"</svg>\s*Name (\d\d)", text) for text in (first, second)]
    assert numbers[0] + numbers[1] == [f"{number:02}" for number in reversed(range(30))]
    assert "26–32 of 32" in second


async def test_provenance_of_a_repeated_form_stays(olga, db, organization, ann):
    """Saving a form is not saying all of it again."""
    form = fields_of((await olga.get(f"/console/contacts/{ann}/edit", htmx=True)).text)
    await olga.post(f"/console/contacts/{ann}/edit", form | {"name": ["Ann Lee"]})
    async with db.begin(organization) as tx:
        known = await find_provenance(tx, ann)
    assert (known["name"].set_by, known["emails"].set_by) == ("Olga Owner", "system")
