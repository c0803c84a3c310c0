"""Filters of contacts, as they are written and kept: `{"operator": "and", "conditions": [{"field", "op", "value"}]}`.

A condition may be a group again. `filter_sql.py` says what each means in SQL; nothing of a filter is ever SQL itself.
What is missing matches `is_not_set`, `not_equals` and nothing else: whoever has no level is not VIP. A field with
several values (labels, e-mails, a list) equals what one of them is, and does not equal what none of them is.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias, cast
from uuid import UUID

from frontdesk.core.errors import InvalidRequest
from frontdesk.core.inputs import check_json, clean_line

MAX_DEPTH: Final = 5
MAX_CONDITIONS: Final = 50
MAX_VALUES: Final = 100
MAX_TEXT: Final = 500
MAX_DAYS: Final = 36_500
ATTRIBUTE: Final = "attributes."

_MAX_NUMBER: Final = 1e15
_MAX_KEY: Final = 200
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")

Operator: TypeAlias = Literal["and", "or"]


class Op(StrEnum):
    """How a field is compared with the value."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    IN = "in"
    CONTAINS = "contains"  # in any case, with or without accents
    STARTS_WITH = "starts_with"
    GREATER = "greater"
    LESS = "less"
    BEFORE = "before"  # a day (all of it), or a moment
    AFTER = "after"
    OLDER_THAN = "older_than"  # more than so many days ago
    WITHIN = "within"  # at most so many days ago
    IS_SET = "is_set"  # false and 0 are values; an empty text and an empty list are none
    IS_NOT_SET = "is_not_set"


class FieldKind(StrEnum):
    """What the values of a field are."""

    TEXT = "text"
    SEARCH = "search"  # what the search box is given
    KIND = "kind"
    ID = "id"
    LABEL = "label"  # ids or names
    TIME = "time"
    FLAG = "flag"
    ATTRIBUTE = "attribute"


