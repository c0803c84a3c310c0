"""The card file: the list, a contact made in advance, and the drawer that changes a card."""

import re

import pytest
from tests.making import make_inbox

from frontdesk.contacts.model import CardFields
from frontdesk.core.ids import ContactId
from frontdesk.identities.cards import Given, change_card, create_card, get_view
from frontdesk.organizations.model import system_caller


async def make_contact(db, organization, **fields) -> ContactId:
    """A card made in advance; `source_id` makes it known."""
    source_id = fields.pop("source_id", None)
    inbox_ids = fields.pop("inbox_ids", ())
    async with db.begin(organization) as tx:
        given = Given(fields=CardFields(**fields), source_id=source_id, inbox_ids=inbox_ids)
        contact_id, _ = await create_card(tx, system_caller(organization), given)
    return contact_id


async def read(db, organization, contact_id):
    async with db.begin(organization) as tx:
        return await get_view(tx, system_caller(organization), contact_id)


@pytest.fixture
async def ann(db, organization) -> ContactId:
    return await make_contact(db, organization, name="Ann Zhang", source_id="M-1001", emails=["ann@example.com"])


def form_of(text: str) -> dict[str, str]:
    """The values of a form's single-line fields."""
    fields = {}
    for tag in re.findall(r"<input[^>]+>", text):
        name, value = re.search(r'name="(\w+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and "checkbox" not in tag:
            fields.setdefault(name[1], value[1])
    return fields


async def test_the_list_shows_known_and_anonymous(olga, db, organization, ann):
    """A row has name and source id, or "Anonymous" with the few letters that tell one from another."""
    visitor = await make_contact(db, organization)
    text = (await olga.get("/console/contacts")).text
    assert "Ann Zhang" in text
    assert "M-1001" in text
    assert f"Anonymous</span> · {visitor.hex[-4:].upper()}" in text or f"Anonymous · {visitor.hex[-4:].upper()}" in text
    known = (await olga.get("/console/contacts?kind=known")).text
    assert "Ann Zhang" in known
    assert visitor.hex[-4:].upper() not in known
    assert "No contact matches these filters" in (await olga.get("/console/contacts?q=nobody")).text


async def test_an_empty_card_file_says_what_will_fill_it(olga):
    """And offers the first step."""
    text = (await olga.get("/console/contacts")).text
    assert "No contacts yet" in text
    assert "/console/contacts/new" in text


async def test_a_list_is_paged_without_gaps(olga, db, organization):
    """Each contact stands on exactly one page."""
    for number in range(27):
        await make_contact(db, organization, name=f"Person {number:02}")
    first = (await olga.get("/console/contacts?order=name")).text
    second = (await olga.get("/console/contacts?order=name&offset=25")).text
    seen = [re.findall(r"Person (\d\d)", text) for text in (first, second)]
    assert sorted({*seen[0], *seen[1]}) == [f"{number:02}" for number in range(27)]
    assert not {*seen[0]} & {*seen[1]}
    assert "1–25 of 27" in first
    assert "26–27 of 27" in second


async def test_a_search_replaces_the_rows_alone(olga, ann):
    """What is typed filters without loading the page anew."""
    response = await olga.client.get("/console/contacts?q=ann", headers={"HX-Request": "true", "HX-Target": "list"})
    assert "Ann Zhang" in response.text
    assert "<html" not in response.text
    assert 'name="q"' not in response.text


async def test_a_name_is_text_whatever_it_contains(olga, db, organization):
    """Script in a name shows as text, in the list, on the page, in forms and in the audit log."""
    name = "<img src=x onerror=alert(1)>\"'"
    contact = await make_contact(db, organization, name=name, source_id='"><script>alert(2)</script>')
    for path in ("", f"/{contact}", f"/{contact}/edit", f"/{contact}/audit"):
        text = (await olga.get(f"/console/contacts{path}")).text
        assert "<img src=x" not in text, path
        assert "<script>alert" not in text, path
        assert "&lt;img src=x" in text, path


async def test_a_contact_is_added_with_its_access(olga, db, organization):
    """Name, source id, platform, e-mail in one step."""
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, system_caller(organization), "Shop web")
    data = {
        "name": "Bo Lin",
        "source_id": "M-7",
        "email": "bo@Example.com",
        "language": "zh-Hant",
        "inboxes": [str(inbox.id)],
    }
    response = await olga.post("/console/contacts/new", data)
    assert response.status_code == 204
    contact_id = response.headers["hx-redirect"].rpartition("/")[2]
    view = await read(db, organization, ContactId(contact_id))
    assert (view.contact.name, view.primary.source_id, view.contact.emails) == ("Bo Lin", "M-7", ("bo@example.com",))
    assert [one.name for one in view.inboxes] == ["Shop web"]
    assert "The contact is added." in (await olga.get(response.headers["hx-redirect"])).text


