"""`contacts/` on the wire."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.conftest import make_key
from tests.identities.conftest import make_outsiders_inbox
from tests.identities.test_deletion import merge
from tests.making import make_base, make_inbox, opens

from frontdesk.core.db import Database
from frontdesk.core.ids import InboxId, OrganizationId
from frontdesk.organizations.model import Right, system_caller


@dataclass(frozen=True)
class Desk:
    """An API client of the organization."""

    client: httpx.AsyncClient
    headers: dict[str, str]
    inbox: InboxId

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        content = None if body is None else json.dumps(body)
        sent = self.headers | {"Content-Type": "application/json"} | headers
        return await self.client.request(method, f"/api/v1/{path}", content=content, headers=sent)

    async def make(self, **body: Any) -> dict[str, Any]:
        answer = await self.call("POST", "contacts/", {"name": "Ann", "inboxes": [{"id": str(self.inbox)}]} | body)
        assert answer.status_code == 201, answer.text
        return answer.json()


@pytest.fixture
async def desk(db: Database, organization: OrganizationId, client: httpx.AsyncClient, api_key: dict[str, str]) -> Desk:
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, system_caller(organization), "Shop web")
    return Desk(client, api_key, inbox.id)


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


async def test_a_contact_made_in_advance(desk):
    """201 with the whole contact: camelCase, twins in snake_case, times as epoch milliseconds, an ETag."""
    answer = await desk.call(
        "POST",
        "contacts/",
        {
            "name": "Dr. Wu",
            "email": "wu@example.com",
            "phoneNumber": "+886912345678",
            "avatar": "https://example.com/wu.png",
            "sourceId": "D-7",
            "inboxes": [{"id": str(desk.inbox)}],
            "queryMetadata": {"knowledge_bases": [], "some_key": 1},
            "attributes": {"tier_level": "gold"},
        },
    )
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["name"], body["kind"], body["email"], body["emails"]) == (
        "Dr. Wu",
        "known",
        "wu@example.com",
        ["wu@example.com"],
    )
    assert body["phoneNumber"] == body["phone_number"] == "+886912345678"
    assert body["sourceId"] == body["source_id"] == "D-7"
    assert body["queryMetadata"] == body["query_metadata"] == {"knowledge_bases": [], "some_key": 1}
    assert body["mcpCredentials"] == body["mcp_credentials"] == []
    assert body["createdAt"] == body["created_at"]
    assert body["createdAt"].isdecimal()
    assert body["updatedAt"] == body["updated_at"]
    assert body["attributes"] == {"tier_level": "gold"}
    assert [(inbox["id"], inbox["name"], inbox["firstSeenAt"]) for inbox in body["inboxes"]] == [
        (str(desk.inbox), "Shop web", None)
    ]
    assert (body["warnings"], body["mergedFrom"], body["accessProfiles"]) == ([], None, [])
    assert answer.headers["etag"] == f'"{body["version"]}"'
    read = await desk.call("GET", f"contacts/{body['id']}/")
    assert (read.status_code, read.json()) == (200, body)
    assert read.headers["etag"] == answer.headers["etag"]
    plain = (await desk.call("GET", f"contacts/{body['id']}", **{"X-Api-Style": "camel"})).json()
    assert {key for key in plain if "_" in key} == set()
    assert plain["createdAt"].endswith("Z")


async def test_both_key_styles_and_one_inbox_are_read(desk):
    """What published clients send: snake_case, `inbox` instead of `inboxes`, keys that mean nothing here."""
    body = {
        "name": "Ann",
        "phone_number": "+886 912 345 678",
        "source_id": "M-1",
        "inbox": str(desk.inbox),
        "labels": [],
        "tags": 1,
    }
    made = (await desk.call("POST", "contacts/", body)).json()
    assert (made["phoneNumber"], made["sourceId"], made["inboxes"][0]["id"]) == (
        "+886912345678",
        "M-1",
        str(desk.inbox),
    )


async def test_warnings_of_access_are_answered(db, desk, organization):
    """A base that no inbox reaches is saved, and remarked."""
    async with db.begin(organization) as tx:
        base = await make_base(tx, "Far away")
    made = await desk.make(queryMetadata=opens(base))
    assert [one["code"] for one in made["warnings"]] == ["base-out-of-reach"]
    answer = await desk.call("PATCH", f"contacts/{made['id']}", {"queryMetadata": None})
    assert (answer.json()["warnings"], answer.json()["queryMetadata"]) == ([], None)
    refused = await desk.call("PATCH", f"contacts/{made['id']}", {"queryMetadata": {"knowledge_base": []}})
    problem(refused, 400, "invalid-query-metadata")


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_writes_are_partial(desk, method):
    """Absent keys stay, null empties, the further e-mails stay behind a new main one."""
    made = await desk.make(emails=["a@example.com", "b@example.com"], language="en", attributes={"a": 1, "b": 2})
    body = {"email": "c@example.com", "attributes": {"a": None}}
    answer = await desk.call(method, f"contacts/{made['id']}/", body)
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["name"], changed["language"], changed["attributes"]) == ("Ann", "en", {"b": 2})
    assert (changed["email"], changed["emails"]) == ("c@example.com", ["c@example.com", "b@example.com"])
    changed = (await desk.call(method, f"contacts/{made['id']}/", {"language": None})).json()
    assert changed["language"] is None
    assert changed["inboxes"] == made["inboxes"]


async def test_a_lost_update_is_412(desk):
    """`If-Match` with the version that was read; any other one writes nothing."""
    made = await desk.make()
    path, first = f"contacts/{made['id']}", f'"{made["version"]}"'
    changed = await desk.call("PATCH", path, {"name": "Ann Lee"}, **{"If-Match": first})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first
    for tag in (first, '"x"', '"999999999999999999999"', '"-1"', "W/"):
        lost = await desk.call("PATCH", path, {"name": "Lost", "sourceId": "M-9"}, **{"If-Match": tag})
        problem(lost, 412, "precondition-failed")
    read = (await desk.call("GET", path)).json()
    assert (read["name"], read["sourceId"]) == ("Ann Lee", None)
    for tag in ("*", f"W/{changed.headers['etag']}"):
        again = await desk.call("PATCH", path, {"name": "Ann Lee"}, **{"If-Match": tag})
        assert again.status_code == 200


@pytest.mark.parametrize("source_id", ["", "null", "0", " x", "x\u0000", "x" * 256, 0, True, [], {}, 1.5, "e\u0301"])
async def test_bad_source_ids_are_422_with_the_field(desk, source_id):
    """Never a 500, never another's id, and nobody is made."""
    answer = await desk.call("POST", "contacts/", {"name": "Ann", "sourceId": source_id})
    body = problem(answer, 422, "invalid-source-id")
    assert body["sourceId"] == [body["detail"]]
    assert body["errors"][0]["pointer"] == "/sourceId"
    assert (await desk.call("GET", "contacts/")).json()["count"] == 0


