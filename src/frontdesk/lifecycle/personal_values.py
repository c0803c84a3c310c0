"""The values that name a person, and how they are taken out of text that stays."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import phonenumbers

MARK: Final = "[erased]"

_SHORTEST: Final = 2  # characters: a single one is in every text
_TELLING: Final = 3  # characters of a value that is looked for outside the person's own texts
_COMMON: Final = re.compile(r"[A-Za-z_]+|[0-9]{1,4}")  # also a word of ours, or a small number: it tells nothing there
_PUNCTUATION: Final = r"[\s().\-/]*"  # between the digits of a phone number, as people write it


@dataclass(frozen=True, slots=True)
class PersonalValues:
    """What is known of a person, by kind; texts are attributes, addresses of pictures, and former values."""

    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    source_ids: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every value once."""
        return tuple(dict.fromkeys((*self.names, *self.emails, *self.phones, *self.source_ids, *self.texts)))

    @property
    def telling(self) -> tuple[str, ...]:
        """The values that are the person's wherever they stand: no single Latin words, and no small numbers."""
        return tuple(value for value in self.all if len(value) >= _TELLING and not _COMMON.fullmatch(value))

    @property
    def pattern(self) -> str | None:
        """A regular expression, of Python and PostgreSQL, for all values as people write them; None: there are none.

        In any case, a name also in its parts, a phone number also without its country and with punctuation. Latin
        letters and digits match whole words only.
        """
        names = [part for name in self.names for part in (name, *name.split())]
        words = {*names, *self.emails, *self.source_ids, *self.texts}
        patterns = [_word(word) for word in sorted(words, key=len, reverse=True) if len(word) >= _SHORTEST]
        patterns += [_phone(phone) for phone in self.phones]
        return "|".join(patterns) or None


def collect_texts(value: Any) -> Iterator[str]:  # noqa: ANN401 -- JSON
    """Yield every text in a JSON value, at any depth; keys are none."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from collect_texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from collect_texts(inner)


def replace_texts(value: Any, replace: Callable[[str], str]) -> Any:  # noqa: ANN401 -- JSON
    """Return the JSON value with every text in it replaced; keys stay."""
    if isinstance(value, str):
        return replace(value)
    if isinstance(value, Mapping):
        return {key: replace_texts(inner, replace) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [replace_texts(inner, replace) for inner in value]
    return value


def mark_out(values: Iterable[str]) -> Callable[[str], str]:
    """Return a function that puts the mark in the place of each of `values`, in any case; never of a part of an id."""
    listed: Sequence[str] = sorted(values, key=len, reverse=True)
    bounded = (_bounded(re.escape(value), "A-Za-z0-9_-", value) for value in listed)
    pattern = re.compile("|".join(bounded), re.IGNORECASE)
    return lambda text: pattern.sub(MARK, text) if listed else text


def _word(text: str) -> str:
    inner = r"\s+".join(re.escape(part) for part in text.split()) or re.escape(text)
    return _bounded(inner, "A-Za-z0-9", text)


def _phone(phone: str) -> str:
    try:
        national = str(phonenumbers.parse(phone).national_number)
    except phonenumbers.NumberParseException:
        national = phone.removeprefix("+")
    digits = _PUNCTUATION.join(national)
    country = phone.removeprefix("+").removesuffix(national)
    prefix = rf"(?:\+?{_PUNCTUATION.join(country)}{_PUNCTUATION})?" if country else ""
    return _bounded(rf"{prefix}(?:0{_PUNCTUATION})?{digits}", "A-Za-z0-9", national)


def _bounded(inner: str, letters: str, text: str) -> str:
    """Match `inner`, which stands for `text`, where none of `letters` goes on; text that is not Latin has no ends."""
    before = f"(?<![{letters}])" if _is_latin(text[0]) else ""
    after = f"(?![{letters}])" if _is_latin(text[-1]) else ""
    return f"{before}(?:{inner}){after}"


def _is_latin(letter: str) -> bool:
    return letter.isascii() and letter.isalnum()
