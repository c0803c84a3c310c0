"""The tables of the product's section 5, row by row: how each case of query metadata is read."""

from typing import Any
from uuid import UUID

import pytest
from tests.access.oracle import Situation, WorldDocument, oracle_reads
from tests.access.situations import effective_of
from tests.access.strategies import facts_of

from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import Layer, Nothing, permits
from frontdesk.access.parse import MAX_DEPTH, MAX_IDS, MAX_NODES, parse_query_metadata
from frontdesk.access.warnings import Known, check_references
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId


def uid(number: int) -> str:
    return str(UUID(int=number))


MANUAL, SHOP, STRANGER = uid(1), uid(2), uid(3)
VIP, STAFF, SHOP_VIP = uid(11), uid(12), uid(13)
LIBRARY = {
    "plain": WorldDocument(uid(21), MANUAL, "file", frozenset()),
    "vip": WorldDocument(uid(22), MANUAL, "file", frozenset({VIP})),
    "both": WorldDocument(uid(23), MANUAL, "file", frozenset({VIP, STAFF})),
    "draft": WorldDocument(uid(24), MANUAL, "file", frozenset({VIP, STAFF}), state="processing"),
    "faq": WorldDocument(uid(25), MANUAL, "faq", frozenset()),
    "vip faq": WorldDocument(uid(26), MANUAL, "faq", frozenset({VIP})),
    "shop": WorldDocument(uid(31), SHOP, "file", frozenset()),
    "shop vip": WorldDocument(uid(32), SHOP, "file", frozenset({SHOP_VIP})),
    "shop faq": WorldDocument(uid(33), SHOP, "faq", frozenset()),
}
FILES, FAQS = {"plain", "vip", "both"}, {"faq", "vip faq"}
EVERYTHING = set(LIBRARY) - {"draft"}
KNOWN = Known(
    bases={KnowledgeBaseId(UUID(MANUAL)), KnowledgeBaseId(UUID(SHOP))},
    documents={
        DocumentId(UUID(one.id)): (KnowledgeBaseId(UUID(one.base)), "file" if one.kind == "file" else "faq")
        for one in LIBRARY.values()
    },
    labels={
        LabelId(UUID(label)): KnowledgeBaseId(UUID(base))
        for label, base in ((VIP, MANUAL), (STAFF, MANUAL), (SHOP_VIP, SHOP))
    },
    reachable_bases=None,
)


def opened(raw: Any, layer: Layer = Layer.CONTACT, **reading: bool) -> set[str]:
    scope = parse_query_metadata(raw, layer=layer, **reading).scope
    assert scope is not None
    return {name for name, document in LIBRARY.items() if permits(scope, facts_of(document))}


def base(knowledge_base_id: str = MANUAL, **fields: Any) -> dict[str, Any]:
    return {"knowledge_bases": [{"knowledge_base_id": knowledge_base_id, **fields}]}


def ids(*names: str) -> list[str]:
    return [LIBRARY[name].id for name in names]


def relation(operator: str, *labels: str, **fields: Any) -> dict[str, Any]:
    return {"operator": operator, "conditions": [{"label_id": label} for label in labels], **fields}


def refused(raw: Any, layer: Layer = Layer.CONTACT) -> str | None:
    """Return where the refusal points."""
    with pytest.raises(InvalidQueryMetadata) as caught:
        parse_query_metadata(raw, layer=layer)
    assert (caught.value.status, caught.value.slug) == (400, "invalid-query-metadata")
    return caught.value.pointer


def codes(raw: Any, known: Known = KNOWN) -> list[tuple[str, str]]:
    parsed = parse_query_metadata(raw, layer=Layer.CONTACT)
    assert parsed.query is not None
    return [(one.code, one.pointer) for one in (*parsed.warnings, *check_references(parsed.query, known))]


def reads(situation: Situation) -> set[str]:
    """What a message may draw on: our formula, and the oracle agrees."""
    scope = effective_of(situation).scope
    names = {name for name, document in LIBRARY.items() if permits(scope, facts_of(document))}
    assert names == {name for name, document in LIBRARY.items() if oracle_reads(situation, document)}
    return names


