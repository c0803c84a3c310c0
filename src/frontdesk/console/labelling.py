"""Labels as a form offers them: those that the knowledge base has, and a new one beside them."""

from collections.abc import Collection
from uuid import UUID

from frontdesk.core.db import Tx
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.core.inputs import clean_name
from frontdesk.knowledge.actions import create_label
from frontdesk.knowledge.model import Label, LabelWish
from frontdesk.knowledge.queries import find_labels, list_labels
from frontdesk.organizations.model import Caller


async def list_all_labels(tx: Tx, base_id: KnowledgeBaseId) -> list[Label]:
    """Return the labels of the knowledge base by name."""
    labels, _ = await list_labels(tx, base_id)
    return labels


async def choose_labels(
    tx: Tx, caller: Caller, base_id: KnowledgeBaseId, chosen: Collection[UUID], new_name: str
) -> list[LabelWish]:
    """Return the labels that a form asks for; a new name becomes a label unless there is one. Raises InvalidRequest."""
    wishes = [LabelWish(LabelId(label_id), None) for label_id in chosen]
    if new_name.strip():
        name = clean_name(new_name, pointer="/newLabel")
        known = await find_labels(tx, base_id, ids=[], names=[name])
        label = known[0] if known else await create_label(tx, caller, base_id, name)
        wishes.append(LabelWish(label.id, None))
    return wishes
