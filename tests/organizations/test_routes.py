"""The REST calls of this domain, on the wire."""

from uuid import UUID, uuid4

import httpx
import pytest

from frontdesk.core.db import Database
from frontdesk.core.ids import OrganizationId
from frontdesk.organizations.keys import create_api_key
from frontdesk.organizations.model import Right, system_caller

API = "/api/v1"


@pytest.fixture
async def viewer_key(db: Database, organization: OrganizationId) -> dict[str, str]:
    """Headers of a key that may only view contacts."""
    async with db.begin(organization) as tx:
        _, secret = await create_api_key(
            tx,
            system_caller(organization),
            name="viewer",
            rights=[Right.CONTACTS_VIEW],
            inbox_ids=None,
            expires_at=None,
        )
    return {"Authorization": f"Bearer {secret}"}


async def test_the_caller_is_told_who_it_is(client: httpx.AsyncClient, organization, viewer_key):
    """Any key, whatever it may, learns its organization and its rights."""
    found = (await client.get(f"{API}/users/current", headers=viewer_key)).json()
    assert (found["kind"], found["name"], found["rights"]) == ("api_key", "viewer", ["contacts.view"])
    assert found["organization"]["id"] == str(organization)
    listed = (await client.get(f"{API}/organizations", headers=viewer_key)).json()
    assert (listed["count"], listed["next"], listed["results"][0]["name"]) == (1, None, "Northlight")
    rights = (await client.get(f"{API}/permissions?pageSize=1000", headers=viewer_key)).json()["results"]
    assert [right["id"] for right in rights if right["isHeld"]] == ["contacts.view"]
    assert len(rights) == len(Right)


async def test_members_and_groups_are_listed(client: httpx.AsyncClient, organization, api_key):
    """The organization's members and roles are read by its own id only."""
    listed = (await client.get(f"{API}/organizations/{organization}/members", headers=api_key)).json()
    (member,) = listed["results"]
    assert (member["name"], [group["name"] for group in member["groups"]]) == ("Olga Owner", ["owner"])
    page = (await client.get(f"{API}/organizations/{organization}/groups?pageSize=3", headers=api_key)).json()
    assert [role["name"] for role in page["results"]] == ["owner", "administrator", "agent"]
    rest = (await client.get(page["next"], headers=api_key)).json()
    assert ([role["name"] for role in rest["results"]], rest["next"]) == (["viewer"], None)
    assert "contacts.view" in rest["results"][0]["rights"]


@pytest.mark.parametrize("path", ["members", "groups"])
async def test_other_organizations_do_not_exist(client: httpx.AsyncClient, organization, other_key, path: str):
    """A foreign organization is answered like one that does not exist."""
    for id_ in (organization, uuid4()):
        response = await client.get(f"{API}/organizations/{id_}/{path}", headers=other_key)
        assert response.status_code == 404


async def test_a_key_is_made_used_and_revoked(client: httpx.AsyncClient, api_key):
    """The secret is in the answer to its making and nowhere else; revoked, it opens nothing."""
    body = {"name": "Member system", "rights": ["contacts.view"], "expires_at": "2999-01-01T00:00:00Z"}
    response = await client.post(f"{API}/api-keys", headers=api_key, json=body)
    assert response.status_code == 201
    made = response.json()
    secret = made.pop("secret")
    listed = (await client.get(f"{API}/api-keys", headers=api_key)).json()["results"]
    assert made in listed
    assert secret not in str(listed)
    own = {"Authorization": f"Api-Key {secret}"}
    assert (await client.get(f"{API}/users/current", headers=own)).json()["id"] == made["id"]
    assert (await client.delete(f"{API}/api-keys/{made['id']}", headers=api_key)).status_code == 204
    assert (await client.get(f"{API}/users/current", headers=own)).status_code == 401
    assert (await client.delete(f"{API}/api-keys/{made['id']}", headers=api_key)).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x", "rights": ["everything"]},
        {"name": "x", "rights": []},
        {"name": "", "rights": ["contacts.view"]},
        {"name": "x\0", "rights": ["contacts.view"]},
        {"name": "x", "rights": ["contacts.view"], "expiresAt": "2001-01-01T00:00:00Z"},
        {"name": "x", "rights": ["contacts.view"], "expiresAt": "2999-01-01T00:00:00"},
        {"name": "x", "rights": ["contacts.view"], "inboxIds": ["1"]},
        {"name": "x", "rights": ["contacts.view"], "isAdmin": True},
    ],
)
async def test_unfit_keys_are_refused(client: httpx.AsyncClient, api_key, body):
    """What cannot be a key is a 400 that makes nothing."""
    assert (await client.post(f"{API}/api-keys", headers=api_key, json=body)).status_code == 400


async def test_a_key_makes_no_stronger_key(client: httpx.AsyncClient, organization, api_key):
    """Through the API, too, nobody gives away what they do not hold."""
    body = {"name": "keys only", "rights": ["keys.edit"]}
    secret = (await client.post(f"{API}/api-keys", headers=api_key, json=body)).json()["secret"]
    weak = {"Authorization": f"Api-Key {secret}"}
    response = await client.post(f"{API}/api-keys", headers=weak, json={"name": "x", "rights": ["contacts.erase"]})
    assert response.status_code == 403
    assert (response.json()["type"], response.json()["rights"]) == ("/problems/grant-not-held", ["contacts.erase"])


async def test_the_log_is_read_with_its_right(client: httpx.AsyncClient, api_key, viewer_key):
    """The newest entry comes first; without the right there is no log."""
    listed = (await client.get(f"{API}/audit?pageSize=1", headers=api_key)).json()
    assert listed["count"] >= 2
    assert listed["results"][0]["action"] == "api_key.created"
    assert listed["next"]
    assert (await client.get(f"{API}/audit", headers=viewer_key)).status_code == 403


@pytest.mark.parametrize(
    "path",
    ["organizations", "users/current", "permissions", "api-keys", "audit", f"organizations/{UUID(int=1)}/members"],
)
async def test_nobody_is_told_anything(client: httpx.AsyncClient, path: str):
    """Without a key, or with one that is none, every call is refused."""
    for headers in ({}, {"Authorization": "Api-Key nonsense"}, {"Authorization": "Basic eDp5"}):
        assert (await client.get(f"{API}/{path}", headers=headers)).status_code == 401
