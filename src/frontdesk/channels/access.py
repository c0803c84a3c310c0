"""Which inboxes and assistants a caller may touch."""

from uuid import UUID

from frontdesk.assistants.model import Assistant
from frontdesk.assistants.queries import get_assistant, list_assistants
from frontdesk.channels import queries
from frontdesk.channels.model import ChannelType, Inbox
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.ids import AssistantId, InboxId, RealmId
from frontdesk.organizations.model import Caller, Right


async def access_inbox(tx: Tx, caller: Caller, inbox_id: InboxId, right: Right) -> Inbox:
    """Return the inbox if the caller holds `right` in it, else raise NotFound."""
    caller.require_in(right, [inbox_id])
    return await queries.get_inbox(tx, inbox_id)


async def access_inbox_by_public_id(tx: Tx, caller: Caller, public_id: str, right: Right) -> Inbox:
    """Return the inbox of this public id if the caller holds `right` in it, else raise NotFound."""
    inbox = await queries.find_inbox_by_public_id(tx, public_id)
    if inbox is None:
        raise NotFound
    caller.require_in(right, [inbox.id])
    return inbox


async def require_realm(tx: Tx, caller: Caller, realm_id: RealmId, right: Right) -> None:
    """Raise NotFound unless the caller holds `right` in an inbox of the realm, or everywhere."""
    limit = caller.inboxes_for(right)
    if limit is not None:
        inboxes, _ = await queries.list_inboxes(tx, limit)
        if realm_id not in {inbox.realm_id for inbox in inboxes}:
            raise NotFound


async def access_web_chat(tx: Tx, caller: Caller, web_chat_id: UUID, right: Right) -> Inbox:
    """Return the web inbox of this public id if the caller holds `right` in it, else raise NotFound."""
    inbox = await access_inbox_by_public_id(tx, caller, str(web_chat_id), right)
    if inbox.channel_type is not ChannelType.WEB:
        raise NotFound
    return inbox


async def list_visible_inboxes(
    tx: Tx,
    caller: Caller,
    *,
    channel_type: ChannelType | None = None,
    assistant_id: AssistantId | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> tuple[list[Inbox], int]:
    """Return one page of the inboxes that the caller may view, by name, and how many there are."""
    return await queries.list_inboxes(
        tx,
        caller.inboxes_for(Right.INBOXES_VIEW),
        channel_type=channel_type,
        assistant_id=assistant_id,
        limit=limit,
        offset=offset,
    )


async def access_assistant(tx: Tx, caller: Caller, assistant_id: AssistantId) -> Assistant:
    """Return the assistant if an inbox in which the caller may view assistants connects it, else raise NotFound."""
    own = await _own_assistants(tx, caller)
    if own is not None and assistant_id not in own:
        raise NotFound
    return await get_assistant(tx, assistant_id)


async def list_visible_assistants(
    tx: Tx, caller: Caller, *, limit: int | None = None, offset: int = 0
) -> tuple[list[Assistant], int]:
    """Return one page of the assistants that the caller may view, by name, and how many there are."""
    return await list_assistants(tx, await _own_assistants(tx, caller), limit=limit, offset=offset)


async def require_whole_assistant(tx: Tx, caller: Caller, assistant_id: AssistantId) -> None:
    """Require assistants.edit in every inbox that connects the assistant: a change shows in all of them.

    Raises NotFound when it is held in none of them, and Forbidden when it is missing in some.
    """
    limit = caller.inboxes_for(Right.ASSISTANTS_EDIT)
    if limit is None:
        return
    inboxes, _ = await queries.list_inboxes(tx, None, assistant_id=assistant_id)
    users = {inbox.id for inbox in inboxes}
    if limit.isdisjoint(users):
        raise NotFound
    if not users <= limit:
        raise Forbidden("This assistant also answers in inboxes that are not yours.")


async def _own_assistants(tx: Tx, caller: Caller) -> frozenset[AssistantId] | None:
    limit = caller.inboxes_for(Right.ASSISTANTS_VIEW)
    if limit is None:
        return None
    inboxes, _ = await queries.list_inboxes(tx, limit)
    return frozenset(inbox.assistant_id for inbox in inboxes)
