"""Search finds what was asked for, within the scope, exactly."""

import json
from pathlib import Path

import pytest

from frontdesk.access.model import All, Document, Kind, KnowledgeBase, Label, Nothing, all_of
from frontdesk.core.ids import DocumentId, new_id
from frontdesk.knowledge.scoring import FOUND_THRESHOLD
from frontdesk.knowledge.search import count_permitted, find_forbidden, list_permitted
from knowledge.oracle import faq_passage, rank
from knowledge.sample_files import make_pdf

FAQS = json.loads((Path(__file__).parents[2] / "benchmarks" / "data" / "faq_testset.json").read_text())


async def test_a_question_in_other_words_finds_the_faq(library, base):
    """The best hit is the FAQ that answers, with its question as title and its answer as text."""
    await library.write_faq(base, "How long does standard shipping take?", "Three to five business days.")
    await library.write_faq(base, "How do I reset my password?", "Choose Forgot password on the sign-in page.")
    result = await library.ask(All(), "When will my parcel arrive?")
    best = result.hits[0]
    assert (best.title, best.text, best.kind, best.page_number) == (
        "How long does standard shipping take?",
        "Three to five business days.",
        "faq",
        None,
    )
    assert result.permitted_count == 2


async def test_a_passage_of_a_file_is_found_with_its_page(library, base):
    """A hit in a PDF names the file and the page."""
    pages = ["Parcels are sent by courier.", "Refunds arrive within ten days."]
    file = await library.read_file(base, make_pdf(pages), "terms.pdf")
    best = (await library.ask(All(), "refunds")).hits[0]
    assert (best.document_id, best.title, best.page_number) == (file.id, "terms.pdf", 2)


async def test_what_is_off_topic_stays_below_the_threshold(library, base):
    """Nothing is found when nothing is about the question; the passages still come, for those who want to look."""
    await library.write_faq(base, "How long does standard shipping take?", "Three to five business days.")
    await library.write_faq(base, "可以超商取貨嗎？", "可以，包裹會保留七天。")
    for question in ("Who painted the Mona Lisa?", "聖母峰有多高？"):
        result = await library.ask(All(), question)
        assert len(result.hits) == 2
        assert all(0 <= hit.score < FOUND_THRESHOLD for hit in result.hits)


async def test_the_language_of_the_question_comes_first(library, base):
    """Of passages about the question those in its language come first, whatever their scores."""
    await library.write_faq(base, "How long does standard shipping take?", "Three to five business days.")
    await library.write_faq(base, "標準配送要多久？", "三到五個工作天。")
    english = await library.ask(All(), "How long does shipping take?")
    chinese = await library.ask(All(), "配送要多久？")
    assert [hit.language for hit in english.hits] == ["en", "zh"]
    assert [hit.language for hit in chinese.hits] == ["zh", "en"]


@pytest.mark.parametrize("language", ["en", "zh-Hant"])
async def test_search_is_exact(library, base, language):
    """Order and scores are those of the naive oracle, for every question of the test set's beginning."""
    rows = [row for row in FAQS if row["lang"] == language][:15]
    passages = []
    for row in rows:
        question, answer = row["question"], row["answer"]
        document = await library.write_faq(base, question, answer)
        vector = (await library.prepare(f"{question}\n{answer}")).vector
        passages.append(faq_passage(question, answer, vector, document.language))
    for text in [row["paraphrases"][0] for row in rows] + [row["keyword_query"] for row in rows]:
        prepared = await library.prepare(text)
        expected = rank(passages, prepared)
        result = await library.ask(All(), prepared, limit=7)
        assert [hit.title for hit in result.hits] == [name for name, _ in expected[:7]]
        assert [hit.score for hit in result.hits] == pytest.approx([score for _, score in expected[:7]], abs=1e-3)


async def test_as_many_hits_as_there_are(library, base):
    """The smaller of the limit and of what is permitted comes back, also for what nobody wrote about."""
    for number in range(5):
        await library.write_faq(base, f"Question {number}?", f"Answer {number}.")
    for limit in (1, 3, 5, 12):
        assert len((await library.ask(All(), "penguins", limit=limit)).hits) == min(limit, 5)


async def test_a_scope_opens_its_documents_only(library, base):
    """Hits, count and list speak of the permitted documents and of nothing else."""
    vip, other = await library.make_label(base, "VIP"), await library.make_base("Other")
    open_one = await library.write_faq(base, "Lounge hours?", "From six to ten.", [vip])
    await library.write_faq(base, "Lounge hours today?", "From six to nine.")
    await library.write_faq(other, "Lounge hours tomorrow?", "From six to eight.")
    scope = all_of(KnowledgeBase(base), Label(vip))
    assert [hit.document_id for hit in (await library.ask(scope, "lounge hours")).hits] == [open_one.id]
    async with library.services.db.begin(library.caller.organization_id) as tx:
        documents, count = await list_permitted(tx, scope, limit=10, offset=0)
        assert ([document.id for document in documents], count) == ([open_one.id], 1)
        assert await count_permitted(tx, Kind("faq")) == 3
        assert await count_permitted(tx, Nothing()) == 0


async def test_what_is_forbidden_is_found_out(library, base):
    """Of given documents those that the scope does not open are named, unknown ones among them."""
    mine = await library.write_faq(base, "Mine?", "Yes.")
    yours = await library.write_faq(base, "Yours?", "Yes.")
    unknown = DocumentId(new_id())
    async with library.services.db.begin(library.caller.organization_id) as tx:
        forbidden = await find_forbidden(tx, Document(mine.id), {mine.id, yours.id, unknown})
        assert forbidden == {yours.id, unknown}
        assert await find_forbidden(tx, Nothing(), frozenset()) == frozenset()


async def test_a_question_without_words_is_answered(library, base):
    """Signs and emptiness are no error."""
    await library.write_faq(base, "Lounge hours?", "From six to ten.")
    for text in ("?!", "", "🙂"):
        assert len((await library.ask(All(), text)).hits) == 1
