"""What is looked up before a filter of contacts is compiled: the labels that it names."""

from collections.abc import Collection
from typing import Final

from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, ContactLabelId

LISTED: Final = 10_000  # contacts with a label; of a label with more, each contact is asked whether it has it


async def find_labels_with(tx: Tx, words: Collection[str]) -> dict[str, list[ContactLabelId]]:
    """Map words to the labels of contacts whose name has them, in any case; a word of no label is absent."""
    sql = """
        SELECT word, l.id FROM contact_labels l, unnest(%(words)s::text[]) AS words (word)
         WHERE l.organization_id = %(organization)s
           AND search_form(l.name) LIKE '%%' || search_pattern(word) || '%%'
    """
    found: dict[str, list[ContactLabelId]] = {}
    for word, label_id in await tx.fetch(sql, {"organization": tx.organization_id, "words": list(words)}):
        found.setdefault(word, []).append(ContactLabelId(label_id))
    return found


async def find_labelled(tx: Tx, label_ids: Collection[ContactLabelId]) -> list[ContactId] | None:
    """Return the contacts that have one of these labels; None when there are more than 10,000."""
    sql = """
        SELECT DISTINCT contact_id FROM (
            SELECT contact_id FROM labelled_contacts
             WHERE organization_id = %(organization)s AND label_id = ANY(%(labels)s) LIMIT %(listed)s + 1) AS listed
    """
    params = {"organization": tx.organization_id, "labels": list(label_ids), "listed": LISTED}
    rows = await tx.fetch(sql, params)
    return None if len(rows) > LISTED else [ContactId(row[0]) for row in rows]
