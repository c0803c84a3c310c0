"""Knowledge bases, labels and FAQs, as members and keys change them."""

from dataclasses import replace

import pytest

from frontdesk.access.model import All, Label
from frontdesk.access.queries import get_scope_version
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import KnowledgeBaseId, LabelId, new_id
from frontdesk.knowledge import actions, queries
from frontdesk.knowledge.access import access_base, access_document
from frontdesk.knowledge.document_actions import update_document
from frontdesk.knowledge.errors import LabelNameTaken
from frontdesk.knowledge.model import FaqText, LabelWish
from frontdesk.knowledge.writing import FaqChanges, create_faq, update_faq
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.model import Caller, CallerKind, Grant, Right


@pytest.fixture
def viewer(organization):
    """Somebody who may look and not touch."""
    grants = (Grant(frozenset({Right.KNOWLEDGE_VIEW})),)
    return Caller(CallerKind.MEMBER, new_id(), "Vera", organization, grants)


async def version(library):
    async with library.services.db.begin(library.caller.organization_id) as tx:
        return await get_scope_version(tx)


async def test_a_label_is_unique_in_its_base(tx, owner, base):
    """A name is taken once in a base, is free in another, and case tells names apart."""
    first = await actions.create_label(tx, owner, base, "VIP")
    with pytest.raises(LabelNameTaken):
        await actions.create_label(tx, owner, base, " VIP ")
    await actions.create_label(tx, owner, base, "vip")
    other = await actions.create_knowledge_base(tx, owner, {"name": "Other"}, embedding_model="m")
    await actions.create_label(tx, owner, other.id, "VIP")
    second = await actions.create_label(tx, owner, base, "Gold")
    with pytest.raises(LabelNameTaken):
        await actions.rename_label(tx, owner, base, second.id, "VIP")
    assert (await actions.rename_label(tx, owner, base, first.id, "Very important")).id == first.id


async def test_a_deleted_label_opens_nothing(library, base):
    """What only the label opened is closed, and running answers are told."""
    label = await library.make_label(base, "VIP")
    await library.write_faq(base, "Lounge?", "At six.", [label])
    assert (await library.ask(Label(label), "lounge")).permitted_count == 1
    before = await version(library)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        await actions.delete_label(tx, library.caller, base, label)
    assert (await library.ask(Label(label), "lounge")).permitted_count == 0
    assert await version(library) > before


async def test_a_label_of_another_base_is_not_carried(library, base):
    """Labels are resolved by id or by name within the document's base; others are ignored and told."""
    mine, other = await library.make_label(base, "Mine"), await library.make_base("Other")
    foreign = await library.make_label(other, "Foreign")
    wishes = [LabelWish(foreign, None), LabelWish(None, "Mine"), LabelWish(None, "Nobody's"), LabelWish(mine, None)]
    document, warnings = await create_faq(library.services, library.caller, base, FaqText("Q?", "A."), wishes)
    assert [label.name for label in document.labels] == ["Mine"]
    assert [(one.code, one.pointer) for one in warnings] == [
        ("unknown-label", "/labels/0"),
        ("unknown-label", "/labels/2"),
    ]


async def test_a_change_of_labels_raises_the_scope_version(library, base):
    """Setting other labels is a change of access; setting the same ones is none."""
    label = await library.make_label(base, "VIP")
    document = await library.write_faq(base, "Lounge?", "At six.", [label])
    before = await version(library)
    await library.relabel(document, [label])
    assert await version(library) == before
    await library.relabel(document, [])
    assert await version(library) > before


async def test_a_faq_is_found_at_once_and_as_it_was_written_last(library, base):
    """A new FAQ answers the next question, an edited one with its new words, and only with them."""
    document = await library.write_faq(base, "When does the lounge open?", "At six.")
    changes = FaqChanges(answer="At seven.")
    await update_faq(library.services, library.caller, base, document.id, changes)
    result = await library.ask(All(), "lounge opening")
    assert [(hit.title, hit.text) for hit in result.hits] == [("When does the lounge open?", "At seven.")]