async def test_a_taken_source_id_is_409_with_holder_and_offer(db, desk, organization):
    """The holder is named to a key that may see it; the field map is there; the write left nothing."""
    holder = await desk.make(name="Holder", sourceId="M-1")
    answer = await desk.call("POST", "contacts/", {"name": "Ann", "sourceId": "M-1"})
    body = problem(answer, 409, "source-id-taken")
    assert body["holder"] == {"id": holder["id"], "name": "Holder"}
    assert (body["mergeOffered"], len(body["sourceId"])) == (True, 1)
    ann = await desk.make()
    answer = await desk.call("PATCH", f"contacts/{ann['id']}", {"name": "Changed", "sourceId": "M-1"})
    problem(answer, 409, "source-id-taken")
    assert (await desk.call("GET", f"contacts/{ann['id']}")).json()["name"] == "Ann"
    blind = await make_key(db, organization, Right.CONTACTS_EDIT)
    answer = await desk.call("POST", "contacts/", {"name": "Ann", "sourceId": "M-1"}, **blind)
    assert "holder" not in problem(answer, 409, "source-id-taken")


async def test_upsert_by_source_id(desk):
    """201 for a new one, 200 for the same, by path and by query alike; in the member realm."""
    made = await desk.call("PUT", "contacts/by-source-id/M-5/", {"name": "Ann", "inbox": str(desk.inbox)})
    assert (made.status_code, made.json()["sourceId"]) == (201, "M-5")
    again = await desk.call("PUT", "contacts/by-source-id?source_id=M-5", {"name": "Ann Lee", "sourceId": "M-5"})
    assert (again.status_code, again.json()["id"], again.json()["name"]) == (200, made.json()["id"], "Ann Lee")
    other = await desk.call("PUT", "contacts/by-source-id/m-5", {})
    assert (other.status_code, other.json()["name"]) == (201, "")
    lost = await desk.call("PUT", "contacts/by-source-id/M-5", {"name": "Lost"}, **{"If-Match": '"1"'})
    problem(lost, 412, "precondition-failed")
    lost = await desk.call("PUT", "contacts/by-source-id/M-6", {"name": "Lost"}, **{"If-Match": '"1"'})
    problem(lost, 412, "precondition-failed")
    for differing in ("M-7", ["M-5"]):
        answer = await desk.call("PUT", "contacts/by-source-id/M-5", {"sourceId": differing})
        problem(answer, 400, "invalid-request")


