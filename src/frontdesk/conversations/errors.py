"""Failures of conversations."""

from frontdesk.core.errors import Conflict


class SenderMismatch(Conflict):
    """The sender is not the contact of the conversation."""

    slug, title = "sender-mismatch", "The sender is not this conversation's contact"
