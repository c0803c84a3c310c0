"""The audit log of the organization: who did what, the latest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import Response

from frontdesk.channels.access import list_visible_inboxes
from frontdesk.console.audit import Detail, Story, tell
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.settings_frame import PATH, settings_page
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.model import Right
from frontdesk.organizations.records import AuditEntry

router = screen_router()

_NAMES = ("name", "title", "kid", "email")


@router.get("/settings/audit")
async def show_audit(
    request: Request,
    member: Annotated[MemberCtx, member_needs(Right.AUDIT_VIEW)],
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """Show one page of the log."""
    async with member.db.begin(member.organization_id) as tx:
        found = await list_audit(tx, member.caller, limit=PAGE_SIZE, offset=offset)
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
    names = {str(inbox.id): inbox.name for inbox in inboxes}
    return settings_page(
        request,
        "settings/audit_rows.html" if is_list_only(request) else "settings/audit.html",
        rows=[_to_row(entry, names) for entry in found.entries],
        count=found.count,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(f"{PATH}/audit", {"offset": offset}),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One entry with what its object is called, and what is to be told beyond that."""

    entry: AuditEntry
    story: Story
    name: str
    details: tuple[Detail, ...]


def _to_row(entry: AuditEntry, names: Mapping[str, str]) -> Row:
    story, name = tell(entry, names), name_object(entry.payload)
    return Row(entry, story, name, tuple(one for one in story.details if one.before is not None or one.after != name))


def name_object(payload: Mapping[str, Any]) -> str:
    """Return what the object of an entry is called, as far as the entry says so."""
    after = payload.get("after")
    for place in (payload, after if isinstance(after, Mapping) else {}):
        for key in _NAMES:
            value = place.get(key)
            if isinstance(value, Mapping):
                value = value.get("after")
            if isinstance(value, str) and value:
                return value
    return ""
