"""A scope as JSON, so that a receipt can be compared with what the same person may read later."""

from collections.abc import Callable, Mapping
from typing import Final, assert_never, cast
from uuid import UUID

from frontdesk.access.model import (
    All,
    And,
    Document,
    DocumentKind,
    Kind,
    KnowledgeBase,
    Label,
    Nothing,
    Or,
    Scope,
    all_of,
    any_of,
)
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId


def render_scope(scope: Scope) -> object:  # noqa: PLR0911 -- one return per kind of scope
    """Return `scope` as JSON: "all", "nothing", or an object with one key; `parse_scope` reads it back."""
    match scope:
        case All():
            return "all"
        case Nothing():
            return "nothing"
        case KnowledgeBase(id=base):
            return {"knowledge_base": str(base)}
        case Kind(kind=kind):
            return {"kind": kind}
        case Document(id=document):
            return {"document": str(document)}
        case Label(id=label):
            return {"label": str(label)}
        case And(parts=parts):
            return {"and": [render_scope(part) for part in parts]}
        case Or(parts=parts):
            return {"or": [render_scope(part) for part in parts]}
        case _:
            assert_never(scope)


def parse_scope(raw: object) -> Scope | None:
    """Return the scope that `render_scope` wrote; None for anything else."""
    if raw == "all":
        return All()
    if raw == "nothing":
        return Nothing()
    if not isinstance(raw, Mapping) or len(raw) != 1:
        return None
    ((key, value),) = raw.items()
    if key in _JOINTS:
        parts = [parse_scope(part) for part in value]
        return None if None in parts else _JOINTS[key](*(part for part in parts if part is not None))
    return _ATOMS[key](value) if key in _ATOMS else None


_JOINTS: Final[Mapping[str, Callable[..., Scope]]] = {"and": all_of, "or": any_of}
_ATOMS: Final[Mapping[str, Callable[[str], Scope]]] = {
    "knowledge_base": lambda text: KnowledgeBase(KnowledgeBaseId(UUID(text))),
    "kind": lambda text: Kind(cast("DocumentKind", text)),
    "document": lambda text: Document(DocumentId(UUID(text))),
    "label": lambda text: Label(LabelId(UUID(text))),
}
