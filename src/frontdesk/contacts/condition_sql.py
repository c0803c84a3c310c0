"""Conditions on attributes in SQL, for filters and rules. Every value is a parameter; only words of here are SQL."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from frontdesk.contacts.filters import Condition, Op

_DAY: Final = r"^\d{4}-\d\d-\d\d"  # how dates stand in attributes, with or without a time


@dataclass(slots=True)
class Parameters:
    """Values of a statement under construction: `add` keeps one and returns what stands for it in the SQL."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, value: object) -> str:
        """Keep a value and return its placeholder."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"%({name})s"


def compile_attribute(params: Parameters, one: Condition, value: str, *, now: datetime) -> str:
    """Return a comparison of an attribute of `contacts c`, but for parts of texts; `value` is the attribute in SQL."""
    if one.op in {Op.IS_SET, Op.IS_NOT_SET}:
        missing = f"""coalesce({value}, 'null') IN ('null', '""', '[]')"""
        return missing if one.op is Op.IS_NOT_SET else f"NOT {missing}"
    if one.op in {Op.EQUALS, Op.IN, Op.NOT_EQUALS}:
        either = " OR ".join(_holds(params, one.key, wanted) for wanted in values_of(one))
        return f"NOT ({either})" if one.op is Op.NOT_EQUALS else f"({either})"
    text = f"{value} #>> '{{}}'"
    if one.op in {Op.GREATER, Op.LESS}:
        sign, wanted = ">" if one.op is Op.GREATER else "<", params.add(one.value)
        compared = f"({text})::numeric {sign} {wanted}::numeric"
        return f"CASE WHEN jsonb_typeof({value}) = 'number' THEN {compared} ELSE false END"
    sign, day = _compared_day(one, now)
    is_date = f"jsonb_typeof({value}) = 'string' AND {text} ~ '{_DAY}'"
    compared = f"""left({text}, 10) COLLATE "C" {sign} {params.add(day)}::text"""
    return f"CASE WHEN {is_date} THEN {compared} ELSE false END"


def values_of(one: Condition) -> Sequence[Any]:
    """Return the values that a condition compares with."""
    return one.value if isinstance(one.value, list) else [] if one.value is None else [one.value]


def _holds(params: Parameters, key: str, wanted: object) -> str:
    """Return that the attribute is `wanted`, or a list that has it."""
    alone, listed = params.add(Jsonb({key: wanted})), params.add(Jsonb({key: [wanted]}))
    return f"c.attributes @> {alone}::jsonb OR c.attributes @> {listed}::jsonb"


def _compared_day(one: Condition, now: datetime) -> tuple[str, str]:
    if one.op in {Op.OLDER_THAN, Op.WITHIN}:
        day = (now.astimezone(UTC) - timedelta(days=one.value)).date().isoformat()
        return "<" if one.op is Op.OLDER_THAN else ">=", day
    return "<" if one.op is Op.BEFORE else ">", one.value
