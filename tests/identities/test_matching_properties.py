"""Laws of comparing two cards, whatever stands on them, and examples of what counts as alike."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.core.ids import RealmId, new_id
from frontdesk.identities.matching import (
    SUGGEST_FROM,
    Outcome,
    compare,
    fingerprint,
    hash_identifier,
    keys_of,
    read_facts,
    without_shared,
)

values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.just([1])
cards = st.builds(
    read_facts,
    st.uuids(),
    name=st.text(max_size=20) | st.sampled_from(["林佳穎 Lin Chia-ying", "O. Berg", "Ann Zhang", "周 雅婷"]),
    emails=st.lists(st.sampled_from(["ann@example.com", "Ann@Example.com", "info@example.com", "@", ""]), max_size=3),
    phones=st.lists(st.sampled_from(["+886912345678", "0912-345-678", "12", ""]), max_size=3),
    attributes=st.dictionaries(st.sampled_from("abc"), values, max_size=3),
)


def card(name: str = "", *, realms: tuple[RealmId, ...] = (), **more):
    fields = {"emails": (), "phones": (), "attributes": {}} | more
    return read_facts(new_id(), name=name, realms=realms, **fields)


def outcome(first, second, field: str) -> Outcome:
    comparison = compare(first, second)
    assert comparison is not None
    return next(one.outcome for one in comparison.evidence if one.field == field)


@given(cards, cards)
def test_comparing_has_no_direction(one, other):
    """Whichever card comes first, scores, evidence and fingerprint are the same, and scores lie between 0 and 1."""
    forth, back = compare(one, other), compare(other, one)
    assert forth == back
    assert 0 <= forth.plain_score <= 1
    assert 0 <= forth.score <= 1
    assert fingerprint(one, other) == fingerprint(other, one)


@given(cards)
def test_a_card_is_never_unlike_itself(one):
    """What is there is equal, and nothing speaks against it."""
    comparison = compare(one, one)
    assert {evidence.outcome for evidence in comparison.evidence} <= {Outcome.EQUAL, Outcome.MISSING}


@given(cards, cards)
def test_two_ids_of_one_realm_are_never_compared(one, other):
    """Whatever else stands on the cards."""
    realm = RealmId(UUID(int=1))
    first, second = (
        read_facts(facts.id, name=" ".join(facts.words), emails=facts.emails, phones=facts.phones,
                   attributes=facts.attributes or {}, realms=[realm])
        for facts in (one, other)
    )  # fmt: skip
    assert compare(first, second) is None


@given(cards)
def test_keys_fit_into_the_database_and_come_from_the_card_alone(one):
    """64 bits, each once; nobody knows anything of an empty card."""
    keys = keys_of(one)
    assert keys == sorted(set(keys)) == keys_of(one)
    assert all(-(2**63) <= key < 2**63 for key in keys)
    assert keys_of(card()) == []


@given(cards)
def test_what_is_shared_by_many_is_left_out(one):
    """Addresses go, everything else stays."""
    bare = without_shared(one, keys_of(one))
    assert (bare.emails, bare.phones) == (frozenset(), frozenset())
    assert (bare.words, bare.characters, bare.attributes) == (one.words, one.characters, one.attributes)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("周雅婷", "雅婷 周", Outcome.EQUAL),
        ("林佳穎 Lin Chia-ying", "林佳穎", Outcome.EQUAL),
        ("林佳穎", "佳穎", Outcome.NEAR),
        ("陳柏宇", "陳伯宇", Outcome.NEAR),
        ("王明", "王華", Outcome.DIFFERENT),
        ("Zhang Weimin", "WEIMIN ZHANG", Outcome.EQUAL),
        ("José Núñez", "Jose Nunez", Outcome.EQUAL),
        ("Oskar Berg", "O. Berg", Outcome.NEAR),
        ("Mitchell Green", "Mitchel Greene", Outcome.NEAR),
        ("Ann Zhang", "Bo Lin", Outcome.DIFFERENT),
        ("Ann Zhang", "Ann Lin", Outcome.MISSING),
        ("Ann", "安", Outcome.MISSING),
        ("", "Ann", Outcome.MISSING),
    ],
)
def test_names(one: str, other: str, expected: Outcome):
    """Order, accents, case and script do not matter; a name in common proves nothing, either way."""
    assert outcome(card(one), card(other), "name") is expected


@pytest.mark.parametrize(
    ("field", "one", "other", "expected"),
    [
        ("emails", ["Ann@example.com"], ["ann@EXAMPLE.com", "x@example.com"], Outcome.EQUAL),
        ("emails", ["ann.zhang@example.com"], ["annzhang@other.example"], Outcome.NEAR),
        ("emails", ["info@example.com"], ["info@other.example"], Outcome.DIFFERENT),
        ("phones", ["+886 912 345 678"], ["0912345678"], Outcome.NEAR),
        ("phones", ["+886912345678"], ["+886912345679"], Outcome.DIFFERENT),
    ],
)
def test_addresses(field: str, one: list[str], other: list[str], expected: Outcome):
    """A number without its country code is nearly the same; a role before the @ is nobody."""
    assert outcome(card(**{field: one}), card(**{field: other}), field) is expected


def test_what_is_ignored_is_not_there():
    """However it is written."""
    ignored = {hash_identifier("INFO@example.com"), hash_identifier("+886 2 5550 0142")}
    facts = card(emails=["info@example.com", "a@example.com"], phones=["+886255500142"])
    bare = read_facts(facts.id, name="", emails=facts.emails, phones=facts.phones, attributes={}, ignored=ignored)
    assert (bare.emails, bare.phones) == (frozenset({"a@example.com"}), frozenset())


@pytest.mark.parametrize(
    ("one", "other", "is_suggested"),
    [
        ({"name": "Ann Zhang"}, {"name": "Ann Zhang"}, False),
        ({"emails": ["ann@example.com"]}, {"emails": ["ann@example.com"]}, True),
        ({"name": "Ann Zhang", "emails": ["f@example.com"]}, {"name": "Bo Lin", "emails": ["f@example.com"]}, False),
        ({"name": "Ann Zhang", "emails": ["f@example.com"]}, {"name": "A. Zhang", "emails": ["f@example.com"]}, True),
        (
            {"name": "Ann Zhang", "attributes": {"birthday": "1990-02-03"}},
            {"name": "Zhang Ann", "attributes": {"birthday": "1990/02/03"}},
            True,
        ),
        (
            {"name": "Ann Zhang", "attributes": {"birthday": "1990-02-03"}},
            {"name": "Ann Zhang", "attributes": {"birthday": "1971-11-30"}},
            False,
        ),
    ],
)
def test_what_is_suggested(one: dict, other: dict, is_suggested: bool):
    """A name alone is nobody; neither is a mailbox that two people of different names share."""
    assert (compare(card(**one), card(**other)).score >= SUGGEST_FROM) is is_suggested
