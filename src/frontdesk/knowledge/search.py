"""Search within a scope. What the scope does not open has no influence on what comes out: no text, order, score, count.

1. The scope is compiled to the numbers of the documents that it opens, in the transaction that answers.
2. Both legs read these documents alone, all of them: the vector leg compares every passage exactly, and the text leg
   (BM25) takes its document frequencies and lengths from them only. Nothing is approximate, so nothing that is
   invisible can crowd out what is visible.
3. The texts are fetched by a statement that checks the scope once more on exactly these rows.

Scores do not depend on the order in which the database meets rows: sums are of integers, ties go by content.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Counter

from frontdesk.access.model import DocumentKind, Scope
from frontdesk.access.sql import compile_predicate
from frontdesk.core.db import Row, Tx
from frontdesk.core.embedding import Embedder
from frontdesk.core.ids import ChunkId, DocumentId, KnowledgeBaseId
from frontdesk.knowledge.embedding_queries import render_vector
from frontdesk.knowledge.errors import ScopeLeak
from frontdesk.knowledge.scoring import FOUND_THRESHOLD, OTHER_LANGUAGE, VECTOR_WEIGHT, find_floor
from frontdesk.knowledge.text import Language, guess_language, split_question

_K1, _B = 1.2, 0.75  # BM25's usual constants
_LONGEST_QUESTION: Final = 2_000  # characters that are read
_MOST_TERMS: Final = 200
_ATTEMPTS: Final = 3
# What search reads is small and asked for often, so it is in memory: there a page costs the same wherever it lies. A
# planner that expects a spinning disk would rather read all documents than the few that a label opens.
_PLANNING: Final = "SET LOCAL random_page_cost = 1.1"
_LEAKS: Final = Counter("frontdesk_scope_leaks", "Passages that the last check of a search had to hold back: bugs.")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """A question made ready for search."""

    text: str
    vector: NDArray[np.float32]
    model: str  # that made the vector
    language: Language
    others: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)  # vectors by the other models, by name

    def find_vector(self, model: str) -> NDArray[np.float32] | None:
        """Return the vector to be compared with those that `model` made; None when it is not installed."""
        return self.vector if model == self.model else self.others.get(model)


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that answers, or nearly. `score` is from 0 to 1, to be compared with `FOUND_THRESHOLD`."""

    chunk_id: ChunkId
    document_id: DocumentId
    knowledge_base_id: KnowledgeBaseId
    kind: DocumentKind
    title: str  # the file's name, or the FAQ's question
    text: str  # of a FAQ: its answer
    page_number: int | None
    language: Language
    score: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The best passages, best first, and how many documents the scope opens, with how many passages."""

    hits: tuple[Hit, ...]
    permitted_count: int
    permitted_chunks: int


@dataclass(frozen=True, slots=True)
class PermittedDocument:
    """A document that a scope opens, as a list shows it."""

    id: DocumentId
    knowledge_base_id: KnowledgeBaseId
    kind: DocumentKind
    title: str


async def prepare_question(embedder: Embedder, text: str) -> Question:
    """Make a question ready; takes milliseconds, so call it before a transaction begins."""
    read = text[:_LONGEST_QUESTION]
    vectors = dict(await embedder.embed_question(read))
    return Question(text, vectors.pop(embedder.model), embedder.model, guess_language(read), vectors)


async def search(tx: Tx, scope: Scope, question: Question, *, limit: int = 12) -> SearchResult:
    """Return the best `limit` passages of what `scope` opens, or all if there are fewer.

    Passages that are about the question come before the others, within both those in its language, then by score.
    Raises ScopeLeak, after which nothing may be shown.
    """
    await tx.execute(_PLANNING)
    for _ in range(_ATTEMPTS):
        permitted = await _compile(tx, scope, question.language)
        scores = await _rank(tx, permitted, question, limit)
        hits = await _read(tx, scope, scores)
        if len(hits) == len(scores):
            return SearchResult(hits, permitted.count, permitted.chunk_count)
        # Between two statements somebody may have been denied a document. Such changes raise the version.
        if (await _compile(tx, scope, question.language)).version == permitted.version:
            _LEAKS.inc(len(scores) - len(hits))
            _log.error("search.scope_leak", held_back=len(scores) - len(hits))
            break
    raise ScopeLeak


async def count_permitted(tx: Tx, scope: Scope) -> int:
    """Return how many documents `scope` opens."""
    predicate, params = compile_predicate(scope)
    sql = f"SELECT count(*) FROM documents d WHERE d.organization_id = %(organization)s AND {predicate}"
    return int(await tx.fetch_value(sql, {**params, "organization": tx.organization_id}))


async def list_permitted(tx: Tx, scope: Scope, *, limit: int, offset: int) -> tuple[list[PermittedDocument], int]:
    """Return a page of the documents that `scope` opens, by title, and how many there are."""
    predicate, params = compile_predicate(scope)
    sql = f"""
        SELECT d.id, d.knowledge_base_id, d.kind, d.title FROM documents d
         WHERE d.organization_id = %(organization)s AND {predicate}
         ORDER BY d.title, d.id LIMIT %(limit)s OFFSET %(offset)s
    """
    page = {**params, "organization": tx.organization_id, "limit": limit, "offset": offset}
    return await tx.fetch_as(PermittedDocument, sql, page), await count_permitted(tx, scope)


async def find_forbidden(tx: Tx, scope: Scope, document_ids: Collection[DocumentId]) -> frozenset[DocumentId]:
    """Return those of `document_ids` that `scope` does not open; unknown ids are among them."""
    predicate, params = compile_predicate(scope)
    sql = f"""
        SELECT d.id FROM documents d
         WHERE d.organization_id = %(organization)s AND d.id = ANY(%(wanted)s::uuid[]) AND {predicate}
    """
    rows = await tx.fetch(sql, {**params, "organization": tx.organization_id, "wanted": list(document_ids)})
    return frozenset(document_ids) - {row[0] for row in rows}


# --- the first gate ---


@dataclass(frozen=True, slots=True)
class _Permitted:
    """The documents that a scope opens, by number, and the sums that the text leg needs. Numbers order nothing."""

    version: int  # of the scope
    count: int
    numbers: list[int]
    same_language: list[int]
    other_language: list[int]
    chunk_count: int
    term_count: int
    models: list[str]  # that the organization's knowledge bases are read by


async def _compile(tx: Tx, scope: Scope, language: Language) -> _Permitted:
    predicate, params = compile_predicate(scope)
    sql = f"""
        SELECT (SELECT scope_version FROM organizations WHERE id = %(organization)s) AS version,
               count(*) AS count,
               coalesce(array_agg(d.number), '{{}}') AS numbers,
               coalesce(array_agg(d.number) FILTER (WHERE d.language = %(language)s), '{{}}') AS same_language,
               coalesce(array_agg(d.number) FILTER (WHERE d.language IS DISTINCT FROM %(language)s), '{{}}')
               AS other_language,
               coalesce(sum(d.chunk_count), 0) AS chunk_count,
               coalesce(sum(d.term_count), 0)::bigint AS term_count,
               (SELECT coalesce(array_agg(DISTINCT embedding_model), '{{}}') FROM knowledge_bases
                 WHERE organization_id = %(organization)s AND deleted_at IS NULL) AS models
          FROM documents d
         WHERE d.organization_id = %(organization)s AND {predicate}
    """
    found = await tx.fetch_one_as(_Permitted, sql, {**params, "organization": tx.organization_id, "language": language})
    if found is None:
        raise ScopeLeak  # an aggregate always has a row
    return found


# --- the two legs ---


def _judge(similarity: str, text: str, penalty: str) -> str:
    """Return the SQL of a score: the only place that joins the legs. It never falls when `text` grows.

    `text` is squared: one word in common says little, most of the words say much.
    """
    stretched = f"greatest(({similarity} - %(floor)s) / (1 - %(floor)s), 0)"
    return f"%(vector_weight)s * {stretched} + (1 - %(vector_weight)s) * {text} * {text} - {penalty}"


# Contributions to a text score are rounded to whole numbers, far below 2^53: of these, a sum of floats is exact, so the
# order of its parts does not matter. It is divided by what a passage would get that had every term of the question
# without end, and so lies between 0 and 1.
#
# The vector leg hands on the best `limit` passages of either language alone, and nothing is lost: what a passage gets
# for its words is never negative. So whoever is without them, and behind `limit` others of its language by vector, is
# behind the same ones in the end. Passages with such words are all judged.
#
# `+ 0` keeps a planner off any approximate index on the vectors. Two lists of numbers are faster than one, and to ask
# for the language of each row. Whatever joins here is found by its key: a planner that sees many organizations, and
# expects few rows of one, does no harm.
_NEAREST: Final = """
    SELECT chunk_id, content_key, {is_same_language} AS is_same_language, {score} AS score
      FROM (SELECT chunk_id, content_key, -((embedding <#> %(vector)s::halfvec) + 0) AS similarity
              FROM embeddings
             WHERE organization_id = %(organization)s AND model = %(model)s
               AND document_number = ANY({numbers}::bigint[])) every_one
     ORDER BY {score} DESC, content_key, chunk_id
     LIMIT %(limit)s
"""
# Words are counted over all that is permitted, and found in the part that one model reads; for all of it, the planner
# drops the condition.
_RANK: Final = f"""
    WITH postings AS MATERIALIZED (
        SELECT term, chunk_id, document_number, frequency, term_count FROM chunk_terms
         WHERE organization_id = %(organization)s AND term = ANY(%(terms)s::text[])
           AND document_number = ANY(%(numbers)s::bigint[])
    ), found AS (
        SELECT term, count(*) AS passages FROM postings GROUP BY term
    ), weights AS MATERIALIZED (
        SELECT wanted.term, 1e9 * (%(k1)s + 1) * ln(1 + (%(chunk_count)s - coalesce(f.passages, 0) + 0.5)
                                                       / (coalesce(f.passages, 0) + 0.5)) AS weight
          FROM unnest(%(terms)s::text[]) AS wanted (term) LEFT JOIN found f ON f.term = wanted.term
    ), text_leg AS MATERIALIZED (
        SELECT p.chunk_id, min(p.document_number) AS document_number, sum(round(w.weight * p.frequency
               / (p.frequency + %(k1)s * (1 - %(b)s + %(b)s * p.term_count / %(mean_length)s)))) AS score
          FROM weights w JOIN postings p ON p.term = w.term
         WHERE %(is_whole)s OR p.document_number = ANY(%(same_language)s::bigint[])
               OR p.document_number = ANY(%(other_language)s::bigint[])
         GROUP BY p.chunk_id
    ), vector_leg AS MATERIALIZED (
        ({_NEAREST.format(is_same_language="TRUE", numbers="%(same_language)s", score=_judge("similarity", "0", "0"))})
        UNION ALL
        ({
    _NEAREST.format(
        is_same_language="FALSE", numbers="%(other_language)s", score=_judge("similarity", "0", "%(penalty)s")
    )
})
    ), worded AS (
        SELECT t.chunk_id, e.content_key, t.document_number = ANY(%(same_language)s::bigint[]) AS is_same_language,
               -((e.embedding <#> %(vector)s::halfvec) + 0) AS similarity,
               coalesce(t.score / (SELECT sum(round(weight)) FROM weights), 0) AS text
          FROM text_leg t
          LEFT JOIN embeddings e ON e.organization_id = %(organization)s AND e.model = %(model)s
                                AND e.document_number = t.document_number AND e.chunk_id = t.chunk_id
    ), judged AS (
        SELECT chunk_id, content_key, is_same_language, {
    _judge("similarity", "text", "CASE WHEN is_same_language THEN 0 ELSE %(penalty)s END")
} AS score
          FROM worded
        UNION ALL
        SELECT chunk_id, content_key, is_same_language, score
          FROM vector_leg v
         WHERE NOT EXISTS (SELECT 1 FROM text_leg t WHERE t.chunk_id = v.chunk_id)
    )
    SELECT chunk_id, score, is_same_language, content_key FROM judged
     ORDER BY score >= %(threshold)s DESC, is_same_language DESC, score DESC, content_key, chunk_id
     LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class _Part:
    """Those of the permitted documents whose passages one model reads."""

    model: str
    same_language: list[int]
    other_language: list[int]


@dataclass(frozen=True, slots=True)
class _Ranked:
    """A passage with its score, and what orders it among others."""

    chunk_id: ChunkId
    score: float
    is_same_language: bool
    content_key: bytes | None  # None: it has no vector yet

    @property
    def place(self) -> tuple[object, ...]:
        """Sorts as the statement does."""
        found = self.score >= FOUND_THRESHOLD
        return (not found, not self.is_same_language, -self.score, self.content_key or b"\xff" * 33, self.chunk_id)


async def _rank(tx: Tx, permitted: _Permitted, question: Question, limit: int) -> dict[ChunkId, float]:
    """Return the best passages with their scores, best first."""
    if not permitted.numbers:
        return {}
    ranked = [
        one for part in await _split(tx, permitted) for one in await _rank_part(tx, permitted, part, question, limit)
    ]
    best = sorted(ranked, key=lambda one: one.place)[:limit]
    return {one.chunk_id: min(max(one.score, 0.0), 1.0) for one in best}


async def _split(tx: Tx, permitted: _Permitted) -> list[_Part]:
    """Divide the permitted documents by the model of their knowledge base. A vector meets only its like."""
    if len(permitted.models) == 1:
        return [_Part(permitted.models[0], permitted.same_language, permitted.other_language)]
    sql = """
        SELECT b.embedding_model AS model,
               coalesce(array_agg(d.number) FILTER (WHERE d.number = ANY(%(same)s::bigint[])), '{}') AS same_language,
               coalesce(array_agg(d.number) FILTER (WHERE d.number <> ALL(%(same)s::bigint[])), '{}') AS other_language
          FROM documents d
          JOIN knowledge_bases b ON b.organization_id = d.organization_id AND b.id = d.knowledge_base_id
         WHERE d.organization_id = %(organization)s AND d.number = ANY(%(numbers)s::bigint[])
         GROUP BY b.embedding_model
    """
    params = {"same": permitted.same_language, "numbers": permitted.numbers}
    return await tx.fetch_as(_Part, sql, {**params, "organization": tx.organization_id})


async def _rank_part(tx: Tx, permitted: _Permitted, part: _Part, question: Question, limit: int) -> Sequence[_Ranked]:
    """Return the best of a part. Where its model is not installed, words alone count."""
    vector = question.find_vector(part.model)
    params = {
        "organization": tx.organization_id,
        "numbers": permitted.numbers,
        "same_language": part.same_language,
        "other_language": part.other_language,
        "is_whole": len(part.same_language) + len(part.other_language) == len(permitted.numbers),
        "chunk_count": float(permitted.chunk_count),
        "mean_length": max(permitted.term_count / max(permitted.chunk_count, 1), 1.0),
        "terms": sorted(set(split_question(question.text[:_LONGEST_QUESTION])))[:_MOST_TERMS],
        "vector": render_vector(question.vector if vector is None else vector),
        "model": "" if vector is None else part.model,
        "vector_weight": VECTOR_WEIGHT,
        "floor": find_floor(part.model, question.language),
        "threshold": FOUND_THRESHOLD,
        "penalty": OTHER_LANGUAGE,
        "k1": _K1,
        "b": _B,
        "limit": limit,
    }
    rows = await _fetch_planned(tx, _RANK, params)
    return [_Ranked(*row) for row in rows]


async def _fetch_planned(tx: Tx, sql: str, params: Mapping[str, Any]) -> Sequence[Row]:
    """Run a statement planned for exactly these values: a plan for any list of numbers would be a bad one for most."""
    return await (await tx.connection.execute(sql, params, prepare=False)).fetchall()


# --- the second gate ---


async def _read(tx: Tx, scope: Scope, scores: Mapping[ChunkId, float]) -> tuple[Hit, ...]:
    """Return the passages in the order of `scores`; those that `scope` does not open are missing."""
    predicate, params = compile_predicate(scope)
    sql = f"""
        SELECT c.id, d.id, d.knowledge_base_id, d.kind, d.title, coalesce(q.answer, c.text), c.page_number, c.language
          FROM chunks c
          JOIN documents d ON d.organization_id = c.organization_id AND d.id = c.document_id
          LEFT JOIN faqs q ON q.organization_id = d.organization_id AND q.document_id = d.id
         WHERE c.organization_id = %(organization)s AND c.id = ANY(%(wanted)s::uuid[]) AND {predicate}
    """
    rows = await tx.fetch(sql, {**params, "organization": tx.organization_id, "wanted": list(scores)})
    hits = {row[0]: Hit(*(*row, scores[row[0]])) for row in rows}
    return tuple(hits[chunk] for chunk in scores if chunk in hits)
