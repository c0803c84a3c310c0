"""SQL of what is remembered. A fact with a message is read through its conversation: it is never anybody else's."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from frontdesk.access.model import Assurance
from frontdesk.answers.memory_model import Fact, FactId, Statement, Summary, unite_summaries
from frontdesk.conversations.model import Message
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ConversationId, SessionId, new_id

_FACT: Final = """f.id, f.topic, f.text, f.message_id, f.conversation_id, f.learned_assurance, f.written_by,
    f.learned_at, f.updated_at"""
_SUMMARY: Final = "s.learned_assurance, s.text, s.conversation_ids, s.through_message_id, s.written_by, s.updated_at"
_MOST_SHOWN: Final = 200
_MOST_OF_CONVERSATION: Final = 50  # whoever writes without end fills this, and no more

# Of `memory_facts f`: is it of the contact? It moves with its conversation, whoever else forgets to say so.
_IS_OF_CONTACT: Final = """
    f.organization_id = %(organization)s AND f.id IN (
        SELECT said.id FROM conversations c
          JOIN memory_facts said ON said.organization_id = c.organization_id AND said.conversation_id = c.id
         WHERE c.organization_id = %(organization)s AND c.contact_id = %(contact)s
         UNION ALL
        SELECT noted.id FROM memory_facts noted
         WHERE noted.organization_id = %(organization)s AND noted.contact_id = %(contact)s
           AND noted.conversation_id IS NULL)
"""
# The contact and those who were merged into it, whose summaries it has until it has one of its own.
_PEOPLE: Final = """
    WITH RECURSIVE people (id) AS (
        SELECT %(contact)s::uuid
         UNION
        SELECT m.contact_id FROM people p
          JOIN merged_contacts m ON m.organization_id = %(organization)s AND m.survivor_id = p.id)
"""
# Of `memory_summaries s`: a merge that was undone took some of what it is made of away.
_IS_WHOLE: Final = """
    NOT EXISTS (SELECT 1 FROM unnest(s.conversation_ids) AS made_of (id)
                 WHERE NOT EXISTS (SELECT 1 FROM conversations c
                                    WHERE c.organization_id = s.organization_id AND c.id = made_of.id
                                      AND c.contact_id = %(contact)s))
"""


# --- facts ---


async def list_facts(
    tx: Tx, contact_id: ContactId, *, within: Collection[ConversationId] | None = None, limit: int = _MOST_SHOWN
) -> list[Fact]:
    """List what is remembered, the latest first; of several with one topic and assurance the latest.

    `within`: only what was said in these conversations, and what members wrote.
    """
    return await tx.fetch_as(
        Fact,
        f"""
        SELECT * FROM (
            SELECT DISTINCT ON (f.topic, f.learned_assurance) {_FACT} FROM memory_facts f
             WHERE {_IS_OF_CONTACT}
               AND (%(within)s::uuid[] IS NULL OR f.conversation_id IS NULL OR f.conversation_id = ANY(%(within)s))
             ORDER BY f.topic, f.learned_assurance, f.updated_at DESC, f.id DESC) AS f
         ORDER BY f.updated_at DESC, f.id DESC LIMIT %(limit)s
        """,
        {
            "organization": tx.organization_id,
            "contact": contact_id,
            "within": None if within is None else list(within),
            "limit": limit,
        },
    )


async def find_fact(tx: Tx, contact_id: ContactId, fact_id: FactId) -> Fact | None:
    """Return the fact if it is one of this contact's, or None."""
    return await tx.fetch_one_as(
        Fact,
        f"SELECT {_FACT} FROM memory_facts f WHERE {_IS_OF_CONTACT} AND f.id = %(id)s",
        {"organization": tx.organization_id, "contact": contact_id, "id": fact_id},
    )


async def insert_learned(tx: Tx, contact_id: ContactId, message: Message, statements: Sequence[Statement]) -> int:
    """Store what a message says; return how much of it is new.

    Earlier facts of the same conversation with the same topic and assurance go, and the oldest beyond 50.
    """
    params = {
        "organization": tx.organization_id,
        "contact": contact_id,
        "message": message.id,
        "conversation": message.conversation_id,
        "assurance": int(message.assurance),
        "at": message.created_at,
        "ids": [new_id() for _ in statements],
        "topics": [one.topic for one in statements],
        "texts": [one.text for one in statements],
        "most": _MOST_OF_CONVERSATION,
    }
    added = await tx.execute(
        """
        INSERT INTO memory_facts (organization_id, id, contact_id, topic, text, message_id, conversation_id,
                                  learned_assurance, learned_at, updated_at)
        SELECT %(organization)s, id, %(contact)s, topic, text, %(message)s, %(conversation)s, %(assurance)s, %(at)s,
               %(at)s
          FROM unnest(%(ids)s::uuid[], %(topics)s::text[], %(texts)s::text[]) AS said (id, topic, text)
            ON CONFLICT (organization_id, message_id, topic) DO NOTHING
        """,
        params,
    )
    await tx.execute(
        """
        DELETE FROM memory_facts f USING (
            SELECT id,
                   row_number() OVER (PARTITION BY topic, learned_assurance ORDER BY updated_at DESC, id DESC) AS turn,
                   row_number() OVER (ORDER BY updated_at DESC, id DESC) AS place
              FROM memory_facts
             WHERE organization_id = %(organization)s AND conversation_id = %(conversation)s) AS ranked
         WHERE f.organization_id = %(organization)s AND f.id = ranked.id
           AND (ranked.turn > 1 OR ranked.place > %(most)s)
        """,
        params,
    )
    return added


