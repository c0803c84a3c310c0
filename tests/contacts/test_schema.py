"""Attributes with a definition: what fits, who holds a unique value, and what proofs may say."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.making import member

from frontdesk.contacts import queries
from frontdesk.contacts.actions import create_contact, refresh_card, update_contact
from frontdesk.contacts.attributes import Kind, Schema, value_key
from frontdesk.contacts.configuring import create_definition, delete_definition, update_definition
from frontdesk.contacts.errors import AttributeTaken
from frontdesk.contacts.model import Provenance
from frontdesk.contacts.schema import hold_schema, load_schema
from frontdesk.core.db import Database, Tx
from frontdesk.core.errors import Forbidden, InvalidRequest
from frontdesk.core.ids import ContactId, InboxId, OrganizationId, new_id
from frontdesk.identities.cards import Given, change_card
from frontdesk.identities.deletion import delete_contact, restore_contact
from frontdesk.organizations.model import Caller, Right, system_caller

MEMBER, API, SIGNED = Provenance.MEMBER, Provenance.API, Provenance.SIGNED


async def define(tx: Tx, caller: Caller, key: str = "level", kind: Kind = Kind.TEXT, **changes: object):
    definition, _ = await create_definition(tx, caller, key, {"kind": kind, **changes})
    return definition


async def make(tx: Tx, caller: Caller, **attributes: object):
    fields = {"name": "Ann", "attributes": attributes}
    return await create_contact(tx, caller, fields=fields, inbox_ids=[], provenance=MEMBER)


FITTING = {
    Kind.TEXT: ["", "vip", "x" * 2000],
    Kind.NUMBER: [0, -1, 2.5, 10**20],
    Kind.DATE: ["2026-02-28", "0001-01-01"],
    Kind.BOOLEAN: [True, False],
    Kind.LIST: [[], ["a", "b"]],
    Kind.URL: ["https://example.com/ann?x=1", "http://localhost"],
}


async def until_waiting(tx: Tx, count: int) -> None:
    """Wait until so many locks are waited for."""
    for _ in range(500):
        if await tx.fetch_value("SELECT count(*) FROM pg_locks WHERE NOT granted") >= count:
            return
        await asyncio.sleep(0.02)
    pytest.fail("nobody waits")


UNFITTING = {
    Kind.TEXT: [1, True, ["a"], {}, "x" * 2001],
    Kind.NUMBER: ["1", True, [1], float("inf")],
    Kind.DATE: [
        "2026-02-30",
        "2026-2-3",
        "03/02/2026",
        "\uff12\uff10\uff12\uff16-02-03",
        20260203,
        "2026-02-03T00:00:00",
    ],
    Kind.BOOLEAN: [0, 1, "true", ""],
    Kind.LIST: ["a", [1], [["a"]], ["a"] * 101],
    Kind.URL: ["javascript:alert(1)", "https://", "example.com", "https://a b.com", "https://[", 1],
}


@pytest.mark.parametrize("kind", Kind)
async def test_values_are_of_their_kind(tx, owner, kind):
    """What fits is kept as it is, false and zero included; what does not is refused at its key."""
    await define(tx, owner, "it", kind)
    for value in FITTING[kind]:
        assert (await make(tx, owner, it=value)).attributes == {"it": value}
    ann = await make(tx, owner)
    for value in UNFITTING[kind]:
        with pytest.raises(InvalidRequest) as refused:
            await update_contact(tx, owner, ann.id, {"attributes": {"it": value}}, provenance=API)
        assert refused.value.pointer in {"/attributes/it", "/attributes"}, value
    assert (await queries.get_contact(tx, ann.id)).attributes == {}


async def test_choices_bind_texts_and_lists(tx, owner):
    """One of them, or some of them."""
    await define(tx, owner, "level", choices=("gold", "silver"))
    await define(tx, owner, "cities", Kind.LIST, choices=("Taipei", "Tainan"))
    assert (await make(tx, owner, level="gold", cities=["Tainan"])).version == 1
    for attributes in ({"level": "vip"}, {"cities": ["Taipei", "Paris"]}):
        with pytest.raises(InvalidRequest):
            await make(tx, owner, **attributes)


async def test_what_is_required_is_asked_for(tx, owner):
    """When a card is made and when a value is removed; a card that has none may say other things."""
    old = await make(tx, owner)
    await define(tx, owner, is_required=True)
    for attributes in ({}, {"level": None}, {"level": ""}):
        with pytest.raises(InvalidRequest) as refused:
            await make(tx, owner, **attributes)
        assert refused.value.pointer == "/attributes/level"
    new = await make(tx, owner, level="vip")
    for value in ({"level": None}, None):
        with pytest.raises(InvalidRequest):
            await update_contact(tx, owner, new.id, {"attributes": value}, provenance=MEMBER)
    assert (await update_contact(tx, owner, old.id, {"name": "Bob"}, provenance=MEMBER)).name == "Bob"


async def test_a_definition_keeps_what_cards_say(tx, owner):
    """A value that does not fit stays, is not refused with other fields, and is checked when it is written anew."""
    ann = await make(tx, owner, level=7, free={"any": "thing"})
    definition = await define(tx, owner, choices=("gold",))
    changed = await update_contact(tx, owner, ann.id, {"name": "Bob", "attributes": {"level": 7}}, provenance=MEMBER)
    assert changed.attributes == {"level": 7, "free": {"any": "thing"}}
    assert (await load_schema(tx)).find_faults(changed.attributes) == {"level": "This is not a text."}
    await update_definition(tx, owner, definition.id, {"kind": Kind.NUMBER, "choices": None})
    assert (await load_schema(tx)).find_faults(changed.attributes) == {}
    await delete_definition(tx, owner, definition.id)
    assert (await queries.get_contact(tx, ann.id)).attributes == {"level": 7, "free": {"any": "thing"}}


async def test_only_who_configures_everywhere_defines(tx, owner):
    """The right in one inbox says nothing about the cards of others."""
    for caller in (member(owner, Right.CONTACTS_EDIT), member(owner, inboxes={InboxId(new_id())})):
        with pytest.raises(Forbidden):
            await define(tx, caller)


# --- unique values ---


async def test_a_unique_value_has_one_holder(tx, owner):
    """Compared exactly; the holder may say it again, change it, and then it is free."""
    await define(tx, owner, "card", is_unique=True)
    ann, bob = await make(tx, owner, card="C-1"), await make(tx, owner, card="c-1")
    with pytest.raises(AttributeTaken) as refused:
        await update_contact(tx, owner, bob.id, {"attributes": {"card": "C-1"}}, provenance=MEMBER)
    assert refused.value.facts == {"attribute": "card", "holder": {"id": str(ann.id), "name": "Ann"}}
    await update_contact(tx, owner, ann.id, {"attributes": {"card": "C-2"}}, provenance=MEMBER)
    assert (await update_contact(tx, owner, bob.id, {"attributes": {"card": "C-1"}}, provenance=MEMBER)).version == 2
    await update_contact(tx, owner, bob.id, {"attributes": {"card": None}}, provenance=MEMBER)
    assert (await make(tx, owner, card="C-1")).version == 1


async def test_a_deleted_contact_holds_nothing(tx, owner):
    """Its value goes to whoever asks; then it cannot come back before that one lets go."""
    await define(tx, owner, "card", is_unique=True)
    ann = await make(tx, owner, card="C-1")
    await delete_contact(tx, owner, ann.id)
    bob = await make(tx, owner, card="C-1")
    with pytest.raises(AttributeTaken):
        await restore_contact(tx, owner, ann.id)
    await update_contact(tx, owner, bob.id, {"attributes": {"card": None}}, provenance=MEMBER)
    await restore_contact(tx, owner, ann.id)
    with pytest.raises(AttributeTaken):
        await make(tx, owner, card="C-1")


async def test_becoming_unique_finds_the_holders(tx, owner):
    """The oldest card keeps the value for itself; the others are counted and keep what they say."""
    ann, bob = await make(tx, owner, n=1), await make(tx, owner, n=1.0)
    await make(tx, owner, n=True)
    definition = await define(tx, owner, "n", Kind.NUMBER)
    _, misfits = await update_definition(tx, owner, definition.id, {"is_unique": True})
    assert (misfits.shared, misfits.unfitting, misfits.missing) == (1, 1, 0)
    assert (await queries.get_contact(tx, bob.id)).attributes == {"n": 1.0}
    with pytest.raises(AttributeTaken) as refused:
        await make(tx, owner, n=1)
    assert refused.value.facts["holder"]["id"] == str(ann.id)


@given(st.one_of(st.integers(-(10**15), 10**15), st.floats(allow_nan=False, allow_infinity=False, width=32)))
def test_equal_numbers_have_one_key(number):
    """Whole numbers and fractions alike, with or without a point, without an exponent."""
    key = value_key(number)
    assert float(key) == float(number)
    assert "e" not in key.lower()
    if float(number).is_integer() and abs(number) < 2**53:
        assert value_key(float(number)) == value_key(int(number))


async def test_the_database_makes_the_same_keys(tx, owner):
    """What is filled in when an attribute becomes unique is what writes look for."""
    numbers = [0, -0.0, 1.50, 1e22, 1e-7, -12.25, 123456789012345678]
    for number in numbers:
        await make(tx, owner, n=number)
    definition = await define(tx, owner, "n", Kind.NUMBER, is_unique=True)
    sql = "SELECT value_key FROM attribute_values WHERE organization_id = %(o)s AND definition_id = %(d)s"
    held = {row[0] for row in await tx.fetch(sql, {"o": tx.organization_id, "d": definition.id})}
    assert held == {value_key(number) for number in numbers}


async def test_of_many_who_want_a_value_one_gets_it(db: Database, organization: OrganizationId):
    """Whoever commits first; nobody waits forever, and no two hold it."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        await define(tx, caller, "card", is_unique=True)

    async def ask(number: int) -> bool:
        try:
            async with db.begin(organization) as tx:
                await make(tx, caller, card="C-1")
        except AttributeTaken:
            return False
        return True

    assert sum(await asyncio.gather(*(ask(number) for number in range(8)))) == 1


