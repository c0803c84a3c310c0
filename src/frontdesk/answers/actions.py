"""Answering a conversation: claim and read; search and call the model; check again and record.

No transaction is open while a model is called. Between the pieces of a running answer the scope's version is compared;
before it is stored, the scope is compiled again for everything that the model was given.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter

from frontdesk.access import queries as access
from frontdesk.answers.askers import find_voice, load_joint_asker
from frontdesk.answers.earlier import recall
from frontdesk.answers.memory import recall_memory
from frontdesk.answers.model import EXTRACTIVE, Asker, Draft, Way
from frontdesk.answers.receipt_queries import insert_answer
from frontdesk.answers.speaking import Delta, Reading, Replace, read, speak
from frontdesk.answers.wording import NOTHING_FOUND, RULES_CHANGED, say
from frontdesk.conversations import actions as conversations
from frontdesk.conversations import queries as threads
from frontdesk.conversations.model import LEASE, Message, SenderKind
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ConversationId, DocumentId, MessageId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import dump_json, utc_now
from frontdesk.knowledge.errors import ScopeLeak
from frontdesk.knowledge.search import Question, SearchResult, find_forbidden, prepare_question

_ATTEMPTS = 3  # access that changes more often than this during one answer: the neutral denial
_RENEW_SECONDS = LEASE.total_seconds() / 3
_CUT: Final = Counter(
    "frontdesk_answers_cut",
    "Attempts at an answer that were given up, as access changed, leaked (a bug), or could not be told (an error).",
    ["reason"],
)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer is stored."""

    message_id: MessageId


AnswerEvent = Delta | Replace | Answered


class _AccessChanged(Exception):
    """Something that the model was given may not be read any more."""


class _Settled(Exception):
    """A member replied meanwhile to all that this answer is to."""


class _Superseded(Exception):
    """Somebody else answers, or a member took over: this answer is not wanted."""


async def answer(
    services: Services, organization_id: OrganizationId, conversation_id: ConversationId, holder: UUID
) -> AsyncGenerator[AnswerEvent, None]:
    """Answer all that waits in the conversation; ends at once when `holder` has no lease. Safe to repeat."""
    while True:
        async with services.db.begin(organization_id) as tx:
            if not await threads.lock_lease(tx, conversation_id, holder):
                return
            waiting = await threads.list_awaiting_answer(tx, conversation_id)
            if not waiting:
                await threads.release_lease(tx, conversation_id, holder)
                return
        try:
            answering = _Answering(services, organization_id, conversation_id, holder, waiting)
            async with answering.keeping_lease(), aclosing(answering.run()) as events:
                async for event in events:
                    yield event
        except _Settled:
            continue
        except (_Superseded, NotFound):
            await _let_go(services, organization_id, conversation_id, holder)
            return
        except BaseException:  # a fault, or nobody reads on: others need not wait until the lease runs out
            await _let_go(services, organization_id, conversation_id, holder)
            raise


async def _let_go(
    services: Services, organization_id: OrganizationId, conversation_id: ConversationId, holder: UUID
) -> None:
    async with services.db.begin(organization_id) as tx:
        await threads.release_lease(tx, conversation_id, holder)


