"""Security 17: nothing that a caller writes into filters, sort keys, attribute keys or segments becomes SQL."""

import json

import pytest
from psycopg.types.json import Jsonb
from tests.making import make_inbox

from frontdesk.contacts.filters import FIELDS, OPS, FieldKind, Op, parse_filter
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.wire import Paging
from frontdesk.identities.cards import Given, create_card
from frontdesk.identities.listing import ContactFilters, list_contacts
from frontdesk.identities.segments import access_segment, create_segment

EVIL = (
    "' OR true --",
    "'; DROP TABLE contacts; --",
    '" OR 1=1',
    "%(organization)s",
    "%s%%s",
    "$1",
    "\\'",
    "{}",
    "'||(SELECT 1/0)||'",
    ":organization",
    "%",
    "_",
)


def wrap(*conditions):
    return {"operator": "and", "conditions": list(conditions)}


@pytest.fixture
async def bystander(tx, owner):
    """A contact that no evil text matches."""
    inbox = await make_inbox(tx, owner)
    card, _ = await create_card(
        tx, owner, Given({"name": "Ann", "attributes": {"level": "VIP"}}, inbox_ids=(inbox.id,))
    )
    return card


@pytest.mark.parametrize("evil", EVIL)
async def test_s17_every_field_and_op_takes_any_text_as_a_value(tx, owner, bystander, evil):
    """It is looked for as it stands: nobody is found by it, nothing breaks."""
    for field in (*FIELDS, "attributes.level", f"attributes.{evil}"):
        kind = FIELDS.get(field, FieldKind.ATTRIBUTE)
        for op in OPS[kind]:
            raw = {"field": field, "op": op}
            if op not in {Op.IS_SET, Op.IS_NOT_SET}:
                raw["value"] = [evil] if op is Op.IN else evil
            try:
                group = parse_filter(wrap(raw))
            except InvalidRequest:
                continue  # not a value of this field
            if op not in {Op.NOT_EQUALS, Op.IS_NOT_SET, Op.IS_SET}:
                assert (await list_contacts(tx, owner, ContactFilters(filter=group), Paging(5, 0))).rows == ()
            else:
                await list_contacts(tx, owner, ContactFilters(filter=group), Paging(5, 0))
    if evil not in {"%", "_"}:
        assert (await list_contacts(tx, owner, ContactFilters(query=evil), Paging(5, 0))).rows == ()


@pytest.mark.parametrize("evil", EVIL)
async def test_s17_sort_keys_attribute_keys_and_ops_of_the_api(client, api_key, evil):
    """What is no word of ours is refused, or is the name of an attribute that nobody has."""
    for query, status in (
        ({"sort": evil}, 400),
        ({"filter": json.dumps(wrap({"field": evil, "op": "equals", "value": "x"}))}, 400),
        ({"filter": json.dumps(wrap({"field": "name", "op": evil, "value": "x"}))}, 400),
        ({"filter": json.dumps({"operator": evil, "conditions": []})}, 400),
        ({f"attributes.{evil}": evil}, 200),
        ({"label": evil}, 200),
        ({"query": evil}, 200),
    ):
        answer = await client.get("/api/v1/contacts", params=query, headers=api_key)
        assert answer.status_code == status, (query, answer.text)
    body = {
        "name": evil,
        "filter": wrap({"field": f"attributes.{evil}", "op": "contains", "value": evil}),
        "columns": [f"attributes.{evil}"],
    }
    made = await client.post("/api/v1/segments", json=body, headers=api_key)
    assert made.status_code == 201, made.text
    used = await client.get("/api/v1/contacts", params={"segment": made.json()["id"]}, headers=api_key)
    assert used.json()["results"] == []


async def test_s17_a_segment_that_was_tampered_with_is_not_run(tx, owner):
    """What stands in the table is read like what comes from outside."""
    segment = await create_segment(tx, owner, {"name": "x"})
    await tx.execute(
        "UPDATE segments SET filter = %(filter)s WHERE organization_id = %(organization)s",
        {"filter": Jsonb(wrap({"field": "name) OR (true", "op": "is_set"})), "organization": tx.organization_id},
    )
    with pytest.raises(InvalidRequest):
        await access_segment(tx, owner, segment.id)