async def test_a_definition_waits_for_writes_under_way(db: Database, organization: OrganizationId):
    """A value that is written while the attribute becomes unique is held, or counted: never overlooked."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        definition = await define(tx, caller, "card")

    async def write(number: int) -> None:
        async with db.begin(organization) as tx:
            await make(tx, caller, card=f"C-{number}")
            await asyncio.sleep(0.01)

    async def become_unique() -> None:
        async with db.begin(organization) as tx:
            await update_definition(tx, caller, definition.id, {"is_unique": True})

    await asyncio.gather(*(write(number) for number in range(6)), become_unique(), *(write(n) for n in range(6, 9)))
    async with db.begin(organization) as tx:
        sql = "SELECT count(*) FROM attribute_values WHERE organization_id = %(o)s"
        assert await tx.fetch_value(sql, {"o": organization}) == 9


async def test_a_definition_and_a_write_of_one_card_never_wait_for_each_other(
    db: Database, organization: OrganizationId
):
    """Both wait for the schema first: whoever has the card has that, too."""
    caller = system_caller(organization)
    async with db.begin(organization) as tx:
        definition = await define(tx, caller, "card")
        ann = await make(tx, caller, card="C-1")

    async def write() -> None:
        async with db.begin(organization) as tx:
            await change_card(tx, caller, ann.id, Given(fields={"name": "Bea", "attributes": {"card": "C-2"}}))

    async def become_unique() -> None:
        async with db.begin(organization) as tx:
            await update_definition(tx, caller, definition.id, {"is_unique": True})

    async with db.begin(organization) as tx:
        await hold_schema(tx)  # as any other write does
        waiting = [asyncio.create_task(become_unique())]
        await until_waiting(tx, 1)
        waiting.append(asyncio.create_task(write()))
        await until_waiting(tx, 2)
    await asyncio.gather(*waiting)


# --- proofs ---


async def test_a_proof_is_never_refused_for_its_attributes(tx, owner):
    """What does not fit, removes, or belongs to somebody else is left out; all else is written."""
    await define(tx, owner, "since", Kind.DATE)
    await define(tx, owner, "card", is_unique=True, is_required=True)
    await make(tx, owner, card="C-1")
    ann = await make(tx, owner, card="C-2")
    said = {"since": "yesterday", "card": "C-1", "free": [1]}
    card = await refresh_card(tx, ann.id, {"name": "Ann Lee", "attributes": said}, SIGNED)
    assert (card.name, card.attributes) == ("Ann", {"card": "C-2", "free": [1]})
    await update_contact(tx, owner, ann.id, {"attributes": {"card": "C-3"}}, provenance=API)
    for value in ("", None):
        card = await refresh_card(tx, ann.id, {"attributes": {"card": value, "since": "2026-01-01"}}, SIGNED)
    assert card.attributes == {"card": "C-3", "free": [1], "since": "2026-01-01"}
    assert (await refresh_card(tx, ann.id, {"attributes": {"card": "C-4"}}, SIGNED)).attributes["card"] == "C-4"
    assert (await make(tx, owner, card="C-3")).version == 1


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Kind.TEXT, " vip ", "vip"),
        (Kind.NUMBER, "-12.50", -12.5),
        (Kind.NUMBER, "007", 7),
        (Kind.DATE, "2026-09-02", "2026-09-02"),
        (Kind.BOOLEAN, "Yes", True),
        (Kind.BOOLEAN, "否", False),
        (Kind.LIST, "a; b\nc", ["a", "b", "c"]),
        (Kind.URL, "https://example.com", "https://example.com"),
        (Kind.NUMBER, "  ", None),
    ],
)
async def test_a_cell_is_read_as_its_kind_says(tx, owner, kind, text, value):
    """What a sheet or a form says; an empty one says nothing, and a key without a definition is a text."""
    await define(tx, owner, "it", kind)
    schema = await load_schema(tx)
    assert schema.parse_text("it", text) == value
    assert Schema({}).parse_text("it", text) in {text, None}


@pytest.mark.parametrize(("kind", "text"), [(Kind.NUMBER, "1e5"), (Kind.DATE, "2.9.2026"), (Kind.BOOLEAN, "perhaps")])
async def test_a_cell_that_cannot_be_read_is_refused(tx, owner, kind, text):
    """At the key, as everywhere."""
    await define(tx, owner, "it", kind)
    with pytest.raises(InvalidRequest) as refused:
        (await load_schema(tx)).parse_text("it", text)
    assert refused.value.pointer == "/attributes/it"


async def test_contacts_of_other_organizations_hold_nothing_here(db, organization, other_organization):
    """Each organization has its own schema and its own values."""
    for one in (organization, other_organization):
        async with db.begin(one) as tx:
            await define(tx, system_caller(one), "card", is_unique=True)
            assert isinstance((await make(tx, system_caller(one), card="C-1")).id, type(ContactId(new_id())))