async def test_a_taken_source_id_shows_who_has_it(olga, ann):
    """The form keeps what was typed and leads to the holder."""
    response = await olga.post("/console/contacts/new", {"name": "Bo Lin", "source_id": "M-1001"})
    assert response.status_code == 409
    assert 'value="Bo Lin"' in response.text
    assert f"/console/contacts/{ann}" in response.text
    assert "Ann Zhang" in response.text


async def test_an_unreadable_email_is_said_at_its_field(olga):
    """400, the message beside the field, the input kept."""
    response = await olga.post("/console/contacts/new", {"name": "Bo", "email": "not an e-mail"})
    assert response.status_code == 400
    assert 'value="not an e-mail"' in response.text
    assert 'id="f-email-help"' in response.text


async def test_the_page_says_who_said_what(olga, ann):
    """Each field carries its provenance."""
    text = (await olga.get(f"/console/contacts/{ann}")).text
    assert "ann@example.com" in text
    assert "set by system" in text


async def test_a_viewer_reads_and_does_not_edit(vera, ann):
    """No button is offered, no address answers, and e-mails stay hidden."""
    text = (await vera.get(f"/console/contacts/{ann}")).text
    assert "Ann Zhang" in text
    assert f"/console/contacts/{ann}/edit" not in text
    assert "ann@example.com" not in text
    assert (await vera.get(f"/console/contacts/{ann}/edit", htmx=True)).status_code == 403
    assert (await vera.post(f"/console/contacts/{ann}/edit", {"version": 1, "name": "X"})).status_code == 403
    assert (await vera.post(f"/console/contacts/{ann}/delete")).status_code == 403
    assert "ann@example.com" not in (await vera.get("/console/contacts")).text


@pytest.mark.parametrize("path", ["", "/edit", "/edit/source-id", "/access", "/audit", "/delete"])
async def test_a_contact_of_another_organization_is_not_there(olga, db, other_organization, path):
    """404, as for an id that was never given out."""
    stranger = await make_contact(db, other_organization, name="Stranger")
    response = await olga.get(f"/console/contacts/{stranger}{path}", htmx=True)
    assert response.status_code == 404
    assert "Stranger" not in response.text


async def test_nothing_of_another_organization_can_be_written(olga, db, other_organization):
    """404 for every change."""
    stranger = await make_contact(db, other_organization, name="Stranger")
    for path, data in (("edit", {"version": "1", "name": "X"}), ("delete", {}), ("restore", {})):
        assert (await olga.post(f"/console/contacts/{stranger}/{path}", data)).status_code == 404
    assert (await read(db, other_organization, stranger)).contact.name == "Stranger"


async def test_a_card_is_changed(olga, db, organization, ann):
    """What is not in the form stays."""
    form = form_of((await olga.get(f"/console/contacts/{ann}/edit", htmx=True)).text)
    response = await olga.post(
        f"/console/contacts/{ann}/edit", {**form, "name": "Ann Chang", "phones": "+886 2 5550 0142"}
    )
    assert response.status_code == 204
    contact = (await read(db, organization, ann)).contact
    assert (contact.name, contact.phones, contact.emails) == ("Ann Chang", ("+886255500142",), ("ann@example.com",))


