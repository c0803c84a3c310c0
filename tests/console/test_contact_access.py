"""What a contact may read, as the console shows and changes it."""

import json

import pytest
from tests.making import make_assistant, make_base, make_inbox, opens

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.contacts.model import CardFields
from frontdesk.core.ids import DocumentId, new_id
from frontdesk.core.text import utc_now
from frontdesk.identities.cards import Given, create_card
from frontdesk.knowledge import document_queries
from frontdesk.knowledge.document_queries import NewDocument
from frontdesk.knowledge.model import FaqText
from frontdesk.organizations.model import system_caller


async def make_faq(tx, base, question: str) -> None:
    document_id = DocumentId(new_id())
    await document_queries.insert_document(tx, NewDocument(document_id, base, "faq", question, "done"), now=utc_now())
    await document_queries.upsert_faq(tx, document_id, FaqText(question, "Because."))


@pytest.fixture
async def shop(db, organization):
    """A shop with two knowledge bases of 3 and 2 FAQs, one inbox for everybody, Ann on it, and a base nobody reaches."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        public, members, dealers = [await make_base(tx, name) for name in ("Shop public", "Members", "Dealers")]
        for number in range(3):
            await make_faq(tx, public, f"Public question {number}")
        for number in range(2):
            await make_faq(tx, members, f"Question for members {number}")
        assistant = await make_assistant(tx, caller, "Shop assistant", public, members)
        inbox = await make_inbox(
            tx, caller, "Shop web chat", assistant=assistant, visitor_scope=opens(public), member_scope=opens(public)
        )
        profile, _ = await create_profile(
            tx, caller, {"name": "VIP", "query_metadata": opens(members), "minimum_assurance": Assurance.ANONYMOUS}
        )
        ann, _ = await create_card(tx, caller, Given(fields=CardFields(name="Ann"), inbox_ids=(inbox.id,)))
    return {"ann": ann, "profile": profile, "public": public, "members": members, "dealers": dealers, "inbox": inbox}


async def test_the_path_narrows_layer_by_layer(olga, shop):
    """Five documents of the assistant, three by the visitor scope, and their titles."""
    text = (await olga.get(f"/console/contacts/{shop['ann']}/access")).text
    assert "Shop assistant" in text
    assert "Visitor scope of the platform" in text
    assert '<b class="fd-b">5</b>' in text
    assert "2 fewer" in text
    assert "3 documents" in text
    assert "Public question 1" in text
    assert "Question for members" not in text


async def test_a_profile_is_given_and_taken(olga, shop):
    """With it Ann reads what members read instead."""
    path = f"/console/contacts/{shop['ann']}/access"
    assert (await olga.post(f"{path}/profiles", {"profile_id": str(shop["profile"].id)})).status_code == 204
    text = (await olga.get(path)).text
    assert "Question for members 1" in text
    assert "Public question" not in text
    assert "by Olga Owner" in text
    assert (await olga.post(f"{path}/profiles/{shop['profile'].id}/take")).status_code == 204
    assert "Public question 1" in (await olga.get(path)).text


async def test_own_conditions_replace_the_profiles(olga, shop):
    """They are shown in words and as JSON."""
    path = f"/console/contacts/{shop['ann']}/access"
    await olga.post(f"{path}/profiles", {"profile_id": str(shop["profile"].id)})
    assert (await olga.post(f"{path}/conditions", {"text": "{}", "mode": "replace"})).status_code == 204
    assert "Nothing is readable here" in (await olga.get(path)).text
    await olga.post(f"{path}/conditions", {"text": json.dumps(opens(shop["public"])), "mode": "replace"})
    text = (await olga.get(path)).text
    assert "They replace the profiles" in text
    assert "Public question 1" in text


async def test_what_is_saved_and_opens_nothing_is_warned_of_as_long_as_it_is_so(olga, shop):
    """A base outside the contact's platforms: saved, marked at its line, shown at every visit."""
    path = f"/console/contacts/{shop['ann']}/access"
    assert (await olga.post(f"{path}/conditions", {"text": json.dumps(opens(shop["dealers"]))})).status_code == 204
    for _ in range(2):
        text = (await olga.get(path)).text
        assert "No assistant of these platforms has this knowledge base" in text
        assert "<mark>" in text


async def test_json_that_cannot_be_read_is_kept_and_marked(olga, shop):
    """The line and the reason; nothing is saved."""
    path = f"/console/contacts/{shop['ann']}/access/conditions"
    broken = '{\n  "knowledge_bases": [\n    oops\n  ]\n}'
    response = await olga.post(path, {"text": broken})
    assert response.status_code == 400
    assert "line 3" in response.text
    assert "<mark>    oops</mark>" in response.text
    assert "oops" in response.text.split("<textarea")[1].split("</textarea>")[0]


async def test_a_misread_value_is_marked_at_its_place(olga, shop):
    """The pointer of the refusal leads to a line."""
    path = f"/console/contacts/{shop['ann']}/access/conditions"
    wrong = {"knowledge_bases": [{"knowledge_base_id": str(shop["public"]), "faq_mode": "some"}]}
    response = await olga.post(path, {"text": json.dumps(wrong)})
    assert response.status_code == 400
    assert "<mark>      &#34;faq_mode&#34;: &#34;some&#34;</mark>" in response.text


async def test_an_agent_sees_access_and_does_not_change_it(browser, hire, organization, shop):
    """The right contacts.edit_access is the administrators'."""
    await browser.sign_in(await hire(organization, "agent"))
    path = f"/console/contacts/{shop['ann']}/access"
    assert "Public question 1" in (await browser.get(path)).text
    assert f"{path}/conditions" not in (await browser.get(path)).text
    assert (await browser.post(f"{path}/conditions", {"text": "{}"})).status_code == 403
    assert (await browser.post(f"{path}/profiles", {"profile_id": str(shop["profile"].id)})).status_code == 403


async def test_a_profile_of_another_organization_cannot_be_given(olga, db, shop, other_organization):
    """404, and nothing is given."""
    async with db.begin(other_organization) as tx:
        foreign, _ = await create_profile(tx, system_caller(other_organization), {"name": "Foreign"})
    path = f"/console/contacts/{shop['ann']}/access"
    assert (await olga.post(f"{path}/profiles", {"profile_id": str(foreign.id)})).status_code == 404
