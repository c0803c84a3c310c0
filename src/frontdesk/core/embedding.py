"""What search needs of an embedding model."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns text into vectors. The same text gives the same bytes, whatever else is embedded."""

    @property
    def model(self) -> str:
        """The name under which its vectors are stored."""
        ...

    async def embed(self, text: str) -> NDArray[np.float32]:
        """Return one vector of length 1 (L2), of the model's dimension."""
        ...
