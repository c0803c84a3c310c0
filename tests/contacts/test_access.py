"""What a member opens for a contact: own conditions and profiles."""

import pytest
from tests.making import make_assistant, make_base, make_inbox, member, opens

from frontdesk.access.actions import create_profile
from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.queries import get_scope_version, list_assigned
from frontdesk.contacts import queries
from frontdesk.contacts.access_actions import assign_profile, list_access_warnings, set_access, unassign_profile
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import ProfileId, new_id
from frontdesk.organizations.audit import list_audit_of_contact
from frontdesk.organizations.model import Right


async def make_ann(tx, caller, *inboxes, query_metadata=None):
    ids = [inbox.id for inbox in inboxes]
    return await create_contact(
        tx, caller, fields={"name": "Ann"}, inbox_ids=ids, query_metadata=query_metadata, provenance=Provenance.MEMBER
    )


async def test_access_is_set_and_noticed(tx, owner):
    """It is kept as written, audited with what it was, and raises the scope version; the same again does not."""
    ann, before = await make_ann(tx, owner), await get_scope_version(tx)
    raw = {"knowledgeBases": [], "note": "from the shop"}
    assert await set_access(tx, owner, ann.id, raw, "add") == ()
    await set_access(tx, owner, ann.id, raw, "add")
    card = await queries.get_contact(tx, ann.id)
    assert (card.query_metadata, card.profiles_mode, card.version) == (raw, "add", 2)
    assert await get_scope_version(tx) == before + 1
    page = await list_audit_of_contact(tx, owner, ann.id, frozenset(), limit=9)
    assert page.entries[0].payload["query_metadata"] == {"before": None, "after": raw}
    assert page.count == 2


async def test_taking_own_conditions_away_is_not_closing(tx, owner):
    """None falls through to profiles and inboxes; an empty object opens nothing. Both are kept apart."""
    ann = await make_ann(tx, owner, query_metadata={})
    assert (await queries.get_contact(tx, ann.id)).query_metadata == {}
    await set_access(tx, owner, ann.id, None)
    assert (await queries.get_contact(tx, ann.id)).query_metadata is None


async def test_a_base_of_another_platform_is_saved_with_a_warning(tx, owner):
    """It opens nothing, because no assistant of the contact's inboxes has it, and the member is told."""
    near, far = await make_base(tx, "Near"), await make_base(tx, "Far")
    inbox = await make_inbox(tx, owner, assistant=await make_assistant(tx, owner, "Shop", near))
    ann = await make_ann(tx, owner, inbox)
    assert await set_access(tx, owner, ann.id, opens(near)) == ()
    [warning] = await set_access(tx, owner, ann.id, opens(far))
    assert (warning.code, warning.pointer) == ("base-out-of-reach", "/queryMetadata/knowledge_bases/0")
    assert await list_access_warnings(tx, await queries.get_contact(tx, ann.id)) == (warning,)


async def test_a_contact_without_an_inbox_is_not_bound_to_one(tx, owner):
    """Nothing is out of reach of a card that may yet come through any inbox."""
    ann = await make_ann(tx, owner)
    assert await set_access(tx, owner, ann.id, opens(await make_base(tx, "Any"))) == ()


async def test_bad_query_metadata_is_refused_and_nothing_is_written(tx, owner):
    """The card keeps its access and its version."""
    ann = await make_ann(tx, owner, query_metadata={})
    with pytest.raises(InvalidQueryMetadata):
        await set_access(tx, owner, ann.id, {"knowledge_bases": "all"})
    assert await queries.get_contact(tx, ann.id) == ann


async def test_profiles_are_given_and_taken(tx, owner):
    """Both are safe to repeat; each real change is noticed once, and the card says who did it."""
    ann, before = await make_ann(tx, owner), await get_scope_version(tx)
    vip, _ = await create_profile(tx, owner, {"name": "VIP"})
    for _ in range(2):
        await assign_profile(tx, owner, ann.id, vip.id)
    [held] = await list_assigned(tx, ann.id)
    assert (held.profile, held.provenance, held.assigned_by) == (vip, "member", owner.name)
    for _ in range(2):
        await unassign_profile(tx, owner, ann.id, vip.id)
    assert (await list_assigned(tx, ann.id), await get_scope_version(tx)) == ([], before + 2)
    assert (await queries.get_contact(tx, ann.id)).version == 3


async def test_access_is_given_in_own_inboxes_only(tx, owner):
    """A member opens nothing for a contact outside, nor with a profile that does not exist."""
    mine, theirs = await make_inbox(tx, owner, "Mine"), await make_inbox(tx, owner, "Theirs")
    ann, bob = await make_ann(tx, owner, mine), await make_ann(tx, owner, theirs)
    vip, _ = await create_profile(tx, owner, {"name": "VIP"})
    manager = member(owner, Right.CONTACTS_EDIT_ACCESS, inboxes={mine.id})
    await assign_profile(tx, manager, ann.id, vip.id)
    for attempt in (
        assign_profile(tx, manager, bob.id, vip.id),
        unassign_profile(tx, manager, bob.id, vip.id),
        set_access(tx, manager, bob.id, {}),
        assign_profile(tx, manager, ann.id, ProfileId(new_id())),
        assign_profile(tx, member(owner, Right.CONTACTS_EDIT), ann.id, vip.id),
    ):
        with pytest.raises(NotFound):
            await attempt
