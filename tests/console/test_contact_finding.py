"""The list of contacts: filters, segments, columns, and edits of many, as a member uses them."""

import json
import re
from html import unescape
from urllib.parse import quote

import pytest

from frontdesk.core.ids import BulkEditId
from frontdesk.identities.cards import Given, create_card
from frontdesk.lifecycle.bulk_handlers import on_bulk_edit_started
from frontdesk.organizations.model import system_caller


@pytest.fixture
async def people(db, organization):
    """Three contacts, two of them VIP."""
    ids = {}
    async with db.begin(organization) as tx:
        for name, level in (("Ann", "VIP"), ("Bob", "VIP"), ("Cyd", None)):
            attributes = {"level": level} if level else {}
            given = Given({"name": name, "attributes": attributes, "emails": [f"{name.lower()}@example.com"]})
            ids[name] = (await create_card(tx, system_caller(organization), given))[0]
    return ids


@pytest.fixture
async def olga(browser, hire, organization):
    await browser.sign_in(await hire(organization, "owner"))
    return browser


def names(text: str) -> list[str]:
    return re.findall(r'fd-cover fd-b fd-cut" href="[^"]+">(\w+)<', text)


VIP = json.dumps({"operator": "and", "conditions": [{"field": "attributes.level", "op": "equals", "value": "VIP"}]})


async def test_a_filter_is_built_shown_and_removed(olga, people):
    """The form says what is wrong with a row; what is right becomes a chip whose cross takes it away."""
    form = await olga.get("/console/contacts/filter", htmx=True)
    assert "One of them" in form.text
    row = {"operator": "and", "fields": ["last_seen", ""], "ops": ["before", "equals"], "values": ["soon", ""]}
    refused = await olga.post("/console/contacts/filter", row)
    assert refused.status_code == 400
    assert 'aria-invalid="true"' in refused.text
    row |= {"fields": ["email", ""], "ops": ["starts_with", "equals"], "values": ["ANN", ""]}
    answer = await olga.post("/console/contacts/filter", row)
    text = (await olga.get(answer.headers["HX-Redirect"])).text
    assert names(text) == ["Ann"]
    assert "begins with <b>ANN</b>" in text
    (without,) = re.findall(r'<a href="([^"]+)" aria-label="Remove this filter', text)
    assert sorted(names((await olga.get(unescape(without))).text)) == ["Ann", "Bob", "Cyd"]


async def test_a_segment_is_saved_used_changed_and_deleted(olga, people):
    text = (await olga.get("/console/contacts", htmx=False)).text
    assert "Save as segment" not in text  # there is nothing to save
    address = str(
        olga.client.build_request("GET", "/console/contacts/segments/new", params={"filter": VIP, "order": "-name"}).url
    )
    path = address.removeprefix("http://desk.test")
    assert "fd-chip" in (await olga.get(path.replace("/segments/new", ""))).text
    assert (await olga.post(path, {"name": ""})).status_code == 400
    made = await olga.post(path, {"name": "Very important", "is_shared": "true"})
    where = made.headers["HX-Redirect"]
    text = (await olga.get(where)).text
    assert names(text) == ["Bob", "Ann"]
    assert "Very important" in text
    assert "Edit segment" in text
    segment = where.partition("=")[2]
    assert names((await olga.get(f"{where}&q=ann")).text) == ["Ann"]
    changed = await olga.post(
        f"/console/contacts/segments/{segment}?q=ann&segment={segment}", {"name": "Anns", "takes_filter": "true"}
    )
    assert names((await olga.get(changed.headers["HX-Redirect"])).text) == ["Ann"]
    gone = await olga.post(f"/console/contacts/segments/{segment}/delete")
    assert "Anns" not in (await olga.get(gone.headers["HX-Redirect"])).text
    assert (await olga.get(where)).status_code == 404


