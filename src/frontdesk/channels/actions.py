"""What is done with inboxes."""

from dataclasses import replace
from typing import Final
from uuid import uuid4

from frontdesk.access.actions import review_query_metadata
from frontdesk.access.grants import may_open_all, require_holding
from frontdesk.access.model import All, KnowledgeBase, Layer, Nothing, Scope, all_of, any_of
from frontdesk.access.queries import raise_scope_version
from frontdesk.access.reading import ScopeReader, load_reader
from frontdesk.access.warnings import AccessWarning
from frontdesk.assistants.model import Assistant
from frontdesk.assistants.queries import list_bases_of, lock_assistant
from frontdesk.channels import queries
from frontdesk.channels.access import access_assistant, access_inbox
from frontdesk.channels.checks import change_inbox
from frontdesk.channels.errors import InboxOfAssistant
from frontdesk.channels.model import (
    ChannelType,
    IdentityMode,
    Inbox,
    InboxChanges,
    OnLogin,
    Realm,
    RealmKind,
)
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import AssistantId, InboxId, RealmId, new_id
from frontdesk.core.text import utc_now
from frontdesk.organizations import audit
from frontdesk.organizations.directory import register_public_id
from frontdesk.organizations.model import Caller, Right

DIRECTORY_KIND: Final = "inbox"


async def create_inbox(
    tx: Tx,
    caller: Caller,
    changes: InboxChanges,
    *,
    channel_type: ChannelType,
    has_own_realm: bool = False,
) -> tuple[Inbox, tuple[AccessWarning, ...]]:
    """Connect an assistant to a channel, and return the inbox with warnings. `changes` say name and assistant at least.

    A web or API inbox shares the organization's member realm, unless `has_own_realm`: then it has people of its own.
    Right: inboxes.edit in all inboxes. Raises Forbidden, InvalidRequest, InvalidQueryMetadata, and GrantNotHeld when it
    opens documents which the caller neither sees nor holds.
    """
    if caller.inboxes_for(Right.INBOXES_EDIT) is not None:
        raise Forbidden("A new inbox would lie outside your inboxes.")
    if "name" not in changes or "assistant_id" not in changes:
        raise InvalidRequest("An inbox needs a name and an assistant.", pointer="/name")
    await _check_assistant(tx, caller, changes["assistant_id"])
    inbox = change_inbox(_blank_inbox(channel_type, changes["assistant_id"]), changes)
    inbox = replace(inbox, realm_id=await _choose_realm(tx, inbox, has_own_realm=has_own_realm))
    await _require_holding(tx, caller, None, inbox)
    return inbox, await _insert_inbox(tx, caller, inbox)


async def create_own_inbox(tx: Tx, caller: Caller, assistant: Assistant) -> Inbox:
    """Make the inbox of a new assistant, through which the API speaks to it. It opens nothing yet.

    Whoever may make an assistant gets it, with or without the right to make inboxes.
    """
    realm = await queries.get_default_realm(tx)
    inbox = replace(_blank_inbox(ChannelType.API, assistant.id), name=assistant.name, realm_id=realm.id)
    await _insert_inbox(tx, caller, inbox)
    return inbox


async def _insert_inbox(tx: Tx, caller: Caller, inbox: Inbox) -> tuple[AccessWarning, ...]:
    remarks = await review_inbox(tx, inbox)
    await queries.insert_inbox(tx, inbox)
    await register_public_id(tx, inbox.public_id, DIRECTORY_KIND)
    await audit.record(tx, caller, "inbox.created", "inbox", inbox.id, payload=_facts(inbox))
    return remarks


async def update_inbox(
    tx: Tx, caller: Caller, inbox_id: InboxId, changes: InboxChanges
) -> tuple[Inbox, tuple[AccessWarning, ...]]:
    """Change an inbox, and return it with warnings; other scopes count from the next message on.

    With another identity mode its proven sessions end: whoever was proven in the former way is proven no more. Right:
    inboxes.edit. Raises NotFound, InvalidRequest, InvalidQueryMetadata, InboxOfAssistant when an assistant's own inbox
    would get another assistant, and GrantNotHeld when it would open documents which the caller neither sees nor holds.
    """
    await access_inbox(tx, caller, inbox_id, Right.INBOXES_EDIT)
    old = await queries.lock_inbox(tx, inbox_id)
    new = change_inbox(old, changes)
    if new.assistant_id != old.assistant_id:
        await _refuse_own(tx, old)
        await _check_assistant(tx, caller, new.assistant_id)
    remarks = await review_inbox(tx, new)
    if new == old:
        return old, remarks
    await _require_holding(tx, caller, old, new)
    new = replace(new, updated_at=utc_now())
    await queries.update_inbox(tx, new)
    is_other_mode = new.identity_mode is not old.identity_mode
    ended = await queries.end_proven_sessions(tx, inbox_id, new.updated_at) if is_other_mode else 0
    payload = {"before": _facts(old), "after": _facts(new), "ended_sessions": ended}
    await audit.record(tx, caller, "inbox.updated", "inbox", inbox_id, payload=payload)
    if ended or _access(new) != _access(old):
        await raise_scope_version(tx)
    return new, remarks


