"""Trying the search of a knowledge base: what somebody would be given for a question, with scores."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from frontdesk.access.model import Assurance, KnowledgeBase, Scope, all_of
from frontdesk.answers.askers import load_asker
from frontdesk.answers.model import Voice
from frontdesk.channels.access import access_inbox, list_visible_inboxes
from frontdesk.console.faults import screen_router
from frontdesk.console.knowledge import Viewer, load_head
from frontdesk.console.lists import is_list_only
from frontdesk.console.members import MemberCtx
from frontdesk.console.pages import page
from frontdesk.contacts.model import anybody
from frontdesk.core.db import Tx
from frontdesk.core.ids import InboxId, KnowledgeBaseId
from frontdesk.core.text import utc_now
from frontdesk.knowledge.scoring import FOUND_THRESHOLD
from frontdesk.knowledge.search import SearchResult, prepare_question, search
from frontdesk.organizations.model import Right

router = screen_router()

_SHOWN = 10
_ASSURANCES = {"visitor": Assurance.ANONYMOUS, "member": Assurance.SIGNED}


class Asked(BaseModel):
    """A question, and as whom it is asked: somebody of whom a platform knows only so much, or nobody in particular."""

    model_config = ConfigDict(frozen=True)

    q: str = Field("", max_length=2_000)
    inbox: str = ""  # empty: all that is in the knowledge base
    speaker: Literal["visitor", "member"] = "visitor"

    @property
    def inbox_id(self) -> InboxId | None:
        """The platform on which it is asked."""
        try:
            return InboxId(UUID(self.inbox))
        except ValueError:
            return None


@router.get("/knowledge/{base_id}/search")
async def show_search(request: Request, base_id: UUID, member: Viewer, asked: Annotated[Asked, Query()]) -> Response:
    """Show the best passages for the question, as the assistant would be given them."""
    question = (
        await prepare_question(member.services.embedder, asked.q.replace("\x00", "")) if asked.q.strip() else None
    )
    async with member.db.begin(member.organization_id) as tx:
        head = await load_head(tx, member, base_id)
        result: SearchResult | None = None
        if question is not None:
            result = await search(tx, await _find_scope(tx, member, head.base.id, asked), question, limit=_SHOWN)
        inboxes, _ = await list_visible_inboxes(tx, member.caller)
    return page(
        request,
        "knowledge/search_hits.html" if is_list_only(request, "hits") else "knowledge/search.html",
        head=head,
        tab="search",
        asked=asked,
        result=result,
        threshold=FOUND_THRESHOLD,
        inboxes=inboxes,
    )


async def _find_scope(tx: Tx, member: MemberCtx, base_id: KnowledgeBaseId, asked: Asked) -> Scope:
    whole = KnowledgeBase(base_id)
    if asked.inbox_id is None:
        return whole
    inbox = await access_inbox(tx, member.caller, asked.inbox_id, Right.INBOXES_VIEW)
    asker = await load_asker(tx, anybody(utc_now()), inbox, Voice(_ASSURANCES[asked.speaker]))
    return all_of(whole, asker.scope.scope)
