"""What somebody may read in one situation: the steps that narrow it, each with the documents that are left."""

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.access.layers import Step
from frontdesk.access.model import Assurance, Kind, KnowledgeBase, Layer, Scope, all_of
from frontdesk.answers.askers import load_asker
from frontdesk.answers.model import Voice
from frontdesk.assistants.model import BaseName
from frontdesk.assistants.queries import find_base_names, get_assistant
from frontdesk.channels.access import list_visible_inboxes
from frontdesk.channels.model import ChannelType, IdentityMode, Inbox
from frontdesk.channels.queries import list_inboxes
from frontdesk.console import conditions
from frontdesk.console.conditions import Opened
from frontdesk.contacts.model import Contact
from frontdesk.core.db import Tx
from frontdesk.identities.cards import ContactView
from frontdesk.knowledge.search import count_permitted
from frontdesk.organizations.model import Caller

_BEFORE_PERSON = ("assistant", "inbox")


@dataclass(frozen=True, slots=True)
class Situation:
    """Where somebody asks, and how they are proven there."""

    inbox: Inbox
    assurance: Assurance

    @property
    def key(self) -> str:
        """What an address calls it."""
        return f"{self.inbox.id}.{self.assurance.name.lower()}"


@dataclass(frozen=True, slots=True)
class Narrowed:
    """One step, and how many documents are open after it."""

    name: str
    count: int
    fewer: int  # than after the step before


@dataclass(frozen=True, slots=True)
class Reading:
    """The whole path."""

    situation: Situation
    assistant: str
    bases: tuple[str, ...]  # of the assistant
    inbox_opens: tuple[Opened, ...]  # what the inbox's own query metadata says; empty without one
    steps: tuple[Narrowed, ...]
    scope: Scope  # what is left
    before_person: Scope  # what assistant and inbox leave
    files: int
    faqs: int
    by_base: tuple[tuple[str, int], ...]

    @property
    def count(self) -> int:
        """How many documents are left."""
        return self.files + self.faqs


async def list_situations(tx: Tx, caller: Caller, view: ContactView) -> list[Situation]:
    """Return where this contact can be met: its inboxes, else all that the caller may view; strongest proof first."""
    own = [inbox.inbox_id for inbox in view.inboxes]
    inboxes, _ = await list_inboxes(tx, own) if own else await list_visible_inboxes(tx, caller)
    is_known = view.primary is not None
    return [Situation(inbox, assurance) for inbox in inboxes for assurance in _assurances(inbox, is_known=is_known)]


async def load_reading(tx: Tx, contact: Contact, situation: Situation) -> Reading:
    """Count the documents along the path of this contact in this situation, without any message."""
    asker = await load_asker(tx, contact, situation.inbox, Voice(situation.assurance))
    steps, scope = asker.scope.steps, asker.scope.scope
    assistant = await get_assistant(tx, situation.inbox.assistant_id)
    bases = (await find_base_names(tx, [assistant.id]))[assistant.id]
    return Reading(
        situation=situation,
        assistant=assistant.name,
        bases=tuple(base.name for base in bases),
        inbox_opens=tuple(await conditions.tell(tx, situation.inbox.query_metadata, Layer.INBOX)),
        steps=await _narrow(tx, steps),
        scope=scope,
        before_person=all_of(*(step.scope for step in steps if step.name in _BEFORE_PERSON)),
        files=await count_permitted(tx, all_of(scope, Kind("file"))),
        faqs=await count_permitted(tx, all_of(scope, Kind("faq"))),
        by_base=await _count_by_base(tx, scope, bases),
    )


def _assurances(inbox: Inbox, *, is_known: bool) -> tuple[Assurance, ...]:
    if inbox.channel_type.has_own_people:
        return (Assurance.CHANNEL,)
    if inbox.channel_type is ChannelType.API:
        return (Assurance.SIGNED,)
    if inbox.identity_mode is not IdentityMode.NONE and is_known:
        return (Assurance.SIGNED, Assurance.ANONYMOUS)
    return (Assurance.ANONYMOUS,)


async def _narrow(tx: Tx, steps: Sequence[Step]) -> tuple[Narrowed, ...]:
    narrowed: list[Narrowed] = []
    for number, step in enumerate(steps, 1):
        left = await count_permitted(tx, all_of(*(one.scope for one in steps[:number])))
        narrowed.append(Narrowed(step.name, left, narrowed[-1].count - left if narrowed else 0))
    return tuple(narrowed)


async def _count_by_base(tx: Tx, scope: Scope, bases: Sequence[BaseName]) -> tuple[tuple[str, int], ...]:
    counts = [(base.name, await count_permitted(tx, all_of(scope, KnowledgeBase(base.id)))) for base in bases]
    return tuple((name, count) for name, count in counts if count)
