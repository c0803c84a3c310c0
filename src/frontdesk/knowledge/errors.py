"""What a caller of this domain can do wrong, and the one thing that we can."""

from frontdesk.core.errors import FrontdeskError


class LabelNameTaken(FrontdeskError):
    """Another label of the knowledge base has this name."""

    status, slug, title = 409, "label-name-taken", "Another label of this knowledge base has this name"


class DocumentBusy(FrontdeskError):
    """The document is being read; `facts["id"]` names it. Try again when it is done."""

    status, slug, title = 409, "document-busy", "This document is being processed"


class UnsupportedFile(FrontdeskError):
    """The content of the file is of no kind that can be read, whatever its name says."""

    status, slug, title = 400, "unsupported-file", "Files of this kind cannot be read"


class ScopeLeak(Exception):
    """A passage reached the last check that the scope does not open: a bug of ours. Nothing of it may be shown."""
