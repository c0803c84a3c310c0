"""`inboxes/`, `web-chats/` and `chatbots/` on the wire."""

from uuid import uuid4

import pytest
from tests.conftest import make_key
from tests.making import make_base

from frontdesk.organizations.model import Right

API = "/api/v1/"


@pytest.fixture
async def chatbot(client, api_key):
    return (await client.post(f"{API}chatbots/", json={"name": "Shop"}, headers=api_key)).json()


@pytest.fixture
async def web_chat(client, api_key, chatbot):
    sent = {"name": "Shop web", "chatbot": {"id": chatbot["id"]}, "greeting": "Hello", "theme": "dark"}
    return (await client.post(f"{API}web-chats/", json=sent, headers=api_key)).json()


async def test_published_clients_can_walk_the_inboxes(client, api_key, chatbot, web_chat):
    """They read id, channel.id and channel.name of each, and follow next until it is null."""
    found, url = [], f"{API}inboxes/?pageSize=1"
    while url is not None:
        page = (await client.get(url, headers=api_key)).json()
        found += [
            (one["name"], one["channel"]["id"], one["channel"]["name"], one["channelType"]) for one in page["results"]
        ]
        url = page["next"]
    assert found == [
        ("Shop", chatbot["apiWebChatId"], "Shop", "api"),
        ("Shop web", web_chat["id"], "Shop web", "web"),
    ]


async def test_an_inbox_through_its_life(client, api_key, chatbot):
    """Made, read, filtered, changed in part, deleted; settings of the channel stand in `channel`."""
    sent = {
        "name": "Shop web",
        "chatbot": chatbot["id"],
        "channelType": "web",
        "channel": {"identity_mode": "jwt", "starters": ["Hours?"], "allowedOrigins": ["https://shop.example.com/"]},
        "visitorScope": {},
    }
    made = await client.post(f"{API}inboxes/", json=sent, headers=api_key)
    body = made.json()
    assert (made.status_code, body["chatbot"], body["visitorScope"], body["memberScope"]) == (
        201,
        chatbot["id"],
        {},
        None,
    )
    channel = body["channel"]
    assert (channel["identityMode"], channel["onLogin"], channel["starters"]) == ("jwt", "merge", ["Hours?"])
    assert channel["allowedOrigins"] == ["https://shop.example.com"]
    one = f"{API}inboxes/{body['id']}"
    assert (await client.get(one, headers=api_key)).json() == body
    listed = await client.get(f"{API}inboxes/?channelType=web&chatbot={chatbot['id']}", headers=api_key)
    assert listed.json()["results"] == [body]
    change = {"channel": {"greeting": "Hi"}, "channelType": "web"}
    changed = (await client.patch(one, json=change, headers=api_key)).json()
    assert (changed["channel"]["greeting"], changed["channel"]["starters"], changed["name"]) == (
        "Hi",
        ["Hours?"],
        "Shop web",
    )
    echoed = await client.put(one, json=changed, headers=api_key)
    assert (echoed.status_code, echoed.json()) == (200, changed)
    assert (await client.delete(one, headers=api_key)).status_code == 204
    assert (await client.get(one, headers=api_key)).status_code == 404


async def test_a_web_chat_is_the_inbox_as_its_page_sees_it(client, api_key, chatbot, web_chat):
    """Its id is the one that goes into the page; keys of other products are ignored."""
    one = f"{API}web-chats/{web_chat['id']}"
    assert (web_chat["greeting"], web_chat["chatbot"]) == ("Hello", chatbot["id"])
    inbox = (await client.get(f"{API}inboxes/{web_chat['inbox']}", headers=api_key)).json()
    assert (inbox["channel"]["id"], inbox["channel"]["greeting"]) == (web_chat["id"], "Hello")
    changed = (await client.patch(one, json={"on_login": "separate"}, headers=api_key)).json()
    assert (changed["onLogin"], changed["greeting"]) == ("separate", "Hello")
    assert (await client.get(one, headers=api_key)).json() == changed
    assert (await client.get(f"{API}web-chats/", headers=api_key)).json()["results"] == [changed]
    assert (await client.get(f"{API}web-chats/{chatbot['apiWebChatId']}", headers=api_key)).status_code == 404
    assert (await client.delete(one, headers=api_key)).status_code == 204
    assert (await client.get(one, headers=api_key)).status_code == 404


async def test_problems_of_inboxes(client, api_key, chatbot, web_chat):
    """Each names its field where the body carries it."""
    one = f"{API}inboxes/{web_chat['inbox']}"

    async def pointer(path, json, method="PATCH"):
        answer = await client.request(method, path, json=json, headers=api_key)
        assert answer.status_code == 400, answer.text
        return answer.json()["errors"][0]["pointer"]

    assert await pointer(one, {"channel": {"allowedOrigins": ["*"]}}) == "/channel/allowedOrigins/0"
    assert await pointer(f"{API}web-chats/{web_chat['id']}", {"allowedOrigins": ["*"]}) == "/allowedOrigins/0"
    assert await pointer(one, {"memberScope": {"knowledge_bases": 1}}) == "/memberScope/knowledge_bases"
    assert await pointer(one, {"chatbot": str(uuid4())}) == "/chatbot"
    assert (await pointer(one, {"name": None})) == "/name"
    assert (await pointer(one, {"channel": {"identityMode": "magic"}})).startswith("/channel/identityMode")
    line = {"name": "LINE", "chatbot": chatbot["id"], "channelType": "line"}
    assert await pointer(f"{API}inboxes", line, "POST") == "/channelType"
    assert await pointer(f"{API}inboxes", {"name": "X"}, "POST") == "/chatbot"


