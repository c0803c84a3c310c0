"""The places of the console, in the order of the sidebar."""

from collections.abc import Sequence
from dataclasses import dataclass

from frontdesk.organizations.model import Caller, Right


def N_(text: str) -> str:  # noqa: N802 -- the usual name: marks a text for translation where it is not yet shown
    """Return `text`; the template that shows it translates it."""
    return text


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the sidebar; shown to callers who hold one of `rights`."""

    path: str
    icon: str
    label: str
    rights: tuple[Right, ...]


PLACES = (
    Place("/console/conversations", "messages", N_("Conversations"), (Right.CONVERSATIONS_VIEW,)),
    Place("/console/contacts", "address-book", N_("Contacts"), (Right.CONTACTS_VIEW,)),
    Place("/console/access-profiles", "lock-access", N_("Access profiles"), (Right.PROFILES_VIEW,)),
    Place("/console/knowledge", "book-2", N_("Knowledge"), (Right.KNOWLEDGE_VIEW,)),
    Place("/console/platforms", "plug", N_("Platforms"), (Right.INBOXES_VIEW,)),
    Place("/console/assistants", "robot", N_("Assistants"), (Right.ASSISTANTS_VIEW,)),
    Place("/console/identity-health", "heartbeat", N_("Identity health"), (Right.CONTACTS_VIEW,)),
    Place("/console/settings", "settings", N_("Settings"), tuple(Right)),
)


def places_for(caller: Caller) -> Sequence[Place]:
    """Return what the caller may open."""
    return [place for place in PLACES if any(caller.may(right) for right in place.rights)]
