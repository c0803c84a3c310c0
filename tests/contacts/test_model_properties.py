"""Laws of the card: who overwrites whom, and what a write changes."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.contacts.model import (
    CardFields,
    Contact,
    FieldChange,
    Provenance,
    anybody,
    apply_changes,
    find_changes,
    hide_personal,
    may_overwrite,
    outranks,
)

AUTOMATIC = [one for one in Provenance if not one.is_deliberate]
NOW = datetime(2026, 3, 1, tzinfo=UTC)

anyone = st.sampled_from(Provenance)
texts = st.text("abc", max_size=3)
values = st.one_of(texts, st.booleans(), st.integers(0, 2), st.lists(texts, max_size=2))
attributes = st.dictionaries(st.sampled_from(["level", "city", "since"]), st.one_of(st.none(), values))
addresses = st.lists(texts, unique=True, max_size=3).map(tuple)
fields = st.fixed_dictionaries(
    {}, optional={"name": texts, "language": st.none() | texts, "emails": addresses, "attributes": attributes}
)


def written(*steps: CardFields) -> Contact:
    contact = anybody(NOW)
    for step in steps:
        contact = apply_changes(contact, find_changes(contact, step))
    return contact


@given(anyone, anyone)
def test_among_deliberate_writers_the_last_one_wins(new, old):
    """Members, the API and imports overwrite each other, and everything automatic."""
    assert may_overwrite(new, old) or not new.is_deliberate


@given(anyone, anyone)
def test_nothing_automatic_touches_a_deliberate_value_but_a_signed_refresh(new, old):
    """And even that leaves a member's word alone."""
    if not new.is_deliberate and old.is_deliberate:
        assert may_overwrite(new, old) is (new is Provenance.SIGNED and old in {Provenance.API, Provenance.IMPORT})


@given(st.sampled_from(AUTOMATIC), st.sampled_from(AUTOMATIC))
def test_automatic_writers_have_a_rank(new, old):
    """Signed before channel before claimed; equals overwrite each other."""
    assert may_overwrite(new, old) is (AUTOMATIC.index(new) <= AUTOMATIC.index(old))


@given(anyone)
def test_a_claim_never_overwrites_what_is_better_known(old):
    """What anybody may type replaces only what anybody typed."""
    assert may_overwrite(Provenance.CLAIMED, old) is (old is Provenance.CLAIMED)
    assert may_overwrite(Provenance.CLAIMED, None)


@given(anyone, anyone)
def test_repeating_a_value_never_makes_it_weaker(new, old):
    """What outranks may overwrite, and is not overwritten back."""
    assert not (outranks(new, old) and outranks(old, new))
    assert not outranks(Provenance.CLAIMED, old)
    assert not outranks(new, Provenance.MEMBER)


@given(fields, fields)
def test_a_write_repeated_changes_nothing(before, after):
    """The second time there is no change to make, so no version rises."""
    contact = written(before, after)
    assert find_changes(contact, after) == ()


@given(fields, fields)
def test_what_is_not_written_stays(before, after):
    """Absent fields and absent attributes keep their values."""
    contact, later = written(before), written(before, after)
    for field in {"name", "language", "emails"} - after.keys():
        assert getattr(later, field) == getattr(contact, field)
    untouched = contact.attributes.keys() - after.get("attributes", {}).keys()
    assert {key: later.attributes[key] for key in untouched} == {key: contact.attributes[key] for key in untouched}


@given(fields, fields)
def test_changes_undo(before, after):
    """A change holds all that is needed to take it back."""
    contact = written(before)
    changes = find_changes(contact, after)
    back = [FieldChange(change.field, change.new, change.old) for change in changes]
    assert apply_changes(apply_changes(contact, changes), back) == contact


def test_true_and_one_are_two_values():
    """Python calls them equal; a card does not."""
    contact = written({"attributes": {"active": 1}})
    assert [change.new for change in find_changes(contact, {"attributes": {"active": True}})] == [True]


def test_none_empties():
    """None takes away one attribute, or all of them."""
    contact = written({"attributes": {"level": "vip", "city": "Taipei"}})
    assert written({"attributes": {"level": "vip"}}, {"attributes": {"level": None}}).attributes == {}
    assert apply_changes(contact, find_changes(contact, {"attributes": None})).attributes == {}


@given(fields)
def test_hidden_cards_show_neither_mail_nor_phone(card):
    """And all else as it is."""
    contact = written(card)
    hidden = hide_personal(contact)
    assert (hidden.emails, hidden.phones, hidden.name) == ((), (), contact.name)
