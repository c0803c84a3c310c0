"""The embedding model that comes along."""

import asyncio

import numpy as np

from frontdesk.knowledge.embedding import open_embedder

TEXTS = ("How long does shipping take?", "配送要多久？", "The lounge opens at six. " * 30, "")


async def test_vectors_have_length_one(services):
    """Every vector has 512 dimensions and the length 1, also of no text at all."""
    for text in TEXTS:
        vector = await services.embedder.embed(text)
        assert (vector.shape, vector.dtype) == ((512,), np.float32)
        assert abs(float(np.linalg.norm(vector)) - 1) < 1e-5


async def test_the_same_text_has_the_same_bytes(services):
    """Whatever else is embedded at the same time, before or by another copy of the model."""
    alone = [(await services.embedder.embed(text)).tobytes() for text in TEXTS]
    crowd = await asyncio.gather(*(services.embedder.embed(text) for text in TEXTS * 5))
    assert [vector.tobytes() for vector in crowd] == alone * 5
    other = open_embedder()
    assert [(await other.embed(text)).tobytes() for text in TEXTS] == alone


async def test_languages_meet(services):
    """A question is nearer to its translation than to another question in its own language."""
    english, chinese, other = [
        await services.embedder.embed(text)
        for text in ("How long does shipping take?", "配送需要多久？", "How do I change my password?")
    ]
    assert english @ chinese > english @ other
