"""What is remembered, in words for people: topics, sources, and what each assurance may use."""

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.access.model import Assurance
from frontdesk.answers.memory_model import Fact, Memory, may_use, usable
from frontdesk.console.navigation import N_
from frontdesk.conversations.listing import Labelled, find_labelled
from frontdesk.core.db import Tx

TOPICS = {
    "name": N_("Name"),
    "call_as": N_("Wants to be called"),
    "home": N_("Lives in"),
    "work": N_("Work"),
    "preference": N_("Prefers"),
    "allergy": N_("Allergy"),
    "diet": N_("Diet"),
    "order": N_("Order"),
    "product": N_("Owns"),
    "phone": N_("Phone"),
    "email": N_("E-mail"),
    "birthday": N_("Birthday"),
    "language": N_("Language"),
    "note": N_("Note"),
}


@dataclass(frozen=True, slots=True)
class ShownFact:
    """A fact as it is shown. `label` is to be translated; `source` None: it has none, or the conversation is gone."""

    fact: Fact
    label: str
    source: Labelled | None
    is_used: bool  # in the situation that the page is about


@dataclass(frozen=True, slots=True)
class Level:
    """What the assistant may use in a session of one assurance."""

    assurance: Assurance
    fact_count: int
    has_summary: bool
    is_closed: bool  # the card became known, and nobody is proven


def label_of(fact: Fact) -> str:
    """Return the topic in words; one that we have no word for as it was written."""
    return TOPICS.get(fact.kind) or fact.kind.replace("_", " ").capitalize()


def list_levels(memory: Memory, *, has_identity: bool) -> Sequence[Level]:
    """Return what each assurance may use, the strongest first."""
    return [
        Level(one, len(used.facts), bool(used.summaries), has_identity and one < Assurance.CHANNEL)
        for one in sorted(Assurance, reverse=True)
        for used in [usable(memory, one, has_identity=has_identity)]
    ]


async def show_facts(
    tx: Tx,
    facts: Sequence[Fact],
    *,
    session: Assurance = Assurance.SIGNED,
    has_identity: bool = True,
) -> list[ShownFact]:
    """Return facts with what they come from, and whether a session of that assurance may use them."""
    wanted = {fact.conversation_id for fact in facts if fact.conversation_id is not None}
    found = await find_labelled(tx, list(wanted))
    return [
        ShownFact(
            fact,
            label_of(fact),
            found.get(fact.conversation_id) if fact.conversation_id is not None else None,
            may_use(fact.learned_assurance, session, has_identity=has_identity),
        )
        for fact in facts
    ]
