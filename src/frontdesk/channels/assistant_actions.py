"""Assistants and their own inboxes: what is done with both at once, by callers who may touch both."""

from frontdesk.assistants import actions
from frontdesk.assistants.actions import ModelRules
from frontdesk.assistants.model import Assistant, AssistantChanges
from frontdesk.assistants.queries import lock_assistant
from frontdesk.channels import queries
from frontdesk.channels.access import require_whole_assistant
from frontdesk.channels.actions import create_own_inbox
from frontdesk.channels.errors import AssistantInUse
from frontdesk.channels.model import Inbox
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden
from frontdesk.core.ids import AssistantId
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right


async def create_assistant_with_inbox(
    tx: Tx, caller: Caller, changes: AssistantChanges, rules: ModelRules
) -> tuple[Assistant, Inbox]:
    """Make an assistant and its own inbox, through which the API speaks to it; that inbox opens nothing yet.

    Right: assistants.edit in all inboxes. Raises Forbidden and InvalidRequest.
    """
    if caller.inboxes_for(Right.ASSISTANTS_EDIT) is not None:
        raise Forbidden("A new assistant would lie outside your inboxes.")
    assistant = await actions.create_assistant(tx, caller, changes, rules)
    return assistant, await create_own_inbox(tx, caller, assistant)


async def update_assistant(
    tx: Tx, caller: Caller, assistant_id: AssistantId, changes: AssistantChanges, rules: ModelRules
) -> Assistant:
    """Change an assistant.

    Right: assistants.edit in all inboxes that connect it. Raises NotFound, Forbidden and InvalidRequest.
    """
    await require_whole_assistant(tx, caller, assistant_id)
    return await actions.update_assistant(tx, caller, assistant_id, changes, rules)


async def delete_assistant_with_inbox(tx: Tx, caller: Caller, assistant_id: AssistantId) -> None:
    """Hide an assistant and its own inbox for good; conversations stay.

    Right: assistants.edit in all inboxes that connect it. Raises NotFound, Forbidden, and AssistantInUse while another
    inbox connects it.
    """
    await require_whole_assistant(tx, caller, assistant_id)
    await lock_assistant(tx, assistant_id)
    own = (await queries.find_own_inboxes(tx, [assistant_id])).get(assistant_id)
    inboxes, _ = await queries.list_inboxes(tx, None, assistant_id=assistant_id)
    others = [inbox for inbox in inboxes if inbox != own]
    if others:
        raise AssistantInUse(facts={"inboxes": [{"id": str(inbox.id), "name": inbox.name} for inbox in others]})
    if own is not None:
        await queries.delete_inbox(tx, own.id, utc_now())
        await audit.record(tx, caller, "inbox.deleted", "inbox", own.id, payload={"name": own.name})
    await actions.delete_assistant(tx, caller, assistant_id)
