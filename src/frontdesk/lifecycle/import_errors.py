"""Failures of imports and exports."""

from frontdesk.core.errors import Conflict, FrontdeskError
from frontdesk.lifecycle.import_model import ImportState


class ImportUnreadable(FrontdeskError):
    """Nothing can be read of the file."""

    status, slug, title = 422, "import-unreadable", "This file cannot be imported"


class ImportNotReady(Conflict):
    """The import is in a state in which this cannot be done."""

    slug, title = "import-not-ready", "The import is not ready for this"

    def __init__(self, state: ImportState) -> None:
        super().__init__(facts={"state": state.value})


class ImportFileGone(Conflict):
    """The file was removed, as all files are that nobody needed for long."""

    slug, title = "import-file-gone", "The file of this import was removed"


class ExportNotReady(Conflict):
    """The file is not written yet, or not any more."""

    slug, title = "export-not-ready", "There is no file to download"
