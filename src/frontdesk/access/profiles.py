"""Access profiles: named query metadata, and who has which."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypedDict

from frontdesk.access.model import Assurance
from frontdesk.core.ids import ContactId, ProfileId, RuleId

AssignedThrough: TypeAlias = Literal["member", "api", "import"]
HeldThrough: TypeAlias = Literal["member", "api", "import", "rule"]


@dataclass(frozen=True, slots=True)
class AccessProfile:
    """Query metadata under a name, to be assigned to contacts."""

    id: ProfileId
    name: str
    query_metadata: dict[str, Any] | None  # as it was written; None opens nothing
    minimum_assurance: Assurance  # sessions below it read nothing through this profile
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AssignedProfile:
    """A profile in somebody's hands, and one way in which it came there: by hand and by a rule are two."""

    profile: AccessProfile
    provenance: HeldThrough
    assigned_by: str  # the name of the member, key or command; of a rule: who made it
    assigned_at: datetime
    rule_id: RuleId | None = None  # the rule that gives it


class ProfileChanges(TypedDict, total=False):
    """What is written; a key that is absent stays as it is."""

    name: str
    query_metadata: dict[str, Any] | None
    minimum_assurance: Assurance


@dataclass(frozen=True, slots=True)
class ProfileRule:
    """Gives a profile to every contact whose values, as far as they can be trusted, fulfil a condition."""

    id: RuleId
    profile_id: ProfileId
    filter: dict[str, Any]  # what `contacts.rule_filters` reads
    version: int
    made_by: str  # the name of the member, key or command
    created_at: datetime
    updated_at: datetime
    is_settled: bool  # False: contacts are still being looked at, and those that should get the profile wait
    checked_to: ContactId | None
    checked_count: int
    total_count: int  # of contacts, when it was last written
