"""Asking without a conversation: what somebody would be answered. It writes nothing, reads no history and no memory."""

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.access.model import Assurance
from frontdesk.answers.askers import load_asker
from frontdesk.answers.memory_model import Memory
from frontdesk.answers.model import Asker, Draft, History, Voice
from frontdesk.answers.speaking import Replace, read, speak
from frontdesk.channels.model import Inbox
from frontdesk.contacts.model import Contact
from frontdesk.core.ids import OrganizationId
from frontdesk.core.services import Services
from frontdesk.knowledge.search import Hit, prepare_question


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
) -> Trial:
    """Answer as `contact` would be answered in `inbox`, in a session of that assurance."""
    prepared = await prepare_question(services.embedder, question)
    async with services.db.begin(organization_id) as tx:
        asker = await load_asker(tx, contact, inbox, Voice(assurance))
        reading = await read(tx, services, asker, prepared, History(), Memory())
    content = ""
    async for piece in speak(reading, prepared, _no_check):
        content = piece.text if isinstance(piece, Replace) else content + piece.text
    draft = Draft.of(content, reading.sources, reading.result, reading.model_name, {})
    return Trial(asker, draft)


async def _no_check() -> None:
    """Nothing is shown before the whole answer is there."""
