"""Bodies of the API about merging and undoing."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from pydantic import Field
from pydantic.alias_generators import to_camel, to_snake

from frontdesk.core.errors import FrontdeskError
from frontdesk.core.wire import PageOf, Time, WireModel
from frontdesk.identities.bodies import ContactBody, render_contact
from frontdesk.identities.model import IdentityKey
from frontdesk.lifecycle.gains import Gains
from frontdesk.lifecycle.ledger import Merge, Reason
from frontdesk.lifecycle.model import ATTRIBUTE, FieldPlan
from frontdesk.lifecycle.previewing import MergePreview, said_by
from frontdesk.lifecycle.undoing import Undone


class MergeContactsBody(WireModel):
    """Which contacts become this one, and whose value stays where they differ."""

    from_: Sequence[UUID] = Field(alias="from", description="Between 1 and 8 contacts.")
    choices: dict[str, UUID] = Field(
        default={}, description="Of `name`, `avatar`, `language`, `timeZone` or `attributes.<key>`: whose value stays."
    )
    accept_wider_access: bool = Field(default=False, description="Give the survivor the others' access profiles, too.")
    dry_run: bool = False

    @property
    def fields(self) -> Mapping[str, UUID]:
        """The choices under the names of fields."""
        return {field_of(name): chosen for name, chosen in self.choices.items()}


class UndoMergeBody(WireModel):
    """How a merge is taken back."""

    dry_run: bool = False
    confirm_access: bool = Field(default=False, description="Somebody may read more than now afterwards.")


class OfferBody(WireModel):
    """What one of the contacts says in a field; provenance null: nobody wrote it."""

    contact: UUID
    value: Any
    provenance: str | None


class FieldPlanBody(WireModel):
    """One field, and whose value stays."""

    field: str
    offers: Sequence[OfferBody]
    winner: UUID
    differs: bool


class AddedBody(WireModel):
    """What would be new on the survivor, by name."""

    emails: Sequence[str]
    phone_numbers: Sequence[str]
    labels: Sequence[str]
    inboxes: Sequence[str]
    access_profiles: Sequence[str]  # with wider access only


class MovedBody(WireModel):
    """How many of these would move, or moved."""

    identities: int
    conversations: int
    notes: int
    facts: int


class DocumentGainedBody(WireModel):
    """A document that becomes readable."""

    id: UUID
    title: str


class GainsBody(WireModel):
    """How many documents become readable; the first ones by title, for callers who may see documents."""

    count: int
    documents: Sequence[DocumentGainedBody]


class AccessChangeBody(WireModel):
    """What people of one of these contacts could read afterwards and cannot now."""

    contact: UUID
    gained: GainsBody
    gained_if_wider: GainsBody


class RefusalBody(WireModel):
    """Why the merge would be refused; `type` is the slug of the problem."""

    type: str
    detail: str
    pointer: str | None


class MergePreviewBody(WireModel):
    """What a merge would do. `messages` are those in the conversations that would move.

    `gainedByRules` counts the documents that the survivor could newly read by rules: accept the wider access then.
    """

    dry_run: Literal[True] = True
    survivor: ContactBody
    merged: Sequence[ContactBody]
    fields: Sequence[FieldPlanBody]
    added: AddedBody
    moved: MovedBody
    messages: int
    access: Sequence[AccessChangeBody]
    gained_by_rules: int
    refusals: Sequence[RefusalBody]


class MergeBody(WireModel):
    """What a merge did."""

    dry_run: Literal[False] = False
    merge_id: UUID
    survivor: ContactBody
    merged_from: Sequence[UUID]
    moved: MovedBody


class AccessReturnedBody(WireModel):
    """A contact whose people could read more than now; confirm it."""

    contact: UUID
    gained: GainsBody


class UndoneBody(WireModel):
    """What the undo of a merge did, or would do; a merge that was undone before returns nothing again."""

    dry_run: bool
    merge_id: UUID
    survivor: UUID
    merged_from: Sequence[UUID]
    returned: MovedBody
    returned_since: int  # conversations that began after the merge and go with an identity that goes back
    staying_since: int  # conversations that began after the merge and stay with the survivor
    restored_fields: Sequence[str]
    kept_fields: Sequence[str]  # changed since the merge
    access: Sequence[AccessReturnedBody]


class MergeEntryBody(WireModel):
    """A merge in the history of its survivor. `sealed_at`: something was erased since, it cannot be undone."""

    id: UUID
    survivor: UUID
    merged_from: Sequence[UUID]
    reason: Reason
    actor_name: str
    merged_at: Time
    undone_at: Time | None
    undone_by: str | None
    sealed_at: Time | None


class MergePage(PageOf):
    """Merges, the latest first."""

    results: Sequence[MergeEntryBody]


def field_of(name: str) -> str:
    """Return the field that the API calls `name`; keys of attributes are never re-cased."""
    return name if name.startswith(ATTRIBUTE) else to_snake(name)


def name_of(field: str) -> str:
    """Return what the API calls a field."""
    return field if field.startswith(ATTRIBUTE) else to_camel(field)


def render_preview(preview: MergePreview, blocked: Collection[IdentityKey]) -> MergePreviewBody:
    """Return the body of a preview; `blocked` are blocked identities."""
    return MergePreviewBody(
        survivor=render_contact(preview.survivor, blocked),
        merged=[render_contact(view, blocked) for view in preview.merged],
        fields=[_render_plan(plan) for plan in preview.fields],
        added=AddedBody(
            emails=preview.added["emails"],
            phone_numbers=preview.added["phones"],
            labels=preview.added["labels"],
            inboxes=preview.added["inboxes"],
            access_profiles=preview.added["profiles"],
        ),
        moved=render_moved(preview.counts),
        messages=preview.counts["messages"],
        access=[
            AccessChangeBody(
                contact=change.contact_id,
                gained=_render_gains(change.gains),
                gained_if_wider=_render_gains(change.wider),
            )
            for change in preview.access
        ],
        gained_by_rules=preview.rule_gains,
        refusals=[_render_refusal(refusal) for refusal in preview.refusals],
    )


def render_undone(undone: Undone, *, dry_run: bool) -> UndoneBody:
    """Return the body of an undo, or of its dry run."""
    return UndoneBody(
        dry_run=dry_run,
        merge_id=undone.merge.id,
        survivor=undone.merge.survivor_id,
        merged_from=undone.merge.merged_ids,
        returned=render_moved(undone.returned),
        returned_since=undone.returned.get("conversations_since", 0),
        staying_since=undone.staying,
        restored_fields=[name_of(field) for field in undone.restored],
        kept_fields=[name_of(field) for field in undone.kept],
        access=[AccessReturnedBody(contact=one, gained=_render_gains(gains)) for one, gains in undone.gains],
    )


def render_merge(merge: Merge) -> MergeEntryBody:
    """Return the body of a merge in a history."""
    return MergeEntryBody(
        id=merge.id,
        survivor=merge.survivor_id,
        merged_from=merge.merged_ids,
        reason=merge.reason,
        actor_name=merge.actor_name,
        merged_at=merge.merged_at,
        undone_at=merge.undone_at,
        undone_by=merge.undone_by,
        sealed_at=merge.sealed_at,
    )


def render_moved(counts: Mapping[str, int]) -> MovedBody:
    """Return how many rows of each table, under the names of the API."""
    return MovedBody(
        identities=counts.get("identities", 0),
        conversations=counts.get("conversations", 0),
        notes=counts.get("notes", 0),
        facts=counts.get("memory_facts", 0),
    )


def _render_plan(plan: FieldPlan) -> FieldPlanBody:
    offers = [
        OfferBody(contact=offer.contact_id, value=offer.value, provenance=said_by(offer.said)) for offer in plan.offers
    ]
    return FieldPlanBody(field=name_of(plan.field), offers=offers, winner=plan.winner, differs=plan.differs)


def _render_gains(gains: Gains) -> GainsBody:
    documents = [DocumentGainedBody(id=document.id, title=document.title) for document in gains.documents]
    return GainsBody(count=gains.count, documents=documents)


def _render_refusal(refusal: FrontdeskError) -> RefusalBody:
    return RefusalBody(type=f"/problems/{refusal.slug}", detail=refusal.detail, pointer=refusal.pointer)
