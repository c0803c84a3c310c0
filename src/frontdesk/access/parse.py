"""From JSON to a scope: the only reader of query metadata.

Everything is strict: what is not understood is refused, never guessed, because a guess can open a document.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from frontdesk.access.clauses import (
    AppliesTo,
    BaseClause,
    FaqMode,
    LabelCondition,
    LabelRelation,
    Listed,
    Operator,
    QueryMetadata,
    compile_scope,
)
from frontdesk.access.errors import InvalidQueryMetadata
from frontdesk.access.json_objects import (
    BASE_KEYS,
    CONDITION_KEYS,
    QUERY_KEYS,
    RELATION_KEYS,
    JsonObject,
    Placed,
    read_list,
    read_object,
)
from frontdesk.access.model import Layer, Scope
from frontdesk.access.warnings import AccessWarning, check_clauses
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId

MAX_DEPTH: Final = 8  # relations inside each other
MAX_NODES: Final = 256  # clauses, relations and label conditions
MAX_IDS: Final = 10_000  # listed files and FAQs

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_OPERATORS: Final[Mapping[object, Operator]] = {"AND": "AND", "OR": "OR"}
_TARGETS: Final[Mapping[object, AppliesTo]] = {"files": "files", "all": "all"}
_FAQ_MODES: Final[Mapping[object, FaqMode]] = {"all": "all", "listed": "listed", "none": "none"}

Choice = TypeVar("Choice", bound=str)


@dataclass(frozen=True, slots=True)
class Parsed:
    """Query metadata, read.

    `scope` and `query` are None when the layer is absent: null, only foreign keys, or an empty message or page. The
    layers formula knows what that means for each layer.
    """

    scope: Scope | None
    query: QueryMetadata | None  # what `find_references` and `check_references` look at
    warnings: tuple[AccessWarning, ...]


def parse_query_metadata(raw: object, *, layer: Layer, vendor_faq_reading: bool = False) -> Parsed:
    """Read the query metadata of one layer, as `json.loads` returned it.

    `vendor_faq_reading`: the organization reads an empty `faq_ids` as all FAQs. The warnings are those that need no
    look at the knowledge bases. Raises InvalidQueryMetadata.
    """
    if raw is None:
        return Parsed(None, None, ())
    query = _Reader(vendor_faq_reading).read(Placed(raw, ""), layer)
    if query is None:
        return Parsed(None, None, ())
    return Parsed(compile_scope(query), query, check_clauses(query))


class _Reader:
    """Reads one query metadata and counts, so that no input costs more than the limits allow."""

    def __init__(self, vendor_faq_reading: bool) -> None:  # noqa: FBT001 -- one caller
        self._vendor_faq_reading = vendor_faq_reading
        self._nodes_left = MAX_NODES
        self._ids_left = MAX_IDS

    def read(self, raw: Placed, layer: Layer) -> QueryMetadata | None:
        top = read_object(raw, QUERY_KEYS)
        if top.is_foreign:
            return None
        bases = top.get("knowledge_bases")
        clauses = tuple(self._clause(item) for item in read_list(bases)) if bases else ()
        relation = self._relation(top.get("label_relations"))
        if layer.only_narrows and not clauses and relation is None:
            return None
        return QueryMetadata(clauses, relation)

    def _clause(self, raw: Placed) -> BaseClause:
        self._count_node(raw.pointer)
        clause = read_object(raw, BASE_KEYS)
        base = KnowledgeBaseId(_uuid(clause.require("knowledge_base_id")))
        files = self._documents(clause.get("chatbot_file_ids"))
        faqs = self._documents(clause.get("faq_ids"))
        selects_all = _boolean(clause.fields.get("has_user_selected_all"))
        return BaseClause(
            base=base,
            files=files,
            faqs=faqs,
            selects_all=selects_all,
            faq_mode=self._faq_mode(clause.get("faq_mode"), faqs, selects_all=selects_all),
            relation=self._relation(clause.get("label_relations")),
            pointer=raw.pointer,
        )

    def _faq_mode(self, raw: Placed | None, listed: Listed[DocumentId] | None, *, selects_all: bool) -> FaqMode:
        if raw is not None:
            return _choose(raw, _FAQ_MODES)
        if selects_all or listed is None or (self._vendor_faq_reading and not listed.ids):
            return "all"
        return "listed"

    def _documents(self, raw: Placed | None) -> Listed[DocumentId] | None:
        if raw is None:
            return None
        items = read_list(raw)
        self._ids_left -= len(items)
        if self._ids_left < 0:
            raise InvalidQueryMetadata(f"More than {MAX_IDS} ids are listed.", pointer=raw.pointer)
        return Listed(tuple(DocumentId(_uuid(item)) for item in items), raw.pointer)

    def _relation(self, raw: Placed | None) -> LabelRelation | None:
        if raw is None:
            return None
        self._count_node(raw.pointer)
        fields = read_object(raw, RELATION_KEYS)
        target = fields.get("applies_to")
        return self._relation_of(fields, _choose(target, _TARGETS) if target else "files", depth=1)

    def _relation_of(self, fields: JsonObject, applies_to: AppliesTo, *, depth: int) -> LabelRelation:
        if depth > MAX_DEPTH:
            raise InvalidQueryMetadata(f"Relations are nested more than {MAX_DEPTH} deep.", pointer=fields.pointer)
        operator = _choose(fields.require("operator"), _OPERATORS)
        items = read_list(fields.require("conditions"))
        conditions = tuple(self._condition(item, applies_to, depth=depth) for item in items)
        return LabelRelation(operator, conditions, applies_to, fields.pointer)

    def _condition(self, raw: Placed, applies_to: AppliesTo, *, depth: int) -> LabelCondition | LabelRelation:
        self._count_node(raw.pointer)
        fields = read_object(raw, CONDITION_KEYS)
        if fields.fields.keys() == {"label_id"}:
            return LabelCondition(LabelId(_uuid(fields.require("label_id"))), raw.pointer)
        if "label_id" in fields.fields:
            raise InvalidQueryMetadata("A condition is one label or one relation, not both.", pointer=raw.pointer)
        target = fields.get("applies_to")
        if target and _choose(target, _TARGETS) != applies_to:
            # It would mean nothing here; ignoring it could leave FAQs open that the writer meant to close.
            raise InvalidQueryMetadata('"applies_to" is decided by the outermost relation.', pointer=target.pointer)
        return self._relation_of(fields, applies_to, depth=depth + 1)

    def _count_node(self, pointer: str) -> None:
        self._nodes_left -= 1
        if self._nodes_left < 0:
            raise InvalidQueryMetadata(f"More than {MAX_NODES} bases and conditions.", pointer=pointer)


def _uuid(raw: Placed) -> UUID:
    if not isinstance(raw.value, str) or not _UUID.fullmatch(raw.value):
        raise InvalidQueryMetadata("An id is a UUID in its usual form of 36 letters.", pointer=raw.pointer)
    return UUID(raw.value)


def _boolean(raw: Placed | None) -> bool:
    """Read true, false, 1, 0 and the same as strings in any case; absent is false, null is refused like all else."""
    if raw is None:
        return False
    if isinstance(raw.value, str) and raw.value.lower() in _BOOLEANS:
        return _BOOLEANS[raw.value.lower()]
    if isinstance(raw.value, bool | int) and raw.value in {0, 1}:
        return bool(raw.value)
    raise InvalidQueryMetadata("True or false is expected here.", pointer=raw.pointer)


def _choose(raw: Placed, choices: Mapping[object, Choice]) -> Choice:
    if not isinstance(raw.value, str) or raw.value not in choices:
        expected = ", ".join(f'"{choice}"' for choice in choices)
        raise InvalidQueryMetadata(f"One of {expected} is expected here.", pointer=raw.pointer)
    return choices[raw.value]
