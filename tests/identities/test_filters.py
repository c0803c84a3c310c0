"""Filters with and/or: what they mean, in SQL as in Python; and what is none."""

from random import Random, SystemRandom
from uuid import UUID

import pytest
from psycopg.types.json import Jsonb
from tests.identities.filter_oracle import DAYS, KEYS, NAMES, NOW, SCALARS, Person, make_person, matches
from tests.making import make_inbox, member

from frontdesk.channels.queries import get_default_realm
from frontdesk.contacts.filters import FIELDS, OPS, FieldKind, Group, Op, parse_filter
from frontdesk.contacts.labels import create_label
from frontdesk.core.errors import Forbidden, InvalidRequest
from frontdesk.core.wire import Paging
from frontdesk.identities import listing
from frontdesk.identities.listing import ContactFilters, list_contacts
from frontdesk.identities.queries import refresh_search_ids
from frontdesk.organizations.model import Caller, Grant, Right

EXAMPLES = {
    "name": (*NAMES[1:], "an", "偉"),
    "language": ("en", "zh-Hant", "zh"),
    "source_id": ("M-1", "m-", "U_x", "a b", "b-"),
    "email": ("ann@example.com", "ANN@EXAMPLE.COM", "example", "wu"),
    "phone": ("+886912345678", "912"),
}


async def insert_people(tx, people: list[Person]) -> None:
    realm = (await get_default_realm(tx)).id
    for person in people:
        said = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(person).items()}
        params = said | {"o": tx.organization_id, "realm": realm, "attributes": Jsonb(person.attributes)}
        await tx.execute(
            """
            INSERT INTO contacts (organization_id, id, name, language, attributes, search_personal, blocked_at,
                                  created_at, updated_at, last_seen_at)
            VALUES (%(o)s, %(id)s, %(name)s, %(language)s, %(attributes)s,
                    (SELECT coalesce(string_agg(' ' || search_form(address), ''), '')
                       FROM unnest(%(emails)s::text[] || %(phones)s::text[]) AS address),
                    CASE WHEN %(blocked)s THEN now() END, %(created)s, %(updated)s, %(last_seen)s)
            """,
            params,
        )
        for table, columns, values in (
            ("identities", "id, realm_id, contact_id, created_at, source_id", "gen_random_uuid(), %(realm)s, %(id)s, now(), unnest(%(source_ids)s::text[])"),
            ("contact_emails", "contact_id, position, email", "%(id)s, n, email FROM unnest(%(emails)s::text[]) WITH ORDINALITY AS e (email, n)"),
            ("contact_phones", "contact_id, position, phone", "%(id)s, n, phone FROM unnest(%(phones)s::text[]) WITH ORDINALITY AS p (phone, n)"),
            ("contact_inboxes", "contact_id, inbox_id", "%(id)s, unnest(%(inboxes)s::uuid[])"),
        ):  # fmt: skip
            await tx.execute(f"INSERT INTO {table} (organization_id, {columns}) SELECT %(o)s, {values}", params)
        await tx.execute(
            """
            INSERT INTO labelled_contacts (organization_id, contact_id, label_id, provenance, set_at)
            SELECT %(o)s, %(id)s, id, 'member', now() FROM contact_labels
             WHERE organization_id = %(o)s AND name = ANY(%(labels)s)
            """,
            params,
        )
    await refresh_search_ids(tx, [person.id for person in people])


def random_group(rng: Random, inboxes: list[str], labels: list[str], depth: int = 1) -> dict:
    conditions = [
        random_group(rng, inboxes, labels, depth + 1)
        if depth < 3 and rng.random() < 0.2
        else random_condition(rng, inboxes, labels)
        for _ in range(rng.choice((0, 1, 1, 2, 3)))
    ]
    return {"operator": rng.choice(("and", "or")), "conditions": conditions}


