"""What is legal in query metadata and yet probably not meant. Shown when it is saved; nothing here changes a scope."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from frontdesk.access.clauses import BaseClause, LabelCondition, LabelRelation, Listed, QueryMetadata
from frontdesk.access.model import DocumentKind
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId


@dataclass(frozen=True, slots=True)
class AccessWarning:
    """One remark: `code` is stable, `pointer` (RFC 6901) says where, `facts` are for programs."""

    code: str
    pointer: str
    detail: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class References:
    """Every id that a query metadata names, for one look at the database."""

    bases: frozenset[KnowledgeBaseId]
    documents: frozenset[DocumentId]
    labels: frozenset[LabelId]


@dataclass(frozen=True, slots=True)
class Known:
    """What the organization has of the referenced ids. An id of another organization is not in it: unknown."""

    bases: Collection[KnowledgeBaseId]
    documents: Mapping[DocumentId, tuple[KnowledgeBaseId, DocumentKind]]
    labels: Mapping[LabelId, KnowledgeBaseId]
    reachable_bases: Collection[KnowledgeBaseId] | None  # by the holder's inboxes; None: it is not bound to inboxes


def check_clauses(query: QueryMetadata) -> tuple[AccessWarning, ...]:
    """Remark what can be seen without the knowledge bases: relations that close everything."""
    return tuple(_check_outer(query)) + tuple(_check_empty(query))


def find_references(query: QueryMetadata) -> References:
    """Collect the ids that `check_references` wants to know about."""
    conditions = (c for relation in query.relations() for c in relation.conditions)
    return References(
        bases=frozenset(clause.base for clause in query.clauses),
        documents=frozenset(one for clause in query.clauses for one in (*_ids(clause.files), *_ids(clause.faqs))),
        labels=frozenset(c.label for c in conditions if isinstance(c, LabelCondition)),
    )


def check_references(query: QueryMetadata, known: Known) -> tuple[AccessWarning, ...]:
    """Remark ids that match nothing, bases that no inbox of the holder reaches, and labels that close another base."""
    remarks: list[AccessWarning] = []
    for clause in query.clauses:
        remarks += _check_base(clause, known)
        remarks += _check_documents(clause, known)
        remarks += _check_closed(clause, query.relation_for(clause), known)
    return (*remarks, *_check_labels(query, known))


def _ids(listed: Listed[DocumentId] | None) -> tuple[DocumentId, ...]:
    return listed.ids if listed else ()


def _texts(ids: Iterable[UUID]) -> list[str]:
    return [str(one) for one in dict.fromkeys(ids)]


def _check_outer(query: QueryMetadata) -> Iterator[AccessWarning]:
    if query.relation and not query.clauses:
        detail = "Labels without a knowledge base open nothing."
        yield AccessWarning("labels-without-bases", query.relation.pointer, detail, {})


def _check_empty(query: QueryMetadata) -> Iterator[AccessWarning]:
    for relation in query.relations():
        if not relation.conditions:
            detail = "A relation without conditions matches nothing."
            yield AccessWarning("empty-conditions", relation.pointer, detail, {})


def _check_base(clause: BaseClause, known: Known) -> Iterator[AccessWarning]:
    facts = {"knowledge_base_id": str(clause.base)}
    if clause.base not in known.bases:
        yield AccessWarning("unknown-base", clause.pointer, "There is no such knowledge base.", facts)
    elif known.reachable_bases is not None and clause.base not in known.reachable_bases:
        detail = "No assistant of the chosen platforms has this knowledge base, so nothing of it can be read."
        yield AccessWarning("base-out-of-reach", clause.pointer, detail, facts)


def _check_documents(clause: BaseClause, known: Known) -> Iterator[AccessWarning]:
    kinds: tuple[tuple[DocumentKind, str, Listed[DocumentId] | None], ...] = (
        ("file", "Some files are not in this knowledge base.", clause.files),
        ("faq", "Some FAQs are not in this knowledge base.", clause.faqs),
    )
    for kind, detail, listed in kinds:
        strangers = [one for one in _ids(listed) if known.documents.get(one) != (clause.base, kind)]
        if listed and strangers:
            yield AccessWarning(f"unknown-{kind}", listed.pointer, detail, {"ids": _texts(strangers)})


def _check_labels(query: QueryMetadata, known: Known) -> Iterator[AccessWarning]:
    for relation in query.relations():
        for condition in relation.conditions:
            if isinstance(condition, LabelCondition) and condition.label not in known.labels:
                facts = {"label_id": str(condition.label)}
                yield AccessWarning("unknown-label", condition.pointer, "There is no such label.", facts)


def _check_closed(clause: BaseClause, relation: LabelRelation | None, known: Known) -> Iterator[AccessWarning]:
    """Remark a clause whose documents cannot match, because the labels that they would need are in another base."""
    if relation is None or _can_match(relation, clause.base, known):
        return
    strangers = [label for label in _labels(relation) if known.labels.get(label, clause.base) != clause.base]
    if strangers:
        detail = "These labels belong to another knowledge base, so they close what they narrow in this one."
        facts = {"knowledge_base_id": str(clause.base), "label_ids": _texts(strangers)}
        yield AccessWarning("label-of-another-base", clause.pointer, detail, facts)


def _can_match(condition: LabelCondition | LabelRelation, base: KnowledgeBaseId, known: Known) -> bool:
    """Say whether a document of `base` with all its labels matches; if not, none does: conditions are monotone."""
    if isinstance(condition, LabelCondition):
        return known.labels.get(condition.label) == base
    if not condition.conditions:
        return False
    join = all if condition.operator == "AND" else any
    return join(_can_match(part, base, known) for part in condition.conditions)


def _labels(relation: LabelRelation) -> Iterator[LabelId]:
    for condition in relation.conditions:
        if isinstance(condition, LabelCondition):
            yield condition.label
        else:
            yield from _labels(condition)