async def test_attributes_keep_their_types(olga, db, organization):
    """A text of digits stays a text, a number a number; a row that is emptied is removed."""
    kept = {"level": "12", "points": 12, "is_vip": True, "note": "12 pieces", "tags": ["a", "b"]}
    contact = await make_contact(db, organization, name="Ann", attributes={**kept, "old": "x"})
    text = (await olga.get(f"/console/contacts/{contact}/edit", htmx=True)).text
    pairs = re.findall(r'name="keys" value="([^"]*)".*?name="values" value="([^"]*)"', text)
    values = [value.replace("&#34;", '"') for _, value in pairs]
    keys = ["" if key == "old" else key for key, _ in pairs]
    data = {"version": "1", "name": "Ann", "keys": [*keys, "new"], "values": [*values, "3.5"]}
    assert (await olga.post(f"/console/contacts/{contact}/edit", data)).status_code == 204
    assert (await read(db, organization, contact)).contact.attributes == {**kept, "new": 3.5}


async def test_a_lost_update_shows_both_versions(olga, db, organization, ann):
    """Nothing is overwritten unseen; saving again does it knowingly."""
    form = form_of((await olga.get(f"/console/contacts/{ann}/edit", htmx=True)).text)
    async with db.begin(organization) as tx:
        await change_card(tx, system_caller(organization), ann, Given(fields=CardFields(name="Ann of the others")))
    refused = await olga.post(f"/console/contacts/{ann}/edit", {**form, "name": "Ann of mine"})
    assert refused.status_code == 412
    assert "Ann of the others" in refused.text
    assert "Ann of mine" in refused.text
    assert (await read(db, organization, ann)).contact.name == "Ann of the others"
    again = form_of(refused.text)
    assert (await olga.post(f"/console/contacts/{ann}/edit", again)).status_code == 204
    assert (await read(db, organization, ann)).contact.name == "Ann of mine"


async def test_a_corrected_source_id_is_confirmed_first(olga, db, organization, ann):
    """The consequences stand before the save, and a tick is needed."""
    notice = (await olga.get(f"/console/contacts/{ann}/edit/source-id?source_id=M-1002", htmx=True)).text
    assert "The link to your member system depends on this ID." in notice
    form = {**form_of((await olga.get(f"/console/contacts/{ann}/edit", htmx=True)).text), "source_id": "M-1002"}
    refused = await olga.post(f"/console/contacts/{ann}/edit", form)
    assert refused.status_code == 412
    assert "The link to your member system depends on this ID." in refused.text
    assert (await read(db, organization, ann)).primary.source_id == "M-1001"
    assert (await olga.post(f"/console/contacts/{ann}/edit", {**form, "is_checked": "true"})).status_code == 204
    assert (await read(db, organization, ann)).primary.source_id == "M-1002"


async def test_a_deleted_contact_can_be_restored(olga, db, organization, ann):
    """It is gone from the list and its page offers to bring it back."""
    assert (await olga.post(f"/console/contacts/{ann}/delete")).status_code == 204
    assert "Ann Zhang" not in (await olga.get("/console/contacts")).text
    assert "This contact is deleted" in (await olga.get(f"/console/contacts/{ann}")).text
    assert (await olga.post(f"/console/contacts/{ann}/restore?access=keep", htmx=False)).status_code == 303
    assert (await read(db, organization, ann)).primary.source_id == "M-1001"


async def test_a_restore_that_meets_a_new_holder_says_so(olga, db, organization, ann):
    """The source id went to somebody else meanwhile."""
    await olga.post(f"/console/contacts/{ann}/delete")
    await make_contact(db, organization, name="Newcomer", source_id="M-1001")
    response = await olga.post(f"/console/contacts/{ann}/restore", htmx=False)
    assert response.status_code == 409
    assert "Newcomer" in response.text


async def test_the_audit_log_tells_what_changed(olga, ann):
    """Who, what, before and after."""
    form = form_of((await olga.get(f"/console/contacts/{ann}/edit", htmx=True)).text)
    await olga.post(f"/console/contacts/{ann}/edit", {**form, "name": "Ann Chang"})
    text = (await olga.get(f"/console/contacts/{ann}/audit")).text
    assert "Olga Owner" in text
    assert "changed the card" in text
    assert "Ann Zhang" in text
    assert "Ann Chang" in text
