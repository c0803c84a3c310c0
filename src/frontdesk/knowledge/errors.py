"""What a caller of this domain can do wrong, and the one thing that we can."""

from frontdesk.core.errors import Conflict, FrontdeskError


class LabelNameTaken(FrontdeskError):
    """Another label of the knowledge base has this name."""

    status, slug, title = 409, "label-name-taken", "Another label of this knowledge base has this name"


class DocumentBusy(FrontdeskError):
    """The document is being read; `facts["id"]` names it. Try again when it is done."""

    status, slug, title = 409, "document-busy", "This document is being processed"


class UnsupportedFile(FrontdeskError):
    """The content of the file is of no kind that can be read, whatever its name says."""

    status, slug, title = 400, "unsupported-file", "Files of this kind cannot be read"


class BatchUnreadable(FrontdeskError):
    """Nothing can be read of the file, or no column says what every row must."""

    status, slug, title = 422, "batch-unreadable", "This file cannot be read as a table"


class BatchNotReady(Conflict):
    """The batch is in a state, `facts["state"]`, in which this cannot be done."""

    slug, title = "batch-not-ready", "The batch is not ready for this"


class ScopeLeak(Exception):
    """A passage reached the last check that the scope does not open: a bug of ours. Nothing of it may be shown."""
