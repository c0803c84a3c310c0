"""Whatever is written in whatever order: the rules about who overwrites whom hold, and nothing deliberate is lost."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.contacts import queries
from frontdesk.contacts.actions import create_contact, refresh_card, update_contact
from frontdesk.contacts.addresses import add_said
from frontdesk.contacts.model import Address, Provenance, may_overwrite
from frontdesk.organizations.model import system_caller

AUTOMATIC = (Provenance.SIGNED, Provenance.CHANNEL, Provenance.CLAIMED)
E_MAILS = [f"{name}@example.com" for name in "abcd"]

addresses = st.lists(
    st.builds(Address, st.sampled_from(E_MAILS), st.sampled_from(Provenance)),
    unique_by=lambda one: one.value,
    max_size=4,
)
said = st.lists(st.sampled_from(E_MAILS), min_size=1, max_size=2, unique=True)
automatic = st.sampled_from(AUTOMATIC)
anyone = st.none() | st.sampled_from(Provenance)


@given(addresses, said, automatic, anyone)
def test_a_list_loses_nothing_deliberate(present, values, by, listed_by):
    """Nor its order among what was written deliberately, whatever is said."""
    after = add_said(present, values, by, listed_by=listed_by)
    kept = [one for one in after if one.provenance.is_deliberate]
    assert kept == [one for one in present if one.provenance.is_deliberate] or sorted(
        one.value for one in kept
    ) == sorted(one.value for one in present if one.provenance.is_deliberate)
    assert len({one.value for one in after}) == len(after)


@given(addresses, said, automatic, anyone)
def test_who_said_an_address_only_gets_more_trustworthy(present, values, by, listed_by):
    """An address that is there before and after is marked as before, or by somebody who may overwrite that."""
    after = {one.value: one.provenance for one in add_said(present, values, by, listed_by=listed_by)}
    for one in present:
        if one.value in after and after[one.value] != one.provenance:
            assert after[one.value] == by
            assert may_overwrite(by, one.provenance)
            assert not one.provenance.is_deliberate


@given(addresses, said, automatic, anyone)
def test_a_members_first_address_stays_the_first(present, values, by, listed_by):
    """Nobody becomes somebody's main address by signing in."""
    if present and present[0].provenance is Provenance.MEMBER:
        assert add_said(present, values, by, listed_by=listed_by)[0] == present[0]


@given(addresses, said, automatic, anyone)
def test_saying_it_again_changes_nothing(present, values, by, listed_by):
    """A refresh at each page load leaves the list alone."""
    once = add_said(present, values, by, listed_by=listed_by)
    assert add_said(once, values, by, listed_by=listed_by) == once


@given(addresses, said)
def test_what_is_signed_is_on_the_list(present, values):
    """Beside a member's addresses, too; unless a member emptied the list."""
    after = {one.value for one in add_said(present, values, Provenance.SIGNED, listed_by=None)}
    assert set(values) <= after


# --- on stored cards ---

FIELDS = ("name", "language", "attributes.level")
VALUES = {
    "name": ["Ann", "Bob", "Eve"],
    "language": ["en", "zh", "ja"],
    "attributes.level": ["gold", "vip", 7],
    "emails": [[E_MAILS[0]], [E_MAILS[1]], E_MAILS[2:4]],
}


@dataclass
class Expected:
    """What the rules of the card say should stand there, kept without any of the code that is tested."""

    values: dict[str, Any] = field(default_factory=dict)
    by: dict[str, Provenance] = field(default_factory=dict)
    deliberate_emails: set[str] = field(default_factory=set)

    def write(self, who: Provenance, fields: Mapping[str, Any]) -> None:
        for name, value in fields.items():
            if name == "emails":
                self.deliberate_emails = set(value) if who.is_deliberate else self.deliberate_emails
                continue
            old = self.by.get(name)
            rank = {Provenance.CLAIMED: 1, Provenance.CHANNEL: 2, Provenance.SIGNED: 3}
            wins = who.is_deliberate or old is None
            if not wins and old.is_deliberate:
                wins = who is Provenance.SIGNED and old in {Provenance.API, Provenance.IMPORT}
            elif not wins:
                wins = rank[who] >= rank[old]
            if wins:
                if self.values.get(name) != value or (not who.is_deliberate and not (old and old.is_deliberate)):
                    self.by[name] = who
                self.values[name] = value


writes = st.lists(
    st.tuples(
        st.sampled_from(Provenance),
        st.dictionaries(st.sampled_from([*FIELDS, "emails"]), st.integers(0, 2), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=5,
)


def draw_sequences(count: int) -> list[Sequence[tuple[Provenance, Mapping[str, int]]]]:
    """Sequences of writes, drawn as Hypothesis draws them; the database is asked outside of it."""
    drawn: list[Sequence[tuple[Provenance, Mapping[str, int]]]] = []

    @given(writes)
    def collect(sequence):
        drawn.append(sequence)

    collect()
    return sorted(drawn, key=len)[-count:]


def to_fields(chosen: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in chosen.items() if not name.startswith("attributes.")}
    return plain | ({"attributes": {"level": chosen["attributes.level"]}} if "attributes.level" in chosen else {})


async def test_any_sequence_of_writes_ends_as_the_rules_say(db, organization):
    """Twenty sequences of members, programs, imports, tokens, platforms and visitors, each on a card of its own."""
    caller = system_caller(organization)
    sequences = await asyncio.to_thread(draw_sequences, 20)
    for sequence in sequences:
        async with db.begin(organization) as tx:
            card = await create_contact(tx, caller, fields={}, inbox_ids=[], provenance=Provenance.MEMBER)
            expected = Expected()
            for who, picks in sequence:
                chosen = {name: VALUES[name][pick] for name, pick in picks.items()}
                expected.write(who, chosen)
                if who.is_deliberate:
                    await update_contact(tx, caller, card.id, to_fields(chosen), provenance=who)
                else:
                    await refresh_card(tx, card.id, to_fields(chosen), who)
            stored = await queries.get_contact(tx, card.id)
            values = {
                "name": stored.name,
                "language": stored.language,
                "attributes.level": stored.attributes.get("level"),
            }
            assert {name: values[name] for name in expected.values} == expected.values, sequence
            assert set(stored.emails) >= expected.deliberate_emails, sequence
            known = {name: one.provenance for name, one in (await queries.find_provenance(tx, card.id)).items()}
            assert {name: known[name] for name in expected.by} == expected.by, sequence
            listed = await queries.find_addresses(tx, card.id)
            assert {one.value for one in listed["emails"] if one.provenance.is_deliberate} <= expected.deliberate_emails
