"""What is looked up before a filter of contacts is compiled: the labels that it names."""

from collections.abc import Collection
from typing import Final

from frontdesk.core.db import Tx
from frontdesk.core.ids import LabelId

LARGE: Final = 10_000  # contacts with a label, above which they are not listed but asked one by one


async def find_labels_called(tx: Tx, said: Collection[str]) -> dict[str, list[LabelId]]:
    """Map each of `said`, an id or a name, to the labels of contacts that are called so; each is a key."""
    sql = """
        SELECT id, name FROM contact_labels
         WHERE organization_id = %(organization)s AND (name = ANY(%(said)s) OR id::text = ANY(%(said)s))
    """
    found: dict[str, list[LabelId]] = {text: [] for text in said}
    for label_id, name in await tx.fetch(sql, {"organization": tx.organization_id, "said": list(said)}):
        for text in {name, str(label_id)} & set(said):
            found[text].append(LabelId(label_id))
    return found


async def find_labels_with(tx: Tx, words: Collection[str]) -> dict[str, list[LabelId]]:
    """Map words to the labels of contacts whose name has them, in any case; a word of no label is absent."""
    sql = """
        SELECT word, l.id FROM contact_labels l, unnest(%(words)s::text[]) AS words (word)
         WHERE l.organization_id = %(organization)s
           AND search_form(l.name) LIKE '%%' || search_pattern(word) || '%%'
    """
    found: dict[str, list[LabelId]] = {}
    for word, label_id in await tx.fetch(sql, {"organization": tx.organization_id, "words": list(words)}):
        found.setdefault(word, []).append(LabelId(label_id))
    return found


async def find_large_labels(tx: Tx, label_ids: Collection[LabelId]) -> frozenset[LabelId]:
    """Return those of `label_ids` that more than 10,000 contacts have."""
    sql = """
        SELECT wanted.id FROM unnest(%(labels)s::uuid[]) AS wanted (id)
         WHERE EXISTS (SELECT 1 FROM labelled_contacts l
                        WHERE l.organization_id = %(organization)s AND l.label_id = wanted.id OFFSET %(large)s)
    """
    if not label_ids:
        return frozenset()
    params = {"organization": tx.organization_id, "labels": list(label_ids), "large": LARGE}
    return frozenset(LabelId(row[0]) for row in await tx.fetch(sql, params))