@pytest.mark.parametrize("layer", Layer)
def test_row_01_foreign_keys_are_like_absent(layer: Layer):
    """What others keep in the field grants nothing and restricts nothing."""
    assert parse_query_metadata({"source": "web", "campaign": 3}, layer=layer).scope is None


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ({"knowledge_base": []}, "/knowledge_base"),
        ({"knowlegde_bases": []}, "/knowlegde_bases"),
        ({"Knowledge-Bases": []}, "/Knowledge-Bases"),
        ({"KNOWLEDGE_BASES": []}, "/KNOWLEDGE_BASES"),
        ({"source": "web", "labelRelation": {}}, "/labelRelation"),
        ({"label/relations": {}}, "/label~1relations"),
        (base(faq_id=[]), "/knowledge_bases/0/faq_id"),
        (base(chatbot_files_ids=[]), "/knowledge_bases/0/chatbot_files_ids"),
        ({"label_relations": {"operator": "AND", "condition": []}}, "/label_relations/condition"),
        (
            {"label_relations": {"operator": "AND", "conditions": [{"labels_id": VIP}]}},
            "/label_relations/conditions/0/labels_id",
        ),
        ({"faq_ids": []}, "/faq_ids"),
        (base(operator="AND"), "/knowledge_bases/0/operator"),
    ],
)
def test_row_01_a_misspelt_or_misplaced_key_is_refused(raw: Any, pointer: str):
    """A typo is an error at its place: ignored, it would open what its writer meant to close."""
    assert refused(raw) == pointer


def test_row_01_a_key_three_letters_away_is_foreign():
    """Edit distance 2 is the limit."""
    assert opened(base(faq_idsxyz=[], faq_mode="all")) == FAQS


def test_row_02_labels_without_bases_open_nothing_and_warn():
    """Also on a message: it asked to be narrowed."""
    raw = {"label_relations": relation("OR", VIP)}
    assert opened(raw) == set()
    assert opened({**raw, "knowledge_bases": []}, Layer.MESSAGE) == set()
    assert codes(raw) == [("labels-without-bases", "/label_relations")]


def test_row_03_select_all_ignores_lists_but_not_labels_and_faq_mode():
    """Everything of the base, except what labels and faq_mode take away."""
    everything = {"has_user_selected_all": True, "chatbot_file_ids": ids("vip"), "faq_ids": []}
    assert opened(base(**everything)) == FILES | FAQS
    assert opened(base(**everything, label_relations=relation("OR", VIP))) == {"vip", "both"} | FAQS
    assert opened(base(**everything, faq_mode="none")) == FILES
    assert opened(base(**{**everything, "faq_ids": ids("faq")}, faq_mode="listed")) == FILES | {"faq"}


def test_row_04_listed_files_are_intersected_with_labels():
    """Those files; with labels, those of them that match. A file of another base is not of this one."""
    listed = {"chatbot_file_ids": ids("plain", "vip", "shop"), "faq_mode": "none"}
    assert opened(base(**listed)) == {"plain", "vip"}
    assert opened(base(**listed, label_relations=relation("OR", VIP))) == {"vip"}


def test_row_05_labels_alone_open_the_files_that_match():
    """No file listed, or an empty list: all files with the labels."""
    labels = {"label_relations": relation("AND", VIP, STAFF), "faq_mode": "none"}
    assert opened(base(**labels)) == opened(base(**labels, chatbot_file_ids=[])) == {"both"}


def test_row_06_a_base_without_files_and_labels_opens_no_file():
    """A base that is only named opens its FAQs."""
    assert opened(base()) == opened(base(chatbot_file_ids=[])) == FAQS


@pytest.mark.parametrize(("mode", "faqs"), [("all", FAQS), ("listed", {"faq"}), ("none", set())])
def test_row_07_faq_mode_wins_over_the_list(mode: str, faqs: set[str]):
    """All, exactly the listed ones, or none."""
    assert opened(base(faq_mode=mode, faq_ids=ids("faq"))) == faqs
    assert opened(base(faq_mode="listed")) == set()
    assert refused(base(faq_mode="some")) == "/knowledge_bases/0/faq_mode"


def test_row_08_without_faq_mode_the_list_decides():
    """Absent: all. Empty: none, unless the organization reads it as its former vendor did. Listed: those."""
    assert opened(base()) == FAQS
    assert opened(base(faq_ids=[])) == set()
    assert opened(base(faq_ids=[]), vendor_faq_reading=True) == FAQS
    assert opened(base(faq_ids=ids("vip faq", "plain"))) == {"vip faq"}
    assert opened(base(faq_ids=ids("vip faq")), vendor_faq_reading=True) == {"vip faq"}