async def test_two_members_edit_one_faq(library, base):
    """One changes the question while the other changes the answer: both changes stay, and the passage is of both."""
    document = await library.write_faq(base, "Old question?", "Old answer.")
    services, caller = library.services, library.caller

    class Interrupted:
        model = services.embedder.model
        is_first = True

        async def embed(self, text):
            if self.is_first:
                self.is_first = False
                await update_faq(services, caller, base, document.id, FaqChanges(answer="New answer."))
            return await services.embedder.embed(text)

    slow = replace(services, embedder=Interrupted())
    await update_faq(slow, caller, base, document.id, FaqChanges(question="New question?"))
    hit = (await library.ask(All(), "question")).hits[0]
    assert (hit.title, hit.text) == ("New question?", "New answer.")
    async with services.db.begin(caller.organization_id) as tx:
        text = await tx.fetch_value(
            "SELECT text FROM chunks WHERE organization_id = %(organization)s", {"organization": tx.organization_id}
        )
    assert text == "New question?\nNew answer."


async def test_empty_faqs_are_refused(library, base):
    """A FAQ says something in both parts."""
    for faq in (FaqText(" ", "Answer."), FaqText("Question?", "\n")):
        with pytest.raises(InvalidRequest):
            await create_faq(library.services, library.caller, base, faq)


async def test_viewers_change_nothing(tx, viewer, owner, base, library):
    """Whoever may only look is refused every change."""
    label = await actions.create_label(tx, owner, base, "VIP")
    for attempt in (
        actions.create_knowledge_base(tx, viewer, {"name": "Mine"}, embedding_model="m"),
        actions.update_knowledge_base(tx, viewer, base, {"name": "Mine"}),
        actions.delete_knowledge_base(tx, viewer, base),
        actions.create_label(tx, viewer, base, "New"),
        actions.rename_label(tx, viewer, base, label.id, "New"),
        actions.delete_label(tx, viewer, base, label.id),
        create_faq(library.services, viewer, base, FaqText("Q?", "A.")),
    ):
        with pytest.raises(Forbidden):
            await attempt
    assert (await access_base(tx, viewer, base)).settings.name == "Shop"


async def test_absent_and_foreign_are_the_same(tx, owner, other_library):
    """Ids of another organization are as unknown as ids that never were."""
    foreign_base = await other_library.make_base()
    foreign = await other_library.write_faq(foreign_base, "Theirs?", "Yes.")
    for base_id in (foreign_base, KnowledgeBaseId(new_id())):
        with pytest.raises(NotFound):
            await access_base(tx, owner, base_id)
        with pytest.raises(NotFound):
            await actions.create_label(tx, owner, base_id, "VIP")
        with pytest.raises(NotFound):
            await access_document(tx, owner, base_id, foreign.id, "faq")
        with pytest.raises(NotFound):
            await update_document(tx, owner, base_id, foreign.id, "faq", labels=[])


async def test_settings_of_a_base(tx, owner, base):
    """What is given is changed and the rest stays; numbers out of range are refused."""
    changed = await actions.update_knowledge_base(tx, owner, base, {"number_of_retrieved_chunks": 5})
    assert (changed.settings.name, changed.settings.number_of_retrieved_chunks) == ("Shop", 5)
    for changes in ({"name": " "}, {"similarity_cutoff": 2.0}, {"number_of_retrieved_chunks": 0}):
        with pytest.raises(InvalidRequest):
            await actions.update_knowledge_base(tx, owner, base, changes)


async def test_counts_of_a_base(library, base, tx):
    """A base tells how many files and FAQs it has, deleted ones left out."""
    await library.read_file(base, b"Hello.", "hello.txt")
    faq = await library.write_faq(base, "One?", "Yes.")
    await library.write_faq(base, "Two?", "Yes.")
    await library.delete(faq)
    found = await queries.find_base(tx, base)
    assert (found.files_count, found.faqs_count) == (1, 1)


async def test_changes_are_in_the_audit_log(library, base):
    """Who made, labelled and deleted what is told."""
    label = await library.make_label(base, "VIP")
    document = await library.write_faq(base, "Lounge?", "At six.")
    await library.relabel(document, [label])
    await library.delete(document)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        entries = (await list_audit(tx, library.caller, limit=50)).entries
    assert [entry.action for entry in entries][:5] == [
        "document.deleted",
        "document.labelled",
        "document.created",
        "label.created",
        "knowledge_base.created",
    ]
    assert entries[1].payload == {"labels": {"before": [], "after": ["VIP"]}}


def test_labels_are_named_by_id_or_name():
    """A text is an id when it looks like one."""
    label = LabelId(new_id())
    assert LabelWish.parse(str(label)) == LabelWish(label, None)
    assert LabelWish.parse("VIP") == LabelWish(None, "VIP")
