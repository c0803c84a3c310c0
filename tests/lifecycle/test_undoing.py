"""A merge is taken back."""

import pytest
from tests.lifecycle.people import list_homeless, make_person, owner_of, snapshot, talk, write
from tests.making import make_base, member, opens

from frontdesk.access.actions import create_profile
from frontdesk.access.model import Assurance
from frontdesk.access.queries import list_assigned
from frontdesk.contacts.access_actions import assign_profile, set_access
from frontdesk.contacts.actions import update_contact
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.queries import get_contact, list_inboxes_of
from frontdesk.core.errors import NotFound
from frontdesk.core.ids import new_id
from frontdesk.core.text import utc_now
from frontdesk.identities.deletion import delete_contact, restore_contact
from frontdesk.identities.queries import list_identities, resolve_contact_id
from frontdesk.identities.source_ids import unlink_identity
from frontdesk.lifecycle.errors import AccessWouldWiden, ContactDeleted, LaterMerge, MergeSealed
from frontdesk.lifecycle.merging import merge_contacts
from frontdesk.lifecycle.undoing import list_merges, preview_undo, undo_merge
from frontdesk.organizations.model import Right


@pytest.fixture
async def pair(tx, owner, inbox, other_inbox):
    """Ann and Bob, who have everything."""
    ann = await make_person(
        tx, owner, inbox, "Ann", source_id="A-1", emails=["ann@example.com"], attributes={"level": "gold"}
    )
    bob = await make_person(
        tx,
        owner,
        other_inbox,
        "",
        source_id="B-1",
        emails=["ANN@example.com", "bob@example.com"],
        phones=["+886912345678"],
        language="de",
        attributes={"team": "red"},
    )
    await talk(tx, inbox, ann)
    await talk(tx, other_inbox, bob, "Hello", "Are you there?")
    return ann, bob


async def test_nothing_changed_so_all_is_as_it_was(tx, owner, inbox, pair):
    """By the content of every table but sessions, log and ledger."""
    before = await snapshot(tx)
    merged = await merge_contacts(tx, owner, pair[0], [pair[1]], choices={"attributes.level": pair[1]})
    assert await snapshot(tx) != before
    await undo_merge(tx, owner, merged.merge_id)
    assert await snapshot(tx) == before
    assert await list_homeless(tx) == []


async def test_a_dry_run_tells_and_changes_nothing(tx, owner, inbox, pair):
    """Not even the ledger."""
    merged = await merge_contacts(tx, owner, pair[0], [pair[1]], choices={})
    between = await snapshot(tx)
    told = await preview_undo(tx, owner, merged.merge_id)
    assert (told.returned["conversations"], told.returned["identities"], told.staying) == (1, 1, 0)
    assert set(told.restored) >= {"language", "attributes.team"}
    assert await snapshot(tx) == between
    assert (await undo_merge(tx, owner, merged.merge_id)).returned == told.returned


async def test_undone_twice_is_undone_once_and_can_be_merged_again(tx, owner, pair):
    """A double click harms nobody."""
    first = await merge_contacts(tx, owner, pair[0], [pair[1]], choices={})
    await undo_merge(tx, owner, first.merge_id)
    assert (await undo_merge(tx, owner, first.merge_id)).returned == {}
    again = await merge_contacts(tx, owner, pair[0], [pair[1]], choices={})
    assert again.merge_id != first.merge_id
    count, merges = await list_merges(tx, owner, pair[1], limit=10)
    assert (count, [one.undone_at is None for one in merges]) == (2, [True, False])


async def test_a_field_that_changed_since_stays_and_the_other_has_what_it_had(tx, owner, pair):
    """One field at a time, an added e-mail too."""
    ann, bob = pair
    merged = await merge_contacts(tx, owner, ann, [bob], choices={})
    card = await get_contact(tx, ann)
    changes = {"language": "fr", "emails": [*card.emails, "new@example.com"]}
    await update_contact(tx, owner, ann, changes, provenance=Provenance.MEMBER)
    undone = await undo_merge(tx, owner, merged.merge_id)
    assert "language" in undone.kept
    card = await get_contact(tx, ann)
    assert (card.language, card.emails, card.attributes) == (
        "fr",
        ("ann@example.com", "new@example.com"),
        {"level": "gold"},
    )
    other = await get_contact(tx, bob)
    assert (other.language, other.emails) == ("de", ("ANN@example.com", "bob@example.com"))


