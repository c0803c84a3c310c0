"""Explanations agree with what is read, and name the clause that decided."""

from random import Random
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from tests.access.oracle import Situation
from tests.access.situations import effective_of
from tests.access.strategies import World, facts_of, random_situation, randoms, worlds
from tests.access.test_rows import LIBRARY, MANUAL, STAFF, VIP, base, ids, relation

from frontdesk.access.explaining import Explanation, Finding, WrittenLayers, WrittenProfile, explain
from frontdesk.access.model import Assurance, Layer, permits
from frontdesk.access.reading import ScopeReader
from frontdesk.core.ids import LabelId, ProfileId

READ = ScopeReader(vendor_faq_reading=False)


def written_of(situation: Situation) -> WrittenLayers:
    claimed = situation.claimed_profiles if situation.assurance == 3 else ()
    profiles = tuple(
        WrittenProfile(
            ProfileId(UUID(int=number)), f"Profile {number}", READ.written(raw, Layer.PROFILE), Assurance(minimum)
        )
        for number, (raw, minimum) in enumerate(situation.profiles + claimed)
    )
    return WrittenLayers(
        inbox=READ.written(situation.inbox, Layer.INBOX),
        visitor_scope=READ.written(situation.visitor_scope, Layer.VISITOR_SCOPE),
        member_scope=READ.written(situation.member_scope, Layer.MEMBER_SCOPE),
        contact=READ.written(situation.contact, Layer.CONTACT),
        profiles=profiles,
        assurance=Assurance(situation.assurance),
        claim=READ.written(situation.claim, Layer.MESSAGE),
        message=READ.written(situation.message, Layer.MESSAGE),
        page=READ.written(situation.page, Layer.PAGE),
    )


@settings(max_examples=40)
@given(randoms, worlds)
def test_explanations_agree_with_what_is_read(rng: Random, world: World):
    """Yes or no is that of the scope; a step is open when one of its findings is; the first closed one decides."""
    situation = random_situation(rng, world)
    effective, written = effective_of(situation), written_of(situation)
    for document in map(facts_of, world.documents):
        said = explain(document, effective, written)
        assert said.is_readable == permits(effective.scope, document)
        assert [step.is_open for step in said.steps] == [any(f.is_open for f in step.findings) for step in said.steps]
        assert said.is_ready == document.is_done
        decisive = said.decided_by
        assert (decisive is None) == (not said.is_ready)
        if decisive is not None:
            assert decisive.is_open == said.is_readable
            assert decisive.decisive.is_open == said.is_readable


@settings(max_examples=40)
@given(randoms, worlds)
def test_pointers_lead_to_what_was_written(rng: Random, world: World):
    """Whoever follows the pointer of a finding arrives at a value of that layer's JSON, in the spelling that was sent."""
    situation = random_situation(rng, world)
    raw = {"inbox": situation.inbox, "contact": situation.contact, "message": situation.message}
    for document in map(facts_of, world.documents):
        for step in explain(document, effective_of(situation), written_of(situation)).steps:
            if step.name in raw:
                follow(raw[step.name], step.findings[0].pointer)


def follow(raw: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        raw = raw[int(token)] if isinstance(raw, list) else raw[token.replace("~1", "/").replace("~0", "~")]
    return raw


def explained(name: str, situation: Situation) -> Explanation:
    return explain(facts_of(LIBRARY[name]), effective_of(situation), written_of(situation))


def by_contact(name: str, raw: Any) -> Finding:
    said = explained(name, Situation(bases=frozenset({MANUAL}), contact=raw, assurance=3))
    assert said.decided_by is not None
    assert said.decided_by.name == "contact"
    return said.decided_by.decisive


def test_each_reason_has_its_clause():
    """File not ticked, labels missing, FAQ mode, base not listed: each with its place."""
    everything = base(has_user_selected_all=True)
    narrowed = base(has_user_selected_all=True, label_relations=relation("AND", VIP, STAFF))
    either = base(label_relations=relation("OR", VIP, STAFF))
    found = [
        by_contact("vip", base(chatbot_file_ids=ids("plain", "vip"))),
        by_contact("both", base(chatbot_file_ids=ids("plain", "vip"))),
        by_contact("vip", everything),
        by_contact("vip", narrowed),
        by_contact("plain", either),
        by_contact("vip", either),
        by_contact("faq", base(faq_mode="none")),
        by_contact("faq", base(faq_ids=ids("vip faq"))),
        by_contact("vip", base(faq_mode="all")),
        by_contact("vip", {"knowledge_bases": []}),
        by_contact("vip", base(label_relations={"operator": "OR", "conditions": []})),
    ]
    assert [(one.reason, one.pointer) for one in found] == [
        ("file-listed", "/knowledge_bases/0/chatbot_file_ids/1"),
        ("file-not-listed", "/knowledge_bases/0/chatbot_file_ids"),
        ("whole-base", "/knowledge_bases/0"),
        ("labels-not-met", "/knowledge_bases/0/label_relations"),
        ("labels-not-met", "/knowledge_bases/0/label_relations"),
        ("labels-met", "/knowledge_bases/0/label_relations"),
        ("no-faqs", "/knowledge_bases/0"),
        ("faq-not-listed", "/knowledge_bases/0/faq_ids"),
        ("no-files", "/knowledge_bases/0"),
        ("base-not-listed", ""),
        ("no-conditions", "/knowledge_bases/0/label_relations"),
    ]
    assert [(one.labels, one.needs_all) for one in found[3:5]] == [
        ((LabelId(UUID(STAFF)),), True),
        ((LabelId(UUID(VIP)), LabelId(UUID(STAFF))), False),
    ]


def test_the_layer_that_decides_is_the_first_that_closes():
    """Assistant, inbox, a profile that asks for more proof, the card in an unproven session, a document not ready."""
    everything = base(has_user_selected_all=True)
    said = [
        explained("shop", Situation(bases=frozenset({MANUAL}), contact=everything)),
        explained("vip", Situation(bases=frozenset({MANUAL}), inbox=base(chatbot_file_ids=ids("plain")))),
        explained("vip", Situation(bases=frozenset({MANUAL}), profiles=((everything, 3),), assurance=2)),
        explained("vip", Situation(bases=frozenset({MANUAL}), contact=everything, has_identity=True)),
        explained("draft", Situation(bases=frozenset({MANUAL}), contact=everything)),
    ]
    decided = [(one.decided_by.name, one.decided_by.decisive.reason) if one.decided_by else None for one in said]
    assert decided == [
        ("assistant", "base-not-attached"),
        ("inbox", "file-not-listed"),
        ("profiles", "assurance-too-low"),
        ("visitor_scope", "nothing-set"),
        None,
    ]
    assert [one.is_unproven for one in said] == [False, False, False, True, False]
    assert said[4].is_ready is False
