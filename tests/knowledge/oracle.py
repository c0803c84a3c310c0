"""Search once more, naively: every permitted passage in Python, no database, nothing shared with the product but terms."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from frontdesk.knowledge.search import FOUND_THRESHOLD, VECTOR_WEIGHT, Question
from frontdesk.knowledge.text import split_question, split_terms


@dataclass(frozen=True)
class Passage:
    name: str
    terms: Mapping[str, float]
    vector: np.ndarray
    language: str


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
        similarity = max(float(passage.vector @ question.vector), 0.0)
        score = VECTOR_WEIGHT * similarity + (1 - VECTOR_WEIGHT) * (text / best if best else 0.0)
        score -= 0.0 if passage.language == question.language else 0.08
        scored.append((score >= FOUND_THRESHOLD, passage.language == question.language, max(score, 0.0), passage.name))
    return [(name, score) for _, _, score, name in sorted(scored, key=lambda one: one[:3], reverse=True)]


def faq_passage(question: str, answer: str, vector: np.ndarray, language: str) -> Passage:
    terms = Counter(split_terms(answer))
    for term in split_terms(question):
        terms[term] += 2
    return Passage(question, terms, vector, language)
