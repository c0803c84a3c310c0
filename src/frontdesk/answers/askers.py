"""As whom a question is answered: the layers of access of one contact, in one session, for one message."""

from collections.abc import Mapping, Sequence
from typing import Any

from frontdesk.access import queries as access
from frontdesk.access.explaining import WrittenLayers, WrittenProfile
from frontdesk.access.layers import (
    ContactAccess,
    EffectiveScope,
    InboxAccess,
    ProfileAccess,
    SessionAccess,
    effective_scope,
    person_scope,
    staff_scope,
)
from frontdesk.access.model import Assurance, Layer
from frontdesk.access.reading import ScopeReader, load_reader
from frontdesk.answers.model import Asker, Voice, Way, share_answer
from frontdesk.assistants import queries as assistants
from frontdesk.channels import queries as channels
from frontdesk.channels.model import ChannelType, Inbox
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.knowing import load_known
from frontdesk.contacts.model import Contact, anybody
from frontdesk.conversations.model import Conversation
from frontdesk.core.db import Tx
from frontdesk.core.ids import SessionId, UserId
from frontdesk.core.text import utc_now
from frontdesk.identities import queries as identities
from frontdesk.organizations.roles import list_query_metadata_of


async def find_voice(tx: Tx, session_id: SessionId | None, assurance: Assurance) -> Voice:
    """Return the voice of a stored message. A session that has ended since speaks as anybody, and sets nothing."""
    if session_id is None:
        return Voice(assurance)
    session = await identities.find_session_by_id(tx, session_id)
    if session is None:
        return Voice(Assurance.ANONYMOUS, session_id)
    return Voice(assurance, session_id, session.claims)


async def load_asker(
    tx: Tx,
    contact: Contact,
    inbox: Inbox,
    voice: Voice,
    *,
    message: Mapping[str, Any] | None = None,
    page: Mapping[str, Any] | None = None,
) -> Asker:
    """Return who asks and what they may read now; `contact` may be one that is not stored, as `anybody()` makes it.

    `message` comes from an API caller, `page` from an unsigned page: both only narrow.
    """
    scope_version = await access.get_scope_version(tx)  # before the layers: a change in between is seen as a change
    scope = await _compile(tx, contact, inbox, voice, message=message, page=page)
    known = await load_known(tx, contact, voice.assurance)
    if known and voice.assurance < Assurance.CHANNEL and await identities.has_identity(tx, contact.id):
        known = ()  # a card that became known does not open to an unproven browser, whatever its fields allow
    ways = (Way(voice, message, page),)
    return Asker(contact, inbox, voice.assurance, voice.session_id, scope, scope_version, known, ways)


async def load_joint_asker(tx: Tx, conversation: Conversation, ways: Sequence[Way]) -> Asker:
    """Return as whom one answer to messages that came in all these `ways` is given now.

    Raises NotFound when the contact or the inbox is gone.
    """
    contact = await contacts.get_contact(tx, conversation.contact_id)
    inbox = await channels.get_inbox(tx, conversation.inbox_id)
    return share_answer(
        [await load_asker(tx, contact, inbox, way.voice, message=way.message, page=way.page) for way in ways]
    )


async def _compile(
    tx: Tx,
    contact: Contact,
    inbox: Inbox,
    voice: Voice,
    *,
    message: Mapping[str, Any] | None,
    page: Mapping[str, Any] | None,
) -> EffectiveScope:
    read = await load_reader(tx)
    inbox_access = await open_inbox(tx, read, inbox)
    contact_access = await _open_contact(tx, read, contact)
    claimed = await access.find_profiles(tx, voice.claims.access_profiles)
    gone = len(set(voice.claims.access_profiles)) - len(claimed)  # deleted since: they open nothing, not something else
    session_access = SessionAccess(
        voice.assurance,
        (*(read.profile(profile) for profile in claimed), *[ProfileAccess(None)] * gone),
        read(voice.claims.query_metadata, Layer.MESSAGE),
    )
    return effective_scope(
        inbox_access,
        person_scope(inbox_access, contact_access, session_access),
        message=read(message, Layer.MESSAGE),
        page=read(page, Layer.PAGE),
    )


async def load_staff_asker(tx: Tx, user_id: UserId, inbox: Inbox, *, message: Mapping[str, Any] | None = None) -> Asker:
    """Return a member as somebody who asks: what the query metadata of any of their roles opens, narrowed as usual."""
    scope_version = await access.get_scope_version(tx)
    read = await load_reader(tx)
    roles = [read(raw, Layer.ROLE) for raw in await list_query_metadata_of(tx, user_id)]
    inbox_access = await open_inbox(tx, read, inbox)
    scope = effective_scope(inbox_access, staff_scope(roles), message=read(message, Layer.MESSAGE))
    return Asker(anybody(utc_now()), inbox, Assurance.SIGNED, None, scope, scope_version)


async def load_written(tx: Tx, contact: Contact, inbox: Inbox, assurance: Assurance) -> WrittenLayers:
    """Return what the scope of `load_asker` is made from, as it was written, for a message that narrows nothing."""
    read = await load_reader(tx)
    assigned = await access.list_assigned(tx, contact.id)
    return WrittenLayers(
        inbox=read.written(inbox.query_metadata, Layer.INBOX),
        visitor_scope=read.written(inbox.visitor_scope, Layer.VISITOR_SCOPE),
        member_scope=read.written(inbox.member_scope, Layer.MEMBER_SCOPE),
        contact=read.written(contact.query_metadata, Layer.CONTACT),
        profiles=tuple(
            WrittenProfile(
                one.profile.id,
                one.profile.name,
                read.written(one.profile.query_metadata, Layer.PROFILE),
                one.profile.minimum_assurance,
            )
            for one in assigned
        ),
        assurance=assurance,
    )


def assurances_of(kind: ChannelType, *, is_known: bool) -> Sequence[Assurance]:
    """Return how people of a card can be proven in an inbox of this kind, the weakest first."""
    if kind.has_own_people:
        return (Assurance.CHANNEL, Assurance.SIGNED)
    if kind is ChannelType.API or is_known:
        return (Assurance.ANONYMOUS, Assurance.SIGNED)
    return (Assurance.ANONYMOUS,)


async def load_access(tx: Tx, contact: Contact, inbox: Inbox) -> tuple[InboxAccess, ContactAccess]:
    """Return what the inbox opens, and what is written on the contact's card about its access."""
    read = await load_reader(tx)
    return await open_inbox(tx, read, inbox), await _open_contact(tx, read, contact)


async def open_inbox(tx: Tx, read: ScopeReader, inbox: Inbox) -> InboxAccess:
    """Return what the inbox and its assistant open."""
    return InboxAccess(
        bases=frozenset(await assistants.list_bases_of(tx, inbox.assistant_id)),
        query_metadata=read(inbox.query_metadata, Layer.INBOX),
        visitor_scope=read(inbox.visitor_scope, Layer.VISITOR_SCOPE),
        member_scope=read(inbox.member_scope, Layer.MEMBER_SCOPE),
    )


async def _open_contact(tx: Tx, read: ScopeReader, contact: Contact) -> ContactAccess:
    assigned = await access.list_assigned(tx, contact.id)
    return ContactAccess(
        query_metadata=read(contact.query_metadata, Layer.CONTACT),
        profiles=tuple(read.profile(item.profile) for item in assigned),
        profiles_mode=contact.profiles_mode,
        has_identity=await identities.has_identity(tx, contact.id),
    )
