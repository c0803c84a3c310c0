"""Explaining and view-as over the API, at the demo shop."""

from typing import Any
from uuid import uuid4

import pytest
from tests.conftest import make_key
from tests.making import member

from frontdesk.answers import memory
from frontdesk.answers.viewing import view_as
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts.access_actions import set_access
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ContactId
from frontdesk.demo.organization import WU, ZHANG, Person
from frontdesk.identities import queries as identities
from frontdesk.identities.model import IdentityKey
from frontdesk.organizations.model import Right, system_caller

HOTLINE = "What does the personal service hotline offer?"
HOURS = "What are your opening hours?"
FILTER = "How do I reset the filter indicator?"
SPARE = "How do dealers order spare parts?"
CANARY = "canaryville"


@pytest.fixture
async def key(services, shop) -> dict[str, str]:
    return await make_key(services.db, shop.organization_id)


async def contact_of(services, shop, person: Person) -> ContactId:
    async with services.db.begin(shop.organization_id) as tx:
        one = IdentityKey(shop.inbox.realm_id, person.source_id)
        return (await identities.find_owners(tx, [one]))[one]


async def document_of(services, shop, title: str) -> str:
    async with services.db.begin(shop.organization_id) as tx:
        sql = "SELECT id FROM documents WHERE organization_id = %(o)s AND title = %(title)s"
        return str(await tx.fetch_value(sql, {"o": shop.organization_id, "title": title}))


async def test_five_pairs_are_explained(services, shop, client, key):
    """Who may read what at the shop, with the layer and the reason that decided."""
    zhang, wu = [f"contacts/{await contact_of(services, shop, one)}/access" for one in (ZHANG, WU)]
    visitor = f"inboxes/{shop.inbox.id}/access"
    pairs = [
        (visitor, HOTLINE, {}),
        (zhang, HOTLINE, {"assurance": "signed"}),
        (zhang, HOTLINE, {"assurance": "channel"}),
        (zhang, FILTER, {"assurance": "anonymous"}),
        (wu, SPARE, {"assurance": "signed"}),
    ]
    told = []
    for path, title, asked in pairs:
        query = asked | {"document": await document_of(services, shop, title)}
        if path != visitor:
            query["inbox"] = str(shop.inbox.id)
        answer = (await client.get(f"/api/v1/{path}", params=query, headers=key)).json()
        said = answer["explanation"]
        reasons = {
            (finding["profile"] or {"name": ""})["name"]: (
                finding["reason"],
                [one["name"] for one in finding["labels"]],
            )
            for layer in said["layers"]
            if layer["name"] == said["decidedBy"]
            for finding in layer["findings"]
        }
        told.append((said["isReadable"], said["decidedBy"], said["isUnproven"], reasons))
    assert told == [
        (False, "visitor_scope", False, {"": ("labels-not-met", ["public"])}),
        (True, "profiles", False, {"VIP": ("labels-met", [])}),
        (False, "profiles", False, {"VIP": ("assurance-too-low", [])}),
        (False, "visitor_scope", True, {"": ("labels-not-met", ["public"])}),
        (False, "assistant", False, {"": ("base-not-attached", [])}),
    ]


async def test_the_path_counts_what_is_left_after_each_layer(services, shop, client, key):
    """It only falls, and ends with what an answer can be made of."""
    zhang = await contact_of(services, shop, ZHANG)
    answer = (await client.get(f"/api/v1/contacts/{zhang}/access", headers=key)).json()
    counts = [layer["documents"] for layer in answer["layers"]]
    assert [layer["name"] for layer in answer["layers"]] == ["assistant", "inbox", "profiles", "message", "page"]
    assert counts == sorted(counts, reverse=True)
    assert (answer["documents"], answer["assurance"]) == (counts[-1], "signed")
    body = {"question": HOURS, "inbox": answer["inbox"]}
    viewed = (await client.post(f"/api/v1/contacts/{zhang}/view-as", json=body, headers=key)).json()
    assert viewed["permittedDocuments"] == answer["documents"]


