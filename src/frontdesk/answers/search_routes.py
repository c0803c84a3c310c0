"""Search over REST: in one knowledge base or in those of an assistant, as a member or as a contact may read."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from frontdesk.access.model import KnowledgeBase, Layer, Scope, all_of, any_of
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.reading import load_reader
from frontdesk.answers.askers import load_asker
from frontdesk.answers.explaining import find_situation
from frontdesk.answers.model import Voice
from frontdesk.assistants.queries import list_bases_of
from frontdesk.channels.access import access_assistant
from frontdesk.contacts.access import access_contact
from frontdesk.core.db import Tx
from frontdesk.core.ids import AssistantId, ContactId, KnowledgeBaseId
from frontdesk.core.wire import reply
from frontdesk.identities.queries import resolve_contact_id
from frontdesk.knowledge.access import access_base
from frontdesk.knowledge.bodies import HitBody, SearchBody, SearchQuery
from frontdesk.knowledge.search import Hit, prepare_question, search
from frontdesk.organizations import audit
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Caller, Right

router = APIRouter(tags=["knowledge"])

_USUAL = 12  # passages of an assistant, as of a knowledge base that says nothing else

Viewer = Annotated[Ctx, needs(Right.KNOWLEDGE_VIEW)]
Asking = Annotated[Ctx, needs(Right.KNOWLEDGE_VIEW, keeps_answer=False)]


@router.get("/knowledge-bases/{base_id}/search", response_model=list[HitBody])
async def search_by_query(
    request: Request, base_id: UUID, asked: Annotated[SearchQuery, Query()], ctx: Viewer
) -> Response:
    """Find passages. Problems: `not-found`, `invalid-query-metadata`."""
    return reply(request, [HitBody.of(hit) for hit in await _search_base(ctx, KnowledgeBaseId(base_id), asked)])


@router.post("/knowledge-bases/{base_id}/search", response_model=list[HitBody])
async def search_by_body(request: Request, base_id: UUID, body: SearchBody, ctx: Asking) -> Response:
    """Find passages; with `contact` those that it may read. Problems: `not-found`, `invalid-query-metadata`."""
    return reply(request, [HitBody.of(hit) for hit in await _search_base(ctx, KnowledgeBaseId(base_id), body)])


@router.get("/chatbots/{assistant_id}/search", response_model=list[HitBody])
async def search_assistant_by_query(
    request: Request, assistant_id: UUID, asked: Annotated[SearchQuery, Query()], ctx: Viewer
) -> Response:
    """Find passages in the knowledge bases of an assistant. Problems: `not-found`, `invalid-query-metadata`."""
    return reply(request, [HitBody.of(hit) for hit in await _search_assistant(ctx, AssistantId(assistant_id), asked)])


@router.post("/chatbots/{assistant_id}/search", response_model=list[HitBody])
async def search_assistant_by_body(request: Request, assistant_id: UUID, body: SearchBody, ctx: Asking) -> Response:
    """Find passages in the knowledge bases of an assistant. Problems: `not-found`, `invalid-query-metadata`."""
    return reply(request, [HitBody.of(hit) for hit in await _search_assistant(ctx, AssistantId(assistant_id), body)])


async def _search_base(ctx: Ctx, base_id: KnowledgeBaseId, asked: SearchBody) -> Sequence[Hit]:
    question = await prepare_question(ctx.services.embedder, asked.query)
    async with ctx.db.begin(ctx.organization_id) as tx:
        settings = (await access_base(tx, ctx.caller, base_id)).settings
        scope = all_of(KnowledgeBase(base_id), await _narrow(tx, ctx.caller, asked))
        result = await search(tx, scope, question, limit=asked.top_k or settings.number_of_retrieved_chunks)
    return [hit for hit in result.hits if hit.score >= settings.similarity_cutoff]


async def _search_assistant(ctx: Ctx, assistant_id: AssistantId, asked: SearchBody) -> Sequence[Hit]:
    question = await prepare_question(ctx.services.embedder, asked.query)
    async with ctx.db.begin(ctx.organization_id) as tx:
        assistant = await access_assistant(tx, ctx.caller, assistant_id)
        bases = any_of(*map(KnowledgeBase, await list_bases_of(tx, assistant.id)))
        scope = all_of(bases, await _narrow(tx, ctx.caller, asked))
        return (await search(tx, scope, question, limit=asked.top_k or _USUAL)).hits


async def _narrow(tx: Tx, caller: Caller, asked: SearchBody) -> Scope:
    """Return what the conditions of the question leave, and what its contact may read."""
    reader = await load_reader(tx)
    said = parse_query_metadata(
        asked.query_metadata, layer=Layer.MESSAGE, vendor_faq_reading=reader.vendor_faq_reading
    ).scope
    narrowing = () if said is None else (said,)
    if asked.contact is None:
        return all_of(*narrowing)
    return all_of(*narrowing, await open_as(tx, caller, ContactId(asked.contact)))


async def open_as(tx: Tx, caller: Caller, contact_id: ContactId) -> Scope:
    """Return what the contact may read at the beginning of a conversation, as view-as has it; it is audited.

    Right: access.view_as of the contact. Raises NotFound, and InvalidRequest for one that is on no platform.
    """
    contact = await access_contact(tx, caller, await resolve_contact_id(tx, contact_id), Right.ACCESS_VIEW_AS)
    situation = await find_situation(tx, caller, contact, right=Right.ACCESS_VIEW_AS)
    payload = {"inbox": situation.inbox.name, "assurance": situation.assurance.name.lower()}
    await audit.record(tx, caller, "contact.viewed_as", "contact", contact.id, contact_id=contact.id, payload=payload)
    return (await load_asker(tx, contact, situation.inbox, Voice(situation.assurance))).scope.scope
