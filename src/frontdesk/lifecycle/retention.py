"""Retention: anonymous contacts of an inbox that nobody has to do with any more are erased after some days."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from frontdesk.channels.access import access_inbox
from frontdesk.contacts.access import require_configure
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest
from frontdesk.core.ids import InboxId, OrganizationId
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.lifecycle import retention_queries as queries
from frontdesk.lifecycle.erasing import Mode, erase_people, load_people, lock_people
from frontdesk.lifecycle.retention_queries import Leaving, Rule
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, Right, system_caller

RETENTION_DUE: Final = "lifecycle.retention_due"
LONGEST: Final = 3650  # days

_BATCH: Final = 200
_SAMPLE: Final = 10


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rule would erase if it ran now. `waiting` is 0: who waits for a member is never among them."""

    after_days: int
    count: int
    waiting: int
    sample: tuple[Leaving, ...]


async def get_rule(tx: Tx, caller: Caller, inbox_id: InboxId) -> Rule | None:
    """Return the rule of an inbox; None: contacts are kept. Right: contacts.configure, everywhere. Raises NotFound."""
    await _access(tx, caller, inbox_id)
    return await queries.find_rule(tx, inbox_id)


async def set_rule(tx: Tx, caller: Caller, inbox_id: InboxId, *, after_days: int, is_enabled: bool) -> Rule:
    """Keep anonymous contacts of an inbox for so many days after they were last seen; return the rule.

    A rule erases only while it is enabled, at night. Rights: contacts.configure and contacts.erase, everywhere. Raises
    NotFound, Forbidden and InvalidRequest.
    """
    await _access(tx, caller, inbox_id)
    if caller.inboxes_for(Right.CONTACTS_ERASE) is not None:
        raise Forbidden(facts={"right": Right.CONTACTS_ERASE.value})
    _check_days(after_days)
    before = await queries.find_rule(tx, inbox_id)
    await queries.upsert_rule(tx, inbox_id, after_days=after_days, is_enabled=is_enabled, now=utc_now())
    rule = await queries.find_rule(tx, inbox_id)
    assert rule is not None  # noqa: S101 -- it was stored just now
    await _record(tx, caller, "retention.changed", inbox_id, before, rule)
    return rule


async def delete_rule(tx: Tx, caller: Caller, inbox_id: InboxId) -> None:
    """Keep anonymous contacts of an inbox for ever. Right: contacts.configure, everywhere. Safe to repeat."""
    await _access(tx, caller, inbox_id)
    before = await queries.find_rule(tx, inbox_id)
    if await queries.delete_rule(tx, inbox_id):
        await _record(tx, caller, "retention.changed", inbox_id, before, None)


async def preview_rule(tx: Tx, caller: Caller, inbox_id: InboxId, *, after_days: int) -> Preview:
    """Return what a rule of so many days would erase now; nothing is changed.

    Right: contacts.configure, everywhere. Raises NotFound, Forbidden and InvalidRequest.
    """
    await _access(tx, caller, inbox_id)
    _check_days(after_days)
    before = utc_now() - timedelta(days=after_days)
    count, waiting = await queries.count_leaving(tx, inbox_id, before=before)
    sample = await queries.list_leaving(tx, inbox_id, before=before, limit=_SAMPLE)
    return Preview(after_days, count, waiting, tuple(sample))


async def on_retention_due(services: Services, organization_id: OrganizationId) -> None:
    """Run every rule that is enabled, in batches. Safe to repeat: what is gone is not found again."""
    async with services.db.begin(organization_id) as tx:
        rules = await queries.list_enabled(tx)
    for rule in rules:
        now = utc_now()
        count = 0
        while erased := await _run_batch(services, organization_id, rule, now=now):
            count += erased
        async with services.db.begin(organization_id) as tx:
            await queries.update_run(tx, rule.inbox_id, count=count, now=now)
            if count:
                payload = {"contacts": count, "after_days": rule.after_days}
                caller = system_caller(organization_id)
                await audit.record(tx, caller, "retention.applied", "inbox", rule.inbox_id, payload=payload)


async def _run_batch(services: Services, organization_id: OrganizationId, rule: Rule, *, now: datetime) -> int:
    """Erase some contacts under one receipt; return how many, 0 when nobody is left.

    Who comes back while this waits for the locks is spared: the condition is asked again behind them.
    """
    before = now - timedelta(days=rule.after_days)
    async with services.db.begin(organization_id) as tx:
        wanted = [one.id for one in await queries.list_leaving(tx, rule.inbox_id, before=before, limit=_BATCH)]
        await lock_people(tx, wanted)
        leaving = await queries.find_still_leaving(tx, rule.inbox_id, wanted, before=before)
        if leaving:
            people = await load_people(tx, leaving, sparing_others=True)
            caller = system_caller(organization_id)
            await erase_people(tx, services.cipher, caller, people, Mode.ALL, inbox_id=rule.inbox_id)
    return len(leaving)


async def _access(tx: Tx, caller: Caller, inbox_id: InboxId) -> None:
    await access_inbox(tx, caller, inbox_id, Right.CONTACTS_CONFIGURE)
    require_configure(caller)


def _check_days(after_days: int) -> None:
    if not 1 <= after_days <= LONGEST:
        raise InvalidRequest(f"Choose 1 to {LONGEST} days.", pointer="/afterDays")


async def _record(
    tx: Tx, caller: Caller, action: str, inbox_id: InboxId, before: Rule | None, after: Rule | None
) -> None:
    said = {
        name: rule and {"after_days": rule.after_days, "is_enabled": rule.is_enabled}
        for name, rule in (("before", before), ("after", after))
    }
    await audit.record(tx, caller, action, "inbox", inbox_id, payload={"retention": said})
