"""How much two cards look like one person: what is compared, by which keys cards meet, and what the outcome counts.

Nothing here reads or writes. Weights are logarithms of how much more often an outcome is met within one person than
between two; the threshold was chosen on one of the labelled sets of `benchmarks/duplicates.py`, which prints what it
brings on the others.
"""

import hashlib
import math
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations
from typing import Any, Final
from uuid import UUID

from rapidfuzz.distance import OSA, JaroWinkler

from frontdesk.core.ids import ContactId, RealmId

SUGGEST_FROM: Final = 0.5  # of a score

_MOST: Final = {"words": 5, "addresses": 5, "attributes": 12}  # of one card, that make keys
_WORDS: Final = re.compile(r"[^\W_]+")
_HAN: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_DATE: Final = re.compile(r"(18|19|20)\d\d[-/.]?(0[1-9]|1[0-2])[-/.]?(0[1-9]|[12]\d|3[01])")
_ROLES: Final = frozenset(
    {"admin", "billing", "contact", "hello", "info", "mail", "no-reply", "noreply", "office", "orders", "sales",
     "service", "shop", "support", "team", "webmaster"}
)  # fmt: skip
_LOCAL_MIN: Final = 6  # characters before the @ that say something of a person
_PHONE_MIN: Final = 7
_PHONE_SUFFIX: Final = 8  # digits that the ways of writing one number have in common
_NEAR_WORD: Final = 0.87  # Jaro-Winkler
_NEAR_TEXT: Final = 0.88
_PRIOR: Final = -4.0
_TEXT_MOST: Final = 6.0  # texts such as city and district repeat each other


class Outcome(StrEnum):
    """How one field of two cards compares."""

    EQUAL = "equal"
    NEAR = "near"
    DIFFERENT = "different"
    MISSING = "missing"  # on one card at least


class Kind(StrEnum):
    """What kind of value is compared."""

    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    DATE = "date"
    CODE = "code"  # such as a number of a contract: letters and at least four digits
    TEXT = "text"
    SHORT = "short"


@dataclass(frozen=True, slots=True)
class Facts:
    """What of one card is compared, each value in the one form in which equal ones are equal."""

    id: ContactId
    words: tuple[str, ...] = ()  # of the name, without accents and case
    characters: str = ""  # Chinese, Japanese and Korean ones of the name
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()  # digits
    attributes: Mapping[str, str] | None = None
    realms: frozenset[RealmId] = frozenset()  # in which the person has a source id


