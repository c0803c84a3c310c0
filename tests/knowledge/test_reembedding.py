"""Another embedding model: it reads every passage first, then one commit lets it answer; no vector meets a stranger."""

import asyncio
from dataclasses import replace

import pytest

from frontdesk.access.model import All
from frontdesk.core.errors import InvalidRequest
from frontdesk.knowledge import reembedding
from frontdesk.knowledge import search as searching
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.embedding import EmbedderMissing, open_embedder
from frontdesk.knowledge.scoring import USE_MODEL
from frontdesk.knowledge.search import prepare_question
from knowledge.conftest import Library
from knowledge.mirror import MIRROR, Two

FAQS = {
    "How long does shipping take?": "Three to five days.",
    "Can I return a product?": "Within thirty days.",
    "Where is the lounge?": "At gate seven.",
    "怎麼取消訂單？": "在會員中心取消。",
}
QUESTION = "How many days until my parcel arrives?"


@pytest.fixture
async def two(library: Library, base) -> Library:
    """Northlight with both models and a few FAQs."""
    both = replace(library, services=replace(library.services, embedder=Two(library.services.embedder)))
    for question, answer in FAQS.items():
        await both.write_faq(base, question, answer)
    return both


async def choose(library: Library, base, model: str):
    async with library.services.db.begin(library.caller.organization_id) as tx:
        installed = library.services.embedder.models
        return await reembedding.choose_model(tx, library.caller, base, model, installed=installed)


async def work(library: Library, base) -> None:
    await reembedding.on_vectors_wanted(library.services, library.caller.organization_id, base)


async def clear(library: Library, base) -> None:
    await reembedding.on_model_changed(library.services, library.caller.organization_id, base)


async def find(library: Library, base):
    async with library.services.db.begin(library.caller.organization_id) as tx:
        return await access_base(tx, library.caller, base)


async def count_vectors(library: Library) -> dict[str, int]:
    sql = "SELECT model, count(*) FROM embeddings WHERE organization_id = %(organization)s GROUP BY model"
    async with library.services.db.begin(library.caller.organization_id) as tx:
        return dict(await tx.fetch(sql, {"organization": tx.organization_id}))


async def count_jobs(library: Library, name: str, base) -> int:
    sql = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %(name)s AND args ->> 'base_id' = %(base)s"
    async with library.services.db.begin(library.caller.organization_id) as tx:
        return await tx.fetch_value(sql, {"name": name, "base": str(base)})


async def test_search_goes_on_while_the_next_model_reads(two, base):
    """Every answer in between is the same as before, or the same as after; scores of a mixed comparison never occur."""
    before = await two.ask(All(), QUESTION)
    assert (await choose(two, base, MIRROR)).next_embedding_model == MIRROR
    job = asyncio.create_task(work(two, base))
    answers = [await two.ask(All(), QUESTION)]
    while not job.done():
        answers.append(await two.ask(All(), QUESTION))
    await job
    after = await two.ask(All(), QUESTION)
    assert [hit.document_id for hit in after.hits] == [hit.document_id for hit in before.hits]
    assert all(answer in (before, after) for answer in answers)
    assert len(answers) > 2
    shown = await find(two, base)
    assert (shown.embedding_model, shown.next_embedding_model) == (MIRROR, None)
    assert await count_vectors(two) == {USE_MODEL: 4, MIRROR: 4}  # the old ones stay for searches that run
    await clear(two, base)
    assert await count_vectors(two) == {MIRROR: 4}
    assert await two.ask(All(), QUESTION) == after


async def test_a_search_that_began_before_the_switch_finds_its_vectors(two, base):
    """Between its statements the other model takes over; it is answered as it would have been before."""
    before = await two.ask(All(), QUESTION)
    question = await prepare_question(two.services.embedder, QUESTION)
    async with two.services.db.begin(two.caller.organization_id) as tx:
        permitted = await searching._compile(tx, All(), question.language)
        await choose(two, base, MIRROR)
        await work(two, base)
        assert (await find(two, base)).embedding_model == MIRROR
        scores = await searching._rank(tx, permitted, question, 12)
    assert list(scores.items()) == [(hit.chunk_id, hit.score) for hit in before.hits]


async def test_a_killed_reader_goes_on_where_it_was(two, base, monkeypatch):
    """What was read before the process died is not read again, and nothing is switched before all is read."""
    monkeypatch.setattr(reembedding, "_BATCH", 1)
    await choose(two, base, MIRROR)
    two.services.embedder.dies_after = 2
    with pytest.raises(ConnectionError):
        await work(two, base)
    shown = await find(two, base)
    assert (shown.embedding_model, shown.next_embedding_model, shown.embedding_progress) == (USE_MODEL, MIRROR, 50)
    two.services.embedder.dies_after = 10_000
    await work(two, base)
    assert sorted(two.services.embedder.read) == sorted(set(two.services.embedder.read))
    assert (await find(two, base)).embedding_model == MIRROR


