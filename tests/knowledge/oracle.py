"""Search once more, naively: every permitted passage in Python, no database, nothing shared with the product but terms."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from frontdesk.knowledge.ingest import content_key
from frontdesk.knowledge.scoring import FOUND_THRESHOLD, OTHER_LANGUAGE, VECTOR_WEIGHT, find_floor
from frontdesk.knowledge.search import Question
from frontdesk.knowledge.text import split_question, split_terms


@dataclass(frozen=True)
class Passage:
    name: str
    terms: Mapping[str, float]
    vector: np.ndarray
    language: str
    key: bytes  # what orders passages of equal score


def rank(passages: Sequence[Passage], question: Question) -> list[tuple[str, float]]:
    """All passages with their scores, best first."""
    wanted = sorted(set(split_question(question.text)))
    total = len(passages)
    lengths = [sum(passage.terms.values()) for passage in passages]
    mean = sum(lengths) / total
    weights = {}
    for term in wanted:
        holders = sum(term in passage.terms for passage in passages)
        weights[term] = math.log(1 + (total - holders + 0.5) / (holders + 0.5)) * 2.2
    best = sum(weights.values())
    scored = []
    for passage, length in zip(passages, lengths, strict=True):
        text = sum(
            weights[term] * passage.terms[term] / (passage.terms[term] + 1.2 * (0.25 + 0.75 * length / mean))
            for term in wanted
            if term in passage.terms
        )
        floor = find_floor(question.model, question.language)
        similarity = max((float(passage.vector @ question.vector) - floor) / (1 - floor), 0.0)
        score = VECTOR_WEIGHT * similarity + (1 - VECTOR_WEIGHT) * (text / best if best else 0.0) ** 2
        score -= 0.0 if passage.language == question.language else OTHER_LANGUAGE
        place = (score < FOUND_THRESHOLD, passage.language != question.language, -score, passage.key)
        scored.append((place, passage.name, max(score, 0.0)))
    return [(name, score) for _, name, score in sorted(scored)]


def faq_passage(question: str, answer: str, vector: np.ndarray, language: str) -> Passage:
    terms = Counter(split_terms(answer))
    for term in split_terms(question):
        terms[term] += 2
    return Passage(question, terms, vector, language, content_key(question, 0, f"{question}\n{answer}"))
