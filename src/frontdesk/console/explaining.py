"""Why a document may be read, or not, on the access page of a contact and of a platform; and asking as a contact."""

from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Form, Query, Request
from fastapi.responses import Response

from frontdesk.answers.askers import load_asker
from frontdesk.answers.explaining import Explained, Situation, explain_document, newcomer
from frontdesk.answers.model import Voice
from frontdesk.answers.viewing import view_as
from frontdesk.console.contact import load_head
from frontdesk.console.contacts import PATH as CONTACTS
from frontdesk.console.faults import screen_router
from frontdesk.console.members import MemberCtx, member_needs
from frontdesk.console.pages import page
from frontdesk.console.platforms import PATH as PLATFORMS
from frontdesk.console.platforms import load_head as load_platform
from frontdesk.console.reading import list_situations
from frontdesk.core.db import Tx
from frontdesk.core.errors import NotFound, TooManyRequests
from frontdesk.core.ids import DocumentId
from frontdesk.knowledge.facts import search_titles
from frontdesk.organizations.model import Right

router = screen_router()

_SUGGESTED = 8

ContactViewer = Annotated[MemberCtx, member_needs(Right.CONTACTS_VIEW)]
PlatformViewer = Annotated[MemberCtx, member_needs(Right.INBOXES_VIEW)]
Asker = Annotated[MemberCtx, member_needs(Right.ACCESS_VIEW_AS)]
Text = Annotated[str, Query(max_length=200)]


@router.get("/contacts/{contact_id}/access/explain")
async def explain_contact(
    request: Request,
    contact_id: UUID,
    member: ContactViewer,
    situation: str = "",
    text: Text = "",
    document: UUID | None = None,
) -> Response:
    """Offer documents by name, or explain one, in one situation of the contact."""
    async with member.db.begin(member.organization_id) as tx:
        found = await _find_situation(tx, member, contact_id, situation)
        suggestions, explained = await _explain(tx, member, found, text, document)
    path = f"{CONTACTS}/{contact_id}/access/explain"
    return _show(request, path, {"situation": situation}, text, suggestions, explained)


@router.get("/platforms/{inbox_id}/explain")
async def explain_platform(
    request: Request,
    inbox_id: UUID,
    member: PlatformViewer,
    speaker: Literal["visitor", "member"] = "visitor",
    text: Text = "",
    document: UUID | None = None,
) -> Response:
    """Offer documents by name, or explain one, for visitors of a platform or its proven members."""
    async with member.db.begin(member.organization_id) as tx:
        inbox = (await load_platform(tx, member, inbox_id)).inbox
        found = newcomer(inbox, is_proven=speaker == "member")
        suggestions, explained = await _explain(tx, member, found, text, document)
    return _show(request, f"{PLATFORMS}/{inbox_id}/explain", {"speaker": speaker}, text, suggestions, explained)


@router.post("/contacts/{contact_id}/access/ask")
async def ask_as(
    request: Request,
    contact_id: UUID,
    member: Asker,
    question: Annotated[str, Form()] = "",
    situation: Annotated[str, Form()] = "",
) -> Response:
    """Show the answer that the contact would get. Nothing is stored but that it was asked."""
    asked = question.replace("\x00", "").strip()
    async with member.db.begin(member.organization_id) as tx:
        found = await _find_situation(tx, member, contact_id, situation)
    if not asked:
        return page(request, "contact/viewed.html", status=400, viewed=None, question="", refusal="")
    try:
        viewed = await view_as(
            member.services,
            member.caller,
            found.contact.id,
            asked,
            inbox_id=found.inbox.id,
            assurance=found.assurance,
        )
    except TooManyRequests as error:
        return page(request, "contact/viewed.html", status=429, viewed=None, question=asked, refusal=error.detail)
    return page(request, "contact/viewed.html", viewed=viewed, question=asked, refusal="")


async def _find_situation(tx: Tx, member: MemberCtx, contact_id: UUID, key: str) -> Situation:
    """Return the situation that an address names, of those that the page offers. Raises NotFound."""
    view = (await load_head(tx, member, contact_id)).view
    found = next((one for one in await list_situations(tx, member.caller, view) if one.key == key), None)
    if found is None:
        raise NotFound
    return Situation(view.contact, found.inbox, found.assurance)


async def _explain(
    tx: Tx, member: MemberCtx, situation: Situation, text: str, document: UUID | None
) -> tuple[list[tuple[DocumentId, str, str, str]], Explained | None]:
    """Right: knowledge.view. Raises Forbidden and NotFound."""
    member.caller.require(Right.KNOWLEDGE_VIEW)
    if document is not None:
        asker = await load_asker(tx, situation.contact, situation.inbox, Voice(situation.assurance))
        return [], await explain_document(tx, member.caller, situation, asker.scope, DocumentId(document))
    wanted = text.replace("\x00", "").strip()
    return [*await search_titles(tx, wanted, limit=_SUGGESTED)] if wanted else [], None


def _show(
    request: Request,
    path: str,
    along: dict[str, str],
    text: str,
    suggestions: list[tuple[DocumentId, str, str, str]],
    explained: Explained | None,
) -> Response:
    return page(
        request,
        "access/explained.html",
        here=path,
        query=urlencode(along),
        text=text.strip(),
        suggestions=suggestions,
        explained=explained,
    )
