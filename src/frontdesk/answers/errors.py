"""What a caller of this domain can do wrong."""

from frontdesk.core.errors import Conflict


class NotReplayable(Conflict):
    """The receipt does not hold all that a replay takes: the answer is older than replays, or its person was erased."""

    status, slug, title = 409, "not-replayable", "This answer cannot be replayed"
