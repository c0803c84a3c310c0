"""Memory: which of it an answer may use, and what members do with it. How it is learned: `memory_learning.py`.

A fact that a member deletes goes with all that it replaced. A correction holds until a newer message speaks of the same
topic at the same assurance.

A learned fact is read through the conversation of its message, and a summary counts only while all conversations that
it is made of are its contact's: merging and undoing need not touch them to be right. What others do all the same
(`lifecycle.tables`): they move the `contact_id` of facts along, by which these are erased and exported; they erase both
under the card's lock, and mark messages that stay as learned.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from frontdesk.access.model import Assurance
from frontdesk.answers import memory_queries as queries
from frontdesk.answers.memory_model import (
    MAX_FACT,
    MAX_SUMMARY,
    Fact,
    FactId,
    Memory,
    Statement,
    Summary,
    clean_topic,
    is_secret,
    plain,
    usable,
)
from frontdesk.answers.model import Asker
from frontdesk.assistants import queries as assistants
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.access import access_contact, access_contact_alone, sees_personal
from frontdesk.contacts.model import Contact
from frontdesk.conversations import learning
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import ContactId, ConversationId
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.identities import queries as identities
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right

_GIVEN_FACTS: Final = 30  # to one prompt
_STILL_QUEUED: Final = timedelta(days=2)  # longer than the job of a message is tried


# --- using ---


async def recall_memory(tx: Tx, asker: Asker, conversation_id: ConversationId) -> Memory:
    """Return what may be used in an answer to `asker`; nothing while the assistant does not remember.

    Below `channel`: only what this very browser wrote.
    """
    if not (await assistants.get_assistant(tx, asker.inbox.assistant_id)).remembers:
        return Memory()
    within = None
    if asker.assurance < Assurance.CHANNEL:
        within = await queries.list_own_conversations(tx, asker.contact.id, asker.session_id) | {conversation_id}
    memory = await load_memory(tx, asker.contact.id, within=within)
    if not memory:
        return memory
    known = await identities.has_identity(tx, asker.contact.id)
    memory = usable(memory, asker.assurance, has_identity=known)
    return replace(memory, facts=memory.facts[:_GIVEN_FACTS])


async def load_memory(tx: Tx, contact_id: ContactId, *, within: Collection[ConversationId] | None = None) -> Memory:
    """Return all that is remembered of a contact, or what comes from these conversations and from members."""
    facts = await queries.list_facts(tx, contact_id, within=within)
    return Memory(facts, await queries.list_summaries(tx, contact_id, within=within))


# --- what members do ---


async def get_memory(tx: Tx, caller: Caller, contact_id: ContactId) -> tuple[ContactId, Memory]:
    """Return what is remembered of a contact, or of the one that it was merged into, and which it is.

    Rights: contacts.view and contacts.view_personal. Raises NotFound and Forbidden.
    """
    survivor = await identities.resolve_contact_id(tx, contact_id)
    contact = await access_contact(tx, caller, survivor, Right.CONTACTS_VIEW)
    await _require_personal(tx, caller, contact)
    return contact.id, await load_memory(tx, contact.id)


async def get_fact(tx: Tx, caller: Caller, contact_id: ContactId, fact_id: FactId) -> Fact:
    """Return one fact of a contact. Rights and errors are those of `get_memory`; NotFound for anybody else's fact."""
    survivor, _ = await get_memory(tx, caller, contact_id)
    fact = await queries.find_fact(tx, survivor, fact_id)
    if fact is None:
        raise NotFound
    return fact


async def add_fact(
    tx: Tx, caller: Caller, contact_id: ContactId, topic: str, text: str, assurance: Assurance = Assurance.SIGNED
) -> FactId:
    """Note a fact by hand, for sessions of at least `assurance`.

    Rights: contacts.edit and contacts.view_personal. Raises NotFound, Forbidden and InvalidRequest.
    """
    contact = await _access(tx, caller, contact_id)
    said = Statement(clean_topic(topic), _check(text, "/text"))
    if not said.topic:
        raise InvalidRequest("Write a topic.", pointer="/topic")
    fact_id = await queries.insert_fact(tx, contact.id, said, assurance, written_by=caller.name, now=utc_now())
    payload = {"memory": said.topic, "fact": {"before": None, "after": said.text}, "assurance": assurance.name.lower()}
    await _record(tx, caller, "memory.fact_added", contact.id, payload)
    return fact_id


