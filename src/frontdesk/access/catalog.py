"""Many scopes over the same documents: each becomes one integer whose bits are the documents that it opens.

What somebody gains or loses by a change is then a difference of two integers, however many people are asked about.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, assert_never
from uuid import UUID

from frontdesk.access.model import All, And, Document, DocumentKind, Kind, KnowledgeBase, Label, Nothing, Or, Scope
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId

_MOST_KNOWN: Final = 1000  # sets that are kept at hand


@dataclass(frozen=True, slots=True)
class CatalogDocument:
    """A document that can be read, as a list shows it."""

    id: DocumentId
    knowledge_base_id: KnowledgeBaseId
    kind: DocumentKind
    title: str


class Catalog:
    """Documents that are done, in the order of the sequence; bit 0 is the first one."""

    def __init__(self, documents: Sequence[CatalogDocument], labels: Mapping[LabelId, Iterable[DocumentId]]) -> None:
        """`labels` maps labels to documents that carry them; documents that are not in `documents` are passed over."""
        self.documents = documents
        self._positions: dict[UUID, int] = {document.id: number for number, document in enumerate(documents)}
        self._all = (1 << len(documents)) - 1
        self._labels = {label: self.mask_of(carriers) for label, carriers in labels.items()}
        self._bases = self._group(document.knowledge_base_id for document in documents)
        self._kinds = self._group(document.kind for document in documents)
        self._known: dict[Scope, int] = {}

    def mask_of(self, ids: Iterable[DocumentId]) -> int:
        """Return the set of these documents; unknown ones are passed over."""
        return self._mask(self._positions[one] for one in ids if one in self._positions)

    def opened(self, scope: Scope) -> int:
        """Return the set of documents that `scope` opens: the same answer as `permits`, for all of them at once."""
        found = self._known.get(scope)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[scope] = self._open(scope)
        return found

    def first(self, mask: int, limit: int) -> list[CatalogDocument]:
        """Return the first documents of a set."""
        return [self.documents[position] for position in islice(_positions(mask), limit)]

    def only(self, documents: Sequence[CatalogDocument]) -> "Catalog":
        """Return a catalogue of some of these documents, with their labels."""
        return Catalog(
            documents,
            {
                label: [one.id for one in documents if mask >> self._positions[one.id] & 1]
                for label, mask in self._labels.items()
            },
        )

    def relabelled(
        self, ids: Iterable[DocumentId], *, added: Iterable[LabelId] = (), removed: Iterable[LabelId] = ()
    ) -> "Catalog":
        """Return the catalogue as it is once these documents carry `added` and no `removed`."""
        new = Catalog(self.documents, {})
        touched = self.mask_of(ids)
        new._labels = dict(self._labels)
        for label in added:
            new._labels[label] = new._labels.get(label, 0) | touched
        for label in removed:
            new._labels[label] = new._labels.get(label, 0) & ~touched
        return new

    def _open(self, scope: Scope) -> int:  # noqa: PLR0911 -- one return per kind of scope
        match scope:
            case All():
                return self._all
            case Nothing():
                return 0
            case KnowledgeBase(id=base):
                return self._bases.get(base, 0)
            case Kind(kind=kind):
                return self._kinds.get(kind, 0)
            case Document(id=one):
                return self.mask_of([one])
            case Label(id=label):
                return self._labels.get(label, 0)
            case And(parts=parts):
                return self._open_all(parts)
            case Or(parts=parts):
                return self._open_any(parts)
            case _:
                assert_never(scope)

    def _open_all(self, parts: Sequence[Scope]) -> int:
        found = self._all
        for part in parts:
            found &= self._open(part)
        return found

    def _open_any(self, parts: Sequence[Scope]) -> int:
        found = self.mask_of(part.id for part in parts if isinstance(part, Document))
        for part in parts:
            if not isinstance(part, Document):
                found |= self._open(part)
        return found

    def _group(self, keys: Iterable[object]) -> dict[object, int]:
        groups: dict[object, list[int]] = {}
        for position, key in enumerate(keys):
            groups.setdefault(key, []).append(position)
        return {key: self._mask(positions) for key, positions in groups.items()}

    def _mask(self, positions: Iterable[int]) -> int:
        bits = bytearray(len(self.documents) // 8 + 1)
        for position in positions:
            bits[position >> 3] |= 1 << (position & 7)
        return int.from_bytes(bits, "little")


def _positions(mask: int) -> Iterator[int]:
    """Yield which bits are set, the lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
