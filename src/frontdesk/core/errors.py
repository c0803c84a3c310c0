"""Failures that a caller can act on. `web.py` renders each as a problem document.

Source: RFC 9457 (problem details).
"""

from collections.abc import Mapping
from typing import ClassVar


class FrontdeskError(Exception):
    """An expected failure. `detail` is for people, `facts` for programs, `pointer` names the field (RFC 6901)."""

    status: ClassVar[int]
    slug: ClassVar[str]  # stable; becomes the problem's type
    title: ClassVar[str]

    def __init__(
        self, detail: str = "", *, pointer: str | None = None, facts: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.pointer = pointer
        self.facts = dict(facts or {})


class InvalidRequest(FrontdeskError):
    """What was sent has the wrong shape or type, or breaks a rule that names a field."""

    status, slug, title = 400, "invalid-request", "The request is not valid"


class Unauthenticated(FrontdeskError):
    """Nobody is signed in, or the key or session is unknown, expired or revoked."""

    status, slug, title = 401, "unauthenticated", "Sign in first"


class Forbidden(FrontdeskError):
    """The caller knows that the object exists and may not do this."""

    status, slug, title = 403, "forbidden", "You may not do this"


class NotFound(FrontdeskError):
    """Absent, or not visible to this caller: both look the same."""

    status, slug, title = 404, "not-found", "Not found"


class Conflict(FrontdeskError):
    """The object is in a state, or another object exists, that forbids this."""

    status, slug, title = 409, "conflict", "This conflicts with what is stored"


class PreconditionFailed(FrontdeskError):
    """The object changed since the caller read it."""

    status, slug, title = 412, "precondition-failed", "Somebody changed it meanwhile"


class TooLarge(FrontdeskError):
    """More was sent than is accepted."""

    status, slug, title = 413, "too-large", "Too large"


class TooManyRequests(FrontdeskError):
    """Try again after `facts["retry_after"]` seconds."""

    status, slug, title = 429, "too-many-requests", "Too many requests"
