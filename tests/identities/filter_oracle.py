"""What a filter means, said once more in Python, and people to try it on."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from frontdesk.contacts.filters import Condition, FieldKind, Group, Op
from frontdesk.core.ids import ContactId, new_id

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
NAMES = ("", "Ann Lee", "張偉", "張偉民 Zhang", "José", "100% _x", "Lin 'OR' Wu", "lin")
KEYS = ("level", "points", "since", "paid", "tags", "odd \"key\" 'x'")
VALUES: tuple[Any, ...] = (
    "VIP", "vip", "Gold", "", True, False, 0, 1, 1.5, -3, "1", "true", "2026-01-31", "2026-06-10", "2026-01-31T23:00:00Z",
    ["a", "b"], [], ["VIP"], [1, True], ["2026-01-31"], "張偉", "50%",
)  # fmt: skip
SCALARS = tuple(value for value in VALUES if not isinstance(value, list))
DAYS = ("2025-12-31", "2026-01-31", "2026-06-10", "2026-06-15")


@dataclass
class Person:
    """A contact, as flat as filters see it."""

    id: ContactId = field(default_factory=lambda: ContactId(new_id()))
    name: str = ""
    language: str | None = None
    source_ids: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    inboxes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    blocked: bool = False
    created: datetime = NOW
    updated: datetime = NOW
    last_seen: datetime | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def make_person(rng: Random, inboxes: list[str], labels: list[str]) -> Person:
    def some(options: Any, most: int) -> tuple[Any, ...]:
        return tuple(rng.sample(list(options), rng.randint(0, most)))

    def moment() -> datetime:
        return NOW - timedelta(days=rng.choice((0, 1, 5, 6, 135, 167)), seconds=rng.choice((0, 1, 43200)))

    return Person(
        name=rng.choice(NAMES),
        language=rng.choice((None, "en", "zh-Hant", "zh-Hans")),
        source_ids=tuple(f"{one}-{rng.randrange(10**9)}" for one in some(("M", "m", "U_x", "a b"), 2)),
        emails=some(("ann@example.com", "Ann@Example.com", "wu@example.org"), 1),
        phones=some(("+886912345678", "+4930123456"), 2),
        inboxes=some(inboxes, 2),
        labels=some(labels, 2),
        blocked=rng.random() < 0.3,
        created=moment(),
        updated=moment(),
        last_seen=moment() if rng.random() < 0.7 else None,
        attributes={key: rng.choice(VALUES) for key in some(KEYS, 5)},
    )


def form(text: str) -> str:
    """The search form, in Python."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not "\u0300" <= letter <= "\u036f")
    return unicodedata.normalize("NFC", plain).lower()


def matches(group: Group, person: Person) -> bool:
    found = [matches(one, person) if isinstance(one, Group) else holds(one, person) for one in group.conditions]
    return all(found) if group.operator == "and" else any(found)


def holds(one: Condition, person: Person) -> bool:
    if one.kind is FieldKind.FLAG:
        return (person.blocked == one.value) is (one.op is Op.EQUALS)
    if one.kind is FieldKind.KIND:
        return (("known" if person.source_ids else "anonymous") == one.value) is (one.op is Op.EQUALS)
    if one.kind is FieldKind.TIME:
        return holds_time(one, getattr(person, one.field))
    if one.kind is FieldKind.ATTRIBUTE:
        return holds_attribute(one, person.attributes.get(one.key))
    return holds_listed(one, listed(one.field, person))


def listed(name: str, person: Person) -> list[str]:
    alone = {"name": person.name, "language": person.language}
    if name in alone:
        return [alone[name]] if alone[name] else []
    many = {"source_id": "source_ids", "email": "emails", "phone": "phones", "inbox": "inboxes", "label": "labels"}
    return list(getattr(person, many[name]))


def holds_listed(one: Condition, values: list[str]) -> bool:
    if one.op in {Op.IS_SET, Op.IS_NOT_SET}:
        return bool(values) is (one.op is Op.IS_SET)
    if one.op is Op.CONTAINS:
        return any(form(one.value) in form(value) for value in values)
    if one.op is Op.STARTS_WITH:
        return any(form(value).startswith(form(one.value)) for value in values)
    wanted = one.value if one.op is Op.IN else [one.value]
    if one.field == "email":
        values, wanted = [value.lower() for value in values], [text.lower() for text in wanted]
    return bool(set(values) & set(wanted)) is (one.op is not Op.NOT_EQUALS)


def holds_time(one: Condition, value: datetime | None) -> bool:
    if one.op in {Op.IS_SET, Op.IS_NOT_SET}:
        return (value is not None) is (one.op is Op.IS_SET)
    if value is None:
        return False
    if one.op in {Op.WITHIN, Op.OLDER_THAN}:
        return (value >= NOW - timedelta(days=one.value)) is (one.op is Op.WITHIN)
    day = date.fromisoformat(one.value)
    return value.date() < day if one.op is Op.BEFORE else value.date() > day


def holds_attribute(one: Condition, value: Any) -> bool:
    if one.op in {Op.IS_SET, Op.IS_NOT_SET}:
        return (value is not None and value not in ("", [])) is (one.op is Op.IS_SET)
    if one.op in {Op.EQUALS, Op.NOT_EQUALS, Op.IN}:
        wanted = one.value if one.op is Op.IN else [one.value]
        held = value if isinstance(value, list) else [value]
        return any(same(a, b) for a in wanted for b in held) is (one.op is not Op.NOT_EQUALS)
    if one.op in {Op.CONTAINS, Op.STARTS_WITH}:
        texts = [form(text) for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
        wanted = form(one.value)
        return any(wanted in text if one.op is Op.CONTAINS else text.startswith(wanted) for text in texts)
    if one.op in {Op.GREATER, Op.LESS}:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and (value > one.value if one.op is Op.GREATER else value < one.value)
    is_date = isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d", value) is not None
    return is_date and holds_day(one, value[:10])


def holds_day(one: Condition, day: str) -> bool:
    if one.op in {Op.WITHIN, Op.OLDER_THAN}:
        since = (NOW.date() - timedelta(days=one.value)).isoformat()
        return (day >= since) is (one.op is Op.WITHIN)
    return day < one.value if one.op is Op.BEFORE else day > one.value


def same(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)
