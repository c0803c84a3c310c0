"""Deleting a contact and taking that back."""

import pytest
from tests.identities.conftest import open_shop_beside
from tests.identities.tokens import NOW
from tests.making import member

from frontdesk.access.actions import create_profile
from frontdesk.access.queries import list_assigned
from frontdesk.contacts import queries as contacts
from frontdesk.contacts.access import access_contact
from frontdesk.contacts.access_actions import assign_profile, set_access
from frontdesk.contacts.actions import create_anonymous
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import new_id
from frontdesk.identities import queries
from frontdesk.identities.actions import find_session, start_visitor_session
from frontdesk.identities.deletion import delete_contact, restore_contact
from frontdesk.identities.errors import ContactMerged, SourceIdTaken
from frontdesk.identities.source_ids import set_source_id
from frontdesk.organizations.audit import list_audit
from frontdesk.organizations.model import Right


async def merge(tx, from_id, into_id):
    """What a merge leaves behind for those who read."""
    merge_id = new_id()
    params = {"organization": tx.organization_id, "merge": merge_id, "from": from_id, "into": into_id, "now": NOW}
    await tx.execute(
        """
        INSERT INTO merges (organization_id, id, survivor_id, reason, merged_at)
        VALUES (%(organization)s, %(merge)s, %(into)s, 'member', %(now)s)
        """,
        params,
    )
    await tx.execute(
        """
        INSERT INTO merged_contacts (organization_id, contact_id, survivor_id, merge_id)
        VALUES (%(organization)s, %(from)s, %(into)s, %(merge)s)
        """,
        params,
    )
    await contacts.set_deleted(tx, from_id, NOW, NOW)


async def test_a_deleted_contact_is_hidden_and_its_source_ids_are_free(tx, owner, shop):
    """Its sessions end; whoever comes with the source id is a new contact, and reads nothing of the old one."""
    opening = await shop.open(tx, "M-1", name="Ann")
    await delete_contact(tx, owner, opening.contact_id)
    with pytest.raises(NotFound):
        await access_contact(tx, owner, opening.contact_id, Right.CONTACTS_VIEW)
    assert await find_session(tx, opening.token, NOW) is None
    again = await shop.open(tx, "M-1")
    assert again.contact_id != opening.contact_id
    assert (await contacts.get_contact(tx, again.contact_id)).name == ""
    with pytest.raises(NotFound):
        await delete_contact(tx, owner, opening.contact_id)
    assert "contact.deleted" in [entry.action for entry in (await list_audit(tx, owner, limit=9)).entries]


async def test_a_deleted_visitor_starts_anew(tx, owner, shop):
    """The session that wrote as this anonymous contact ends; another visitor's goes on."""
    session, token = await start_visitor_session(tx, shop.inbox, NOW)
    _, other = await start_visitor_session(tx, shop.inbox, NOW)
    visitor = await create_anonymous(tx, shop.inbox.id, now=NOW)
    params = {"o": tx.organization_id, "id": new_id(), "c": visitor, "i": shop.inbox.id, "s": session.id, "now": NOW}
    sql = "INSERT INTO conversations (organization_id, id, contact_id, inbox_id, session_id, created_at, updated_at) "
    await tx.execute(sql + "VALUES (%(o)s, %(id)s, %(c)s, %(i)s, %(s)s, %(now)s, %(now)s)", params)
    await delete_contact(tx, owner, visitor)
    assert await find_session(tx, token, NOW) is None
    assert await find_session(tx, other, NOW)
    assert await tx.fetch_value("SELECT count(*) FROM conversations") == 1


async def test_a_restored_contact_has_its_source_ids_again(tx, owner, shop):
    """Card, inboxes and identity are as before; restoring again does nothing."""
    ann = (await shop.open(tx, "M-1", name="Ann")).contact_id
    await delete_contact(tx, owner, ann)
    restored = await restore_contact(tx, owner, ann)
    assert (restored.name, restored.deleted_at, restored.query_metadata) == ("Ann", None, None)
    assert (await shop.open(tx, "M-1")).contact_id == ann
    assert await restore_contact(tx, owner, ann) == await contacts.get_contact(tx, ann)
    await delete_contact(tx, owner, ann)
    assert [key.source_id for key in await queries.list_released(tx, ann)] == ["M-1"]


