"""Failures of the card file."""

from frontdesk.core.errors import Conflict


class AttributeTaken(Conflict):
    """Another contact has this value of an attribute that is unique."""

    slug, title = "attribute-taken", "Another contact has this value"


class AttributeKeyTaken(Conflict):
    """Another attribute has this key."""

    slug, title = "attribute-key-taken", "Another attribute has this key"


class ContactLabelTaken(Conflict):
    """Another label of contacts has this name."""

    slug, title = "contact-label-taken", "Another label of contacts has this name"