async def test_source_ids_with_slashes_reach_only_themselves(desk):
    """In a path they are refused or not found; as a query parameter they work."""
    for source_id in ("a", "a/b", "a/"):
        answer = await desk.call("PUT", f"contacts/by-source-id?sourceId={source_id}", {"name": source_id})
        assert answer.status_code == 201
    for path in ("a%2Fb", "a%2F", "a%2f", "%2Fa", "a%2F/", "a//", "a/b", "a%2F..%2Fa"):
        answer = await desk.call("PUT", f"contacts/by-source-id/{path}", {"name": "Changed"})
        assert answer.status_code in {400, 404, 405}, path
    listed = (await desk.call("GET", "contacts?sort=name")).json()["results"]
    assert [(one["name"], one["sourceId"]) for one in listed] == [("a", "a"), ("a/", "a/"), ("a/b", "a/b")]
    quoted = await desk.call("PUT", "contacts/by-source-id/a%252Fb", {})
    assert quoted.json()["sourceId"] == "a%2Fb"


async def test_64_upserts_at_once_make_one_contact(desk):
    """One is told 201, the others write on the same contact."""
    calls = [desk.call("PUT", "contacts/by-source-id/M-64", {"name": f"Ann {number}"}) for number in range(24)]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [200] * 23 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1


async def test_the_list(desk):
    """`{count, next, previous, results}`; filters; addresses of the neighbours are absolute."""
    for number in range(5):
        await desk.make(name=f"Ann {number}", sourceId=f"M-{number}")
    await desk.make(name="Visitor")
    page = (await desk.call("GET", "contacts/?pageSize=2&page=2&sort=created")).json()
    assert (page["count"], page["countIsEstimate"], len(page["results"])) == (6, False, 2)
    assert page["next"].startswith("http://desk.test/api/v1/contacts?")
    assert page["previous"].startswith("http://desk.test/api/v1/contacts?")
    following = (await desk.client.get(page["next"], headers=desk.headers)).json()
    assert [one["name"] for one in following["results"]] == ["Ann 0", "Ann 1"][::-1]
    assert following["next"] is None

    async def found(query: str) -> list[str]:
        return [one["name"] for one in (await desk.call("GET", f"contacts/?{query}&sort=name")).json()["results"]]

    assert await found("query=M-3") == await found("search=ann%203") == await found("sourceId=M-3") == ["Ann 3"]
    assert await found("kind=anonymous") == ["Visitor"]
    assert await found("source_id=M-3&kind=anonymous") == []
    assert len(await found(f"inbox={desk.inbox}")) == len(await found(f"inboxes={desk.inbox},{uuid4()}")) == 6
    assert await found(f"inboxes={uuid4()}") == []
    for bad in ("kind=maybe", "inboxes=x", "sort=secret", "query=%00", "page=0", "pageSize=1001"):
        problem(await desk.call("GET", f"contacts/?{bad}"), 400, "invalid-request")
    problem(await desk.call("GET", "contacts/?sourceId=null"), 422, "invalid-source-id")


