"""What the worker does for contacts: puts rules into effect."""

from uuid import UUID

from frontdesk.contacts.rules import JOB, settle_part
from frontdesk.core.handlers import Handler
from frontdesk.core.ids import OrganizationId, RuleId
from frontdesk.core.services import Services


async def on_rule_written(services: Services, organization_id: OrganizationId, rule_id: UUID) -> None:
    """Look at all contacts for a rule, in parts. Safe to repeat, and to be cut off: the rule says how far it is."""
    is_open = True
    while is_open:
        async with services.db.begin(organization_id) as tx:
            is_open = await settle_part(tx, RuleId(rule_id))


HANDLERS: dict[str, Handler] = {JOB: on_rule_written}
