"""Bodies of the API about platforms and assistants."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal, TypeAlias, cast
from uuid import UUID

from pydantic import BeforeValidator, Field

from frontdesk.access.bodies import QueryMetadataField, WarningBody, render_warnings
from frontdesk.access.warnings import AccessWarning
from frontdesk.channels.model import ChannelType, IdentityMode, Inbox, InboxChanges, OnLogin
from frontdesk.core.errors import InvalidRequest
from frontdesk.core.ids import AssistantId
from frontdesk.core.wire import LenientModel, PageOf, Time, WireModel


def _read_reference(value: object) -> object:
    return value["id"] if isinstance(value, Mapping) and "id" in value else value


Reference: TypeAlias = Annotated[
    UUID, BeforeValidator(_read_reference), Field(description="An id, or an object with an id.")
]

_SETTINGS = ("identity_mode", "on_login", "allowed_origins", "greeting", "starters")
_SCOPES = ("query_metadata", "visitor_scope", "member_scope")


class ChannelBody(WireModel):
    """What is particular to the channel; `id` is what a page calls it (`webChatId`)."""

    id: UUID
    name: str
    identity_mode: IdentityMode
    on_login: OnLogin
    allowed_origins: Sequence[str]
    greeting: str
    starters: Sequence[str]


class InboxBody(WireModel):
    """An inbox; `warnings` are those of the write that is answered."""

    id: UUID
    name: str
    channel_type: ChannelType
    chatbot: UUID
    channel: ChannelBody
    realm: UUID
    query_metadata: QueryMetadataField
    visitor_scope: QueryMetadataField
    member_scope: QueryMetadataField
    created_at: Time
    updated_at: Time
    warnings: Sequence[WarningBody] = ()


class WebChatBody(WireModel):
    """A web inbox as its page sees it; `warnings` are those of the write that is answered."""

    id: UUID
    inbox: UUID
    name: str
    chatbot: UUID
    identity_mode: IdentityMode
    on_login: OnLogin
    allowed_origins: Sequence[str]
    greeting: str
    starters: Sequence[str]
    query_metadata: QueryMetadataField
    visitor_scope: QueryMetadataField
    member_scope: QueryMetadataField
    created_at: Time
    updated_at: Time
    warnings: Sequence[WarningBody] = ()


class InboxPage(PageOf):
    """One page of inboxes."""

    results: Sequence[InboxBody]


class WebChatPage(PageOf):
    """One page of web chats."""

    results: Sequence[WebChatBody]


class ChannelSettingsBody(LenientModel):
    """Settings of a channel; absent keys stay as they are."""

    identity_mode: IdentityMode = IdentityMode.NONE
    on_login: OnLogin = OnLogin.MERGE
    allowed_origins: tuple[str, ...] = ()
    greeting: str = ""
    starters: tuple[str, ...] = ()

    def to_settings(self) -> dict[str, Any]:
        """Return only what was sent."""
        return self.model_dump(include=set(_SETTINGS) & self.model_fields_set)


class ScopesBody(LenientModel):
    """What is common to all ways to write an inbox; absent keys stay as they are."""

    name: str = ""
    chatbot: Reference | None = None
    query_metadata: QueryMetadataField = None
    visitor_scope: QueryMetadataField = None
    member_scope: QueryMetadataField = None

    def to_common(self) -> dict[str, Any]:
        """Return only what was sent."""
        common: dict[str, Any] = self.model_dump(include={"name", *_SCOPES} & self.model_fields_set)
        return common if self.chatbot is None else common | {"assistant_id": AssistantId(self.chatbot)}


class ChangeInboxBody(ScopesBody):
    """What to change of an inbox."""

    channel: ChannelSettingsBody = ChannelSettingsBody()

    def to_changes(self) -> InboxChanges:
        """Return only what was sent."""
        return cast("InboxChanges", self.to_common() | self.channel.to_settings())


class CreateInboxBody(ChangeInboxBody):
    """A new inbox. `own_realm`: it has its own people instead of those of the organization's member system."""

    name: str
    chatbot: Reference
    channel_type: Literal["web", "api"] = "web"
    own_realm: bool = False


class ChangeWebChatBody(ScopesBody, ChannelSettingsBody):
    """What to change of a web chat."""

    def to_changes(self) -> InboxChanges:
        """Return only what was sent."""
        return cast("InboxChanges", self.to_common() | self.to_settings())


class CreateWebChatBody(ChangeWebChatBody):
    """A new web chat. `own_realm`: it has its own people instead of those of the organization's member system."""

    name: str
    chatbot: Reference
    own_realm: bool = False


@contextmanager
def within_channel() -> Iterator[None]:
    """Let errors about settings point into `channel`, where an inbox carries them."""
    try:
        yield
    except InvalidRequest as error:
        camel = ("/identityMode", "/onLogin", "/allowedOrigins", "/greeting", "/starters")
        if not (error.pointer or "").startswith(camel):
            raise
        raise InvalidRequest(error.detail, pointer=f"/channel{error.pointer}") from error


def render_inbox(inbox: Inbox, warnings: Sequence[AccessWarning] = ()) -> InboxBody:
    """Return the body of `inbox`."""
    settings = {name: getattr(inbox, name) for name in _SETTINGS}
    return InboxBody(
        id=inbox.id,
        name=inbox.name,
        channel_type=inbox.channel_type,
        chatbot=inbox.assistant_id,
        channel=ChannelBody(id=UUID(inbox.public_id), name=inbox.name, **settings),
        realm=inbox.realm_id,
        query_metadata=inbox.query_metadata,
        visitor_scope=inbox.visitor_scope,
        member_scope=inbox.member_scope,
        created_at=inbox.created_at,
        updated_at=inbox.updated_at,
        warnings=render_warnings(warnings),
    )


def render_web_chat(inbox: Inbox, warnings: Sequence[AccessWarning] = ()) -> WebChatBody:
    """Return the body of a web inbox."""
    same = {name: getattr(inbox, name) for name in (*_SETTINGS, *_SCOPES, "name", "created_at", "updated_at")}
    return WebChatBody(
        id=UUID(inbox.public_id),
        inbox=inbox.id,
        chatbot=inbox.assistant_id,
        warnings=render_warnings(warnings),
        **same,
    )
