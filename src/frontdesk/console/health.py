"""Identity health: who may be one person, what proofs say that does not fit, how many people are proven at all."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response

from frontdesk.channels.access import list_visible_inboxes
from frontdesk.channels.queries import list_realms
from frontdesk.console.faults import screen_router
from frontdesk.console.lists import PAGE_SIZE, address_of, is_list_only
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.navigation import N_
from frontdesk.console.pages import go, inside, look_of, page
from frontdesk.console.refusals import REFUSALS
from frontdesk.contacts.configuring import list_definitions
from frontdesk.contacts.model import FieldProvenance
from frontdesk.contacts.queries import find_provenance
from frontdesk.core.db import Tx
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ConflictId, ContactId, InboxId
from frontdesk.core.text import dump_json
from frontdesk.core.wire import Paging
from frontdesk.identities.cards import ContactView
from frontdesk.identities.conflict_queries import Resolution, State
from frontdesk.identities.conflicts import get_conflict, list_conflicts, settle_conflict
from frontdesk.identities.duplicate_queries import find_search
from frontdesk.identities.duplicates import Duplicate, keep_apart, list_duplicates, start_search
from frontdesk.identities.errors import RefusalReason
from frontdesk.identities.health import Health, RefusedProofs, list_shared, measure, set_ignored
from frontdesk.identities.matching import Evidence, Outcome
from frontdesk.organizations.model import Right

router = screen_router()

PATH = "/console/identity-health"
PERIODS = (7, 30, 90)  # days

_QUEUED = 5  # pairs: one side by side, the others below
_CONFLICTS_SHOWN = 5
_REASONS_SHOWN = 8
_FIELDS = {"name": N_("Name"), "emails": N_("E-mail"), "phones": N_("Phone")}

Viewer = Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW)]
Personal = Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW_PERSONAL)]
Merger = Annotated[MemberCtx, member_needs(Right.CONTACTS_MERGE)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one field of one card, and who said so; None: nobody is known to."""

    values: tuple[str, ...]
    said: FieldProvenance | None


@dataclass(frozen=True, slots=True)
class Line:
    """One field of two cards."""

    label: str
    is_own: bool  # an attribute: the label is its key
    outcome: Outcome
    cells: tuple[Cell, Cell]


# --- the overview ---


@router.get("/identity-health")
async def show_health(
    request: Request, member: Viewer, inbox: str = "", days: int = 30, offset: Offset = 0
) -> Response:
    """Show the figures, the next pair side by side, and what waits to be settled; htmx is given all but the head."""
    days = days if days in PERIODS else 30
    async with member.db.begin(member.organization_id) as tx:
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
        platform = next((one.id for one in inboxes if str(one.id) == inbox), None)
        context = await _load(tx, member, platform, days, offset)
    address = address_of(PATH, {"inbox": platform or "", "days": "" if days == 30 else days, "offset": offset})  # noqa: PLR2004
    return page(
        request,
        "health/body.html" if is_list_only(request, "health") else "health/overview.html",
        headers={"HX-Push-Url": address()},
        tab="overview",
        inboxes=inboxes,
        platform=platform,
        days=days,
        periods=PERIODS,
        offset=offset,
        address=address,
        **context,
    )


async def _load(tx: Tx, member: MemberCtx, platform: InboxId | None, days: int, offset: int) -> dict[str, Any]:
    pairs = await list_duplicates(tx, member.caller, Paging(_QUEUED, offset), inbox_id=platform)
    open_conflicts, conflict_count = await list_conflicts(
        tx, member.caller, Paging(_CONFLICTS_SHOWN, 0), inbox_id=platform
    )
    measured = None
    if member.may(Right.INBOXES_VIEW):
        measured = await measure(tx, member.caller, days=days, inbox_id=platform)
    return {
        "pairs": pairs,
        "lines": await _load_lines(tx, pairs.rows[0]) if pairs.rows else (),
        **await _load_names(tx, member),
        "conflicts": open_conflicts,
        "conflict_count": conflict_count,
        "measured": measured,
        "totals": _add_up(measured) if measured else {},
        "reasons": _reasons(measured.refused) if measured else (),
        "refusals": REFUSALS,
        "search": await find_search(tx),
    }


async def _load_names(tx: Tx, member: MemberCtx) -> dict[str, Any]:
    """Return what realms and attributes are called."""
    return {
        "realms": {realm.id: realm.name for realm in await list_realms(tx)},
        "names": {one.key: one.name for one in await list_definitions(tx, member.caller)},
    }


async def _load_lines(tx: Tx, pair: Duplicate) -> list[Line]:
    sides = (pair.first, pair.second)
    said = [await find_provenance(tx, side.contact.id) for side in sides]
    lines = []
    for one in pair.evidence:
        first, second = (_cell(side, one, known) for side, known in zip(sides, said, strict=True))
        if first.values or second.values:
            key = one.field.removeprefix("attributes.")
            lines.append(Line(_FIELDS.get(key, key), key not in _FIELDS, one.outcome, (first, second)))
    return lines


def _cell(side: ContactView, evidence: Evidence, known: Mapping[str, FieldProvenance]) -> Cell:
    field, _, key = evidence.field.partition(".")
    value = getattr(side.contact, field)
    if key:
        raw = value.get(key)
        value = () if raw is None else (raw if isinstance(raw, str) else dump_json(raw),)
    return Cell(tuple(value) if not isinstance(value, str) else (value,) * bool(value), known.get(evidence.field))


