"""What the REST API of this domain reads and writes."""

from typing import Self
from uuid import UUID

from pydantic import AwareDatetime, JsonValue

from frontdesk.core.ids import InboxId
from frontdesk.core.wire import PageOf, Time, WireModel
from frontdesk.organizations.model import Caller, Right
from frontdesk.organizations.records import ApiKey, AuditEntry, Member, Organization, Role


class OrganizationBody(WireModel):
    """The organization of the key."""

    id: UUID
    name: str
    locale: str
    created_at: Time

    @classmethod
    def of(cls, organization: Organization) -> Self:
        """Render an organization."""
        return cls(
            id=organization.id,
            name=organization.name,
            locale=organization.locale,
            created_at=organization.created_at,
        )


class NamedBody(WireModel):
    """An object by id and name."""

    id: UUID
    name: str


class MemberBody(WireModel):
    """A member with their roles."""

    id: UUID
    name: str
    email: str
    groups: list[NamedBody]
    joined_at: Time

    @classmethod
    def of(cls, member: Member) -> Self:
        """Render a member."""
        groups = [NamedBody(id=role.id, name=role.name) for role in member.roles]
        return cls(id=member.user_id, name=member.name, email=member.email, groups=groups, joined_at=member.joined_at)


class RoleBody(WireModel):
    """A role; `inboxIds` null: every inbox."""

    id: UUID
    name: str
    rights: list[str]
    inbox_ids: list[UUID] | None
    query_metadata: dict[str, JsonValue] | None
    is_built_in: bool

    @classmethod
    def of(cls, role: Role) -> Self:
        """Render a role."""
        return cls(
            id=role.id,
            name=role.name,
            rights=sorted(role.rights),
            inbox_ids=_limit(role.inbox_ids),
            query_metadata=None if role.query_metadata is None else dict(role.query_metadata),
            is_built_in=role.is_built_in,
        )


class CallerBody(WireModel):
    """Who calls."""

    id: UUID
    kind: str
    name: str
    organization: OrganizationBody
    rights: list[str]

    @classmethod
    def of(cls, caller: Caller, organization: Organization) -> Self:
        """Render a caller."""
        return cls(
            id=caller.id,
            kind=caller.kind,
            name=caller.name,
            organization=OrganizationBody.of(organization),
            rights=[right for right in Right if caller.may(right)],
        )


class PermissionBody(WireModel):
    """A right, and whether the caller holds it; `inboxIds` null: in every inbox."""

    id: str
    is_held: bool
    inbox_ids: list[UUID] | None

    @classmethod
    def of(cls, right: Right, caller: Caller) -> Self:
        """Render a right of the caller."""
        return cls(id=right, is_held=caller.may(right), inbox_ids=_limit(caller.inboxes_for(right)))


class ApiKeyBody(WireModel):
    """A key without its secret; `hint` is how the secret ends."""

    id: UUID
    name: str
    hint: str
    rights: list[str]
    inbox_ids: list[UUID] | None
    created_at: Time
    expires_at: Time | None
    last_used_at: Time | None

    @classmethod
    def of(cls, key: ApiKey, **more: str) -> Self:
        """Render a key; a subclass takes what it has `more`."""
        return cls(
            id=key.id,
            name=key.name,
            hint=key.hint,
            rights=sorted(key.rights),
            inbox_ids=_limit(key.inbox_ids),
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            **more,
        )


class NewApiKeyBody(ApiKeyBody):
    """A key just made. The secret is shown once."""

    secret: str


class CreateApiKeyBody(WireModel):
    """What a new key may do; `inboxIds` null or absent: in every inbox. It expires only if that is asked for."""

    name: str
    rights: list[Right]
    inbox_ids: list[UUID] | None = None
    expires_at: AwareDatetime | None = None


class AuditEntryBody(WireModel):
    """Who did what. Personal values are hidden without `contacts.view_personal`."""

    id: UUID
    at: Time
    actor_kind: str
    actor_id: UUID | None
    actor_name: str
    action: str
    object_kind: str
    object_id: UUID | None
    contact_id: UUID | None
    payload: dict[str, JsonValue]

    @classmethod
    def of(cls, entry: AuditEntry) -> Self:
        """Render an entry."""
        return cls(
            id=entry.id,
            at=entry.at,
            actor_kind=entry.actor_kind,
            actor_id=entry.actor_id,
            actor_name=entry.actor_name,
            action=entry.action,
            object_kind=entry.object_kind,
            object_id=entry.object_id,
            contact_id=entry.contact_id,
            payload=entry.payload,
        )


class OrganizationPage(PageOf):
    """Organizations that the key opens: one."""

    results: list[OrganizationBody]


class MemberPage(PageOf):
    """A page of members."""

    results: list[MemberBody]


class RolePage(PageOf):
    """A page of roles."""

    results: list[RoleBody]


class PermissionPage(PageOf):
    """A page of rights."""

    results: list[PermissionBody]


class ApiKeyPage(PageOf):
    """A page of keys."""

    results: list[ApiKeyBody]


class AuditPage(PageOf):
    """A page of the log."""

    results: list[AuditEntryBody]


def _limit(inbox_ids: frozenset[InboxId] | None) -> list[UUID] | None:
    return None if inbox_ids is None else sorted(inbox_ids)