async def test_warnings_come_with_the_answer(client, api_key, web_chat):
    """Saved, and told."""
    unknown = {"knowledge_bases": [{"knowledge_base_id": str(uuid4())}]}
    answer = await client.patch(f"{API}web-chats/{web_chat['id']}", json={"visitorScope": unknown}, headers=api_key)
    assert answer.json()["visitorScope"] == unknown
    assert [(one["code"], one["pointer"]) for one in answer.json()["warnings"]] == [
        ("unknown-base", "/visitorScope/knowledge_bases/0")
    ]


async def test_a_chatbot_through_its_life(client, api_key, db, organization):
    """Bases in every published form, a model in both; the key is never returned; an echo changes nothing."""
    async with db.begin(organization) as tx:
        bases = [str(await make_base(tx, name)) for name in ("A", "B")]
    sent = {
        "name": "Shop",
        "model": {"provider": "openai", "name": "some-model", "key": "sk-secret"},
        "rag": "66261b7a-0000-4000-8000-000000000000",
        "instructions": "Be kind.",
        "knowledgeBases": [bases[0], {"id": bases[1]}],
    }
    made = await client.post(f"{API}chatbots/", json=sent, headers=api_key)
    body = made.json()
    assert (made.status_code, body["largeLanguageModel"], body["replyMode"]) == (201, "openai/some-model", "normal")
    assert body["model"] == {"provider": "openai", "name": "some-model", "baseUrl": None, "hasKey": True}
    assert body["knowledgeBases"] == [{"id": bases[0], "name": "A"}, {"id": bases[1], "name": "B"}]
    assert "sk-secret" not in made.text
    one = f"{API}chatbots/{body['id']}/"
    assert (await client.get(one, headers=api_key)).json() == body
    assert (await client.put(one, json=body, headers=api_key)).json() == body
    assert (await client.get(f"{API}chatbots/", headers=api_key)).json()["results"] == [body]
    changed = await client.put(one, json={"name": "Store", "large_language_model": None}, headers=api_key)
    assert (changed.json()["name"], changed.json()["model"], changed.json()["instructions"]) == (
        "Store",
        None,
        "Be kind.",
    )
    assert (await client.delete(one, headers=api_key)).status_code == 204
    assert (await client.get(one, headers=api_key)).status_code == 404


async def test_ids_of_models_elsewhere_mean_nothing_here(client, api_key):
    """Published clients send one; the chatbot is made, and answers with passages."""
    sent = {"name": "Shop", "model": str(uuid4())}
    made = await client.post(f"{API}chatbots/", json=sent, headers=api_key)
    assert (made.status_code, made.json()["model"]) == (201, None)
    text = await client.post(f"{API}chatbots/", json={"name": "B", "model": "anthropic/some"}, headers=api_key)
    assert (text.json()["model"]["provider"], text.json()["model"]["name"]) == ("anthropic", "some")


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"model": "nonsense"}, "/model"),
        ({"model": {"provider": "openai", "name": "x", "base_url": "https://evil.example"}}, "/model/baseUrl"),
        ({"knowledge_bases": [str(uuid4())]}, "/knowledgeBases"),
        ({"webhook_url": "nowhere"}, "/webhookUrl"),
        ({"name": ""}, "/name"),
    ],
)
async def test_problems_of_chatbots(client, api_key, chatbot, sent, pointer):
    """Each names its field."""
    answer = await client.patch(f"{API}chatbots/{chatbot['id']}", json=sent, headers=api_key)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


async def test_conflicts(client, api_key, chatbot, web_chat):
    """A chatbot in use stays, and so does the inbox that it answers the API through."""
    used = await client.delete(f"{API}chatbots/{chatbot['id']}", headers=api_key)
    assert (used.status_code, used.json()["type"]) == (409, "/problems/assistant-in-use")
    assert used.json()["inboxes"] == [{"id": web_chat["inbox"], "name": "Shop web"}]
    listed = (await client.get(f"{API}inboxes?channelType=api", headers=api_key)).json()["results"]
    own = await client.delete(f"{API}inboxes/{listed[0]['id']}", headers=api_key)
    assert (own.status_code, own.json()["type"]) == (409, "/problems/inbox-of-assistant")


async def test_rights(client, db, organization, other_key, chatbot, web_chat):
    """Reading and writing take their own rights; another organization finds nothing."""
    viewer = await make_key(db, organization, Right.INBOXES_VIEW, Right.ASSISTANTS_VIEW)
    for path in (f"inboxes/{web_chat['inbox']}", f"web-chats/{web_chat['id']}", f"chatbots/{chatbot['id']}"):
        assert (await client.get(API + path)).status_code == 401
        assert (await client.get(API + path, headers=viewer)).status_code == 200
        assert (await client.patch(API + path, json={}, headers=viewer)).status_code == 403
        for method, body in (("GET", None), ("PATCH", {"name": "Mine"}), ("DELETE", None)):
            answer = await client.request(method, API + path, json=body, headers=other_key)
            assert answer.status_code == 404