def essence(content: str, citations: list[dict[str, Any]]) -> tuple[str, list[tuple[Any, ...]]]:
    return content, [(one["number"], one["title"], one["pageNumber"], one["kind"]) for one in citations]


async def view(client, shop, key, contact: object, question: str, **more: str) -> dict[str, Any]:
    body = {"question": question, "inbox": str(shop.inbox.id), **more}
    response = await client.post(f"/api/v1/contacts/{contact}/view-as", json=body, headers=key)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("question", [HOTLINE, HOURS, "VIP offers", "貴賓專線提供什麼服務？", "xyzzy plugh"])
async def test_view_as_gives_the_same_bytes_as_the_widget(services, shop, client, key, browser, question):
    """Text, citations and their order, read out of documents; proven, and to a visitor."""
    zhang = await contact_of(services, shop, ZHANG)
    await browser.open(await shop.sign(ZHANG))
    shown = await browser.ask(question, key=f"view-{uuid4()}")
    viewed = await view(client, shop, key, zhang, question, assurance="signed")
    assert essence(shown["content"], shown["citations"]) == essence(viewed["content"], viewed["citations"])
    assert shown["isFound"] == viewed["isFound"]


async def test_view_as_gives_the_same_bytes_when_a_model_speaks(services, shop, client, key, speaking, model):
    """And the model is told exactly the same, card and memory included."""
    zhang = await contact_of(services, shop, ZHANG)
    asking = speaking.client
    model.words = ["Your own ", "adviser [2], ", "daily [1]."]
    async with services.db.begin(shop.organization_id) as tx:
        fact = await memory.add_fact(tx, system_caller(shop.organization_id), zhang, "home", f"Lives in {CANARY}")
    try:
        await speaking.open(await shop.sign(ZHANG))
        shown = await speaking.ask(HOTLINE, key=f"view-{uuid4()}")
        viewed = await view(asking, shop, key, zhang, HOTLINE, assurance="signed")
        blind = await make_key(services.db, shop.organization_id, Right.ACCESS_VIEW_AS, Right.KNOWLEDGE_VIEW)
        impersonal = await view(asking, shop, blind, zhang, HOTLINE, assurance="signed")
    finally:
        async with services.db.begin(shop.organization_id) as tx:
            await memory.delete_fact(tx, system_caller(shop.organization_id), zhang, fact)
    assert essence(shown["content"], shown["citations"]) == essence(viewed["content"], viewed["citations"])
    assert [one["number"] for one in viewed["citations"]] == [one["number"] for one in shown["citations"]] != []
    prompts = [request["messages"] for request in model.requests]
    assert prompts[0] == prompts[1]
    assert CANARY in str(prompts[1])
    assert viewed["readsPersonal"] is True
    assert CANARY not in str(prompts[2])
    assert ZHANG.name not in str(prompts[2])
    assert impersonal["readsPersonal"] is False


async def test_view_as_writes_nothing_but_that_it_was_asked(services, shop, client, key):
    """Every table is as it was, but for one line of the audit log and the counter of attempts."""
    zhang = await contact_of(services, shop, ZHANG)
    before = await checksums(services, shop)
    await view(client, shop, key, zhang, HOTLINE, assurance="signed")
    after = await checksums(services, shop)
    assert {table for table in before if before[table] != after[table]} == {"audit_log", "throttle_attempts"}
    async with services.db.begin(shop.organization_id) as tx:
        rows = await tx.fetch(
            "SELECT contact_id, payload FROM audit_log WHERE action = 'contact.viewed_as' ORDER BY id DESC LIMIT 1"
        )
    assert rows == [(zhang, {"inbox": shop.inbox.name, "assurance": "signed"})]
    assert int(after["audit_log"].split()[0]) - int(before["audit_log"].split()[0]) == 1


