"""Failures of what touches everything of a contact."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from frontdesk.core.errors import Conflict, FrontdeskError


class SelfMerge(FrontdeskError):
    """A contact cannot go into itself."""

    status, slug, title = 422, "self-merge", "A contact cannot be merged into itself"


class ContactDeleted(Conflict):
    """The contact is deleted; it must be restored first."""

    slug, title = "contact-deleted", "This contact is deleted"


class MergeChoiceNeeded(FrontdeskError):
    """The cards contradict each other in a field of which a person has one value only: somebody must choose."""

    status, slug, title = 422, "merge-choice-needed", "Choose which value stays"

    def __init__(self, field: str) -> None:
        super().__init__(pointer=f"/choices/{field}", facts={"field": field})


class MergeLosesData(FrontdeskError):
    """Not all of what the cards say fits on one."""

    status, slug, title = 422, "merge-loses-data", "One card cannot hold all of this"

    def __init__(self, detail: str, field: str) -> None:
        super().__init__(detail, pointer=f"/{field}", facts={"field": field})


class LaterMerge(Conflict):
    """Merges that came after this one must be undone first, the latest first."""

    slug, title = "later-merge", "Undo the later merges first"

    def __init__(self, merges: Sequence[UUID]) -> None:
        super().__init__(facts={"merges": [str(merge) for merge in merges]})


class MergeSealed(Conflict):
    """Something of these contacts was erased since: it cannot come back."""

    slug, title = "merge-sealed", "Something was erased since; this merge cannot be undone"


class AccessWouldWiden(Conflict):
    """People would read more than they can now; whoever may change access must confirm that."""

    slug, title = "access-would-widen", "Somebody would read more than now; confirm it"

    def __init__(self, gains: Mapping[UUID, int], *, pointer: str = "/confirmAccess") -> None:
        super().__init__(
            pointer=pointer,
            facts={"gains": [{"contact": str(contact), "documents": count} for contact, count in gains.items()]},
        )
        self.count = max(gains.values(), default=0)  # of documents, for whom it is the most
