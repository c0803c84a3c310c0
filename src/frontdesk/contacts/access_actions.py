"""What a member does with what a contact may read: conditions of its own, and profiles."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from frontdesk.access import queries as profiles
from frontdesk.access.actions import review_query_metadata
from frontdesk.access.layers import ProfilesMode
from frontdesk.access.model import Layer
from frontdesk.access.profiles import AssignedThrough
from frontdesk.access.queries import Assignment, raise_scope_version
from frontdesk.access.warnings import AccessWarning
from frontdesk.assistants.queries import find_base_names
from frontdesk.channels.queries import list_inboxes
from frontdesk.contacts import queries
from frontdesk.contacts.access import access_contact_alone
from frontdesk.contacts.holding import Card, require_holding_access
from frontdesk.contacts.model import Contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import ContactId, InboxId, KnowledgeBaseId, ProfileId
from frontdesk.core.live import Event, announce
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, CallerKind, Right


async def list_access_warnings(tx: Tx, contact: Contact) -> tuple[AccessWarning, ...]:
    """Remark what in the contact's own query metadata is probably not meant, such as a base that no inbox reaches.

    Raises InvalidQueryMetadata.
    """
    inboxes = await queries.list_inboxes_of(tx, contact.id)
    return await check_access(tx, contact, [inbox.inbox_id for inbox in inboxes])


async def check_access(tx: Tx, contact: Contact, inbox_ids: Collection[InboxId]) -> tuple[AccessWarning, ...]:
    """Remark as `list_access_warnings` what holds once the contact is in `inbox_ids`."""
    reachable = await _find_reachable(tx, inbox_ids)
    return await review_query_metadata(
        tx, contact.query_metadata, layer=Layer.CONTACT, at="/queryMetadata", reachable=reachable
    )


async def set_access(
    tx: Tx,
    caller: Caller,
    contact_id: ContactId,
    query_metadata: dict[str, Any] | None,
    profiles_mode: ProfilesMode = "replace",
) -> tuple[AccessWarning, ...]:
    """Set what a contact may read by itself, and return warnings. It counts from the next message on.

    `query_metadata` None: nothing of its own, so profiles decide, else its inboxes. `profiles_mode` "add": own
    conditions and profiles together. Right: contacts.edit_access. Raises NotFound, InvalidQueryMetadata, and
    GrantNotHeld when that opens documents which the caller neither sees nor holds.
    """
    contact = await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT_ACCESS)
    new = replace(contact, query_metadata=query_metadata, profiles_mode=profiles_mode)
    remarks = await list_access_warnings(tx, new)
    if new == contact:
        return remarks
    held = [one.profile for one in await profiles.list_assigned(tx, contact_id)]
    await _require_holding(tx, caller, before=(contact, held), after=(new, held))
    await queries.update_contact(tx, replace(new, version=contact.version + 1, updated_at=utc_now()))
    payload = {
        "query_metadata": {"before": contact.query_metadata, "after": query_metadata},
        "profiles_mode": {"before": contact.profiles_mode, "after": profiles_mode},
    }
    await _record(tx, caller, "contact.access_changed", contact_id, payload)
    return remarks


async def assign_profile(
    tx: Tx,
    caller: Caller,
    contact_id: ContactId,
    profile_id: ProfileId,
    *,
    provenance: AssignedThrough | None = None,
) -> None:
    """Give a contact an access profile. Safe to repeat.

    `provenance` None: the caller's own. Right: contacts.edit_access. Raises NotFound, and GrantNotHeld when that opens
    documents which the caller neither sees nor holds.
    """
    profile = await profiles.lock_profile(tx, profile_id)  # before the card, as who writes a rule does
    contact = await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT_ACCESS)
    held = [one.profile for one in await profiles.list_assigned(tx, contact_id)]
    if profile not in held:
        await _require_holding(tx, caller, before=(contact, held), after=(contact, [*held, profile]))
    through = provenance or ("api" if caller.kind is CallerKind.API_KEY else "member")
    assignment = Assignment(contact_id, profile_id, through, caller.name)
    if await profiles.insert_assignment(tx, assignment, utc_now()):
        await queries.raise_version(tx, contact_id, utc_now())
        payload = {"profile": str(profile_id), "name": profile.name}
        await _record(tx, caller, "contact.profile_assigned", contact_id, payload)


async def unassign_profile(tx: Tx, caller: Caller, contact_id: ContactId, profile_id: ProfileId) -> None:
    """Take an access profile from a contact. Safe to repeat.

    Without any profile the contact reads by its own conditions, else by its inboxes. Right: contacts.edit_access.
    Raises NotFound, and GrantNotHeld when that opens documents which the caller neither sees nor holds.
    """
    contact = await access_contact_alone(tx, caller, contact_id, Right.CONTACTS_EDIT_ACCESS)
    profile = await profiles.get_profile(tx, profile_id)
    assigned = await profiles.list_assigned(tx, contact_id)
    held = [one.profile for one in assigned]
    left = [one.profile for one in assigned if one.profile.id != profile_id or one.rule_id is not None]
    await _require_holding(tx, caller, before=(contact, held), after=(contact, left))
    if await profiles.delete_assignment(tx, contact_id, profile_id):
        await queries.raise_version(tx, contact_id, utc_now())
        payload = {"profile": str(profile_id), "name": profile.name}
        await _record(tx, caller, "contact.profile_unassigned", contact_id, payload)


async def _require_holding(tx: Tx, caller: Caller, *, before: Card, after: Card) -> None:
    inboxes = await queries.list_inboxes_of(tx, before[0].id)
    await require_holding_access(tx, caller, [one.inbox_id for one in inboxes], before=before, after=after)


async def _record(tx: Tx, caller: Caller, action: str, contact_id: ContactId, payload: dict[str, Any]) -> None:
    """Note a change of access, tell open windows, and let answers that are being given look again."""
    await audit.record(tx, caller, action, "contact", contact_id, contact_id=contact_id, payload=payload)
    await announce(tx, Event("contact", contact_id))
    await raise_scope_version(tx)


async def _find_reachable(tx: Tx, inbox_ids: Collection[InboxId]) -> frozenset[KnowledgeBaseId] | None:
    """Return the knowledge bases of the assistants of these inboxes; None when there are none to be bound to."""
    inboxes, _ = await list_inboxes(tx, inbox_ids)
    if not inboxes:
        return None
    bases = await find_base_names(tx, list({inbox.assistant_id for inbox in inboxes}))
    return frozenset(base.id for found in bases.values() for base in found)
