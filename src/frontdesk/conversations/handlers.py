"""What the worker does for conversations: forgets attachments that nobody sent."""

from uuid import UUID

from frontdesk.conversations import attachment_queries as queries
from frontdesk.conversations.attachments import STORED
from frontdesk.core.handlers import Handler
from frontdesk.core.ids import AttachmentId, OrganizationId
from frontdesk.core.services import Services


async def on_attachment_stored(services: Services, organization_id: OrganizationId, attachment_id: UUID) -> None:
    """Remove an attachment that no message carries by now; no message can take it any more. Safe to repeat."""
    async with services.db.begin(organization_id) as tx:
        attachment = await queries.find_attachment(tx, AttachmentId(attachment_id))
    if attachment is None or attachment.message_id is not None:
        return
    await services.files.delete(attachment.file_key)
    async with services.db.begin(organization_id) as tx:
        await queries.delete_unsent(tx, attachment.id)


HANDLERS: dict[str, Handler] = {STORED: on_attachment_stored}
