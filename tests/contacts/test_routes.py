"""The API of what cards are like, on the wire."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from tests.conftest import make_key

from frontdesk.core.ids import OrganizationId
from frontdesk.organizations.model import Right


@dataclass
class Desk:
    client: httpx.AsyncClient
    headers: dict[str, str]

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.client.request(method, f"/api/v1/{path}", json=body, headers=self.headers | headers)

    async def make(self, path: str, body: Any) -> dict[str, Any]:
        response = await self.call("POST", path, body)
        assert response.status_code == 201, response.text
        return response.json()


@pytest.fixture
def desk(client, api_key) -> Desk:
    return Desk(client, api_key)


async def test_a_definition_counts_who_does_not_fit_it(desk):
    """Contacts keep what they say; the write tells how many are concerned, and of what."""
    for level in ("vip", "vip", 7, None):
        await desk.make("contacts/", {"name": "Ann", "attributes": {"level": level} if level else {}})
    body = {"key": "level", "kind": "text", "choices": ["gold"], "isRequired": True, "isUnique": True}
    made = await desk.make("contact-attributes/", body)
    counts = {one["code"]: one["facts"]["count"] for one in made["warnings"]}
    assert counts == {"values-do-not-fit": 3, "values-missing": 1, "values-shared": 1}
    assert (made["key"], made["mayKnowFrom"]) == ("level", "signed")
    changed = await desk.call("PATCH", f"contact-attributes/{made['id']}/", {"choices": None, "is_required": False})
    assert [one["code"] for one in changed.json()["warnings"]] == ["values-do-not-fit", "values-shared"]
    contacts = (await desk.call("GET", "contacts/")).json()["results"]
    assert sorted(str(one["attributes"].get("level")) for one in contacts) == ["7", "None", "vip", "vip"]
    assert (await desk.call("DELETE", f"contact-attributes/{made['id']}/")).status_code == 204
    assert (await desk.call("GET", "contacts/")).json()["results"][0]["attributes"] is not None


async def test_a_key_is_defined_once_and_stays(desk):
    """409 for another definition, 400 for another key."""
    made = await desk.make("contact-attributes/", {"key": "level", "kind": "text"})
    again = await desk.call("POST", "contact-attributes/", {"key": "level", "kind": "number"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/attribute-key-taken")
    renamed = await desk.call("PUT", f"contact-attributes/{made['id']}/", {**made, "key": "tier"})
    assert (renamed.status_code, renamed.json()["errors"][0]["pointer"]) == (400, "/key")
    assert (await desk.call("PUT", f"contact-attributes/{made['id']}/", {**made, "name": "Tier"})).json()[
        "name"
    ] == "Tier"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "number", "choices": ["1"]}, "/choices"),
        ({"kind": "text", "choices": []}, "/choices"),
        ({"kind": "list", "isUnique": True}, "/isUnique"),
        ({"kind": "boolean", "isUnique": True}, "/isUnique"),
        ({"kind": "text", "name": ""}, "/name"),
        ({"kind": "text", "key": "a\x00"}, "/key"),
    ],
)
async def test_a_definition_that_makes_no_sense_is_refused(desk, body, pointer):
    """At the field that is wrong."""
    response = await desk.call("POST", "contact-attributes/", {"key": "level", **body})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, pointer)


async def test_what_does_not_fit_is_refused_at_its_key(desk):
    """On every deliberate path; what is not written stays unchecked."""
    await desk.make("contact-attributes/", {"key": "since/when", "kind": "date"})
    refused = await desk.call("POST", "contacts/", {"name": "Ann", "attributes": {"since/when": "2026-02-30"}})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "/attributes/since~1when")
    ann = await desk.make("contacts/", {"name": "Ann", "attributes": {"since/when": "2026-02-28", "free": {"a": 1}}})
    assert ann["attributes"] == {"since/when": "2026-02-28", "free": {"a": 1}}


async def test_a_taken_value_names_its_holder_to_whom_may_see(desk, db, organization):
    """409 `attribute-taken`; the same contact may say it again."""
    await desk.make("contact-attributes/", {"key": "card", "kind": "text", "isUnique": True})
    ann = await desk.make("contacts/", {"name": "Ann", "attributes": {"card": "C-1"}})
    refused = await desk.call("POST", "contacts/", {"name": "Bob", "attributes": {"card": "C-1"}})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/attribute-taken")
    assert refused.json()["holder"] == {"id": ann["id"], "name": "Ann"}
    blind = Desk(desk.client, await make_key(db, organization, Right.CONTACTS_EDIT))
    hidden = await blind.call("POST", "contacts/", {"name": "Bob", "attributes": {"card": "C-1"}})
    assert (hidden.status_code, "holder" in hidden.json()) == (409, False)
    again = await desk.call("PATCH", f"contacts/{ann['id']}/", {"attributes": {"card": "C-1", "x": 1}})
    assert again.status_code == 200


async def test_labels_of_contacts(desk):
    """By id, `{id}`, `{name}` or name; an unknown one is ignored with a warning; a list replaces the list."""
    taipei = await desk.make("labels/", {"name": "Taipei"})
    tall = await desk.make("labels/", {"name": "Tall"})
    wishes = [taipei["id"], {"name": "Tall"}, "nothing", {"id": taipei["id"]}]
    ann = await desk.make("contacts/", {"name": "Ann", "labels": wishes})
    assert [label["name"] for label in ann["labels"]] == ["Taipei", "Tall"]
    assert [(one["code"], one["pointer"]) for one in ann["warnings"]] == [("unknown-label", "/labels/2")]
    changed = (await desk.call("PATCH", f"contacts/{ann['id']}/", {"labels": ["Tall"]})).json()
    assert ([label["id"] for label in changed["labels"]], changed["version"]) == ([tall["id"]], ann["version"] + 1)
    assert (await desk.call("PATCH", f"contacts/{ann['id']}/", {"name": "Ann"})).json()["labels"] == changed["labels"]
    listed = (await desk.call("GET", "labels/")).json()
    assert [(one["name"], one["contactsCount"]) for one in listed["results"]] == [("Taipei", 0), ("Tall", 1)]
    taken = await desk.call("PATCH", f"labels/{tall['id']}/", {"name": "Taipei"})
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/contact-label-taken")
    assert (await desk.call("DELETE", f"labels/{tall['id']}/")).status_code == 204
    assert (await desk.call("GET", f"contacts/{ann['id']}/")).json()["labels"] == []


async def test_a_lost_update_carries_what_is_there_now(desk):
    """412 with the contact as it is, so that a program can show both."""
    ann = await desk.make("contacts/", {"name": "Ann", "attributes": {"levelOf": "gold"}})
    await desk.call("PATCH", f"contacts/{ann['id']}/", {"name": "Ann Lee"})
    lost = await desk.call("PATCH", f"contacts/{ann['id']}/", {"name": "X"}, **{"If-Match": '"1"'})
    problem = lost.json()
    assert (lost.status_code, problem["version"], problem["current"]["name"]) == (412, 2, "Ann Lee")
    assert problem["current"]["attributes"] == {"levelOf": "gold"}


async def test_notes(desk, db, organization: OrganizationId):
    """Written, read, changed with a version to hold on to, deleted; somebody else's only with contacts.configure."""
    ann = await desk.make("contacts/", {"name": "Ann"})
    path = f"contacts/{ann['id']}/notes/"
    note = await desk.make(path, {"body": " Prefers Saturdays.\r\n"})
    assert (note["body"], note["authorName"], note["version"]) == ("Prefers Saturdays.", "test", 1)
    edited = await desk.call("PATCH", f"{path}{note['id']}/", {"body": "Sundays."}, **{"If-Match": '"1"'})
    assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
    lost = await desk.call("PATCH", f"{path}{note['id']}/", {"body": "Mondays."}, **{"If-Match": '"1"'})
    assert (lost.status_code, lost.json()["current"]) == (412, {"body": "Sundays."})
    other = Desk(desk.client, await make_key(db, organization, Right.CONTACTS_EDIT, Right.CONTACTS_VIEW))
    assert (await other.call("DELETE", f"{path}{note['id']}/")).status_code == 403
    assert [one["body"] for one in (await other.call("GET", path)).json()["results"]] == ["Sundays."]
    assert (await desk.call("POST", path, {"body": "  "})).status_code == 400
    assert (await desk.call("DELETE", f"{path}{note['id']}/")).status_code == 204
    assert (await desk.call("GET", path)).json()["count"] == 0


