"""Access profiles: named, reusable, and noticed by every answer that is being given."""

import pytest
from tests.making import make_base, make_label, member, opens

from frontdesk.access.actions import create_profile, delete_profile, review_query_metadata, update_profile
from frontdesk.access.errors import InvalidQueryMetadata, ProfileNameTaken
from frontdesk.access.model import Assurance, Layer
from frontdesk.access.queries import find_profiles, get_profile, get_scope_version, list_assigned, list_profiles
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.contacts.actions import create_contact
from frontdesk.contacts.model import Provenance
from frontdesk.core.errors import Forbidden, InvalidRequest, NotFound, PreconditionFailed
from frontdesk.core.ids import KnowledgeBaseId, ProfileId, new_id
from frontdesk.organizations.model import Right


async def test_a_profile_is_kept_as_it_was_written(tx, owner):
    """Foreign keys and spellings stay; without a minimum a profile asks for a platform's word."""
    raw = {"knowledgeBases": [], "source": "crm"}
    profile, _ = await create_profile(tx, owner, {"name": " VIP ", "query_metadata": raw})
    assert await get_profile(tx, profile.id) == profile
    assert (profile.name, profile.query_metadata, profile.version) == ("VIP", raw, 1)
    assert profile.minimum_assurance is Assurance.CHANNEL
    assert await find_profiles(tx, [profile.id, ProfileId(new_id())]) == [profile]


async def test_a_name_is_given_once(tx, owner):
    """Two profiles of one name could not be told apart; the refusal leaves nothing behind."""
    await create_profile(tx, owner, {"name": "VIP"})
    trial, _ = await create_profile(tx, owner, {"name": "Trial"})
    with pytest.raises(ProfileNameTaken):
        await create_profile(tx, owner, {"name": "VIP"})
    with pytest.raises(ProfileNameTaken):
        await update_profile(tx, owner, trial.id, {"name": "VIP"})
    profiles, count = await list_profiles(tx)
    assert ([profile.name for profile in profiles], count) == (["Trial", "VIP"], 2)


async def test_a_change_is_seen_by_answers_that_are_being_given(tx, owner):
    """Every change raises the scope version; writing what is there does not."""
    profile, _ = await create_profile(tx, owner, {"name": "VIP"})
    before = await get_scope_version(tx)
    changed, _ = await update_profile(tx, owner, profile.id, {"minimum_assurance": Assurance.SIGNED})
    assert (changed.version, changed.name, await get_scope_version(tx)) == (2, "VIP", before + 1)
    again, _ = await update_profile(tx, owner, profile.id, {"minimum_assurance": Assurance.SIGNED})
    assert (again, await get_scope_version(tx)) == (changed, before + 1)


async def test_a_lost_update_is_refused(tx, owner):
    """Whoever read version 1 does not overwrite version 2."""
    profile, _ = await create_profile(tx, owner, {"name": "VIP"})
    await update_profile(tx, owner, profile.id, {"name": "Gold"}, if_version=1)
    with pytest.raises(PreconditionFailed) as refused:
        await update_profile(tx, owner, profile.id, {"name": "Silver"}, if_version=1)
    assert refused.value.facts == {"version": 2}


async def test_deleting_a_profile_takes_it_from_everybody(tx, owner):
    """Nobody keeps a profile that is gone, and answers that are being given notice."""
    profile, _ = await create_profile(tx, owner, {"name": "VIP"})
    ann = await create_contact(tx, owner, fields={"name": "Ann"}, inbox_ids=[], provenance=Provenance.MEMBER)
    await assign_profile(tx, owner, ann.id, profile.id)
    before = await get_scope_version(tx)
    await delete_profile(tx, owner, profile.id)
    assert await list_assigned(tx, ann.id) == []
    assert await get_scope_version(tx) == before + 1
    with pytest.raises(NotFound):
        await get_profile(tx, profile.id)


async def test_only_who_may_edit_profiles_does(tx, owner):
    """The right is checked where the work is done, not only at the door."""
    profile, _ = await create_profile(tx, owner, {"name": "VIP"})
    viewer = member(owner, Right.PROFILES_VIEW)
    for attempt in (
        create_profile(tx, viewer, {"name": "Mine"}),
        update_profile(tx, viewer, profile.id, {"name": "Mine"}),
        delete_profile(tx, viewer, profile.id),
    ):
        with pytest.raises(Forbidden):
            await attempt


async def test_bad_query_metadata_is_refused_with_its_place(tx, owner):
    """The pointer begins at the field that carries the query metadata."""
    raw = {"knowledge_bases": [{"knowledge_base_id": "first"}]}
    with pytest.raises(InvalidQueryMetadata) as refused:
        await create_profile(tx, owner, {"name": "VIP", "query_metadata": raw})
    assert refused.value.pointer == "/queryMetadata/knowledge_bases/0/knowledge_base_id"
    with pytest.raises(InvalidRequest):
        await create_profile(tx, owner, {"name": "VIP", "query_metadata": {"note": "\x00"}})


async def test_what_refers_to_nothing_is_saved_with_a_warning(tx, owner):
    """Unknown ids open nothing and say so; what exists does not warn."""
    base = await make_base(tx, "Shop public")
    label = await make_label(tx, base, "public")
    condition = {"label_relations": {"operator": "OR", "conditions": [{"label_id": str(label)}], "applies_to": "all"}}
    _, fine = await create_profile(tx, owner, {"name": "Known", "query_metadata": opens(base) | condition})
    _, unknown = await create_profile(tx, owner, {"name": "Unknown", "query_metadata": opens(new_id())})
    assert fine == ()
    assert [(one.code, one.pointer) for one in unknown] == [("unknown-base", "/queryMetadata/knowledge_bases/0")]


async def test_another_organizations_base_is_unknown(tx, owner, db, other_organization):
    """A warning tells nothing about what another organization has."""
    async with db.begin(other_organization) as theirs:
        foreign = await make_base(theirs, "Theirs")
    _, warnings = await create_profile(tx, owner, {"name": "VIP", "query_metadata": opens(foreign)})
    assert [one.code for one in warnings] == ["unknown-base"]


async def test_a_base_that_no_inbox_reaches_warns(tx):
    """It exists, and yet the holder will never read it."""
    near, far = await make_base(tx, "Near"), await make_base(tx, "Far")
    raw = {"knowledge_bases": opens(near)["knowledge_bases"] + opens(far)["knowledge_bases"]}
    reach = frozenset({KnowledgeBaseId(near)})
    warnings = await review_query_metadata(tx, raw, layer=Layer.CONTACT, at="", reachable=reach)
    assert [(one.code, one.pointer) for one in warnings] == [("base-out-of-reach", "/knowledge_bases/1")]
