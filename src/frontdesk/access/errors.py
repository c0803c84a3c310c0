"""What a caller of this domain can do wrong."""

from typing import ClassVar

from frontdesk.core.errors import FrontdeskError


class InvalidQueryMetadata(FrontdeskError):
    """Query metadata cannot be read; `pointer` (RFC 6901) says where. Whoever meets it in stored data denies."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "invalid-query-metadata"
    title: ClassVar[str] = "The query metadata cannot be read."
