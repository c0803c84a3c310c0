"""What-if: who is counted for whom, and what is said of it."""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.lifecycle.people import make_person
from tests.making import make_assistant, make_base, make_document, make_inbox, make_label, member, opens

from frontdesk.access.actions import create_profile
from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import Assurance
from frontdesk.channels.model import ChannelType, Inbox
from frontdesk.contacts.access_actions import assign_profile
from frontdesk.core.db import Tx
from frontdesk.core.errors import Forbidden, NotFound
from frontdesk.core.ids import ContactId, KnowledgeBaseId, LabelId, ProfileId, new_id
from frontdesk.identities.deletion import delete_contact
from frontdesk.lifecycle import what_if
from frontdesk.organizations.model import Caller, Right


@dataclass(frozen=True)
class Desk:
    base: KnowledgeBaseId
    label: LabelId
    web: Inbox
    line: Inbox
    profile: ProfileId  # opens nothing, for any session
    ann: ContactId  # on the web, holds it
    bob: ContactId  # on LINE, holds it

    @property
    def open(self) -> dict[str, Any]:
        return opens(self.base)


@pytest.fixture
async def desk(tx: Tx, owner: Caller) -> Desk:
    base = await make_base(tx, "Shop")
    label = await make_label(tx, base, "vip")
    for title in ("Prices", "Plans"):
        await make_document(tx, base, title, [label])
    assistant = await make_assistant(tx, owner, "Shop", base)
    web = await make_inbox(tx, owner, "Web", assistant=assistant)
    line = await make_inbox(tx, owner, "Line", assistant=assistant, kind=ChannelType.LINE)
    profile, _ = await create_profile(
        tx, owner, {"name": "VIP", "query_metadata": None, "minimum_assurance": Assurance.ANONYMOUS}
    )
    ann, bob = await make_person(tx, owner, web, "Ann"), await make_person(tx, owner, line, "Bob")
    for person in (ann, bob):
        await assign_profile(tx, owner, person, profile.id)
    return Desk(base, label, web, line, profile.id, ann, bob)


async def test_a_profile_that_opens_is_told_in_numbers_and_by_name(tx: Tx, owner: Caller, desk: Desk):
    """Two contacts, two documents, each with the other's number; whoever is deleted does not count."""
    gone = await make_person(tx, owner, desk.web, "Gone")
    await assign_profile(tx, owner, gone, desk.profile)
    await delete_contact(tx, owner, gone)
    found = await what_if.preview_profile(tx, owner, desk.profile, desk.open)
    assert (found.contacts_gaining, found.contacts_losing) == (2, 0)
    assert (found.documents_gained, found.documents_lost) == (2, 0)
    assert [(one.name, one.gained, one.lost) for one in found.contacts] == [("Ann", 2, 0), ("Bob", 2, 0)]
    assert [(one.title, one.gained, one.lost) for one in found.documents] == [("Plans", 2, 0), ("Prices", 2, 0)]
    assert found.newcomers == ()
    same = await what_if.preview_profile(tx, owner, desk.profile, {"knowledge_bases": []})
    assert same.changes_nothing


async def test_a_higher_minimum_assurance_closes_and_nobody_falls_through(tx: Tx, owner: Caller, desk: Desk):
    """Who is never proven enough for the profile loses what it opened."""
    await what_if.preview_profile(tx, owner, desk.profile, desk.open)
    profile, _ = await create_profile(
        tx, owner, {"name": "All", "query_metadata": desk.open, "minimum_assurance": Assurance.ANONYMOUS}
    )
    await assign_profile(tx, owner, desk.ann, profile.id)
    found = await what_if.preview_profile(tx, owner, profile.id, desk.open, minimum_assurance=Assurance.SIGNED)
    assert [(one.name, one.gained, one.lost) for one in found.contacts] == [("Ann", 0, 2)]


async def test_visitors_and_new_members_are_entries_of_their_own(tx: Tx, owner: Caller, desk: Desk):
    """They are nobody's contacts; on a platform of its own there are no visitors."""
    found = await what_if.preview_inbox(tx, owner, desk.web.id, {"visitor_scope": desk.open, "member_scope": desk.open})
    assert [(one.inbox_name, one.speaker, one.gained) for one in found.newcomers] == [
        ("Web", "visitor", 2),
        ("Web", "member", 2),
    ]
    assert found.contacts_gaining == 0  # Ann has a profile
    line = await what_if.preview_inbox(tx, owner, desk.line.id, {"visitor_scope": desk.open, "member_scope": desk.open})
    assert [one.speaker for one in line.newcomers] == ["member"]


async def test_a_caller_is_told_of_their_own_inboxes_alone(tx: Tx, owner: Caller, desk: Desk):
    """Nobody else is counted, so that a number tells nothing of them."""
    limited = member(owner, Right.PROFILES_EDIT, Right.CONTACTS_VIEW, Right.INBOXES_VIEW, inboxes={desk.web.id})
    found = await what_if.preview_profile(tx, limited, desk.profile, desk.open)
    assert ([one.name for one in found.contacts], found.contacts_gaining) == (["Ann"], 1)
    assert found.is_partial
    assert found.documents == ()  # not to be seen without knowledge.view
    assert found.documents_gained == 2
    blind = member(owner, Right.PROFILES_EDIT)
    nothing = await what_if.preview_profile(tx, blind, desk.profile, desk.open)
    assert (nothing.contacts_gaining, nothing.contacts, nothing.documents_gained) == (0, (), 0)
    assert nothing.is_partial


async def test_more_kinds_of_access_than_are_asked_are_told(tx: Tx, owner: Caller, desk: Desk, monkeypatch):
    """The largest classes are asked, and it is said that there are more."""
    monkeypatch.setattr(what_if, "_MOST_CLASSES", 1)
    found = await what_if.preview_profile(tx, owner, desk.profile, desk.open)
    assert (found.is_exact, found.contacts_gaining) == (False, 1)


async def test_rights_and_what_there_is_not(tx: Tx, owner: Caller, desk: Desk):
    """Each preview takes the right of the change that it previews, and refuses what that refuses."""
    viewer = member(owner, Right.CONTACTS_VIEW, Right.INBOXES_VIEW, Right.KNOWLEDGE_VIEW, Right.ASSISTANTS_VIEW)
    for refused in (
        what_if.preview_profile(tx, viewer, desk.profile, None),
        what_if.preview_labels(tx, viewer, desk.base, []),
        what_if.preview_label_deletion(tx, viewer, desk.base, desk.label),
        what_if.preview_bases(tx, viewer, desk.web.assistant_id, []),
    ):
        with pytest.raises(Forbidden):
            await refused
    for absent in (
        what_if.preview_contact(tx, viewer, desk.ann, None),
        what_if.preview_inbox(tx, viewer, desk.web.id, {}),
        what_if.preview_profile(tx, owner, ProfileId(new_id()), None),
        what_if.preview_labels(tx, owner, desk.base, [], [LabelId(new_id())]),
        what_if.preview_label_deletion(tx, owner, desk.base, LabelId(new_id())),
        what_if.preview_bases(tx, owner, desk.web.assistant_id, [KnowledgeBaseId(new_id())]),
    ):
        with pytest.raises(NotFound):
            await absent
    for unreadable in (
        what_if.preview_profile(tx, owner, desk.profile, {"knowledge_bases": 1}),
        what_if.preview_contact(tx, owner, desk.ann, {"knowledge_bases": 1}),
    ):
        with pytest.raises(InvalidQueryMetadata) as wrong:
            await unreadable
        assert wrong.value.pointer == "/queryMetadata/knowledge_bases"