async def delete_inbox(tx: Tx, caller: Caller, inbox_id: InboxId) -> None:
    """Disconnect the inbox for good; contacts and conversations stay.

    Right: inboxes.edit. Raises NotFound, and InboxOfAssistant for an assistant's own inbox.
    """
    await access_inbox(tx, caller, inbox_id, Right.INBOXES_EDIT)
    inbox = await queries.lock_inbox(tx, inbox_id)
    await _refuse_own(tx, inbox)
    await queries.delete_inbox(tx, inbox_id, utc_now())
    await audit.record(tx, caller, "inbox.deleted", "inbox", inbox_id, payload={"name": inbox.name})
    await raise_scope_version(tx)


async def review_inbox(tx: Tx, inbox: Inbox) -> tuple[AccessWarning, ...]:
    """Remark what in the scopes of an inbox is probably not meant, such as a base that its assistant has not got.

    Raises InvalidQueryMetadata.
    """
    reachable = frozenset(await list_bases_of(tx, inbox.assistant_id))
    scopes = (
        (inbox.query_metadata, Layer.INBOX, "/queryMetadata"),
        (inbox.visitor_scope, Layer.VISITOR_SCOPE, "/visitorScope"),
        (inbox.member_scope, Layer.MEMBER_SCOPE, "/memberScope"),
    )
    remarks: list[AccessWarning] = []
    for raw, layer, pointer in scopes:
        remarks += await review_query_metadata(tx, raw, layer=layer, at=pointer, reachable=reachable)
    return tuple(remarks)


def _blank_inbox(channel_type: ChannelType, assistant_id: AssistantId) -> Inbox:
    now = utc_now()
    return Inbox(
        id=InboxId(new_id()),
        name="",
        channel_type=channel_type,
        assistant_id=assistant_id,
        realm_id=RealmId(new_id()),
        public_id=str(uuid4()),  # nothing but random bits: it is public
        identity_mode=IdentityMode.NONE,
        on_login=OnLogin.MERGE,
        allowed_origins=(),
        greeting="",
        starters=(),
        query_metadata=None,
        visitor_scope=None,
        member_scope=None,
        created_at=now,
        updated_at=now,
    )


async def _choose_realm(tx: Tx, inbox: Inbox, *, has_own_realm: bool) -> RealmId:
    has_own_people = inbox.channel_type.has_own_people
    if not has_own_people and not has_own_realm:
        return (await queries.get_default_realm(tx)).id
    kind = RealmKind.CHANNEL if has_own_people else RealmKind.MEMBER
    realm = Realm(inbox.realm_id, inbox.name, kind, is_default=False, created_at=inbox.created_at)
    await queries.insert_realm(tx, realm)
    return realm.id


async def _check_assistant(tx: Tx, caller: Caller, assistant_id: AssistantId) -> None:
    """Raise InvalidRequest unless the caller sees the assistant; it cannot be deleted before this transaction ends."""
    try:
        await access_assistant(tx, caller, assistant_id)
        await lock_assistant(tx, assistant_id)
    except NotFound as error:
        raise InvalidRequest("There is no such assistant.", pointer="/chatbot") from error


async def _refuse_own(tx: Tx, inbox: Inbox) -> None:
    own = await queries.find_own_inboxes(tx, [inbox.assistant_id])
    if own.get(inbox.assistant_id) == inbox:
        raise InboxOfAssistant


async def _require_holding(tx: Tx, caller: Caller, old: Inbox | None, new: Inbox) -> None:
    """Refuse to open what the caller does not hold: to visitors, to members, or to whoever has an access of its own."""
    if may_open_all(caller):
        return
    read = await load_reader(tx)
    after = await _scopes(tx, read, new)
    before = [Nothing(), Nothing(), after[2]] if old is None else await _scopes(tx, read, old)
    await require_holding(tx, caller, zip(before, after, strict=True))


async def _scopes(tx: Tx, read: ScopeReader, inbox: Inbox) -> list[Scope]:
    """Return what visitors, members, and people with an access of their own read at most in the inbox."""
    bases = any_of(*map(KnowledgeBase, await list_bases_of(tx, inbox.assistant_id)))
    narrowed = read(inbox.query_metadata, Layer.INBOX)
    most = all_of(bases, All() if narrowed is None else narrowed)
    visitor, member = read(inbox.visitor_scope, Layer.VISITOR_SCOPE), read(inbox.member_scope, Layer.MEMBER_SCOPE)
    return [all_of(most, visitor or Nothing()), all_of(most, member or Nothing()), most]


def _access(inbox: Inbox) -> tuple[object, ...]:
    """Return what of an inbox decides who reads what."""
    return inbox.assistant_id, inbox.query_metadata, inbox.visitor_scope, inbox.member_scope


def _facts(inbox: Inbox) -> dict[str, object]:
    return {
        "name": inbox.name,
        "channel_type": inbox.channel_type,
        "assistant_id": str(inbox.assistant_id),
        "identity_mode": inbox.identity_mode,
        "on_login": inbox.on_login,
        "allowed_origins": inbox.allowed_origins,
        "greeting": inbox.greeting,
        "starters": inbox.starters,
        "query_metadata": inbox.query_metadata,
        "visitor_scope": inbox.visitor_scope,
        "member_scope": inbox.member_scope,
    }