@dataclass(slots=True)
class _Answering:
    """One answer in the making: to `waiting`, the messages since the last answer."""

    services: Services
    organization_id: OrganizationId
    conversation_id: ConversationId
    holder: UUID
    waiting: Sequence[Message]
    _version: int = 0  # of the scope under which the shown text was last permitted

    async def run(self) -> AsyncGenerator[AnswerEvent, None]:
        """Yield the answer as it grows; starts anew when access changes under it, or cannot be told.

        Whoever cannot be told again and again what they may read is answered like those who may read nothing.
        """
        question = await prepare_question(self.services.embedder, "\n".join(m.content for m in self.waiting))
        is_shown = False
        for _ in range(_ATTEMPTS):
            if is_shown:
                yield Replace(say(RULES_CHANGED, question.language))
            try:
                async with aclosing(self._attempt(question)) as events:
                    async for event in events:
                        is_shown = True
                        yield event
            except (_AccessChanged, ScopeLeak, psycopg.Error) as error:
                self._note_cut(error)
            else:
                return
        text = say(NOTHING_FOUND, question.language)
        yield Replace(text) if is_shown else Delta(text)
        async with self.services.db.begin(self.organization_id) as tx:
            asker = await self._ask_again(tx)
        denial = Draft.of(text, (), SearchResult((), 0, 0), EXTRACTIVE, {})
        yield Answered(await self._store(asker, denial, frozenset()))

    def _note_cut(self, error: Exception) -> None:
        facts = {"conversation_id": str(self.conversation_id)}
        match error:
            case _AccessChanged():
                _CUT.labels("access_changed").inc()
                _log.warning("answer.access_changed", **facts)
            case ScopeLeak():
                _CUT.labels("scope_leak").inc()
                _log.error("answer.scope_leak", **facts)
            case _:
                _CUT.labels("error").inc()
                _log.error("answer.permission_unknown", **facts, exc_info=error)

    @asynccontextmanager
    async def keeping_lease(self) -> AsyncIterator[None]:
        """Renew the lease as long as the block runs, however slow a model is; who loses it finds out when storing."""

        async def renew() -> None:
            while True:
                await asyncio.sleep(_RENEW_SECONDS)
                async with self.services.db.begin(self.organization_id) as tx:
                    await threads.claim_lease(tx, self.conversation_id, self.holder, utc_now())

        task = asyncio.create_task(renew())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _attempt(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        started = time.perf_counter()
        reading = await self._read(question)
        searched = time.perf_counter()
        content = ""
        async with aclosing(speak(reading, question, lambda: self._check(reading.given))) as pieces:
            async for piece in pieces:
                content = piece.text if isinstance(piece, Replace) else content + piece.text
                yield piece if isinstance(piece, Replace) else replace(piece, scope_version=self._version)
        timing = {"search": _ms(started, searched), "model": _ms(searched, time.perf_counter())}
        draft = Draft.of(content, reading.sources, reading.result, reading.model_name, timing)
        yield Answered(await self._store(reading.asker, draft, reading.given))

    async def _read(self, question: Question) -> Reading:
        async with self.services.db.begin(self.organization_id) as tx:
            asker = await self._ask_again(tx)
            history = await recall(tx, asker.scope.scope, self.conversation_id, self.waiting[0].id)
            self._version = asker.scope_version
            memory = await recall_memory(tx, asker, self.conversation_id)
            return await read(tx, self.services, asker, question, history, memory)

    async def _ask_again(self, tx: Tx) -> Asker:
        """Compile who asks, and what they may read, from what is stored now."""
        conversation = await threads.get_conversation(tx, self.conversation_id)
        if not conversation.auto_reply:
            raise _Superseded
        came = {(m.session_id, m.assurance, dump_json(m.query_metadata)): m for m in self.waiting}
        ways = [Way(await find_voice(tx, m.session_id, m.assurance), page=m.query_metadata) for m in came.values()]
        return await load_joint_asker(tx, conversation, ways)

    async def _check(self, given: frozenset[DocumentId]) -> None:
        """Compare the scope's version; on a change compile again for all that the model was given."""
        async with self.services.db.begin(self.organization_id) as tx:
            version = await access.get_scope_version(tx)
            if version != self._version:
                await self._require_permitted(tx, given)
                self._version = version

    async def _require_permitted(self, tx: Tx, given: frozenset[DocumentId]) -> None:
        asker = await self._ask_again(tx)
        if given and await find_forbidden(tx, asker.scope.scope, given):
            raise _AccessChanged

    async def _store(self, asker: Asker, draft: Draft, given: frozenset[DocumentId]) -> MessageId:
        now = utc_now()
        async with self.services.db.begin(self.organization_id) as tx:
            await threads.lock_conversation(tx, self.conversation_id)
            if not await threads.lock_lease(tx, self.conversation_id, self.holder):
                raise _Superseded
            if not await self._is_wanted(tx):
                raise _Settled
            message_id = await conversations.send_outgoing(
                tx,
                self.conversation_id,
                draft.content,
                sender_kind=SenderKind.ASSISTANT,
                sender_id=asker.inbox.assistant_id,
                now=now,
            )
            questions = [message.id for message in self.waiting]
            await insert_answer(tx, message_id, self.conversation_id, asker, draft, questions=questions, now=now)
            await threads.update_answered(tx, self.conversation_id, questions)
            await threads.update_conversation(tx, self.conversation_id, waits_for_member=not draft.is_found)
            await access.hold_scope_version(tx)
            await self._require_permitted(tx, given)
        return message_id

    async def _is_wanted(self, tx: Tx) -> bool:
        waiting = {message.id for message in await threads.list_awaiting_answer(tx, self.conversation_id)}
        return any(message.id in waiting for message in self.waiting)


def _ms(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)