async def test_messages_go_with_their_conversation_and_new_conversations_stay(tx, owner, inbox, other_inbox, pair):
    """Written to since, a moved conversation returns; one that began since through nobody's identity stays."""
    ann, bob = pair
    earlier = await talk(tx, other_inbox, bob)
    merged = await merge_contacts(tx, owner, ann, [bob], choices={})
    await write(tx, earlier, ann, "After the merge")
    later = await talk(tx, other_inbox, ann)
    told = await preview_undo(tx, owner, merged.merge_id)
    assert (told.returned["conversations_since"], told.staying) == (0, 1)
    await undo_merge(tx, owner, merged.merge_id)
    assert (await owner_of(tx, earlier), await owner_of(tx, later)) == (bob, ann)
    assert other_inbox.id in {one.inbox_id for one in await list_inboxes_of(tx, ann)}


async def test_what_came_through_an_identity_goes_with_it(tx, owner, inbox, pair):
    """A conversation that began in a session which Bob's source id proved is Bob's; that session ends."""
    ann, bob = pair
    merged = await merge_contacts(tx, owner, ann, [bob], choices={})
    by_source = {one.source_id: one for one in await list_identities(tx, ann)}
    talks = {}
    for source_id, identity in by_source.items():
        session_id = new_id()
        await tx.execute(
            """
            INSERT INTO chat_sessions (organization_id, id, inbox_id, token_hash, contact_id, identity_id, assurance,
                                       proven_until, created_at, last_seen_at, expires_at)
            VALUES (%(organization)s, %(id)s, %(inbox)s, %(hash)s, %(contact)s, %(identity)s, 3, now(), now(), now(),
                    now() + interval '1 day')
            """,
            {
                "organization": tx.organization_id,
                "id": session_id,
                "inbox": inbox.id,
                "hash": session_id.bytes,
                "contact": ann,
                "identity": identity.id,
            },
        )
        talks[source_id] = await talk(tx, inbox, ann, session_id=session_id)
    told = await preview_undo(tx, owner, merged.merge_id)
    assert (told.returned["conversations_since"], told.staying) == (1, 1)
    await undo_merge(tx, owner, merged.merge_id)
    assert {source_id: await owner_of(tx, one) for source_id, one in talks.items()} == {"A-1": ann, "B-1": bob}
    running = await tx.fetch("SELECT identity_id FROM chat_sessions WHERE ended_at IS NULL")
    assert running == [(by_source["A-1"].id,)]
    assert inbox.id in {one.inbox_id for one in await list_inboxes_of(tx, bob)}


async def test_an_identity_that_was_taken_away_since_does_not_come_back(tx, owner, inbox, pair):
    """Somebody decided that after the merge."""
    ann, bob = pair
    merged = await merge_contacts(tx, owner, ann, [bob], choices={})
    key = next(one.key for one in await list_identities(tx, ann) if one.source_id == "B-1")
    await unlink_identity(tx, owner, ann, key)
    await make_person(tx, owner, inbox, "Somebody else", source_id="B-1")
    assert (await undo_merge(tx, owner, merged.merge_id)).returned["identities"] == 0
    assert await list_identities(tx, bob) == []


async def test_later_merges_come_first(tx, owner, inbox, pair):
    """Into the same contact, and of the survivor into a third; the latest is named first."""
    ann, bob = pair
    cid, dan = [await make_person(tx, owner, inbox, name) for name in ("C", "D")]
    before = await snapshot(tx)
    merges = [
        (await merge_contacts(tx, owner, survivor, [other], choices={})).merge_id
        for survivor, other in ((ann, bob), (ann, cid), (dan, ann))
    ]
    with pytest.raises(LaterMerge) as refused:
        await undo_merge(tx, owner, merges[0])
    assert refused.value.facts == {"merges": [str(merges[2]), str(merges[1])]}
    for merge_id in reversed(merges):
        await undo_merge(tx, owner, merge_id)
    assert await snapshot(tx) == before


async def test_after_an_erasure_nothing_comes_back(tx, owner, pair):
    """What was erased is gone."""
    merged = await merge_contacts(tx, owner, pair[0], [pair[1]], choices={})
    await tx.execute("UPDATE merges SET sealed_at = now() WHERE id = %(id)s", {"id": merged.merge_id})
    with pytest.raises(MergeSealed):
        await undo_merge(tx, owner, merged.merge_id)