async def correct_fact(tx: Tx, caller: Caller, contact_id: ContactId, fact_id: FactId, text: str) -> None:
    """Correct a fact; its source stays. Rights and errors are those of `add_fact`."""
    contact = await _access(tx, caller, contact_id)
    fact = await queries.find_fact(tx, contact.id, fact_id)
    if fact is None:
        raise NotFound
    text = _check(text, "/text")
    if text == fact.text:
        return
    await queries.update_fact(tx, fact.id, text, written_by=caller.name, now=utc_now())
    payload = {"memory": fact.topic, "fact": {"before": fact.text, "after": text}}
    await _record(tx, caller, "memory.fact_corrected", contact.id, payload)


async def delete_fact(tx: Tx, caller: Caller, contact_id: ContactId, fact_id: FactId) -> None:
    """Forget a fact, and what it replaced. The audit log does not keep what it said. Rights as `add_fact`."""
    contact = await _access(tx, caller, contact_id)
    fact = await queries.find_fact(tx, contact.id, fact_id)
    if fact is None:
        raise NotFound
    await queries.delete_facts(tx, contact.id, fact)
    await _record(tx, caller, "memory.fact_deleted", contact.id, {"memory": fact.kind})


async def correct_summary(tx: Tx, caller: Caller, contact_id: ContactId, assurance: Assurance, text: str) -> None:
    """Write the summary for sessions of at least `assurance`; later messages are added to it. Empty: it is deleted.

    Rights and errors are those of `add_fact`.
    """
    contact = await _access(tx, caller, contact_id)
    text = _check(text, "/summary", longest=MAX_SUMMARY) if text.strip() else ""
    before = await queries.find_summary(tx, contact.id, assurance)
    if text == (before.text if before else ""):
        return
    if text:
        made_of, through = (before.conversation_ids, before.through_message_id) if before else ((), None)
        written = Summary(assurance, text, made_of, through, caller.name, utc_now())
        await queries.upsert_summary(tx, contact.id, written)
    else:
        await queries.delete_summaries(tx, contact.id, assurance)
    payload = {"summary": {"before": before.text if before else None, "after": text or None}}
    await _record(tx, caller, "memory.summary_corrected", contact.id, payload)


async def delete_memory(tx: Tx, caller: Caller, contact_id: ContactId) -> None:
    """Forget all that is remembered of a contact; nothing is learned any more from what was written until now.

    Rights and errors are those of `add_fact`. Safe to repeat.
    """
    contact = await _access(tx, caller, contact_id)
    now = utc_now()
    await learning.update_learned(tx, contact.id, since=now - _STILL_QUEUED, now=now)
    facts = await queries.delete_facts(tx, contact.id)
    if await queries.delete_summaries(tx, contact.id) or facts:
        await _record(tx, caller, "memory.deleted", contact.id, {"facts": facts})


async def _access(tx: Tx, caller: Caller, contact_id: ContactId) -> Contact:
    """Return the card, or that of the survivor, alone. What is remembered describes, so it reaches the survivor."""
    survivor = await identities.resolve_contact_id(tx, contact_id)
    contact = await access_contact_alone(tx, caller, survivor, Right.CONTACTS_EDIT)
    await _require_personal(tx, caller, contact)
    return contact


async def _require_personal(tx: Tx, caller: Caller, contact: Contact) -> None:
    inboxes = await contacts.list_inboxes_of(tx, contact.id)
    if not sees_personal(caller, [inbox.inbox_id for inbox in inboxes]):
        raise Forbidden(facts={"right": Right.CONTACTS_VIEW_PERSONAL.value})


async def _record(tx: Tx, caller: Caller, action: str, contact_id: ContactId, payload: Mapping[str, object]) -> None:
    await audit.record(tx, caller, action, "contact", contact_id, contact_id=contact_id, payload=payload)
    await contacts.raise_version(tx, contact_id, utc_now())
    await announce(tx, Event("contact", contact_id))


def _check(text: str, pointer: str, *, longest: int = MAX_FACT) -> str:
    """Return what a member wrote as it is kept. Raises InvalidRequest."""
    kept = "\n".join(filter(None, map(plain, text.splitlines())))
    if not kept:
        raise InvalidRequest("Write something here.", pointer=pointer)
    if len(kept) > longest:
        raise InvalidRequest(f"At most {longest} characters are kept.", pointer=pointer)
    if is_secret(kept):
        raise InvalidRequest("Passwords and numbers of payment cards are not kept.", pointer=pointer)
    return kept
