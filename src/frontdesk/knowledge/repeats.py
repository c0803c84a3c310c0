"""Passages that say what another one says already. Pure."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final

from frontdesk.knowledge.search import Hit
from frontdesk.knowledge.text import count_terms

_ALIKE: Final = 0.9  # of the terms of both
_TELLING_WORDS: Final = """
    not no never without except only none nor until
    one two three four five six seven eight nine ten eleven twelve half twice
"""
_TELLING_CHARACTERS: Final = frozenset("不沒没未無无非勿別别禁僅仅只一二三四五六七八九十百千萬万兩两半零")


def drop_repeats(hits: Sequence[Hit]) -> list[Hit]:
    """Return `hits` in their order, without those that say nearly word for word what one before them says.

    A different number or a "not" is a difference, however long the rest is. It looks at `hits` alone: what a search
    was not allowed to find can hide nothing.
    """
    kept: list[tuple[Hit, Counter[str]]] = []
    for hit in hits:
        terms = count_terms(f"{hit.title}\n{hit.text}" if hit.kind == "faq" else hit.text)
        if not any(_is_repeat(terms, other) for _, other in kept):
            kept.append((hit, terms))
    return [hit for hit, _ in kept]


def _is_repeat(one: Counter[str], other: Counter[str]) -> bool:
    common, all_terms = one & other, one | other
    return common.total() >= _ALIKE * all_terms.total() and not any(map(_is_telling, all_terms - common))


def _is_telling(term: str) -> bool:
    characters = set(term)
    return (
        any(map(str.isdigit, characters)) or not characters.isdisjoint(_TELLING_CHARACTERS) or term in _telling_words()
    )


@cache
def _telling_words() -> frozenset[str]:
    return frozenset(count_terms(_TELLING_WORDS))