FIELDS: Final[Mapping[str, FieldKind]] = {
    "search": FieldKind.SEARCH,
    "name": FieldKind.TEXT,
    "kind": FieldKind.KIND,
    "inbox": FieldKind.ID,
    "label": FieldKind.LABEL,
    "profile": FieldKind.ID,
    "source_id": FieldKind.TEXT,
    "email": FieldKind.TEXT,
    "phone": FieldKind.TEXT,
    "language": FieldKind.TEXT,
    "created": FieldKind.TIME,
    "updated": FieldKind.TIME,
    "last_seen": FieldKind.TIME,
    "blocked": FieldKind.FLAG,
}
_PRESENCE: Final = (Op.IS_SET, Op.IS_NOT_SET)
_CHOICE: Final = (Op.EQUALS, Op.NOT_EQUALS, Op.IN, *_PRESENCE)
OPS: Final[Mapping[FieldKind, tuple[Op, ...]]] = {
    FieldKind.TEXT: (Op.CONTAINS, Op.STARTS_WITH, *_CHOICE),
    FieldKind.SEARCH: (Op.CONTAINS,),
    FieldKind.KIND: (Op.EQUALS, Op.NOT_EQUALS),
    FieldKind.ID: _CHOICE,
    FieldKind.LABEL: _CHOICE,
    FieldKind.TIME: (Op.WITHIN, Op.OLDER_THAN, Op.BEFORE, Op.AFTER, *_PRESENCE),
    FieldKind.FLAG: (Op.EQUALS, Op.NOT_EQUALS),
    FieldKind.ATTRIBUTE: tuple(Op),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison. `value` is plain JSON that fits the field and `op`; None for `is_set` and `is_not_set`."""

    field: str
    op: Op
    value: Any = None

    @property
    def kind(self) -> FieldKind:
        """What the values of the field are."""
        return FieldKind.ATTRIBUTE if self.field.startswith(ATTRIBUTE) else FIELDS[self.field]

    @property
    def key(self) -> str:
        """The attribute that is meant."""
        return self.field.removeprefix(ATTRIBUTE)


@dataclass(frozen=True, slots=True)
class Group:
    """All of the conditions, or one of them. An empty `and` is everybody, an empty `or` nobody."""

    operator: Operator = "and"
    conditions: "tuple[Condition | Group, ...]" = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `parse_filter` reads."""
        return {"operator": self.operator, "conditions": [_render(one) for one in self.conditions]}

    def walk(self) -> Iterator[Condition]:
        """Yield every comparison in it, however deep."""
        for one in self.conditions:
            if isinstance(one, Group):
                yield from one.walk()
            else:
                yield one


EVERYBODY: Final = Group()


def parse_filter(raw: object, pointer: str = "/filter") -> Group:
    """Read a filter; raises InvalidRequest, which points at what is wrong.

    Fields and ops are understood in snake_case and camelCase.
    """
    group = _parse_group(raw, pointer, depth=1)
    if sum(1 for _ in group.walk()) > MAX_CONDITIONS:
        raise InvalidRequest(f"At most {MAX_CONDITIONS} conditions.", pointer=pointer)
    return group


def both(*groups: Group) -> Group:
    """Return the filter that is true where all of these are."""
    said = tuple(group for group in groups if group != EVERYBODY)
    return said[0] if len(said) == 1 else Group("and", said)


def read_moment(value: str) -> datetime:
    """Return the moment of an RFC 3339 text, or the beginning of a day in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_day(value: str) -> bool:
    """Tell whether a date is written without a time."""
    return len(value) == len("2026-01-31")


def _render(one: Condition | Group) -> dict[str, Any]:
    if isinstance(one, Group):
        return one.to_json()
    written: dict[str, Any] = {"field": one.field, "op": one.op.value}
    return written if one.op in _PRESENCE else written | {"value": one.value}


def _parse_group(raw: object, pointer: str, depth: int) -> Group:
    if not isinstance(raw, Mapping) or set(raw) != {"operator", "conditions"}:
        raise InvalidRequest("A filter has an operator and conditions.", pointer=pointer)
    operator, conditions = raw["operator"], raw["conditions"]
    if operator not in ("and", "or"):
        raise InvalidRequest("The operator is `and` or `or`.", pointer=f"{pointer}/operator")
    if not isinstance(conditions, list) or len(conditions) > MAX_CONDITIONS:
        raise InvalidRequest(f"A list of at most {MAX_CONDITIONS} conditions.", pointer=f"{pointer}/conditions")
    if depth > MAX_DEPTH:
        raise InvalidRequest(f"Nested more than {MAX_DEPTH} deep.", pointer=pointer)
    read = [_parse_one(one, f"{pointer}/conditions/{place}", depth) for place, one in enumerate(conditions)]
    return Group(cast("Operator", operator), tuple(read))


def _parse_one(raw: object, pointer: str, depth: int) -> Condition | Group:
    if not isinstance(raw, Mapping):
        raise InvalidRequest("A condition is an object.", pointer=pointer)
    if "conditions" in raw:
        return _parse_group(raw, pointer, depth + 1)
    if not {"field", "op"} <= set(raw) <= {"field", "op", "value"}:
        raise InvalidRequest("A condition has a field, an op and a value.", pointer=pointer)
    field = _parse_field(raw["field"], f"{pointer}/field")
    kind = FieldKind.ATTRIBUTE if field.startswith(ATTRIBUTE) else FIELDS[field]
    op = _snake(raw["op"])
    if op not in OPS[kind]:
        raise InvalidRequest(f"One of: {', '.join(OPS[kind])}.", pointer=f"{pointer}/op")
    return Condition(field, Op(op), _parse_value(raw.get("value"), kind, Op(op), f"{pointer}/value"))


def _parse_field(raw: object, pointer: str) -> str:
    if isinstance(raw, str) and raw.startswith(ATTRIBUTE) and len(raw) > len(ATTRIBUTE):
        return ATTRIBUTE + clean_line(raw.removeprefix(ATTRIBUTE), pointer=pointer, max_length=_MAX_KEY)
    field = _snake(raw)
    if field not in FIELDS:
        raise InvalidRequest("There is no such field.", pointer=pointer)
    return field


def _snake(raw: object) -> str:
    return _HUMP.sub("_", raw).lower() if isinstance(raw, str) else ""


def _parse_value(raw: object, kind: FieldKind, op: Op, pointer: str) -> Any:  # noqa: ANN401 -- JSON
    if op in _PRESENCE:
        if raw is not None:
            raise InvalidRequest("There is nothing to compare with.", pointer=pointer)
        return None
    if op is Op.IN:
        if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_VALUES:
            raise InvalidRequest(f"A list of 1 to {MAX_VALUES} values.", pointer=pointer)
        return [_parse_scalar(one, kind, f"{pointer}/{place}") for place, one in enumerate(raw)]
    if op in {Op.BEFORE, Op.AFTER}:
        return _parse_moment(raw, pointer, only_days=kind is FieldKind.ATTRIBUTE)
    return _PARSED[op](raw, pointer) if op in _PARSED else _parse_scalar(raw, kind, pointer)


def _parse_scalar(raw: object, kind: FieldKind, pointer: str) -> str | float | bool:
    if kind is FieldKind.FLAG:
        if not isinstance(raw, bool):
            raise InvalidRequest("True or false.", pointer=pointer)
        return raw
    if kind is FieldKind.ATTRIBUTE and isinstance(raw, bool):
        return raw
    if kind is FieldKind.ATTRIBUTE and isinstance(raw, int | float):
        return _parse_number(raw, pointer)
    if not isinstance(raw, str):
        raise InvalidRequest("This is a text.", pointer=pointer)
    if kind is FieldKind.KIND and raw not in ("known", "anonymous"):
        raise InvalidRequest("A contact is known or anonymous.", pointer=pointer)
    if kind is FieldKind.ID:
        try:
            return str(UUID(raw))
        except ValueError as error:
            raise InvalidRequest("An id is a UUID.", pointer=pointer) from error
    if kind is FieldKind.ATTRIBUTE:
        check_json(raw, pointer=pointer, max_bytes=4 * MAX_TEXT)
        return raw
    return _check_text(raw, pointer)


def _parse_part(raw: object, pointer: str) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise InvalidRequest("Write what to look for.", pointer=pointer)
    return _check_text(raw.strip(), pointer)


def _check_text(raw: str, pointer: str) -> str:
    if clean_line(raw, pointer=pointer, max_length=MAX_TEXT) != raw:
        raise InvalidRequest("White space around it matches nothing.", pointer=pointer)
    return raw


def _parse_number(raw: object, pointer: str) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise InvalidRequest("This is a number.", pointer=pointer)
    if abs(raw) > _MAX_NUMBER or not math.isfinite(raw):
        raise InvalidRequest("This number is too large.", pointer=pointer)
    return raw


def _parse_days(raw: object, pointer: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not 0 <= raw <= MAX_DAYS:
        raise InvalidRequest(f"A number of days, at most {MAX_DAYS}.", pointer=pointer)
    return raw


def _parse_moment(raw: object, pointer: str, *, only_days: bool) -> str:
    example = "2026-01-31" if only_days else "2026-01-31 or 2026-01-31T12:00:00Z"
    refused = InvalidRequest(f"A date such as {example}.", pointer=pointer)
    if not isinstance(raw, str) or not raw.isascii() or (only_days and not is_day(raw)):
        raise refused
    try:
        moment = date.fromisoformat(raw) if is_day(raw) else read_moment(raw).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise refused from error
    if moment == date.max:  # after which nothing comes
        raise refused
    return moment.isoformat()


_PARSED: Final[Mapping[Op, Callable[[object, str], Any]]] = {
    Op.OLDER_THAN: _parse_days,
    Op.WITHIN: _parse_days,
    Op.GREATER: _parse_number,
    Op.LESS: _parse_number,
    Op.CONTAINS: _parse_part,
    Op.STARTS_WITH: _parse_part,
}
