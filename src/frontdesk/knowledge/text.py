"""Text as search reads it: terms for the text leg, and a guess at the language. Pure."""

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from itertools import pairwise
from typing import Final, Literal, TypeAlias

from snowballstemmer import stemmer  # type: ignore[import-untyped] # it ships no types

Language: TypeAlias = Literal["en", "zh"]

_LONGEST_TERM: Final = 64  # characters; what is longer is cut: nobody asks for it, and an index entry has a limit
_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED: Final = _HAN + "\u3040-\u30ff\uac00-\ud7af"  # kana and hangul as well: written without spaces, or as good as
_RUNS: Final = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?P<word>[^\W_{_UNSPACED}]+)")
_HAN_LETTER: Final = re.compile(f"[{_HAN}]")
_LATIN_LETTER: Final = re.compile("[a-z]")
_ENGLISH_FUNCTION_WORDS: Final = """
    a an the is are was were be been am do does did can could will would shall should may might must have has had i you
    he she it we they me him her us them my your his its our their this that these those there here of to in on at by
    for from with without about as into over under and or but if so than then not no any some what which who whom whose
    when where why how please tell want need get
"""
_CHINESE_FUNCTION_CHARACTERS: Final = "的了嗎呢吧啊我你您他她它們是有在和與或及請問可以要想怎麼什哪些個這那為會不"


def normalise(text: str) -> str:
    """Return `text` in Unicode NFKC and lower case, in which spellings that look alike are equal."""
    return unicodedata.normalize("NFKC", text).lower()


def split_terms(text: str) -> list[str]:
    """Return the terms of `text`, in order, repeated ones too.

    Words are stemmed as English; of writing without spaces each character is a term, and each pair of neighbours.
    """
    terms: list[str] = []
    for run in _RUNS.finditer(normalise(text)):
        characters = run["unspaced"]
        if characters:
            terms += characters
            terms += map("".join, pairwise(characters))
        else:
            terms.append(_stem(run["word"][:_LONGEST_TERM]))
    return terms


def split_question(text: str) -> list[str]:
    """Return the terms of a question that tell what it is about; all of them when none does."""
    terms = split_terms(text)
    return [term for term in terms if term not in _function_words()] or terms


@cache
def _function_words() -> frozenset[str]:
    """Words that hold a question together and say nothing of its subject, as terms."""
    return frozenset(split_terms(_ENGLISH_FUNCTION_WORDS)) | frozenset(_CHINESE_FUNCTION_CHARACTERS)


@lru_cache(maxsize=50_000)
def _stem(word: str) -> str:
    """Stem as English. A stemmer is slow and keeps state that threads must not share: so it is new, behind a cache."""
    stem: str = stemmer("english").stemWord(word)
    return stem


def count_terms(text: str) -> Counter[str]:
    """Return how often each term of `text` occurs."""
    return Counter(split_terms(text))


def guess_language(text: str) -> Language:
    """Tell Chinese from everything else by the share of its characters; one of them weighs as much as two letters."""
    plain = normalise(text)
    return "zh" if 2 * len(_HAN_LETTER.findall(plain)) > len(_LATIN_LETTER.findall(plain)) else "en"