def test_row_09_labels_narrow_files_only_unless_they_apply_to_all():
    """FAQs stay open beside labelled files, until `applies_to` says otherwise."""
    assert opened(base(label_relations=relation("OR", VIP))) == {"vip", "both"} | FAQS
    assert opened(base(label_relations=relation("OR", VIP, applies_to="files"))) == {"vip", "both"} | FAQS
    assert opened(base(label_relations=relation("OR", VIP, applies_to="all"))) == {"vip", "both", "vip faq"}
    nested = {"operator": "AND", "conditions": [relation("OR", VIP, applies_to="all")]}
    assert refused(base(label_relations=nested)) == "/knowledge_bases/0/label_relations/conditions/0/applies_to"


@pytest.mark.parametrize("operator", ["AND", "OR"])
def test_row_10_no_conditions_match_nothing_and_warn(operator: str):
    """An empty AND is not "everything"."""
    raw = base(label_relations=relation(operator), has_user_selected_all=True)
    assert opened(raw) == FAQS
    assert codes(raw) == [("empty-conditions", "/knowledge_bases/0/label_relations")]
    inner = {"operator": operator, "conditions": [{"label_id": VIP}, relation("AND")]}
    assert opened(base(label_relations=inner, faq_mode="none")) == ({"vip", "both"} if operator == "OR" else set())


@pytest.mark.parametrize("value", [True, "True", "TRUE", "true", "1", 1])
def test_row_11_strings_that_say_true_are_true(value: Any):
    """In any case."""
    assert opened(base(has_user_selected_all=value)) == FILES | FAQS


@pytest.mark.parametrize("value", [False, "False", "FALSE", "false", "0", 0])
def test_row_11_strings_that_say_false_are_false(value: Any):
    """The string "False" opens nothing."""
    assert opened(base(has_user_selected_all=value)) == FAQS


@pytest.mark.parametrize("value", ["yes", "", " true", 2, -1, 1.0, None, [], ["x"], {}])
def test_row_11_anything_else_is_refused(value: Any):
    """Never truthiness."""
    assert refused(base(has_user_selected_all=value)) == "/knowledge_bases/0/has_user_selected_all"


def test_row_12_the_same_base_twice_is_a_union():
    """Each clause opens its own; neither narrows the other."""
    clauses = [
        *base(chatbot_file_ids=ids("plain"), faq_mode="none")["knowledge_bases"],
        *base(faq_ids=ids("faq"))["knowledge_bases"],
    ]
    assert opened({"knowledge_bases": clauses}) == {"plain", "faq"}


def test_row_13_both_spellings_are_understood_everywhere():
    """Either spelling means the same at every level; twice the same is fine, twice different is refused."""
    conditions = [{"labelId": VIP}, {"label_id": STAFF, "labelId": STAFF}]
    clause = {
        "knowledgeBaseId": MANUAL,
        "hasUserSelectedAll": "False",
        "chatbotFileIds": ids("vip", "both"),
        "faqIds": ids("faq"),
        "faqMode": "all",
        "labelRelations": {"operator": "AND", "conditions": conditions, "appliesTo": "all"},
    }
    assert opened({"knowledgeBases": [clause], "labelRelations": relation("OR", SHOP_VIP)}) == {"both"}
    assert opened({"knowledge_bases": [clause], "knowledgeBases": [clause]}) == {"both"}
    assert refused({"knowledge_bases": [clause], "knowledgeBases": []}) == "/knowledgeBases"
    assert refused(base(faqIds=[], faq_ids=None)) == "/knowledge_bases/0/faq_ids"


def test_row_14_unknown_ids_match_nothing_and_warn():
    """Never heard of, deleted, another organization's, or of another base: all answered alike."""
    raw = {
        "knowledge_bases": [
            {"knowledge_base_id": STRANGER, "has_user_selected_all": True},
            {
                "knowledge_base_id": MANUAL,
                "chatbot_file_ids": [STRANGER, *ids("shop", "faq", "vip")],
                "faq_ids": [STRANGER],
                "label_relations": relation("OR", STRANGER, VIP),
            },
        ]
    }
    assert opened(raw) == {"vip"}
    assert codes(raw) == [
        ("unknown-base", "/knowledge_bases/0"),
        ("unknown-file", "/knowledge_bases/1/chatbot_file_ids"),
        ("unknown-faq", "/knowledge_bases/1/faq_ids"),
        ("unknown-label", "/knowledge_bases/1/label_relations/conditions/0"),
    ]
    only_unknown = base(label_relations=relation("OR", STRANGER))
    assert codes(only_unknown) == [("unknown-label", "/knowledge_bases/0/label_relations/conditions/0")]


