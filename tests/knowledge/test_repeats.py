"""Near-duplicates: the second of two passages that say the same is left out; a small difference that matters is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.core.ids import ChunkId, DocumentId, KnowledgeBaseId, new_id
from frontdesk.knowledge.repeats import drop_repeats
from frontdesk.knowledge.search import Hit

RULES = (
    "Goods that are unworn and in their box may be returned at any of our shops. Bring the receipt or the number of the "
    "order, and the card with which they were paid. The money is on the card within some days. Sale goods are exchanged."
)


def hit(text: str, *, title: str = "rules.pdf", kind: str = "file", score: float = 0.5) -> Hit:
    ids = ChunkId(new_id()), DocumentId(new_id()), KnowledgeBaseId(new_id())
    return Hit(*ids, kind, title, text, None, "en", score)


def test_what_differs_by_spelling_is_said_once():
    """The copy in another file, with other capitals, line ends and a word more, is left out; the better one stays."""
    best, copy, other = (
        hit(RULES),
        hit(RULES.upper().replace(" ", "\n") + " Thanks.", title="b.pdf"),
        hit("The lounge."),
    )
    assert drop_repeats([best, copy, other]) == [best, other]


@pytest.mark.parametrize(
    ("old", "new"),
    [("may be", "may not be"), ("some days", "3 days"), ("some days", "three days"), ("Sale", "2024 sale")],
)
def test_a_number_or_a_not_is_a_difference(old, new):
    """However long the rest is."""
    hits = [hit(RULES), hit(RULES.replace(old, new), title="b.pdf")]
    assert drop_repeats(hits) == hits


def test_one_character_of_chinese_is_a_difference():
    """`可退` and `不可退`, `三天` and `七天` are not the same."""
    text = "未穿過且保留原包裝的商品可以在任何門市辦理退貨請攜帶發票與付款所用的信用卡款項會在三天之內退回特價商品可退"
    hits = [hit(text), hit(text.replace("三天", "七天")), hit(text.replace("商品可退", "商品不可退"))]
    assert drop_repeats(hits) == hits


def test_the_same_answer_to_another_question_stays():
    """`Yes.` says something else for each question."""
    hits = [hit("Yes.", title="Do you ship overseas?", kind="faq"), hit("Yes.", title="Is it free?", kind="faq")]
    assert drop_repeats(hits) == hits


@given(st.lists(st.sampled_from(["a b c", "a b c!", "A  B c", "d e 1", "d e 2", ""]), max_size=8))
def test_nothing_new_is_lost(texts):
    """What remains is in the old order, begins with the best, and asking again removes nothing more."""
    hits = [hit(text, score=1 - place / 10) for place, text in enumerate(texts)]
    kept = drop_repeats(hits)
    assert [one for one in hits if one in kept] == kept
    assert kept[:1] == hits[:1]
    assert drop_repeats(kept) == kept
    assert drop_repeats([*kept, *(replace(one, score=0.0) for one in hits)]) == kept
