"""Rights, the built-in roles, and the caller who holds rights."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.ids import InboxId, OrganizationId


class Right(StrEnum):
    """What a role or an API key may allow. Source: docs/reference/rights.md."""

    CONTACTS_VIEW = "contacts.view"
    CONTACTS_VIEW_PERSONAL = "contacts.view_personal"
    CONTACTS_EDIT = "contacts.edit"
    CONTACTS_CONFIGURE = "contacts.configure"
    CONTACTS_EDIT_ACCESS = "contacts.edit_access"
    CONTACTS_VOUCH = "contacts.vouch"
    CONTACTS_MERGE = "contacts.merge"
    CONTACTS_DELETE = "contacts.delete"
    CONTACTS_ERASE = "contacts.erase"
    CONTACTS_IMPORT = "contacts.import"
    CONTACTS_EXPORT = "contacts.export"
    CONVERSATIONS_VIEW = "conversations.view"
    CONVERSATIONS_REPLY = "conversations.reply"
    CONVERSATIONS_ASSIGN = "conversations.assign"
    KNOWLEDGE_VIEW = "knowledge.view"
    KNOWLEDGE_EDIT = "knowledge.edit"
    INBOXES_VIEW = "inboxes.view"
    INBOXES_EDIT = "inboxes.edit"
    ASSISTANTS_VIEW = "assistants.view"
    ASSISTANTS_EDIT = "assistants.edit"
    PROFILES_VIEW = "profiles.view"
    PROFILES_EDIT = "profiles.edit"
    ACCESS_VIEW_AS = "access.view_as"
    BROADCAST_SEND = "broadcast.send"
    WEBHOOKS_EDIT = "webhooks.edit"
    MEMBERS_EDIT = "members.edit"
    ROLES_EDIT = "roles.edit"
    KEYS_EDIT = "keys.edit"
    AUDIT_VIEW = "audit.view"
    ORGANIZATION_EDIT = "organization.edit"
    ORGANIZATION_DELETE = "organization.delete"
    ACT_AS = "act-as"  # keys only: speak as a contact


OWNER = "owner"

_VIEWER = frozenset(
    {
        Right.CONTACTS_VIEW,
        Right.CONVERSATIONS_VIEW,
        Right.KNOWLEDGE_VIEW,
        Right.INBOXES_VIEW,
        Right.ASSISTANTS_VIEW,
        Right.PROFILES_VIEW,
        Right.AUDIT_VIEW,
    }
)
_AGENT = _VIEWER | {
    Right.CONTACTS_VIEW_PERSONAL,
    Right.CONTACTS_EDIT,
    Right.CONVERSATIONS_REPLY,
    Right.CONVERSATIONS_ASSIGN,
}
_OWNER = frozenset(Right) - {Right.ACT_AS}
_ADMINISTRATOR = _OWNER - {Right.ORGANIZATION_EDIT, Right.ORGANIZATION_DELETE}

# The rights of built-in roles stand here and not in the database: a new right needs no data step.
BUILT_IN_ROLES: Mapping[str, frozenset[Right]] = MappingProxyType(
    {OWNER: _OWNER, "administrator": _ADMINISTRATOR, "agent": _AGENT, "viewer": _VIEWER}
)


class CallerKind(StrEnum):
    """Who calls."""

    MEMBER = "member"
    API_KEY = "api_key"
    SYSTEM = "system"  # a command of the operator, or a job


@dataclass(frozen=True, slots=True)
class Grant:
    """Rights that hold in some inboxes. `inbox_ids` None: in every inbox, and for contacts without one."""

    rights: frozenset[Right]
    inbox_ids: frozenset[InboxId] | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """A member in the active organization, an API key, or the system: the union of its grants."""

    kind: CallerKind
    id: UUID
    name: str
    organization_id: OrganizationId
    grants: tuple[Grant, ...]

    @property
    def reference(self) -> str:
        """Text that names this caller and no other of the organization: for what belongs to one caller."""
        return f"{self.kind}:{self.id}"

    def may(self, right: Right) -> bool:
        """Tell whether `right` is held anywhere."""
        return any(right in grant.rights for grant in self.grants)

    def require(self, right: Right) -> None:
        """Raise Forbidden unless `right` is held anywhere."""
        if not self.may(right):
            raise Forbidden(facts={"right": right.value})

    def inboxes_for(self, right: Right) -> frozenset[InboxId] | None:
        """Return the inboxes in which `right` is held; None means every inbox, an empty set none."""
        limits = [grant.inbox_ids for grant in self.grants if right in grant.rights]
        if any(limit is None for limit in limits):
            return None
        return frozenset(inbox for limit in limits if limit is not None for inbox in limit)

    def rights_beyond(self, grant: Grant) -> frozenset[Right]:
        """Return the rights of `grant` that this caller does not hold in all of its inboxes: what it may not give away.

        Nobody signs in with `act-as`; whoever manages keys may give it to one.
        """
        return frozenset(right for right in grant.rights if not self._covers(right, grant.inbox_ids))

    def _covers(self, right: Right, inbox_ids: frozenset[InboxId] | None) -> bool:
        held_through = Right.KEYS_EDIT if right is Right.ACT_AS else right
        limit = self.inboxes_for(held_through)
        if limit is None:
            return True
        return self.may(held_through) and inbox_ids is not None and inbox_ids <= limit

    def require_in(self, right: Right, inbox_ids: Iterable[InboxId]) -> None:
        """Raise NotFound unless `right` is held in one of `inbox_ids`, or everywhere."""
        limit = self.inboxes_for(right)
        if limit is not None and limit.isdisjoint(inbox_ids):
            raise NotFound


def system_caller(organization_id: OrganizationId) -> Caller:
    """Return the caller for commands of the operator: every right but acting as a contact."""
    rights = frozenset(Right) - {Right.ACT_AS}
    return Caller(CallerKind.SYSTEM, UUID(int=0), "system", organization_id, (Grant(rights),))