async def test_a_deleted_survivor_is_restored_first(tx, owner, pair):
    """And then the source ids still go back to whom they came from."""
    ann, bob = pair
    merged = await merge_contacts(tx, owner, ann, [bob], choices={})
    await delete_contact(tx, owner, ann)
    with pytest.raises(ContactDeleted):
        await undo_merge(tx, owner, merged.merge_id)
    await restore_contact(tx, owner, ann)
    await undo_merge(tx, owner, merged.merge_id)
    assert [one.source_id for one in await list_identities(tx, bob)] == ["B-1"]
    assert await resolve_contact_id(tx, bob) == bob


async def test_the_right_is_needed_on_both_sides(tx, owner, inbox, other_inbox, pair):
    """Whoever may merge on one side only sees no merge."""
    merged = await merge_contacts(tx, owner, pair[0], [pair[1]], choices={})
    for half in (
        member(owner, inboxes={inbox.id}),
        member(owner, Right.CONTACTS_VIEW, Right.CONTACTS_EDIT),
        member(owner, inboxes=set()),
    ):
        with pytest.raises(NotFound):
            await undo_merge(tx, half, merged.merge_id)
        with pytest.raises(NotFound):
            await preview_undo(tx, half, merged.merge_id)


@pytest.fixture
async def vip(tx, owner):
    base = await make_base(tx, "VIP offers")
    written = {"name": "VIP", "query_metadata": opens(base), "minimum_assurance": Assurance.ANONYMOUS}
    profile, _ = await create_profile(tx, owner, written)
    return base, profile.id


async def open_base(tx, inbox, base):
    """The assistant of the inbox has the base, with one document that is ready."""
    await tx.execute(
        "INSERT INTO assistant_bases (organization_id, assistant_id, knowledge_base_id) VALUES (%(o)s, %(a)s, %(b)s)",
        {"o": tx.organization_id, "a": inbox.assistant_id, "b": base},
    )
    await tx.execute(
        """
        INSERT INTO documents (organization_id, id, knowledge_base_id, kind, title, state, created_at, updated_at)
        VALUES (%(o)s, %(id)s, %(b)s, 'file', 'Hotline', 'done', %(now)s, %(now)s)
        """,
        {"o": tx.organization_id, "id": new_id(), "b": base, "now": utc_now()},
    )


async def test_access_comes_back_wider_only_when_that_is_confirmed(tx, owner, inbox, vip):
    """Refused with nothing changed; confirmed, it is what it was."""
    base, profile = vip
    await open_base(tx, inbox, base)
    ann, bob = [await make_person(tx, owner, inbox, name) for name in ("A", "B")]
    await assign_profile(tx, owner, bob, profile)
    before = await snapshot(tx)
    merged = await merge_contacts(tx, owner, ann, [bob], choices={})
    between = await snapshot(tx)
    with pytest.raises(AccessWouldWiden) as refused:
        await undo_merge(tx, owner, merged.merge_id)
    assert refused.value.facts == {"gains": [{"contact": str(bob), "documents": 1}]}
    assert await snapshot(tx) == between
    told = await preview_undo(tx, owner, merged.merge_id)
    assert [(one, [document.title for document in gains.documents]) for one, gains in told.gains] == [
        (bob, ["Hotline"])
    ]
    await undo_merge(tx, owner, merged.merge_id, confirm_access=True)
    assert await snapshot(tx) == before


async def test_what_was_closed_since_opens_for_nobody_unasked(tx, owner, inbox, vip):
    """The survivor was restricted after the merge; the other must not escape that by the undo."""
    base, profile = vip
    await open_base(tx, inbox, base)
    ann, bob = [await make_person(tx, owner, inbox, name) for name in ("A", "B")]
    for one in (ann, bob):
        await assign_profile(tx, owner, one, profile)
    merged = await merge_contacts(tx, owner, ann, [bob], choices={})
    await set_access(tx, owner, ann, {})
    with pytest.raises(AccessWouldWiden):
        await undo_merge(tx, owner, merged.merge_id)


async def test_an_accepted_profile_goes_back(tx, owner, inbox, vip):
    """And is the survivor's no more; one that it had itself stays."""
    base, profile = vip
    await open_base(tx, inbox, base)
    ann, bob, cid = [await make_person(tx, owner, inbox, name) for name in ("A", "B", "C")]
    await assign_profile(tx, owner, bob, profile)
    before = await snapshot(tx)
    merged = await merge_contacts(tx, owner, ann, [bob, cid], choices={}, accept_wider_access=True)
    assert [one.profile.id for one in await list_assigned(tx, ann)] == [profile]
    await undo_merge(tx, owner, merged.merge_id)
    assert await snapshot(tx) == before