def random_condition(rng: Random, inboxes: list[str], labels: list[str]) -> dict:
    field = rng.choice(
        [*(name for name in FIELDS if name not in {"search", "profile"}), *(f"attributes.{key}" for key in KEYS)]
    )
    kind = FIELDS.get(field, FieldKind.ATTRIBUTE)
    op = rng.choice(OPS[kind])

    def one() -> object:
        return {
            FieldKind.TEXT: lambda: rng.choice(EXAMPLES.get(field, ("x",))),
            FieldKind.KIND: lambda: rng.choice(("known", "anonymous")),
            FieldKind.ID: lambda: rng.choice(inboxes),
            FieldKind.LABEL: lambda: rng.choice([*labels, "No such label"]),
            FieldKind.FLAG: lambda: rng.random() < 0.5,
            FieldKind.ATTRIBUTE: lambda: rng.choice(SCALARS),
        }[kind]()

    if op in {Op.IS_SET, Op.IS_NOT_SET}:
        return {"field": field, "op": op}
    value = {
        Op.IN: lambda: [one() for _ in range(rng.randint(1, 3))],
        Op.BEFORE: lambda: rng.choice(DAYS),
        Op.AFTER: lambda: rng.choice(DAYS),
        Op.OLDER_THAN: lambda: rng.choice((0, 5, 6, 150)),
        Op.WITHIN: lambda: rng.choice((0, 5, 6, 150)),
        Op.GREATER: lambda: rng.choice((0, 1, 1.5, -3)),
        Op.LESS: lambda: rng.choice((0, 1, 1.5, -3)),
        Op.CONTAINS: lambda: rng.choice(EXAMPLES.get(field, ("vip", "a", "張", "0%", "26-01"))),
        Op.STARTS_WITH: lambda: rng.choice(EXAMPLES.get(field, ("vi", "a", "張", "50", "2026"))),
    }.get(op, one)()
    return {"field": field, "op": op, "value": value}


@pytest.fixture
async def world(tx, owner, monkeypatch):
    monkeypatch.setattr(listing, "utc_now", lambda: NOW)
    seed = SystemRandom().getrandbits(32)
    rng = Random(seed)  # noqa: S311 -- examples, not secrets
    inboxes = [str((await make_inbox(tx, owner, f"Inbox {number}")).id) for number in range(2)]
    labels = [(await create_label(tx, owner, name)).name for name in ("VIP", "50% off")]
    people = [make_person(rng, inboxes, labels) for _ in range(60)]
    await insert_people(tx, people)
    return seed, rng, inboxes, labels, people


async def test_law_sql_and_python_agree_on_random_filters(tx, owner, world):
    """In every run other people and other filters: missing values, false, 0, dates, lists, and/or at any depth."""
    seed, rng, inboxes, labels, people = world
    for number in range(250):
        raw = random_group(rng, inboxes, labels)
        group = parse_filter(raw)
        assert parse_filter(group.to_json()) == group
        page = await list_contacts(tx, owner, ContactFilters(filter=group), Paging(100, 0))
        expected = {person.id for person in people if matches(group, person)}
        assert {view.contact.id for view in page.rows} == expected, f"seed {seed}, filter {number}: {raw}"
        assert page.count == len(expected)


def condition(field: str, op: str, value: object = None) -> Group:
    raw = {"field": field, "op": op} | ({} if value is None else {"value": value})
    return parse_filter({"operator": "and", "conditions": [raw]})


async def test_who_has_no_value_is_not_equal_to_any(tx, owner):
    """The wish that others got wrong: not VIP includes whoever has no level; false and 0 are values."""
    people = [
        Person(attributes=one) for one in ({"level": "VIP"}, {"level": "Gold"}, {}, {"level": False}, {"level": 0})
    ]
    await insert_people(tx, people)

    async def found(op: str, value: object = None) -> list[int]:
        page = await list_contacts(
            tx, owner, ContactFilters(filter=condition("attributes.level", op, value)), Paging(50, 0)
        )
        ids = {view.contact.id for view in page.rows}
        return [place for place, person in enumerate(people) if person.id in ids]

    assert await found("not_equals", "VIP") == [1, 2, 3, 4]
    assert await found("is_set") == [0, 1, 3, 4]
    assert await found("equals", False) == [3]
    assert await found("equals", 0) == [4]
    assert await found("less", 5) == [4]


