"""From a question to text: search as the asker, then let the model speak, or read out passages."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from frontdesk.answers.extractive import choose_hits, choose_passages, in_pieces, number, render_passages
from frontdesk.answers.memory_model import Memory
from frontdesk.answers.model import EXTRACTIVE, Asker, History, Source
from frontdesk.answers.models import ModelAccess, ModelFailed, stream_text
from frontdesk.answers.prompt import NOTHING, render_history, render_instructions
from frontdesk.answers.wording import NOTHING_FOUND, say
from frontdesk.assistants import queries as assistants
from frontdesk.assistants.actions import read_model_key
from frontdesk.assistants.model import Assistant
from frontdesk.core.db import Tx
from frontdesk.core.ids import DocumentId
from frontdesk.core.services import Services
from frontdesk.knowledge.search import Question, SearchResult, search

Check = Callable[[], Awaitable[None]]
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delta:
    """More text of the running answer."""

    text: str
    scope_version: int | None = None  # under which it was last permitted; None: it is made of no document


@dataclass(frozen=True, slots=True)
class Replace:
    """Forget what was shown of the running answer and show this instead."""

    text: str


@dataclass(slots=True)
class Reading:
    """What one attempt at an answer works with."""

    asker: Asker
    assistant: Assistant
    model: ModelAccess | None  # None, too, once it has failed
    result: SearchResult
    sources: tuple[Source, ...]  # everything that the model is given
    history: History
    memory: Memory

    @property
    def given(self) -> frozenset[DocumentId]:
        """Every document that the answer may be made of."""
        of_sources = frozenset(source.hit.document_id for source in self.sources)
        return of_sources | self.history.recalled if self.model else of_sources

    @property
    def model_name(self) -> str:
        """The name for the receipt."""
        return f"{self.model.provider}:{self.model.name}" if self.model else EXTRACTIVE

    @property
    def passages(self) -> Sequence[Source]:
        """The sources to read out when no model speaks."""
        chosen = choose_passages([source.hit for source in self.sources])
        return [source for source in self.sources if source.hit in chosen]


async def read(
    tx: Tx, services: Services, asker: Asker, question: Question, history: History, memory: Memory
) -> Reading:
    """Search what the asker may read, and choose what the model is given."""
    assistant = await assistants.get_assistant(tx, asker.inbox.assistant_id)
    model = await find_model(tx, services, assistant)
    result = await search(tx, asker.scope.scope, question)
    hits = choose_hits(result.hits)
    return Reading(asker, assistant, model, result, number(hits if model else choose_passages(hits)), history, memory)


async def speak(reading: Reading, question: Question, check: Check) -> AsyncGenerator[Delta | Replace, None]:
    """Yield the answer piece by piece; `check` runs before each and raises to stop it. A failed model is replaced."""
    if not reading.sources:
        yield Delta(say(NOTHING_FOUND, question.language))
        return
    if reading.model is not None:
        try:
            async with aclosing(_speak_model(reading.model, reading, question, check)) as pieces:
                async for piece in pieces:
                    yield piece
        except ModelFailed as error:
            _log.warning("answer.model_failed", assistant_id=str(reading.assistant.id), reason=str(error)[:200])
            reading.model = None
            yield Replace("")
        else:
            return
    for text in in_pieces(render_passages(reading.passages)):
        await check()
        yield Delta(text)


async def _speak_model(
    model: ModelAccess, reading: Reading, question: Question, check: Check
) -> AsyncGenerator[Delta | Replace, None]:
    """Yield the model's text, held back for as long as it may still be the word for "nothing found"."""
    said, is_shown = "", False
    prompt = "\n\n".join(filter(None, [render_history(reading.history.turns), question.text]))
    instructions = render_instructions(reading.assistant.instructions, reading.asker, reading.sources, reading.memory)
    async with aclosing(stream_text(model, instructions=instructions, question=prompt)) as pieces:
        async for piece in pieces:
            await check()
            said += piece
            if is_shown:
                yield Delta(piece)
            elif not NOTHING.startswith(said.strip()[: len(NOTHING)]):
                is_shown = True
                yield Delta(said)
    if not is_shown:
        yield Replace(say(NOTHING_FOUND, question.language))


async def find_model(tx: Tx, services: Services, assistant: Assistant) -> ModelAccess | None:
    """Return the assistant's model; None when it has none, or an address that the operator no longer allows."""
    if assistant.model_provider is None or assistant.model_name is None:
        return None
    if assistant.model_base_url and assistant.model_base_url not in services.model_urls:
        _log.warning("answer.model_address_refused", assistant_id=str(assistant.id))
        return None
    key = await read_model_key(tx, services.cipher, assistant.id) or ""
    return ModelAccess(assistant.model_provider, assistant.model_name, assistant.model_base_url, key)
