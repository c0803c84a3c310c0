"""Anonymous contacts that nobody has to do with go after some days; everybody else stays."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.making import make_inbox, member

from frontdesk.access.model import Assurance
from frontdesk.channels.model import Inbox
from frontdesk.contacts.actions import create_anonymous, create_contact, update_contact
from frontdesk.contacts.model import Provenance
from frontdesk.conversations.actions import receive_message
from frontdesk.conversations.model import Incoming
from frontdesk.conversations.queries import insert_conversation, update_conversation
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound
from frontdesk.core.ids import ContactId, InboxId, OrganizationId, new_id
from frontdesk.core.services import Services
from frontdesk.core.text import utc_now
from frontdesk.identities.source_ids import set_source_id
from frontdesk.lifecycle.erasing import is_authentic, list_erasures
from frontdesk.lifecycle.retention import delete_rule, get_rule, on_retention_due, preview_rule, set_rule
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.model import Caller, Right

DAYS = 30


async def visit(tx: Tx, inbox: Inbox, *, days_ago: int) -> ContactId:
    """A visitor who wrote once, so many days ago."""
    at = utc_now() - timedelta(days=days_ago)
    contact = await create_anonymous(tx, inbox.id, now=at)
    conversation = await insert_conversation(tx, contact, inbox.id, now=at)
    await receive_message(tx, conversation, Incoming("How long?", contact, Assurance.ANONYMOUS), now=at)
    await tx.execute("UPDATE contacts SET created_at = %(at)s WHERE id = %(id)s", {"at": at, "id": contact})
    return contact


async def list_present(tx: Tx) -> set[ContactId]:
    return {row[0] for row in await tx.fetch("SELECT id FROM contacts")}


async def know(tx: Tx, owner: Caller, contact: ContactId, inbox: Inbox) -> None:
    await set_source_id(tx, owner, contact, f"M-{new_id()}")


async def name(tx: Tx, owner: Caller, contact: ContactId, inbox: Inbox) -> None:
    await update_contact(tx, owner, contact, {"name": "Ann"}, provenance=Provenance.MEMBER)


async def block(tx: Tx, owner: Caller, contact: ContactId, inbox: Inbox) -> None:
    await tx.execute("UPDATE contacts SET blocked_at = now() WHERE id = %(id)s", {"id": contact})


async def give_access(tx: Tx, owner: Caller, contact: ContactId, inbox: Inbox) -> None:
    await tx.execute("UPDATE contacts SET query_metadata = '{}' WHERE id = %(id)s", {"id": contact})


async def wait_for_member(tx: Tx, owner: Caller, contact: ContactId, inbox: Inbox) -> None:
    sql = "SELECT id FROM conversations WHERE contact_id = %(id)s"
    await update_conversation(tx, await tx.fetch_value(sql, {"id": contact}), waits_for_member=True)


async def come_elsewhere(tx: Tx, owner: Caller, contact: ContactId, inbox: Inbox) -> None:
    other = await make_inbox(tx, owner, f"Other {new_id()}")
    sql = "INSERT INTO contact_inboxes (organization_id, contact_id, inbox_id) VALUES (%(o)s, %(c)s, %(i)s)"
    await tx.execute(sql, {"o": tx.organization_id, "c": contact, "i": other.id})


async def test_only_those_go_whom_nobody_has_to_do_with(
    services: Services, organization: OrganizationId, owner: Caller
):
    """Known, named, blocked, permitted, waiting, seen elsewhere or lately: each stays; the preview counts the others."""
    ties: list[Callable[[Tx, Caller, ContactId, Inbox], Awaitable[None]]] = [
        know,
        name,
        block,
        give_access,
        wait_for_member,
        come_elsewhere,
    ]
    async with services.db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner)
        old = [await visit(tx, inbox, days_ago=DAYS + 1) for _ in range(3)]
        kept = [await visit(tx, inbox, days_ago=DAYS - 1)]
        for tie in ties:
            contact = await visit(tx, inbox, days_ago=DAYS + 1)
            await tie(tx, owner, contact, inbox)
            kept.append(contact)
        made = await create_contact(tx, owner, fields={}, inbox_ids=[inbox.id], provenance=Provenance.MEMBER)
        preview = await preview_rule(tx, owner, inbox.id, after_days=DAYS)
        assert (preview.count, preview.waiting, {one.id for one in preview.sample}) == (3, 0, set(old))
        assert [one.messages for one in preview.sample] == [1, 1, 1]
        await set_rule(tx, owner, inbox.id, after_days=DAYS, is_enabled=False)
    await on_retention_due(services, organization)
    async with services.db.begin(organization) as tx:
        assert {*old, *kept} <= await list_present(tx), "a rule that is not enabled does nothing"
        await set_rule(tx, owner, inbox.id, after_days=DAYS, is_enabled=True)
    for _ in range(2):  # safe to repeat
        await on_retention_due(services, organization)
    async with services.db.begin(organization) as tx:
        assert await list_present(tx) == {*kept, made.id}
        assert await tx.fetch_value("SELECT count(*) FROM messages") == len(kept)
        entries = (await list_audit(tx, owner, limit=50)).entries
        assert [entry.payload for entry in entries if entry.action == "retention.applied"] == [
            {"contacts": 3, "after_days": DAYS}
        ]
        ((_, (receipt,)), rule) = await list_erasures(tx, owner, limit=9, offset=0), await get_rule(tx, owner, inbox.id)
        assert is_authentic(services.cipher, receipt)
        assert (receipt.contact_id, receipt.inbox_id, receipt.receipt["contacts"]) == (None, inbox.id, 3)
        assert rule is not None


async def test_a_visitor_who_also_wrote_lately_keeps_the_session(
    services: Services, organization: OrganizationId, owner: Caller
):
    """One browser has one contact per conversation: the old one goes, and the new one goes on."""
    async with services.db.begin(organization) as tx:
        inbox = await make_inbox(tx, owner)
        old, new = [await visit(tx, inbox, days_ago=days) for days in (DAYS + 1, 1)]
        session = new_id()
        await tx.execute(
            """
            INSERT INTO chat_sessions (organization_id, id, inbox_id, token_hash, assurance, created_at, last_seen_at,
                                       expires_at)
            VALUES (%(organization)s, %(id)s, %(inbox)s, '\\x01', 0, now(), now(), now() + interval '1 day')
            """,
            {"organization": organization, "id": session, "inbox": inbox.id},
        )
        await tx.execute("UPDATE conversations SET session_id = %(id)s", {"id": session})
        await set_rule(tx, owner, inbox.id, after_days=DAYS, is_enabled=True)
    await on_retention_due(services, organization)
    async with services.db.begin(organization) as tx:
        assert await list_present(tx) == {new}
        assert old != new
        assert await tx.fetch_value("SELECT count(*) FROM chat_sessions WHERE ended_at IS NULL") == 1


async def test_rules_are_set_by_who_may_and_make_sense(tx: Tx, owner: Caller):
    """Configuring counts everywhere or not at all; erasing is a right of its own; days are days."""
    inbox = await make_inbox(tx, owner)
    assert await get_rule(tx, owner, inbox.id) is None
    limited = member(owner, inboxes={inbox.id})
    unarmed = member(owner, Right.CONTACTS_CONFIGURE)
    for caller in (limited, unarmed):
        with pytest.raises(Forbidden):
            await set_rule(tx, caller, inbox.id, after_days=DAYS, is_enabled=True)
    with pytest.raises(NotFound):
        await set_rule(tx, owner, InboxId(new_id()), after_days=DAYS, is_enabled=True)
    for days in (0, 3651):
        with pytest.raises(InvalidRequest):
            await set_rule(tx, owner, inbox.id, after_days=days, is_enabled=True)
    await set_rule(tx, owner, inbox.id, after_days=DAYS, is_enabled=True)
    await delete_rule(tx, owner, inbox.id)
    assert await get_rule(tx, owner, inbox.id) is None