def _add_up(measured: Health) -> dict[str, int]:
    return {
        "signed": sum(one.signed for one in measured.sessions),
        "sessions": sum(one.signed + one.unsigned for one in measured.sessions),
        "signed_before": sum(one.signed_before for one in measured.sessions),
        "sessions_before": sum(one.signed_before + one.unsigned_before for one in measured.sessions),
        "refused": sum(one.count for one in measured.refused),
        "refused_before": sum(one.count_before for one in measured.refused),
    }


def _reasons(refused: Sequence[RefusedProofs]) -> list[tuple[RefusalReason, int, RefusedProofs]]:
    """Return each reason with how often it came, and where it came most."""
    counts: Counter[RefusalReason] = Counter()
    for one in refused:
        counts[one.reason] += one.count
    worst = {one.reason: one for one in reversed(refused)}
    return [(reason, count, worst[reason]) for reason, count in counts.most_common(_REASONS_SHOWN) if count]


# --- duplicates ---


@router.post("/identity-health/keep-apart")
async def keep_two_apart(
    request: Request,
    member: Merger,
    first: Annotated[UUID, Form()],
    second: Annotated[UUID, Form()],
    back: Annotated[str, Form()] = PATH,
) -> Response:
    """Decide that two contacts are two people, and show the next pair."""
    async with member.db.begin(member.organization_id) as tx:
        await keep_apart(tx, member.caller, ContactId(first), ContactId(second))
    return go(request, inside(back), flash=look_of(request)._("They are kept apart until one of the cards changes."))


@router.post("/identity-health/search")
async def look_for_duplicates(request: Request, member: Merger) -> Response:
    """Have the cards compared, and show how far it is."""
    async with member.db.begin(member.organization_id) as tx:
        search = await start_search(tx, member.caller)
    return page(request, "health/search.html", search=search, was_running=True)


@router.get("/identity-health/search")
async def show_search(request: Request, member: Viewer) -> Response:
    """Show how far the search is; when it is done, the page reads its figures again."""
    async with member.db.begin(member.organization_id) as tx:
        search = await find_search(tx)
    return page(request, "health/search.html", search=search, was_running=True)


# --- conflicts ---


@router.get("/identity-health/conflicts")
async def show_conflicts(
    request: Request, member: Viewer, state: State = "open", inbox: str = "", offset: Offset = 0
) -> Response:
    """List what waits, or what was settled, the oldest first."""
    async with member.db.begin(member.organization_id) as tx:
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
        platform = next((one.id for one in inboxes if str(one.id) == inbox), None)
        conflicts, count = await list_conflicts(
            tx, member.caller, Paging(PAGE_SIZE, offset), state=state, inbox_id=platform
        )
    said = {"state": "" if state == "open" else state, "inbox": platform or "", "offset": offset}
    address = address_of(f"{PATH}/conflicts", said)
    return page(
        request,
        "health/conflict_rows.html" if is_list_only(request) else "health/conflicts.html",
        headers={"HX-Push-Url": address()},
        tab="conflicts",
        conflicts=conflicts,
        count=count,
        state=state,
        inboxes=inboxes,
        platform=platform,
        offset=offset,
        limit=PAGE_SIZE,
        address=address,
    )


@router.get("/identity-health/conflicts/{conflict_id}")
async def show_conflict(request: Request, conflict_id: UUID, member: Viewer) -> Response:
    """Show what contradicts what, and how it can be settled."""
    async with member.db.begin(member.organization_id) as tx:
        conflict = await get_conflict(tx, member.caller, ConflictId(conflict_id))
        names = await _load_names(tx, member)
    return page(request, "health/conflict.html", conflict=conflict, **names)


@router.post("/identity-health/conflicts/{conflict_id}")
async def settle(
    request: Request, conflict_id: UUID, member: Merger, resolution: Annotated[str, Form()] = ""
) -> Response:
    """Settle the conflict as the member decided."""
    try:
        wanted = Resolution(resolution)
    except ValueError as error:
        raise InvalidRequest from error
    async with member.db.begin(member.organization_id) as tx:
        await settle_conflict(tx, member.caller, ConflictId(conflict_id), wanted)
    return go(request, f"{PATH}/conflicts", flash=look_of(request)._("The conflict is settled."))


# --- what several contacts share ---


@router.get("/identity-health/shared")
async def show_shared(request: Request, member: Personal, offset: Offset = 0) -> Response:
    """List e-mails and phones of several contacts, those on the most cards first."""
    async with member.db.begin(member.organization_id) as tx:
        shared = await list_shared(tx, member.caller, Paging(PAGE_SIZE + 1, offset))
    return page(
        request,
        "health/shared_rows.html" if is_list_only(request) else "health/shared.html",
        tab="shared",
        shared=shared[:PAGE_SIZE],
        count=offset + len(shared),
        may_ignore=member.caller.inboxes_for(Right.CONTACTS_MERGE) is None,
        offset=offset,
        limit=PAGE_SIZE,
        address=address_of(f"{PATH}/shared", {"offset": offset}),
    )


@router.post("/identity-health/shared")
async def ignore_shared(
    request: Request, member: Merger, value: Annotated[str, Form()] = "", ignored: Annotated[str, Form()] = ""
) -> Response:
    """Ignore an address that tells nobody who somebody is, or regard it again."""
    async with member.db.begin(member.organization_id) as tx:
        await set_ignored(tx, member.caller, value, is_ignored=ignored == "true")
    _ = look_of(request)._
    told = _("It no longer suggests anything.") if ignored else _("It counts again from the next search on.")
    return go(request, f"{PATH}/shared", flash=told)
