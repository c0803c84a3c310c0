"""What a caller of this domain can do wrong."""

from frontdesk.core.errors import Conflict, FrontdeskError


class InvalidQueryMetadata(FrontdeskError):
    """Query metadata cannot be read; `pointer` begins at its root. Whoever meets this in stored data denies."""

    status, slug, title = 400, "invalid-query-metadata", "The query metadata cannot be read"


class ProfileNameTaken(Conflict):
    """Another access profile of the organization has this name."""

    status, slug, title = 409, "profile-name-taken", "An access profile of this name exists already"
