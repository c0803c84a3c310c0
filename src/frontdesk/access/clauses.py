"""What query metadata says, clause by clause, and the scope that it means.

`parse.py` makes these from JSON. Each remembers where it stood, as a JSON pointer in the spelling that was sent; the
place does not count when two clauses are compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

from frontdesk.access.model import (
    Document,
    DocumentKind,
    Kind,
    KnowledgeBase,
    Label,
    Nothing,
    Scope,
    all_of,
    any_of,
)
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId

Operator: TypeAlias = Literal["AND", "OR"]
AppliesTo: TypeAlias = Literal["files", "all"]
FaqMode: TypeAlias = Literal["all", "listed", "none"]

IdType = TypeVar("IdType")


@dataclass(frozen=True, slots=True)
class Listed(Generic[IdType]):
    """A list of ids; an empty one was written down, unlike an absent one, which is None."""

    ids: tuple[IdType, ...]
    pointer: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class LabelCondition:
    """True for the documents that carry the label."""

    label: LabelId
    pointer: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class LabelRelation:
    """Conditions on labels; of no conditions it is false, for AND as well as for OR."""

    operator: Operator
    conditions: tuple["LabelCondition | LabelRelation", ...]
    applies_to: AppliesTo  # the same in all nested ones
    pointer: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class BaseClause:
    """What is open of one knowledge base."""

    base: KnowledgeBaseId
    files: Listed[DocumentId] | None
    faqs: Listed[DocumentId] | None
    selects_all: bool
    faq_mode: FaqMode  # as written, else what leaving it out means
    relation: LabelRelation | None  # its own, which replaces the outer one
    pointer: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class QueryMetadata:
    """Query metadata that says something. No clause: nothing is open."""

    clauses: tuple[BaseClause, ...]
    relation: LabelRelation | None  # the outer one: narrows every clause without its own

    def relation_for(self, clause: BaseClause) -> LabelRelation | None:
        """Return the relation that narrows `clause`."""
        return clause.relation or self.relation

    def relations(self) -> Iterator[LabelRelation]:
        """Yield every relation written anywhere, nested ones too."""
        pending = [relation for relation in (self.relation, *(c.relation for c in self.clauses)) if relation]
        while pending:
            relation = pending.pop()
            yield relation
            pending += (c for c in relation.conditions if isinstance(c, LabelRelation))


def compile_scope(query: QueryMetadata) -> Scope:
    """Return what `query` opens.

    Clauses under equal relations are compiled together, so that the scope grows with what was written and not with
    clauses times conditions.
    """
    groups: dict[LabelRelation | None, list[BaseClause]] = {}
    for clause in query.clauses:
        groups.setdefault(query.relation_for(clause), []).append(clause)
    return any_of(*(_compile_group(relation, clauses) for relation, clauses in groups.items()))


def _compile_group(relation: LabelRelation | None, clauses: list[BaseClause]) -> Scope:
    if relation is None:
        return any_of(*(_within(c, _files(c, by_label=False), _faqs(c)) for c in clauses))
    condition = _compile_relation(relation)
    if relation.applies_to == "all":
        return all_of(any_of(*(_within(c, _files(c, by_label=True), _faqs(c)) for c in clauses)), condition)
    files = any_of(*(_within(c, _files(c, by_label=True)) for c in clauses))
    return any_of(all_of(files, condition), *(_within(c, _faqs(c)) for c in clauses))


def _within(clause: BaseClause, *parts: Scope) -> Scope:
    return all_of(KnowledgeBase(clause.base), any_of(*parts))


def _files(clause: BaseClause, *, by_label: bool) -> Scope:
    if clause.selects_all:
        return Kind("file")
    if clause.files and clause.files.ids:
        return _listed("file", clause.files)
    return Kind("file") if by_label else Nothing()


def _faqs(clause: BaseClause) -> Scope:
    if clause.faq_mode == "listed":
        return _listed("faq", clause.faqs)
    return Kind("faq") if clause.faq_mode == "all" else Nothing()


def _listed(kind: DocumentKind, listed: Listed[DocumentId] | None) -> Scope:
    return all_of(Kind(kind), any_of(*(Document(one) for one in (listed.ids if listed else ()))))


def _compile_relation(relation: LabelRelation) -> Scope:
    parts = [
        Label(c.label) if isinstance(c, LabelCondition) else _compile_relation(c) for c in relation.conditions
    ] or [Nothing()]
    return all_of(*parts) if relation.operator == "AND" else any_of(*parts)