async def test_columns_are_kept_in_the_browser(olga, people):
    assert (await olga.get("/console/contacts/columns", htmx=True)).status_code == 200
    assert (await olga.post("/console/contacts/columns", {"columns": ["nope"]})).status_code == 400
    await olga.post("/console/contacts/columns", {"columns": ["phone", "attributes.level"]})
    text = (await olga.get("/console/contacts")).text
    assert ">level</th>" in text
    await olga.post("/console/settings/contact-fields/attributes/new", {"key": "level", "name": "Level 等級"})
    assert ">Level 等級</th>" in (await olga.get("/console/contacts")).text
    assert (
        '<span class="fd-chip on">Level 等級 is <b>VIP</b>'
        in (await olga.get(f"/console/contacts?filter={quote(VIP)}")).text
    )
    assert "ann@example.com" not in text
    assert text.count("VIP") == 2


async def test_heads_turn_the_order_round(olga, people):
    assert names((await olga.get("/console/contacts?order=name")).text) == ["Ann", "Bob", "Cyd"]
    text = (await olga.get("/console/contacts?order=-name")).text
    assert names(text) == ["Cyd", "Bob", "Ann"]
    assert 'aria-sort="descending"' in text


async def test_all_that_match_are_changed_watched_and_changed_back(olga, people, services, organization):
    """Chosen by the list, not by the page; the number is said before, the outcome after, and one button undoes it."""
    text = (await olga.get("/console/contacts")).text
    (matching,) = re.findall(r'name="matching" value="([^"]+)"', text)
    query = {"kind": "set_attribute", "all": "true", "matching": unescape(matching)}
    form = await olga.client.get("/console/contacts/bulk", params=query, headers={"HX-Request": "true"})
    assert "For 3 contacts." in form.text
    (selection,) = re.findall(r'name="selection" value="([^"]+)"', form.text)
    data = {"selection": unescape(selection), "kind": "set_attribute", "key": "level", "value": "Gold"}
    assert (await olga.post("/console/contacts/bulk", data | {"key": ""})).status_code == 400
    where = (await olga.post("/console/contacts/bulk", data)).headers["HX-Redirect"]
    assert "hx-trigger" in (await olga.get(where)).text
    edit = BulkEditId(where.rpartition("/")[2])
    await on_bulk_edit_started(services, organization, edit)
    text = (await olga.get(where)).text
    assert "Undo for 3 contacts" in text
    assert "hx-trigger" not in text
    assert (await olga.post(f"{where}/undo")).status_code == 204
    await on_bulk_edit_started(services, organization, edit)
    assert "undone" in (await olga.get(where)).text
    assert sorted(names((await olga.get(f"/console/contacts?filter={VIP}")).text)) == ["Ann", "Bob"]


async def test_chosen_rows_are_changed_by_whoever_may(olga, people):
    """Choosing rows by hand; each kind of change has its form, or says that there is nothing to choose from."""
    for kind in (
        "add_label",
        "remove_label",
        "assign_profile",
        "unassign_profile",
        "add_inbox",
        "set_language",
        "delete",
    ):
        form = await olga.get(f"/console/contacts/bulk?kind={kind}&ids={people['Ann']}&ids={people['Bob']}", htmx=True)
        assert form.status_code == 200
        assert "For 2 contacts." in form.text
    export = await olga.get(f"/console/contacts/bulk/export?ids={people['Ann']}&ids={people['Bob']}")
    assert export.url.path == "/console/contacts/export"
    assert str(people["Bob"]) in unescape(export.text)
    assert (await olga.get("/console/contacts/bulk?kind=drop", htmx=True)).status_code == 400
    assert (await olga.get("/console/contacts/bulk?kind=delete&all=true&matching=x", htmx=True)).status_code == 400


async def test_an_agent_deletes_nobody_and_a_viewer_ticks_nothing(browser, hire, organization, people):
    await browser.sign_in(await hire(organization, "agent"))
    assert (await browser.get(f"/console/contacts/bulk?kind=delete&ids={people['Ann']}", htmx=True)).status_code == 403
    assert "kind=delete" not in (await browser.get("/console/contacts")).text
    await browser.sign_in(await hire(organization, "viewer"))
    assert 'name="ids"' not in (await browser.get("/console/contacts")).text
    assert (await browser.get("/console/contacts/filter", htmx=True)).text.count('value="email"') == 0
