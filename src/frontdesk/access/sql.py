"""A scope as a condition in SQL."""

from collections.abc import Iterable, Sequence
from typing import Final, assert_never
from uuid import UUID

from frontdesk.access.model import All, And, Document, Kind, KnowledgeBase, Label, Nothing, Or, Scope

# Each asks one question of `documents d`; the braces take the name of a parameter.
_IN_BASES: Final = "d.knowledge_base_id = ANY(%({})s::uuid[])"
_IS_ONE_OF: Final = "d.id = ANY(%({})s::uuid[])"
_HAS_ONE_OF: Final = (
    "EXISTS (SELECT 1 FROM document_labels dl WHERE dl.organization_id = d.organization_id"
    " AND dl.document_id = d.id AND dl.label_id = ANY(%({})s::uuid[]))"
)
_OF_KIND: Final = {"file": "d.kind = 'file'", "faq": "d.kind = 'faq'"}


def compile_predicate(scope: Scope, *, prefix: str = "scope") -> tuple[str, dict[str, object]]:
    """Return a condition on `documents d`, true for exactly the documents that `scope` opens, and its parameters.

    Documents that are not done are never open. `prefix` (an identifier) begins every parameter's name, so that several
    conditions fit into one statement. The statement itself must be bound to the organization.
    """
    if not prefix.isidentifier():
        raise ValueError(prefix)
    predicate = _Predicate(prefix)
    return f"(d.state = 'done' AND {predicate.render(scope)})", predicate.params


class _Predicate:
    """Renders one scope and collects its parameters: ids travel beside the statement, never inside it."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.params: dict[str, object] = {}

    def render(self, scope: Scope) -> str:
        match scope:
            case All():
                return "TRUE"
            case Nothing():
                return "FALSE"
            case Kind(kind=kind):
                return _OF_KIND[kind]
            case And(parts=parts):
                return "(" + " AND ".join(self.render(part) for part in parts) + ")"
            case Or(parts=parts):
                return "(" + " OR ".join(self._render_alternatives(parts)) + ")"
            case KnowledgeBase() | Document() | Label():
                return next(iter(self._render_alternatives((scope,))))
            case _:
                assert_never(scope)

    def _render_alternatives(self, parts: Sequence[Scope]) -> Iterable[str]:
        """Ids of one sort become one question, however many they are."""
        yield from self._ask(_IN_BASES, [part.id for part in parts if isinstance(part, KnowledgeBase)])
        yield from self._ask(_IS_ONE_OF, [part.id for part in parts if isinstance(part, Document)])
        yield from self._ask(_HAS_ONE_OF, [part.id for part in parts if isinstance(part, Label)])
        for part in parts:
            if not isinstance(part, KnowledgeBase | Document | Label):
                yield self.render(part)

    def _ask(self, question: str, ids: Sequence[UUID]) -> Iterable[str]:
        if ids:
            name = f"{self._prefix}_{len(self.params)}"
            self.params[name] = list(ids)
            yield question.format(name)
