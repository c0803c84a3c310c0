"""What somebody may read in one inbox at one assurance: layer by layer, and why one document is among it or not."""

from collections.abc import Mapping
from dataclasses import dataclass

from frontdesk.access.explaining import Explanation, explain
from frontdesk.access.layers import EffectiveScope, StepName
from frontdesk.access.model import Assurance, all_of
from frontdesk.answers.askers import assurances_of, load_asker, load_written
from frontdesk.answers.model import Voice
from frontdesk.channels.model import Inbox
from frontdesk.channels.queries import get_inbox, list_inboxes
from frontdesk.contacts.model import Contact, anybody
from frontdesk.contacts.queries import list_inboxes_of
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest, NotFound
from frontdesk.core.ids import DocumentId, InboxId, LabelId
from frontdesk.core.text import utc_now
from frontdesk.identities.queries import has_identity
from frontdesk.knowledge.facts import Explainable, find_explainable
from frontdesk.knowledge.queries import find_names
from frontdesk.knowledge.search import count_permitted
from frontdesk.organizations.model import Caller, Right


@dataclass(frozen=True, slots=True)
class Situation:
    """Who asks, where, and how they are proven there."""

    contact: Contact
    inbox: Inbox
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class Explained:
    """Why one document can be read, or not. `labels` names the labels that the findings speak of."""

    document: Explainable
    explanation: Explanation
    labels: Mapping[LabelId, str]


@dataclass(frozen=True, slots=True)
class AccessReport:
    """The narrowing path: how many documents are open after each layer."""

    situation: Situation
    layers: tuple[tuple[StepName, int], ...]
    explained: Explained | None

    @property
    def documents(self) -> int:
        """How many documents are left in the end."""
        return self.layers[-1][1]


async def find_situation(
    tx: Tx,
    caller: Caller,
    contact: Contact,
    *,
    inbox_id: InboxId | None = None,
    assurance: Assurance | None = None,
    right: Right = Right.CONTACTS_VIEW,
) -> Situation:
    """Return where a contact asks, and how it is proven there.

    Without an inbox: its first one, by name, in which the caller holds `right`. Without an assurance: the strongest
    that it can have there. Raises NotFound for an inbox in which the caller does not hold `right`, and InvalidRequest
    when there is none to choose.
    """
    if inbox_id is not None:
        caller.require_in(right, [inbox_id])
        inbox = await get_inbox(tx, inbox_id)
    else:
        inbox = await _choose_inbox(tx, caller, contact, right)
    if assurance is None:
        assurance = assurances_of(inbox.channel_type, is_known=await has_identity(tx, contact.id))[-1]
    return Situation(contact, inbox, assurance)


def newcomer(inbox: Inbox, *, is_proven: bool) -> Situation:
    """Return a visitor of the inbox, or somebody who is proven there and has no access of their own."""
    ways = assurances_of(inbox.channel_type, is_known=True)
    return Situation(anybody(utc_now()), inbox, ways[-1] if is_proven else Assurance.ANONYMOUS)


async def report_access(
    tx: Tx, caller: Caller, situation: Situation, *, document_id: DocumentId | None = None
) -> AccessReport:
    """Return what is open after each layer, and with `document_id` why that document can be read or not.

    Right: to explain a document knowledge.view. Raises Forbidden, and NotFound for a document that there is not.
    """
    asker = await load_asker(tx, situation.contact, situation.inbox, Voice(situation.assurance))
    explained = None
    if document_id is not None:
        explained = await explain_document(tx, caller, situation, asker.scope, document_id)
    counts = [
        (step.name, await count_permitted(tx, all_of(*(one.scope for one in asker.scope.steps[:number]))))
        for number, step in enumerate(asker.scope.steps, 1)
    ]
    return AccessReport(situation, tuple(counts), explained)


async def explain_document(
    tx: Tx, caller: Caller, situation: Situation, effective: EffectiveScope, document_id: DocumentId
) -> Explained:
    """Say whether `effective`, the scope of this situation, opens the document, and why.

    Right: knowledge.view. Raises Forbidden and NotFound.
    """
    caller.require(Right.KNOWLEDGE_VIEW)
    document = await find_explainable(tx, document_id)
    if document is None:
        raise NotFound
    written = await load_written(tx, situation.contact, situation.inbox, situation.assurance)
    explanation = explain(document.facts, effective, written)
    named = {label for step in explanation.steps for finding in step.findings for label in finding.labels}
    _, labels = await find_names(tx, base_ids=(), label_ids=named)
    return Explained(document, explanation, labels)


async def _choose_inbox(tx: Tx, caller: Caller, contact: Contact, right: Right) -> Inbox:
    limit = caller.inboxes_for(right)
    own = {one.inbox_id for one in await list_inboxes_of(tx, contact.id)}
    found, _ = await list_inboxes(tx, own if limit is None else own & limit, limit=1)
    if not found:
        raise InvalidRequest("Say in which inbox.", pointer="/inbox")
    return found[0]