async def test_addresses_are_filtered_only_where_they_may_be_seen(tx, owner, monkeypatch):
    """Neither "equals" nor "not equals" nor "is not set" tells anything of an address that the caller may not see."""
    shop, beside = [(await make_inbox(tx, owner, name)).id for name in ("Shop", "Beside")]
    people = [
        Person(emails=("a@example.com",), inboxes=(str(shop),)),
        Person(inboxes=(str(shop),)),
        Person(inboxes=(str(beside),)),
    ]
    await insert_people(tx, people)
    half = Caller(
        owner.kind, owner.id, "half", owner.organization_id,
        (Grant(frozenset({Right.CONTACTS_VIEW})), Grant(frozenset({Right.CONTACTS_VIEW_PERSONAL}), frozenset({beside}))),
    )  # fmt: skip
    for op, value in (
        ("equals", "a@example.com"),
        ("not_equals", "b@example.com"),
        ("is_not_set", None),
        ("is_set", None),
    ):
        page = await list_contacts(tx, half, ContactFilters(filter=condition("email", op, value)), Paging(50, 0))
        assert {view.contact.id for view in page.rows} <= {people[2].id}
    with pytest.raises(Forbidden):
        await list_contacts(
            tx, member(owner, Right.CONTACTS_VIEW), ContactFilters(filter=condition("phone", "is_set")), Paging(5, 0)
        )


LONG = {"operator": "and", "conditions": [{"field": "name", "op": "is_set"}] * 20}
DEEP: dict = {"operator": "and", "conditions": []}
for _ in range(6):
    DEEP = {"operator": "or", "conditions": [DEEP]}


def one(field: object, op: object, value: object = None) -> dict:
    return {"operator": "and", "conditions": [{"field": field, "op": op, "value": value}]}


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [
        (None, "/filter"),
        ([], "/filter"),
        ({"operator": "and"}, "/filter"),
        ({"operator": "xor", "conditions": []}, "/filter/operator"),
        ({"operator": "and", "conditions": {}}, "/filter/conditions"),
        ({"operator": "and", "conditions": [LONG, LONG, LONG]}, "/filter"),
        (DEEP, "/filter" + "/conditions/0" * 5),
        (one("nmae", "is_set"), "/filter/conditions/0/field"),
        (one("attributes.", "is_set"), "/filter/conditions/0/field"),
        (one("attributes.a\x00", "is_set"), "/filter/conditions/0/field"),
        (one(["name"], "is_set"), "/filter/conditions/0/field"),
        (one("name", "greater", 1), "/filter/conditions/0/op"),
        (one("name", "like", "x"), "/filter/conditions/0/op"),
        (one("name", "is_set", "x"), "/filter/conditions/0/value"),
        (one("name", "contains", "  "), "/filter/conditions/0/value"),
        (one("name", "equals", 5), "/filter/conditions/0/value"),
        (one("name", "in", []), "/filter/conditions/0/value"),
        (one("name", "in", ["a", 1]), "/filter/conditions/0/value/1"),
        (one("inbox", "equals", "x"), "/filter/conditions/0/value"),
        (one("kind", "equals", "dog"), "/filter/conditions/0/value"),
        (one("blocked", "equals", "true"), "/filter/conditions/0/value"),
        (one("created", "before", "yesterday"), "/filter/conditions/0/value"),
        (one("created", "before", "0001-01-01T00:00:00+14:00"), "/filter/conditions/0/value"),
        (one("created", "after", "9999-12-31"), "/filter/conditions/0/value"),
        (one("created", "within", -1), "/filter/conditions/0/value"),
        (one("created", "within", True), "/filter/conditions/0/value"),
        (one("attributes.x", "greater", "5"), "/filter/conditions/0/value"),
        (one("attributes.x", "greater", float("inf")), "/filter/conditions/0/value"),
        (one("attributes.x", "equals", 10**400), "/filter/conditions/0/value"),
        (one("attributes.x", "less", float("nan")), "/filter/conditions/0/value"),
        (one("attributes.x", "equals", {"a": 1}), "/filter/conditions/0/value"),
        (one("attributes.x", "before", "2026-01-31T12:00:00Z"), "/filter/conditions/0/value"),
    ],
)  # fmt: skip
def test_what_is_no_filter_is_refused_where_it_is_wrong(raw, pointer):
    with pytest.raises(InvalidRequest) as caught:
        parse_filter(raw)
    assert caught.value.pointer == pointer


def test_fields_and_ops_are_understood_in_both_spellings():
    assert condition("lastSeen", "olderThan", 5) == condition("last_seen", "older_than", 5)
    assert condition("attributes.lastSeen", "isSet").conditions[0].key == "lastSeen"
    assert condition("inbox", "equals", str(UUID(int=3)).upper()) == condition("inbox", "equals", str(UUID(int=3)))