async def test_a_source_id_that_was_taken_meanwhile_stays_where_it_is(tx, owner, shop):
    """The restore is refused with the holder and the offer to merge, and the contact stays deleted."""
    ann = (await shop.open(tx, "M-1")).contact_id
    await delete_contact(tx, owner, ann)
    holder = (await shop.open(tx, "M-1", name="Bob")).contact_id
    with pytest.raises(SourceIdTaken) as taken:
        async with tx.savepoint():
            await restore_contact(tx, owner, ann)
    assert taken.value.facts["holder"] == {"id": str(holder), "name": "Bob"}
    assert (await contacts.get_contact(tx, ann)).deleted_at is not None
    await set_source_id(tx, owner, holder, "M-2")
    assert (await restore_contact(tx, owner, ann)).deleted_at is None


async def test_access_returns_after_a_confirmation_only(tx, owner, shop):
    """Unconfirmed, a contact that had access of its own reads nothing, not even what every member reads."""
    vip, _ = await create_profile(tx, owner, {"name": "VIP"})
    narrow = {"knowledge_bases": [{"knowledge_base_id": str(new_id())}]}
    ann, bea, cleo, dan = [(await shop.open(tx, name)).contact_id for name in ("ann", "bea", "cleo", "dan")]
    for contact_id in (ann, bea):
        await set_access(tx, owner, contact_id, narrow, "add")
        await assign_profile(tx, owner, contact_id, vip.id)
    await assign_profile(tx, owner, cleo, vip.id)
    for contact_id in (ann, bea, cleo, dan):
        await delete_contact(tx, owner, contact_id)
    confirmed = await restore_contact(tx, owner, ann, confirm_access=True)
    assert (confirmed.query_metadata, confirmed.profiles_mode) == (narrow, "add")
    assert len(await list_assigned(tx, ann)) == 1
    for contact_id in (bea, cleo):
        closed = await restore_contact(tx, owner, contact_id)
        assert (closed.query_metadata, closed.profiles_mode) == ({}, "replace")
        assert await list_assigned(tx, contact_id) == []
    assert (await restore_contact(tx, owner, dan)).query_metadata is None
    entry = next(one for one in (await list_audit(tx, owner, limit=9)).entries if one.contact_id == bea)
    assert entry.payload["closed"]["query_metadata"] == narrow


async def test_a_merged_id_is_neither_deleted_nor_restored(tx, owner, shop):
    """It says where the contact went; over several merges, to the last one."""
    ann, bea, cleo = [(await shop.open(tx, name)).contact_id for name in ("ann", "bea", "cleo")]
    await merge(tx, ann, bea)
    await merge(tx, bea, cleo)
    assert await queries.resolve_contact_id(tx, ann) == cleo
    for attempt in (
        delete_contact(tx, owner, ann),
        restore_contact(tx, owner, ann),
        set_source_id(tx, owner, ann, "x"),
    ):
        with pytest.raises(ContactMerged) as merged:
            await attempt
        assert merged.value.facts == {"survivor": str(cleo)}


async def test_deleting_takes_the_right_in_an_inbox_of_the_contact(tx, owner, shop):
    """For others the contact does not exist, deleted or not."""
    beside = await open_shop_beside(tx, owner, shop)
    ann = (await shop.open(tx, "M-1")).contact_id
    stranger, viewer = member(owner, inboxes={beside.inbox.id}), member(owner, Right.CONTACTS_VIEW)
    for caller in (stranger, viewer):
        with pytest.raises(NotFound):
            await delete_contact(tx, caller, ann)
    await delete_contact(tx, owner, ann)
    for caller in (stranger, viewer):
        with pytest.raises(NotFound):
            await restore_contact(tx, caller, ann)
    with pytest.raises(NotFound):
        await restore_contact(tx, owner, new_id())
