"""Access profiles: named query metadata, and who has which."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypedDict

from frontdesk.access.model import Assurance
from frontdesk.core.ids import ProfileId

AssignedThrough: TypeAlias = Literal["member", "api", "import"]


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
    """A profile in somebody's hands."""

    profile: AccessProfile
    provenance: AssignedThrough
    assigned_by: str  # the name of the member, key or command
    assigned_at: datetime


class ProfileChanges(TypedDict, total=False):
    """What is written; a key that is absent stays as it is."""

    name: str
    query_metadata: dict[str, Any] | None
    minimum_assurance: Assurance
