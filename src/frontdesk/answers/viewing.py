"""View-as: a question, answered as a contact would get it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from frontdesk.access.grants import load_held, may_open_all
from frontdesk.access.model import Assurance
from frontdesk.answers.askers import load_asker
from frontdesk.answers.explaining import Situation, find_situation
from frontdesk.answers.memory import recall_memory
from frontdesk.answers.memory_model import Memory
from frontdesk.answers.model import Asker, Voice
from frontdesk.answers.trying import Trial, answer_as
from frontdesk.contacts.access import access_contact, sees_personal
from frontdesk.contacts.queries import list_inboxes_of
from frontdesk.conversations.actions import check_content
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ConversationId, DocumentId, InboxId, new_id
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.identities.queries import resolve_contact_id
from frontdesk.knowledge.search import Hit, find_forbidden
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right
from frontdesk.organizations.throttle import Limit, count_attempt

_MOST_ASKED: Final = 60  # in a quarter of an hour, by one caller


@dataclass(frozen=True, slots=True)
class Viewed:
    """An answer as a contact would get it, as far as the caller may read it.

    What an answer was made of may lie outside what the caller may read. It is counted then, and the text, which is made
    of it, is not shown.
    """

    trial: Trial
    reads_personal: bool  # card and memory were used as they would be for the contact itself
    hidden: frozenset[DocumentId]  # given to the answer, and not for the caller to read

    @property
    def content(self) -> str | None:
        """The text; None when it is made of documents that the caller may not read."""
        return None if self.hidden else self.trial.draft.content

    @property
    def cited(self) -> Sequence[tuple[int, Hit]]:
        """What the answer cites and the caller may read, by number."""
        return [(number, hit) for number, hit in self.trial.cited if hit.document_id not in self.hidden]


async def view_as(
    services: Services,
    caller: Caller,
    contact_id: ContactId,
    question: str,
    *,
    inbox_id: InboxId | None = None,
    assurance: Assurance | None = None,
) -> Viewed:
    """Answer `question` as the contact would be answered at the beginning of a conversation.

    Nothing is stored but that it was asked. Inbox and assurance: see `find_situation`. What the assistant would be told
    of the card, and what it remembers, is left out for a caller who may not see personal fields. Right: access.view_as
    in the inbox and of the contact. Raises NotFound, InvalidRequest and TooManyRequests.
    """
    text = check_content(question)
    async with services.db.begin(caller.organization_id) as tx:
        survivor = await resolve_contact_id(tx, contact_id)
        contact = await access_contact(tx, caller, survivor, Right.ACCESS_VIEW_AS)
        situation = await find_situation(
            tx, caller, contact, inbox_id=inbox_id, assurance=assurance, right=Right.ACCESS_VIEW_AS
        )
        subject = f"{caller.organization_id}/{caller.reference}"
        await count_attempt(tx, [Limit("view_as", subject, _MOST_ASKED)], utc_now())
        reads_personal = sees_personal(caller, [one.inbox_id for one in await list_inboxes_of(tx, contact.id)])
        payload = {"inbox": situation.inbox.name, "assurance": situation.assurance.name.lower()}
        await audit.record(
            tx, caller, "contact.viewed_as", "contact", contact.id, contact_id=contact.id, payload=payload
        )

    async def load(tx: Tx) -> tuple[Asker, Memory]:
        return await _load(tx, situation, reads_personal=reads_personal)

    trial = await answer_as(services, caller.organization_id, text, load)
    async with services.db.begin(caller.organization_id) as tx:
        return Viewed(trial, reads_personal, await _find_hidden(tx, caller, trial))


async def _load(tx: Tx, situation: Situation, *, reads_personal: bool) -> tuple[Asker, Memory]:
    asker = await load_asker(tx, situation.contact, situation.inbox, Voice(situation.assurance))
    if not reads_personal:
        return replace(asker, known=()), Memory()
    nowhere = ConversationId(new_id())  # a conversation that has not begun
    return asker, await recall_memory(tx, asker, nowhere)


async def _find_hidden(tx: Tx, caller: Caller, trial: Trial) -> frozenset[DocumentId]:
    if may_open_all(caller):
        return frozenset()
    given = {source.hit.document_id for source in trial.draft.sources}
    return await find_forbidden(tx, await load_held(tx, caller), given)
