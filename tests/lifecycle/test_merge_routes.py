"""Merging through the API: the wire shape, and ids that keep working."""

from itertools import pairwise

import httpx
import pytest
from tests.conftest import make_key
from tests.lifecycle.people import make_person, talk
from tests.making import make_inbox

from frontdesk.core.db import Database
from frontdesk.core.ids import OrganizationId, new_id
from frontdesk.organizations.model import Caller, Right

API = "/api/v1/contacts"


class Desk:
    """A key with every right, and three people in one inbox; the last one has written."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        self.client, self.headers = client, headers
        self.people: list[str] = []

    async def call(self, method: str, path: str, body: object = None, status: int = 200) -> httpx.Response:
        response = await self.client.request(method, path, json=body, headers=self.headers)
        assert response.status_code == status, response.text
        return response

    async def merge(self, survivor: str, *others: str, status: int = 200, **more: object) -> dict:
        body = {"from": list(others), **more}
        return (await self.call("POST", f"{API}/{survivor}/merge/", body, status)).json()

    async def undo(self, merge_id: str, status: int = 200, **more: object) -> dict:
        return (await self.call("POST", f"/api/v1/merges/{merge_id}/undo", more, status)).json()


@pytest.fixture
async def desk(
    client: httpx.AsyncClient, db: Database, organization: OrganizationId, owner: Caller, api_key: dict[str, str]
) -> Desk:
    desk = Desk(client, api_key)
    async with db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner, "Shop web")
        for number, name in enumerate(("Ann", "Bob", "Cid")):
            person = await make_person(
                tx, owner, inbox, name, source_id=f"S-{number}", time_zone="Asia/Taipei" if number else None
            )
            desk.people.append(str(person))
        await talk(tx, inbox, person)
    return desk


async def test_a_dry_run_tells_what_would_be_done(desk):
    """Values side by side, what moves, who could read more; and nothing is done."""
    ann, bob, cid = desk.people
    told = await desk.merge(ann, bob, cid, dryRun=True, choices={"timeZone": cid})
    assert told["dryRun"] is True
    assert (told["survivor"]["id"], [one["id"] for one in told["merged"]]) == (ann, sorted([bob, cid]))
    fields = {one["field"]: one for one in told["fields"]}
    assert fields["name"]["winner"] == ann
    assert fields["timeZone"]["winner"] == cid
    assert [one["value"] for one in fields["name"]["offers"]] == ["Ann", "Bob", "Cid"]
    assert {one["provenance"] for one in fields["name"]["offers"]} == {"member"}
    assert told["moved"] == {"identities": 2, "conversations": 1, "notes": 0, "facts": 0}
    assert [one["contact"] for one in told["access"]] == [ann, *sorted([bob, cid])]
    assert told["refusals"] == []
    assert (await desk.call("GET", f"{API}/{bob}")).json()["id"] == bob


async def test_merged_listed_and_undone(desk):
    """The answer has the merge's id; the history tells of both."""
    ann, bob, _ = desk.people
    done = await desk.merge(ann, bob)
    assert (done["dryRun"], done["mergedFrom"], done["moved"]["identities"]) == (False, [bob], 1)
    assert {one["sourceId"] for one in done["survivor"]["identities"]} == {"S-0", "S-1"}
    (entry,) = (await desk.call("GET", f"{API}/{bob}/merges/")).json()["results"]
    assert (entry["id"], entry["survivor"], entry["reason"], entry["undoneAt"]) == (done["mergeId"], ann, "api", None)
    told = await desk.undo(done["mergeId"], dryRun=True)
    assert (told["dryRun"], told["returned"]["identities"]) == (True, 1)
    undone = await desk.undo(done["mergeId"])
    assert {**told, "dryRun": False} == undone
    assert (await desk.call("GET", f"{API}/{bob}")).json()["sourceId"] == "S-1"
    (entry,) = (await desk.call("GET", f"{API}/{ann}/merges/")).json()["results"]
    assert entry["undoneBy"] == "test"


