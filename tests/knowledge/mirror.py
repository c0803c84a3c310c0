"""A second embedding model that is always there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from frontdesk.core.embedding import Embedder
from frontdesk.knowledge.scoring import USE_MODEL

MIRROR = "mirror"  # the model that comes along, with every number negated: a mixed comparison finds the opposite


@dataclass
class Two:
    """The model that comes along, and its mirror, which may be slow or die."""

    real: Embedder
    dies_after: int = 10_000
    read: list[str] = field(default_factory=list)
    model = USE_MODEL
    models = (USE_MODEL, MIRROR)

    async def embed(self, text: str, model: str | None = None) -> np.ndarray:
        vector = await self.real.embed(text)
        if model != MIRROR:
            return vector
        if len(self.read) >= self.dies_after:
            raise ConnectionError
        self.read.append(text)
        await asyncio.sleep(0.01)
        return -vector

    async def embed_question(self, text: str) -> Mapping[str, np.ndarray]:
        vector = (await self.real.embed_question(text))[USE_MODEL]
        return {USE_MODEL: vector, MIRROR: -vector}
