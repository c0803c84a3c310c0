"""Law 8: the smaller of what is asked for and of what is permitted comes back, also about what the asker may not see."""

import random

import numpy as np
import pytest
from tests.knowledge.worlds import OPEN_FAQS, QUESTIONS, make_world

from frontdesk.access.model import All, Document, any_of
from frontdesk.knowledge.scoring import find_floor
from knowledge.conftest import Library

HIDDEN = ("What is the secret?", "There is none.", "zyzzyva chess garden")


async def test_law_08_rows_and_recall(library: Library):
    """Random scopes, sizes, and questions in and out of scope; the vectors of what comes are the nearest there are."""
    luck = random.Random(8)  # noqa: S311 -- examples, not secrets
    world = await make_world(library)
    for number in range(20):
        await world.write(f"{luck.choice(OPEN_FAQS)[0]} {number}", luck.choice(OPEN_FAQS)[1])
    documents = [one.id for one in (*world.visible, *world.invisible)]
    questions = [await library.prepare(text) for text in (*QUESTIONS, *HIDDEN)]
    for _ in range(40):
        scope = any_of(*map(Document, luck.sample(documents, luck.randint(1, len(documents)))))
        question, limit = luck.choice(questions), luck.choice([1, 3, 12, 50])
        whole = await library.ask(scope, question, limit=10_000)
        result = await library.ask(scope, question, limit=limit)
        assert len(whole.hits) == whole.permitted_chunks
        assert len(result.hits) == min(limit, whole.permitted_chunks)
        assert result.hits == whole.hits[:limit]


async def test_law_08_the_nearest_are_among_them(library: Library):
    """Recall against an exact scan in NumPy, for questions of signs only, which no term can answer: 1.0."""
    world = await make_world(library)
    async with library.services.db.begin(library.caller.organization_id) as tx:
        rows = await tx.fetch("SELECT chunk_id, embedding::text FROM embeddings")
    vectors = {chunk: np.array(text[1:-1].split(","), dtype=np.float32) for chunk, text in rows}
    for text in ("🙂", "?!"):
        question = await library.prepare(text)
        hits = (await library.ask(All(), question, limit=10_000)).hits
        floor = find_floor(question.model, question.language)  # below it nothing is nearer than something else
        similarity = {chunk: max(float(vector @ question.vector), floor) for chunk, vector in vectors.items()}
        for language in {hit.language for hit in hits}:
            scores = [similarity[hit.chunk_id] for hit in hits if hit.language == language]
            assert scores == pytest.approx(sorted(scores, reverse=True), abs=1e-3)
    assert {hit.document_id for hit in hits} == {one.id for one in (*world.visible, *world.invisible)}