@dataclass(frozen=True, slots=True)
class Evidence:
    """One field, such as `emails`, `name` or `attributes.birthday`, and how it compares."""

    field: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two cards side by side. Scores lie between 0 and 1; `plain_score` is without e-mails and phones."""

    evidence: tuple[Evidence, ...]
    score: float
    plain_score: float


_TELLING: Final = (Kind.DATE, Kind.CODE, Kind.TEXT, Kind.SHORT)  # of two kinds, what a mistyped value is one of
_WEIGHTS: Final[Mapping[Kind, Mapping[Outcome, float]]] = {
    Kind.EMAIL: {Outcome.EQUAL: 7.0, Outcome.NEAR: 2.0, Outcome.DIFFERENT: -0.5},
    Kind.PHONE: {Outcome.EQUAL: 6.5, Outcome.NEAR: 4.0, Outcome.DIFFERENT: -0.5},
    Kind.NAME: {Outcome.EQUAL: 3.5, Outcome.NEAR: 2.5, Outcome.DIFFERENT: -3.5},
    Kind.DATE: {Outcome.EQUAL: 4.0, Outcome.NEAR: 2.5, Outcome.DIFFERENT: -1.5},
    Kind.CODE: {Outcome.EQUAL: 6.0, Outcome.NEAR: 4.0, Outcome.DIFFERENT: -1.5},
    Kind.TEXT: {Outcome.EQUAL: 2.0, Outcome.NEAR: 1.5, Outcome.DIFFERENT: -0.6},
    Kind.SHORT: {Outcome.EQUAL: 0.5, Outcome.NEAR: 0.2, Outcome.DIFFERENT: -0.3},
}


def read_facts(
    contact_id: UUID,
    *,
    name: str,
    emails: Iterable[str],
    phones: Iterable[str],
    attributes: Mapping[str, Any],
    realms: Iterable[UUID] = (),
    ignored: Collection[bytes] = (),
) -> Facts:
    """Bring what stands on a card into the form in which it is compared, without the addresses in `ignored`."""
    plain = _fold(name)
    values = {key: _read_value(value) for key, value in attributes.items()}
    digits = (re.sub(r"\D", "", phone) for phone in phones)
    return Facts(
        ContactId(contact_id),
        words=tuple(_WORDS.findall(_HAN.sub(" ", plain))),
        characters="".join(_HAN.findall(plain)),
        emails=frozenset(email.lower() for email in emails if hash_identifier(email) not in ignored),
        phones=frozenset(
            number for number in digits if len(number) >= _PHONE_MIN and hash_identifier(number) not in ignored
        ),
        attributes={key: value for key, value in values.items() if value},
        realms=frozenset(map(RealmId, realms)),
    )


# --- keys ---


def keys_of(facts: Facts) -> list[int]:
    """Return what cards must have one of in common to be compared, as numbers of 64 bits.

    A card of which nothing is known has none.
    """
    return sorted({_hash_key(text) for text in _key_texts(facts)})


def without_shared(facts: Facts, crowded: Collection[int]) -> Facts:
    """Return `facts` without the addresses whose key is in `crowded`: too many people have them."""
    emails = frozenset(email for email in facts.emails if _hash_key(_email_key(email)) not in crowded)
    phones = frozenset(phone for phone in facts.phones if _hash_key(_phone_key(phone)) not in crowded)
    return replace(facts, emails=emails, phones=phones)


def hash_identifier(value: str) -> bytes:
    """Return what stands for an e-mail address, or for a phone number, among those that are ignored."""
    plain = value.lower() if "@" in value else re.sub(r"\D", "", value)
    return hashlib.sha256(plain.encode()).digest()


def fingerprint(first: Facts, second: Facts) -> bytes:
    """Return a hash of all that a comparison of the two reads: as long as it is the same, so is the outcome."""
    parts = [
        (facts.words, facts.characters, sorted(facts.emails), sorted(facts.phones),
         sorted((facts.attributes or {}).items()), sorted(map(str, facts.realms)))
        for facts in sorted((first, second), key=lambda facts: facts.id)
    ]  # fmt: skip
    return hashlib.sha256(repr(parts).encode()).digest()


def _key_texts(facts: Facts) -> Iterator[str]:
    for email in sorted(facts.emails)[: _MOST["addresses"]]:
        yield _email_key(email)
        local = _local(email)
        if len(local) >= _LOCAL_MIN and local not in _ROLES:
            yield f"l {local}"
    for phone in sorted(facts.phones)[: _MOST["addresses"]]:
        yield _phone_key(phone)
    words = facts.words[: _MOST["words"]]
    if len(words) > 1:
        yield f"n {' '.join(sorted(words))}"
        for pair in combinations(sorted(map(_skeleton, words)), 2):
            yield f"w {' '.join(pair)}"
    if len(facts.characters) > 1:
        yield f"c {''.join(sorted(facts.characters))}"
        for start in range(min(len(facts.characters) - 1, _MOST["words"])):
            yield f"b {facts.characters[start : start + 2]}"
    for key, value in sorted((facts.attributes or {}).items())[: _MOST["attributes"]]:
        if _kind_of(value) is not Kind.SHORT:
            yield f"a {key} {value}"


def _email_key(email: str) -> str:
    return f"e {email}"


def _phone_key(phone: str) -> str:
    return f"p {phone[-_PHONE_SUFFIX:]}"


def _hash_key(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def _skeleton(word: str) -> str:
    """Return the letters of a word that survive most ways of mishearing and mistyping it."""
    consonants = re.sub(r"(.)\1+", r"\1", re.sub(r"[aeiouyhw]", "", word[1:]))
    return word[:1] + consonants[:3]


# --- comparing ---


def compare(first: Facts, second: Facts) -> Comparison | None:
    """Compare two cards field by field.

    None when each has a source id in one realm: two ids are two people by the enterprise's own word, whatever they have
    in common.
    """
    if first.realms & second.realms:
        return None
    compared = [
        ("name", Kind.NAME, _compare_names(first, second)),
        ("emails", Kind.EMAIL, _compare_addresses(first.emails, second.emails, _are_near_emails)),
        ("phones", Kind.PHONE, _compare_addresses(first.phones, second.phones, _are_near_phones)),
        *_compare_attributes(first.attributes or {}, second.attributes or {}),
    ]
    return Comparison(
        tuple(Evidence(field, outcome) for field, _, outcome in compared),
        _score((kind, outcome) for _, kind, outcome in compared),
        _score((kind, outcome) for _, kind, outcome in compared if kind not in {Kind.EMAIL, Kind.PHONE}),
    )


def _score(compared: Iterable[tuple[Kind, Outcome]]) -> float:
    total, texts = _PRIOR, 0.0
    for kind, outcome in compared:
        weight = _WEIGHTS[kind].get(outcome, 0.0)
        if kind in {Kind.TEXT, Kind.SHORT} and weight > 0:
            texts += weight
        else:
            total += weight
    return 1 / (1 + math.exp(-(total + min(texts, _TEXT_MOST))))


def _compare_names(first: Facts, second: Facts) -> Outcome:
    outcomes = [Outcome.MISSING]
    if first.characters and second.characters:
        outcomes.append(_compare_characters(first.characters, second.characters))
    if first.words and second.words:
        outcomes.append(_compare_words(first.words, second.words))
    order = (Outcome.EQUAL, Outcome.NEAR, Outcome.DIFFERENT, Outcome.MISSING)
    return min(outcomes, key=order.index)


def _compare_characters(first: str, second: str) -> Outcome:
    """Compare names of Chinese characters: a family name stands before or behind, or is left out."""
    if sorted(first) == sorted(second):
        return Outcome.EQUAL
    shorter, longer = sorted((first, second), key=len)
    if len(shorter) > 1 and shorter in longer:
        return Outcome.NEAR
    return Outcome.NEAR if len(shorter) > 2 and OSA.distance(first, second) == 1 else Outcome.DIFFERENT  # noqa: PLR2004 -- of two characters, one is too few


def _compare_words(first: tuple[str, ...], second: tuple[str, ...]) -> Outcome:
    """Compare names of words in any order: each of the shorter name is one of the longer, near it, or its initial."""
    if sorted(first) == sorted(second):
        return Outcome.EQUAL
    shorter, longer = sorted((first, second), key=lambda words: (len(words), words))
    left = list(longer)
    is_near = 0
    for word in sorted(shorter, key=len, reverse=True):
        best = max(left, key=lambda other: _likeness(word, other))
        if _likeness(word, best) >= _NEAR_WORD:
            is_near += 1
            left.remove(best)
    if is_near == len(shorter) and (is_near > 1 or len(longer) == 1):
        return Outcome.NEAR
    if JaroWinkler.similarity("".join(sorted(first)), "".join(sorted(second))) >= _NEAR_TEXT:
        return Outcome.NEAR
    return Outcome.MISSING if is_near else Outcome.DIFFERENT  # one name in common proves nothing, either way


def _likeness(word: str, other: str) -> float:
    if len(word) == 1 or len(other) == 1:
        return _NEAR_WORD if word[0] == other[0] else 0.0
    return JaroWinkler.similarity(word, other)


def _compare_addresses(first: frozenset[str], second: frozenset[str], are_near: Callable[[str, str], bool]) -> Outcome:
    if not first or not second:
        return Outcome.MISSING
    if first & second:
        return Outcome.EQUAL
    return Outcome.NEAR if any(are_near(one, other) for one in first for other in second) else Outcome.DIFFERENT


def _are_near_emails(one: str, other: str) -> bool:
    local, its_local = _local(one), _local(other)
    if local in _ROLES or its_local in _ROLES or min(len(local), len(its_local)) < _LOCAL_MIN:
        return False
    return local == its_local or (
        one.rpartition("@")[2] == other.rpartition("@")[2] and OSA.distance(local, its_local) == 1
    )


def _are_near_phones(one: str, other: str) -> bool:
    return one[-_PHONE_SUFFIX:] == other[-_PHONE_SUFFIX:]


def _compare_attributes(first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[tuple[str, Kind, Outcome]]:
    for key in sorted(first.keys() & second.keys()):
        kind = min(_kind_of(first[key]), _kind_of(second[key]), key=_TELLING.index)
        yield f"attributes.{key}", kind, _compare_values(kind, first[key], second[key])


def _compare_values(kind: Kind, one: str, other: str) -> Outcome:
    if one == other:
        return Outcome.EQUAL
    if kind is Kind.TEXT:
        return Outcome.NEAR if JaroWinkler.similarity(one, other) >= _NEAR_TEXT else Outcome.DIFFERENT
    return Outcome.NEAR if kind is not Kind.SHORT and OSA.distance(one, other) == 1 else Outcome.DIFFERENT


# --- values ---


def _fold(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", "".join(letter for letter in parts if not unicodedata.combining(letter)))


def _read_value(value: object) -> str:
    """Return a text or a number in one form; empty for what cannot tell people apart."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = " ".join(_fold(str(value)).split())
    return re.sub(r"[-/.]", "", text) if _DATE.fullmatch(text) else text[:200]


def _kind_of(value: str) -> Kind:
    if _DATE.fullmatch(value):
        return Kind.DATE
    digits = sum(letter.isdecimal() for letter in value)
    if digits >= 4 and len(value) >= 6 and " " not in value:  # noqa: PLR2004 -- see Kind.CODE
        return Kind.CODE
    return Kind.TEXT if len(_HAN.findall(value)) > 1 or sum(map(str.isalpha, value)) >= 4 else Kind.SHORT  # noqa: PLR2004


def _local(email: str) -> str:
    return email.partition("@")[0].partition("+")[0].replace(".", "")