def test_row_15_a_base_out_of_reach_is_saved_with_a_warning():
    """No assistant of the holder's inboxes has it: it matches nothing there, and the save says so."""
    known = Known(KNOWN.bases, KNOWN.documents, KNOWN.labels, reachable_bases={KnowledgeBaseId(UUID(SHOP))})
    assert codes(base(), known) == [("base-out-of-reach", "/knowledge_bases/0")]
    assert codes(base(SHOP), known) == codes(base(), KNOWN) == []
    assert reads(Situation(bases=frozenset({SHOP}), contact=base(has_user_selected_all=True))) == set()


def test_row_16_the_outer_relation_narrows_every_base_without_its_own():
    """A label of one base closes the files of another, so that warns; a base's own relation replaces the outer one."""
    clauses = [{"knowledge_base_id": MANUAL, "faq_mode": "none"}, {"knowledge_base_id": SHOP, "faq_mode": "none"}]
    raw = {"knowledge_bases": clauses, "label_relations": relation("OR", VIP)}
    assert opened(raw) == {"vip", "both"}
    assert codes(raw) == [("label-of-another-base", "/knowledge_bases/1")]
    clauses[1]["label_relations"] = relation("OR", SHOP_VIP)
    assert opened(raw) == {"vip", "both", "shop vip"}
    assert codes(raw) == []
    clauses[1].pop("label_relations")
    assert codes({**raw, "label_relations": relation("OR", VIP, SHOP_VIP)}) == []
    both_closed = [("label-of-another-base", f"/knowledge_bases/{n}") for n in (0, 1)]
    assert codes({**raw, "label_relations": relation("AND", VIP, SHOP_VIP)}) == both_closed
    or_empty = {"operator": "OR", "conditions": [{"label_id": SHOP_VIP}, relation("AND")]}
    assert ("label-of-another-base", "/knowledge_bases/0") in codes({**raw, "label_relations": or_empty})


def test_row_17_unfinished_and_unlabelled_files_are_closed():
    """A file that is not ingested is never readable; a file without labels never meets a label condition."""
    assert "draft" not in opened(base(has_user_selected_all=True))
    assert (
        opened(base(chatbot_file_ids=ids("draft", "plain"), label_relations=relation("OR", VIP), faq_mode="none"))
        == set()
    )