async def checksums(services, shop) -> dict[str, str]:
    """The count and a checksum of every table; of keys without the time of their last use."""
    async with services.db.begin(shop.organization_id) as tx:
        tables = await tx.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            " AND has_table_privilege(oid, 'SELECT') ORDER BY relname"
        )
        assert len(tables) > 40
        sums = {}
        for (table,) in tables:
            row = "(to_jsonb(t) - 'last_used_at')::text"
            sums[table] = await tx.fetch_value(
                f"SELECT count(*) || ' ' || coalesce(md5(string_agg({row}, ',' ORDER BY {row})), '') FROM {table} t"
            )
    return sums


async def test_what_the_caller_may_not_read_is_counted_and_not_shown(services, shop, client):
    """A key without the right to see documents learns how many there were, and no word of them."""
    zhang = await contact_of(services, shop, ZHANG)
    blind = await make_key(services.db, shop.organization_id, Right.ACCESS_VIEW_AS)
    viewed = await view(client, shop, blind, zhang, HOTLINE, assurance="signed")
    assert (viewed["content"], viewed["citations"]) == (None, [])
    assert viewed["hiddenDocuments"] > 0
    nothing = await view(client, shop, blind, zhang, "xyzzy plugh", assurance="signed")
    assert nothing["hiddenDocuments"] == 0
    assert nothing["content"]
    explained = await client.get(
        f"/api/v1/contacts/{zhang}/access",
        params={"document": await document_of(services, shop, HOTLINE)},
        headers=await make_key(services.db, shop.organization_id, Right.CONTACTS_VIEW),
    )
    assert explained.json()["right"] == "knowledge.view"


async def test_view_as_is_slowed_down(services, shop, client):
    """Sixty questions in a quarter of an hour are enough to look, and too few to read everything out."""
    zhang = await contact_of(services, shop, ZHANG)
    key = await make_key(services.db, shop.organization_id, Right.ACCESS_VIEW_AS, Right.CONTACTS_VIEW)
    async with services.db.begin(shop.organization_id) as tx:
        await set_access(tx, system_caller(shop.organization_id), zhang, {"knowledge_bases": []})
    try:
        statuses = [
            (await client.post(f"/api/v1/contacts/{zhang}/view-as", json={"question": "x"}, headers=key)).status_code
            for _ in range(61)
        ]
    finally:
        async with services.db.begin(shop.organization_id) as tx:
            await set_access(tx, system_caller(shop.organization_id), zhang, None)
    assert statuses == [200] * 60 + [429]


async def test_who_is_in_no_inbox_is_asked_where(services, shop, client, key):
    """Without an inbox there is nothing to explain; a foreign or deleted document does not exist."""
    made = await client.post("/api/v1/contacts", json={"name": "Nowhere"}, headers=key)
    response = await client.get(f"/api/v1/contacts/{made.json()['id']}/access", headers=key)
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/inbox")
    query = {"inbox": str(shop.inbox.id), "document": str(uuid4())}
    response = await client.get(f"/api/v1/contacts/{made.json()['id']}/access", params=query, headers=key)
    assert response.status_code == 404
    await client.delete(f"/api/v1/contacts/{made.json()['id']}", headers=key)


async def test_view_as_takes_the_right_in_that_very_inbox(services, shop):
    """Held in one inbox of a contact, it answers in no other."""
    caller = system_caller(shop.organization_id)
    zhang = await contact_of(services, shop, ZHANG)
    async with services.db.begin(shop.organization_id) as tx:
        other = next(one for one in (await list_inboxes(tx, None))[0] if one.name == "Dealer web chat")
    here = member(caller, Right.ACCESS_VIEW_AS, inboxes={shop.inbox.id})
    there = member(caller, Right.ACCESS_VIEW_AS, inboxes={other.id})
    assert (await view_as(services, here, zhang, HOURS, inbox_id=shop.inbox.id)).trial.draft.sources
    for who, inbox in ((here, other.id), (there, other.id), (there, shop.inbox.id)):
        with pytest.raises(NotFound):
            await view_as(services, who, zhang, HOURS, inbox_id=inbox)
