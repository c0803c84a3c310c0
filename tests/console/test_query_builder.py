"""The query builder as the server shows it: what is offered, what is counted, and to whom."""

import json
import re

import pytest
from tests.console.talking import open_shop
from tests.making import make_assistant, make_base, make_document, make_inbox, make_label, opens

from frontdesk.access.actions import create_profile
from frontdesk.console import query_builder
from frontdesk.contacts.model import CardFields
from frontdesk.core.db import Tx
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.identities.cards import Given, create_card
from frontdesk.knowledge.document_queries import upsert_faq
from frontdesk.knowledge.model import FaqText
from frontdesk.organizations import roles
from frontdesk.organizations.model import Right, system_caller
from frontdesk.organizations.records import RoleDraft

EVIL = "<img src=x onerror=alert(1)>"


async def make_faq(tx: Tx, base: KnowledgeBaseId, question: str, *labels: LabelId) -> DocumentId:
    document = await make_document(tx, base, question, labels, kind="faq")
    await upsert_faq(tx, document, FaqText(question, "Because."))
    return document


@pytest.fixture
async def shop(db, organization):
    """A base with three FAQs, one of them labelled and one failed, on one platform; another base on none."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        base, other = await make_base(tx, "Manuals"), await make_base(tx, "Secrets")
        label = await make_label(tx, base, "vip")
        faqs = [await make_faq(tx, base, "Plain question"), await make_faq(tx, base, EVIL, label)]
        failed = await make_faq(tx, base, "Broken question")
        await tx.execute(
            "UPDATE documents SET state = 'failed', failure_reason = 'no_text' WHERE organization_id = %(o)s AND id = %(id)s",
            {"o": organization, "id": failed},
        )
        await make_faq(tx, other, "Secret question")
        assistant = await make_assistant(tx, caller, "Shop", base)
        inbox = await make_inbox(tx, caller, assistant=assistant)
        profile, _ = await create_profile(tx, caller, {"name": "Readers", "query_metadata": opens(base)})
        ann, _ = await create_card(tx, caller, Given(fields=CardFields(name="Ann"), inbox_ids=(inbox.id,)))
    return {
        "base": base,
        "other": other,
        "label": label,
        "faqs": faqs,
        "inbox": inbox,
        "profile": profile.id,
        "ann": ann,
    }


@pytest.fixture
async def nora(db, browser, hire, organization):
    """A browser of somebody who edits access and platforms, but may not see knowledge."""
    rights = {Right.PROFILES_VIEW, Right.PROFILES_EDIT, Right.INBOXES_VIEW, Right.INBOXES_EDIT, Right.CONTACTS_VIEW}
    async with db.begin(organization) as tx:
        await roles.create_role(tx, system_caller(organization), RoleDraft("blind", frozenset(rights)))
    await browser.sign_in(await hire(organization, "blind"))
    return browser


def read_count(text: str) -> int:
    return int(re.findall(r'fd-panel-reach"><b class="fd-b">(\d+)<', text)[0])


async def test_documents_come_in_pages_with_state_and_labels(olga, db, organization, shop):
    """Twenty at a time, found by words; titles are text."""
    async with db.begin(organization) as tx:
        for number in range(20):
            await make_faq(tx, shop["base"], f"Question {number}")
    path = f"/console/query-builder/{shop['base']}/faq"
    first = (await olga.get(path, htmx=True)).text
    rest = (await olga.get(f"{path}?offset=20", htmx=True)).text
    assert [text.count("<li>") for text in (first, rest)] == [20, 3]
    assert ["data-has-more" in text for text in (first, rest)] == [True, False]
    assert EVIL not in first + rest
    assert "&lt;img src=x" in first + rest
    assert (first + rest).count("failed") == 1
    found = (await olga.get(f"{path}?q=broken", htmx=True)).text
    assert found.count("<li>") == 1
    ids = (await olga.get(f"{path}/ids")).json()
    assert len(ids) == 23
    assert {str(one) for one in shop["faqs"]} < set(ids)


async def test_more_ids_than_may_be_listed_are_not_listed(olga, db, organization, shop):
    """To leave one out of so many would write JSON that is refused."""
    async with db.begin(organization) as tx:
        await tx.execute(
            """
            INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, created_at, updated_at)
            SELECT %(o)s, gen_random_uuid(), %(b)s, 'file', 'Many', 'done', now(), now() FROM generate_series(1, 10001)
            """,
            {"o": organization, "b": shop["base"]},
        )
    assert (await olga.get(f"/console/query-builder/{shop['base']}/file/ids")).status_code == 409


async def test_a_check_counts_before_and_after_labels(olga, shop):
    """A failed document counts nowhere; who would read less is said with it."""
    query = opens(shop["base"])
    conditions = [{"label_id": str(shop["label"])}]
    query["knowledge_bases"][0]["label_relations"] = {"operator": "OR", "conditions": conditions, "applies_to": "all"}
    path = f"/console/access-profiles/{shop['profile']}/check"
    text = (await olga.post(path, {"text": json.dumps(query)})).text
    assert read_count(text) == 1
    assert re.findall(r'class="num">(\d+)<', text) == ["2", "1"]
    assert "If saved" in text
    conditions[0]["label_id"] = str(shop["other"])
    text = (await olga.post(path, {"text": json.dumps(query)})).text
    assert read_count(text) == 0
    assert "/knowledge_bases/0/label_relations/conditions/0" in text


async def test_who_would_read_what_waits_where_there_are_many(olga, shop, monkeypatch):
    """Opening the form asks nobody; a change does, and where there are many contacts a press of a button."""
    path = f"/console/access-profiles/{shop['profile']}"
    assert "If saved" not in (await olga.get(f"{path}/edit", htmx=True)).text
    monkeypatch.setattr(query_builder, "ASKED_AT_ONCE", 0)
    waiting = (await olga.post(f"{path}/check", {"text": "{}"})).text
    assert "If saved" not in waiting
    assert f'hx-post="{path}/check?asks=true"' in waiting
    assert "If saved" in (await olga.post(f"{path}/check?asks=true", {"text": "{}"})).text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"knowledge_bases": [\n{]}', "line 2"),
        ('{"knowledge_bases": [{"knowledge_base_id": "x"}]}', "/knowledge_bases/0/knowledge_base_id"),
        ('{"knowledge_basis": []}', "knowledge_bas"),
    ],
)
async def test_what_cannot_be_read_is_said_at_its_place(olga, shop, text, said):
    """A check answers, a save is refused and keeps what was written."""
    for path in (f"access-profiles/{shop['profile']}/check", f"contacts/{shop['ann']}/access/conditions/check"):
        checked = await olga.post(f"/console/{path}", {"text": text})
        assert checked.status_code == 200
        assert said in checked.text
    saved = await olga.post(f"/console/access-profiles/{shop['profile']}/edit", {"name": "Readers", "text": text})
    assert saved.status_code == 400
    assert said in saved.text


async def test_only_bases_of_the_platforms_are_offered(olga, shop):
    """To a contact and a platform; a profile may be given to anybody. What is beyond is warned of."""
    beyond = {"text": json.dumps(opens(shop["other"]))}
    for path in (f"contacts/{shop['ann']}/access/conditions", f"platforms/{shop['inbox'].id}/access/members"):
        text = (await olga.get(f"/console/{path}", htmx=True)).text
        assert "Knowledge bases offered for Shop web" in text
        assert "Secrets" not in text
        checked = (await olga.post(f"/console/{path}/check", beyond)).text
        assert "No assistant of these platforms has this knowledge base" in checked
        assert read_count(checked) == 0
    text = (await olga.get(f"/console/access-profiles/{shop['profile']}/edit", htmx=True)).text
    assert "Secrets" in text


async def test_who_may_not_see_documents_gets_counts_alone(nora, shop):
    """No tree, no titles, no ids."""
    text = (await nora.get(f"/console/access-profiles/{shop['profile']}/edit", htmx=True)).text
    assert "You may not see documents" in text
    assert "data-tick" not in text
    path = f"/console/access-profiles/{shop['profile']}/check"
    text = (await nora.post(path, {"text": json.dumps({"knowledge_bases": []})})).text
    assert read_count(text) == 0
    assert "Plain question" not in text
    for place in ("file", "faq", "file/ids"):
        assert (await nora.get(f"/console/query-builder/{shop['base']}/{place}", htmx=True)).status_code in {403, 404}


async def test_a_role_opens_documents(olga, db, organization, shop):
    """It is saved with its rights; conditions that cannot be read are not."""
    made = {"name": "Trainees", "rights": ["assistants.view"], "text": json.dumps(opens(shop["base"]))}
    assert read_count((await olga.post("/console/settings/roles/new/check", made)).text) == 2
    assert (await olga.post("/console/settings/roles/new", made | {"text": "["})).status_code == 400
    assert (await olga.post("/console/settings/roles/new", made)).status_code == 204
    async with db.begin(organization) as tx:
        found = {role.name: role for role in await roles.list_roles(tx, system_caller(organization))}
    assert found["Trainees"].query_metadata == opens(shop["base"])
    form = (await olga.get(f"/console/settings/roles/{found['Trainees'].id}", htmx=True)).text
    assert str(shop["base"]) in form


async def test_one_message_is_narrowed(olga, services, organization):
    """Nothing listed narrows nothing; another base leaves nothing."""
    inbox, base = await open_shop(services, organization)
    path = f"/console/assistants/{inbox.assistant_id}/try"
    asked = {"question": "When are you open?", "inbox": str(inbox.id)}
    stranger = {"knowledge_bases": [{"knowledge_base_id": str(inbox.id), "has_user_selected_all": True}]}
    for message in ("", "{}", json.dumps(opens(base.id))):
        assert "From ten" in (await olga.post(path, asked | {"text": message})).text
    assert "From ten" not in (await olga.post(path, asked | {"text": json.dumps(stranger)})).text
    assert read_count((await olga.post(f"{path}/check", {"text": "{}"})).text) == 1
    assert read_count((await olga.post(f"{path}/check", {"text": json.dumps(stranger)})).text) == 0
    refused = await olga.post(path, asked | {"text": "{"})
    assert (refused.status_code, "not JSON" in refused.text) == (400, True)
