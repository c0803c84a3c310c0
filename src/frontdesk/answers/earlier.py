"""What a model may know of the turns before: nothing that was made of what the asker may not read now."""

from frontdesk.access.model import Scope
from frontdesk.answers import queries
from frontdesk.answers.model import History
from frontdesk.core.db import Tx
from frontdesk.core.ids import ConversationId, MessageId
from frontdesk.knowledge.search import find_forbidden


async def recall(tx: Tx, scope: Scope, conversation_id: ConversationId, before: MessageId) -> History:
    """Return the latest turns before `before`, without any answer in which a document that `scope` closes may show.

    Such are the answers that were given the document, and those that a model composed later, knowing the former.
    """
    first_given = await queries.find_first_given(tx, conversation_id)
    forbidden = await find_forbidden(tx, scope, first_given.keys())
    tainted_since = min((first_given[document] for document in forbidden), default=None)
    turns = [
        message.as_turn()
        for message in await queries.list_earlier(tx, conversation_id, before)
        if message.document_ids.isdisjoint(forbidden)
        and not (message.is_composed and tainted_since is not None and message.id > tainted_since)
    ]
    return History(turns, frozenset(first_given) - forbidden)
