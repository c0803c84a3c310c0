"""Threat 8: ids that are almost another one are compared byte for byte, or refused; a path never reaches another id."""

import unicodedata

import pytest

CARD = {"name": "Almost"}
STRANGE = [0, 1, True, False, [], {}, ["M-1"], "", "0", "-1", "null", "NULL", "undefined", "anonymous", " ", "\t"]
STRANGE += [
    " M-s08",
    "M-s08 ",
    "M-s08\n",
    "M\x00s08",
    "M-s08\u200b\n",
    "x" * 10_240,
    unicodedata.normalize("NFD", "é8"),
]


@pytest.mark.parametrize("source_id", STRANGE, ids=lambda one: ascii(one)[:20])
async def test_s08_what_cannot_be_an_id_is_refused(client, shop, shop_key, source_id):
    """As a field: 400 for another type, 422 for a rule; nobody is made, and nobody is found by it."""
    response = await client.post("/api/v1/contacts", json=CARD | {"sourceId": source_id}, headers=shop_key)
    assert response.status_code in {400, 422}
    assert "sourceId" in response.text
    if isinstance(source_id, str):
        found = await client.get("/api/v1/contacts", params={"sourceId": source_id}, headers=shop_key)
        assert found.status_code in {400, 422} or found.json()["count"] == 0


async def test_s08_similar_ids_are_different_people(client, shop, shop_key):
    """Case, width, a zero-width letter, another dash: each is its own contact and finds itself alone."""
    similar = [
        "m-S08",
        "M-s08",
        "M-S08",
        "\uff2d-s08",
        "M-\uff53\uff10\uff18",
        "M\u2010s08",
        "M-s08\u200bx",
        "É8",
        "É8é",
    ]
    made = {}
    for source_id in similar:
        response = await client.post("/api/v1/contacts", json=CARD | {"sourceId": source_id}, headers=shop_key)
        assert response.status_code == 201
        made[source_id] = response.json()["id"]
    assert len(set(made.values())) == len(similar)
    for source_id, contact in made.items():
        found = await client.get("/api/v1/contacts", params={"sourceId": source_id}, headers=shop_key)
        assert [one["id"] for one in found.json()["results"]] == [contact]


async def test_s08_a_path_never_reaches_another_id(client, shop, shop_key):
    """A slash, plain or encoded, in the path is refused; as a parameter it is the id that was meant (CVE-2022-1176)."""
    url = "/api/v1/contacts/by-source-id"
    victim = (await client.put(f"{url}/s08-a", json=CARD, headers=shop_key)).json()
    for path in ("s08-a%2Fb", "s08-a%2fb", "s08-a/b", "s08-a/../s08-b", "s08-a%2F..%2Fs08-a", "..%2Fs08-a"):
        response = await client.put(f"{url}/{path}", json={"name": "Taken over"}, headers=shop_key)
        assert response.status_code in {400, 404, 405, 201}
        if response.status_code == 201:
            assert response.json()["id"] != victim["id"]
    meant = await client.put(url, params={"sourceId": "s08-a/b"}, json=CARD, headers=shop_key)
    assert (meant.status_code, meant.json()["sourceId"]) == (201, "s08-a/b")
    after = (await client.get(f"/api/v1/contacts/{victim['id']}", headers=shop_key)).json()
    assert (after["name"], after["version"]) == (victim["name"], victim["version"])
