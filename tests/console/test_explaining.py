"""Why a document may be read, asking as a contact, and what would change: as the console shows it."""

from collections.abc import Collection

import pytest
from tests.making import make_assistant, make_base, make_document, make_inbox, make_label, opens

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.model import CardFields
from frontdesk.core.db import Tx
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId
from frontdesk.identities.cards import Given, create_card
from frontdesk.knowledge import document_queries
from frontdesk.knowledge.model import FaqText
from frontdesk.organizations.model import system_caller


async def make_faq(tx: Tx, base: KnowledgeBaseId, question: str, labels: Collection[LabelId] = ()) -> DocumentId:
    document = await make_document(tx, base, question, labels, kind="faq")
    await document_queries.upsert_faq(tx, document, FaqText(question, "Because."))
    return document


@pytest.fixture
async def shop(db, organization):
    """Two bases, one of them on the assistant; Ann holds a profile that opens what is labelled `vip`."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        public, other = await make_base(tx, "Public"), await make_base(tx, "Dealers")
        vip = await make_label(tx, public, "vip")
        offers = await make_faq(tx, public, "VIP offers", [vip])
        plain = await make_faq(tx, public, "Opening hours")
        dealer = await make_faq(tx, other, "Dealer prices")
        assistant = await make_assistant(tx, caller, "Shop assistant", public)
        inbox = await make_inbox(tx, caller, "Shop web chat", assistant=assistant, visitor_scope=opens(public))
        by_label = opens(public)
        by_label["label_relations"] = {
            "operator": "AND",
            "conditions": [{"label_id": str(vip)}],
            "applies_to": "all",
        }
        profile, _ = await create_profile(
            tx, caller, {"name": "VIP", "query_metadata": by_label, "minimum_assurance": Assurance.ANONYMOUS}
        )
        ann, _ = await create_card(tx, caller, Given(fields=CardFields(name="Ann"), inbox_ids=(inbox.id,)))
        await assign_profile(tx, caller, ann, profile.id)
    return {
        "ann": ann,
        "inbox": inbox.id,
        "situation": f"{inbox.id}.anonymous",
        "vip": vip,
        "public": public,
        "other": other,
        "offers": offers,
        "plain": plain,
        "dealer": dealer,
        "assistant": assistant.id,
    }


async def test_documents_are_found_by_name_and_explained(olga, shop):
    """The layer that decides, and in it the reason with its place and the names of labels."""
    page = (await olga.get(f"/console/contacts/{shop['ann']}/access")).text
    assert "Explain a document" in page
    path = f"/console/contacts/{shop['ann']}/access/explain?situation={shop['situation']}"
    found = (await olga.get(f"{path}&text=PRICES")).text
    assert "Dealer prices" in found
    assert f"document={shop['dealer']}" in found
    assert "No document of this name." in (await olga.get(f"{path}&text=nothing+like+it")).text
    told = {name: (await olga.get(f"{path}&document={shop[name]}")).text for name in ("offers", "plain", "dealer")}
    assert "Readable." in told["offers"]
    assert "It has the labels that are asked for." in told["offers"]
    assert "Not readable." in told["plain"]
    assert "It lacks the label vip." in told["plain"]
    assert "/label_relations" in told["plain"]
    assert "Decided by: Assistant." in told["dealer"]


async def test_visitors_of_a_platform_are_explained(olga, shop):
    """Visitors read by the platform's scope; members, of whom nothing is set, read nothing."""
    assert "Explain a document" in (await olga.get(f"/console/platforms/{shop['inbox']}/access")).text
    path = f"/console/platforms/{shop['inbox']}/explain?document={shop['plain']}"
    assert "Opened by: Visitor scope." in (await olga.get(path)).text
    assert "Nothing is set, which opens nothing." in (await olga.get(f"{path}&speaker=member")).text


async def test_asking_as_a_contact_shows_its_answer_and_is_audited(olga, shop):
    """With how many documents it was found among; an empty question is refused beside the field."""
    path = f"/console/contacts/{shop['ann']}/access/ask"
    asked = await olga.post(path, {"question": "Which offers?", "situation": shop["situation"]})
    assert "1 document readable" in asked.text
    assert (await olga.post(path, {"question": " ", "situation": shop["situation"]})).status_code == 400
    assert (await olga.post(path, {"question": "x", "situation": "nowhere"})).status_code == 404
    assert "asked as the contact" in (await olga.get(f"/console/contacts/{shop['ann']}/audit")).text


async def test_what_would_change_is_told_before_labels_and_bases_change(olga, shop):
    """Relabelling, deleting a label, and another knowledge base for an assistant."""
    relabel = f"/console/knowledge/{shop['public']}/faqs/labels/what-if"
    told = (await olga.post(relabel, {"ids": str(shop["plain"]), "labels": str(shop["vip"]), "how": "add"})).text
    assert "1 contact reads more" in told
    assert "Opening hours" in told
    told = (await olga.post(relabel, {"ids": str(shop["plain"]), "labels": str(shop["vip"]), "how": "remove"})).text
    assert "Nobody reads more or less by this." in told
    told = (await olga.get(f"/console/knowledge/{shop['public']}/labels/{shop['vip']}/delete")).text
    assert "1 contact reads less" in told
    told = (await olga.post(f"/console/assistants/{shop['assistant']}/what-if", {"bases": str(shop["other"])})).text
    assert "Visitors of Shop web chat: 2 documents less" in told


async def test_trying_an_assistant_as_oneself(olga, shop):
    """A role without conditions reads nothing, and the panel says why."""
    asked = {"question": "Which offers?", "inbox": str(shop["inbox"]), "speaker": "myself"}
    told = (await olga.post(f"/console/assistants/{shop['assistant']}/try", asked)).text
    assert "None of your roles has conditions of its own" in told
    assert "0 documents readable" in told
