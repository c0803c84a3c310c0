"""What an inbox and a realm are."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypedDict

from frontdesk.core.ids import AssistantId, InboxId, RealmId


class ChannelType(StrEnum):
    """The kind of an inbox."""

    WEB = "web"
    LINE = "line"
    MESSENGER = "messenger"
    TELEGRAM = "telegram"
    API = "api"

    @property
    def has_own_people(self) -> bool:
        """True for platforms whose accounts name people in their own way."""
        return self in {ChannelType.LINE, ChannelType.MESSENGER, ChannelType.TELEGRAM}


class RealmKind(StrEnum):
    """Who names the people of a realm."""

    MEMBER = "member"  # the enterprise's member system
    CHANNEL = "channel"  # one account of a platform


class IdentityMode(StrEnum):
    """How a web inbox learns who is there."""

    NONE = "none"  # nobody is proven: all are visitors
    JWT = "jwt"  # by a token that the enterprise signs
    INTROSPECT = "introspect"  # by a token about which the enterprise is asked


class OnLogin(StrEnum):
    """What happens to a visitor's conversations when the visitor signs in."""

    MERGE = "merge"  # they fold into the proven contact
    SEPARATE = "separate"  # they stay with the anonymous contact


@dataclass(frozen=True, slots=True)
class Realm:
    """A name space of source ids. Equal source ids in two realms are two people."""

    id: RealmId
    name: str
    kind: RealmKind
    is_default: bool  # the member realm that web and API inboxes share
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Inbox:
    """One connection of one assistant to one channel. The scopes are query metadata, as written."""

    id: InboxId
    name: str
    channel_type: ChannelType
    assistant_id: AssistantId
    realm_id: RealmId
    public_id: str  # what pages, tokens and the API call it: a UUID that tells nothing
    identity_mode: IdentityMode
    on_login: OnLogin
    allowed_origins: tuple[str, ...]  # pages that may embed it; empty: only our own
    greeting: str
    starters: tuple[str, ...]
    query_metadata: dict[str, Any] | None  # narrows everybody; None: no restriction
    visitor_scope: dict[str, Any] | None  # what unproven people read; None: nothing
    member_scope: dict[str, Any] | None  # what proven people read who have no access of their own; None: nothing
    created_at: datetime
    updated_at: datetime


class InboxChanges(TypedDict, total=False):
    """What is written; a key that is absent stays as it is."""

    name: str
    assistant_id: AssistantId
    identity_mode: IdentityMode
    on_login: OnLogin
    allowed_origins: tuple[str, ...]
    greeting: str
    starters: tuple[str, ...]
    query_metadata: dict[str, Any] | None
    visitor_scope: dict[str, Any] | None
    member_scope: dict[str, Any] | None
