"""The audit log: who did what, and who may read it."""

from uuid import UUID

import pytest

from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.ids import ContactId, InboxId, new_id
from frontdesk.organizations import audit
from frontdesk.organizations.model import Caller, CallerKind, Grant, Right

SHOP, FORUM = InboxId(UUID(int=1)), InboxId(UUID(int=2))
CHANGE = {"email": {"before": "a@example.com", "after": "b@example.com"}, "name": {"before": "A", "after": "B"}}


def reader(owner: Caller, *grants: Grant) -> Caller:
    return Caller(CallerKind.MEMBER, UUID(int=77), "Rita", owner.organization_id, grants)


def grant(*rights: Right, inboxes: frozenset[InboxId] | None = None) -> Grant:
    return Grant(frozenset(rights), inboxes)


async def test_what_is_recorded_is_listed_newest_first(tx: Tx, owner: Caller):
    """An entry names actor, action and object; pages follow each other without gaps."""
    ids = [new_id() for _ in range(5)]
    member = reader(owner)
    for object_id in ids:
        await audit.record(tx, member, "contact.updated", "contact", object_id, payload={"n": 1})
    first = await audit.list_audit(tx, owner, limit=3)
    second = await audit.list_audit(tx, owner, limit=3, offset=3)
    assert [entry.object_id for entry in (*first.entries, *second.entries)][:5] == ids[::-1]
    assert first.count == second.count == 6  # the making of the organization is the sixth
    entry = first.entries[0]
    assert (entry.actor_kind, entry.actor_id, entry.actor_name) == ("member", member.id, "Rita")
    assert (entry.action, entry.object_kind, entry.payload) == ("contact.updated", "contact", {"n": 1})


async def test_personal_values_need_their_right(tx: Tx, owner: Caller):
    """Without `contacts.view_personal` everywhere, the log shows that an e-mail changed, not which."""
    await audit.record(tx, owner, "contact.updated", "contact", new_id(), payload=CHANGE)
    for more in ((), (grant(Right.CONTACTS_VIEW_PERSONAL, inboxes=frozenset({SHOP})),)):
        page = await audit.list_audit(tx, reader(owner, grant(Right.AUDIT_VIEW), *more), limit=1)
        assert page.entries[0].payload == {"email": audit.HIDDEN, "name": {"before": "A", "after": "B"}}
    assert (await audit.list_audit(tx, owner, limit=1)).entries[0].payload == CHANGE


async def test_the_log_of_a_contact_follows_its_inboxes(tx: Tx, owner: Caller):
    """A reader limited to an inbox reads the log of its contacts, and personal values only where that right holds."""
    contact = ContactId(new_id())
    await audit.record(tx, owner, "contact.updated", "contact", contact, contact_id=contact, payload=CHANGE)
    in_shop = grant(Right.AUDIT_VIEW, inboxes=frozenset({SHOP}))
    personal_in_forum = grant(Right.CONTACTS_VIEW_PERSONAL, inboxes=frozenset({FORUM}))
    rita = reader(owner, in_shop, personal_in_forum)

    async def read(*inboxes: InboxId) -> object:
        page = await audit.list_audit_of_contact(tx, rita, contact, frozenset(inboxes), limit=9)
        assert page.count == 1
        return page.entries[0].payload["email"]

    assert await read(SHOP) == audit.HIDDEN
    assert await read(SHOP, FORUM) == CHANGE["email"]
    with pytest.raises(NotFound):
        await read(FORUM)
    with pytest.raises(NotFound):
        await read()


async def test_a_limited_reader_sees_own_inboxes_and_own_deeds(tx: Tx, owner: Caller):
    """Of the organization's log a limited reader sees their inboxes and what they did themselves."""
    rita = reader(owner, grant(Right.AUDIT_VIEW, Right.CONTACTS_VIEW_PERSONAL, inboxes=frozenset({SHOP})))
    await audit.record(tx, owner, "inbox.updated", "inbox", SHOP)
    await audit.record(tx, owner, "inbox.updated", "inbox", FORUM)
    await audit.record(tx, owner, "api_key.created", "api_key", new_id())
    await audit.record(tx, rita, "note.written", "note", None)
    page = await audit.list_audit(tx, rita, limit=9)
    assert [entry.action for entry in page.entries] == ["note.written", "inbox.updated"]
    assert page.count == 2
    with pytest.raises(Forbidden):
        await audit.list_audit(tx, reader(owner), limit=9)


def test_blanking_reaches_every_depth_and_spelling():
    """A personal field is blank wherever it stands and however it is written; nothing else changes."""
    payload = {
        "rows": [{"phoneNumber": "1", "phone_numbers": ["2"], "E-Mail": "x", "labels": ["VIP"]}],
        "memory": {"facts": ["likes tea"]},
        "before": {"email": None, "version": 3},
    }
    assert audit.blank_personal(payload) == {
        "rows": [
            {"phoneNumber": audit.HIDDEN, "phone_numbers": audit.HIDDEN, "E-Mail": audit.HIDDEN, "labels": ["VIP"]}
        ],
        "memory": audit.HIDDEN,
        "before": {"email": audit.HIDDEN, "version": 3},
    }
