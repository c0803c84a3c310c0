"""What search needs of embedding models."""

from collections.abc import Collection, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """The models of this installation; they turn text into vectors of length 1 (L2).

    The same text gives the same bytes, whatever else is embedded.
    """

    @property
    def model(self) -> str:
        """The name of the model that reads what nobody chose another one for."""
        ...

    @property
    def models(self) -> Collection[str]:
        """The names of all that are installed, under which their vectors are stored."""
        ...

    async def embed(self, text: str, model: str | None = None) -> NDArray[np.float32]:
        """Return the vector of a passage by one of `models`, by `self.model` when None."""
        ...

    async def embed_question(self, text: str) -> Mapping[str, NDArray[np.float32]]:
        """Return the vectors of a question by each of `models`; some read it otherwise than a passage."""
        ...
