"""Query metadata in the console: read from a field, told in words, with remarks at the line that they are about."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.access.clauses import BaseClause, LabelCondition, LabelRelation, QueryMetadata
from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.model import Layer
from frontdesk.access.parse import parse_query_metadata
from frontdesk.access.warnings import find_references
from frontdesk.core.db import Tx
from frontdesk.core.ids import KnowledgeBaseId, LabelId
from frontdesk.knowledge.queries import find_names

_SHOWN_AROUND = 3  # lines
_BASE_OF_POINTERS = "/queryMetadata"  # where the actions say that it stands


def read_field(text: str) -> dict[str, Any] | None:
    """Return the JSON object in a field; None when the field is empty. Raises InvalidQueryMetadata with its line."""
    if not text.strip():
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        detail = f"This is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        raise InvalidQueryMetadata(detail, facts={"line": error.lineno}) from error
    except RecursionError as error:
        raise InvalidQueryMetadata("This is nested too deeply.") from error
    if not isinstance(value, dict):
        raise InvalidQueryMetadata("Query metadata is an object: { … }.", facts={"line": 1})
    return value


def write_field(raw: Mapping[str, Any] | None) -> str:
    """Return query metadata as it stands in a field; empty for None."""
    return "" if raw is None else _render(raw)


async def find_base_names(tx: Tx, base_ids: Collection[KnowledgeBaseId]) -> Mapping[KnowledgeBaseId, str]:
    """Map those knowledge bases that exist to their names."""
    bases, _ = await find_names(tx, base_ids=base_ids, label_ids=())
    return bases


# --- the line that a remark is about ---


@dataclass(frozen=True, slots=True)
class Line:
    """One line of JSON as it is shown."""

    number: int
    text: str
    is_marked: bool


def mark_lines(value: Mapping[str, Any], pointers: Collection[str]) -> list[Line]:
    """Return `value` as lines of JSON; marked are those where what `pointers` name begins."""
    numbers = {_find_line(value, pointer) for pointer in pointers}
    return _to_lines(_render(value), numbers)


def mark_refused(text: str, error: InvalidQueryMetadata) -> list[Line]:
    """Return the lines around the place that `error` is about, which is marked; none when it names no place."""
    number = error.facts.get("line")
    if isinstance(number, int):
        return _around(_to_lines(text, {number}), number)
    if error.pointer is None:
        return []
    value = json.loads(text)
    number = _find_line(value, error.pointer)
    return _around(_to_lines(_render(value), {number}), number)


def _around(lines: list[Line], number: int) -> list[Line]:
    return [line for line in lines if abs(line.number - number) <= _SHOWN_AROUND]


def _to_lines(text: str, marked: Collection[int]) -> list[Line]:
    lines = text.replace("\r\n", "\n").split("\n")  # no other line end counts in JSON
    return [Line(number, line, number in marked) for number, line in enumerate(lines, 1)]


def _render(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _find_line(value: object, pointer: str) -> int:
    """Return in which line of `_render(value)` the part that `pointer` (RFC 6901) names begins, or its parent."""
    line = 1
    for step in pointer.removeprefix(_BASE_OF_POINTERS).split("/")[1:]:
        parts = _parts(value)
        key = step.replace("~1", "/").replace("~0", "~")
        if key not in parts:
            break
        before = list(parts).index(key)
        line += 1 + sum(_render(part).count("\n") + 1 for part in list(parts.values())[:before])
        value = parts[key]
    return line


def _parts(value: object) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return value
    return {str(index): part for index, part in enumerate(value)} if isinstance(value, list) else {}


# --- in words ---


@dataclass(frozen=True, slots=True)
class Opened:
    """What query metadata opens of one knowledge base, in the numbers and names that a template makes words of."""

    base: str  # its name; the id when there is no such base
    files: int | None  # None: all of them
    faqs: int | None
    labels: str  # the condition on labels, such as "vip or member"; empty without one
    labels_narrow_faqs: bool


async def tell(tx: Tx, raw: dict[str, Any] | None, layer: Layer) -> list[Opened]:
    """Return what `raw` opens, one entry for each clause; nothing when it is absent or cannot be read."""
    try:
        query = parse_query_metadata(raw, layer=layer).query
    except InvalidQueryMetadata:
        return []
    if query is None:
        return []
    wanted = find_references(query)
    bases, labels = await find_names(tx, base_ids=wanted.bases, label_ids=wanted.labels)
    return [_tell_clause(query, clause, bases, labels) for clause in query.clauses]


def _tell_clause(
    query: QueryMetadata, clause: BaseClause, bases: Mapping[KnowledgeBaseId, str], labels: Mapping[LabelId, str]
) -> Opened:
    relation = query.relation_for(clause)
    return Opened(
        base=bases.get(clause.base, str(clause.base)),
        files=_count_files(clause, relation),
        faqs={"all": None, "none": 0, "listed": len(clause.faqs.ids) if clause.faqs else 0}[clause.faq_mode],
        labels=_tell_relation(relation, labels) if relation else "",
        labels_narrow_faqs=relation is not None and relation.applies_to == "all",
    )


def _count_files(clause: BaseClause, relation: LabelRelation | None) -> int | None:
    if clause.selects_all:
        return None
    if clause.files and clause.files.ids:
        return len(clause.files.ids)
    return None if relation else 0


def _tell_relation(relation: LabelRelation, labels: Mapping[LabelId, str]) -> str:
    joint = f" {relation.operator.lower()} "
    return joint.join(_tell_conditions(relation.conditions, labels)) or "–"


def _tell_conditions(conditions: Sequence[LabelCondition | LabelRelation], labels: Mapping[LabelId, str]) -> list[str]:
    return [
        labels.get(one.label, str(one.label)) if isinstance(one, LabelCondition) else f"({_tell_relation(one, labels)})"
        for one in conditions
    ]