async def test_field_rules(desk):
    """What is not sent stays; a region without phones is refused."""
    before = (await desk.call("GET", "contact-field-rules/")).json()
    assert before == {
        "name": "channel",
        "language": "channel",
        "timeZone": "channel",
        "emails": "signed",
        "phones": "signed",
        "phoneRegion": None,
        "refusedSourceIds": [],
    }
    changed = await desk.call("PATCH", "contact-field-rules/", {"emails": "never", "phoneRegion": "TW"})
    assert changed.json() == before | {"emails": "never", "phoneRegion": "TW"}
    ann = await desk.make("contacts/", {"name": "Ann", "phoneNumber": "0912 345 678"})
    assert ann["phoneNumber"] == "+886912345678"
    assert (await desk.call("PATCH", "contact-field-rules/", {"phoneRegion": "XX"})).status_code == 400


async def test_what_the_organization_calls_nobody_is_no_source_id(desk):
    """Its own words are refused in any case of letters, beside those that are always refused; whoever has one keeps it."""
    held = await desk.make("contacts/", {"name": "Ann", "sourceId": "guest"})
    said = await desk.call("PATCH", "contact-field-rules/", {"refusedSourceIds": ["guest", " test ", "guest", ""]})
    assert said.json()["refusedSourceIds"] == ["guest", "test"]
    refused = await desk.call("POST", "contacts/", {"name": "Bob", "sourceId": "GUEST"})
    assert (refused.status_code, refused.json()["rule"]) == (422, "reserved")
    assert (await desk.call("GET", f"contacts/{held['id']}/")).json()["sourceId"] == "guest"
    too_many = [f"word {number}" for number in range(201)]
    assert (await desk.call("PATCH", "contact-field-rules/", {"refusedSourceIds": too_many})).status_code == 400
