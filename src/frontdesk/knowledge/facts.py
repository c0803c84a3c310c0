"""What decides who may read a document, and documents found by their title."""

from dataclasses import dataclass

from frontdesk.access.model import DocumentFacts, DocumentKind
from frontdesk.core.db import Tx
from frontdesk.core.ids import DocumentId, KnowledgeBaseId, LabelId


@dataclass(frozen=True, slots=True)
class Explainable:
    """A document of which somebody wants to know who may read it."""

    id: DocumentId
    knowledge_base_id: KnowledgeBaseId
    base_name: str
    kind: DocumentKind
    title: str
    state: str
    labels: tuple[tuple[LabelId, str], ...]  # by name

    @property
    def facts(self) -> DocumentFacts:
        """What a scope asks of it."""
        labels = frozenset(label for label, _ in self.labels)
        return DocumentFacts(self.id, self.knowledge_base_id, self.kind, labels, self.state == "done")


async def find_explainable(tx: Tx, document_id: DocumentId) -> Explainable | None:
    """Return the document; None when there is none, or when it or its knowledge base is being deleted."""
    params = {"organization": tx.organization_id, "id": document_id}
    row = await tx.fetch_one(
        """
        SELECT d.id, d.knowledge_base_id, b.name, d.kind, d.title, d.state
          FROM documents d
          JOIN knowledge_bases b
            ON b.organization_id = d.organization_id AND b.id = d.knowledge_base_id AND b.deleted_at IS NULL
         WHERE d.organization_id = %(organization)s AND d.id = %(id)s AND d.state <> 'deleting'
        """,
        params,
    )
    if row is None:
        return None
    labels = await tx.fetch(
        """
        SELECT l.id, l.name FROM document_labels dl
          JOIN labels l ON l.organization_id = dl.organization_id AND l.id = dl.label_id
         WHERE dl.organization_id = %(organization)s AND dl.document_id = %(id)s
         ORDER BY l.name, l.id
        """,
        params,
    )
    return Explainable(*[*row, tuple((label, name) for label, name in labels)])


async def search_titles(tx: Tx, text: str, *, limit: int) -> list[tuple[DocumentId, str, DocumentKind, str]]:
    """Return documents whose title contains `text`, whatever its case: id, title, kind and base; the shortest first."""
    rows = await tx.fetch(
        """
        SELECT d.id, d.title, d.kind, b.name
          FROM documents d
          JOIN knowledge_bases b
            ON b.organization_id = d.organization_id AND b.id = d.knowledge_base_id AND b.deleted_at IS NULL
         WHERE d.organization_id = %(organization)s AND d.state <> 'deleting'
           AND strpos(lower(d.title), lower(%(text)s)) > 0
         ORDER BY length(d.title), d.title, d.id LIMIT %(limit)s
        """,
        {"organization": tx.organization_id, "text": text, "limit": limit},
    )
    return [(document_id, title, kind, base) for document_id, title, kind, base in rows]
