"""REST: what somebody may read, and why; and a question as a contact would be answered."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from frontdesk.access.bodies import AssuranceName, render_assurance
from frontdesk.access.explaining import Finding, Reason
from frontdesk.access.layers import StepName
from frontdesk.access.model import Assurance, DocumentKind
from frontdesk.answers.explaining import AccessReport, Explained, find_situation, newcomer, report_access
from frontdesk.answers.viewing import Viewed, view_as
from frontdesk.channels.access import access_inbox
from frontdesk.contacts.access import access_contact
from frontdesk.conversations.model import MAX_CONTENT
from frontdesk.core.ids import ContactId, DocumentId, InboxId, LabelId
from frontdesk.core.wire import WireModel, reply
from frontdesk.identities.queries import resolve_contact_id
from frontdesk.organizations.callers import Ctx, needs
from frontdesk.organizations.model import Right

router = APIRouter(tags=["access"])


class AccessLayerBody(WireModel):
    """One layer of the narrowing path, and how many documents are open after it."""

    name: StepName
    documents: int


class LabelOrProfileBody(WireModel):
    """A label or a profile."""

    id: UUID
    name: str


class FindingBody(WireModel):
    """What one piece of query metadata says of the document; `pointer` is where in it (RFC 6901).

    Of `labels-not-met`, all of `labels` are missing: with `needsAll` each is needed, else one would do.
    """

    reason: Reason
    is_open: bool
    pointer: str
    labels: Sequence[LabelOrProfileBody]
    needs_all: bool
    profile: LabelOrProfileBody | None


class ExplainedLayerBody(WireModel):
    """What one layer says of the document: it is open when one of the findings is."""

    name: StepName
    is_open: bool
    findings: Sequence[FindingBody]


class ExplanationBody(WireModel):
    """Whether the document can be read, and who decided; `decidedBy` null: the document is not ready.

    `isUnproven`: the card has an access of its own, and the session proves nobody, so it reads no more than a visitor.
    """

    document: UUID
    knowledge_base: UUID
    kind: DocumentKind
    title: str
    is_readable: bool
    is_ready: bool
    is_unproven: bool
    decided_by: StepName | None
    decisive: FindingBody | None
    layers: Sequence[ExplainedLayerBody]


class AccessBody(WireModel):
    """What somebody reads in one inbox at one assurance; `contact` null: somebody of whom nothing is known."""

    contact: UUID | None
    inbox: UUID
    assurance: AssuranceName
    documents: int
    layers: Sequence[AccessLayerBody]
    explanation: ExplanationBody | None


class ViewAsBody(WireModel):
    """A question, and where it is asked; without `assurance` at the strongest that the contact can have there."""

    question: str = Field(max_length=MAX_CONTENT)
    inbox: UUID | None = None
    assurance: AssuranceName | None = None


class ViewedCitationBody(WireModel):
    """A source of the answer."""

    number: int
    document: UUID
    kind: DocumentKind
    title: str
    page_number: int | None


class ViewedBody(WireModel):
    """The answer as the contact would get it.

    `content` is null when it is made of documents outside what the caller may read; `hiddenDocuments` counts them.
    `readsPersonal`: card and memory were used, as the caller may see them.
    """

    content: str | None
    is_found: bool
    citations: Sequence[ViewedCitationBody]
    hidden_documents: int
    permitted_documents: int
    given_passages: int
    model: str
    inbox: UUID
    assurance: AssuranceName
    reads_personal: bool


@router.get("/contacts/{contact_id}/access", response_model=AccessBody)
async def get_contact_access(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.CONTACTS_VIEW)],
    contact_id: UUID,
    inbox: UUID | None = None,
    assurance: AssuranceName | None = None,
    document: UUID | None = None,
) -> Response:
    """Return what a contact may read, layer by layer; with `document` why it can be read or not.

    Problems: `not-found`, `invalid-request`, `forbidden`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        survivor = await resolve_contact_id(tx, ContactId(contact_id))
        contact = await access_contact(tx, ctx.caller, survivor, Right.CONTACTS_VIEW)
        situation = await find_situation(
            tx, ctx.caller, contact, inbox_id=_inbox_id(inbox), assurance=_read_assurance(assurance)
        )
        report = await report_access(tx, ctx.caller, situation, document_id=_document_id(document))
    return reply(request, _render(report, contact.id))


