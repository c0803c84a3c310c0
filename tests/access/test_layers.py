"""The formula of the layers, rule by rule. The table of absent and empty layers is in `test_rows.py`."""

from uuid import UUID

import pytest

from frontdesk.access.layers import (
    ContactAccess,
    InboxAccess,
    ProfileAccess,
    ProfilesMode,
    SessionAccess,
    Step,
    effective_scope,
    person_scope,
    staff_scope,
)
from frontdesk.access.model import All, Assurance, Kind, KnowledgeBase, Label, Nothing, Scope, all_of, any_of
from frontdesk.core.ids import KnowledgeBaseId, LabelId

BASE = KnowledgeBaseId(UUID(int=1))
VISITOR, MEMBER, OWN, VIP, CLAIM = (Label(LabelId(UUID(int=number))) for number in range(2, 7))
INBOX = InboxAccess(frozenset({BASE}), query_metadata=None, visitor_scope=VISITOR, member_scope=MEMBER)

BELOW_CHANNEL = [Assurance.ANONYMOUS, Assurance.CLAIMED]
PROVEN = [Assurance.CHANNEL, Assurance.SIGNED]


def person(
    *profiles: ProfileAccess,
    own: Scope | None = None,
    mode: ProfilesMode = "replace",
    has_identity: bool = True,
    session: SessionAccess,
) -> list[Step]:
    return list(person_scope(INBOX, ContactAccess(own, profiles, mode, has_identity), session))


@pytest.mark.parametrize("assurance", Assurance)
def test_without_card_and_profiles_the_inbox_decides_by_the_session(assurance: Assurance):
    """Anonymous and claimed read as visitors, channel and signed as members; the card's kind plays no part."""
    expected = [Step("member_scope", MEMBER) if assurance in PROVEN else Step("visitor_scope", VISITOR)]
    for has_identity in (False, True):
        assert person(has_identity=has_identity, session=SessionAccess(assurance)) == expected


@pytest.mark.parametrize("assurance", PROVEN)
def test_own_query_metadata_replaces_profiles_unless_it_says_add(assurance: Assurance):
    """One or the other, or on demand the union of both."""
    session, vip = SessionAccess(assurance), ProfileAccess(VIP)
    assert person(vip, own=OWN, session=session) == [Step("contact", OWN)]
    assert person(vip, own=OWN, mode="add", session=session) == [Step("contact_and_profiles", any_of(OWN, VIP))]
    assert person(vip, mode="add", session=session) == [Step("profiles", VIP)]
    assert person(own=OWN, mode="add", session=session) == [Step("contact", OWN)]
    assert person(vip, own=Nothing(), mode="add", session=session) == [Step("contact", Nothing())]


def test_profiles_are_united_as_sets():
    """Two profiles open what either opens, never a mixture of their conditions; one that says nothing adds nothing."""
    one, other = all_of(KnowledgeBase(BASE), VIP), all_of(Kind("faq"), OWN)
    held = (ProfileAccess(one), ProfileAccess(None), ProfileAccess(other))
    assert person(*held, session=SessionAccess(Assurance.SIGNED)) == [Step("profiles", any_of(one, other))]


def test_a_contact_whose_profiles_all_ask_for_more_proof_reads_nothing():
    """It never falls through to the inbox's scopes, which may be wider."""
    strict = ProfileAccess(VIP, Assurance.SIGNED)
    assert person(strict, session=SessionAccess(Assurance.CHANNEL)) == [Step("profiles", Nothing())]
    assert person(strict, ProfileAccess(OWN), session=SessionAccess(Assurance.CHANNEL)) == [Step("profiles", OWN)]
    unproven = SessionAccess(Assurance.ANONYMOUS)
    assert person(ProfileAccess(VIP), has_identity=False, session=unproven) == [Step("profiles", Nothing())]


@pytest.mark.parametrize("assurance", BELOW_CHANNEL)
def test_a_card_with_an_identity_does_not_open_to_an_unproven_browser(assurance: Assurance):
    """Such a session reads at most what any visitor reads; a card without identity is the browser's own."""
    session = SessionAccess(assurance)
    assert person(own=OWN, session=session) == [Step("visitor_scope", VISITOR), Step("contact", OWN)]
    assert person(own=OWN, has_identity=False, session=session) == [Step("contact", OWN)]
    open_to_all = ProfileAccess(VIP, Assurance.ANONYMOUS)
    assert person(open_to_all, session=session) == [Step("visitor_scope", VISITOR), Step("profiles", VIP)]


def test_a_signed_token_adds_its_profiles_and_narrows_by_its_query_metadata():
    """Profiles join the assigned ones; query metadata never replaces the contact's own."""
    signed = SessionAccess(Assurance.SIGNED, profiles=(ProfileAccess(VIP),), query_metadata=CLAIM)
    claim = Step("claim", CLAIM)
    assert person(session=signed) == [Step("profiles", VIP), claim]
    assert person(ProfileAccess(OWN), session=signed) == [Step("profiles", any_of(OWN, VIP)), claim]
    assert person(own=OWN, session=signed) == [Step("contact", OWN), claim]


@pytest.mark.parametrize("assurance", [*BELOW_CHANNEL, Assurance.CHANNEL])
def test_profiles_of_a_token_count_in_signed_sessions_only(assurance: Assurance):
    """Nobody below `signed` can have brought one, whatever the caller hands over; what narrows still narrows."""
    session = SessionAccess(assurance, profiles=(ProfileAccess(VIP, Assurance.ANONYMOUS),), query_metadata=CLAIM)
    fallback = Step("member_scope", MEMBER) if assurance in PROVEN else Step("visitor_scope", VISITOR)
    assert person(session=session) == [fallback, Step("claim", CLAIM)]


def test_the_path_shows_every_layer_in_order():
    """Widest first; an absent layer shows as no restriction; the scope is all steps together."""
    session = SessionAccess(Assurance.SIGNED, query_metadata=CLAIM)
    steps = person(own=OWN, session=session)
    effective = effective_scope(INBOX, steps, message=Kind("file"))
    assert [(step.name, step.scope) for step in effective.steps] == [
        ("assistant", KnowledgeBase(BASE)),
        ("inbox", All()),
        ("contact", OWN),
        ("claim", CLAIM),
        ("message", Kind("file")),
        ("page", All()),
    ]
    assert effective.scope == all_of(KnowledgeBase(BASE), OWN, CLAIM, Kind("file"))


def test_an_assistant_without_bases_reads_nothing():
    """The union of no bases is empty, not everything."""
    inbox = InboxAccess(frozenset(), None, All(), All())
    assert effective_scope(inbox, staff_scope([All()])).scope == Nothing()


def test_staff_who_try_an_assistant_read_what_their_roles_open_together():
    """A role that says nothing opens nothing; the other layers bind staff as they bind anybody."""
    assert staff_scope([OWN, None, VIP]) == (Step("roles", any_of(OWN, VIP)),)
    assert staff_scope([None]) == staff_scope([]) == (Step("roles", Nothing()),)
    scope = effective_scope(INBOX, staff_scope([OWN]), page=VIP).scope
    assert scope == all_of(KnowledgeBase(BASE), OWN, VIP)
