"""Scopes: what somebody may read, as a small algebra that nothing in it can widen by being added to an `And`.

There is no negation, so every condition is monotone: a layer that is joined by `all_of` only takes documents away.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum, auto
from typing import Literal, TypeAlias, assert_never

from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId

DocumentKind: TypeAlias = Literal["file", "faq"]


class Assurance(IntEnum):
    """How a session was proven. Ordered: a higher value is stronger."""

    ANONYMOUS = 0  # our own visitor session, or nothing
    CLAIMED = 1  # typed, or unsigned page data: anybody can say anything
    CHANNEL = 2  # the platform asserted it in a verified webhook
    SIGNED = 3  # the enterprise's key or system, or a member, vouched for it


class Layer(Enum):
    """Where query metadata is written; it decides how absent and empty query metadata are read."""

    INBOX = auto()
    CONTACT = auto()
    PROFILE = auto()
    ROLE = auto()
    VISITOR_SCOPE = auto()
    MEMBER_SCOPE = auto()
    MESSAGE = auto()  # what a signed token carries is read like a message, too
    PAGE = auto()

    @property
    def only_narrows(self) -> bool:
        """True for what comes with a message: being empty, it does not narrow."""
        return self in {Layer.MESSAGE, Layer.PAGE}


@dataclass(frozen=True, slots=True)
class All:
    """Every document of the organization."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """No document."""


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """The documents of one knowledge base."""

    id: KnowledgeBaseId


@dataclass(frozen=True, slots=True)
class Kind:
    """Files, or FAQs. There is no third kind."""

    kind: DocumentKind


@dataclass(frozen=True, slots=True)
class Document:
    """One document."""

    id: DocumentId


@dataclass(frozen=True, slots=True)
class Label:
    """The documents that carry this label."""

    id: LabelId


@dataclass(frozen=True, slots=True)
class And:
    """What every part allows. Made by `all_of`, so never empty, never nested."""

    parts: tuple["Scope", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """What at least one part allows. Made by `any_of`, so never empty, never nested."""

    parts: tuple["Scope", ...]


Scope: TypeAlias = All | Nothing | KnowledgeBase | Kind | Document | Label | And | Or

_BOTH_KINDS = frozenset[Scope]({Kind("file"), Kind("faq")})


def all_of(*scopes: Scope) -> Scope:
    """Join by AND, simplified: of no scopes `All`; with `Nothing` among them `Nothing`; repeated ones once."""
    parts = dict.fromkeys(part for scope in scopes for part in (scope.parts if isinstance(scope, And) else (scope,)))
    parts.pop(All(), None)
    if Nothing() in parts:
        return Nothing()
    if not parts:
        return All()
    return next(iter(parts)) if len(parts) == 1 else And(tuple(parts))


def any_of(*scopes: Scope) -> Scope:
    """Join by OR, simplified: of no scopes `Nothing`; with `All` among them `All`; repeated ones once."""
    parts = dict.fromkeys(part for scope in scopes for part in (scope.parts if isinstance(scope, Or) else (scope,)))
    parts.pop(Nothing(), None)
    if All() in parts or parts.keys() >= _BOTH_KINDS:
        return All()
    if not parts:
        return Nothing()
    return next(iter(parts)) if len(parts) == 1 else Or(tuple(parts))


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """All that a scope asks of one document."""

    id: DocumentId
    knowledge_base_id: KnowledgeBaseId
    kind: DocumentKind
    labels: frozenset[LabelId]
    is_done: bool  # ingested; nothing else is ever readable


def permits(scope: Scope, document: DocumentFacts) -> bool:
    """Say whether `scope` opens `document`: the same answer as the SQL of `compile_predicate`."""
    return document.is_done and _matches(scope, document)


def _matches(scope: Scope, document: DocumentFacts) -> bool:  # noqa: PLR0911 -- one return per kind of scope
    match scope:
        case All():
            return True
        case Nothing():
            return False
        case KnowledgeBase(id=base):
            return document.knowledge_base_id == base
        case Kind(kind=kind):
            return document.kind == kind
        case Document(id=one):
            return document.id == one
        case Label(id=label):
            return label in document.labels
        case And(parts=parts):
            return all(_matches(part, document) for part in parts)
        case Or(parts=parts):
            return any(_matches(part, document) for part in parts)
        case _:
            assert_never(scope)