def test_row_18_size_is_limited():
    """Up to the limits it is read, one beyond is refused at its place."""
    assert (MAX_DEPTH, MAX_NODES, MAX_IDS) == (8, 256, 10_000)

    def nested(depth: int) -> dict[str, Any]:
        return relation("OR", VIP) if depth == 1 else {"operator": "OR", "conditions": [nested(depth - 1)]}

    assert opened(base(label_relations=nested(MAX_DEPTH), faq_mode="none")) == {"vip", "both"}
    assert (
        refused(base(label_relations=nested(MAX_DEPTH + 1)))
        == "/knowledge_bases/0/label_relations" + "/conditions/0" * MAX_DEPTH
    )
    fits = base(label_relations=relation("OR", *[VIP] * (MAX_NODES - 2)))
    assert opened(fits) == {"vip", "both"} | FAQS
    fits["knowledge_bases"].append({"knowledge_base_id": SHOP})
    assert refused(fits) == "/knowledge_bases/1"
    half = [STRANGER] * (MAX_IDS // 2)
    assert opened(base(chatbot_file_ids=half, faq_ids=half)) == set()
    assert refused(base(chatbot_file_ids=half, faq_ids=[*half, STRANGER])) == "/knowledge_bases/0/faq_ids"


def test_row_19_rights_changed_in_mid_conversation_count_at_the_next_message():
    """The scope is made anew per message; an earlier turn that was given one chunk of a closed document is left out."""
    given = [facts_of(LIBRARY["plain"]), facts_of(LIBRARY["vip"])]
    before = Situation(bases=frozenset({MANUAL}), contact=base(has_user_selected_all=True))
    after = Situation(bases=frozenset({MANUAL}), contact=base(chatbot_file_ids=ids("plain")))
    assert all(permits(effective_of(before).scope, one) for one in given)
    assert [permits(effective_of(after).scope, one) for one in given] == [True, False]


@pytest.mark.parametrize(
    "raw", [{}, {"knowledge_bases": []}, {"knowledgeBases": None}, {"knowledge_bases": [], "source": "web"}]
)
@pytest.mark.parametrize("layer", Layer)
def test_empty_closes_except_on_what_comes_with_a_message(layer: Layer, raw: Any):
    """The right column of the table of layers."""
    expected = None if layer in {Layer.MESSAGE, Layer.PAGE} else Nothing()
    assert parse_query_metadata(raw, layer=layer).scope == expected


@pytest.mark.parametrize("absent", [None, {"source": "web"}])
def test_an_absent_layer_is_read_as_the_table_says(absent: Any):
    """The middle column: inbox, message and page do not restrict; a contact falls through; the others open nothing."""
    bases, everything = (
        frozenset({MANUAL, SHOP}),
        {"knowledge_bases": [{"knowledge_base_id": one, "has_user_selected_all": True} for one in (MANUAL, SHOP)]},
    )
    assert reads(Situation(bases, inbox=absent, contact=everything, message=absent, page=absent)) == EVERYTHING
    assert reads(Situation(bases, contact=absent, profiles=((base(), 0),), visitor_scope=everything)) == FAQS
    assert reads(Situation(bases, contact=absent, visitor_scope=everything)) == EVERYTHING
    assert reads(Situation(bases, contact=absent, member_scope=base(SHOP), assurance=2, visitor_scope=everything)) == {
        "shop faq"
    }
    assert reads(Situation(bases, profiles=((absent, 0),), visitor_scope=everything)) == set()
    assert (
        reads(Situation(bases, visitor_scope=absent))
        == reads(Situation(bases, member_scope=absent, assurance=3))
        == set()
    )


@pytest.mark.parametrize("empty", [{}, {"knowledge_bases": []}])
def test_an_empty_layer_is_read_as_the_table_says(empty: Any):
    """The right column, through the formula: a contact's own `{}` closes, whatever its profiles say."""
    bases, everything = frozenset({MANUAL}), base(has_user_selected_all=True)
    assert reads(Situation(bases, inbox=empty, contact=everything)) == set()
    for mode in ("replace", "add"):
        assert reads(Situation(bases, contact=empty, profiles=((everything, 0),), profiles_mode=mode)) == set()
    assert reads(Situation(bases, profiles=((empty, 0),), visitor_scope=everything)) == set()
    assert reads(Situation(bases, visitor_scope=empty)) == set()
    assert reads(Situation(bases, contact=everything, message=empty, page=empty)) == FILES | FAQS


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        ([], ""),
        ("everything", ""),
        ({"knowledge_bases": {}}, "/knowledge_bases"),
        ({"knowledge_bases": [MANUAL]}, "/knowledge_bases/0"),
        ({"knowledge_bases": [{}]}, "/knowledge_bases/0"),
        (base(MANUAL.replace("-", "")), "/knowledge_bases/0/knowledge_base_id"),
        (base(f"{{{MANUAL}}}"), "/knowledge_bases/0/knowledge_base_id"),
        (base(chatbot_file_ids=[7]), "/knowledge_bases/0/chatbot_file_ids/0"),
        (base(chatbot_file_ids=STRANGER), "/knowledge_bases/0/chatbot_file_ids"),
        ({"label_relations": {"conditions": []}}, "/label_relations"),
        ({"label_relations": {"operator": "and", "conditions": []}}, "/label_relations/operator"),
        ({"label_relations": {"operator": "AND"}}, "/label_relations"),
        ({"label_relations": {"operator": "AND", "conditions": [{}]}}, "/label_relations/conditions/0"),
        ({"label_relations": {"label_id": VIP}}, "/label_relations/label_id"),
        ({"label_relations": relation("AND", VIP, applies_to="faqs")}, "/label_relations/applies_to"),
        (
            {"label_relations": {"operator": "AND", "conditions": [{"label_id": VIP, **relation("OR")}]}},
            "/label_relations/conditions/0",
        ),
    ],
)
def test_a_wrong_type_is_refused_at_its_place(raw: Any, pointer: str):
    """Nothing is guessed, coerced or skipped."""
    assert refused(raw) == pointer
