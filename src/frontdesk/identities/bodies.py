"""Bodies of the API about contacts and their identities."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any, ClassVar, Literal, TypeAlias
from uuid import UUID

from pydantic import Field, WithJsonSchema

from frontdesk.access.bodies import QueryMetadataField, WarningBody, render_warnings
from frontdesk.access.warnings import AccessWarning
from frontdesk.channels.bodies import Reference
from frontdesk.contacts.bodies import ContactLabelBody, LabelWishField
from frontdesk.contacts.model import CardFields
from frontdesk.core.ids import ContactId, InboxId, RealmId
from frontdesk.core.wire import LenientModel, PageOf, Time, WireModel
from frontdesk.identities.cards import Address, ContactView, Given
from frontdesk.identities.listing import Kind
from frontdesk.identities.model import Identity, IdentityKey

SourceIdField: TypeAlias = Annotated[
    Any, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 255}), Field(description="Byte for byte.")
]


class InboxOfContactBody(WireModel):
    """An inbox of a contact; times are null as long as the contact never came through it."""

    id: UUID
    name: str
    channel_type: str
    first_seen_at: Time | None
    last_seen_at: Time | None


class IdentityBody(WireModel):
    """A source id in its realm; times are null as long as nobody came with it."""

    id: UUID
    realm: UUID
    source_id: str
    first_seen_at: Time | None
    last_seen_at: Time | None
    created_at: Time
    linked_by: str | None  # who vouched for it by hand; null: proven, or given on a card
    linked_at: Time | None
    is_blocked: bool  # no message under it is accepted, whoever has it


class IdentityPage(PageOf):
    """The identities of a contact, the oldest first."""

    results: Sequence[IdentityBody]


class ProfileOfContactBody(WireModel):
    """An access profile that a contact has."""

    id: UUID
    name: str


class ContactBody(WireModel):
    """A contact; `warnings` are those of the write that is answered."""

    twins: ClassVar[tuple[str, ...]] = (
        "phone_number",
        "source_id",
        "query_metadata",
        "mcp_credentials",
        "created_at",
        "updated_at",
    )

    id: UUID
    name: str
    kind: Kind
    avatar: str | None
    email: str | None  # the main one
    emails: Sequence[str]
    phone_number: str | None  # the main one
    phone_numbers: Sequence[str]
    language: str | None
    time_zone: str | None
    source_id: str | None  # the primary one; null: an anonymous contact
    identities: Sequence[IdentityBody]
    inboxes: Sequence[InboxOfContactBody]
    labels: Sequence[ContactLabelBody]
    attributes: dict[str, Any]
    query_metadata: QueryMetadataField
    profiles_mode: Literal["replace", "add"]
    access_profiles: Sequence[ProfileOfContactBody]
    blocked_at: Time | None  # null: messages are accepted, but perhaps for single identities
    mcp_credentials: Sequence[Any] = ()
    version: int
    created_at: Time
    updated_at: Time
    last_seen_at: Time | None
    merged_from: UUID | None = None  # the id that was asked for, when it was merged into this contact
    warnings: Sequence[WarningBody] = ()


class ContactPageBody(PageOf):
    """One page of contacts; above 10,000 the count is an estimate."""

    count_is_estimate: bool
    results: Sequence[ContactBody]


class GivenIdentityBody(WireModel):
    """An identity to be linked; without a realm it belongs to the realm of bare source ids."""

    realm: UUID | None = None
    source_id: SourceIdField


class ExactIdentityBody(WireModel):
    """An identity, said exactly."""

    realm: UUID
    source_id: SourceIdField


class WriteContactBody(LenientModel):
    """What is written on a contact; absent keys stay as they are."""

    name: str | None = None
    email: str | None = None
    emails: Sequence[str] | None = None
    phone_number: str | None = None
    phone_numbers: Sequence[str] | None = None
    avatar: str | None = None
    language: str | None = None
    time_zone: str | None = None
    attributes: dict[str, Any] | None = None
    labels: Annotated[list[LabelWishField] | None, Field(max_length=100)] = None
    source_id: SourceIdField | None = None
    identities: Sequence[ExactIdentityBody] = ()
    inbox: Reference | None = None
    inboxes: Sequence[Reference] | None = None
    query_metadata: QueryMetadataField = None
    allow_erased: bool = Field(default=False, description="Make the contact although the person was erased.")

    def to_given(self) -> Given:
        """Return what was sent, and only that."""
        inboxes = [self.inbox] if self.inboxes is None and self.inbox is not None else self.inboxes
        return Given(
            fields=self._to_fields(),
            main=self._to_main(),
            inbox_ids=None if inboxes is None else tuple(InboxId(inbox) for inbox in dict.fromkeys(inboxes)),
            source_id=self.source_id,
            identities=tuple((RealmId(one.realm), one.source_id) for one in self.identities),
            labels=None if self.labels is None else tuple(self.labels),
            sets_access="query_metadata" in self.model_fields_set,
            query_metadata=self.query_metadata,
        )

    def _to_fields(self) -> CardFields:
        fields = CardFields()
        for name in ("name", "avatar", "language", "time_zone", "attributes"):
            if name in self.model_fields_set:
                fields[name] = getattr(self, name)
        if "emails" in self.model_fields_set:
            fields["emails"] = self.emails
        if "phone_numbers" in self.model_fields_set:
            fields["phones"] = self.phone_numbers
        return fields

    def _to_main(self) -> dict[Address, str | None]:
        main: dict[Address, str | None] = {}
        if "email" in self.model_fields_set and "emails" not in self.model_fields_set:
            main["emails"] = self.email
        if "phone_number" in self.model_fields_set and "phone_numbers" not in self.model_fields_set:
            main["phones"] = self.phone_number
        return main


class CreateContactBody(WriteContactBody):
    """A contact made in advance."""

    name: str


class RestoreBody(WireModel):
    """Whether what the contact could read by itself comes back."""

    confirm_access: bool = False


def render_identity(identity: Identity, blocked: Collection[IdentityKey] = ()) -> IdentityBody:
    """Return the body of an identity; `blocked` are those under which no message is accepted."""
    return IdentityBody(
        id=identity.id,
        realm=identity.realm_id,
        source_id=identity.source_id,
        first_seen_at=identity.first_seen_at,
        last_seen_at=identity.last_seen_at,
        created_at=identity.created_at,
        linked_by=identity.linked_by,
        linked_at=identity.linked_at,
        is_blocked=identity.key in blocked,
    )


def render_contact(
    view: ContactView,
    blocked: Collection[IdentityKey],
    warnings: Sequence[AccessWarning] = (),
    *,
    asked_for: ContactId | None = None,
) -> ContactBody:
    """Return the body of a contact; `blocked` are blocked identities, `asked_for` is the id in the request."""
    card = view.contact
    return ContactBody(
        id=card.id,
        name=card.name,
        kind="known" if view.identities else "anonymous",
        avatar=card.avatar,
        email=next(iter(card.emails), None),
        emails=card.emails,
        phone_number=next(iter(card.phones), None),
        phone_numbers=card.phones,
        language=card.language,
        time_zone=card.time_zone,
        source_id=view.primary.source_id if view.primary else None,
        identities=[render_identity(identity, blocked) for identity in view.identities],
        inboxes=[
            InboxOfContactBody(
                id=inbox.inbox_id,
                name=inbox.name,
                channel_type=inbox.channel_type,
                first_seen_at=inbox.first_seen_at,
                last_seen_at=inbox.last_seen_at,
            )
            for inbox in view.inboxes
        ],
        labels=[ContactLabelBody.of(label) for label in view.labels],
        attributes=card.attributes,
        query_metadata=card.query_metadata,
        profiles_mode=card.profiles_mode,
        access_profiles=[ProfileOfContactBody(id=profile_id, name=name) for profile_id, name in view.profiles],
        blocked_at=view.block.blocked_at if view.block else None,
        version=card.version,
        created_at=card.created_at,
        updated_at=card.updated_at,
        last_seen_at=card.last_seen_at,
        merged_from=asked_for if asked_for not in {None, card.id} else None,
        warnings=render_warnings(warnings),
    )
