"""Settings: attributes, labels of contacts, and what the assistant may know."""

import re

from tests.console.test_contacts import make_contact

from frontdesk.contacts.knowing import load_rules
from frontdesk.contacts.labels import add_labels, create_label
from frontdesk.contacts.schema import load_schema
from frontdesk.organizations.model import system_caller

FIELDS = "/console/settings/contact-fields"


async def test_an_attribute_is_defined_changed_and_deleted(olga, db, organization):
    """And the member is told how many contacts do not fit."""
    await make_contact(db, organization, name="Ann", attributes={"level": 7})
    written = {
        "key": "level",
        "name": "Level",
        "kind": "text",
        "choices": "gold\r\n silver \r\n",
        "may_know_from": "never",
    }
    made = await olga.post(f"{FIELDS}/attributes/new", written | {"is_unique": "true"})
    assert made.status_code == 204
    page = (await olga.get(FIELDS)).text
    assert "The attribute is saved. 1 contact has another value. They keep it until it is changed." in page
    async with db.begin(organization) as tx:
        level = (await load_schema(tx)).definitions["level"]
    assert (level.choices, level.is_unique, level.is_required, level.may_know_from) == (
        ("gold", "silver"),
        True,
        False,
        None,
    )
    address = f"{FIELDS}/attributes/{level.id}"
    assert "silver</textarea>" in (await olga.get(address, htmx=True)).text
    assert (await olga.post(address, written | {"kind": "number", "is_required": "true"})).status_code == 204
    async with db.begin(organization) as tx:
        level = (await load_schema(tx)).definitions["level"]
    assert (level.kind, level.choices, level.is_unique, level.is_required) == ("number", None, False, True)
    assert (await olga.post(f"{address}/delete")).status_code == 204
    async with db.begin(organization) as tx:
        assert (await load_schema(tx)).definitions == {}


async def test_a_taken_key_is_said_at_its_field(olga):
    """409, and the form keeps what was typed."""
    await olga.post(f"{FIELDS}/attributes/new", {"key": "level", "kind": "text"})
    refused = await olga.post(f"{FIELDS}/attributes/new", {"key": "level", "kind": "date", "name": "Other"})
    assert (refused.status_code, 'value="Other"' in refused.text) == (409, True)
    assert "Another attribute has this key" in refused.text


async def test_labels_are_made_renamed_and_deleted(olga, db, organization):
    """With the number of contacts that have one."""
    caller = system_caller(organization)
    ann = await make_contact(db, organization, name="Ann")
    async with db.begin(organization) as tx:
        label = await create_label(tx, caller, "Tall")
        await add_labels(tx, caller, ann, [label.id])
    assert (await olga.post(f"{FIELDS}/labels/new", {"name": "Taipei"})).status_code == 204
    taken = await olga.post(f"{FIELDS}/labels/{label.id}", {"name": "Taipei"})
    assert (taken.status_code, "Another label of contacts has this name" in taken.text) == (409, True)
    assert (await olga.post(f"{FIELDS}/labels/{label.id}", {"name": "Very tall"})).status_code == 204
    page = re.sub(r"\s+", " ", (await olga.get(FIELDS)).text)
    assert "1 contact<" in page
    assert "Very tall" in page
    assert "1 contact loses it." in (await olga.get(f"{FIELDS}/labels/{label.id}/delete", htmx=True)).text
    assert (await olga.post(f"{FIELDS}/labels/{label.id}/delete")).status_code == 204
    assert "Very tall" not in (await olga.get(FIELDS)).text


async def test_rules_are_set(olga, db, organization):
    """All at once, with the region of national phone numbers."""
    rules = {"name": "signed", "language": "never", "time_zone": "anonymous", "emails": "channel", "phones": "signed"}
    assert (await olga.post(f"{FIELDS}/rules", rules | {"phone_region": "TW"})).status_code == 204
    async with db.begin(organization) as tx:
        found = {
            field: "never" if value is None else value.name.lower() for field, value in (await load_rules(tx)).items()
        }
    assert found == rules
    page = (await olga.get(FIELDS)).text
    assert '<option value="TW" selected>Taiwan</option>' in page
    assert (await olga.post(f"{FIELDS}/rules", rules | {"phone_region": "XX"})).status_code == 400


async def test_only_who_configures_comes_here(vera):
    """No tab, no page, no write."""
    assert FIELDS not in (await vera.get("/console/settings/account")).text
    assert (await vera.get(FIELDS, htmx=True)).status_code == 403
    assert (await vera.post(f"{FIELDS}/labels/new", {"name": "X"})).status_code == 403
