"""`access-profiles/` on the wire."""

from uuid import uuid4

from tests.conftest import make_key

from frontdesk.organizations.model import Right

PATH = "/api/v1/access-profiles/"


async def test_a_profile_through_its_life(client, api_key):
    """Made, read, listed, changed in part, deleted; free JSON comes back as it was sent."""
    sent = {"name": "VIP", "query_metadata": {"my_key": {"other_key": 1}}, "minimumAssurance": "signed"}
    made = await client.post(PATH, json=sent, headers=api_key)
    body = made.json()
    assert (made.status_code, body["name"], body["minimumAssurance"], body["version"]) == (201, "VIP", "signed", 1)
    assert body["queryMetadata"] == {"my_key": {"other_key": 1}}
    assert body["warnings"] == []
    one = f"{PATH}{body['id']}/"
    assert (await client.get(one, headers=api_key)).json() == body
    page = (await client.get(PATH, headers=api_key)).json()
    assert (page["count"], page["next"], page["results"]) == (1, None, [body])
    changed = await client.put(one, json={"name": "Gold"}, headers=api_key)
    assert (changed.status_code, changed.json()["name"], changed.json()["minimumAssurance"]) == (200, "Gold", "signed")
    assert (await client.delete(one, headers=api_key)).status_code == 204
    assert (await client.get(one, headers=api_key)).status_code == 404


async def test_warnings_come_with_the_answer(client, api_key):
    """The write is saved; the answer says what it will not do."""
    unknown = {"knowledge_bases": [{"knowledge_base_id": str(uuid4())}]}
    made = await client.post(PATH, json={"name": "VIP", "queryMetadata": unknown}, headers=api_key)
    [warning] = made.json()["warnings"]
    assert (made.status_code, warning["code"]) == (201, "unknown-base")
    assert warning["pointer"] == "/queryMetadata/knowledge_bases/0"


async def test_problems(client, api_key):
    """A taken name is 409; bad query metadata is 400 with a pointer; a misspelt key of ours is 400."""
    await client.post(PATH, json={"name": "VIP"}, headers=api_key)
    taken = await client.post(PATH, json={"name": "VIP"}, headers=api_key)
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/profile-name-taken")
    bad = await client.post(PATH, json={"name": "B", "queryMetadata": {"knowledge_base": []}}, headers=api_key)
    assert (bad.status_code, bad.json()["type"]) == (400, "/problems/invalid-query-metadata")
    assert bad.json()["errors"][0]["pointer"] == "/queryMetadata/knowledge_base"
    assert (await client.post(PATH, json={"name": "C", "minimum": "signed"}, headers=api_key)).status_code == 400
    assert (await client.post(PATH, json={"name": ""}, headers=api_key)).status_code == 400


async def test_rights(client, db, organization, other_key, api_key):
    """Reading and writing take their own rights; another organization finds nothing."""
    viewer = await make_key(db, organization, Right.PROFILES_VIEW)
    one = PATH + (await client.post(PATH, json={"name": "VIP"}, headers=api_key)).json()["id"]
    assert (await client.get(one, headers=viewer)).status_code == 200
    assert (await client.patch(one, json={}, headers=viewer)).status_code == 403
    assert (await client.get(one)).status_code == 401
    for method in ("GET", "PATCH", "DELETE"):
        answer = await client.request(method, one, json={} if method == "PATCH" else None, headers=other_key)
        assert answer.status_code == 404