async def insert_fact(
    tx: Tx, contact_id: ContactId, statement: Statement, assurance: Assurance, *, written_by: str, now: datetime
) -> FactId:
    """Store what a member wrote."""
    fact_id = FactId(new_id())
    await tx.execute(
        """
        INSERT INTO memory_facts (organization_id, id, contact_id, topic, text, learned_assurance, written_by,
                                  learned_at, updated_at)
        VALUES (%(organization)s, %(id)s, %(contact)s, %(topic)s, %(text)s, %(assurance)s, %(by)s, %(now)s, %(now)s)
        """,
        {
            "organization": tx.organization_id,
            "id": fact_id,
            "contact": contact_id,
            "topic": statement.topic,
            "text": statement.text,
            "assurance": int(assurance),
            "by": written_by,
            "now": now,
        },
    )
    return fact_id


async def update_fact(tx: Tx, fact_id: FactId, text: str, *, written_by: str, now: datetime) -> None:
    """Correct the text of a fact."""
    await tx.execute(
        """
        UPDATE memory_facts SET text = %(text)s, written_by = %(by)s, updated_at = %(now)s
         WHERE organization_id = %(organization)s AND id = %(id)s
        """,
        {"organization": tx.organization_id, "id": fact_id, "text": text, "by": written_by, "now": now},
    )


async def delete_facts(tx: Tx, contact_id: ContactId, fact: Fact | None = None) -> int:
    """Delete a fact and all earlier ones of its topic and assurance, or all facts of the contact; return how many."""
    return await tx.execute(
        f"""
        DELETE FROM memory_facts f
         WHERE {_IS_OF_CONTACT} AND (%(topic)s::text IS NULL
               OR f.topic = %(topic)s AND f.learned_assurance = %(assurance)s)
        """,
        {
            "organization": tx.organization_id,
            "contact": contact_id,
            "topic": fact.topic if fact else None,
            "assurance": int(fact.learned_assurance) if fact else None,
        },
    )


# --- summaries ---


async def list_summaries(
    tx: Tx, contact_id: ContactId, *, within: Collection[ConversationId] | None = None
) -> list[Summary]:
    """List the summaries that hold, one for each assurance that has one, the weakest first.

    `within`: that are made of these conversations.
    """
    found = await tx.fetch_as(
        Summary,
        f"""
        {_PEOPLE}
        SELECT {_SUMMARY} FROM people
          JOIN memory_summaries s ON s.organization_id = %(organization)s AND s.contact_id = people.id
         WHERE {_IS_WHOLE}
           AND (%(within)s::uuid[] IS NULL OR s.conversation_ids <@ %(within)s::uuid[])
         ORDER BY s.updated_at
        """,
        {
            "organization": tx.organization_id,
            "contact": contact_id,
            "within": None if within is None else list(within),
        },
    )
    return unite_summaries(found)


async def find_summary(tx: Tx, contact_id: ContactId, assurance: Assurance) -> Summary | None:
    """Return the summary of sessions of exactly this assurance if it holds, or None."""
    found = await list_summaries(tx, contact_id)
    return next((one for one in found if one.learned_assurance is assurance), None)


async def upsert_summary(tx: Tx, contact_id: ContactId, summary: Summary) -> None:
    """Store a summary in place of the one before, which is gone with all that it was united of."""
    await delete_summaries(tx, contact_id, summary.learned_assurance)
    await tx.execute(
        """
        INSERT INTO memory_summaries (organization_id, contact_id, learned_assurance, text, conversation_ids,
                                      through_message_id, written_by, updated_at)
        VALUES (%(organization)s, %(contact)s, %(assurance)s, %(text)s, %(conversations)s::uuid[], %(through)s, %(by)s,
                %(at)s)
        """,
        {
            "organization": tx.organization_id,
            "contact": contact_id,
            "assurance": int(summary.learned_assurance),
            "text": summary.text,
            "conversations": list(summary.conversation_ids),
            "through": summary.through_message_id,
            "by": summary.written_by,
            "at": summary.updated_at,
        },
    )


async def delete_summaries(tx: Tx, contact_id: ContactId, assurance: Assurance | None = None) -> int:
    """Delete the summary of one assurance, or all (None), those of merged contacts too; return how many."""
    return await tx.execute(
        f"""
        {_PEOPLE}
        DELETE FROM memory_summaries s USING people
         WHERE s.organization_id = %(organization)s AND s.contact_id = people.id
           AND (%(assurance)s::smallint IS NULL OR s.learned_assurance = %(assurance)s)
        """,
        {
            "organization": tx.organization_id,
            "contact": contact_id,
            "assurance": None if assurance is None else int(assurance),
        },
    )


async def list_own_conversations(
    tx: Tx, contact_id: ContactId, session_id: SessionId | None
) -> frozenset[ConversationId]:
    """Return the contact's conversations that this browser wrote."""
    rows = await tx.fetch(
        """
        SELECT id FROM conversations
         WHERE organization_id = %(organization)s AND contact_id = %(contact)s AND session_id = %(session)s
        """,
        {"organization": tx.organization_id, "contact": contact_id, "session": session_id},
    )
    return frozenset(ConversationId(row[0]) for row in rows)
