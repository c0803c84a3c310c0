"""Asking without a conversation: what somebody would be answered. It writes nothing, and reads no conversation."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from frontdesk.access.model import Assurance
from frontdesk.answers.askers import load_asker, load_staff_asker
from frontdesk.answers.memory_model import Memory
from frontdesk.answers.model import Asker, Draft, History, Voice
from frontdesk.answers.speaking import Replace, read, speak
from frontdesk.channels.model import Inbox
from frontdesk.contacts.model import Contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import OrganizationId, UserId
from frontdesk.core.services import Services
from frontdesk.knowledge.search import Hit, prepare_question

LoadAsker: TypeAlias = Callable[[Tx], Awaitable[tuple[Asker, Memory]]]


@dataclass(frozen=True, slots=True)
class Trial:
    """An answer as it would be given."""

    asker: Asker
    draft: Draft

    @property
    def cited(self) -> Sequence[tuple[int, Hit]]:
        """What the answer cites, by number."""
        return [(source.number, source.hit) for source in self.draft.sources if source.number in self.draft.cited]


async def try_question(
    services: Services,
    organization_id: OrganizationId,
    *,
    contact: Contact,
    inbox: Inbox,
    assurance: Assurance,
    question: str,
    message: Mapping[str, Any] | None = None,
) -> Trial:
    """Answer as `contact` would be answered in `inbox`, in a session of that assurance, without any memory.

    `message` is query metadata that narrows this one question.
    """

    async def load(tx: Tx) -> tuple[Asker, Memory]:
        return await load_asker(tx, contact, inbox, Voice(assurance), message=message), Memory()

    return await answer_as(services, organization_id, question, load)


async def try_as_member(
    services: Services,
    organization_id: OrganizationId,
    *,
    user_id: UserId,
    inbox: Inbox,
    question: str,
    message: Mapping[str, Any] | None = None,
) -> Trial:
    """Answer as a member reads in `inbox`: by the query metadata of all their roles; without any, nothing."""

    async def load(tx: Tx) -> tuple[Asker, Memory]:
        return await load_staff_asker(tx, user_id, inbox, message=message), Memory()

    return await answer_as(services, organization_id, question, load)


async def answer_as(services: Services, organization_id: OrganizationId, question: str, load: LoadAsker) -> Trial:
    """Answer as whoever `load` returns would be answered at the beginning of a conversation."""
    prepared = await prepare_question(services.embedder, question)
    async with services.db.begin(organization_id) as tx:
        asker, memory = await load(tx)
        reading = await read(tx, services, asker, prepared, History(), memory)
    content = ""
    async for piece in speak(reading, prepared, _no_check):
        content = piece.text if isinstance(piece, Replace) else content + piece.text
    draft = Draft.of(content, reading.sources, reading.result, reading.model_name, {})
    return Trial(asker, draft)


async def _no_check() -> None:
    """Nothing is shown before the whole answer is there."""