async def test_delete_and_restore(desk):
    """204, then nobody; restored with access only when it is confirmed."""
    made = await desk.make(sourceId="M-1", queryMetadata={"knowledge_bases": []})
    path = f"contacts/{made['id']}"
    answer = await desk.call("DELETE", f"{path}/")
    assert (answer.status_code, answer.content) == (204, b"")
    problem(await desk.call("GET", path), 404, "not-found")
    problem(await desk.call("DELETE", path), 404, "not-found")
    other = await desk.make(name="Bob", sourceId="M-1")
    taken = problem(await desk.call("POST", f"{path}/restore/"), 409, "source-id-taken")
    assert taken["holder"]["id"] == other["id"]
    await desk.call("DELETE", f"contacts/{other['id']}")
    answer = await desk.call("POST", f"{path}/restore/", {"confirmAccess": True})
    assert (answer.status_code, answer.json()["queryMetadata"]) == (200, {"knowledge_bases": []})
    assert answer.json()["sourceId"] == "M-1"
    await desk.call("DELETE", path)
    assert (await desk.call("POST", f"{path}/restore/")).json()["queryMetadata"] == {}


async def test_identities(db, desk, organization):
    """Listed as a page, linked with 201, unlinked with 204; said exactly by realm."""
    async with db.begin(organization) as tx:
        outside = await make_outsiders_inbox(tx, system_caller(organization))
    made = await desk.make(sourceId="M-1")
    path = f"contacts/{made['id']}/identities"
    linked = await desk.call("POST", f"{path}/", {"realm": str(outside.realm_id), "sourceId": "P-1"})
    assert (linked.status_code, linked.json()["realm"], linked.json()["firstSeenAt"]) == (
        201,
        str(outside.realm_id),
        None,
    )
    assert (await desk.call("POST", path, {"source_id": "M-2"})).json()["realm"] != str(outside.realm_id)
    page = (await desk.call("GET", f"{path}/")).json()
    assert (page["count"], [one["sourceId"] for one in page["results"]]) == (3, ["M-1", "P-1", "M-2"])
    problem(await desk.call("DELETE", f"{path}?sourceId=P-1"), 404, "not-found")
    assert (await desk.call("DELETE", f"{path}/?sourceId=P-1&realm={outside.realm_id}")).status_code == 204
    assert (await desk.call("GET", f"contacts/{made['id']}")).json()["sourceId"] == "M-1"
    other = await desk.make(identities=[{"realm": str(outside.realm_id), "sourceId": "P-1"}])
    assert (other["kind"], other["sourceId"]) == ("known", "P-1")
    problem(await desk.call("POST", path, {"realm": str(outside.realm_id), "sourceId": "P-1"}), 409, "source-id-taken")
    problem(await desk.call("POST", path, {"realm": str(uuid4()), "sourceId": "P-2"}), 404, "not-found")
    problem(await desk.call("POST", path, {"sourceId": "P-2 "}), 422, "invalid-source-id")