async def test_what_is_written_meanwhile_is_read_by_both(two, base):
    """A FAQ that is written while the next model reads asks for the job; so does one in a base of the other model."""
    await choose(two, base, MIRROR)
    asked = await count_jobs(two, "knowledge.vectors_wanted", base)
    await two.write_faq(base, "Is there a bus?", "Line 9.")
    assert await count_jobs(two, "knowledge.vectors_wanted", base) == asked + 1
    await work(two, base)
    await two.write_faq(base, "Is there a train?", "Line 7.")
    assert await count_jobs(two, "knowledge.vectors_wanted", base) == asked + 2
    await work(two, base)
    assert (await two.ask(All(), "train")).hits[0].text == "Line 7."
    assert (await count_vectors(two))[MIRROR] == 6


async def test_naming_the_present_model_stops_it(two, base):
    """Nothing is switched; the vectors of the other one are removed."""
    await choose(two, base, MIRROR)
    await reembedding._read(two.services, two.caller.organization_id, base, MIRROR)
    assert (await choose(two, base, USE_MODEL)).next_embedding_model is None
    await work(two, base)
    await clear(two, base)
    assert (await find(two, base)).embedding_model == USE_MODEL
    assert await count_vectors(two) == {USE_MODEL: 4}


async def test_an_edit_meanwhile_is_not_overwritten(two, base, monkeypatch):
    """A passage that changes while the model reads it gets no vector of what it said before."""
    await choose(two, base, MIRROR)
    async with two.services.db.begin(two.caller.organization_id) as tx:
        unread = await reembedding.queries.list_unread(tx, base, MIRROR, after=None, limit=9)
        await tx.execute(
            "UPDATE chunks SET content_key = 'x' WHERE organization_id = %(organization)s",
            {"organization": tx.organization_id},
        )
        vector = await two.services.embedder.embed("old", MIRROR)
        await reembedding.queries.insert_vectors(tx, MIRROR, [(one, vector) for one in unread])
        assert len(unread) == len(await reembedding.queries.list_unread(tx, base, MIRROR, after=None, limit=9))


async def test_bases_of_different_models_are_searched_together(two, base):
    """Order and scores are those of one model for all, as the mirror's are the same; words are counted over all."""
    other = await two.make_base("Other")
    for question, answer in {"Do you ship overseas?": "By air.", "How do I pay?": "By card."}.items():
        await two.write_faq(other, question, answer)
    floors = pytest.MonkeyPatch()
    floors.setattr("frontdesk.knowledge.search.find_floor", lambda *_: 0.0)
    before = [await two.ask(All(), text) for text in (QUESTION, "shipping", "退貨")]
    await choose(two, other, MIRROR)
    await work(two, other)
    after = [await two.ask(All(), text) for text in (QUESTION, "shipping", "退貨")]
    floors.undo()
    assert after == before


async def test_a_model_that_is_not_installed(two, base):
    """It cannot be chosen; where one was removed, search goes by words; the installation does not start with it."""
    with pytest.raises(InvalidRequest):
        await choose(two, base, "unheard-of")
    await choose(two, base, MIRROR)
    await work(two, base)
    without = replace(two, services=replace(two.services, embedder=two.services.embedder.real))
    assert (await without.ask(All(), "lounge")).hits[0].text == "At gate seven."
    assert not (await without.ask(All(), "zzz")).hits
    with pytest.raises(EmbedderMissing):
        open_embedder("unheard-of")


async def test_choosing_by_the_api(client, api_key, base):
    """The present model may be named, to existing clients too; one that is not installed is refused, also for a new base."""
    path = f"/api/v1/knowledge-bases/{base}"
    same = await client.patch(path, json={"embeddingModel": USE_MODEL}, headers=api_key)
    assert same.json()["embeddingModel"] == USE_MODEL
    assert (same.json()["nextEmbeddingModel"], same.json()["embeddingProgress"]) == (None, 0)
    for answer in (
        await client.patch(path, json={"embedding_model": "unheard-of"}, headers=api_key),
        await client.post("/api/v1/knowledge-bases", json={"name": "B", "embeddingModel": "x"}, headers=api_key),
    ):
        assert answer.status_code == 400
        assert USE_MODEL in answer.json()["detail"]
