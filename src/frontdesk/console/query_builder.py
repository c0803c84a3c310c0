"""The query builder: what can be ticked, and what conditions would open before they are saved.

A screen that edits query metadata shows `builder/editor.html` with `load_offer` and `try_text`, and lets its field ask
`…/check` of its own, which answers with `show_preview`.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import JSONResponse, Response

from frontdesk.access.actions import review_query_metadata
from frontdesk.access.clauses import BaseClause, QueryMetadata, compile_scope
from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import All, DocumentKind, Kind, KnowledgeBase, Layer, Scope, all_of, any_of
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.warnings import AccessWarning
from frontdesk.assistants.queries import find_base_names
from frontdesk.channels.model import Inbox
from frontdesk.console import conditions
from frontdesk.console.faults import screen_router
from frontdesk.console.labelling import list_all_labels
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import page
from frontdesk.contacts.queries import has_more_than
from frontdesk.core.db import Tx
from frontdesk.core.errors import Conflict
from frontdesk.core.ids import KnowledgeBaseId
from frontdesk.knowledge import queries as knowledge
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.document_queries import list_document_ids, list_documents
from frontdesk.knowledge.model import DocumentFilter, Label
from frontdesk.knowledge.model import KnowledgeBase as Base
from frontdesk.knowledge.search import count_permitted
from frontdesk.lifecycle.what_if import WhatIf
from frontdesk.organizations.model import Right

router = screen_router()

_ROWS: Final = 20
_MOST_IDS: Final = 10_000  # as many as query metadata may list
_MOST_BASES: Final = 500
ASKED_AT_ONCE: Final = 20_000  # contacts; of more, who would read what is worked out when a member wants it
_POINTER: Final = "/queryMetadata"

Reader = Annotated[MemberCtx, member_needs(Right.KNOWLEDGE_VIEW)]
Asks = Callable[[Tx, dict[str, Any] | None], Awaitable[WhatIf]]


@dataclass(frozen=True, slots=True)
class Offer:
    """The knowledge bases that can be ticked. `platforms`: those whose assistants have them; empty: all bases.

    `bases` is empty, too, for a member who may not see documents: they write JSON, and see counts.
    """

    bases: Sequence[tuple[Base, Sequence[Label]]]
    platforms: Sequence[str]
    reachable: frozenset[KnowledgeBaseId] | None  # None: the holder is not bound to platforms
    sees_documents: bool


@dataclass(frozen=True, slots=True)
class Row:
    """What is open of one knowledge base: documents that are ready."""

    base: str
    ticked: int
    left: int  # after the conditions on labels


@dataclass(frozen=True, slots=True)
class Preview:
    """What conditions would open."""

    raw: Mapping[str, Any] | None
    readable: int
    files: int
    whole: int  # documents of the offered bases
    rows: Sequence[Row]
    warnings: Sequence[AccessWarning]
    what_if: WhatIf | None


async def load_offer(tx: Tx, member: MemberCtx, inboxes: Sequence[Inbox] | None) -> Offer:
    """Return what can be ticked for a holder who comes through these inboxes, or through any (None)."""
    sees = member.may(Right.KNOWLEDGE_VIEW)
    if inboxes is None:
        bases, _ = await knowledge.list_bases(tx, limit=_MOST_BASES, offset=0)
        reachable = None
    else:
        named = await find_base_names(tx, list({inbox.assistant_id for inbox in inboxes}))
        reachable = frozenset(one.id for names in named.values() for one in names)
        found = [await knowledge.find_base(tx, base_id) for base_id in reachable]
        bases = sorted((base for base in found if base), key=lambda base: (base.settings.name, base.id))
    offered = [(base, await list_all_labels(tx, base.id)) for base in bases] if sees else []
    return Offer(offered, [inbox.name for inbox in inboxes or ()], reachable, sees)


async def show_preview(
    request: Request, member: MemberCtx, text: str, layer: Layer, offer: Offer, ask: Asks | None = None
) -> Response:
    """Say what the text in the field would open, or where it cannot be read. `ask` asks who would read what then.

    Where there are many contacts that takes seconds, so it waits until it is asked for (`?asks=true`).
    """
    is_wanted = request.query_params.get("asks") == "true"
    async with member.db.begin(member.organization_id) as tx:
        waits = ask is not None and not is_wanted and await has_more_than(tx, ASKED_AT_ONCE)
        preview, unread = await try_text(tx, member, text, layer, offer, None if waits else ask)
    return page(
        request,
        "builder/preview.html",
        preview=preview,
        unread=unread,
        lines=conditions.mark_refused(text, unread) if unread else (),
        layer=layer.name,
        ask_address=f"{request.url.path}?asks=true" if waits else "",
    )


async def try_text(
    tx: Tx, member: MemberCtx, text: str, layer: Layer, offer: Offer, ask: Asks | None = None
) -> tuple[Preview | None, InvalidQueryMetadata | None]:
    """Return what the text would open, or why it cannot be read."""
    try:
        raw = conditions.read_field(text)
        remarks = await review_query_metadata(tx, raw, layer=layer, at=_POINTER, reachable=offer.reachable)
    except InvalidQueryMetadata as error:
        error.pointer = (error.pointer or "").removeprefix(_POINTER) or None
        return None, error
    vendor = member.organization.vendor_faq_reading
    parsed = parse_query_metadata(raw, layer=layer, vendor_faq_reading=vendor)
    within = _within(offer.reachable)
    is_open = parsed.scope is None and (layer.only_narrows or layer is Layer.INBOX)
    scope = within if is_open else all_of(within, parsed.scope or any_of())
    return Preview(
        raw,
        await count_permitted(tx, scope),
        await count_permitted(tx, all_of(scope, Kind("file"))),
        await count_permitted(tx, within),
        await _count_clauses(tx, parsed.query, within) if parsed.query else (),
        [replace(one, pointer=one.pointer.removeprefix(_POINTER)) for one in remarks],
        await ask(tx, raw) if ask else None,
    ), None


async def _count_clauses(tx: Tx, query: QueryMetadata, within: Scope) -> list[Row]:
    names = await conditions.find_base_names(tx, {clause.base for clause in query.clauses})
    rows = []
    for clause in query.clauses:
        ticked = compile_scope(QueryMetadata((_without_labels(query, clause),), None))
        left = compile_scope(QueryMetadata((clause,), query.relation))
        counts = [await count_permitted(tx, all_of(within, scope)) for scope in (ticked, left)]
        rows.append(Row(names.get(clause.base, str(clause.base)), *counts))
    return rows


def _without_labels(query: QueryMetadata, clause: BaseClause) -> BaseClause:
    """Return what is ticked; where no file is, and labels choose, that is every file."""
    by_label = query.relation_for(clause) is not None and not (clause.files and clause.files.ids)
    return replace(clause, relation=None, selects_all=clause.selects_all or by_label)


def _within(reachable: Collection[KnowledgeBaseId] | None) -> Scope:
    return All() if reachable is None else any_of(*map(KnowledgeBase, sorted(reachable)))


# --- what the tree reads ---


@router.get("/query-builder/{base_id}/{kind}")
async def list_choices(
    request: Request,
    base_id: UUID,
    kind: DocumentKind,
    member: Reader,
    q: Annotated[str, Query(max_length=200)] = "",
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
) -> Response:
    """List files or FAQs of a knowledge base, to be ticked."""
    wanted = DocumentFilter(kind, query=q.replace("\x00", "").strip() or None)
    async with member.db.begin(member.organization_id) as tx:
        base = await access_base(tx, member.caller, KnowledgeBaseId(base_id))
        documents, count = await list_documents(tx, base.id, wanted, limit=_ROWS, offset=offset)
    has_more = offset + len(documents) < count
    return page(request, "builder/documents.html", documents=documents, kind=kind, has_more=has_more)


@router.get("/query-builder/{base_id}/{kind}/ids")
async def list_ids(base_id: UUID, kind: DocumentKind, member: Reader) -> Response:
    """List the ids of all files or FAQs of a knowledge base, as far as query metadata may list them."""
    async with member.db.begin(member.organization_id) as tx:
        base = await access_base(tx, member.caller, KnowledgeBaseId(base_id))
        ids = await list_document_ids(tx, base.id, kind, limit=_MOST_IDS + 1)
    if len(ids) > _MOST_IDS:
        raise Conflict(f"More than {_MOST_IDS} documents cannot be listed one by one.")
    return JSONResponse([str(one) for one in ids])