async def test_a_merged_id_keeps_working(db, desk, organization):
    """Reads answer with the survivor and say so; descriptive writes reach it; all else is 409."""
    old, survivor = await desk.make(name="Old", sourceId="M-1"), await desk.make(name="Survivor", sourceId="M-2")
    async with db.begin(organization) as tx:
        await merge(tx, old["id"], survivor["id"])
    read = await desk.call("GET", f"contacts/{old['id']}/")
    assert (read.status_code, read.json()["id"], read.json()["mergedFrom"]) == (200, survivor["id"], old["id"])
    assert read.headers["content-location"] == f"/api/v1/contacts/{survivor['id']}"
    written = await desk.call("PATCH", f"contacts/{old['id']}", {"name": "Written", "attributes": {"a": 1}})
    assert (written.json()["id"], written.json()["name"]) == (survivor["id"], "Written")
    assert (await desk.call("GET", f"contacts/{old['id']}/identities")).json()["count"] == 1
    for body in ({"sourceId": "M-3"}, {"inboxes": []}, {"queryMetadata": None}, {"name": "x", "sourceId": "M-3"}):
        answer = await desk.call("PATCH", f"contacts/{old['id']}", body)
        assert problem(answer, 409, "contact-merged")["survivor"] == survivor["id"]
    for method, path in (("DELETE", ""), ("POST", "/restore"), ("DELETE", "/identities?sourceId=M-1")):
        problem(await desk.call(method, f"contacts/{old['id']}{path}"), 409, "contact-merged")
    problem(await desk.call("POST", f"contacts/{old['id']}/identities", {"sourceId": "x"}), 409, "contact-merged")


async def test_another_organization_finds_nobody(desk, other_key):
    """Every call on a foreign id is 404, and a foreign source id is free here."""
    made = await desk.make(sourceId="M-1")
    path = f"contacts/{made['id']}"
    calls = [("GET", path, None), ("PUT", path, {}), ("PATCH", path, {"name": "x"}), ("DELETE", path, None)]
    calls += [("POST", f"{path}/restore", {}), ("GET", f"{path}/identities", None)]
    calls += [("POST", f"{path}/identities", {"sourceId": "x"}), ("DELETE", f"{path}/identities?sourceId=M-1", None)]
    for method, where, body in calls:
        problem(await desk.call(method, where, body, **other_key), 404, "not-found")
    assert (await desk.call("GET", "contacts/", **other_key)).json()["count"] == 0
    assert (await desk.call("PUT", "contacts/by-source-id/M-1", {}, **other_key)).status_code == 201
    foreign_inbox = await desk.call("POST", "contacts", {"name": "x", "inbox": str(desk.inbox)}, **other_key)
    problem(foreign_inbox, 400, "invalid-request")


async def test_rights_of_a_key(db, desk, organization):
    """Each call takes its own right; access and further identities take more than editing."""
    made = await desk.make(sourceId="M-1")
    path = f"contacts/{made['id']}"
    viewer = await make_key(db, organization, Right.CONTACTS_VIEW)
    editor = await make_key(db, organization, Right.CONTACTS_EDIT, Right.CONTACTS_VIEW)
    for method, where, body in (
        ("POST", "contacts", {"name": "x"}),
        ("PATCH", path, {"name": "x"}),
        ("DELETE", path, None),
        ("POST", f"{path}/restore", None),
        ("POST", f"{path}/identities", {"sourceId": "x"}),
    ):
        problem(await desk.call(method, where, body, **viewer), 403, "forbidden")
    assert (await desk.call("GET", path, **viewer)).json()["email"] is None
    assert (await desk.call("PATCH", path, {"name": "Edited"}, **editor)).status_code == 200
    problem(await desk.call("POST", "contacts", {"name": "x", "queryMetadata": {}}, **editor), 403, "forbidden")
    problem(await desk.call("PATCH", path, {"queryMetadata": {}}, **editor), 404, "not-found")
    problem(await desk.call("GET", path, Authorization=""), 401, "unauthenticated")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": 5},
        {"name": "a\u0000"},
        {"name": "x", "email": "no"},
        {"name": "x", "inboxes": [{}]},
        {"name": "x" * 201},
    ],
)
async def test_bad_bodies_are_400(desk, body):
    """A pointer to the field, and nobody is made."""
    answer = problem(await desk.call("POST", "contacts/", body), 400, "invalid-request")
    assert answer["errors"][0]["pointer"]
    assert (await desk.call("GET", "contacts/")).json()["count"] == 0