async def test_an_old_id_reads_the_survivor_everywhere(desk):
    """The card, its conversations, its identities, the list and its filters, over several merges."""
    for former, later in pairwise(desk.people):
        await desk.merge(later, former)
    old, survivor = desk.people[0], desk.people[-1]
    response = await desk.call("GET", f"{API}/{old}/")
    assert response.headers["content-location"] == f"{API}/{survivor}"
    assert (response.json()["id"], response.json()["mergedFrom"]) == (survivor, old)
    for path in (f"{API}/{old}/conversations", f"/api/v1/conversations/?contact={old}"):
        assert (await desk.call("GET", path)).json()["count"] == 1
    await desk.call("GET", f"{API}/{old}/conversations/latest")
    assert (await desk.call("GET", f"{API}/{old}/identities")).json()["count"] == 3
    assert (await desk.call("GET", f"{API}/{old}/notes")).json()["count"] == 0
    await desk.call("GET", f"{API}/{old}/memory")
    for query in (f"query={old}", "sourceId=S-0", "query=S-1"):
        found = (await desk.call("GET", f"{API}?{query}")).json()["results"]
        assert [one["id"] for one in found] == [survivor], query


async def test_an_old_id_writes_what_describes_and_nothing_that_identifies(desk):
    """Name and attributes reach the survivor; source id, inboxes, access, delete and erase are refused."""
    old, survivor, _ = desk.people
    await desk.merge(survivor, old)
    written = (await desk.call("PATCH", f"{API}/{old}", {"name": "Anna", "attributes": {"a": 1}})).json()
    assert (written["id"], written["name"]) == (survivor, "Anna")
    await desk.call("POST", f"{API}/{old}/notes", {"body": "Prefers Saturdays."}, 201)
    assert (await desk.call("GET", f"{API}/{survivor}/notes")).json()["count"] == 1
    for method, path, body in (
        ("PATCH", "", {"sourceId": "S-9"}),
        ("PATCH", "", {"inboxes": []}),
        ("PATCH", "", {"queryMetadata": {}}),
        ("DELETE", "", None),
        ("POST", "/restore", None),
        ("POST", "/identities", {"sourceId": "S-9"}),
    ):
        problem = (await desk.call(method, f"{API}/{old}{path}", body, 409)).json()
        assert problem["type"] == "/problems/contact-merged", (method, path)
        assert problem["survivor"] == survivor


async def test_problems_name_their_reason_and_their_place(desk, db, organization):
    """Each refusal of the issue, as clients see it."""
    ann, bob, cid = desk.people
    first = await desk.merge(ann, bob)
    second = await desk.merge(ann, cid)
    for slug, problem in {
        "self-merge": await desk.merge(ann, ann, status=422),
        "contact-merged": await desk.merge(bob, ann, status=409),
        "not-found": await desk.merge(ann, str(new_id()), status=404),
        "invalid-request": await desk.merge(ann, status=400),
        "later-merge": await desk.undo(first["mergeId"], status=409),
    }.items():
        assert problem["type"] == f"/problems/{slug}"
    assert (await desk.undo(first["mergeId"], status=409))["merges"] == [second["mergeId"]]
    async with db.begin(organization) as tx:
        await tx.execute("UPDATE merges SET sealed_at = now() WHERE id = %(id)s", {"id": second["mergeId"]})
    assert (await desk.undo(second["mergeId"], status=409))["type"] == "/problems/merge-sealed"


async def test_the_same_again_is_the_same_answer(desk):
    """A client that lost the answer asks again."""
    ann, bob, _ = desk.people
    first = await desk.merge(ann, bob)
    again = await desk.merge(ann, bob)
    assert (again["mergeId"], again["moved"]) == (first["mergeId"], first["moved"])
    undone = await desk.undo(first["mergeId"])
    assert (await desk.undo(first["mergeId"]))["mergeId"] == undone["mergeId"]


async def test_another_organization_sees_neither_contacts_nor_merges(desk, client, db, other_organization):
    """Ids of theirs are ids of nobody."""
    ann, bob, cid = desk.people
    merge_id = (await desk.merge(ann, bob))["mergeId"]
    stranger = Desk(client, await make_key(db, other_organization))
    await stranger.merge(ann, cid, status=404)
    await stranger.undo(merge_id, status=404)
    await stranger.call("GET", f"{API}/{ann}/merges", status=404)


async def test_a_key_without_the_right_is_refused(desk, client, db, organization):
    """Every other right does not help."""
    weak = Desk(client, await make_key(db, organization, *(set(Right) - {Right.CONTACTS_MERGE})))
    await weak.merge(*desk.people[:2], status=403)
    await weak.undo(str(new_id()), status=403)
