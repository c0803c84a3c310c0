"""What-if over the API: the numbers of a change of access before it is made. Nothing is written."""

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from frontdesk.access.bodies import AssuranceName, QueryMetadataField
from frontdesk.access.model import Assurance, DocumentKind
from frontdesk.channels.bodies import Reference
from frontdesk.channels.model import InboxChanges
from frontdesk.core.ids import AssistantId, ContactId, DocumentId, InboxId, KnowledgeBaseId, LabelId, ProfileId
from frontdesk.core.wire import WireModel, reply
from frontdesk.lifecycle import what_if
from frontdesk.lifecycle.what_if import Speaker, WhatIf
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["access"])


class ContactChangeBody(WireModel):
    """A contact, and how many documents it would gain and lose."""

    id: UUID
    name: str
    gained: int
    lost: int


class DocumentChangeBody(WireModel):
    """A document, and how many contacts would gain and lose it."""

    id: UUID
    knowledge_base: UUID
    kind: DocumentKind
    title: str
    gained: int
    lost: int


class NewcomerChangeBody(WireModel):
    """Visitors of an inbox, or proven people without access of their own, and what they would gain and lose."""

    inbox: UUID
    inbox_name: str
    speaker: Speaker
    gained: int
    lost: int


class WhatIfBody(WireModel):
    """What a change would do. The lists show the first 20; `isPartial`: only your inboxes were asked."""

    contacts_gaining: int
    contacts_losing: int
    documents_gained: int
    documents_lost: int
    contacts: Sequence[ContactChangeBody]
    documents: Sequence[DocumentChangeBody]
    newcomers: Sequence[NewcomerChangeBody]
    is_partial: bool
    is_exact: bool


class ProfileWhatIfBody(WireModel):
    """What the profile would say; without `minimumAssurance` that stays."""

    query_metadata: QueryMetadataField
    minimum_assurance: AssuranceName | None = None


class ContactWhatIfBody(WireModel):
    """What the contact's own conditions would say."""

    query_metadata: QueryMetadataField
    profiles_mode: Literal["replace", "add"] = "replace"


class InboxWhatIfBody(WireModel):
    """What would change; absent keys stay as they are."""

    query_metadata: QueryMetadataField = None
    visitor_scope: QueryMetadataField = None
    member_scope: QueryMetadataField = None
    chatbot: Reference | None = None

    def to_changes(self) -> InboxChanges:
        """Return only what was sent."""
        changes = InboxChanges()
        if "query_metadata" in self.model_fields_set:
            changes["query_metadata"] = self.query_metadata
        if "visitor_scope" in self.model_fields_set:
            changes["visitor_scope"] = self.visitor_scope
        if "member_scope" in self.model_fields_set:
            changes["member_scope"] = self.member_scope
        if self.chatbot is not None:
            changes["assistant_id"] = AssistantId(self.chatbot)
        return changes


class LabelsWhatIfBody(WireModel):
    """Which labels these files and FAQs would get and lose."""

    documents: Sequence[UUID]
    add: Sequence[UUID] = ()
    remove: Sequence[UUID] = ()


class AssistantWhatIfBody(WireModel):
    """Which knowledge bases the assistant would have."""

    knowledge_bases: Sequence[Reference]


@router.post("/access-profiles/{profile_id}/what-if", response_model=WhatIfBody)
async def preview_profile(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.PROFILES_EDIT, keeps_answer=False)],
    profile_id: UUID,
    body: ProfileWhatIfBody,
) -> Response:
    """Tell what other conditions of a profile would do. Problems: `not-found`, `invalid-query-metadata`."""
    least = None if body.minimum_assurance is None else Assurance[body.minimum_assurance.upper()]
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await what_if.preview_profile(
            tx, ctx.caller, ProfileId(profile_id), body.query_metadata, minimum_assurance=least
        )
    return reply(request, _render(found))


@router.post("/contacts/{contact_id}/access/what-if", response_model=WhatIfBody)
async def preview_contact(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.CONTACTS_EDIT_ACCESS, keeps_answer=False)],
    contact_id: UUID,
    body: ContactWhatIfBody,
) -> Response:
    """Tell what other conditions of its own would do to a contact. Problems: `not-found`, `invalid-query-metadata`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await what_if.preview_contact(
            tx, ctx.caller, ContactId(contact_id), body.query_metadata, body.profiles_mode
        )
    return reply(request, _render(found))


@router.post("/inboxes/{inbox_id}/what-if", response_model=WhatIfBody)
async def preview_inbox(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.INBOXES_EDIT, keeps_answer=False)],
    inbox_id: UUID,
    body: InboxWhatIfBody,
) -> Response:
    """Tell what other scopes or another assistant of an inbox would do.

    Problems: `not-found`, `invalid-query-metadata`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await what_if.preview_inbox(tx, ctx.caller, InboxId(inbox_id), body.to_changes())
    return reply(request, _render(found))


@router.post("/knowledge-bases/{base_id}/labels/what-if", response_model=WhatIfBody)
async def preview_labels(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT, keeps_answer=False)],
    base_id: UUID,
    body: LabelsWhatIfBody,
) -> Response:
    """Tell what giving labels to documents, and taking labels from them, would do. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await what_if.preview_labels(
            tx,
            ctx.caller,
            KnowledgeBaseId(base_id),
            [DocumentId(one) for one in body.documents],
            [LabelId(one) for one in body.add],
            [LabelId(one) for one in body.remove],
        )
    return reply(request, _render(found))


@router.post("/knowledge-bases/{base_id}/labels/{label_id}/what-if-deleted", response_model=WhatIfBody)
async def preview_label_deletion(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.KNOWLEDGE_EDIT, keeps_answer=False)],
    base_id: UUID,
    label_id: UUID,
) -> Response:
    """Tell what deleting a label would do. Problems: `not-found`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await what_if.preview_label_deletion(tx, ctx.caller, KnowledgeBaseId(base_id), LabelId(label_id))
    return reply(request, _render(found))


@router.post("/chatbots/{assistant_id}/what-if", response_model=WhatIfBody)
async def preview_bases(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.ASSISTANTS_EDIT, keeps_answer=False)],
    assistant_id: UUID,
    body: AssistantWhatIfBody,
) -> Response:
    """Tell what giving an assistant exactly these knowledge bases would do. Problems: `not-found`, `forbidden`."""
    async with ctx.db.begin(ctx.organization_id) as tx:
        found = await what_if.preview_bases(
            tx, ctx.caller, AssistantId(assistant_id), [KnowledgeBaseId(one) for one in body.knowledge_bases]
        )
    return reply(request, _render(found))


def _render(found: WhatIf) -> WhatIfBody:
    return WhatIfBody(
        contacts_gaining=found.contacts_gaining,
        contacts_losing=found.contacts_losing,
        documents_gained=found.documents_gained,
        documents_lost=found.documents_lost,
        contacts=[
            ContactChangeBody(id=one.id, name=one.name, gained=one.gained, lost=one.lost) for one in found.contacts
        ],
        documents=[
            DocumentChangeBody(
                id=one.id,
                knowledge_base=one.knowledge_base_id,
                kind=one.kind,
                title=one.title,
                gained=one.gained,
                lost=one.lost,
            )
            for one in found.documents
        ],
        newcomers=[
            NewcomerChangeBody(
                inbox=one.inbox_id, inbox_name=one.inbox_name, speaker=one.speaker, gained=one.gained, lost=one.lost
            )
            for one in found.newcomers
        ],
        is_partial=found.is_partial,
        is_exact=found.is_exact,
    )