@router.get("/inboxes/{inbox_id}/access", response_model=AccessBody)
async def get_inbox_access(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.INBOXES_VIEW)],
    inbox_id: UUID,
    speaker: Literal["visitor", "member"] = "visitor",
    document: UUID | None = None,
) -> Response:
    """Return what a visitor of an inbox may read, or a proven member without an access of their own.

    With `document`: why it can be read or not. Problems: `not-found`, `forbidden`.
    """
    async with ctx.db.begin(ctx.organization_id) as tx:
        inbox = await access_inbox(tx, ctx.caller, InboxId(inbox_id), Right.INBOXES_VIEW)
        situation = newcomer(inbox, is_proven=speaker == "member")
        report = await report_access(tx, ctx.caller, situation, document_id=_document_id(document))
    return reply(request, _render(report, None))


@router.post("/contacts/{contact_id}/view-as", response_model=ViewedBody)
async def view_as_contact(
    request: Request,
    ctx: Annotated[Ctx, needs(Right.ACCESS_VIEW_AS, keeps_answer=False)],
    contact_id: UUID,
    body: ViewAsBody,
) -> Response:
    """Answer a question as the contact would be answered; nothing is stored but that it was asked.

    Problems: `not-found`, `invalid-request`, `too-many-requests`.
    """
    viewed = await view_as(
        ctx.services,
        ctx.caller,
        ContactId(contact_id),
        body.question,
        inbox_id=_inbox_id(body.inbox),
        assurance=_read_assurance(body.assurance),
    )
    return reply(request, _render_viewed(viewed))


def _render(report: AccessReport, contact_id: ContactId | None) -> AccessBody:
    return AccessBody(
        contact=contact_id,
        inbox=report.situation.inbox.id,
        assurance=render_assurance(report.situation.assurance),
        documents=report.documents,
        layers=[AccessLayerBody(name=name, documents=count) for name, count in report.layers],
        explanation=_render_explained(report.explained) if report.explained else None,
    )


def _render_explained(explained: Explained) -> ExplanationBody:
    document, said, labels = explained.document, explained.explanation, explained.labels
    decided_by = said.decided_by
    return ExplanationBody(
        document=document.id,
        knowledge_base=document.knowledge_base_id,
        kind=document.kind,
        title=document.title,
        is_readable=said.is_readable,
        is_ready=said.is_ready,
        is_unproven=said.is_unproven,
        decided_by=decided_by.name if decided_by else None,
        decisive=_render_finding(decided_by.decisive, labels) if decided_by else None,
        layers=[
            ExplainedLayerBody(
                name=step.name,
                is_open=step.is_open,
                findings=[_render_finding(finding, labels) for finding in step.findings],
            )
            for step in said.steps
        ],
    )


def _render_finding(finding: Finding, labels: Mapping[LabelId, str]) -> FindingBody:
    profile = finding.profile
    return FindingBody(
        reason=finding.reason,
        is_open=finding.is_open,
        pointer=finding.pointer,
        labels=[LabelOrProfileBody(id=label, name=labels.get(label, "")) for label in finding.labels],
        needs_all=finding.needs_all,
        profile=LabelOrProfileBody(id=profile.id, name=profile.name) if profile else None,
    )


def _render_viewed(viewed: Viewed) -> ViewedBody:
    asker, draft = viewed.trial.asker, viewed.trial.draft
    return ViewedBody(
        content=viewed.content,
        is_found=draft.is_found,
        citations=[
            ViewedCitationBody(
                number=number, document=hit.document_id, kind=hit.kind, title=hit.title, page_number=hit.page_number
            )
            for number, hit in viewed.cited
        ],
        hidden_documents=len(viewed.hidden),
        permitted_documents=draft.permitted_count,
        given_passages=len(draft.sources),
        model=draft.model,
        inbox=asker.inbox.id,
        assurance=render_assurance(asker.assurance),
        reads_personal=viewed.reads_personal,
    )


def _inbox_id(raw: UUID | None) -> InboxId | None:
    return None if raw is None else InboxId(raw)


def _document_id(raw: UUID | None) -> DocumentId | None:
    return None if raw is None else DocumentId(raw)


def _read_assurance(name: AssuranceName | None) -> Assurance | None:
    return None if name is None else Assurance[name.upper()]
