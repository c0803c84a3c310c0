"""Organizations, members, roles, keys: what is stored, and how their fields are read from people."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import ApiKeyId, ContactId, InboxId, InvitationId, OrganizationId, RoleId, UserId
from frontdesk.organizations.model import BUILT_IN_ROLES, OWNER, Caller, Grant, Right

_EMAIL = re.compile(r"[!-?A-~]{1,64}@[!-?A-~]{1,189}")  # one @, printable ASCII, no spaces
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Organization:
    """Owns everything below it."""

    id: OrganizationId
    name: str
    locale: str
    vendor_faq_reading: bool  # `faq_ids: []` means all FAQs
    scope_version: int  # rises whenever somebody may read more or less than before
    refused_source_ids: list[str]  # refused in addition to the fixed ones
    created_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in, whatever organizations they work for."""

    id: UserId
    email: str
    name: str
    locale: str | None  # None: as the browser asks
    theme: str  # auto, light or dark


@dataclass(frozen=True, slots=True)
class RoleDraft:
    """What a member decides about a role."""

    name: str
    rights: frozenset[Right]
    inbox_ids: frozenset[InboxId] | None = None  # None: every inbox
    query_metadata: Mapping[str, Any] | None = None  # already read by `access`; None opens no document

    @property
    def grant(self) -> Grant:
        """The rights with their limits."""
        return Grant(self.rights, self.inbox_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Role(RoleDraft):
    """A named set of rights. Built-in roles are named as in `BUILT_IN_ROLES`; screens translate these names."""

    id: RoleId
    is_built_in: bool

    @property
    def is_owner(self) -> bool:
        """True for the role that every organization needs somebody to hold."""
        return self.is_built_in and self.name == OWNER


@dataclass(frozen=True, slots=True)
class Member:
    """A user of the organization, with what they may do there."""

    user_id: UserId
    email: str
    name: str
    joined_at: datetime
    roles: tuple[Role, ...]

    @property
    def is_owner(self) -> bool:
        """True when one of the roles is the owner's."""
        return any(role.is_owner for role in self.roles)


@dataclass(frozen=True, slots=True)
class Invitation:
    """An e-mail that may join with these roles until `expires_at`, once."""

    id: InvitationId
    email: str
    role_ids: list[RoleId]
    invited_by: UserId
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of the API. Its secret is shown once and not stored; `hint` is how it ends."""

    id: ApiKeyId
    name: str
    hint: str
    rights: frozenset[Right]
    inbox_ids: frozenset[InboxId] | None  # None: every inbox
    created_by: UUID | None  # a member or another key; None: the operator
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None  # exact to a minute

    @property
    def grant(self) -> Grant:
        """The rights with their limits."""
        return Grant(self.rights, self.inbox_ids)


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a member signs in from."""

    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session just opened. `token` is for the cookie and is not stored; `csrf_token` goes into every form."""

    token: str
    csrf_token: str
    user: User
    organization_id: OrganizationId | None  # None: a member of no organization


@dataclass(frozen=True, slots=True)
class MemberSession:
    """Who is signed in, and what they may do in the active organization."""

    user: User
    csrf_token: str
    organization_ids: tuple[OrganizationId, ...]  # all that the user works for, the oldest first
    organization: Organization | None  # the active one; None: they left it, or belong to none
    caller: Caller | None  # None exactly when `organization` is


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One place where a user is signed in."""

    user_agent: str
    address: str
    created_at: datetime
    last_seen_at: datetime  # exact to a minute
    is_current: bool


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which object. Personal values in `payload` are hidden from readers without the right."""

    id: UUID
    at: datetime
    actor_kind: str  # member, api_key, contact or system
    actor_id: UUID | None
    actor_name: str
    action: str  # domain.past_participle
    object_kind: str
    object_id: UUID | None
    contact_id: ContactId | None
    payload: dict[str, Any]


def rights_of_role(name: str, stored: list[str], *, is_built_in: bool) -> frozenset[Right]:
    """Return what a role allows: of a built-in one what the code says, else what is stored."""
    return BUILT_IN_ROLES.get(name, frozenset()) if is_built_in else known_rights(stored)


def known_rights(stored: list[str]) -> frozenset[Right]:
    """Read stored rights; one that this version does not know allows nothing."""
    return frozenset(right for right in Right if right.value in stored)


def find_email(text: str) -> str | None:
    """Return the e-mail as it is stored, in lower case; None when `text` is none."""
    email = text.strip().lower()
    return email if _EMAIL.fullmatch(email) else None


def parse_email(text: str) -> str:
    """Return the e-mail as it is stored, in lower case. Raises InvalidRequest."""
    email = find_email(text)
    if email is None:
        raise InvalidRequest("This is not an e-mail address.", pointer="/email")
    return email


def parse_name(text: str) -> str:
    """Return the name without spaces around it. Raises InvalidRequest when it is empty, too long or unprintable."""
    name = text.strip()
    if not name or len(name) > _LONGEST_NAME or any(unicodedata.category(c) in {"Cc", "Cs"} for c in name):
        raise InvalidRequest(f"A name has 1 to {_LONGEST_NAME} printable characters.", pointer="/name")
    return name
